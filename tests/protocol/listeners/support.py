"""A small exchange and listeners on free ports, for tests with real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace

from gateway.domain.clock import SystemClock
from gateway.ports.responder import RawMessage, ResponderAnswer, StreamFraming
from gateway.runtime.listeners import HttpListener, HttpListenerOptions, TcpListenerOptions, TcpMessageListener
from gateway.runtime.tcp_connection import ConnectionHandlers
from gateway.web.app import GatewayReadiness, HttpSite, MessageAnswerer, PartKind, ReadinessPart, ignore_defect
from gateway.web.inbound import AdmissionQueue, ReadTimeouts
from gateway.web.trusted_proxies import TrustedProxies

HOST = "127.0.0.1"
LIMIT = 20_000
NCIP = StreamFraming(tags=(b"NCIPMessage", b"NCIPVersionMessage"), idle_seconds=0.6, message_seconds=1.0)


@dataclass
class Echo:
    """Answers with the number of bytes it got; `hold` makes it wait, so that a message is in hand."""

    arrivals: list[RawMessage] = field(default_factory=list)
    hold: asyncio.Event | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    async def handle(self, arrival: RawMessage) -> ResponderAnswer:
        self.arrivals.append(arrival)
        self.started.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return ResponderAnswer(body=f"<got>{len(arrival.body)}</got>".encode())

    @property
    def bodies(self) -> list[bytes]:
        return [arrival.body for arrival in self.arrivals]


async def all_well() -> GatewayReadiness:
    return GatewayReadiness((ReadinessPart(PartKind.STORE),))


def site(
    exchange: MessageAnswerer, gate: AdmissionQueue | None = None, proxies: Sequence[str] = (), **more: object
) -> HttpSite:
    made = HttpSite(
        exchange=exchange,
        protocols=("ncip",),
        gate=gate or AdmissionQueue(50, 50, 5),
        clock=SystemClock(),
        limit=lambda: LIMIT,
        readiness=all_well,
        patience=ReadTimeouts(idle_seconds=0.6, message_seconds=1.0),
        proxies=TrustedProxies(proxies),
    )
    return replace(made, **more)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def http(made: HttpSite, tls: ssl.SSLContext | None = None, **more: int) -> AsyncIterator[HttpListener]:
    listener = HttpListener(HttpListenerOptions(HOST, 0, tls, head_seconds=0.6, **more), made)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(2)


@contextlib.asynccontextmanager
async def tcp(
    exchange: MessageAnswerer,
    framing: StreamFraming = NCIP,
    tls: ssl.SSLContext | None = None,
    gate: AdmissionQueue | None = None,
    count_defect: Callable[[str], None] = ignore_defect,
    **more: int,
) -> AsyncIterator[TcpMessageListener]:
    place = TcpListenerOptions(
        HOST, 0, "voyager", "ncip", lambda: framing, lambda: LIMIT, tls, idle_in_message=0.6, **more
    )
    inside = ConnectionHandlers(exchange, gate or AdmissionQueue(50, 50, 5), SystemClock(), count_defect)
    listener = TcpMessageListener(place, inside)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(2)


async def talk(port: int, *pieces: bytes | float, half_close: bool = False, seconds: float = 10) -> bytes:
    """Write the pieces (a number: wait so many seconds) as long as the other side listens, read until it closes."""
    received = bytearray()

    async def collect_octets(reader: asyncio.StreamReader) -> None:
        while octets := await reader.read(65_536):
            received.extend(octets)

    async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
        reader, writer = await asyncio.open_connection(HOST, port)
        collecting = tasks.create_task(_until_it_breaks(collect_octets(reader)))
        tasks.create_task(_until_it_breaks(_write_pieces(writer, pieces, collecting, half_close)))
        await collecting
        writer.close()
    return bytes(received)


async def _write_pieces(
    writer: asyncio.StreamWriter, pieces: Sequence[bytes | float], collecting: asyncio.Task[None], half_close: bool
) -> None:
    """Until the other side has closed: what it said then is lost with the first octet that it gets after that."""
    for piece in pieces:
        if collecting.done():
            return
        if isinstance(piece, float):
            await asyncio.sleep(piece)
        else:
            writer.write(piece)
            await writer.drain()
    if half_close:
        with contextlib.suppress(OSError):  # turned away already
            writer.write_eof()


async def _until_it_breaks(talking: Coroutine[None, None, None]) -> None:
    with contextlib.suppress(ConnectionError):
        await talking
