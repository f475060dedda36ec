"""The body of an HTTP request as raw bytes, within limits of size and time."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.streams import StreamReader

from gateway.domain.frozen import frozen
from gateway.web.pace import GRACE, Patience, ends_document


@frozen
class Body:
    """`data` is at most one byte longer than the limit; `whole` False: the rest of the connection is of no use."""

    data: bytes
    whole: bool


async def read_body(request: web.Request, limit: int, patience: Patience) -> Body:
    """What can be had of the body. Too long: cut at `limit` + 1 bytes. Too slow, or broken off by a wrong
    chunk: what came until then. Raises ConnectionError when the client has gone."""
    content = request.content
    if content.is_eof():  # it came along with the head: nearly always so
        try:
            data = content.read_nowait()
        except web.RequestPayloadError:
            return Body(b"", False)
        return Body(data, True) if len(data) <= limit else Body(data[: limit + 1], True)
    body = await _gather(content, limit, patience)
    if not body.whole and (request.transport is None or request.transport.is_closing()):
        raise ConnectionResetError("the client has gone in the middle of its message")
    return body


async def _gather(content: StreamReader, limit: int, patience: Patience) -> Body:
    clock = asyncio.get_running_loop().time
    started = clock()
    data = bytearray()
    while len(data) <= limit:
        now = clock()
        deadline = patience.deadline(started, now, len(data))
        if ends_document(data):
            deadline = min(deadline, now + GRACE)
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await content.readany()
        except (TimeoutError, web.RequestPayloadError):
            return Body(bytes(data), False)
        if not chunk and content.at_eof():
            return Body(bytes(data), True)
        data += chunk
    return Body(bytes(data[: limit + 1]), False)
