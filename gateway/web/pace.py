"""How long a sender may take: a slow but honest one is served, a slow-loris is not, a wrong length does no harm."""

from __future__ import annotations

import re

from gateway.domain.frozen import frozen

MIN_RATE = 500
"""Bytes per second that buy a message more time, as Apache's mod_reqtimeout does it."""

GRACE = 0.3
"""Seconds of silence after which a whole document counts as all there is, whatever the announced length."""

_TAIL = 300
_ROOT = re.compile(rb"<([A-Za-z_][\w:.\-]{0,200})[\s/>]")


@frozen
class Patience:
    """`idle_seconds`: longest silence inside a message; `message_seconds`: from its first to its last byte,
    and one second more for every `MIN_RATE` bytes received."""

    idle_seconds: float = 10.0
    message_seconds: float = 30.0

    def deadline(self, started: float, now: float, received: int) -> float:
        """When to stop waiting for more, on the clock that `started` and `now` (seconds) come from."""
        return min(now + self.idle_seconds, started + self.message_seconds + received / MIN_RATE)


def ends_document(body: bytes | bytearray) -> bool:
    """Whether an XML text ends with the end tag of its first element: then hardly anything will follow."""
    root = _ROOT.search(body, 0, 4096)
    if root is None:
        return False
    return body[-_TAIL:].rstrip().endswith(b"</" + root[1] + b">")
