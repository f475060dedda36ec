"""`illgate serve`, but with a library system to which something happens. To be called in a process of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.cli.daemon_commands import run_daemon
from gateway.domain.clock import SystemClock
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.library_system import LibrarySystem
from gateway.runtime.daemon import Daemon
from gateway.runtime.logs import set_up_logging
from gateway.settings import load_settings
from tests.bench.messages import PATRON

Afterwards = Callable[[], Awaitable[None]]


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

        async def altered(*arguments: Any, **named: Any) -> Any:
            result = await found(*arguments, **named)
            await self.afterwards()
            return result

        return altered


async def die() -> None:
    os._exit(9)


async def raise_defect() -> None:
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
    serve_altered(config, method, lambda: asyncio.sleep(seconds))


def serve_with_defect(config: Path, method: str) -> None:
    """`method` of the library system does its work, and then raises what nobody expects, with a patron's number."""
    serve_altered(config, method, raise_defect)


def serve_altered(config: Path, method: str, afterwards: Afterwards) -> None:
    adapters = altered(load_adapters(), method, afterwards)
    settings = load_settings(config, adapters)
    set_up_logging(settings.log.format, settings.log.level)
    asyncio.run(run_daemon(Daemon(settings, adapters, SystemClock())))
