"""Messages of commands to the daemon of their own installation, beside a proxy
(docs/decisions/0036-beside-the-proxy.md).

Where a proxy on this machine is named in `http.trusted_proxies`, what comes from this machine's address counts as
passed on, and is nobody's unless it says whose it is. So a command says that it is its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.domain.profile import Profile
from gateway.ports.peer_headers import MakePeerHeaders, refuse_peer_headers
from gateway.settings import Settings
from gateway.web.trusted_proxies import FORWARDED, TrustedProxies

LOCALHOST = "127.0.0.1"


def make_sender_headers(settings: Settings, url: str) -> Mapping[str, str]:
    """Make the headers of a message of this machine to this URL. Nothing where it is not this daemon's own, past all
    proxies, or where this machine is not named as a proxy: then the connection's address says it."""
    address = _find_own_address(settings, url)
    if not address or not TrustedProxies(settings.http.trusted_proxies).is_trusted(address):
        return {}
    return {FORWARDED: address}


def add_sender_headers(settings: Settings, url: str) -> MakePeerHeaders:
    """The same for a channel; nothing is signed by it."""
    headers = make_sender_headers(settings, url)

    async def make_headers(profile: Profile) -> Mapping[str, str]:
        return {**await refuse_peer_headers(profile), **headers}

    return make_headers


def _find_own_address(settings: Settings, url: str) -> str:
    """Find the address by which this machine reaches its daemon at this URL, and is seen by it. Empty: it isn't the
    daemon's."""
    target, http = urlsplit(url), settings.http
    try:
        port = target.port
    except ValueError:
        return ""
    if target.scheme not in ("http", "https") or port != http.port:
        return ""
    host = LOCALHOST if target.hostname == "localhost" else target.hostname or ""
    try:
        address, listens = ipaddress.ip_address(host), ipaddress.ip_address(http.host)
    except ValueError:
        return host if host == http.host else ""
    return str(address) if address == listens or (listens.is_unspecified and address.is_loopback) else ""
