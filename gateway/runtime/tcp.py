"""Messages over raw TCP connections. A listener is for one profile (facts/ncip.md 1.1: Voyager, BIB, Relais tcp/ip), or
for all partners of a protocol whose messages say whose they are."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

import structlog

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.ports.protocol import Framing
from gateway.runtime.connection import CHUNK, Connection, Inside, Manner, peer_of
from gateway.runtime.lines import OpenLines
from gateway.runtime.seldom import Seldom
from gateway.web.app import Exchange
from gateway.web.gate import Gate

tcp_logger = structlog.get_logger(component="tcp")


@frozen
class TcpPlace:
    """Where to listen and for whom: `profile` empty: for all partners of the protocol. `framing` and `limit` (bytes)
    are asked anew for every connection, so that a profile's reload takes effect. `per_peer`: most connections from
    one address."""

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
    """Answers each message of a connection in turn. `lines` are told of connections, where we may speak on
    them as well. `start`, then `stop` once."""

    def __init__(
        self, place: TcpPlace, exchange: Exchange, gate: Gate, clock: Clock, lines: OpenLines | None = None
    ) -> None:
        self.place = place
        self._inside = Inside(exchange, gate, clock)
        self._lines = lines
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: Counter[str] = Counter()
        self._too_many = Seldom(tcp_logger)

    @property
    def name(self) -> str:
        return f"listener tcp {self.place.host}:{self.port} ({self.place.profile or self.place.protocol})"

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
                tcp_logger.warning("connections cut off at stop", listener=self.name, connections=len(late))
                await asyncio.wait(late)
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer)
        if len(self._connections) >= self.place.connections or self._peers[peer] >= self.place.per_peer:
            self._too_many.warning("too many connections", listener=self.name, peer=peer, open=len(self._connections))
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        line = self._lines.accepted(self.place.protocol) if self._lines is not None else None
        connection = Connection(self._manner(), self._inside, reader, writer, line)
        if line is not None:
            line.opened(connection, writer)
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
            tcp_logger.exception("a connection failed", listener=self.name, peer=peer)
            writer.transport.abort()
        finally:
            if line is not None:
                line.ended()
            self._connections.discard(connection)
            self._tasks.discard(task)
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

    def _manner(self) -> Manner:
        place = self.place
        return Manner(place.protocol, place.profile, place.framing(), place.limit(), place.idle_in_message)
