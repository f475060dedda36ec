"""A shim before aiohttp on each connection, for clients that hardly speak HTTP.

- HTTP/1.0 with a Content-Length that counts characters instead of bytes, or none at all (ReShare's socket client
  for Aleph, facts/ncip.md 1.1): the length is put right before aiohttp sees the request.
- A head that comes drop by drop is dropped.
- A client that closes its sending side after the request still gets its answer.

After the first bytes of a connection everything is passed straight on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from aiohttp import web

from gateway.web.inbound import GRACE, ReadTimeouts, ends_document

MAX_HEAD = 32_768

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?mi)^content-length[ \t]*:[ \t]*(\d{1,12})[ \t]*\r?$")
_LENGTH_LINE = re.compile(rb"(?mi)^content-length[ \t]*:[^\n]*\n?")
_OLD_POST = re.compile(rb"(?:POST|PUT) \S+ HTTP/1\.0[ \t]*\r?\n")
_NEW_HEAD = re.compile(rb"[A-Z]+ [^\n]{1,2000} HTTP/1\.1\r?\n(?:[^\r\n]+\r?\n)*\r?\n")
_BEGINNING = re.compile(rb"[A-Z]{1,20}(?: |$)")
_CHUNKED = re.compile(rb"(?mi)^transfer-encoding[ \t]*:")


def seconds_of_silence(body: bytes | bytearray, length: int | None, idle_seconds: float) -> float:
    """Return how many seconds without a byte say that an HTTP/1.0 body is all there; 0: it is.

    A length that counts characters is only wrong where there are other characters than ASCII.
    """
    complete = ends_document(body)
    if length is not None and len(body) >= length:
        return 0.0 if complete or body.isascii() else GRACE
    return GRACE if complete else idle_seconds


class Http10Shim(asyncio.Protocol):
    """`handler` makes aiohttp's protocol for one connection, `fronts` holds all that are open.

    `leave` is called when the connection has ended. `head_seconds`: longest time for the first request's headers;
    later ones have aiohttp's keep-alive time.
    """

    def __init__(
        self,
        handler: Callable[[], web.RequestHandler],
        fronts: set[Http10Shim],
        leave: Callable[[], None],
        limit: int,
        patience: ReadTimeouts,
        head_seconds: float,
    ) -> None:
        self._handler = handler()
        self._fronts = fronts
        self._leave = leave
        self._limit = limit
        self._patience = patience
        self._head_seconds = head_seconds
        self._buffer = bytearray()
        self._started = 0.0
        self._through = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._fronts.add(self)
        self._handler.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._through:
            self._handler.data_received(data)
            return
        if not self._buffer and _NEW_HEAD.match(data):
            self._pass_on(data)  # the common case, before anything is copied
            return
        if not self._buffer:
            self._started = asyncio.get_running_loop().time()
        self._buffer += data
        self._inspect_buffer()

    def eof_received(self) -> bool:
        """Keep the connection open for the answer to what has come in full (TLS can't be half closed)."""
        if not self._through and self._buffer:
            self._pass_on_corrected()
        if self._transport is None or self._transport.get_extra_info("sslcontext") is not None:
            return False
        self._handler.close()
        asyncio.get_running_loop().call_later(0.02, self._close_idle)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._fronts.discard(self)
        self._leave()
        self._transport = None
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def close_if_unused(self) -> None:
        """Close a connection on which no request has begun."""
        if not self._through and not self._buffer and self._transport is not None:
            self._transport.close()

    def _close_idle(self) -> None:
        # aiohttp ends the connection itself after an answer in hand, but leaves an idle one open
        task: asyncio.Task[None] | None = getattr(self._handler, "_task_handler", None)
        if self._transport is not None and (task is None or task.done()):
            self._transport.close()

    def _inspect_buffer(self) -> None:
        """Check whether it is an HTTP/1.0 message with a body, and whether that is all here."""
        buffer = self._buffer
        head_end = _HEAD_END.search(buffer, 0, MAX_HEAD)
        if head_end is None:
            if len(buffer) > MAX_HEAD or not _BEGINNING.match(buffer):
                self._pass_on(bytes(buffer))
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._head_seconds, self._abort_slow_head)
            return
        if not _OLD_POST.match(buffer):
            self._pass_on(bytes(buffer))
            return
        head = bytes(buffer[: head_end.start()])
        match = _LENGTH.search(head + b"\n")
        length = int(match[1]) if match else None
        body = buffer[head_end.end() :]
        if _CHUNKED.search(head) or max(length or 0, len(body)) > self._limit:
            self._pass_on(bytes(buffer))
            return
        self._await_rest(seconds_of_silence(body, length, self._patience.idle_seconds), len(body))

    def _await_rest(self, seconds: float, received: int) -> None:
        self._stop_timer()
        if seconds == 0.0:
            self._pass_on_corrected()
            return
        loop = asyncio.get_running_loop()
        deadline = min(loop.time() + seconds, self._patience.compute_deadline(self._started, loop.time(), received))
        self._timer = loop.call_at(deadline, self._pass_on_corrected)

    def _pass_on_corrected(self) -> None:
        """Pass the request on with the length that its body really has."""
        buffer = bytes(self._buffer)
        head_end = _HEAD_END.search(buffer, 0, MAX_HEAD)
        if head_end is None or not _OLD_POST.match(buffer):
            self._pass_on(buffer)
            return
        body = buffer[head_end.end() :]
        head = _LENGTH_LINE.sub(b"", buffer[: head_end.start()] + b"\n").strip()
        lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
        lines.append(b"Content-Length: %d" % len(body))
        self._pass_on(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def _abort_slow_head(self) -> None:
        """The head takes too long: a slow-loris gets no answer."""
        if self._transport is not None:
            self._transport.abort()

    def _pass_on(self, data: bytes) -> None:
        self._stop_timer()
        self._through = True
        self._buffer.clear()
        self._handler.data_received(data)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
