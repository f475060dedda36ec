"""`illgate serve`, but with a library system to which something happens. `serve_…` are to be called in a process of
their own."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, cast

from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.cli.daemon_process import serve_until_stopped
from gateway.domain.clock import SystemClock
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.runtime.daemon import Daemon
from gateway.runtime.logs import set_up_logging
from gateway.settings import load_settings
from tests.bench.messages import PATRON
from tests.support.daemon import Installation, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess

Afterwards = Callable[[object], Awaitable[None]]
"""Is told the first thing that was given to the call."""


@dataclass(frozen=True)
class Altered:
    """A library system; after each call of `method` comes `afterwards`."""

    system: LibrarySystem
    method: str
    afterwards: Afterwards

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.system, name)
        if name != self.method:
            return found

        async def altered(given: Any, *arguments: Any, **named: Any) -> Any:
            result = await found(given, *arguments, **named)
            await self.afterwards(given)
            return result

        return altered


async def die(_given: object) -> None:
    os._exit(9)


async def raise_defect(_given: object) -> None:
    raise KeyError(PATRON)


def altered(adapters: AdapterRegistry, method: str, afterwards: Afterwards) -> AdapterRegistry:
    embedded = adapters.libraries["embedded"]

    async def open_altered(context: LibraryAdapterContext, options: Any) -> LibrarySystem:
        system = await embedded.open(context, options)
        return cast(LibrarySystem, Altered(system, method, afterwards))

    changed: LibraryAdapter = replace(embedded, open=open_altered)
    return replace(adapters, libraries={**adapters.libraries, "embedded": changed})


def serve_until_death(config: Path, method: str) -> None:
    """The process ends when `method` of the library system has done its work, as by kill -9."""
    serve_altered(config, method, die)


def serve_slowly(config: Path, method: str, seconds: float) -> None:
    """`method` of the library system does its work at once, and answers so much later."""
    serve_altered(config, method, lambda _given: asyncio.sleep(seconds))


def serve_with_hangs(config: Path, method: str, series: str, hangs: Set[int]) -> None:
    """`method` of the library system does its work; of the calls for items of this series, those with these numbers, in
    the order of their ends, from 0, are not answered."""
    ends = count()

    async def hang_by_number(given: object) -> None:
        barcode = str(getattr(given, "barcode", given))
        if barcode.startswith(f"{series}-") and next(ends) in hangs:
            await asyncio.Event().wait()

    serve_altered(config, method, hang_by_number)


def serve_with_defect(config: Path, method: str) -> None:
    """`method` of the library system does its work, and then raises what nobody expects, with a patron's number."""
    serve_altered(config, method, raise_defect)


def serve_altered(config: Path, method: str, afterwards: Afterwards) -> None:
    adapters = altered(load_adapters(), method, afterwards)
    settings = load_settings(config, adapters)
    set_up_logging(settings.log.format, settings.log.level)
    serve_until_stopped(Daemon(settings, adapters, SystemClock()))


def draw_hangs(count: int, chance: random.Random) -> frozenset[int]:
    """Some that are not answered, the first of all among them: at the kill they are in the midst, though a quick
    gateway, or a client that reads late, may be through with the others."""
    return frozenset([0, *chance.sample(range(1, count), chance.randint(0, count // 4))])


@contextmanager
def hanging(installation: Installation, method: str, series: str, hangs: Set[int]) -> Iterator[ForkedProcess]:
    """A daemon that serves until it is killed amid these calls of `method`."""
    daemon = ForkedProcess(serve_with_hangs, (installation.config, method, series, hangs), installation.log)
    with stopped_at_end(daemon):
        wait_for(installation.port, "/readyz")
        yield daemon
