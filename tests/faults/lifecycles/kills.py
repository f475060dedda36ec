"""Starting the town's process, and killing it."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.ports.shared_store import Store
from tests.faults.lifecycles import evidence, town

SHORTEST = 0.3
"""Seconds from a start to its kill."""

START_SECONDS = 120.0
"""Longest wait for a start on a busy machine."""


@asynccontextmanager
async def process(config: Path, log: Path, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Killed at the end, if it is still there. What it says of what went wrong is in `log`."""
    with log.open("ab") as errors:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            town.__name__,
            str(config),
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def at_work(started: asyncio.subprocess.Process) -> str:
    """The name of its node."""
    assert started.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        said = (await started.stdout.readline()).decode().strip()
    assert said.startswith(town.AT_WORK), f"the town did not start: {said!r}"
    return said.removeprefix(town.AT_WORK).strip()


async def after(chance: random.Random, longest: float) -> None:
    """A while that the town works undisturbed, in seconds."""
    await asyncio.sleep(SHORTEST + longest * chance.random())


async def stop_in_hand(started: asyncio.subprocess.Process, store: Store) -> None:
    """Stopped, not ended, in a moment in which something is in hand: what is looked at doesn't go on meanwhile."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            started.send_signal(signal.SIGSTOP)
            if await evidence.in_hand(store):
                return
            started.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.05)
