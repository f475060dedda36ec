"""The loop that takes due timers, one node at a time.

Timers are rows with a moment, so a restart or a clock that jumps changes nothing: what has become due meanwhile is
fired, the libraries in turn, of each in the order of its time. One node does it (gateway.store.nodes); should two do so
for a moment, the taking of the timer within the work's own transaction makes it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from structlog.contextvars import bound_contextvars

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store, Transaction
from gateway.store.nodes import Leader
from gateway.store.requests import timers
from gateway.store.requests.timers import TimerRow

log = structlog.get_logger(component="timers")

FireTimer = Callable[[TimerRow], Awaitable[None]]
"""Does what is to happen when the timer is due, and takes it (`timers.take_timer`) in the same transaction. Whatever it
raises, it is called again later."""

Moment = Callable[[], datetime]

MAX_FAILURES = 10_000
"""So many are remembered; timers that are stopped after a failure would stay there for ever."""


@value_object(kw_only=True)
class TimerOptions:
    """Times in seconds. `concurrency` counts requests: timers of one request are fired one after the other."""

    batch: int = 200
    concurrency: int = 16
    fire_seconds: float = 60.0
    poll_seconds: float = 15.0
    least_seconds: float = 1.0
    """Shortest time from one look to the next, however often it is woken: hardly any timer is due at once."""
    again_seconds: float = 300.0
    """One that failed is due again so much later, doubled at each failure up to `longest_seconds`."""
    longest_seconds: float = 4 * 3600.0


USUAL = TimerOptions()


class TimerWorker:
    def __init__(
        self, store: Store, clock: Clock, fire: FireTimer, leader: Leader, options: TimerOptions = USUAL
    ) -> None:
        self._store = store
        self._clock = clock
        self._fire = fire
        self._leader = leader
        self._options = options
        self._wake = asyncio.Event()
        self._failures: dict[tuple[str, str, str], int] = {}
        """How often in a row, while this process lives; only of timers that failed."""
        self._trouble = False
        self._last = ""
        """The library whose turn was the last."""

    def wake(self) -> None:
        """A timer may be due sooner than expected. Never waits."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                next_look = loop.time() + min(self._options.least_seconds, self._options.poll_seconds)
                await self._run_round()
                await self._sleep_until_woken()
                await asyncio.sleep(max(0.0, next_look - loop.time()))
        finally:
            await self._leader.give_up_lead()

    async def drain(self, now: datetime | None = None) -> int:
        """Fire until nothing is due, at the moment `now` where it is given; returns how many were fired well. For
        commands, demonstrations and tests: whoever leads. Raises Unavailable when the store can't be used."""
        moment = self._clock.now if now is None else lambda: now
        fired = 0
        while due := await self._load_due_timers(moment):
            fired += await self._fire_timers(due, moment)
        return fired

    # --- one round ---------------------------------------------------------------------------------------

    async def _run_round(self) -> None:
        """All that is due, a batch at a time. A store that can't be used now is waited for; it is said once."""
        try:
            while await self._leader.is_leader():
                due = await self._load_due_timers(self._clock.now)
                await self._fire_timers(due, self._clock.now)
                if len(due) < self._options.batch:
                    break
        except Unavailable as down:
            if not self._trouble:
                log.warning("timers.store_unavailable", reason=str(down))
            self._trouble = True
        else:
            self._trouble = False

    async def _load_due_timers(self, moment: Moment) -> tuple[TimerRow, ...]:
        now, limit = moment(), self._options.batch
        due = await self._store.read(lambda connection: timers.due_timers(connection, now, limit, self._last))
        self._last = due[-1].library if due else ""
        return due

    async def _fire_timers(self, due: Sequence[TimerRow], moment: Moment) -> int:
        """Fire timers, and return how many were fired well."""
        requests: dict[tuple[str, str], list[TimerRow]] = {}
        for row in due:
            requests.setdefault((row.library, row.request_id), []).append(row)
        places = asyncio.Semaphore(self._options.concurrency)

        async def fire_in_order(rows: list[TimerRow]) -> list[TimerRow]:
            async with places:
                return [row for row in rows if await self._try_fire(row, moment)]

        results = await asyncio.gather(*map(fire_in_order, requests.values()), return_exceptions=True)
        well = [row for result in results if not isinstance(result, BaseException) for row in result]
        await self._end_timers(well)
        for failure in results:
            if isinstance(failure, BaseException):
                raise failure
        return len(well)

    async def _end_timers(self, rows: Sequence[TimerRow]) -> None:
        """Work that has nothing to do may leave its timer; it must not be fired for ever."""

        def take_timers(connection: Transaction) -> None:
            for row in rows:
                timers.take_timer(connection, row)

        await self._store.write(take_timers)

    # --- one timer ---------------------------------------------------------------------------------------

    async def _try_fire(self, row: TimerRow, moment: Moment) -> bool:
        """Try to fire a timer; raises Unavailable only where the store can't even keep that it failed."""
        with bound_contextvars(library=row.library, request=row.request_id, timer=row.timer.value):
            try:
                async with asyncio.timeout(self._options.fire_seconds):
                    await self._fire(row)
            except Exception as error:  # noqa: BLE001 - one that fails must not stop the others; it is tried again
                await self._postpone_failed(row, error, moment())
                return False
            self._failures.pop(_timer_key(row), None)
            return True

    async def _postpone_failed(self, row: TimerRow, error: Exception, now: datetime) -> None:
        """Due later, so that those which fail again and again don't stand before the others."""
        failures = self._failures.get(_timer_key(row), 0) + 1
        if len(self._failures) >= MAX_FAILURES:
            self._failures.clear()
        self._failures[_timer_key(row)] = failures
        seconds = min(self._options.again_seconds * 2.0 ** min(failures - 1, 40), self._options.longest_seconds)
        at = now + timedelta(seconds=seconds)
        if isinstance(error, Unavailable):
            log.warning("timers.failed", reason=str(error), failures=failures, again=at.isoformat())
        else:
            log.error("timers.failed", failures=failures, again=at.isoformat(), exc_info=error)
        await self._store.write(lambda connection: postpone_timer(connection, row, at))

    async def _sleep_until_woken(self) -> None:
        try:
            async with asyncio.timeout(self._options.poll_seconds):
                await self._wake.wait()
        except TimeoutError:
            return


def postpone_timer(connection: Transaction, row: TimerRow, at: datetime) -> None:
    """Put off a timer, unless it was stopped or set anew meanwhile."""
    if timers.take_timer(connection, row):
        timers.start_timer(connection, row.library, row.request_id, row.timer, at)


def _timer_key(row: TimerRow) -> tuple[str, str, str]:
    return row.library, row.request_id, row.timer.value
