"""Profiles and addresses as they are typed, and messages to the daemon of the command's own installation.

Where a proxy on this machine is named in `http.trusted_proxies`, what comes from this machine's address counts as
passed on, and is nobody's unless it says whose it is. So a command says that it is its own
(docs/decisions/0036-beside-the-proxy.md).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from gateway.cli.installation import Installation
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.problems import ConfigurationError
from gateway.domain.profile import Profile
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.peer_headers import MakePeerHeaders, refuse_peer_headers
from gateway.settings import Settings
from gateway.web.trusted_proxies import FORWARDED, TrustedProxies

LOCALHOST = "127.0.0.1"

ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}


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


# --- addresses on the command line -------------------------------------------------------------------------


def find_playable_profile(installation: Installation, name: str) -> Profile:
    """Find a profile to be played; a partner of several libraries is named `LIBRARY/NAME`. Raises click.UsageError,
    ConfigurationError."""
    loading, entry = installation.profiles, installation.find_profile(name)
    if entry is None:
        own = [problem for problem in loading.problems if Path(problem.file).stem == name]
        if own:
            raise ConfigurationError(own)
        raise click.UsageError(f"profile not found: {name}{suggest_nearest(name, loading.profiles.loaded)}")
    if entry.profile.abstract:
        raise click.UsageError(f"profile {name} can only be extended (abstract)")
    if entry.others and "/" not in name:
        raise click.UsageError(f"{name} is a partner of several libraries: name one as LIBRARY/{name}")
    return entry.profile


def require_http_url(url: str, option: str) -> None:
    """Require an HTTP URL; raises click.UsageError."""
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"{option}: not an http or https URL: {url}")


def parse_tcp_address(address: str, option: str) -> tuple[str, int]:
    """Host and port. Raises click.UsageError."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise click.UsageError(f"{option}: not HOST:PORT: {address}")
    return host.strip("[]"), int(port)


def build_daemon_url(settings: Settings, protocol: str, profile: str, option: str) -> str:
    """Build the URL where the daemon of this installation takes the messages of a profile. `option`: what to say
    instead where its port isn't known. Raises click.UsageError."""
    http = settings.http
    if not http.port:
        raise click.UsageError(f"http.port is 0 in gateway.yml, so the daemon's port is not known: use {option}")
    scheme = "https" if http.tls.certificate else "http"
    return f"{scheme}://{format_host(http.host)}:{http.port}/{protocol}/{profile}"


def find_daemon_address(settings: Settings, adapter: ProtocolAdapter, profile: Profile) -> str:
    """Find where the daemon of this installation takes messages of the partner. Raises click.UsageError."""
    if adapter.over_http:
        return build_daemon_url(settings, adapter.name, profile.name, "--against")
    fitting = (tcp for tcp in settings.tcp if tcp.protocol == adapter.name and tcp.profile in ("", profile.name))
    listener = next(fitting, None)
    if listener is None or not listener.port:
        raise click.UsageError(
            f"gateway.yml has no TCP listener with a port for {adapter.name}: use --against HOST:PORT"
        )
    return f"{format_host(listener.host)}:{listener.port}"


def format_host(host: str) -> str:
    host = ANY_HOST.get(host, host)
    return f"[{host}]" if ":" in host else host


def suggest_nearest(word: str, words: Iterable[str], prefix: str = "") -> str:
    near = nearest_match(word, words)
    return f"; did you mean {prefix}{near}?" if near else ""
