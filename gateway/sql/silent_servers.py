"""A database server that has gone without a word holds nobody up for ever.

Where its machine, or the way to it, is gone, no packet says that a connection has ended. The kernel asks the other side
now and then, and ends a connection that gets no answer: also one that is only listened on. Where the other kernel still
answers but the server, or a pooler before it, is frozen, the kernel can't tell, so each statement has its time too.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

STATEMENT_SECONDS = 60.0
"""Longest wait for the answer to one statement. Of a page none takes a second, and none of a night's work takes ten;
who waits for a lock waits for another's transaction, whose statements have the same time."""

IDLE_SECONDS = 10
"""After so long without a packet the kernel asks whether the other side is there."""

PROBE_SECONDS = 5
MAX_PROBES = 3

GONE_SECONDS = IDLE_SECONDS + MAX_PROBES * PROBE_SECONDS
"""After so long without an answer of the other kernel a connection is lost, idle or not."""


def keep_alive(driver: Any) -> None:
    """`driver`: a connection of asyncpg, which has no word of its own for this."""
    connected: socket.socket = driver._transport.get_extra_info("socket")
    if connected.family not in (socket.AF_INET, socket.AF_INET6):
        return  # a server on this machine: its end is the connection's
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": IDLE_SECONDS,
        "TCP_KEEPINTVL": PROBE_SECONDS,
        "TCP_KEEPCNT": MAX_PROBES,
        "TCP_USER_TIMEOUT": GONE_SECONDS * 1000,
    }
    for name, value in options.items():
        if (option := getattr(socket, name, None)) is not None:  # what a system doesn't have stays as it has it
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


@dataclass(slots=True)
class StatementDeadline:
    timeout: asyncio.Timeout
    seconds: float | None


_DEADLINE: ContextVar[StatementDeadline | None] = ContextVar("statement_deadline", default=None)


@asynccontextmanager
async def limit_statements(seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Limit each statement of one transaction to so many seconds. Raises TimeoutError, and the connection is of no use
    any more."""
    async with asyncio.timeout(seconds) as timeout:
        token = _DEADLINE.set(StatementDeadline(timeout, seconds))
        try:
            yield timeout
        finally:
            _DEADLINE.reset(token)


def begin_statement() -> None:
    """Begin the time of the next statement."""
    deadline = _DEADLINE.get()
    if deadline is not None and deadline.seconds is not None:
        deadline.timeout.reschedule(asyncio.get_running_loop().time() + deadline.seconds)


def lift_statement_limit() -> None:
    """Let the statements of this transaction take as long as they need from now on: an index of a big table takes
    minutes."""
    deadline = _DEADLINE.get()
    if deadline is not None:
        deadline.seconds = None
        deadline.timeout.reschedule(None)
