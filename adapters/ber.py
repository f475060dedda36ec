"""BER headers, lengths, identifiers, framing and limits, shared by ISO ILL and Z39.50. Pure.

A tag is kept as one number, its octets without the constructed bit: 0x81 for [1], 0x9F31 for [49].

Neither protocol has framing of its own: an APDU ends where its BER does. Servers mix definite and indefinite lengths.
"""

from __future__ import annotations

from functools import lru_cache

from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

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

_MAX_LENGTH_OCTETS = 8
_MAX_IDENTIFIER_OCTETS = 64

MAX_DEPTH = 60
"""Of values in values; a record in an OPAC record is at 12."""

_END = b"\0\0"


@value_object
class BerLimits:
    """`size` in bytes; `depth` of values inside values; `elements` read in one message beyond those of its own
    structure: entries of lists, unknown fields, parts of texts; `notes` kept."""

    size: int = 1_000_000
    depth: int = 32
    elements: int = 20_000
    notes: int = 100


DEFAULT_LIMITS = BerLimits()


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
                raise MalformedMessage(_octet_place(at), "a tag of more than three octets")
    length = data[at]
    at += 1
    constructed = first & CONSTRUCTED != 0
    if length < 0x80:
        return tag, constructed, at, length
    if length == 0x80:
        if not constructed:
            raise MalformedMessage(_octet_place(at), "a primitive value of indefinite length")
        return tag, constructed, at, INDEFINITE
    if length == 0xFF:
        raise MalformedMessage(_octet_place(at), "a length that can't be right")
    octets = length & 0x7F
    if at + octets > len(data):
        raise IndexError
    value = data[at : at + octets].lstrip(b"\0")  # padded forms are legal
    if len(value) > _MAX_LENGTH_OCTETS:
        raise MalformedMessage(_octet_place(at), "a length that can't be right")
    return tag, constructed, at + octets, int.from_bytes(value, "big")


def _octet_place(at: int) -> str:
    return f"octet {at}"


class BerSource:
    """A message's bytes. Where values of indefinite length end is found out once for all that are nested in one, so
    that reading takes time in proportion to the size, whatever is in it."""

    def __init__(self, data: bytes, limits: BerLimits = DEFAULT_LIMITS) -> None:
        if len(data) > limits.size:
            raise MalformedMessage("", f"{len(data)} bytes, at most {limits.size} are read", MalformationKind.TOO_LARGE)
        self.data = data
        self.limits = limits
        self._ends: dict[int, int] = {}
        self._elements = 0

    def read_header(self, at: int, end: int) -> tuple[int, bool, int, int, int]:
        """Read the header of the value at `at`, inside something that ends at `end`: tag, whether constructed, where
        its contents begin and end, where the next value is. Raises MalformedMessage."""
        try:
            tag, constructed, start, length = parse_header(self.data, at)
        except IndexError:
            raise MalformedMessage(_octet_place(at), "the message ends inside a tag or length") from None
        if length >= 0:
            stop = following = start + length
        else:
            stop = self._ends.get(start) or self._find_contents_end(start, end)
            following = stop + 2
        if following > end:
            raise MalformedMessage(_octet_place(at), f"{following - end} octets more are announced than there are")
        return tag, constructed, start, stop, following

    def count_element(self) -> None:
        """One more. Raises MalformedMessage when there are too many."""
        self._elements += 1
        if self._elements > self.limits.elements:
            raise MalformedMessage("", f"more than {self.limits.elements} values", MalformationKind.TOO_LARGE)

    def _find_contents_end(self, begin: int, end: int) -> int:
        """Find the two zero octets that end contents of indefinite length."""
        at, unfinished = begin, [begin]
        while unfinished:
            self.count_element()
            if self.data[at : at + 2] == b"\0\0":
                self._ends[unfinished.pop()] = at
                at += 2
                continue
            if at >= end:
                raise MalformedMessage(_octet_place(begin), "contents of indefinite length don't end")
            try:
                _, _, start, length = parse_header(self.data, at)
            except IndexError:
                raise MalformedMessage(_octet_place(at), "the message ends inside a tag or length") from None
            at = start + max(length, 0)
            if length == INDEFINITE:
                unfinished.append(start)
                if len(unfinished) > self.limits.depth:
                    raise nesting_error(_octet_place(start), self.limits)
        return self._ends[begin]


def nesting_error(place: str, limits: BerLimits) -> MalformedMessage:
    return MalformedMessage(place, f"nested more than {limits.depth} deep", MalformationKind.TOO_LARGE)


# --- writing ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def tag_octets(tag: int, constructed: bool) -> bytes:
    """Return the octets of a tag kept as one number."""
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
    """Write a length, never in the short form: a yaz peer takes four printable octets at the beginning for HTTP and
    waits for more (facts/iso-ill-10161.md section 14), which `73 2D 30 2B` are."""
    return b"\x81" + bytes((length,)) if length < 0x80 else length_octets(length)


# --- object identifiers and integers ---------------------------------------------------------------------


