"""Where requests that the gateway manages join in when another system's message is carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection

from gateway.domain.commands import Command, Result
from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.ports.channel import FromPartner, Taken
from gateway.services.circulation import Desk


@frozen
class Linked:
    """What became of a message that is about a managed request: the result with what the request adds to it, and what
    is to be done when the transaction is over."""

    result: Result
    after: Callable[[], None]


Link = Callable[[Connection, str, Profile, Command, Result], Linked | None]
"""Tells the managed request that a message is about, inside a transaction: what the library has just done for a
command, by the symbol of the library. Done twice it changes nothing. None: no managed request is meant."""


class Broker(Protocol):
    """Commands that under some profiles are not for the library's system, but for managed requests."""

    def takes(self, profile: Profile, command: Command) -> bool: ...

    async def carry_out(self, command: Command, desk: Desk, key: str) -> Result:
        """As `services.circulation.carry_out`, which also gets what turns out to be the library's after all."""
        ...


class Doors(Protocol):
    """Where partners' messages about managed requests are taken in."""

    def take(self, connection: Connection, symbol: str, message: FromPartner, profile: Profile) -> Taken:
        """Of the library with this symbol, inside a transaction; a message that was here before changes nothing."""
        ...

    def after(self, symbol: str) -> None:
        """To be called when that transaction has ended well."""
        ...
