"""Names looked up for connections to where somebody else has sent us.

They are checked when they are resolved for the connection itself, so that a name can't show one address to the check
and another to the connection.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.ports.outgoing_addresses import AllowedAddresses


class AddressNotAllowedError(OSError):
    """The host has no address that may be reached."""


class GuardedResolver(AbstractResolver):
    def __init__(self, addresses: AllowedAddresses) -> None:
        self._addresses = addresses
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [one for one in found if self._addresses.can_reach(one["host"])]
        if not allowed:
            raise AddressNotAllowedError("the host has no public address")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()
