"""Connections to partners on which both sides may speak: the port `Lines`, for channels whose protocol has them.

Whoever opened it, a connection is served in one way: what comes in is a message for the exchange, and what we want to
say goes out on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from gateway.domain.frozen import frozen_by_name
from gateway.domain.problems import Unavailable
from gateway.ports.tls import Tls


@frozen_by_name
class Saying:
    """One message for the partner of a profile.

    `address`: host:port that is dialled where no connection is open; empty: only an open one will do. `own`: always on
    a connection of its own, on which nothing else is said. `is_reply` knows the partner's answer to it; with
    `needs_reply` it is not delivered without one. `seconds`: how long the answer may take, or else the partner's
    closing of the connection of its own.
    """

    protocol: str
    profile: str
    message: bytes = field(repr=False)
    address: str = ""
    own: bool = False
    is_reply: Callable[[bytes], bool] | None = None
    needs_reply: bool = False
    seconds: float = 30.0
    connect_seconds: float = 10.0
    tls: Tls | None = None


class Lines(Protocol):
    async def say(self, saying: Saying) -> bytes | None:
        """The reply; None where none was to come, or none needed to. Raises Unavailable (nothing was sent),
        OutcomeUnknown (no reply, or the connection broke)."""
        ...


class NoLines:
    """For commands, which work beside a daemon, and for previews."""

    async def say(self, saying: Saying) -> bytes | None:
        raise Unavailable("partners are spoken to by the daemon alone")
