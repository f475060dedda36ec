"""Where an APDU ends in a stream: nothing but BER itself says so. Pure; no header is looked at twice."""

from __future__ import annotations

from adapters.iso_ill.codec import tlv
from adapters.iso_ill.codec.limits import DEFAULT_LIMITS, Limits
from gateway.domain.problems import Fault, MalformedMessage


class ApduSplitter:
    """Cuts what has been fed into APDUs. `next` raises MalformedMessage for what can't become one: there is no way to
    find the next beginning, so that the stream is of no further use."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._restart()

    def _restart(self) -> None:
        self._at = 0  # of the next header to be looked at
        self._nested = 0  # contents of indefinite length that are not at their end
        self._begun = False

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def begun(self) -> int:
        """Octets of an APDU whose end has not come."""
        return len(self._buffer)

    def next(self) -> bytes | None:
        """The next whole APDU, None if there is none yet. Raises MalformedMessage."""
        while not (self._begun and self._nested == 0):
            if not self._step():
                return None
        if self._at > len(self._buffer):
            return None
        apdu = bytes(self._buffer[: self._at])
        del self._buffer[: self._at]
        self._restart()
        return apdu

    def rest(self) -> bytes:
        """What there is of an APDU whose end won't come; then nothing is left."""
        found = bytes(self._buffer)
        self._buffer.clear()
        self._restart()
        return found

    def _step(self) -> bool:
        """Past one header, and past its contents where their length is known. False when more is needed."""
        if self._begun and self._buffer[self._at : self._at + 2] == b"\0\0":
            self._at += 2
            self._nested -= 1
            return True
        try:
            tag, constructed, start, length = tlv.parse_header(self._buffer, self._at)
        except IndexError:
            self._check_size(self._at)
            return False
        if not self._begun:
            self._check_beginning(tag, constructed)
            self._begun = True
        if length == tlv.INDEFINITE:
            self._nested += 1
            if self._nested > self._limits.depth:
                raise tlv.too_deep("", self._limits)
        self._at = start + max(length, 0)
        self._check_size(self._at)
        return True

    def _check_beginning(self, tag: int, constructed: bool) -> None:
        """An unknown APDU is one all the same: it can be answered with a report."""
        octets = tlv.tag_octets(tag, constructed)
        if octets[0] & tlv.CLASS != tlv.APPLICATION or not constructed:
            raise MalformedMessage("octet 0", f"an APDU doesn't begin with {octets.hex()}", Fault.PROTOCOL)

    def _check_size(self, size: int) -> None:
        if size > self._limits.size:
            raise MalformedMessage("", f"more than {self._limits.size} octets", Fault.TOO_LARGE)
