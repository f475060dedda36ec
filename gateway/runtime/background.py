"""Background tasks, and the notifier that wakes those who wait for work.

The notifier only makes things quicker. Whoever waits looks for work by itself too, every few seconds, so nothing is
lost where a notification is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Store, StoreUrl
from gateway.services.operation.gateway_operation import BackgroundJob
from gateway.store.postgresql import PostgresqlSession

task_logger = structlog.get_logger(component="tasks")

MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0

wake_logger = structlog.get_logger(component="notifier")

CHANNEL = "illgate_work"
PING_SECONDS = 30.0
"""A connection that says nothing for so long is asked whether it is still there."""


TELL_SECONDS = 0.5
"""Shortest time between two notifications: this node begins at once by itself, others are to help with what stays."""


class FailurePolicy(StrEnum):
    REPORT = "report"  # log it and leave it at that
    RESTART = "restart"  # log it, wait (longer each time), start again


@dataclass
class _TaskRound:
    """The last round of a task. `began`: of the loop's clock, None: it waits for its first."""

    every_seconds: float = 0.0
    began: float | None = None
    failure: str = ""


class BackgroundTasks:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._rounds: dict[str, _TaskRound] = {}

    def start(
        self, name: str, work: Callable[[], Awaitable[None]], on_failure: FailurePolicy = FailurePolicy.RESTART
    ) -> asyncio.Task[None]:
        """`name` says what it is and who wants it, such as 'journal: retention'."""
        task = asyncio.create_task(self._run_task(name, work, on_failure), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._rounds.setdefault(name, _TaskRound())
        return task

    def run_every(self, name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` now and then every `seconds` seconds, failures or not."""

        self._rounds[name] = last = _TaskRound(seconds)

        async def repeat_work() -> None:
            while True:
                last.began = asyncio.get_running_loop().time()
                await work()
                last.failure = ""
                await asyncio.sleep(seconds)

        return self.start(name, repeat_work)

    def list_jobs(self, now: datetime) -> tuple[BackgroundJob, ...]:
        """Those that run, by name, with their last rounds as moments before `now`."""
        time, names = asyncio.get_running_loop().time(), set(self.task_names)
        return tuple(
            BackgroundJob(
                name=name,
                every_seconds=last.every_seconds,
                began=None if last.began is None else now - timedelta(seconds=time - last.began),
                failure=last.failure,
            )
            for name, last in sorted(self._rounds.items())
            if name in names
        )

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(sorted(task.get_name() for task in self._tasks))

    async def stop(self) -> None:
        """Cancel all and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run_task(self, name: str, work: Callable[[], Awaitable[None]], on_failure: FailurePolicy) -> None:
        loop = asyncio.get_running_loop()
        pause, reason = MIN_RETRY_SECONDS, ""
        while True:
            began = loop.time()
            if not self._rounds[name].every_seconds:
                self._rounds[name].began = began
            try:
                await work()
            except Unavailable as error:
                # Not a defect: a database that is read-only or away stops all tasks, and /readyz says so.
                self._rounds[name].failure = error.detail
                if str(error) != reason:
                    task_logger.warning("background.task_waits", task=name, reason=str(error))
                reason = str(error)
            except Exception as error:
                self._rounds[name].failure = write_sentence("internal error: %(name)s", name=type(error).__name__)
                task_logger.exception("background.task_failed", task=name, on_failure=on_failure.value)
            else:
                return
            if on_failure is FailurePolicy.REPORT:
                return
            if loop.time() - began > MAX_RETRY_SECONDS:  # it ran well for a while
                pause, reason = MIN_RETRY_SECONDS, ""
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_RETRY_SECONDS)


class WorkNotifier:
    """`node` tells this process's own notifications from those of others."""

    def __init__(self, store: Store, node: str) -> None:
        self._url = store.url
        self._node = node
        self._joined: list[Callable[[], None]] = []
        self._streams: list[Callable[[str], None]] = []
        self._to_tell = asyncio.Event()
        self.listening = asyncio.Event()
        """Set while other nodes can be heard."""
        self._worked = False
        """Whether the last connection was there for a while."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """`wake` is called, in the event loop, whenever there may be something to do. It must not wait."""
        self._joined.append(wake)

    def subscribe_streams(self, wake: Callable[[str], None]) -> None:
        """`wake` is called in the same way with the library that has something new; empty: any may have."""
        self._streams.append(wake)

    def notify(self, library: str = "") -> None:
        """There may be something to do for this library, or for any: tells all here now, other nodes soon. Never
        waits."""
        self._wake_all(library)
        self._to_tell.set()

    async def run(self) -> None:
        """Hears and tells other nodes until cancelled. Where there are none (SQLite) it returns at once."""
        if self._url.get_backend_name() == "sqlite":
            return
        pause = MIN_RETRY_SECONDS
        while True:
            try:
                await self._serve_session(self._url)
            except Unavailable as lost:
                if self._worked:
                    pause = MIN_RETRY_SECONDS
                wake_logger.warning("notifier.connection_lost", reason=str(lost), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_RETRY_SECONDS)

    async def _serve_session(self, url: StoreUrl) -> None:
        self._worked = False
        session = await PostgresqlSession.open(url)
        try:
            session.notify_when_lost(self._to_tell.set)  # so that the loss is found at the next question, not at a ping
            await session.listen(CHANNEL, self._handle_notification)
            self.listening.set()
            self._worked = True
            self._wake_all()  # for what was said before we listened
            while True:
                await self._notify_nodes(session)
        finally:
            self.listening.clear()
            await session.close()

    async def _notify_nodes(self, session: PostgresqlSession) -> None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._to_tell.wait()
        except TimeoutError:
            await session.execute("SELECT 1")
            return
        self._to_tell.clear()  # before it is told: what is new from here on is told anew
        await session.notify(CHANNEL, self._node)
        await asyncio.sleep(TELL_SECONDS)

    def _handle_notification(self, node: str) -> None:
        if node != self._node:
            self._wake_all()

    def _wake_all(self, library: str = "") -> None:
        for wake in self._joined:
            wake()
        for wake_streams in self._streams:
            wake_streams(library)
