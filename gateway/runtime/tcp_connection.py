"""One TCP connection at work, and where its messages end.

Who opened the connection makes no difference. Where both sides may speak on it, `line` is how those who want to do so
reach it (gateway.runtime.partner_connections).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from gateway.domain.clock import Clock
from gateway.domain.value import replace, value_object
from gateway.ports.responder import (
    CallbackAddress,
    DuplexConnection,
    RawMessage,
    StreamFraming,
    StreamSplitter,
    TransportKind,
)
from gateway.ports.tls import abort_transport
from gateway.web.app import MessageAnswerer, ignore_defect
from gateway.web.client_certificates import connection_certificate
from gateway.web.inbound import AdmissionQueue, ReadTimeouts

CHUNK = 65_536
ANSWER_SECONDS = 30.0
"""How long a partner may take to read its answer."""

LINGER_SECONDS = 1.0
"""How long unread bytes are read after the last answer, so that a reset doesn't destroy it on its way."""

BLANK = bytes(range(0x21))
"""Between messages: white space and control characters (INN-Reach sends ^D, facts/ncip.md 1.3)."""

_MAX_TAG_BYTES = 256


class PartnerConnectionView(DuplexConnection, Protocol):
    """A connection's side of a line."""

    @property
    def is_reply_awaited(self) -> bool:
        """True if somebody of ours waits for an answer on it."""
        ...

    def find_waiting_reply(self, message: bytes) -> asyncio.Future[bytes] | None:
        """Find the reply of whoever waits for this message; it is to be given to them when it has been taken."""
        ...

    def call_back(self, place: CallbackAddress, answer: bytes) -> None:
        """The answer goes out on another connection."""
        ...


@value_object
class ConnectionRules:
    """`profile`: of all messages; empty: each says whose it is. `limit`: most bytes of one; `idle_in_message`: longest
    silence inside one, in seconds."""

    protocol: str
    profile: str
    framing: StreamFraming
    limit: int
    idle_in_message: float


@value_object
class ConnectionHandlers:
    """The parts to which messages go. `count_defect` is called with the log event when a connection ends by an
    unexpected exception."""

    exchange: MessageAnswerer
    gate: AdmissionQueue
    clock: Clock
    count_defect: Callable[[str], None] = ignore_defect


class TcpConnection:
    """`run` serves it until it ends."""

    def __init__(
        self,
        manner: ConnectionRules,
        inside: ConnectionHandlers,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: PartnerConnectionView | None = None,
    ) -> None:
        self._manner = manner
        self._inside = inside
        self._reader = reader
        self._writer = writer
        self._line = line
        self._peer = peer_address_of(writer)
        self._certificate = connection_certificate(writer.transport)
        self._frames = make_splitter(manner.framing, manner.limit)
        self._idle = manner.framing.idle_seconds
        self._patience = ReadTimeouts(manner.idle_in_message, manner.framing.message_seconds)
        self._ending = False
        self._wait: asyncio.Timeout | None = None
        self._since = asyncio.get_running_loop().time()  # when the message began, or else the waiting for one

    def finish_and_close(self) -> None:
        """Answer what has begun, then close."""
        self._ending = True
        if self._wait is not None and not self._wait.expired() and not self._frames.begun:
            self._wait.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Process messages; raises ConnectionError when the partner has gone."""
        while (message := await self._read_message()) is not None:
            await self._process_message(message)
            if not self._manner.framing.keep_open:
                break
        await self._close_writer()

    async def send(self, message: bytes) -> None:
        """Send a message; raises ConnectionError when it can't be sent, or isn't read."""
        if self._writer.is_closing():
            raise ConnectionAbortedError("the connection is closed")
        self._writer.write(message)  # in one go: Voyager stops at the first silence
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._writer.drain()
        except TimeoutError as late:
            abort_transport(self._writer.transport)  # or what it doesn't read would grow with all that is said on it
            raise ConnectionAbortedError("the partner does not read what it is sent") from late

    def end_sending(self) -> None:
        """We have nothing more to say on it; TLS can't tell that."""
        if self._writer.can_write_eof():
            with contextlib.suppress(OSError):  # the partner has gone already
                self._writer.write_eof()

    # --- reading -----------------------------------------------------------------------------------------

    async def _read_message(self) -> bytes | None:
        """The next message. What there is of one that came too slowly, grew too long or has no end comes last."""
        while (message := self._frames.take_message()) is None:
            if self._frames.is_unrecoverable or not await self._read_more():
                self._ending = True
                return self._frames.take_rest() if self._frames.begun else None
        self._since = asyncio.get_running_loop().time()
        return message

    async def _read_more(self) -> bool:
        """Read on; False: nothing more will come, or not in time."""
        now = asyncio.get_running_loop().time()
        begun = self._frames.begun
        if self._ending and not begun:
            return False
        deadline = self._patience.compute_deadline(self._since, now, begun) if begun else self._since + self._idle
        try:
            async with asyncio.timeout_at(deadline) as self._wait:
                data = await self._reader.read(CHUNK)
        except TimeoutError:
            return self._is_awaited(begun)
        finally:
            self._wait = None
        self._frames.add_octets(data)
        if not begun and self._frames.begun:
            self._since = asyncio.get_running_loop().time()
        return bool(data)

    def _is_awaited(self, begun: int) -> bool:
        """Return whether nothing came for a long time, but somebody waits for an answer, for as long as it pleases
        them."""
        if begun or self._ending or self._line is None or not self._line.is_reply_awaited:
            return False
        self._since = asyncio.get_running_loop().time()
        return True

    # --- answering ---------------------------------------------------------------------------------------

    async def _process_message(self, message: bytes) -> None:
        waiting = self._line.find_waiting_reply(message) if self._line is not None else None
        arrival = RawMessage(
            body=message,
            received=self._inside.clock.now(),
            transport=TransportKind.TCP,
            protocol=self._manner.protocol,
            peer=self._peer,
            profile=self._manner.profile,
            certificate=self._certificate,
            line=self._line,
            awaited=waiting is not None,
        )
        if waiting is None and (why := self._inside.gate.closed_by()):
            self._writer.close()
            raise ConnectionAbortedError(why)  # without an answer: it comes again, and reaches another node
        await self._inside.gate.enter_or_wait()
        try:
            with self._inside.gate.count_by_library() as take_share:
                answer = await self._inside.exchange.handle(replace(arrival, take_share=take_share))
        finally:
            self._inside.gate.leave()
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        if answer.call_back is not None and self._line is not None:
            self._line.call_back(answer.call_back, answer.body)
        elif answer.body:
            await self.send(answer.body + self._manner.framing.answer_end)

    async def _close_writer(self) -> None:
        self.end_sending()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(CHUNK):
                    pass
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self._writer.wait_closed()
        abort_transport(self._writer.transport)


