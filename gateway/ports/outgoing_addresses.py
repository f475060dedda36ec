"""Addresses to which we go on somebody else's word: a webhook's URL, or where another server redirects us to.

Whoever can name a URL could otherwise reach, through us, what only we can reach.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from yarl import URL

from gateway.domain.problems import RefusalReason, Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class AllowedAddresses:
    """`allowed`: networks that may be reached although they aren't public, from the settings."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(network, strict=False) for network in allowed)

    def can_reach(self, text: str) -> bool:
        address = _unpack_address(ipaddress.ip_address(text.partition("%")[0]))
        if any(address in network for network in self._allowed):
            return True
        if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _NAT64):
            return False
        return address.is_global and not address.is_multicast

    def check_url(self, text: str) -> URL:
        """Check a URL; raises Refused if nothing can be delivered to it."""
        try:
            url = URL(text)
            host = url.host
            port = url.port
        except ValueError as error:
            raise Refused(RefusalReason.INVALID_VALUE, "The URL is not valid.") from error
        if url.scheme not in ("http", "https") or not host or not port:
            raise Refused(RefusalReason.INVALID_VALUE, "The URL must be https://HOST/… or http://HOST/….")
        if url.user or url.password:
            raise Refused(RefusalReason.INVALID_VALUE, "The URL must not contain a user name or password.")
        if _is_address(host) and not self.can_reach(host):
            raise Refused(RefusalReason.INVALID_VALUE, "The URL resolves to an address that is not public.")
        return url


def _unpack_address(address: Address) -> Address:
    """An IPv4 address that is packed into an IPv6 address counts as itself."""
    if isinstance(address, ipaddress.IPv6Address):
        packed = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        return packed or address
    return address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
