"""Messages over raw TCP connections, one listener a profile (facts/ncip.md 1.1: Voyager, BIB, Relais tcp/ip)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable

import structlog

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.ports.protocol import Arrival, Framing, Transport
from gateway.runtime.framing import Frames
from gateway.runtime.seldom import Seldom
from gateway.web.app import Exchange
from gateway.web.gate import Gate
from gateway.web.pace import Patience
from gateway.web.senders import certificate_name

log = structlog.get_logger(component="tcp")

CHUNK = 65_536
ANSWER_SECONDS = 30.0
"""How long a partner may take to read its answer."""

LINGER_SECONDS = 1.0
"""How long unread bytes are read after the last answer, so that a reset doesn't destroy it on its way."""


@frozen
class TcpPlace:
    """Where to listen and for whom. `framing` and `limit` (bytes) are asked anew for every connection, so that
    a profile's reload takes effect. `per_peer`: most connections from one address."""

    host: str
    port: int
    profile: str
    protocol: str
    framing: Callable[[], Framing]
    limit: Callable[[], int]
    tls: ssl.SSLContext | None = None
    connections: int = 200
    per_peer: int = 50
    idle_in_message: float = 10.0  # longest silence inside a message, in seconds


class TcpListener:
    """Answers each message of a connection in turn, in one write. `start`, then `stop` once."""

    def __init__(self, place: TcpPlace, exchange: Exchange, gate: Gate, clock: Clock) -> None:
        self.place = place
        self._exchange = exchange
        self._gate = gate
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: Counter[str] = Counter()
        self._too_many = Seldom(log)

    @property
    def name(self) -> str:
        return f"listener tcp {self.place.host}:{self.port} ({self.place.profile})"

    @property
    def port(self) -> int:
        """The port in use; differs from the one asked for where that is 0."""
        if self._server is None or not self._server.sockets:
            return self.place.port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def listening(self) -> bool:
        return self._server is not None and self._server.is_serving()

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        """Raises OSError when the address can't be had."""
        self._server = await asyncio.start_server(
            self._accept,
            self.place.host,
            self.place.port,
            ssl=self.place.tls,
            limit=CHUNK,
            backlog=512,
            reuse_address=True,
        )

    async def stop(self, seconds: float) -> None:
        """Take no more connections, finish the messages that have begun, then close. Never longer than `seconds`."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.finish()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("connections cut off at stop", listener=self.name, connections=len(late))
                await asyncio.wait(late)
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _peer(writer)
        if len(self._connections) >= self.place.connections or self._peers[peer] >= self.place.per_peer:
            self._too_many.warning("too many connections", listener=self.name, peer=peer, open=len(self._connections))
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(self.place, self._exchange, self._gate, self._clock, reader, writer, peer)
        self._connections.add(connection)
        self._tasks.add(task)
        self._peers[peer] += 1
        try:
            await connection.run()
        except ConnectionError:
            pass  # gone without waiting for its answer: nothing is left to be done
        except asyncio.CancelledError:
            writer.transport.abort()  # stopping; the task ends here
        except Exception:
            log.exception("a connection failed", listener=self.name, peer=peer)
            writer.transport.abort()
        finally:
            self._connections.discard(connection)
            self._tasks.discard(task)
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]


class _Connection:
    def __init__(
        self,
        place: TcpPlace,
        exchange: Exchange,
        gate: Gate,
        clock: Clock,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: str,
    ) -> None:
        self._place = place
        self._exchange = exchange
        self._gate = gate
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._certificate = certificate_name(writer.transport)
        self._framing = place.framing()
        self._frames = Frames(self._framing, place.limit())
        self._idle = self._framing.idle_seconds
        self._patience = Patience(place.idle_in_message, self._framing.message_seconds)
        self._ending = False
        self._wait: asyncio.Timeout | None = None
        self._since = asyncio.get_running_loop().time()  # when the message began, or else the waiting for one

    def finish(self) -> None:
        """Answer what has begun, then close."""
        self._ending = True
        if self._wait is not None and not self._frames.begun:
            self._wait.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Raises ConnectionError when the partner has gone."""
        while (message := await self._next()) is not None:
            await self._answer(message)
            if not self._framing.keep_open:
                break
        await self._close()

    async def _next(self) -> bytes | None:
        """The next message. What there is of one that came too slowly, grew too long or has no end comes last."""
        while (message := self._frames.next()) is None:
            if self._frames.too_long or not await self._more():
                self._ending = True
                return self._frames.rest() if self._frames.begun else None
        self._since = asyncio.get_running_loop().time()
        return message

    async def _more(self) -> bool:
        """Read on; False: nothing more will come, or not in time."""
        now = asyncio.get_running_loop().time()
        begun = self._frames.begun
        if self._ending and not begun:
            return False
        deadline = self._patience.deadline(self._since, now, begun) if begun else self._since + self._idle
        try:
            async with asyncio.timeout_at(deadline) as self._wait:
                data = await self._reader.read(CHUNK)
        except TimeoutError:
            return False
        finally:
            self._wait = None
        self._frames.feed(data)
        if not begun and self._frames.begun:
            self._since = asyncio.get_running_loop().time()
        return bool(data)

    async def _answer(self, message: bytes) -> None:
        arrival = Arrival(
            body=message,
            received=self._clock.now(),
            transport=Transport.TCP,
            protocol=self._place.protocol,
            peer=self._peer,
            profile=self._place.profile,
            certificate=self._certificate,
        )
        await self._gate.enter_patiently()
        try:
            answer = await self._exchange.handle(arrival)
        finally:
            self._gate.leave()
        self._writer.write(answer.body + self._framing.answer_end)  # in one go: Voyager stops at the first silence
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._writer.drain()
        except TimeoutError as late:
            raise ConnectionAbortedError("the partner does not read its answer") from late

    async def _close(self) -> None:
        writer = self._writer
        if writer.can_write_eof():
            with contextlib.suppress(OSError):  # the partner has gone already
                writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(CHUNK):
                    pass
        writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await writer.wait_closed()
        writer.transport.abort()


def _peer(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    return str(name[0]) if name else ""
