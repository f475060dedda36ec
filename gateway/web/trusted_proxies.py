"""Reverse proxies that stand before us, and the sender that they tell of.

A proxy makes its own address that of all senders. So a request that has passed one counts only where the proxy is named
in `http.trusted_proxies`; then it is the proxy that says who the sender is.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object

log = structlog.get_logger(component="http")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = "X-Forwarded-For"

FORWARDING_HEADERS = (FORWARDED, "Forwarded", "X-Real-IP")
"""Where one of these stands, a proxy has passed the request on. Of trusted ones only the first is read: what they
don't set is the client's own."""

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""For ourselves, whoever passes the question on; there it is read why all else is refused."""


def is_open_path(path: str) -> bool:
    """Return whether a path is one of `OPEN_PATHS`, or asks how one library is."""
    return path in OPEN_PATHS or path.startswith("/readyz/")


NOTED_SECONDS = 3600.0
"""So long /readyz tells of a proxy after its last request."""

MAX_NOTED_PROXIES = 20
"""Anybody can send such a header; of so many addresses it is told."""

REFUSAL = (
    "This request was passed on by a proxy that the gateway does not know, so nobody can say who sent it.\n"
    "Operators: name the proxy's address in http.trusted_proxies of gateway.yml.\n"
)

_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::\d{1,5})?|([^:\[\]]+):\d{1,5}")


class TrustedProxies:
    """Addresses whose headers about the sender are believed; nobody else's are."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(network, strict=False) for network in networks)
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

    def sender_address(self, request: web.Request) -> str:
        """The nearest address that isn't one of our proxies. Empty, an address that is in no network, where a proxy of
        ours doesn't say it or says what can't be read: the proxy's own would make its neighbours of all."""
        sender = request.remote or ""
        if not self.is_trusted(sender):
            return sender
        sender = ""
        chain = [part for value in request.headers.getall(FORWARDED, ()) for part in value.split(",")]
        for part in reversed(chain):
            sender = read_forwarded_address(part)
            if not self.is_trusted(sender):
                break
        return sender


def read_asserted_header(request: web.Request, name: str, proxies: TrustedProxies) -> str:
    """Read a header in which a proxy says whom it has signed in. Empty: nothing was said, or not by one of `proxies`;
    of two that differ, one may be the browser's own."""
    if not name or not proxies.is_trusted(request.remote or ""):
        return ""
    values = set(request.headers.getall(name, ()))
    return values.pop().encode("utf-8", "replace").decode().strip() if len(values) == 1 else ""


def read_forwarded_address(text: str) -> str:
    """An IP address that may stand in brackets and have a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. Empty: it
    can't be read, such as `unknown`."""
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    try:
        return str(ipaddress.ip_address((match[1] or match[2]) if match is not None else text))
    except ValueError:
        return ""


@value_object
class _NotedProxy:
    """`at`: of the last request, in seconds on a steady clock."""

    requests: int
    at: float


class ForwardingNotes:
    """The proxies that hide the senders of what they pass on, for the log and for /readyz."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: dict[tuple[str, str], _NotedProxy] = {}

    def note_refused(self, proxy: str, header: str) -> None:
        log.warning("http.proxy_not_trusted", peer=proxy, header=header)
        self._note(proxy, write_sentence("is not in http.trusted_proxies, so what it passes on is refused"))

    def note_unknown_sender(self, proxy: str) -> None:
        log.warning("http.sender_address_missing", peer=proxy, header=FORWARDED)
        self._note(
            proxy,
            write_sentence(
                "does not state in %(header)s who the sender is, so no `networks` of a profile fits", header=FORWARDED
            ),
        )

    def describe_recent(self) -> tuple[str, ...]:
        """A sentence for each proxy of the last hour."""
        since = self._clock() - NOTED_SECONDS
        self._noted = {key: noted for key, noted in self._noted.items() if noted.at >= since}
        return tuple(
            write_sentence("proxy %(proxy)s %(problem)s (1 request)", proxy=proxy, problem=problem)
            if noted.requests == 1
            else write_sentence(
                "proxy %(proxy)s %(problem)s (%(count)s requests)", proxy=proxy, problem=problem, count=noted.requests
            )
            for (proxy, problem), noted in self._noted.items()
        )

    def _note(self, proxy: str, problem: str) -> None:
        key, now = (proxy, problem), self._clock()
        noted_proxy = self._noted.pop(key, _NotedProxy(0, now))
        if len(self._noted) >= MAX_NOTED_PROXIES:
            self._noted.pop(next(iter(self._noted)))  # the one that was heard of longest ago
        self._noted[key] = replace(noted_proxy, requests=noted_proxy.requests + 1, at=now)


def make_forwarding_middleware(proxies: TrustedProxies, notes: ForwardingNotes) -> Middleware:
    """Refuses what a proxy has passed on that isn't named: it would count as the proxy's own, and one on this machine
    would make the whole world local."""

    @web.middleware
    async def refuse_unknown_proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_open_path(request.path):
            return await handler(request)
        peer, headers = request.remote or "", request.headers
        if proxies and proxies.is_trusted(peer):
            if not proxies.sender_address(request):
                notes.note_unknown_sender(peer)
            return await handler(request)
        for header in FORWARDING_HEADERS:
            if header in headers:
                notes.note_refused(peer, header)
                return web.Response(status=403, text=REFUSAL)
        return await handler(request)

    return refuse_unknown_proxies
