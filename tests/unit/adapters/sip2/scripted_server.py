"""A SIP2 server that does what the test says: it answers each message as told, or doesn't."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.library.sip2.codec import add_checksum

STATUS = b"98YYYNYN30000320261124    1340072.00AOLIB|BXYYYNYYYYYNYNNYYN|"
STAMP = b"20261124    134007"


@dataclass
class Line:
    """One connection, as the script sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: bytes = b""

    async def say(self, *pieces: bytes) -> None:
        """Each piece in a packet of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.01)

    async def answer(self, body: bytes, *, sequence: bytes | None = None) -> None:
        """With the number of the message that was heard and the right checksum."""
        number = self.heard[-7:-6] if sequence is None else sequence
        await self.say(add_checksum(body + b"AY" + number + b"AZ") + b"\r")


Script = Callable[[Line, bytes], Awaitable[None]]
"""Does what it likes with a connection on which this message (its code) has come."""


async def answer_well(line: Line, code: bytes) -> None:
    """As a system would in which patron P1 exists and nothing is on loan."""
    patron = b" " * 14 + b"000" + STAMP + b"0000" * 6
    bodies = {
        b"93": b"941",
        b"99": STATUS,
        b"63": b"64" + patron + b"AOLIB|AAP1|AEDoe, Jane|BLY|",
        b"17": b"18030101" + STAMP + b"ABI1|AJA title|AQMAIN|",
        b"11": b"121NUU" + STAMP + b"AOLIB|AAP1|ABI1|AJA title|AH20261222    235900|",
    }
    await line.answer(bodies[code])


@dataclass
class ScriptedServer:
    """`heard`: codes of all messages, in order; `connections`: how many were opened."""

    script: Script = answer_well
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> ScriptedServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._lines:
            writer.transport.abort()
        await asyncio.sleep(0.02)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._lines.add(writer)
        line = Line(reader, writer)
        try:
            while not writer.is_closing():
                line.heard = (await reader.readuntil(b"\r")).rstrip(b"\r")
                code = line.heard.lstrip(b"\n")[:2]
                self.heard.append(code)
                await self.script(line, code)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
