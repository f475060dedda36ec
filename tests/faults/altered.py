"""`illgate serve`, but with a library system to which something happens:

    python altered.py GATEWAY.YML die METHOD            the process ends when METHOD has done its work, as by kill -9
    python altered.py GATEWAY.YML wait METHOD SECONDS   METHOD does its work at once, and answers so much later

The file is started by its path, so it imports nothing of the tests.
"""

from __future__ import annotations

import asyncio
import os
import sys
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


def altered(adapters: AdapterRegistry, method: str, afterwards: Afterwards) -> AdapterRegistry:
    embedded = adapters.libraries["embedded"]

    async def open_altered(context: LibraryAdapterContext, options: Any) -> LibrarySystem:
        system = await embedded.open(context, options)
        return cast(LibrarySystem, Altered(system, method, afterwards))

    changed: LibraryAdapter = replace(embedded, open=open_altered)
    return replace(adapters, libraries={**adapters.libraries, "embedded": changed})


if __name__ == "__main__":
    config, what, method, *seconds = sys.argv[1:]
    afterwards = {"die": lambda: die(), "wait": lambda: asyncio.sleep(float(seconds[0]))}[what]
    adapters = altered(load_adapters(), method, afterwards)
    settings = load_settings(Path(config), adapters)
    set_up_logging(settings.log.format, settings.log.level)
    asyncio.run(run_daemon(Daemon(settings, adapters, SystemClock())))
