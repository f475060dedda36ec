"""The HTTP side: one path per protocol, /readyz, /metrics.

Bodies go on as they came: undoing a partner's habits (URL encoding, form fields, charsets) is the protocol's work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Protocol

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.value import value_object
from gateway.ports.responder import MessageAddress, RawMessage, ResponderAnswer, TransportKind
from gateway.services.exchange.peer_keys import KEY_SET_PATH, PeerKeyRing
from gateway.web.access_refusals import CountRefusal, ignore_refusal, make_refusal_signal
from gateway.web.client_certificates import ForwardedCertificates, connection_certificate
from gateway.web.common_headers import make_header_signal
from gateway.web.inbound import REFUSAL_SECONDS, AdmissionQueue, QueueFullError, ReadTimeouts, read_body
from gateway.web.trusted_proxies import ForwardingNotes, TrustedProxies, is_open_path, make_forwarding_middleware

log = structlog.get_logger(component="http")

RETRY_AFTER = "5"

MAX_KEY_CACHE_SECONDS = 300
"""Shorter than a new key is published before it signs."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DOT_SEGMENTS = frozenset({".", ".."})


class PartKind(StrEnum):
    STORE = "store"
    STORE_WRITING = "store writing"
    LIBRARY = "library"
    MESSAGES = "messages"
    MAILBOX = "mailbox"
    CLOCK = "clock"
    PROXIES = "proxies"
    PROFILES = "profiles"
    SETTINGS = "settings"
    LISTENER = "listener"


@value_object
class ReadinessPart:
    """One thing the gateway needs. `problem` empty: it works. `notes`: wrong, but nobody has to wait for it. `library`:
    symbol of the one that it belongs to; empty: to the installation, and all need it. `own_name`: which one, of a kind
    of which there are several."""

    kind: PartKind
    problem: str = ""
    notes: tuple[str, ...] = ()
    library: str = ""
    own_name: str = ""

    @property
    def name(self) -> str:
        """'store', 'library CLK', 'listener http 127.0.0.1:8080'"""
        return f"{self.kind} {self.own_name}".rstrip()

    @property
    def is_up(self) -> bool:
        return not self.problem


@value_object
class GatewayReadiness:
    """`library`: symbol of the one for which it is told; empty: for the installation, which is ready also while what
    belongs to a library is away (docs/decisions/0046)."""

    parts: tuple[ReadinessPart, ...]
    library: str = ""

    @property
    def is_ready(self) -> bool:
        return all(part.is_up for part in self.parts if part.library in ("", self.library))

    def for_library(self, symbol: str) -> GatewayReadiness:
        """Leave out what belongs to others."""
        return GatewayReadiness(tuple(part for part in self.parts if part.library in ("", symbol)), symbol)

    @property
    def is_degraded(self) -> bool:
        """Some part doesn't do all it should: down, or with a note."""
        return any(part.problem or part.notes for part in self.parts)

    def to_document(self) -> dict[str, object]:
        """Write the readiness as JSON: {"version": str, "ready": bool, "degraded": bool, "parts": [{"name", "library"?,
        "up", "problem"?, "notes"?}]}."""
        parts: list[dict[str, object]] = []
        for part in self.parts:
            entry: dict[str, object] = {"name": part.name, "up": part.is_up}
            if part.library:
                entry["library"] = part.library
            if part.problem:
                entry["problem"] = part.problem
            if part.notes:
                entry["notes"] = list(part.notes)
            parts.append(entry)
        return {"version": version("illgate"), "ready": self.is_ready, "degraded": self.is_degraded, "parts": parts}


class MessageAnswerer(Protocol):
    """One message in, one answer out (services.exchange)."""

    async def handle(self, arrival: RawMessage) -> ResponderAnswer: ...


def find_profile_alone(first: str, _second: str) -> MessageAddress:
    """Know no library by an address."""
    return MessageAddress("", first)


def find_no_library(_address: MessageAddress) -> str:
    """Know no library by a profile."""
    return ""


def ignore_defect(_event: str) -> None:
    """Ignore defects where nobody counts."""


class RouteRegistrar(Protocol):
    """A part of the HTTP side that brings its own routes (web.api.app.JsonApi)."""

    def register(self, app: web.Application) -> None: ...