@lru_cache(maxsize=256)
def object_identifier_of(octets: bytes) -> str:
    """Dotted. Raises MalformedMessage."""
    if not octets or len(octets) > _MAX_IDENTIFIER_OCTETS or octets[-1] >= 0x80:
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
    """Encode an identifier; raises ValueError."""
    try:
        first, second, *rest = map(int, dotted.split("."))
    except ValueError:
        raise ValueError(f"not an object identifier: {dotted!r}") from None
    if first not in (0, 1, 2) or (first < 2 and second > 39) or min(second, *rest, 0) < 0:
        raise ValueError(f"not an object identifier: {dotted!r}")
    return b"".join(_arc_octets(arc) for arc in (40 * first + second, *rest))


def _arc_octets(value: int) -> bytes:
    octets = bytearray((value & 0x7F,))
    while value := value >> 7:
        octets.append(0x80 | value & 0x7F)
    return bytes(reversed(octets))


def integer_octets(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True) if value >= 0 else _negative_octets(value)


def _negative_octets(value: int) -> bytes:
    return value.to_bytes((value + 1).bit_length() // 8 + 1, "big", signed=True)


class BerSplitter:
    """Cuts what has been fed into values; no header is looked at twice. `next` raises MalformedMessage for what can't
    become one: there is no way to find the next beginning, so that the stream is of no further use."""

    def __init__(self, limits: BerLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._reset_position()

    def add_octets(self, data: bytes) -> None:
        self._buffer += data

    @property
    def begun(self) -> int:
        """Octets of a value whose end has not come."""
        return len(self._buffer)

    def take_message(self) -> bytes | None:
        """The next whole value, None if there is none yet. Raises MalformedMessage."""
        while not self._is_length_known:
            self._skip_short_values()
            if not self._skip_header():
                return None
        if self._at > len(self._buffer):
            return None
        value = bytes(self._buffer[: self._at])
        del self._buffer[: self._at]
        self._reset_position()
        return value

    def take_rest(self) -> bytes:
        """Take what there is of a value whose end won't come; then nothing is left."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._reset_position()
        return rest

    def _reset_position(self) -> None:
        self._at = 0  # of the next header to be looked at
        self._nested = 0  # values of indefinite length that are not at their end
        self._is_length_known = False  # of the whole value: all that remains is to have its octets

    def _skip_short_values(self) -> None:
        """Past what is short and simple, which is nearly all: a tag of one octet, then its length in one."""
        if not self._nested:
            return
        buffer, at = self._buffer, self._at
        end = len(buffer) - 1
        while at < end and buffer[at] & HIGH_TAG != HIGH_TAG and buffer[at] > 0 and buffer[at + 1] < 0x80:
            at += 2 + buffer[at + 1]
        self._at = at

    def _skip_header(self) -> bool:
        """Past one header, and past its contents where their length is known. False when more is needed."""
        if self._nested and self._buffer[self._at : self._at + 2] == _END:
            self._at += 2
            self._nested -= 1
        else:
            try:
                tag, constructed, start, length = parse_header(self._buffer, self._at)
            except IndexError:
                self._check_size(max(self._at, len(self._buffer)))
                return False
            if self._at == 0:
                self._check_beginning(tag, constructed)
            if length == INDEFINITE:
                self._nested += 1
                if self._nested > self._limits.depth:
                    raise nesting_error("", self._limits)
            self._at = start + max(length, 0)
        self._check_size(self._at)
        self._is_length_known = not self._nested
        return True

    def _check_beginning(self, tag: int, constructed: bool) -> None:
        """Check a beginning, for protocols whose values begin with certain tags only. Raises MalformedMessage."""

    def _check_size(self, size: int) -> None:
        if size > self._limits.size:
            raise MalformedMessage("", f"more than {self._limits.size} octets", MalformationKind.TOO_LARGE)


def to_definite_lengths(data: bytes) -> bytes:
    """The first value in data, with lengths that are all said: asn1tools reads no other around open values.

    Raises MalformedMessage.
    """
    try:
        return _convert_to_definite(data, 0, len(data), 0)[0]
    except IndexError:
        raise MalformedMessage("", "the octets end before the value does") from None


def _convert_to_definite(data: bytes, at: int, stop: int, depth: int) -> tuple[bytes, int]:
    """The value at `at` and where the next one is. Raises IndexError for data that end too early."""
    if depth > MAX_DEPTH:
        raise MalformedMessage(_octet_place(at), f"values in values, more than {MAX_DEPTH}")
    tag, constructed, contents, length = parse_header(data, at)
    if length != INDEFINITE and contents + length > stop:
        raise MalformedMessage(_octet_place(at), "longer than what it stands in")
    if not constructed:
        return data[at : contents + length], contents + length
    parts, inner = [], contents
    until = stop if length == INDEFINITE else contents + length
    while inner < until and not (length == INDEFINITE and data[inner : inner + 2] == _END):
        part, inner = _convert_to_definite(data, inner, until, depth + 1)
        parts.append(part)
    if length == INDEFINITE:
        if data[inner : inner + 2] != _END:
            raise IndexError
        inner += 2
    body = b"".join(parts)
    return tag_octets(tag, constructed) + length_octets(len(body)) + body, inner
