"""Requests that we send to others by HTTP, and their answers.

An error says whether anything was sent, since whoever sends again decides by that, and names neither URL nor body,
which may hold a key or a patron's number. Cookies are not kept. Redirects are not followed, since what we say of
ourselves must go nowhere else: `HttpReply.location` is for those who ask there themselves.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import aiohttp
from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientPayloadError,
    InvalidURL,
    ServerDisconnectedError,
)
from aiohttp.resolver import ThreadedResolver
from multidict import CIMultiDict, MultiMapping
from yarl import URL

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import mark_template, write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.system_errors import describe_system_error
from gateway.ports.tls import ClientTls, require_client_context

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver, ResolveResult

CHUNK_BYTES = 65_536

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses of RFC 9110, 15.4, that lead to another place."""


@value_object(kw_only=True)
class HttpOptions:
    """`keep_seconds`: how long a connection is kept for the next request; 0: each has its own and is sent once, since a
    kept one may be closed just when it is used, and then nobody can say whether a message arrived. `connections`: to
    one host at once. `addresses`: what may be reached, where somebody else says where to go; None: everything.
    `headers`: of each request."""

    tls: ClientTls = ClientTls()
    keep_seconds: float = 0.0
    connections: int = 20
    addresses: AllowedAddresses | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@value_object
class HttpRequest:
    """`body` as octets, or the fields of a form. `once`: never twice, also where its method would allow that."""

    method: str
    url: URL = field(repr=False)
    body: bytes | Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    once: bool = False


@value_object
class HttpLimits:
    """`reply_seconds`: from the beginning to the answer's last byte; `read_seconds`: between two pieces of it. Of a
    longer answer than `max_bytes` the rest is not read, and `is_cut` says so; 0: no answer is read."""

    connect_seconds: float | None
    reply_seconds: float
    max_bytes: int
    read_seconds: float | None = None


@value_object
class HttpReply:
    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    charset: str = ""
    headers: MultiMapping[str] = field(default_factory=CIMultiDict, repr=False)
    is_cut: bool = False

    @property
    def location(self) -> str:
        """The target of a redirect; empty: it is none."""
        return self.headers.get("Location", "") if self.status in REDIRECTS else ""


class HttpFailure(Exception):
    """There is no complete answer. `report`: why, in a sentence; `is_sent`: something may have arrived; `is_closed`:
    the connection ended before the answer."""

    def __init__(self, error: Exception, limits: HttpLimits, *, is_sent: bool) -> None:
        self.report = describe_connection_error(error)
        self.is_sent = is_sent
        self._is_late = isinstance(error, TimeoutError)
        self._limits = limits
        self.is_closed = not self._is_late and isinstance(
            error, ClientConnectionError | ClientPayloadError | ConnectionError
        )
        super().__init__(self.report)

    def make_problem(self) -> Unavailable | OutcomeUnknown:
        """Make the problem of a message, which must not arrive twice."""
        return make_sending_problem(self.report, is_sent=self.is_sent)

    def describe_place(self, place: object) -> str:
        """Describe the failure of a question. `place`: what was asked, without keys."""
        limits = self._limits
        if self._is_late and self.is_sent:
            report = write_sentence("no complete answer within %(seconds)s s", seconds=limits.reply_seconds)
            return write_about(str(place), report)
        if self._is_late:
            seconds = limits.connect_seconds or limits.reply_seconds
            return write_about(str(place), write_sentence("no connection within %(seconds)s s", seconds=seconds))
        if not self.is_sent:
            return write_about(str(place), write_sentence(NOT_REACHED, report=self.report))
        return write_about(str(place), self.report)


class AddressNotAllowedError(OSError):
    """The host has no address that may be reached."""


class GuardedResolver:
    """An `AbstractResolver` of aiohttp. Names are checked when they are resolved for the connection itself, so that one
    can't show one address to the check and another to the connection."""

    def __init__(self, addresses: AllowedAddresses) -> None:
        self._addresses = addresses
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self._resolver.resolve(host, port, family)
        allowed = [result for result in results if self._addresses.can_reach(result["host"])]
        if not allowed:
            raise AddressNotAllowedError("the host has no public address")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