def peer_address_of(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    return str(name[0]) if name else ""


@lru_cache(maxsize=64)
def _compile_end_tag(names: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """An end tag with one of these local names, whatever its prefix."""
    alternatives = b"|".join(re.escape(name) for name in names)
    return re.compile(rb"</(?:[^\s<>/:]{1,64}:)?(?:" + alternatives + rb")[ \t\r\n]{0,64}>")


def make_splitter(framing: StreamFraming, limit: int) -> StreamSplitter:
    """`limit`: most bytes of one message."""
    return framing.cutter(limit) if framing.cutter is not None else TagSplitter(framing, limit)


class TagSplitter:
    """Cuts what has been fed into messages, by tags or lines."""

    def __init__(self, framing: StreamFraming, limit: int) -> None:
        self._framing = framing
        self._limit = limit
        self._buffer = bytearray()
        self._seen = 0  # bytes in which no end has been found

    def add_octets(self, data: bytes) -> None:
        if not self._buffer:
            data = data.lstrip(BLANK)
        self._buffer += data

    @property
    def begun(self) -> int:
        """Bytes of a message whose end has not come."""
        return len(self._buffer)

    @property
    def is_unrecoverable(self) -> bool:
        """It is too long."""
        return len(self._buffer) > self._limit

    def take_message(self) -> bytes | None:
        """The next whole message, None if there is none yet (or none that keeps the limit)."""
        end = self._find_end()
        if end is None or end > self._limit:
            return None
        message = bytes(self._buffer[:end])
        rest = self._buffer[end:].lstrip(BLANK)
        self._buffer = rest
        self._seen = 0
        return message

    def take_rest(self) -> bytes:
        """Take what there is of a message whose end won't come, at most one byte above the limit; then nothing is
        left."""
        message = bytes(self._buffer[: self._limit + 1])
        self._buffer.clear()
        self._seen = 0
        return message

    def _find_end(self) -> int | None:
        """Position after the end of the first message in the buffer."""
        end = None
        if self._framing.end == "tag":
            match = _compile_end_tag(self._framing.tags).search(self._buffer, max(0, self._seen - _MAX_TAG_BYTES))
            end = match.end() if match else None
        elif self._framing.end == "newline":
            position = self._buffer.find(b"\n", self._seen)
            end = position + 1 if position >= 0 else None
        if end is None:
            self._seen = len(self._buffer)
        return end
