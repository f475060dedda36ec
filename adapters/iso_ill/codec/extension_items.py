"""Extensions and EXTERNALs; passwords in them taken out; the digest of an APDU."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from adapters import ber
from adapters.ber import DEFAULT_LIMITS, BerLimits
from adapters.iso_ill.codec.decoder import (
    ABSENT,
    MAX_REMEMBERED,
    MAX_REMEMBERED_BYTES,
    ApduReader,
    plan_of,
    read_any,
    read_external_contents,
)
from adapters.iso_ill.messages.declaration import Encoding, External
from adapters.iso_ill.messages.structures import OBJECT_IDENTIFIERS, DeliveryInfo, Item, Opaque, ShownCredentials
from gateway.domain.problems import MalformedMessage
from gateway.domain.secret_reference import CONCEALED

_KNOWN = {identifier: cls for cls, identifier in OBJECT_IDENTIFIERS.items() if cls is not ShownCredentials}
_PROMPT_1 = OBJECT_IDENTIFIERS[ShownCredentials]

_RESPONSE = ber.CONTEXT | 2  # PromptObject: response
_PROMPT, _ANSWER, _ENUMERATED, _TYPE, _STRING = (ber.CONTEXT | number for number in (1, 2, 1, 1, 1))
_USER_ID, _PASSWORD = 1, 2

_TIME = ber.context_tag(2)
_EXTENSIONS = ber.context_tag(49)
_UNCOUNTED = tuple(
    b"\x06" + ber.length_octets(len(octets)) + octets
    for octets in map(ber.identifier_octets, ("1.0.10161.13.3", "1.2.840.10003.8.1"))
)
"""APDU-Delivery-Info and credentials: how the sender is reached, and what its connection begins with."""


def read_item(reader: ApduReader, start: int, stop: int, constructed: bool) -> Item:
    """Read an item; whatever can't be read as what it should be is kept as it came, with a note."""
    octets = read_any(reader, start, stop, constructed)
    if (info := _SEEN.get(octets)) is not None:
        return info
    notes = len(reader.oddities)
    item = _decode_item(reader, octets, start, stop)
    if isinstance(item, DeliveryInfo) and len(reader.oddities) == notes and len(octets) <= MAX_REMEMBERED_BYTES:
        if len(_SEEN) >= MAX_REMEMBERED:
            _SEEN.clear()
        _SEEN[octets] = item
    return item


_SEEN: dict[bytes, DeliveryInfo] = {}
"""A partner sends the same in all that it sends. Nothing else is kept here, least of all credentials."""


def _decode_item(reader: ApduReader, octets: bytes, start: int, stop: int) -> Item:
    if octets[0] & ~ber.CONSTRUCTED != ber.EXTERNAL:
        return Opaque(octets)
    _, _, begin, end, _ = reader.read_header(start, stop)
    peeled = reader.try_read(lambda: read_external_contents(reader, begin, end))
    if isinstance(peeled, MalformedMessage):
        reader.add_remark(f"kept as it is: {peeled.reason}")
        return Opaque(octets)
    assert isinstance(peeled, External)
    if peeled.encoding is not Encoding.SINGLE_ASN1_TYPE or peeled.indirect_reference is not None or peeled.descriptor:
        return peeled
    return _decode_known_item(reader, peeled)


def _decode_known_item(reader: ApduReader, peeled: External) -> Item:
    """Typed only if nothing of it would be lost when it is passed on."""
    before = len(reader.oddities)
    if peeled.direct_reference == _PROMPT_1:
        item = reader.try_read(lambda: parse_credentials(peeled.value))
    elif peeled.direct_reference in _KNOWN:
        plan = plan_of(_KNOWN[peeled.direct_reference])
        inside = ApduReader(peeled.value, reader.style, reader.limits)
        item = reader.try_read(lambda: inside.read_structure(plan, 0, len(peeled.value)))
        if inside.oddities and not isinstance(item, MalformedMessage):
            item = MalformedMessage(inside.oddities[0].place, inside.oddities[0].what)
        elif item is ABSENT:
            item = plan.cls()
    else:
        return peeled
    if isinstance(item, MalformedMessage):
        del reader.oddities[before:]
        where = f"{item.place}: " if item.place else ""
        reader.add_remark(f"{peeled.direct_reference} is kept as it is: {where}{item.reason}")
        return peeled
    return item  # type: ignore[no-any-return]


