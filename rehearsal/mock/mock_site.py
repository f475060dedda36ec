"""The site where a partner that is played listens: messages by POST to any path, and at `/` a page that shows what was
exchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.ports.responder import RawMessage, TransportKind
from gateway.services.letters.localization import TextCatalogues
from gateway.web.common_headers import make_header_signal
from gateway.web.html import assets
from gateway.web.html.assets import PageAssets, html_response
from gateway.web.html.rendering import PageTemplates
from gateway.web.html.visits import preferred_languages
from gateway.web.inbound import ReadTimeouts, read_body
from gateway.web.trusted_proxies import TrustedProxies
from rehearsal.mock.mock_answers import MockReception
from rehearsal.mock.played_system import PlayedSystem

REFRESH_SECONDS = 5
SHOWN_EXCHANGES = 100

ASSETS = PageAssets("/_assets", (assets.FOLDER,))
TEMPLATES = PageTemplates(Path(__file__).parent / "templates", ASSETS)


class MockEndpoint:
    """Takes messages at any path. `methods`: of HTTP."""

    def __init__(self, reception: MockReception, clock: Clock, methods: Sequence[str] = (hdrs.METH_POST,)) -> None:
        self._methods = methods
        self._reception = reception
        self._clock = clock

    def register(self, app: web.Application) -> None:
        for method in self._methods:  # after the routes of the page
            app.router.add_route(method, "/{path:.*}", self._take_message)

    async def _take_message(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request, self._reception.max_bytes, ReadTimeouts())
        reply = await self._reception.receive_message(
            RawMessage(
                body=body.data if request.method != hdrs.METH_GET else request.rel_url.raw_query_string.encode(),
                received=self._clock.now(),
                transport=TransportKind.HTTP,
                protocol=self._reception.protocol,
                peer=request.remote or "",
                path=request.path,
                headers={name.lower(): value for name, value in request.headers.items()},
                query=dict(request.query),
            )
        )
        if reply.after_seconds:
            await self._reception.pass_seconds(reply.after_seconds)
        if reply.answer is None:
            if request.transport is not None:
                request.transport.abort()
            reply.speak()
            return web.Response(status=500)  # never sent: the connection is gone
        response = web.Response(body=reply.answer.body, status=reply.answer.status, headers=reply.answer.headers)
        response.headers[hdrs.CONTENT_TYPE] = reply.answer.content_type
        try:
            await response.prepare(request)
            await response.write_eof()
        finally:
            reply.speak()  # it has taken the message, though its sender may have gone
        return response


class MockSite:
    """The page, and where messages come by HTTP the endpoint for them."""

    def __init__(self, partner: PlayedSystem, texts: TextCatalogues, endpoint: MockEndpoint | None = None) -> None:
        self.partner = partner
        self.url = ""
        self._texts = texts
        self._endpoint = endpoint
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Its URL. `port` 0: a free one. Raises OSError."""
        app = web.Application()
        app.on_response_prepare.append(make_header_signal(TrustedProxies(()), 0))
        ASSETS.register(app)
        app.router.add_get("/", self._show_exchanges)
        app.router.add_get(r"/exchanges/{number:\d{1,9}}", self._show_exchange)
        if self._endpoint is not None:
            self._endpoint.register(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        """Stop; what is in hand is answered first: the partner may speak when it was."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None
        await self.partner.stop()

    async def _show_exchanges(self, request: web.Request) -> web.Response:
        partner = self.partner
        values = {
            "exchanges": list(reversed(partner.exchanges))[:SHOWN_EXCHANGES],
            "requests": list(reversed(partner.list_requests()))[:SHOWN_EXCHANGES],
            "refresh_seconds": REFRESH_SECONDS,
        }
        return self._render_page(request, "mock", values)

    async def _show_exchange(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        exchange = next((exchange for exchange in self.partner.exchanges if exchange.number == number), None)
        if exchange is None:
            raise web.HTTPNotFound(text="There is no such message, or it is too long ago.\n")
        values = {
            "exchange": exchange,
            "body": _show_octets(exchange.body),
            "answer": _show_octets(exchange.answer),
        }
        return self._render_page(request, "mock_exchange", values)

    def _render_page(self, request: web.Request, template: str, values: Mapping[str, object]) -> web.Response:
        localization = self._texts.choose_language(preferred_languages(request))
        parties = self.partner.shown_parties
        shown = {"partner": parties.ours, "other": parties.theirs, **values}
        return html_response(TEMPLATES.render(template, localization, shown), 200)


def _show_octets(body: bytes) -> str:
    """Show octets as text; what is none in hexadecimal."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body.hex(" ")
    is_text = "<" in text or text.replace("\r", "").replace("\n", "").isprintable()
    return text if is_text else body.hex(" ")
