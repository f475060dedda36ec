"""Hypothesis strategies for NCIP messages, built from what the message classes say about their fields.

`messages(version)` gives messages that the schema of that version has, with values as they come back from reading:
text without blanks at its ends, moments in UTC and whole seconds. For version 1 they hold only what version 1 can
carry (README.md of the adapter lists what it can't).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, get_type_hints

from hypothesis import strategies as st

from adapters.ncip.element_reader import value_type
from adapters.ncip.messages import INITIATIONS, RESPONSES, Response
from adapters.ncip.messages.declaration import (
    V1_USER_ID_ELEMENT,
    Choice,
    Code,
    Element,
    RawElement,
    Structure,
    When,
    elements_of,
    is_in_version,
)
from adapters.ncip.messages.envelope import (
    Extension,
    LookupVersion,
    LookupVersionResponse,
    Message,
    Problem,
    Problems,
    Root,
)
from adapters.ncip.messages.item_services import RequestItem
from adapters.ncip.messages.items import HoldingsSet, ItemInformation
from adapters.ncip.messages.unsupported import UNSUPPORTED
from adapters.ncip.messages.users import LoanedItem, UserOptionalFields
from adapters.ncip.wire_values import Version

MAX_DEPTH = 4
"""Below this, optional structures are left out."""

_WORDS = (
    "Barcode Id",
    "Hold",
    "User Id",
    "Müller & Söhne",
    'R&D <2> "x"',
    "日本語",
    "Ελλάδα",
    "مكتبة",
    "€ 😀",
    "a\r\nb\tc",
)

texts = st.sampled_from(_WORDS) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=12,
).map(str.strip).filter(bool)
schemes = st.none() | st.sampled_from(
    ("http://www.niso.org/ncip/v1_0/schemes/x/x.scm", "http://localhost/?target=get&scheme=Unique%20Agency", "urn:a'b")
)
codes = st.builds(Code, texts.filter(lambda word: word != V1_USER_ID_ELEMENT), schemes)
moments = st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
days = st.dates(date(1000, 1, 1), date(9998, 1, 1))
ext_elements = st.sampled_from(
    (
        RawElement("uuid", "b1", '<uuid xmlns="">b1</uuid>'),
        RawElement("Note", "é & ü", '<x:Note xmlns:x="urn:example:x">é &amp; ü</x:Note>'),
        RawElement(
            "RequestId",
            "R1",
            '<n:RequestId xmlns:n="http://www.niso.org/2008/ncip"><n:Inner>R1</n:Inner></n:RequestId>',
        ),
    )
)


def messages(version: Version) -> st.SearchStrategy[Message]:
    """Any message of the version."""
    return st.sampled_from(services_of(version)).flatmap(lambda cls: messages_of(cls, version))


def services_of(version: Version) -> list[type[Structure]]:
    """Modelled message types that the schema of the version has; for version 1 all that the encoder can write."""
    all_types: list[type[Structure]] = [*INITIATIONS.values(), *RESPONSES.values()]
    left_out = {"RenewAllItem", *UNSUPPORTED}
    if not version.is_v1:
        left_out.add("LookupVersion")
        if version is not Version.V2_02:
            left_out.add("LookupItemSet")
    return [cls for cls in all_types if cls.__name__.removesuffix("Response") not in left_out]


def messages_of(cls: type[Structure], version: Version) -> st.SearchStrategy[Message]:
    """Messages with a body of this class."""
    return structures(cls, version, 0).map(lambda body: Message(body=body, version=version))  # type: ignore[arg-type]


def top_level(version: Version) -> st.SearchStrategy[Message]:
    """Messages that are Problems or, in version 2, an Ext."""
    problems = st.lists(structures(Problem, version, MAX_DEPTH), min_size=1, max_size=2).map(
        lambda found: Message(body=Problems(problems=tuple(found)), version=version)
    )
    if version.is_v1:
        return problems
    return problems | st.lists(ext_elements, min_size=1, max_size=2).map(
        lambda found: Message(body=Extension(ext=tuple(found)), version=version)
    )


def version_messages() -> st.SearchStrategy[Message]:
    """LookupVersion and its answer in their own root."""
    return st.sampled_from((LookupVersion, LookupVersionResponse)).flatmap(
        lambda cls: structures(cls, Version.V1_0, 0).map(
            lambda body: Message(body=body, version=Version.V1_0, root=Root.VERSION_MESSAGE)
        )
    )


hints_of = cache(get_type_hints)


@cache
def structures(cls: type[Structure], version: Version, depth: int) -> st.SearchStrategy[Structure]:
    """Structures as the schema of the version has them."""
    return _structures(cls, version, depth)


@st.composite
def _structures(draw: Any, cls: type[Structure], version: Version, depth: int) -> Structure:
    elements = {name: element for name, element in elements_of(cls).items() if is_in_version(element, version)}
    names = _chosen(draw, cls, elements, depth, version)
    hints = hints_of(cls)
    values = {name: draw(_field(hints[name], elements[name], version, depth)) for name in names}
    if _may_have_ext(cls, names, version) and draw(st.integers(0, 9)) == 0:
        values["ext"] = tuple(draw(st.lists(ext_elements, min_size=1, max_size=2)))
    value = cls(**values)
    return _as_v1(value) if version.is_v1 else value


def _may_have_ext(cls: type[Structure], names: list[str], version: Version) -> bool:
    lone_problem = cls in (HoldingsSet, ItemInformation) and "problems" in names
    return cls.has_ext and not version.is_v1 and not lone_problem


def _chosen(draw: Any, cls: type[Structure], elements: dict[str, Element], depth: int, version: Version) -> list[str]:
    """Names of the fields to fill: what is required, one way of each choice, some of the rest."""
    if "problems" in elements and cls is not Problems and draw(st.integers(0, 3)) == 0:
        beside = [name for name, element in elements.items() if element.beside_problems and name != "problems"]
        return ["problems", *(name for name in beside if draw(st.booleans()))]
    in_choices = {name for choice in cls.choices for name in choice.fields}
    chosen: list[str] = []
    for choice in cls.choices:
        chosen += _one_way(draw, choice, elements, cls, version)
    hints = hints_of(cls)
    for name, element in elements.items():
        if name in in_choices or name == "problems" or (_only_with_problems(cls, element)):
            continue
        wanted = element.required or _required_before_2_02(cls, name, version)
        if wanted or (draw(st.integers(0, 2)) == 0 and not (depth >= MAX_DEPTH and _is_structure(hints[name]))):
            chosen.append(name)
    return chosen


def _only_with_problems(cls: type[Structure], element: Element) -> bool:
    return issubclass(cls, Response) and element.beside_problems and element.name.startswith("Required")


def _required_before_2_02(cls: type[Structure], name: str, version: Version) -> bool:
    return cls is LoanedItem and version is not Version.V2_02 and name in ("reminder_level", "amount")


def _one_way(
    draw: Any, choice: Choice, elements: dict[str, Element], cls: type[Structure], version: Version
) -> list[str]:
    if choice.optional and draw(st.booleans()):
        return []
    ways = [way for way in choice.alternatives if all(any(n in elements for n in names) for names in way.required)]
    way = draw(st.sampled_from(ways))
    chosen = [draw(st.sampled_from([name for name in names if name in elements])) for names in way.required]
    if cls is RequestItem and version is Version.V2_0:
        return chosen
    return chosen + [name for name in way.optional if name in elements and draw(st.booleans())]


def _is_structure(hint: Any) -> bool:
    kind = value_type(hint)
    return isinstance(kind, type) and issubclass(kind, Structure)


def _field(hint: Any, element: Element, version: Version, depth: int) -> st.SearchStrategy[Any]:
    value = _value(hint, element, version, depth)
    if not element.many:
        return value
    most = 1 if version in element.single_in else 2
    return st.lists(value, min_size=1, max_size=most).map(tuple)


def _value(hint: Any, element: Element, version: Version, depth: int) -> st.SearchStrategy[Any]:
    kind = value_type(hint)
    if element.day:
        return days
    simple: dict[Any, st.SearchStrategy[Any]] = {str: texts, Code: codes, When: moments, bool: st.just(True)}
    if kind in simple:
        return simple[kind]
    if kind is int:
        least = 1 if version is not Version.V2_02 and element.name == "ReminderLevel" else element.minimum
        return st.integers(-(10**9) if least is None else least, 10**9)
    return structures(kind, version, depth + 1)


# --- what version 1 can carry ----------------------------------------------------------------------------


def _as_v1(value: Structure) -> Structure:
    """The structure without what version 1 would lose inside it."""
    change = _V1_CHANGES.get(type(value))
    return change(value) if change else value


def _v1_problem(problem: Any) -> Structure:
    """A path with single slashes; a value only, no detail."""
    element = "/".join(part.strip() for part in (problem.element or "").split("/") if part.strip()) or None
    return replace(problem, element=element, detail=None)


def _v1_user_fields(fields: Any) -> Structure:
    """VisibleUserId: type and value, no agency."""
    return replace(
        fields,
        user_ids=tuple(replace(user, identifier_type=Code("Barcode"), agency_id=None) for user in fields.user_ids),
    )


_V1_CHANGES: dict[type[Structure], Callable[[Any], Structure]] = {
    Problem: _v1_problem,
    UserOptionalFields: _v1_user_fields,
}
