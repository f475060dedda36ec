"""Elements that a partner who is played has otherwise than our codec writes them, by their path below the message, as
scenarios name them: `deliveryInfo/sentVia`. Names are those of any version; an element stands where the schema wants
it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, cast

from pydantic import Field

from adapters.iso18626.codec import NAMESPACE, Iso18626Style, decode_message, encode_message
from adapters.iso18626.dialect import SECTION, Iso18626Dialect, dialect_of
from adapters.iso18626.messages import MESSAGES, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.declaration import Compound, FieldElement, Kind, OpenCode, list_elements
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.value import replace
from gateway.ports.responder import ResponderAnswer

S = TypeVar("S", bound=Compound)

Elements = Mapping[str, str | None]


class RehearsedDialect(Iso18626Dialect):
    """The dialect of a partner who is played, for one message."""

    elements: Elements = Field(default_factory=dict)

    def finish_message(self, message: S) -> S:
        return change_elements(message, self.elements)


def write_elements(profile: Profile, elements: Elements) -> Profile:
    """See `rehearsal.ports.rehearsals.ProtocolRehearsal`."""
    check_elements(elements)
    dialect = RehearsedDialect.model_construct(**{**dict(dialect_of(profile)), "elements": elements})
    return profile.model_copy(update={"dialects": {**profile.dialects, SECTION: dialect}})


def change_answer(answer: ResponderAnswer, elements: Elements) -> ResponderAnswer:
    """Change an answer; what is no message of ISO 18626 stays as it is. Raises ConfigurationError."""
    check_elements(elements)
    try:
        decoded = decode_message(answer.body)
    except MalformedMessage:
        return answer
    shape = decoded.shape
    style = Iso18626Style(NAMESPACE if shape.namespace == NAMESPACE else shape.namespace, wrapped=shape.wrapped)
    changed = change_elements(decoded.message, elements)
    return replace(answer, body=encode_message(changed, shape.version, style, version_string=shape.version_string).data)


def check_elements(elements: Elements) -> None:
    """Raise ConfigurationError for a path that no message has, and for a text that can't stand there."""
    for path, text in elements.items():
        names = path.split("/")
        owners = [message for message in MESSAGES.values() if _find_element(message, names) is not None]
        problem = "" if owners else "no message of ISO 18626 has such an element"
        if owners and text is not None:
            try:
                change_elements(owners[0](), {path: text})
            except (ValueError, InvalidOperation):
                problem = f"this can't stand there: {text}"
        if problem:
            raise ConfigurationError([ConfigurationProblem("scenario", 0, ("elements", path), problem)])


def change_elements(message: S, elements: Elements) -> S:
    """A path that this kind of message doesn't have is passed over. `{supplier}` and `{requester}` are the symbols of
    its header."""
    symbols = _list_symbols(message)
    for path, text in elements.items():
        names = path.split("/")
        if _find_element(type(message), names) is not None:
            message = _change_element(message, names, symbols.get(text or "", text))
    return message


def _list_symbols(message: Compound) -> Mapping[str, str]:
    header = message.header if isinstance(message, Request | SupplyingAgencyMessage | RequestingAgencyMessage) else None
    if header is None:
        return {}
    agencies = {"{supplier}": header.supplying_agency, "{requester}": header.requesting_agency}
    return {word: agency.value or "" for word, agency in agencies.items() if agency is not None}


def _find_element(owner: type[Compound], names: Sequence[str]) -> tuple[str, FieldElement] | None:
    """Find the field that holds the last name."""
    element = next(
        ((field, part) for field, part in list_elements(owner).items() if names[0] in (part.name, part.older_name)),
        None,
    )
    if element is None or len(names) == 1:
        return element
    return _find_element(element[1].structure, names[1:]) if element[1].structure is not None else None


def _change_element(owner: S, names: Sequence[str], text: str | None) -> S:
    pair = _find_element(type(owner), names[:1])
    assert pair is not None, "check_elements has looked"
    field, element = pair
    held = getattr(owner, field)
    first = (held[0] if held else None) if element.is_many else held
    value: Any
    if len(names) > 1:
        assert element.structure is not None
        if first is None and text is None:
            return owner
        value = _change_element(first if first is not None else element.structure(), names[1:], text)
    else:
        value = _read_text(element, text) if text is not None else None
    if not element.is_many:
        return replace(owner, **{field: value})
    rest = held[1:] if len(names) > 1 else ()
    return replace(owner, **{field: (value, *rest) if value is not None else ()})


def _read_text(element: FieldElement, text: str) -> Any:
    """Read a text; raises ValueError, InvalidOperation."""
    match element.kind:
        case Kind.CODE:
            return OpenCode(text)
        case Kind.AMOUNT:
            return Decimal(text)
        case Kind.MOMENT:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        case Kind.YES_NO:
            return text == "Y"
        case Kind.BOOLEAN:
            return text == "true"
        case Kind.NUMBER:
            return int(text)
        case Kind.STRUCTURE:
            return _make_empty_structure(element, text)
    return text


def _make_empty_structure(element: FieldElement, text: str) -> Compound:
    """An element without anything in it. Raises ValueError for a text."""
    if text:
        raise ValueError("it holds elements and no text")
    assert element.structure is not None
    first = next(name for name, element in list_elements(element.structure).items() if element.kind is Kind.TEXT)
    empty: Any = element.structure()
    return cast(Compound, replace(empty, **{first: ""}))
