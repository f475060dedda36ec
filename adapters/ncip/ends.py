"""Where a document ends in a stream of bytes; pure."""

from __future__ import annotations

import re

LONGEST = 2_200
"""Bytes of the longest end that is recognised."""

_END = re.compile(
    rb"</(?:[^\s<>/:]{1,64}:)?NCIP(?:Version)?Message\s{0,64}>"
    rb"|<(?:[^\s<>/:]{1,64}:)?NCIP(?:Version)?Message(?:\s[^<>]{0,2000})?/>"  # BIB sends an empty root
)


def find_end(raw: bytes | bytearray, start: int = 0) -> int | None:
    """The position after the document's end, looked for from `start`; None if it isn't there."""
    found = _END.search(raw, max(0, start))
    return found.end() if found else None


def is_cut(raw: bytes) -> bool:
    """An NCIP document whose end is missing."""
    head = raw.lstrip()[:2000]
    return head.startswith(b"<") and b"NCIPMessage" in head and find_end(raw) is None
