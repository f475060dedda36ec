"""Reverse proxies that stand before us, and the sender that they tell of."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = "X-Forwarded-For"


class TrustedProxies:
    """Addresses whose headers about the sender are believed; nobody else's are."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(one, strict=False) for one in networks)
        self._trusts = lru_cache(maxsize=1024)(self._is_in_networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def is_trusted(self, address: str) -> bool:
        return self._trusts(address)

    def _is_in_networks(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def sender_address(self, request: web.Request, peer: str) -> str:
        """The nearest address that isn't one of our proxies; `peer` where no proxy of ours stands between."""
        if not self.is_trusted(peer):
            return peer
        chain = [part.strip() for value in request.headers.getall(FORWARDED, ()) for part in value.split(",")]
        for address in reversed(chain):
            if not _is_address(address):
                return peer  # something we can't read: stop believing
            if not self.is_trusted(address):
                return address
            peer = address
        return peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
