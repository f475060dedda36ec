"""Wakers of streams to browsers and clients: what both kinds of streams have (`EventStreams`, `CountStreams`)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class StreamWakers:
    """All open streams, by library. `end_streams` ends them, so that a stop needn't wait for who reads them."""

    def __init__(self) -> None:
        self._wakers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = False

    @property
    def open_count(self) -> int:
        return sum(len(wakers) for wakers in self._wakers.values())

    def wake_library(self, library: str) -> None:
        """Wake the streams when something has been committed. Call it from the event loop."""
        for waker in self._wakers.get(library, ()):
            waker.set()

    def end_streams(self) -> None:
        self._closed = True
        for library in list(self._wakers):
            self.wake_library(library)

    @contextmanager
    def open_stream(self, library: str) -> Iterator[asyncio.Event]:
        """Count a stream as open and give what wakes it."""
        waker = asyncio.Event()
        self._wakers[library].add(waker)
        try:
            yield waker
        finally:
            self._wakers[library].discard(waker)
