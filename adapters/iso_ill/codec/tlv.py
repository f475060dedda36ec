"""Basic Encoding Rules below the level of types: tags, lengths, object identifiers. Pure.

A tag is kept as one number, its octets without the constructed bit: 0x81 for [1], 0x9F31 for [49].
"""

from __future__ import annotations

from functools import lru_cache

from adapters.iso_ill.codec.limits import DEFAULT_LIMITS, Limits
from gateway.domain.problems import Fault, MalformedMessage

CONSTRUCTED = 0x20
HIGH_TAG = 0x1F
CONTEXT = 0x80
APPLICATION = 0x40
CLASS = 0xC0
INDEFINITE = -1

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT_IDENTIFIER, OBJECT_DESCRIPTOR = 1, 2, 3, 4, 5, 6, 7
EXTERNAL, ENUMERATED, SEQUENCE, SET = 0x08, 0x0A, 0x10, 0x11
VISIBLE_STRING, GENERAL_STRING = 0x1A, 0x1B
STRINGS = frozenset({OCTET_STRING, 0x0C, 0x12, 0x13, 0x14, 0x16, 0x19, VISIBLE_STRING, GENERAL_STRING})
"""UTF8String, NumericString, PrintableString, T61String, IA5String, GraphicString …: all are read as text."""

_MOST_LENGTH_OCTETS = 8
_LONGEST_IDENTIFIER = 64


def parse_header(data: bytes | bytearray, at: int) -> tuple[int, bool, int, int]:
    """Tag, whether constructed, where the contents begin, their length (INDEFINITE or octets).

    Raises IndexError when the header goes on behind the data, MalformedMessage when it can't be right.
    """
    first = data[at]
    at += 1
    tag = first & ~CONSTRUCTED
    if tag & HIGH_TAG == HIGH_TAG:
        octet = data[at]
        at += 1
        tag = tag << 8 | octet
        if octet >= 0x80:
            octet = data[at]
            at += 1
            tag = tag << 8 | octet
            if octet >= 0x80:
                raise MalformedMessage(_offset(at), "a tag of more than three octets")
    length = data[at]
    at += 1
    constructed = first & CONSTRUCTED != 0
    if length < 0x80:
        return tag, constructed, at, length
    if length == 0x80:
        if not constructed:
            raise MalformedMessage(_offset(at), "a primitive value of indefinite length")
        return tag, constructed, at, INDEFINITE
    if length == 0xFF:
        raise MalformedMessage(_offset(at), "a length that can't be right")
    octets = length & 0x7F
    if at + octets > len(data):
        raise IndexError
    value = data[at : at + octets].lstrip(b"\0")  # padded forms are legal
    if len(value) > _MOST_LENGTH_OCTETS:
        raise MalformedMessage(_offset(at), "a length that can't be right")
    return tag, constructed, at + octets, int.from_bytes(value, "big")


def _offset(at: int) -> str:
    return f"octet {at}"


class Source:
    """A message's bytes. Where values of indefinite length end is found out once for all that are nested in one, so
    that reading takes time in proportion to the size, whatever is in it."""

    def __init__(self, data: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
        if len(data) > limits.size:
            raise MalformedMessage("", f"{len(data)} bytes, at most {limits.size} are read", Fault.TOO_LARGE)
        self.data = data
        self.limits = limits
        self._ends: dict[int, int] = {}
        self._elements = 0

    def header(self, at: int, end: int) -> tuple[int, bool, int, int, int]:
        """Of the value at `at`, inside something that ends at `end`: tag, whether constructed, where its contents
        begin and end, where the next value is. Raises MalformedMessage."""
        try:
            tag, constructed, start, length = parse_header(self.data, at)
        except IndexError:
            raise MalformedMessage(_offset(at), "the message ends inside a tag or length") from None
        if length >= 0:
            stop = following = start + length
        else:
            stop = self._ends.get(start) or self._contents_end(start, end)
            following = stop + 2
        if following > end:
            raise MalformedMessage(_offset(at), f"{following - end} octets more are announced than there are")
        return tag, constructed, start, stop, following

    def count(self) -> None:
        """One more. Raises MalformedMessage when there are too many."""
        self._elements += 1
        if self._elements > self.limits.elements:
            raise MalformedMessage("", f"more than {self.limits.elements} values", Fault.TOO_LARGE)

    def _contents_end(self, begin: int, end: int) -> int:
        """Where the two zero octets stand that end contents of indefinite length."""
        at, unfinished = begin, [begin]
        while unfinished:
            self.count()
            if self.data[at : at + 2] == b"\0\0":
                self._ends[unfinished.pop()] = at
                at += 2
                continue
            if at >= end:
                raise MalformedMessage(_offset(begin), "contents of indefinite length don't end")
            try:
                _, _, start, length = parse_header(self.data, at)
            except IndexError:
                raise MalformedMessage(_offset(at), "the message ends inside a tag or length") from None
            at = start + max(length, 0)
            if length == INDEFINITE:
                unfinished.append(start)
                if len(unfinished) > self.limits.depth:
                    raise too_deep(_offset(start), self.limits)
        return self._ends[begin]


def too_deep(place: str, limits: Limits) -> MalformedMessage:
    return MalformedMessage(place, f"nested more than {limits.depth} deep", Fault.TOO_LARGE)


# --- writing ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def tag_octets(tag: int, constructed: bool) -> bytes:
    """Of a tag kept as one number."""
    octets = bytearray(tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big"))
    if constructed:
        octets[0] |= CONSTRUCTED
    return bytes(octets)


def context_tag(number: int) -> int:
    return CONTEXT | number if number < HIGH_TAG else (CONTEXT | HIGH_TAG) << 8 | number


def length_octets(length: int) -> bytes:
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def long_length_octets(length: int) -> bytes:
    """Never the short form: a yaz peer takes four printable octets at the beginning for HTTP and waits for more
    (facts/iso-ill-10161.md section 14), which `73 2D 30 2B` are."""
    return b"\x81" + bytes((length,)) if length < 0x80 else length_octets(length)


# --- object identifiers and integers ---------------------------------------------------------------------


@lru_cache(maxsize=256)
def identifier_of(octets: bytes) -> str:
    """Dotted. Raises MalformedMessage."""
    if not octets or len(octets) > _LONGEST_IDENTIFIER or octets[-1] >= 0x80:
        raise MalformedMessage("", "not an object identifier")
    arcs: list[int] = []
    arc = 0
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


@lru_cache(maxsize=256)
def identifier_octets(dotted: str) -> bytes:
    """Raises ValueError."""
    try:
        first, second, *rest = map(int, dotted.split("."))
    except ValueError:
        raise ValueError(f"not an object identifier: {dotted!r}") from None
    if first not in (0, 1, 2) or (first < 2 and second > 39) or min(second, *rest, 0) < 0:
        raise ValueError(f"not an object identifier: {dotted!r}")
    return b"".join(_arc(one) for one in (40 * first + second, *rest))


def _arc(value: int) -> bytes:
    octets = bytearray((value & 0x7F,))
    while value := value >> 7:
        octets.append(0x80 | value & 0x7F)
    return bytes(reversed(octets))


def integer_octets(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True) if value >= 0 else _negative(value)


def _negative(value: int) -> bytes:
    return value.to_bytes((value + 1).bit_length() // 8 + 1, "big", signed=True)
