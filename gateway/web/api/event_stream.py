"""Streams of events (Server-Sent Events): what happens to requests, as it happens.

A stream reads the history by its cursor, a page at a time, and waits for the client between pages: a slow client
holds one page in memory and nothing else. `EventStreams.wake_library` wakes the streams of a library after a commit;
without it they look every few seconds, which is also how they see what other nodes did.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.domain.requests.views import HistoryLine
from gateway.domain.value import value_object
from gateway.services.outbox.webhooks import event_payload
from gateway.services.request_work.request_reader import EventFeed
from gateway.store.schema import first_id_at
from gateway.web.stream_wakers import StreamWakers

PAGE = 100
SETTLE = timedelta(seconds=0.5)
"""Rows are told when they are so old: their ids sort by the time at which they were made, and a transaction that
began earlier may end later."""


@value_object
class StreamTiming:
    """Seconds: how often a stream looks without being woken and whether its key is still valid, and after which
    silence it says that it lives."""

    look: float = 2.0
    heartbeat: float = 15.0
    most: int = 100  # streams at once


class TooManyStreamsError(Exception):
    """The limit of open streams is reached."""


class EventStreams(StreamWakers):
    """All open streams of events."""

    def __init__(self, clock: Clock, pace: StreamTiming | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._pace = pace or StreamTiming()

    async def serve_stream(
        self,
        request: web.Request,
        feed: EventFeed,
        library: str,
        cursor: str,
        is_still_allowed: Callable[[], Awaitable[bool]],
    ) -> web.StreamResponse:
        """Writes until the client goes, `is_still_allowed` says no or `end_streams` is called. Raises
        TooManyStreamsError; Unavailable before the first byte."""
        if self._closed or self.open_count >= self._pace.most:
            raise TooManyStreamsError
        with self.open_stream(library) as waker:
            first = await feed.list_events_after(cursor, PAGE)
            response = await _begin_stream_response(request)
            with suppress(ConnectionError):  # a client may go at any time
                await self._write_events(response, feed, library, cursor, waker, first, is_still_allowed)
        return response

    async def _write_events(
        self,
        response: web.StreamResponse,
        feed: EventFeed,
        library: str,
        cursor: str,
        waker: asyncio.Event,
        lines: Sequence[HistoryLine],
        is_still_allowed: Callable[[], Awaitable[bool]],
    ) -> None:
        loop = asyncio.get_running_loop()
        last_word = last_check = loop.time()
        while not self._closed:
            if loop.time() - last_check >= self._pace.look:
                if not await is_still_allowed():
                    return
                last_check = loop.time()
            waker.clear()
            settled = [line for line in lines if line.id < first_id_at(self._clock.now() - SETTLE)]
            if settled:
                cursor = settled[-1].id
                await response.write(b"".join(encode_event(line) for line in settled))
                last_word = loop.time()
            elif loop.time() - last_word >= self._pace.heartbeat:
                await response.write(b": alive\n\n")
                last_word = loop.time()
            if len(lines) < PAGE or not settled:
                await self._wait_for_events(waker, unsettled=bool(lines) and not settled)
            lines = await feed.list_events_after(cursor, PAGE)

    async def _wait_for_events(self, waker: asyncio.Event, unsettled: bool) -> None:
        if unsettled:
            await asyncio.sleep(SETTLE.total_seconds() / 2)
            return
        try:
            async with asyncio.timeout(min(self._pace.look, self._pace.heartbeat)):
                await waker.wait()
        except TimeoutError:
            return


async def _begin_stream_response(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
            hdrs.CACHE_CONTROL: "no-store",
            "X-Accel-Buffering": "no",  # nginx passes each event on at once
        }
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"retry: 5000\n\n")
    return response


def encode_event(line: HistoryLine) -> bytes:
    data = json.dumps(event_payload(line), ensure_ascii=False, separators=(",", ":"))
    return f"id: {line.id}\nevent: {line.event.kind.value}\ndata: {data}\n\n".encode()


def newest_cursor(now: datetime) -> str:
    """Make a cursor behind everything that has happened."""
    return first_id_at(now)
