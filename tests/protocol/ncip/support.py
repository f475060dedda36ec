"""Peers on free ports that answer as they are told, and what is needed to speak to them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from adapters.ncip.client import MessageBuilder, MessageParties, MessageValues, build_message, find_service
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Message
from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.profile import Profile
from gateway.ports.message_transport import HttpPlace, SendTimeouts, TcpPlace
from gateway.ports.responder import ExchangeContext
from gateway.ports.tls import ClientTls

HOST = "127.0.0.1"
ZONE = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PATIENT = SendTimeouts()
SHORT = SendTimeouts(connect=10.0, read=0.3, total=10.0)

LOOKED_UP = (
    b'<NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
    b'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
    b"<LookupUserResponse><UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId>"
    b"</LookupUserResponse></NCIPMessage>"
)
"""A success answer to LookupUser."""


def speaker(dialect: NcipDialect | None = None, policy: CirculationPolicy | None = None) -> MessageBuilder:
    parties = MessageParties("VALM", "DEMO")
    return MessageBuilder(dialect or NcipDialect(), policy or CirculationPolicy(), parties, ZONE, NOW)


def message(service: str, values: MessageValues, dialect: NcipDialect | None = None) -> Message:
    ask = find_service(service)
    assert ask is not None, service
    return build_message(ask, values, speaker(dialect))


def talk(profile: Profile) -> ExchangeContext:
    return ExchangeContext(profile, "DEMO", ZONE, "EUR", NOW)


@dataclass
class HttpPeer:
    """Answers each request by `reply`; keeps what came."""

    reply: Callable[[web.Request], Awaitable[web.StreamResponse]]
    port: int = 0
    scheme: str = "http"
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/ncip") -> str:
        return f"{self.scheme}://{HOST}:{self.port}{path}"

    def place(self, path: str = "/ncip", timeouts: SendTimeouts = PATIENT, tls: ClientTls = ClientTls()) -> HttpPlace:  # noqa: B008
        return HttpPlace(self.url(path), tls, timeouts)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        return await self.reply(request)


@contextlib.asynccontextmanager
async def http_peer(
    reply: Callable[[web.Request], Awaitable[web.StreamResponse]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpPeer]:
    peer = HttpPeer(reply, scheme="https" if tls is not None else "http")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", peer.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=tls)
    await site.start()
    peer.port = runner.addresses[0][1]
    try:
        yield peer
    finally:
        await runner.cleanup()


def answering(
    body: bytes, status: int = 200, content_type: str = "application/xml"
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def reply(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": content_type})

    return reply


@dataclass
class TcpPeer:
    """`received`: all bytes of each connection until `until` came or the other side finished."""

    port: int
    received: list[bytes]

    def place(self, timeouts: SendTimeouts = PATIENT) -> TcpPlace:
        return TcpPlace(HOST, self.port, None, timeouts)


@contextlib.asynccontextmanager
async def tcp_peer(
    answer: bytes, *, until: bytes = b"NCIPMessage>", then: str = "close", pieces: int = 1
) -> AsyncIterator[TcpPeer]:
    """Reads up to `until`, answers in so many pieces; `then`: close, wait (keep the connection), reset."""
    peer = TcpPeer(0, [])
    over = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await speak(reader, writer)
        except ConnectionError:
            return  # the client has gone
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = b""
        while until not in got and (piece := await reader.read(1000)):
            got += piece
        peer.received.append(got)
        step = max(1, -(-len(answer) // pieces))
        for start in range(0, len(answer), step):
            writer.write(answer[start : start + step])
            await writer.drain()
            await asyncio.sleep(0.01)
        if then == "wait":
            await over.wait()
        if then == "reset":
            writer.transport.abort()

    server = await asyncio.start_server(serve, HOST, 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        over.set()
        if tasks:
            await asyncio.wait(tasks)
        server.close()
        await server.wait_closed()


async def closed_port() -> int:
    """Nobody listens there."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), HOST, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