# --- Z39.50 prompt-1 -------------------------------------------------------------------------------------


def parse_credentials(value: bytes) -> ShownCredentials:
    """User and password of a PromptObject's response. Raises MalformedMessage without them, or with more."""
    source = ber.BerSource(value)
    tag, _, start, stop, _ = source.read_header(0, len(value))
    if tag != _RESPONSE:
        raise MalformedMessage("", "not a response to prompts")
    answers: dict[int, str] = {}
    while start < stop:
        _, _, begin, end, start = source.read_header(start, stop)
        number, answer = _read_prompt(source, begin, end)
        answers[number] = answer
    if answers.keys() != {_USER_ID, _PASSWORD}:
        raise MalformedMessage("", "not a user and a password")
    return ShownCredentials(answers[_USER_ID], answers[_PASSWORD])


def _read_prompt(source: ber.BerSource, start: int, stop: int) -> tuple[int, str]:
    number, answer = 0, ""
    while start < stop:
        tag, _, begin, end, start = source.read_header(start, stop)
        if tag == _PROMPT:
            number = _read_prompt_number(source, begin, end)
        elif tag == _ANSWER:
            answer = _unwrap_tags(source, begin, end, _STRING).decode("utf-8", "replace")
    return number, answer


def _read_prompt_number(source: ber.BerSource, start: int, stop: int) -> int:
    """Read the number of the enumerated prompt: `_USER_ID` … Raises MalformedMessage."""
    return int.from_bytes(_unwrap_tags(source, start, stop, _ENUMERATED, _TYPE)[:4], "big")


def _unwrap_tags(source: ber.BerSource, start: int, stop: int, *tags: int) -> bytes:
    for expected in tags:
        tag, _, start, stop, _ = source.read_header(start, stop)
        if tag != expected:
            raise MalformedMessage("", "a prompt of another kind")
    return source.data[start:stop]


def credentials_octets(credentials: ShownCredentials) -> bytes:
    answers = b"".join(
        _wrap_in_tag(
            ber.SEQUENCE,
            True,
            _wrap_in_tag(_PROMPT, True, _prompt_number_octets(number))
            + _wrap_in_tag(_ANSWER, True, _prompt_string_octets(text)),
        )
        for number, text in ((_USER_ID, credentials.user), (_PASSWORD, credentials.password))
    )
    return _wrap_in_tag(_RESPONSE, True, answers)


def _prompt_number_octets(number: int) -> bytes:
    return _wrap_in_tag(_ENUMERATED, True, _wrap_in_tag(_TYPE, False, bytes((number,))))


def _prompt_string_octets(text: str) -> bytes:
    return _wrap_in_tag(_STRING, False, text.encode())


def _wrap_in_tag(tag: int, constructed: bool, content: bytes) -> bytes:
    return ber.tag_octets(tag, constructed) + ber.length_octets(len(content)) + content


# --- for all that is kept ---------------------------------------------------------------------------------

_ACCESS_CONTROL = ber.identifier_octets("1.2.840.10003.8")
_PROMPT_1_OCTETS = ber.identifier_octets(_PROMPT_1)
_SINGLE_ASN1_TYPE = ber.CONTEXT
_BEFORE_ENCODING = frozenset({ber.INTEGER, ber.OBJECT_DESCRIPTOR})
"""What may stand in an EXTERNAL between the object identifier and the contents."""

_STAR = CONCEALED[:1].encode("ascii")


