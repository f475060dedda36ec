"""Stands between a SIP2 client and its server and loses what it is told to lose."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum


class Loss(Enum):
    QUESTION = "the message never reaches the server"
    ANSWER = "the server has done it, and its answer is lost"
    LATE = "the message reaches the server only when the client has given up"


class LossyProxy:
    """`lose(code, loss)`: of the next message with this code. `is_down`: nobody is let through.
    `seen`: the code of each message."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._server: asyncio.Server | None = None
        self._losses: dict[bytes, Loss] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.seen: list[str] = []
        self.late_seconds = 1.0
        self.is_down = False
        self.down_after_loss = False

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lose(self, code: bytes, loss: Loss) -> None:
        self._losses[code] = loss

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.is_down:
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                    await self._pass_on(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            while True:
                message = await reader.readuntil(b"\r")
                self.seen.append(message[:2].decode("ascii"))
                loss = self._losses.pop(message[:2], None)
                self.is_down = self.is_down or (loss is not None and self.down_after_loss)
                if loss is Loss.QUESTION:
                    return
                if loss is Loss.LATE:
                    await asyncio.sleep(self.late_seconds)
                onward.write(message)
                answer = await there.readuntil(b"\r")
                if loss is not None:
                    return
                writer.write(answer)
        finally:
            onward.close()
