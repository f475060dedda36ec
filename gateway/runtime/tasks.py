"""Background work: every task is started here, kept, and its failure told together with who started it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

import structlog

task_logger = structlog.get_logger(component="tasks")

MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0


class OnFailure(StrEnum):
    REPORT = "report"  # log it and leave it at that
    RESTART = "restart"  # log it, wait (longer each time), start again


class Tasks:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, name: str, work: Callable[[], Awaitable[None]], on_failure: OnFailure = OnFailure.RESTART
    ) -> asyncio.Task[None]:
        """`name` says what it is and who wants it, such as 'journal: retention'."""
        task = asyncio.create_task(self._run(name, work, on_failure), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def every(self, name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` now and then every `seconds` seconds, failures or not."""

        async def repeat() -> None:
            while True:
                await work()
                await asyncio.sleep(seconds)

        return self.start(name, repeat)

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(sorted(task.get_name() for task in self._tasks))

    async def stop(self) -> None:
        """Cancel all and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, name: str, work: Callable[[], Awaitable[None]], on_failure: OnFailure) -> None:
        loop = asyncio.get_running_loop()
        pause = MIN_RETRY_SECONDS
        while True:
            began = loop.time()
            try:
                await work()
            except Exception:
                task_logger.exception("background work failed", task=name, on_failure=on_failure.value)
            else:
                return
            if on_failure is OnFailure.REPORT:
                return
            if loop.time() - began > MAX_RETRY_SECONDS:  # it ran well for a while
                pause = MIN_RETRY_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_RETRY_SECONDS)
