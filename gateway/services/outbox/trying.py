"""One try of one row: the handler is called within its time, and what came of it is written down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable, UnfinishedWork
from gateway.services.outbox.book import Book
from gateway.services.outbox.breaker import Breakers
from gateway.services.outbox.handled import Handled, Handler, Observe, Outcome
from gateway.services.outbox.options import Options
from gateway.services.outbox.retry import Dead, verdict
from gateway.services.outbox.ways import way_of
from gateway.store.requests.outbox import LeaseLost, Row

log = structlog.get_logger(component="outbox")

Moment = Callable[[], datetime]
EndRefused = Callable[[Row, str, datetime], Awaitable[None]]
"""How a refused row ends: dead, for staff to see, or refused, where a caller gets the refusal."""

NEVER_ENDED = "interrupted at every try: the gateway stopped before it had an outcome"


class Trying:
    def __init__(
        self, book: Book, handlers: Mapping[str, Handler], options: Options, breakers: Breakers, observe: Observe
    ) -> None:
        self._book = book
        self._handlers = handlers
        self._options = options
        self._breakers = breakers
        self._observe = observe
        self._draw = random.random

    async def once(self, row: Row, moment: Moment, end_refused: EndRefused) -> Refused | None:
        """Returns the refusal when it was one. Where the store doesn't take what came of it the row stays in hand
        until its lease ends, and is tried again."""
        with bound_contextvars(outbox_row=row.id, outbox_kind=row.kind, library=row.library, request=row.request_id):
            try:
                return await self._try(row, moment, end_refused)
            except Unavailable as down:
                log.warning("outbox.not_written_down", reason=str(down))
            except LeaseLost:
                log.warning("outbox.lease_lost", tries=row.tries)
            except Exception:
                log.exception("outbox.not_written_down")
            return None

    async def _try(self, row: Row, moment: Moment, end_refused: EndRefused) -> Refused | None:
        if row.tries > self._options.max_tries:
            await self._give_up(row, moment())
            return None
        result = await self._call(row)
        if isinstance(result, Handled):
            failure = await self._finish(row, result, moment)
            if failure is None:
                self._breakers.well(way_of(row))
                self._observe(row.kind, Outcome.DONE)
                return None
        else:
            failure = result
            self._tell_breaker(row, failure, moment())
        return await self._fail(row, failure, moment(), end_refused)

    async def _call(self, row: Row) -> Handled | Exception:
        seconds = self._options.handler_seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._handlers[row.kind](row)
        except TimeoutError as error:
            return OutcomeUnknown(f"no answer within {seconds:g} s") if limit.expired() else error
        except Exception as error:  # noqa: BLE001 - what follows from it depends on its class
            return error

    async def _finish(self, row: Row, handled: Handled, moment: Moment) -> Exception | None:
        """What `then` raises is the row's failure; an unusable store is not."""
        try:
            await self._book.done(row, handled, moment())
        except (Unavailable, LeaseLost):
            raise
        except Exception as error:  # noqa: BLE001 - what follows from it depends on its class
            return error
        return None

    async def _give_up(self, row: Row, now: datetime) -> None:
        """Claimed as often as it may be tried, and yet without an end: it took the process with it, maybe."""
        await self._book.dead(row, row.error or NEVER_ENDED, now)
        self._observe(row.kind, Outcome.DEAD)
        log.error("outbox.dead", tries=row.tries, outcome="interrupted")

    def _tell_breaker(self, row: Row, failure: Exception, now: datetime) -> None:
        way = way_of(row)
        if isinstance(failure, Refused | UnfinishedWork):  # the other side is well
            self._breakers.well(way)
        elif isinstance(failure, Unavailable | OutcomeUnknown) and self._breakers.failed(way, now):
            log.warning(
                "outbox.breaker_open",
                target=way.target or way.library or way.kind,
                seconds=self._options.breaker_seconds,
            )

    async def _fail(self, row: Row, failure: Exception, now: datetime, end_refused: EndRefused) -> Refused | None:
        follows = verdict(failure, row.tries, row.error, self._options, self._draw)
        self._observe(row.kind, follows.outcome)
        if follows.outcome is Outcome.DEFECT:
            log.error("outbox.defect", tries=row.tries, exc_info=failure)
        if isinstance(failure, Refused):
            await end_refused(row, follows.error, now)
            return failure
        if isinstance(follows, Dead):
            await self._book.dead(row, follows.error, now)
            self._observe(row.kind, Outcome.DEAD)
            log.error("outbox.dead", tries=row.tries, outcome=follows.outcome.value)
        else:
            await self._book.again(row, now + follows.after, follows.error)
        return None
