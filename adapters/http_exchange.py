"""One request to a partner by HTTP, and its answer; what several adapters share.

What was surely not sent is `Unavailable`, what may have been is `OutcomeUnknown`: whoever sends again decides by that.
Errors name neither URL nor body, which may hold a key or a patron's number. Redirects are not followed.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import field
from types import SimpleNamespace
from typing import TYPE_CHECKING

from yarl import URL

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import sentence_of_system, write_sentence
from gateway.domain.value import value_object

if TYPE_CHECKING:
    import aiohttp

CHUNK_BYTES = 16_384


@value_object
class HttpMessage:
    """`body` None: GET."""

    url: URL = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@value_object
class HttpLimits:
    """`reply_seconds`: from the beginning to the answer's last byte; of a longer answer than `max_bytes` the rest is
    not read, and `is_cut` says so."""

    connect_seconds: float
    reply_seconds: float
    max_bytes: int


@value_object
class HttpReply:
    """`location`: of a redirect."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    charset: str = ""
    location: str = ""
    is_cut: bool = False


async def exchange_http(message: HttpMessage, limits: HttpLimits, tls: ssl.SSLContext | None = None) -> HttpReply:
    """On a connection of its own. `tls`: None for the system's authorities. Raises Unavailable, OutcomeUnknown."""
    import aiohttp  # here, since whoever makes a channel and sends nothing would load it too

    progress = SimpleNamespace(sent=False)
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note_sent)
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, ssl=tls if tls is not None else True),
                timeout=aiohttp.ClientTimeout(total=limits.reply_seconds, sock_connect=limits.connect_seconds),
                trace_configs=[trace],
            ) as session,
            session.request(
                "GET" if message.body is None else "POST",
                message.url,
                data=message.body,
                headers=message.headers,
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response,
        ):
            return await _read_reply(response, limits.max_bytes)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # time-outs are OSErrors
        if not progress.sent:
            raise Unavailable(write_sentence("not reached: %(report)s", report=describe_http_error(error))) from None
        raise OutcomeUnknown(
            write_sentence("sent, but no complete answer was received: %(report)s", report=describe_http_error(error))
        ) from None


async def _read_reply(response: aiohttp.ClientResponse, max_bytes: int) -> HttpReply:
    raw = bytearray()
    async for piece in response.content.iter_chunked(CHUNK_BYTES):
        raw += piece
        if len(raw) > max_bytes:
            break
    return HttpReply(
        status=response.status,
        body=bytes(raw[:max_bytes]),
        content_type=response.content_type,
        charset=response.charset or "",
        location=response.headers.get("Location", ""),
        is_cut=len(raw) > max_bytes,
    )


async def _note_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.sent = True


def describe_http_error(error: Exception) -> str:
    """Its kind, and what the system said about the connection: an error's own text may quote the URL."""
    if isinstance(error, TimeoutError):
        return write_sentence("timeout")
    from aiohttp import ClientConnectorError

    reason = error.os_error if isinstance(error, ClientConnectorError) else error
    return sentence_of_system(reason) if isinstance(reason, OSError) and reason.strerror else type(error).__name__
