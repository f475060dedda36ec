"""A relay before a gateway's HTTP endpoint, which does to a message or its answer what networks and proxies do."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tests.support.iso_wires import HOST


class HttpFault(Enum):
    NONE = "passed on and answered"
    UNDELIVERED = "closed before it is passed on"
    REPLY_LOST = "passed on, closed without the answer"
    REPLY_CUT = "passed on, closed in the middle of the answer"
    REPLY_LATE = "passed on, the answer kept until the sender has gone"
    SERVER_ERROR = "passed on, answered with 500"
    HTML = "passed on, answered with a page"
    EMPTY = "passed on, answered with nothing"
    DOUBLED = "passed on twice"
    HELD = "comes when what followed has come"


_PLAIN_REPLY = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
_OWN_REPLIES = {
    HttpFault.SERVER_ERROR: _PLAIN_REPLY % b"500 Internal Server Error" + b"oops\n",
    HttpFault.HTML: _PLAIN_REPLY % b"200 OK" + b"<html><p>Please sign in.</p>",
    HttpFault.EMPTY: _PLAIN_REPLY % b"200 OK",
}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

ChooseFault = Callable[[bytes, int], HttpFault]
"""By the message's body and how often it has come before."""


@dataclass
class RelayedMessages:
    """What passes all relays of a test. `answers`: of the gateways, by the body that they answer; `held`: requests that
    are still to come, with the port that they go to."""

    choose: ChooseFault
    answers: dict[bytes, list[bytes]] = field(default_factory=dict)
    seen: dict[bytes, int] = field(default_factory=dict)
    held: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def next_fault(self, body: bytes) -> HttpFault:
        before = self.seen.get(body, 0)
        self.seen[body] = before + 1
        fault = self.choose(body, before)
        self.story.append(f"    {body[-90:]!r}: {fault.value}")
        return fault

    async def pass_on(self, port: int, raw: bytes, body: bytes) -> bytes:
        """The whole answer."""
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(raw)
            answer = await reader.read()
        finally:
            writer.close()
        self.answers.setdefault(body, []).append(answer.partition(b"\r\n\r\n")[2])
        return answer

    async def release_held(self) -> None:
        held, self.held = self.held, []
        for port, raw, body in held:
            await self.pass_on(port, raw, body)


class HttpRelay:
    """`target`: port of the gateway. One message on each connection, as the channel sends it."""

    def __init__(self, target: int, messages: RelayedMessages) -> None:
        self._target = target
        self._messages = messages
        self._server: asyncio.Server | None = None

    async def start(self, door: socket.socket) -> None:
        self._server = await asyncio.start_server(self._relay_message, sock=door)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _relay_message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            found = _LENGTH.search(head)
            assert found is not None, "the channel says how long a message is"
            body = await reader.readexactly(int(found[1]))
            writer.write(await self._meet_fault(head + body, body, reader))
            with contextlib.suppress(OSError):
                await writer.drain()
        finally:
            writer.close()

    async def _meet_fault(self, raw: bytes, body: bytes, reader: asyncio.StreamReader) -> bytes:
        """What its sender gets."""
        messages, fault = self._messages, self._messages.next_fault(body)
        if fault is HttpFault.UNDELIVERED:
            return b""
        if fault is HttpFault.HELD:
            messages.held.append((self._target, raw, body))
            return b""
        answer = await messages.pass_on(self._target, raw, body)
        match fault:
            case HttpFault.REPLY_LOST:
                return b""
            case HttpFault.REPLY_CUT:
                return answer[: -len(answer) // 4]
            case HttpFault.REPLY_LATE:
                await reader.read()
                return answer
            case HttpFault.DOUBLED:
                return await messages.pass_on(self._target, raw, body)
        return _OWN_REPLIES.get(fault, answer)
