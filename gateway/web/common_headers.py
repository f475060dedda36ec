"""Headers of every answer by HTTP: our name without a version, that nobody shall guess another type than it names, and
over TLS that browsers shall keep to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from gateway.web.trusted_proxies import TrustedProxies

SERVER = "illgate"
"""For the header Server: who looks for weak versions learns none."""

CONTENT_TYPE_OPTIONS = "X-Content-Type-Options"
NO_SNIFFING = "nosniff"
"""An answer repeats what strangers sent; it is never to become a page or a script by what it looks like."""

STRICT_TRANSPORT = "Strict-Transport-Security"
FORWARDED_PROTO = "X-Forwarded-Proto"
DAY_SECONDS = 86_400

ResponseSignal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def is_https(request: web.Request, proxies: TrustedProxies) -> bool:
    """Return whether the client speaks TLS: with us, or with a proxy that we trust and that says so."""
    if request.secure:
        return True
    return proxies.is_trusted(request.remote or "") and request.headers.get(FORWARDED_PROTO) == "https"


def make_header_signal(proxies: TrustedProxies, hsts_days: int) -> ResponseSignal:
    """Make a signal to be called before a response is sent, also one that aiohttp makes itself (no such path, no such
    method).

    Strict-Transport-Security (RFC 6797) may be said over TLS alone; 0 days make browsers forget it. It holds for this
    host alone: what stands below its name in the DNS is not ours to decide.
    """
    strict = f"max-age={hsts_days * DAY_SECONDS}"

    async def set_common_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers[hdrs.SERVER] = SERVER
        response.headers[CONTENT_TYPE_OPTIONS] = NO_SNIFFING
        if is_https(request, proxies):
            response.headers[STRICT_TRANSPORT] = strict

    return set_common_headers


class NamedRequestHandler(web.RequestHandler):
    """aiohttp's protocol of one connection, but for the answers to what it can't read: no application sees these, and
    aiohttp would name its own version and Python's in them."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = super().handle_error(request, status, exc, message)
        response.headers[hdrs.SERVER] = SERVER
        response.headers[CONTENT_TYPE_OPTIONS] = NO_SNIFFING
        return response


def make_request_handler(server: web.Server) -> web.RequestHandler:
    """Make a handler for a new connection. aiohttp has no place to name another class in, so the one that it makes
    becomes ours, which has the same fields."""
    handler = server()
    handler.__class__ = NamedRequestHandler
    return handler
