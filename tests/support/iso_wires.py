"""The wire between two gateways that speak ISO ILL over TCP: it cuts what passes into APDUs, and loses, doubles, delays
or breaks off as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from adapters.iso_ill.codec import ApduSplitter, apdu_type_name, peek_apdu

HOST = "127.0.0.1"


def held_port() -> socket.socket:
    """Bound, so that it is given to nobody who wants just any port; who asks for this one may listen there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((HOST, 0))
    return held


def port_of(held: socket.socket) -> int:
    return int(held.getsockname()[1])


class Fate(Enum):
    PASSED = "passed on"
    LOST = "lost"
    DOUBLED = "passed on twice"
    HELD = "held back"
    CUT = "passed on, then both connections are cut"


@dataclass
class Fates:
    """What happens to the next APDUs, whichever wire they take; then all goes well. `passed` counts those that came
    through; `held` are kept until they are released to a port."""

    plan: deque[Fate] = field(default_factory=deque)
    passed: int = 0
    held: list[tuple[int, bytes]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def expect(self, fates: Iterable[Fate]) -> None:
        self.plan = deque(fates)

    def next(self, apdu: bytes, way: str) -> Fate:
        fate = self.plan.popleft() if self.plan else Fate.PASSED
        type_ = peek_apdu(apdu).type
        self.story.append(f"    {way} {apdu_type_name(type_) if type_ is not None else '?'}: {fate.value}")
        return fate

    async def release(self) -> None:
        """What was held back comes now, each on a connection of its own, long after what was sent later."""
        held, self.held = self.held, []
        for port, apdu in held:
            self.story.append(f"    {apdu_type_name(peek_apdu(apdu).type or 1)}: comes late")  # type: ignore[arg-type]
            reader, writer = await asyncio.open_connection(HOST, port)
            with contextlib.closing(writer):
                writer.write(apdu)
                writer.write_eof()
                self.passed += 1
                while await reader.read(65_536):
                    pass
            await writer.wait_closed()


class Wire:
    """From one gateway to the other's port. `name` as in the story: NORTH → SOUTH."""

    def __init__(self, name: str, target: int, source: int, fates: Fates) -> None:
        self.name = name
        self._ports = {True: target, False: source}
        self._fates = fates
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, end: socket.socket) -> None:
        self._server = await asyncio.start_server(self._joined, sock=end)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._server.wait_closed()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one of the two isn't there (any more), or the test is over
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(HOST, self._ports[True])
        pumps = [
            asyncio.ensure_future(self._pump(reader, there_writer, there=True)),
            asyncio.ensure_future(self._pump(there_reader, writer, there=False)),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            for pump in done:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
            there_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, there: bool) -> None:
        frames = ApduSplitter()
        while data := await reader.read(65_536):
            frames.add_octets(data)
            while (apdu := frames.take_message()) is not None:
                await self._meet(apdu, writer, there)
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _meet(self, apdu: bytes, writer: asyncio.StreamWriter, there: bool) -> None:
        fate = self._fates.next(apdu, self.name if there else f"({self.name}, back)")
        if fate is Fate.HELD:
            self._fates.held.append((self._ports[there], apdu))
        if fate in (Fate.LOST, Fate.HELD):
            return
        for _ in range(2 if fate is Fate.DOUBLED else 1):
            writer.write(apdu)
            self._fates.passed += 1
            await writer.drain()
        if fate is Fate.CUT:
            raise ConnectionResetError("cut")
