"""Streams to browsers of staff: how much is on each list, whenever that has changed.

A stream looks when something was committed (`wake_library`), and every few seconds, which is how it sees what other
nodes did. A browser has one for all its windows (`live.js`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from aiohttp import hdrs, web

from gateway.domain.requests.staff_views import TaskView
from gateway.domain.value import value_object
from gateway.web.html.assets import HEADERS
from gateway.web.stream_wakers import StreamWakers


@value_object
class CountTiming:
    """Seconds: the shortest and the longest time between two looks, how often the session is asked for, and after which
    silence a stream says that it lives. `most`: streams at once."""

    least: float = 1.0
    look: float = 2.0
    check: float = 15.0
    heartbeat: float = 15.0
    most: int = 200


class CountStreams(StreamWakers):
    """All open streams of counts."""

    def __init__(self, timing: CountTiming | None = None) -> None:
        super().__init__()
        self._timing = timing or CountTiming()
        self._tasks: dict[str, tuple[float, Sequence[TaskView]]] = {}

    async def share_tasks(
        self, sharing: str, load_tasks: Callable[[], Awaitable[Sequence[TaskView]]]
    ) -> Sequence[TaskView]:
        """Read once for all streams with the same `sharing` (a library, with branches where not all of it is seen) that
        look at nearly the same time."""
        now = asyncio.get_running_loop().time()
        known = self._tasks.get(sharing)
        if known is None or now - known[0] >= self._timing.least:
            known = self._tasks[sharing] = (now, await load_tasks())
        return known[1]

    async def serve_counts(
        self,
        request: web.Request,
        library: str,
        read_counts: Callable[[], Awaitable[Mapping[str, object]]],
        is_still_allowed: Callable[[], Awaitable[bool]],
    ) -> web.StreamResponse:
        """Writes until the browser goes, `is_still_allowed` says no or `end_streams` is called. Where too many are open
        already, the browser is told to ask from time to time instead. Raises Unavailable before the first byte."""
        if self._closed or self.open_count >= self._timing.most:
            return web.Response(status=204, headers=HEADERS)
        response = web.StreamResponse(
            headers={
                **HEADERS,
                hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
                "X-Accel-Buffering": "no",  # nginx passes each event on at once
            }
        )
        response.enable_chunked_encoding()
        with suppress(ConnectionError), self.open_stream(library) as waker:  # a browser may go at any time
            first = await read_counts()
            await response.prepare(request)
            await response.write(b"retry: 5000\n\n" + _encode_counts(first))
            await self._write_changes(response, waker, first, read_counts, is_still_allowed)
        return response

    async def _write_changes(
        self,
        response: web.StreamResponse,
        waker: asyncio.Event,
        known: Mapping[str, object],
        read_counts: Callable[[], Awaitable[Mapping[str, object]]],
        is_still_allowed: Callable[[], Awaitable[bool]],
    ) -> None:
        loop, timing = asyncio.get_running_loop(), self._timing
        last_word = last_check = loop.time()
        while not self._closed:
            await self._wait_for_change(waker)
            if self._closed:
                return
            if loop.time() - last_check >= timing.check:
                if not await is_still_allowed():
                    return
                last_check = loop.time()
            counts = await read_counts()
            if counts != known:
                known = counts
                await response.write(_encode_counts(counts))
                last_word = loop.time()
            elif loop.time() - last_word >= timing.heartbeat:
                await response.write(b": alive\n\n")
                last_word = loop.time()

    async def _wait_for_change(self, waker: asyncio.Event) -> None:
        """Wait at least a moment, so that a busy minute isn't a look for each commit."""
        waker.clear()
        try:
            async with asyncio.timeout(self._timing.look):
                await waker.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._timing.least)


def _encode_counts(counts: Mapping[str, object]) -> bytes:
    data = json.dumps(counts, ensure_ascii=False, separators=(",", ":"))
    return f"event: counts\ndata: {data}\n\n".encode()
