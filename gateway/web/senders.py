"""Who is at the other end: address and client certificate, also behind a reverse proxy that we trust."""

from __future__ import annotations

import ipaddress
import re
from asyncio import BaseTransport
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = "X-Forwarded-For"
VERIFIED = "X-Client-Verify"
SUBJECT = "X-Client-Subject"
"""Set by a proxy (deploy/nginx.conf) to nginx's `$ssl_client_verify` and `$ssl_client_s_dn` (RFC 2253)."""

_COMMON_NAME = re.compile(r"(?:^|,)\s*CN=((?:\\.|[^,\\])+)", re.IGNORECASE)


class TrustedProxies:
    """Addresses whose headers about the sender are believed; nobody else's are."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(one, strict=False) for one in networks)
        self._trusts = lru_cache(maxsize=1024)(self._look)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        return self._trusts(address)

    def _look(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def sender(self, request: web.Request, peer: str) -> str:
        """The nearest address that isn't one of our proxies; `peer` where no proxy of ours stands between."""
        if not self.trusts(peer):
            return peer
        chain = [part.strip() for value in request.headers.getall(FORWARDED, ()) for part in value.split(",")]
        for address in reversed(chain):
            if not _is_address(address):
                return peer  # something we can't read: stop believing
            if not self.trusts(address):
                return address
            peer = address
        return peer

    def certificate(self, request: web.Request, peer: str) -> str:
        """Common name of the client certificate that the proxy has verified, else ''."""
        if request.headers.get(VERIFIED) != "SUCCESS" or not self.trusts(peer):
            return ""
        found = _COMMON_NAME.search(request.headers.get(SUBJECT, ""))
        return re.sub(r"\\(.)", r"\1", found[1]).strip() if found else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def certificate_name(transport: BaseTransport | None) -> str:
    """Subject common name of the client certificate of a TLS connection, verified by it; '' if there is none."""
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""
