"""Starting the town's process, and killing it."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.ports.shared_store import Store
from tests.faults.lifecycles import evidence, town
from tests.support.forked_processes import ForkedProcess

SHORTEST = 0.3
"""Seconds from a start to its kill."""

START_SECONDS = 120.0
"""Longest wait for a start on a busy machine."""

LOOK_SECONDS = 0.02


@asynccontextmanager
async def process(config: Path, log: Path, *arguments: object) -> AsyncIterator[ForkedProcess]:
    """Killed at the end, if it is still there. What it says of what went wrong is in `log`."""
    started = ForkedProcess(town.main, [str(config), *map(str, arguments)], log)
    try:
        yield started
    finally:
        await kill(started)


async def kill(started: ForkedProcess) -> None:
    started.kill()
    await asyncio.to_thread(started.wait)


async def wait_until(holds: Callable[[], Awaitable[object]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(LOOK_SECONDS)


async def at_work(config: Path, started: ForkedProcess) -> str:
    """The name of its node."""
    file = town.file_of_name(config, started.pid)

    async def is_there() -> bool:
        assert started.poll() is None, "the town did not start"
        return await asyncio.to_thread(file.exists)

    await wait_until(is_there, START_SECONDS)
    return await asyncio.to_thread(file.read_text)


async def after(chance: random.Random, longest: float) -> None:
    """A while that the town works undisturbed, in seconds."""
    await asyncio.sleep(SHORTEST + longest * chance.random())


async def stop_in_hand(started: ForkedProcess, store: Store) -> None:
    """Stopped, not ended, in a moment in which something is in hand: what is looked at doesn't go on meanwhile."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            started.send_signal(signal.SIGSTOP)
            if await evidence.in_hand(store):
                return
            started.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.05)
