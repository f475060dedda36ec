"""Items of extensions: an EXTERNAL is peeled by hand, and what is in it read where its syntax is known."""

from __future__ import annotations

from adapters.iso_ill.codec import tlv
from adapters.iso_ill.codec.reading import (
    ABSENT,
    LONGEST_REMEMBERED,
    MOST_REMEMBERED,
    Reader,
    external,
    plan_of,
    read_any,
)
from adapters.iso_ill.messages.extensions import OBJECT_IDENTIFIERS, Credentials, DeliveryInfo, Item, Opaque
from adapters.iso_ill.messages.external import Encoding, External
from gateway.domain.problems import MalformedMessage

_KNOWN = {identifier: cls for cls, identifier in OBJECT_IDENTIFIERS.items() if cls is not Credentials}
_PROMPT_1 = OBJECT_IDENTIFIERS[Credentials]

_RESPONSE = tlv.CONTEXT | 2  # PromptObject: response
_PROMPT, _ANSWER, _ENUMERATED, _TYPE, _STRING = (tlv.CONTEXT | number for number in (1, 2, 1, 1, 1))
_USER_ID, _PASSWORD = 1, 2


def read_item(reader: Reader, start: int, stop: int, constructed: bool) -> Item:
    """Whatever can't be read as what it should be is kept as it came, with a note."""
    octets = read_any(reader, start, stop, constructed)
    if (known := _SEEN.get(octets)) is not None:
        return known
    notes = len(reader.oddities)
    item = _item(reader, octets, start, stop)
    if isinstance(item, DeliveryInfo) and len(reader.oddities) == notes and len(octets) <= LONGEST_REMEMBERED:
        if len(_SEEN) >= MOST_REMEMBERED:
            _SEEN.clear()
        _SEEN[octets] = item
    return item


_SEEN: dict[bytes, DeliveryInfo] = {}
"""A partner sends the same in all that it sends. Nothing else is kept here, least of all credentials."""


def _item(reader: Reader, octets: bytes, start: int, stop: int) -> Item:
    if octets[0] & ~tlv.CONSTRUCTED != tlv.EXTERNAL:
        return Opaque(octets)
    _, _, begin, end, _ = reader.header(start, stop)
    peeled = reader.attempt(lambda: external(reader, begin, end))
    if isinstance(peeled, MalformedMessage):
        reader.note(f"kept as it is: {peeled.reason}")
        return Opaque(octets)
    assert isinstance(peeled, External)
    if peeled.encoding is not Encoding.SINGLE_ASN1_TYPE or peeled.indirect_reference is not None or peeled.descriptor:
        return peeled
    return _known(reader, peeled)


def _known(reader: Reader, peeled: External) -> Item:
    """Typed only if nothing of it would be lost when it is passed on."""
    before = len(reader.oddities)
    if peeled.direct_reference == _PROMPT_1:
        item = reader.attempt(lambda: credentials(peeled.value))
    elif peeled.direct_reference in _KNOWN:
        plan = plan_of(_KNOWN[peeled.direct_reference])
        inside = Reader(peeled.value, reader.style, reader.limits)
        item = reader.attempt(lambda: inside.structure(plan, 0, len(peeled.value)))
        if inside.oddities and not isinstance(item, MalformedMessage):
            item = MalformedMessage(inside.oddities[0].place, inside.oddities[0].what)
        elif item is ABSENT:
            item = plan.cls()
    else:
        return peeled
    if isinstance(item, MalformedMessage):
        del reader.oddities[before:]
        where = f"{item.place}: " if item.place else ""
        reader.note(f"{peeled.direct_reference} is kept as it is: {where}{item.reason}")
        return peeled
    return item  # type: ignore[no-any-return]


# --- Z39.50 prompt-1 -------------------------------------------------------------------------------------


def credentials(value: bytes) -> Credentials:
    """User and password of a PromptObject's response. Raises MalformedMessage without them, or with more."""
    source = tlv.Source(value)
    tag, _, start, stop, _ = source.header(0, len(value))
    if tag != _RESPONSE:
        raise MalformedMessage("", "not a response to prompts")
    found: dict[int, str] = {}
    while start < stop:
        _, _, begin, end, start = source.header(start, stop)
        number, answer = _prompt(source, begin, end)
        found[number] = answer
    if found.keys() != {_USER_ID, _PASSWORD}:
        raise MalformedMessage("", "not a user and a password")
    return Credentials(found[_USER_ID], found[_PASSWORD])


def _prompt(source: tlv.Source, start: int, stop: int) -> tuple[int, str]:
    number, answer = 0, ""
    while start < stop:
        tag, _, begin, end, start = source.header(start, stop)
        if tag == _PROMPT:
            number = int.from_bytes(_inside(source, begin, end, _ENUMERATED, _TYPE)[:4], "big")
        elif tag == _ANSWER:
            answer = _inside(source, begin, end, _STRING).decode("utf-8", "replace")
    return number, answer


def _inside(source: tlv.Source, start: int, stop: int, *tags: int) -> bytes:
    for expected in tags:
        tag, _, start, stop, _ = source.header(start, stop)
        if tag != expected:
            raise MalformedMessage("", "a prompt of another kind")
    return source.data[start:stop]


def credentials_octets(one: Credentials) -> bytes:
    answers = b"".join(
        _wrap(tlv.SEQUENCE, True, _wrap(_PROMPT, True, _number(number)) + _wrap(_ANSWER, True, _string(text)))
        for number, text in ((_USER_ID, one.user), (_PASSWORD, one.password))
    )
    return _wrap(_RESPONSE, True, answers)


def _number(number: int) -> bytes:
    return _wrap(_ENUMERATED, True, _wrap(_TYPE, False, bytes((number,))))


def _string(text: str) -> bytes:
    return _wrap(_STRING, False, text.encode())


def _wrap(tag: int, constructed: bool, content: bytes) -> bytes:
    return tlv.tag_octets(tag, constructed) + tlv.length_octets(len(content)) + content
