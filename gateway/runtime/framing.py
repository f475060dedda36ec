"""Where a message ends in a stream of bytes; pure, and no byte is looked at twice (but for a tag's length)."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.ports.protocol import Cutter, Framing

BLANK = bytes(range(0x21))
"""Between messages: white space and control characters (INN-Reach sends ^D, facts/ncip.md 1.3)."""

_LONGEST_TAG = 256


@lru_cache(maxsize=64)
def _end_tag(names: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """An end tag with one of these local names, whatever its prefix."""
    alternatives = b"|".join(re.escape(name) for name in names)
    return re.compile(rb"</(?:[^\s<>/:]{1,64}:)?(?:" + alternatives + rb")[ \t\r\n]{0,64}>")


def cutter_for(framing: Framing, limit: int) -> Cutter:
    """`limit`: most bytes of one message."""
    return framing.cutter(limit) if framing.cutter is not None else Frames(framing, limit)


class Frames:
    """Cuts what has been fed into messages, by tags or lines."""

    def __init__(self, framing: Framing, limit: int) -> None:
        self._framing = framing
        self._limit = limit
        self._buffer = bytearray()
        self._seen = 0  # bytes in which no end has been found

    def feed(self, data: bytes) -> None:
        if not self._buffer:
            data = data.lstrip(BLANK)
        self._buffer += data

    @property
    def begun(self) -> int:
        """Bytes of a message whose end has not come."""
        return len(self._buffer)

    @property
    def hopeless(self) -> bool:
        """It is too long."""
        return len(self._buffer) > self._limit

    def next(self) -> bytes | None:
        """The next whole message, None if there is none yet (or none that keeps the limit)."""
        end = self._end()
        if end is None or end > self._limit:
            return None
        message = bytes(self._buffer[:end])
        rest = self._buffer[end:].lstrip(BLANK)
        self._buffer = rest
        self._seen = 0
        return message

    def rest(self) -> bytes:
        """What there is of a message whose end won't come, at most one byte above the limit; then nothing is left."""
        message = bytes(self._buffer[: self._limit + 1])
        self._buffer.clear()
        self._seen = 0
        return message

    def _end(self) -> int | None:
        """Position after the end of the first message in the buffer."""
        end = None
        if self._framing.end == "tag":
            found = _end_tag(self._framing.tags).search(self._buffer, max(0, self._seen - _LONGEST_TAG))
            end = found.end() if found else None
        elif self._framing.end == "newline":
            position = self._buffer.find(b"\n", self._seen)
            end = position + 1 if position >= 0 else None
        if end is None:
            self._seen = len(self._buffer)
        return end
