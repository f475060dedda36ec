"""A wire between an IMAP client and its server, which a test can cut or hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Wire:
    """`hold`: what the client says from the first piece on that has this in it goes no further until `release`; `held`
    is set then."""

    server_port: int
    hold: bytes = b""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    idling: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    connections: int = 0
    _kept: list[tuple[asyncio.StreamWriter, bytes]] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Every conversation breaks off, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    def release(self) -> None:
        """Pass on what was held, and whatever comes after."""
        self.hold = b""
        self.held.clear()
        for writer, piece in self._kept:
            writer.write(piece)
        self._kept.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there_in, there_out = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            writer.close()
            raise
        self._writers |= {writer, there_out}
        try:
            await asyncio.gather(self._outward(reader, there_out), self._inward(there_in, writer))
        finally:
            for one in (writer, there_out):
                one.close()
                self._writers.discard(one)

    async def _outward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                if self.hold and self.hold in piece:
                    self.held.set()
                if b" IDLE" in piece:
                    self.idling.set()
                if self.held.is_set():
                    self._kept.append((writer, piece))
                    continue
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _inward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def wire(server_port: int, hold: bytes = b"") -> AsyncIterator[Wire]:
    made = Wire(server_port, hold)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.cut()
        server.close()
        await server.wait_closed()
