"""A message of the journal made into an example of its profile, with a made-up value in the place of each that could be
of a patron.

A text stays only where it surely says nothing of a patron: a code that a shipped profile's example has in an element
of that name, a value that the profile itself has, the library's symbol. All else is replaced, also numbers of requests
and items, titles and dates, since they tell who reads what. What the example is to be understood as is read from the
replaced text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache

from lxml import etree

from gateway.domain.problems import KeyPath, MalformedMessage, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.responder import RawMessage, TransportKind
from gateway.profiles.shipped import list_shipped_profiles
from gateway.services.exchange.message_context import NotReplayableError
from gateway.services.exchange.value_trace import HIDDEN, ValueTracer, list_understood

CODE_ELEMENT = re.compile(r"(?i)(?!.*(patron|privilege)).*(type|status|action|level|identifiercode|reasonformessage)")
"""Elements that hold codes, by their local names; those about a patron's rights are none."""

MIN_KEPT_CHARS = 2
"""Shorter values of a profile may stand anywhere by chance."""

_WRITTEN_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)[^<>]*>([^<>&\d]+)</")
_WRITTEN_ATTRIBUTE = re.compile(r"""=["']([^"'<>&]+)["']""")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:(T)\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?")
_NUMBER = re.compile(r"\S*\d\S*")


@value_object
class ReplacedValue:
    """`place`: path of the element or attribute, by local names. `after`: empty for an attribute, which is removed."""

    place: str
    before: str = field(repr=False)
    after: str


@value_object
class MessageExample:
    """`send` and `understood` as in an example of a profile."""

    service: str
    send: str
    understood: Mapping[str, str]
    replaced: tuple[ReplacedValue, ...] = field(repr=False)


def make_example(tracer: ValueTracer) -> MessageExample:
    """Make an example of a message that is XML and is understood. Raises NotReplayableError."""
    try:
        if tracer.read_message(tracer.arrival.body, tracer.exchange.profile).unknown:
            raise NotReplayableError("it has elements that the gateway does not know")
    except (Refused, MalformedMessage) as error:
        raise NotReplayableError(write_sentence("it is not understood: %(reason)s", reason=str(error))) from error
    root = _parse_message(tracer.arrival.body)
    replaced = tuple(_ValueReplacer(tracer).replace_values(root))
    send = f"{etree.tostring(root, encoding='unicode')}\n"
    profile = tracer.exchange.profile
    arrival = RawMessage(
        send.encode(), tracer.arrival.received, TransportKind.REPLAY, tracer.arrival.protocol, profile=profile.name
    )
    try:
        message = replace(tracer, arrival=arrival).read_message(arrival.body, profile)
    except (Refused, MalformedMessage) as error:
        raise NotReplayableError(
            write_sentence("with made-up values it is not understood: %(reason)s", reason=str(error))
        ) from error
    understood = {path: text.replace("+00:00", "Z") for path, text in list_understood(message).items()}
    shown = {path: text for path, text in understood.items() if text not in (HIDDEN, "True")}
    return MessageExample(message.service, send, {"service": message.service, **shown}, replaced)


def _parse_message(body: bytes) -> etree._Element:
    """Parse it without comments, instructions and namespaces that nothing uses. Raises NotReplayableError."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, remove_blank_text=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotReplayableError("it is not XML") from error
    if any(not isinstance(element.tag, str) for element in root.iter()):
        raise NotReplayableError("it has entities of its own")
    etree.cleanup_namespaces(root)
    etree.indent(root)
    return root


class _ValueReplacer:
    """Replaces the values of one message. The same text is replaced by the same, so that a number fits its repeat."""

    def __init__(self, tracer: ValueTracer) -> None:
        data = tracer.loaded.document.data
        sections = ("match", "circulation", *tracer.exchange.profile.dialects)
        texts = [pair for name in sections for pair in _list_texts(data.get(name), (name,))]
        self._kept = {tracer.exchange.symbol, *(text for _path, text in texts if len(text) >= MIN_KEPT_CHARS)}
        self._prefixes = tuple(text for path, text in texts if "strip_prefix" in path and len(text) >= MIN_KEPT_CHARS)
        self._made_up: dict[str, str] = {}

    def replace_values(self, root: etree._Element) -> Iterator[ReplacedValue]:
        codes, attributes = _read_shipped_texts()
        for element in root.iter():
            name = etree.QName(element).localname
            names = [etree.QName(parent).localname for parent in element.iterancestors()]
            place = "/".join((*reversed(names), name))
            for key, value in list(element.attrib.items()):
                if value not in attributes:
                    del element.attrib[key]
                    yield ReplacedValue(f"{place}/@{etree.QName(key).localname}", str(value), "")
            text = (element.text or "").strip()
            if text and text not in self._kept and (name, text) not in codes:
                element.text = self._make_up_value(text)
                yield ReplacedValue(place, text, element.text)
            tail = (element.tail or "").strip()
            if tail:
                element.tail = self._make_up_value(tail)
                yield ReplacedValue(place.rpartition("/")[0], tail, element.tail)

    def _make_up_value(self, text: str) -> str:
        if text not in self._made_up:
            prefix = next((prefix for prefix in self._prefixes if text.startswith(prefix)), "")
            number = len(self._made_up) + 1
            rest = text.removeprefix(prefix)
            made_up = _make_up_text(rest, number)
            self._made_up[text] = prefix + (made_up if made_up != rest else _make_up_text(rest, number + 1))
        return self._made_up[text]


def _make_up_text(text: str, number: int) -> str:
    """Make up a value of the same kind: date, truth value, email address, number of the same form, or words."""
    if date := _DATE.fullmatch(text):
        return f"2099-06-{number % 28 + 1:02}{'T12:00:00' if date[1] else ''}{'Z' if date[2] else ''}"
    if text.casefold() in ("true", "false"):
        return "true"
    if "@" in text:
        return f"name{number}@mail.example"
    if not _NUMBER.fullmatch(text):
        return f"Example {number}"
    count = sum(char.isdigit() for char in text)
    digits = iter(("9" * count + f"{number:02}")[-count:])
    return "".join(_make_up_char(char, digits) for char in text)


def _make_up_char(char: str, digits: Iterator[str]) -> str:
    if char.isdigit():
        return next(digits)
    if char in string.punctuation:
        return char
    return "X" if char.isupper() else "x"


def _list_texts(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """List the texts in a section of a profile, keys of its maps among them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path, str(key)
            yield from _list_texts(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _list_texts(inner, (*path, index))
    elif isinstance(value, str):
        yield path, value


@cache
def _read_shipped_texts() -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Read the codes in examples of shipped profiles, with their elements, and the values of attributes."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in list_shipped_profiles().values())
    elements = {(name, code.strip()) for name, code in _WRITTEN_ELEMENT.findall(text)}
    codes = frozenset(pair for pair in elements if CODE_ELEMENT.fullmatch(pair[0]))
    return codes, frozenset(_WRITTEN_ATTRIBUTE.findall(text))
