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

LOOK_MS = 1_000
"""The longest time until new folders are watched, whose making may not be seen."""

T = TypeVar("T")

Concerns = Callable[[Path], bool]
"""Whether a changed file is one of those that are read."""


class Reloadable(Protocol):
    async def reload(self) -> bool: ...


class LiveConfiguration(Generic[T]):
    """`load` reads and checks everything, raising ConfigurationError; for the first time see `load_first`. `what` is
    read, as the log calls it; `list_folders`: where its files are now.

    `current` is what is in use; take it once for each piece of work. `problems` is why the last edit is not in use
    (empty: it is), `reloads` and `failures` count for the metrics.
    """

    def __init__(
        self, what: str, list_folders: Callable[[], tuple[Path, ...]], load: Callable[[], T], concerns: Concerns
    ) -> None:
        self._list_folders = list_folders
        self._what = what
        self._load = load
        self._concerns = concerns
        self._lock = asyncio.Lock()
        self.current, self.problems = self.load_first()
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

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that have its files now."""
        return self._list_folders()

    def load_first(self) -> tuple[T, tuple[ConfigurationProblem, ...]]:
        """Load at the start, with the problems that don't prevent it. Raises ConfigurationError."""
        return self._load(), ()

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
        """Reload whenever a file that it is read from changes, or there are other folders, until `stop` is set."""
        watched = folders = self.folders
        while not stop.is_set():
            await self._watch_until_moved(folders, stop, reload_first=folders != watched)
            watched, folders = folders, self.folders

    async def _watch_until_moved(self, folders: tuple[Path, ...], stop: asyncio.Event, *, reload_first: bool) -> None:
        """Return when there are other folders. `reload_first`: files may have changed before these were watched."""

        def is_watched_file(_change: Change, path: str) -> bool:
            return self._concerns(Path(path)) or Path(path).is_dir()

        async for changes in awatch(
            *folders,
            stop_event=stop,
            debounce=DEBOUNCE_MS,
            recursive=False,
            watch_filter=is_watched_file,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
        ):
            if reload_first or any(self._concerns(Path(path)) for _, path in changes):
                await self.reload()
                reload_first = False
            if self.folders != folders:
                return