class HttpClient:
    """Connections to one place; `close` ends them. It opens none before the first request."""

    def __init__(self, options: HttpOptions | None = None) -> None:
        self._options = options or HttpOptions()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def exchange(self, request: HttpRequest, limits: HttpLimits) -> HttpReply:
        """Send a request and read its answer; raises HttpFailure, and Unavailable where a file of `tls` can't be
        used."""
        progress = SimpleNamespace(sent=False, once=request.once or not self._options.keep_seconds)
        context = require_client_context(self._options.tls) if request.url.scheme == "https" else True
        try:
            async with self._get_session().request(
                request.method,
                request.url,
                data=request.body,
                headers=request.headers,
                skip_auto_headers=("Content-Type",) if isinstance(request.body, bytes) else (),
                allow_redirects=False,
                ssl=context,
                timeout=aiohttp.ClientTimeout(
                    total=limits.reply_seconds, sock_connect=limits.connect_seconds, sock_read=limits.read_seconds
                ),
                trace_request_ctx=progress,
            ) as response:
                return await _read_reply(response, limits.max_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # time-outs are OSErrors
            raise HttpFailure(error, limits, is_sent=progress.sent) from None  # its own text may quote the URL

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            options, trace = self._options, aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_sent)
            kept = {"keepalive_timeout": options.keep_seconds} if options.keep_seconds else {"force_close": True}
            guarded = GuardedResolver(options.addresses) if options.addresses is not None else None
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit_per_host=options.connections,
                    resolver=cast("AbstractResolver | None", guarded),
                    use_dns_cache=guarded is None,
                    **kept,
                ),
                trace_configs=[trace],
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=options.headers,
            )
        return self._session


async def exchange_http(request: HttpRequest, limits: HttpLimits, tls: ClientTls | None = None) -> HttpReply:
    """A message on a connection of its own. Raises Unavailable (nothing was sent), OutcomeUnknown."""
    try:
        async with HttpClient(HttpOptions(tls=tls or ClientTls())) as client:
            return await client.exchange(request, limits)
    except HttpFailure as failure:
        raise failure.make_problem() from None


async def _read_reply(response: aiohttp.ClientResponse, max_bytes: int) -> HttpReply:
    raw = bytearray()
    if max_bytes:
        async for piece in response.content.iter_chunked(CHUNK_BYTES):
            raw += piece
            if len(raw) > max_bytes:
                break
    return HttpReply(
        status=response.status,
        body=bytes(raw[:max_bytes]),
        content_type=response.content_type,
        charset=response.charset or "",
        headers=response.headers.copy(),
        is_cut=len(raw) > max_bytes,
    )


async def _note_sent(_session: aiohttp.ClientSession, trace: SimpleNamespace, _parameters: object) -> None:
    """Note that it is sent before anything is written. aiohttp sends GET, PUT and DELETE again by itself where a
    connection broke, kept or not."""
    progress = trace.trace_request_ctx
    if progress.sent and progress.once:
        raise ServerDisconnectedError
    progress.sent = True


def describe_connection_error(error: Exception) -> str:
    """Return what the system said about the connection, else the kind of error: its own text may quote the URL."""
    if isinstance(error, ServerDisconnectedError) and not isinstance(error, TimeoutError):
        return write_sentence("the connection was closed")
    if isinstance(error, InvalidURL):
        return write_sentence("the URL is not valid")
    if isinstance(error, ClientConnectorCertificateError):
        return write_sentence("its certificate is not trusted: %(report)s", report=error.certificate_error)
    reason = error.os_error if isinstance(error, ClientConnectorError) else error
    return str(reason) if isinstance(reason, AddressNotAllowedError) else describe_system_error(reason)


NOT_REACHED = mark_template("not reached: %(report)s")
NOT_ANSWERED = mark_template("sent, but no complete answer was received: %(report)s")


def make_sending_problem(report: str, *, is_sent: bool) -> Unavailable | OutcomeUnknown:
    if not is_sent:
        return Unavailable(write_sentence(NOT_REACHED, report=report))
    return OutcomeUnknown(write_sentence(NOT_ANSWERED, report=report))


def describe_large_reply(place: object, max_bytes: int) -> str:
    most = f"{max_bytes:,}"
    return write_sentence("%(place)s: the answer is larger than %(most)s bytes", place=place, most=most)


def parse_url(text: str) -> URL:
    """Parse a URL; raises Unavailable, without the text."""
    try:
        return URL(text)
    except ValueError:
        raise Unavailable(write_sentence("the URL is not valid")) from None


def make_basic_header(user: str, password: str) -> dict[str, str]:
    """RFC 7617, in UTF-8."""
    both = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {both}"}


def parse_retry_after(text: str, now: datetime) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3). None: neither."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip())
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