@value_object
class HttpSite:
    """The parts that the HTTP side works with. `limit` gives the most bytes that any profile accepts now, `metrics` the
    page for Prometheus and its content type.

    `find_address` tells libraries from profiles in addresses; `find_library` gives the symbol of the library that an
    address means, empty where only the message tells.
    `post_only`: protocols that take no other method. `certificates`: of clients whose TLS connection ends at a proxy.
    `hsts_days`: so long browsers shall keep to TLS. `count_refusal` is called when access is refused, `count_defect`
    with the log's event when no answer could be made of a message.
    """

    exchange: MessageAnswerer
    protocols: Sequence[str]
    gate: AdmissionQueue
    clock: Clock
    limit: Callable[[], int]
    readiness: Callable[[], Awaitable[GatewayReadiness]]
    find_address: Callable[[str, str], MessageAddress] = find_profile_alone
    find_library: Callable[[MessageAddress], str] = find_no_library
    library_readiness: Callable[[str], Awaitable[GatewayReadiness | None]] | None = None  # None: no /readyz/LIBRARY
    post_only: frozenset[str] = frozenset()
    metrics: Callable[[], tuple[bytes, str]] | None = None  # None: no /metrics
    patience: ReadTimeouts = field(default_factory=ReadTimeouts)
    proxies: TrustedProxies = field(default_factory=lambda: TrustedProxies(()))
    forwarding: ForwardingNotes = field(default_factory=ForwardingNotes)
    certificates: ForwardedCertificates = field(default_factory=lambda: ForwardedCertificates(TrustedProxies(())))
    hsts_days: int = 0
    count_refusal: CountRefusal = ignore_refusal
    count_defect: Callable[[str], None] = ignore_defect
    api: RouteRegistrar | None = None  # None: no /api
    pages: RouteRegistrar | None = None  # None: no /openurl
    staff: RouteRegistrar | None = None  # None: no /staff
    start: RouteRegistrar | None = None  # None: nothing at /
    peer_keys: PeerKeyRing | None = None  # None: no /.well-known/jwks.json
    trace: Middleware | None = None  # None: no traces


def make_app(site: HttpSite) -> web.Application:
    middlewares = [
        *([site.trace] if site.trace is not None else []),
        make_closing_middleware(site.gate.closed_by),
        refuse_dot_segments,
        make_forwarding_middleware(site.proxies, site.forwarding),
    ]
    app = web.Application(middlewares=middlewares)
    app.on_response_prepare.append(make_header_signal(site.proxies, site.hsts_days))
    app.on_response_prepare.append(make_refusal_signal(site.proxies, site.count_refusal))
    for protocol in site.protocols:
        endpoint = MessageEndpoint(site, protocol)
        for path in ("/{first}", "", "/{first}/{second}", "/{first}/{second}/{key}"):  # tried in this order
            app.router.add_route("*", f"/{protocol}{path}", endpoint.handle)
            app.router.add_route("*", f"/{protocol}{path}/", endpoint.handle)
    app.router.add_get("/healthz", show_alive)
    app.router.add_get("/readyz", _make_readiness_page(lambda _library: site.readiness()))
    if site.library_readiness is not None:
        app.router.add_get("/readyz/{library}", _make_readiness_page(site.library_readiness))
    if site.metrics is not None:
        app.router.add_get("/metrics", _make_metrics_page(site.metrics))
    if site.api is not None:
        site.api.register(app)
    if site.pages is not None:
        site.pages.register(app)
    if site.staff is not None:
        site.staff.register(app)
    if site.start is not None:
        site.start.register(app)
    if site.peer_keys is not None:
        app.router.add_get(KEY_SET_PATH, make_key_page(site.peer_keys))
    return app


def make_closing_middleware(closed_by: Callable[[], str]) -> Middleware:
    """Make the middleware that answers 503 where nothing may be begun, but for those who ask how the gateway is."""

    @web.middleware
    async def refuse_while_closed(request: web.Request, handler: Handler) -> web.StreamResponse:
        if closed_by() and not is_open_path(request.path):
            headers: dict[str, str] = {hdrs.RETRY_AFTER: RETRY_AFTER, hdrs.CACHE_CONTROL: "no-store"}
            return _text_response(503, "The gateway is being upgraded; please try again shortly.\n", headers)
        return await handler(request)

    return refuse_while_closed


