"""Configuration that is read anew while the daemon runs. Everything is checked first, then the whole is swapped; what
a bad edit is about stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog
from watchfiles import awatch

from gateway.domain.problems import ConfigurationError, ConfigurationProblem

if TYPE_CHECKING:
    from watchfiles import Change

log = structlog.get_logger(component="configuration")

DEBOUNCE_MS = 300
"""Editors write a file in several steps; wait until they are done."""

T = TypeVar("T")

Concerns = Callable[[Path], bool]
"""Whether a changed file is one of those that are read."""


def accept_any_file(file: Path) -> bool:
    return True


class Reloadable(Protocol):
    async def reload(self) -> bool: ...


class LiveConfiguration(Generic[T]):
    """`load` reads and checks everything, raising ConfigurationError; the first time it must succeed. `what` is read,
    as the log calls it.

    `current` is what is in use; take it once for each piece of work. `problems` is why the last edit is not in use
    (empty: it is), `reloads` and `failures` count for the metrics.
    """

    def __init__(self, what: str, folders: tuple[Path, ...], load: Callable[[], T], concerns: Concerns) -> None:
        self.folders = folders
        self._what = what
        self._load = load
        self._concerns = concerns
        self._lock = asyncio.Lock()
        self.current = load()
        self.problems: tuple[ConfigurationProblem, ...] = ()
        self.reloads = 0
        self.failures = 0
        self.followers: list[Reloadable] = []
        """What names things of this, so that it is checked anew, too."""

    async def reload(self) -> bool:
        """Read anew, as on SIGHUP, then what follows it; one at a time. False: there are problems, and what they are
        about stays in use as it was."""
        async with self._lock:
            problems: tuple[ConfigurationProblem, ...] = ()
            try:
                fresh = await asyncio.to_thread(self._load)
            except ConfigurationError as error:
                fresh, problems = await asyncio.to_thread(self.load_fallback), error.problems
            is_changed = fresh is not self.current
            self.current, self.problems = fresh, problems
            self._report_reload(problems)
        followed = all([await follower.reload() for follower in self.followers]) if is_changed else True
        return followed and not problems

    def load_fallback(self) -> T:
        """Return what counts while something is wrong: what is in use, unless a part of the edit can be taken."""
        return self.current

    def _report_reload(self, problems: Sequence[ConfigurationProblem]) -> None:
        if problems:
            self.failures += 1
            texts = [str(problem) for problem in problems]
            log.error("configuration.not_reloaded", what=self._what, problems=texts)
        else:
            self.reloads += 1
            log.info("configuration.reloaded", what=self._what, folders=[str(folder) for folder in self.folders])

    async def watch_folders(self, stop: asyncio.Event) -> None:
        """Reload whenever a file that it is read from changes, until `stop` is set."""

        def is_watched_file(_change: Change, path: str) -> bool:
            return self._concerns(Path(path))

        async for _changes in awatch(
            *self.folders, stop_event=stop, debounce=DEBOUNCE_MS, recursive=False, watch_filter=is_watched_file
        ):
            await self.reload()
