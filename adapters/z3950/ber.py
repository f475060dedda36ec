"""BER lengths (X.690 section 8.1): where a value ends, and the same value with all lengths said.

Z39.50 has no framing of its own: an APDU ends where its BER does. Servers mix definite and indefinite lengths.
"""

from __future__ import annotations

from gateway.domain.problems import Fault, MalformedMessage

MAX_DEPTH = 60
"""Of values in values; a record in an OPAC record is at 12."""

_END = b"\0\0"


class Incomplete(Exception):
    """More octets are needed."""


class BerSplitter:
    """Cuts what has been fed into values; no header is looked at twice. `next` raises MalformedMessage for what can't
    become one: there is no way to find the next beginning, so that the stream is of no further use."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._restart()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def begun(self) -> bool:
        """There is something of a value whose end hasn't come."""
        return bool(self._buffer)

    def next(self) -> bytes | None:
        """The next whole value, None if there is none yet."""
        while not self._ended:
            self._skim()
            if not self._step():
                return None
        if self._at > len(self._buffer):
            return None
        value = bytes(self._buffer[: self._at])
        del self._buffer[: self._at]
        self._restart()
        return value

    def _restart(self) -> None:
        self._at = 0  # of the next header to be looked at
        self._open = 0  # values of indefinite length that are not at their end
        self._ended = False  # whether all that remains is to have the octets

    def _skim(self) -> None:
        """Past what is short and simple, which is nearly all: a tag of one octet, then its length in one."""
        buffer, at = self._buffer, self._at
        if not self._open:
            return
        end = len(buffer) - 1
        while at < end and buffer[at] & 0x1F != 0x1F and buffer[at] > 0 and buffer[at + 1] < 0x80:
            at += 2 + buffer[at + 1]
        self._at = at

    def _step(self) -> bool:
        """Past one header, and past its contents where their length is known. False when more is needed."""
        if self._open and self._buffer[self._at : self._at + 2] == _END:
            self._at += 2
            self._open -= 1
        else:
            try:
                contents, length = header(self._buffer, self._at)
            except Incomplete:
                self._check(max(self._at, len(self._buffer)))
                return False
            self._open += length is None
            self._at = contents + (length or 0)
        self._check(self._at)
        self._ended = not self._open
        return True

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise MalformedMessage("", f"longer than {self._limit} octets", Fault.TOO_LARGE)
        if self._open > MAX_DEPTH:
            raise MalformedMessage("", f"values in values, more than {MAX_DEPTH}")


def definite(data: bytes) -> bytes:
    """The first value in data, with lengths that are all said: asn1tools reads no other around open values.

    Raises MalformedMessage.
    """
    try:
        return _definite(data, 0, len(data), 0)[0]
    except Incomplete:
        raise MalformedMessage("", "the octets end before the value does") from None


def length_octets(length: int) -> bytes:
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def header(data: bytes | bytearray, at: int) -> tuple[int, int | None]:
    """Where the contents begin, and their length; None: indefinite. Raises Incomplete, MalformedMessage."""
    try:
        first, contents = data[at], at + 1
        if first & 0x1F == 0x1F:
            while data[contents] & 0x80:
                contents += 1
            contents += 1
        length = data[contents]
        contents += 1
        if contents - at > 8:
            raise MalformedMessage(f"octet {at}", "no tag is as long")
        if length < 0x80:
            return contents, length
        if length == 0x80:
            if not first & 0x20:
                raise MalformedMessage(f"octet {at}", "a primitive value of indefinite length")
            return contents, None
        count = length & 0x7F
        if count > 8:
            raise MalformedMessage(f"octet {at}", f"a length of {count} octets")
        if contents + count > len(data):
            raise Incomplete
        return contents + count, int.from_bytes(data[contents : contents + count], "big")
    except IndexError:
        raise Incomplete from None


def _definite(data: bytes, at: int, stop: int, depth: int) -> tuple[bytes, int]:
    if depth > MAX_DEPTH:
        raise MalformedMessage(f"octet {at}", f"values in values, more than {MAX_DEPTH}")
    contents, length = header(data, at)
    if length is not None and contents + length > stop:
        raise MalformedMessage(f"octet {at}", "longer than what it stands in")
    if not data[at] & 0x20:
        assert length is not None
        return data[at : contents + length], contents + length
    parts, inner = [], contents
    until = stop if length is None else contents + length
    while inner < until and not (length is None and data[inner : inner + 2] == _END):
        part, inner = _definite(data, inner, until, depth + 1)
        parts.append(part)
    if length is None:
        if data[inner : inner + 2] != _END:
            raise Incomplete
        inner += 2
    body = b"".join(parts)
    return _tag(data, at) + length_octets(len(body)) + body, inner


def _tag(data: bytes, at: int) -> bytes:
    end = at + 1
    if data[at] & 0x1F == 0x1F:
        while data[end] & 0x80:
            end += 1
        end += 1
    return data[at:end]