@web.middleware
async def refuse_dot_segments(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Clients resolve these before they ask (RFC 3986, 5.2.4). A proxy resolves them too when it looks which of its
    gates is meant, and passes the path on as it came: /ncip/partner/.. would be no path of that partner there, and one
    here."""
    path = request.path
    if "/." in path and not DOT_SEGMENTS.isdisjoint(path.split("/")):
        raise web.HTTPBadRequest(text="The path has a segment that leads to another place.\n")
    return await handler(request)


class MessageEndpoint:
    """Messages of one protocol, by POST or any other method that carries a body."""

    def __init__(self, site: HttpSite, protocol: str) -> None:
        self._protocol = protocol
        self._is_post_only = protocol in site.post_only
        self._exchange = site.exchange
        self._gate = site.gate
        self._clock = site.clock
        self._limit = site.limit
        self._find_address = site.find_address
        self._find_library = site.find_library
        self._patience = site.patience
        self._proxies = site.proxies
        self._certificates = site.certificates
        self._count_defect = site.count_defect

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self._is_post_only and request.method != hdrs.METH_POST:
            return _text_response(405, self._usage_text(), {hdrs.ALLOW: hdrs.METH_POST})
        names = request.match_info
        address = self._find_address(names.get("first", ""), names.get("second", ""))
        if "key" in names and not address.library:
            raise web.HTTPNotFound
        library = self._find_library(address)
        if library and not self._gate.has_share_left(library):
            await asyncio.sleep(REFUSAL_SECONDS)
            return _make_busy_response()
        body = await read_body(request, self._limit(), self._patience)
        if not body.data and request.method in ("GET", "HEAD"):
            return _text_response(200, self._usage_text())
        received = self._clock.now()
        try:
            with self._gate.count_by_library() as take_share:
                if library and not take_share(library):
                    return _make_busy_response()
                if library:
                    await self._gate.wait_for_turn(library)
                await self._gate.enter()
                try:
                    answer = await self._exchange.handle(
                        self._make_raw_message(request, address, body.data, received, take_share)
                    )
                finally:
                    self._gate.leave()
        except QueueFullError:
            return _make_busy_response()
        except Exception:  # a defect: say so without details, keep the traceback for the log
            peer = self._proxies.sender_address(request)
            log.exception("http.message_failed", peer=peer, profile=address.profile)
            self._count_defect("http.message_failed")
            return _text_response(500, "The message could not be answered because of an error in the gateway.\n")
        response = web.Response(body=answer.body, status=answer.status, headers=answer.headers)
        response.headers[hdrs.CONTENT_TYPE] = answer.content_type
        if not body.whole:
            response.force_close()
        return response

    def _make_raw_message(
        self,
        request: web.Request,
        address: MessageAddress,
        body: bytes,
        received: datetime,
        take_share: Callable[[str], bool],
    ) -> RawMessage:
        certificate = connection_certificate(request.transport) or self._certificates.read(request)
        return RawMessage(
            body=body,
            received=received,
            transport=TransportKind.HTTP,
            protocol=self._protocol,
            peer=self._proxies.sender_address(request),
            path=request.path,
            profile=address.profile,
            library=address.library,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query) if request.query_string else {},
            certificate=certificate,
            take_share=take_share,
        )

    def _usage_text(self) -> str:
        path = f"/{self._protocol}"
        return (
            f"This is illgate, a gateway for interlibrary loan. Send {self._protocol.upper()} messages here by POST:\n"
            f"  curl --data-binary @message.xml -H 'Content-Type: application/xml' http://HOST:PORT{path}\n"
            f"or to {path}/PARTNER to name the partner; {path}/LIBRARY/PARTNER where several libraries have it.\n"
        )


async def show_alive(_request: web.Request) -> web.StreamResponse:
    return _text_response(200, "alive\n")


def _make_readiness_page(readiness: Callable[[str], Awaitable[GatewayReadiness | None]]) -> Handler:
    async def show_readiness(request: web.Request) -> web.StreamResponse:
        now = await readiness(request.match_info.get("library", ""))
        if now is None:
            return _text_response(404, "There is no such library here.\n", {hdrs.CACHE_CONTROL: "no-store"})
        text = json.dumps(now.to_document(), ensure_ascii=False, indent=2) + "\n"
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return web.json_response(text=text, status=200 if now.is_ready else 503, headers=headers)

    return show_readiness


def _make_metrics_page(metrics: Callable[[], tuple[bytes, str]]) -> Handler:
    async def show_metrics(_request: web.Request) -> web.StreamResponse:
        body, content_type = metrics()
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    return show_metrics


def make_key_page(ring: PeerKeyRing) -> Handler:
    """Our public keys, for systems of partners (JWK set, RFC 7517)."""

    async def show_keys(_request: web.Request) -> web.StreamResponse:
        try:
            key_set = await ring.build_key_set()
        except Unavailable:
            return _text_response(503, "The keys can't be read now.\n", {hdrs.RETRY_AFTER: RETRY_AFTER})
        if key_set is None:
            return _text_response(404, "There are no keys here.\n", {hdrs.CACHE_CONTROL: "no-store"})
        headers = {hdrs.CACHE_CONTROL: f"public, max-age={MAX_KEY_CACHE_SECONDS}"}
        return web.json_response(text=json.dumps(key_set), headers=headers)

    return show_keys


def _make_busy_response() -> web.Response:
    return _text_response(
        503, "Too many messages at once; please try again shortly.\n", {hdrs.RETRY_AFTER: RETRY_AFTER}
    )


def _text_response(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=text, headers=headers)
