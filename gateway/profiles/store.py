"""The profiles in use. A reload checks everything first, then swaps the whole set; a bad edit changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from watchfiles import awatch

from gateway.configuration.problems import ConfigurationError, Problem
from gateway.profiles.loading import ProfileSet

log = structlog.get_logger(component="profiles")

DEBOUNCE_MS = 300
"""Editors write a file in several steps; wait until they are done."""


class ProfileStore:
    """`load` reads and checks everything, raising ConfigurationError; the first time it must succeed.

    `current` is the set in use; take it once for each message. `problems` is why the last edit is not in use
    (empty: it is), `reloads` and `failures` count for the metrics.
    """

    def __init__(self, folder: Path, load: Callable[[], ProfileSet]) -> None:
        self.folder = folder
        self._load = load
        self._lock = asyncio.Lock()
        self.current = load()
        self.problems: tuple[Problem, ...] = ()
        self.reloads = 0
        self.failures = 0

    async def reload(self) -> bool:
        """Read anew, as on SIGHUP. False: there are problems, the set in use stays. One at a time."""
        async with self._lock:
            try:
                fresh = await asyncio.to_thread(self._load)
            except ConfigurationError as error:
                self.failures += 1
                self.problems = error.problems
                log.error(
                    "profiles not reloaded, the last good ones stay in use",
                    folder=str(self.folder),
                    problems=[str(problem) for problem in error.problems],
                )
                return False
            self.current, self.problems = fresh, ()
            self.reloads += 1
            log.info("profiles reloaded", folder=str(self.folder), profiles=len(fresh))
            return True

    async def watch(self, stop: asyncio.Event) -> None:
        """Reload whenever a file in the folder changes, until `stop` is set."""
        async for _changes in awatch(self.folder, stop_event=stop, debounce=DEBOUNCE_MS, recursive=False):
            await self.reload()