def conceal_credentials(data: bytes) -> bytes:
    """The octets without passwords of Z39.50's access control, wherever it stands (facts/iso-ill-10161.md 8); the same
    object where there are none. Each octet of a password becomes a star, so that every length is still right; all else
    stays, the user's name too. Never raises, also for what is no APDU; contents that can't be read are concealed as a
    whole, up to the end if need be."""
    at = data.find(_ACCESS_CONTROL)
    if at < 0:
        return data
    source = ber.BerSource(data, ber.BerLimits(size=len(data)))
    concealed = bytearray(data)
    while at >= 0:
        secrets, at = _find_credentials(source, at + len(_PROMPT_1_OCTETS), data.startswith(_PROMPT_1_OCTETS, at))
        for start, end in secrets:
            concealed[start:end] = _STAR * (end - start)
        at = data.find(_ACCESS_CONTROL, at)
    return bytes(concealed)


def _find_credentials(source: ber.BerSource, at: int, prompted: bool) -> tuple[list[tuple[int, int]], int]:
    """Find the credentials of the EXTERNAL whose identifier ends at `at`; and where it ends itself. `prompted`: its
    contents are answers to prompts."""
    whole = len(source.data)
    try:
        tag, _, start, end, following = source.read_header(at, whole)
        while tag in _BEFORE_ENCODING:
            tag, _, start, end, following = source.read_header(following, whole)
    except MalformedMessage:
        return [(at, whole)], whole
    if not prompted or tag != _SINGLE_ASN1_TYPE:
        return [(start, end)], following
    try:
        return list(_find_answers(source, start, end)), following
    except MalformedMessage:
        return [(start, end)], following


def _find_answers(source: ber.BerSource, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Find where the answers to prompts stand, but for the user's name. Raises MalformedMessage."""
    tag, _, at, stop, _ = source.read_header(start, end)
    if tag != _RESPONSE:
        raise MalformedMessage("", "not a response to prompts")
    while at < stop:
        _, _, entry, entry_end, at = source.read_header(at, stop)
        number, answers = 0, []
        while entry < entry_end:
            tag, _, begin, finish, entry = source.read_header(entry, entry_end)
            if tag == _PROMPT:
                number = _read_prompt_number(source, begin, finish)
            elif tag == _ANSWER:
                _, _, begin, finish, _ = source.read_header(begin, finish)
                answers.append((begin, finish))
        if number != _USER_ID:
            yield from answers


# --- repeats ---------------------------------------------------------------------------------------------


def apdu_digest(data: bytes, limits: BerLimits = DEFAULT_LIMITS) -> str:
    """The same for an APDU and its repeats: these have another time of service, but that of the first as original
    (facts/iso-ill-10161.md 9.3). Where the structure is broken, all octets count. Raises MalformedMessage for what is
    too large."""
    source = ber.BerSource(data, limits)
    try:
        tag, _, at, end, _ = source.read_header(0, len(data))
        octets = ber.tag_octets(tag, False) + b"".join(_iter_digest_pieces(source, at, end))
    except MalformedMessage:  # in a field that `decode` has passed over
        octets = data
    return hashlib.sha256(octets).hexdigest()[:32]


def _iter_digest_pieces(source: ber.BerSource, at: int, end: int) -> Iterator[bytes]:
    data = source.data
    while at < end:
        tag, constructed, start, stop, following = source.read_header(at, end)
        if tag == ber.SEQUENCE and constructed and following == end:
            at, end = start, stop
            continue
        if tag == _TIME:
            yield _read_first_time(source, start, stop)
        elif tag == _EXTENSIONS:
            yield from _iter_counted_extensions(source, start, stop)
        else:
            yield data[at:following]
        at = following


def _read_first_time(source: ber.BerSource, at: int, end: int) -> bytes:
    """The original service's, or this one's where it is the first."""
    octets = b""
    while at < end:
        tag, _, start, stop, at = source.read_header(at, end)
        if tag == ber.CONTEXT | 1 and stop > start:
            return source.data[start:stop]
        octets = octets or source.data[start:stop]
    return octets


def _iter_counted_extensions(source: ber.BerSource, at: int, end: int) -> Iterator[bytes]:
    while at < end:
        begin = at
        _, _, _, _, at = source.read_header(at, end)
        entry = source.data[begin:at]
        if not any(identifier in entry for identifier in _UNCOUNTED):
            yield entry
