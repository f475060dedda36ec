"""The worker of the outbox: takes rows that are due and hands each to the handler of its kind.

Delivery is at least once: a row is in hand for the time of a lease, and who dies with it leaves it to the next one.
The row's id, the same at each try, makes it once in effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Store
from gateway.services.outbox.attempts import AttemptEnd, AttemptRunner, CircuitBreakers, EndRefused, Hindrance, Moment
from gateway.services.outbox.queue import (
    DESK_GRACE,
    Claim,
    Handler,
    HasOwnPartner,
    Observe,
    OutboxOptions,
    OutboxQueue,
    RouteSlots,
    has_no_own_partner,
    observe_nothing,
    route_of,
)
from gateway.store.requests.outbox import OutboxRow, Route

__all__ = ["DESK_GRACE", "OutboxWorker"]

log = structlog.get_logger(component="outbox")

ABANDON_SECONDS = 10.0
"""Longest wait for handlers to hear that they are cancelled."""

STOPPING = write_sentence("the gateway is stopping; the work continues when it has restarted")


class OutboxWorker:
    """One a process. `node`: its name (gateway.store.nodes); only kinds that have a handler here are taken. While
    `is_paused` says so, no rows are taken but those that somebody waits for. `held_back`: libraries whose rows wait
    now."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handlers: Mapping[str, Handler],
        options: OutboxOptions,
        node: str,
        observe: Observe = observe_nothing,
        is_paused: Callable[[], bool] = lambda: False,
        held_back: Callable[[], Collection[str]] = tuple,
        has_own: HasOwnPartner = has_no_own_partner,
    ) -> None:
        self._clock = clock
        self._options = options
        self._book = OutboxQueue(store, node, tuple(handlers), options.lease)
        self._breakers = CircuitBreakers(options.breaker_failures, options.breaker_seconds)
        self._is_paused = is_paused
        self._kinds = tuple(handlers)
        self._held_back = held_back
        self._slots = RouteSlots(options.concurrency, options.per_target)
        self._route_of = partial(route_of, has_own=has_own)
        self.attempts = AttemptRunner(
            self._book, handlers, options, self._breakers, observe, self._plan_claim, self._route_of
        )
        self._tasks: dict[str, asyncio.Task[AttemptEnd]] = {}
        """By the id of the row in hand."""
        self._held: dict[str, str] = {}
        """The libraries of the rows in hand, by their ids."""
        self._last = ""
        """The library whose turn was the last."""
        self._unstarted: list[OutboxRow] = []
        """In hand as well, but there is no place for them: they are to be put back."""
        self._ended = 0
        """So many rows have come to the end of a try."""
        self._wake = asyncio.Event()
        self._at_rest = asyncio.Event()
        """`run` takes nothing: it has not begun, or has ended."""
        self._at_rest.set()
        self._stopping = False
        self._without_store = False

    @property
    def rows_in_hand(self) -> int:
        return len(self._tasks)

    @property
    def open_breakers(self) -> int:
        """Targets that are left alone for now."""
        return self._breakers.open_count

    def wake(self) -> None:
        """There may be something to do. Never waits."""
        self._wake.set()

    # --- for as long as the process lives ----------------------------------------------------------------

    async def run(self) -> None:
        """Work until `stop` or until cancelled; rows that are in hand then are left there, and taken again by the
        node's heir or when their lease ends."""
        self._at_rest.clear()
        try:
            while not self._stopping:
                self._wake.clear()
                await self._tolerate_outage(self._take_all_due)
                await self._sleep_until_woken()
        finally:
            self._at_rest.set()
            if not self._stopping:  # else `stop` does it, when their time is over
                await self._abandon_rows()

    async def stop(self, seconds: float) -> None:
        """Take nothing more, and let what is in hand come to its end for at most so long."""
        self._stopping = True
        self._wake.set()
        rest = asyncio.create_task(self._at_rest.wait())  # a claim on its way may bring rows yet
        await asyncio.wait([rest, *self._tasks.values()], timeout=seconds)
        rest.cancel()
        await self._tolerate_outage(self._put_back_unstarted)
        await self._abandon_rows()

    # --- all at once, and one ----------------------------------------------------------------------------

    async def drain(self, now: datetime | None = None, besides: frozenset[Route] = frozenset()) -> int:
        """Work until nothing is due but what goes by the routes `besides`, at the moment `now` where it is given;
        returns the number of tries. For commands, demonstrations and tests. Raises Unavailable when the store can't be
        used."""
        moment = self._clock.now if now is None else lambda: now
        tries = 0
        while True:
            ended = self._ended
            may_be_more = True
            while may_be_more:
                taken, may_be_more = await self._take_batch(moment, besides)
                tries += taken
            if self._tasks:
                await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            elif self._ended == ended:  # else a place has become free meanwhile
                return tries

    async def run_row(self, row: OutboxRow, handler: Handler | None = None) -> OutboxRow:
        """Do this row at once, whatever the limits, for somebody who waits for it; returns it as it is then:

        done; waiting, because the target can't be reached or earlier rows of its lane come first (a worker goes on
        with it); in-hand, because somebody else has it; dead. The caller adds it with `next_at` = now + DESK_GRACE.
        Raises Refused (the row has ended as refused), UnfinishedWork (other work of ours is in the way; a worker goes
        on with it), Unavailable when the store can't be used. Who is cancelled while waiting does not cancel the work.
        """
        claimed = await self._book.claim_row(row, self._clock.now())
        if claimed is not None and self._stopping:
            await self._book.put_back_rows([claimed])
            raise Unavailable(STOPPING)
        if claimed is not None:
            hindrance = await self._wait_for(
                self._start_attempt(claimed, self._clock.now, self._book.mark_refused, handler)
            )
            if hindrance is not None:
                raise hindrance
        return await self._book.reload_row(row)

    @staticmethod
    async def _wait_for(task: asyncio.Task[AttemptEnd]) -> Hindrance | None:
        try:
            return (await asyncio.shield(task)).hindrance
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and not (caller and caller.cancelling()):
                raise Unavailable(STOPPING) from None
            raise

    # --- taking ------------------------------------------------------------------------------------------

    async def _take_all_due(self) -> None:
        may_be_more = True
        while may_be_more and not self._stopping:
            _, may_be_more = await self._take_batch(self._clock.now)

    async def _take_batch(self, moment: Moment, besides: frozenset[Route] = frozenset()) -> tuple[int, bool]:
        """Start what is due and has a place; returns how many rows, and whether there may be more to be had now."""
        await self._put_back_unstarted()
        now, limit = moment(), self._slots.free_slots
        if not limit or self._is_paused():
            return 0, False
        full = self._slots.full_routes | self._breakers.blocked_routes(now) | self._list_routes_held_back() | besides
        rows = await self._book.claim_rows(Claim(now, limit, full, tuple(self._held.values()), self._last))
        self._start_claimed(rows, moment)
        back = len(self._unstarted)
        await self._put_back_unstarted()
        return len(rows) - back, len(rows) == limit or back > 0

    def _list_routes_held_back(self) -> frozenset[Route]:
        return frozenset(Route(kind, library=symbol) for symbol in self._held_back() for kind in self._kinds)

    def _plan_claim(self, row: OutboxRow) -> Claim | None:
        """Plan what can be taken when this row gives its place back."""
        if self._at_rest.is_set() or self._stopping or self._is_paused():
            return None
        now = self._clock.now()
        way = self._route_of(row)
        full = self._slots.full_routes_without(way) | (self._breakers.blocked_routes(now) - {way})
        full |= self._list_routes_held_back()
        held = tuple(library for id_, library in self._held.items() if id_ != row.id)
        return Claim(now, self._slots.free_slots + 1, full, held, self._last)

    def _start_claimed(self, rows: Sequence[OutboxRow], moment: Moment) -> None:
        """Start rows as far as there are places: a target may have got as many as it may have. Now that it's full the
        others are not taken again."""
        if rows:
            self._last = rows[-1].library
        self._unstarted += [row for row in self._order_probes(rows) if not self._try_start(row, moment)]

    async def _put_back_unstarted(self) -> None:
        if self._unstarted:
            back, self._unstarted = self._unstarted, []
            await self._book.put_back_rows(back)

    def _order_probes(self, rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
        """A way that is open is probed by the row that was tried least: one that fails whenever it is tried says
        nothing of the way."""
        return sorted(rows, key=lambda row: 0 if self._breakers.is_closed(self._route_of(row)) else row.tries)

    def _try_start(self, row: OutboxRow, moment: Moment) -> bool:
        way = self._route_of(row)
        if self._stopping or not self._slots.has_room(way) or not self._breakers.allow_attempt(way, moment()):
            return False
        self._start_attempt(row, moment, self._book.mark_dead)
        return True

    def _start_attempt(
        self, row: OutboxRow, moment: Moment, end_refused: EndRefused, handler: Handler | None = None
    ) -> asyncio.Task[AttemptEnd]:
        way = self._route_of(row)
        self._slots.take_slot(way)
        task = asyncio.create_task(
            self.attempts.run_attempt(row, moment, end_refused, handler), name=f"outbox: {row.kind} {row.id}"
        )
        self._tasks[row.id], self._held[row.id] = task, row.library

        def end_attempt(task: asyncio.Task[AttemptEnd]) -> None:
            was_full = not self._slots.has_room(way)  # then somebody may have looked in vain meanwhile
            self._slots.release_slot(way)
            self._tasks.pop(row.id, None)
            self._held.pop(row.id, None)
            self._ended += 1
            following = task.result().following if not task.cancelled() and task.exception() is None else None
            if following:
                self._start_claimed(following, self._clock.now)
            if following is None or was_full or self._unstarted:
                self._wake.set()

        task.add_done_callback(end_attempt)
        return task

    # --- waiting -----------------------------------------------------------------------------------------

    async def _sleep_until_woken(self) -> None:
        """Sleep until woken, until a row has ended, or until it's time to look anyhow."""
        if self._stopping:
            return
        try:
            async with asyncio.timeout(self._options.poll_seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _tolerate_outage(self, work: Callable[[], Awaitable[None]]) -> None:
        """A store that can't be used now is waited for; it is said once."""
        try:
            await work()
        except Unavailable as down:
            if not self._without_store:
                log.warning("outbox.store_unavailable", reason=str(down))
            self._without_store = True
        else:
            self._without_store = False

    async def _abandon_rows(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ABANDON_SECONDS)
