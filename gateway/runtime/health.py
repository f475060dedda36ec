"""Is everything that the gateway needs at work? Looked at for /readyz, and regularly for the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog

from gateway.domain.problems import Unavailable
from gateway.ports.library import LibrarySystem
from gateway.profiles import ProfileStore
from gateway.store.engine import Store
from gateway.store.health import free_space, ping, try_write
from gateway.web.health import Part, Readiness

log = structlog.get_logger(component="health")

MAX_PROBE_SECONDS = 3.0
"""Longest wait for one part."""

FRESH_SECONDS = 1.0
"""So long a look counts for all who ask."""

WRITE_SECONDS = 10.0
"""From one try to write to the next: each is a page on the disk."""

LONGEST_WRITE = 30.0
"""A write may wait for others, such as an import by a command, as long as SQLite waits for its lock."""

LOW_SPACE = 500_000_000
"""Bytes. Fewer on the disk of the database are told before there are none."""


class Listener(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def listening(self) -> bool: ...


class Health:
    """Parts are looked at side by side, none for longer than `MAX_PROBE_SECONDS`. Whether the store takes writes
    is tried by `try_writing` in the background, and a look tells how that went last."""

    def __init__(
        self,
        store: Store,
        libraries: Mapping[str, LibrarySystem],
        profiles: ProfileStore,
        listeners: Callable[[], Sequence[Listener]],
        set_aside: Callable[[], Awaitable[int]],
    ) -> None:
        """`set_aside`: how many messages staff must look at; raises Unavailable."""
        self._store = store
        self._libraries = libraries
        self._profiles = profiles
        self._listeners = listeners
        self._set_aside = set_aside
        self._lock = asyncio.Lock()
        self._last: Readiness | None = None
        self._looked = 0.0
        self._down: frozenset[str] = frozenset()
        self._not_written = ""
        self._writing_since: float | None = None

    async def try_writing(self) -> None:
        """To be done every `WRITE_SECONDS`."""
        self._writing_since = asyncio.get_running_loop().time()
        try:
            await try_write(self._store)
        except Unavailable as error:
            self._not_written = str(error)
        else:
            self._not_written = ""
        finally:
            self._writing_since = None

    async def look(self) -> Readiness:
        clock = asyncio.get_running_loop().time
        async with self._lock:
            if self._last is None or clock() - self._looked > FRESH_SECONDS:
                self._last = await self._look()
                self._looked = clock()
            return self._last

    async def _look(self) -> Readiness:
        probes = [_part("store", lambda: ping(self._store, MAX_PROBE_SECONDS))]
        probes += [_part(f"library {symbol}", system.ping) for symbol, system in self._libraries.items()]
        probes.append(self._messages())
        parts = list(await asyncio.gather(*probes))
        parts.insert(1, self._writing())
        parts.append(Part("profiles", notes=tuple(str(problem) for problem in self._profiles.problems)))
        parts += [Part(listener.name, "" if listener.listening else "not listening") for listener in self._listeners()]
        self._tell_changes(parts)
        return Readiness(tuple(parts))

    async def _messages(self) -> Part:
        try:
            async with asyncio.timeout(MAX_PROBE_SECONDS):
                count = await self._set_aside()
        except (Unavailable, TimeoutError):  # of which the part `store` tells
            count = 0
        return Part("messages", notes=(f"set aside: {count} (illgate journal list --outcome failed)",) if count else ())

    def _writing(self) -> Part:
        problem, since = self._not_written, self._writing_since
        waited = asyncio.get_running_loop().time() - since if since is not None else 0.0
        if waited > LONGEST_WRITE:
            problem = f"a write has been waiting for {waited:.0f} s"
        try:
            notes = _space(self._store)
        except OSError as error:
            return Part("store writing", problem or f"the database's folder can't be looked at: {error.strerror}")
        return Part("store writing", problem, notes)

    def _tell_changes(self, parts: Sequence[Part]) -> None:
        """Each change once, not each look."""
        down = frozenset(part.name for part in parts if not part.up)
        for part in parts:
            if not part.up and part.name not in self._down:
                log.error("a part is down", part=part.name, problem=part.problem)
            elif part.up and part.name in self._down:
                log.info("a part is up again", part=part.name)
        self._down = down


def _space(store: Store) -> tuple[str, ...]:
    """A note where there is little left. Raises OSError."""
    free = free_space(store)
    return (f"{free / 1e6:.0f} MB free on the disk",) if free is not None and free < LOW_SPACE else ()


async def _part(name: str, probe: Callable[[], Awaitable[None]]) -> Part:
    try:
        async with asyncio.timeout(MAX_PROBE_SECONDS):
            await probe()
    except Unavailable as error:
        return Part(name, str(error))
    except TimeoutError:
        return Part(name, f"no answer within {MAX_PROBE_SECONDS:g} s")
    except Exception as error:
        log.exception("a part can't be looked at", part=name)
        return Part(name, f"failed with {type(error).__name__}, see the log")
    return Part(name)
