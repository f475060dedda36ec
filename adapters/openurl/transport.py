"""Bringing a query to a system over HTTP(S). Knows bytes, no requests.

Neither the URL nor what a library of ours says about it ever gets into an error: it may hold the patron's identifier
and a key. Redirects are followed on the same host alone, where credentials may go.
"""

from __future__ import annotations

import base64
from dataclasses import field
from types import SimpleNamespace

import aiohttp
from yarl import URL

from adapters.openurl.answers import PushAnswer
from adapters.openurl.dialect import AuthKind, PushAuth, Timing
from gateway.domain.frozen import frozen
from gateway.domain.problems import OutcomeUnknown, Unavailable

MAX_ANSWER = 200_000
"""Bytes of an answer that are looked at."""

MAX_REDIRECTS = 5
CHUNK = 16_384
AGENT = "illgate-openurl/1"


@frozen
class Delivery:
    """`body` None: GET. `secret` is the text itself, already resolved."""

    url: URL = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    auth: PushAuth = PushAuth()
    secret: str = field(default="", repr=False)
    timing: Timing = Timing()


def address(base: str, query: str) -> URL:
    """The base with the query behind what stands in its own."""
    url = URL(base)
    joined = "&".join(filter(None, (url.raw_query_string, query)))
    return URL.build(
        scheme=url.scheme,
        host=url.host or "",
        port=url.explicit_port,
        path=url.raw_path,
        query_string=joined,
        encoded=True,
    )


async def deliver(delivery: Delivery) -> PushAnswer:
    """One connection for each message. Raises Unavailable (nothing was sent), OutcomeUnknown."""
    progress = SimpleNamespace(sent=False)
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note_sent)
    try:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=delivery.timing.total, sock_connect=delivery.timing.connect),
            trace_configs=[trace],
            headers={"User-Agent": AGENT},
        ) as session:
            return await _followed(session, delivery, progress)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # time-outs are OSErrors
        if not progress.sent:
            raise Unavailable(f"not reached: {_told(error)}") from None
        raise OutcomeUnknown(f"sent, but no whole answer came: {_told(error)}") from None


async def _followed(session: aiohttp.ClientSession, delivery: Delivery, progress: SimpleNamespace) -> PushAnswer:
    """A form's answer that leads to a page (303 and its kin) is fetched; 307 and 308 are the same push again."""
    url, body = _with_key(delivery), delivery.body
    for _ in range(MAX_REDIRECTS + 1):
        headers = _headers(delivery) if body is None else {**_headers(delivery), "Content-Type": delivery.content_type}
        async with session.request(
            "GET" if body is None else "POST",
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            target = response.headers.get("Location", "")
            if response.status not in (301, 302, 303, 307, 308) or not target:
                return PushAnswer(response.status, await _text(response))
            following = url.join(URL(target))
            if not _is_same_place(url, following):
                return PushAnswer(response.status, elsewhere=following.host or "no host")
            body = body if response.status in (307, 308) else None
            url = following
    return PushAnswer(508)


def _is_same_place(url: URL, other: URL) -> bool:
    """The same host and port, or the same host by TLS where it was plain."""
    if url.host != other.host:
        return False
    if url.scheme == other.scheme:
        return url.port == other.port
    return other.scheme == "https" and other.port == 443


def _headers(delivery: Delivery) -> dict[str, str]:
    auth = delivery.auth
    match auth.kind:
        case AuthKind.BASIC:
            words = base64.b64encode(f"{auth.user}:{delivery.secret}".encode()).decode("ascii")
            return {"Authorization": f"Basic {words}"}
        case AuthKind.HEADER:
            return {auth.parameter: delivery.secret}
    return {}


def _with_key(delivery: Delivery) -> URL:
    if delivery.auth.kind is not AuthKind.QUERY_KEY:
        return delivery.url
    key = URL.build(query={delivery.auth.parameter: delivery.secret}).raw_query_string
    return address(str(delivery.url.with_query(None)), "&".join(filter(None, (delivery.url.raw_query_string, key))))


async def _text(response: aiohttp.ClientResponse) -> str:
    raw = bytearray()
    async for piece in response.content.iter_chunked(CHUNK):
        raw += piece
        if len(raw) >= MAX_ANSWER:
            break
    try:
        return bytes(raw[:MAX_ANSWER]).decode(response.charset or "utf-8", "replace")
    except LookupError:
        return bytes(raw[:MAX_ANSWER]).decode("utf-8", "replace")


async def _note_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.sent = True


def _told(error: Exception) -> str:
    """Its kind, and what the system said about the connection: an error's own text may quote the URL."""
    if isinstance(error, TimeoutError):
        return "time-out"
    reason = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    said = reason.strerror if isinstance(reason, OSError) else ""
    return said or type(error).__name__
