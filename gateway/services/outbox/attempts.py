"""One attempt at a row: handler, retry rule, circuit breaker.

How often in a row a row failed in the same way is kept in its `error`, as staff read it ("unavailable (3): …"), so it
outlives the process. Breakers are kept in memory, one set a node; a route without failures costs nothing.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog
from structlog.contextvars import bound_contextvars

from gateway.domain.problems import (
    OutcomeUnknown,
    Postponed,
    RefusalReason,
    Refused,
    Unavailable,
    UnclearAnswer,
    UnfinishedWork,
)
from gateway.domain.sentences import mark_template, write_sentence
from gateway.domain.value import replace, value_object
from gateway.services.outbox.queue import (
    AttemptOutcome,
    Claim,
    Handler,
    HandlerResult,
    Observe,
    OutboxOptions,
    OutboxQueue,
)
from gateway.store.requests.outbox import LeaseLost, OutboxRow, Route

log = structlog.get_logger(component="outbox")

PlanClaim = Callable[[OutboxRow], Claim | None]
"""What may be taken when this row is done; None: nothing."""

Hindrance = Refused | UnfinishedWork
"""The target has said no: for good, or because of other work of ours, after which the row is tried again."""

Moment = Callable[[], datetime]
EndRefused = Callable[[OutboxRow, str, datetime], Awaitable[None]]
"""How a refused row ends: dead, for staff to see, or refused, where a caller gets the refusal."""

NEVER_ENDED = write_sentence("every attempt was interrupted: the gateway stopped before an outcome was known")

EARLIER_TRY = write_sentence("an earlier attempt may have succeeded")

DEFECT_TRIES = 3
"""A defect of ours seldom goes away by itself."""

UNKNOWN_FACTOR = 4
"""After an unknown outcome the pause is so much longer: the other side may still be at work on it."""

MIN_DELAY_SHARE = 0.1
"""Of the pause drawn, so that 'again' is never 'at once'."""

_WORDS = {
    AttemptOutcome.UNAVAILABLE: "unavailable",
    AttemptOutcome.UNKNOWN: "outcome unknown",
    AttemptOutcome.DEFECT: "internal error",
}
FAILURE_TEMPLATES = {
    AttemptOutcome.UNAVAILABLE: mark_template("unavailable (%(count)s): %(report)s"),
    AttemptOutcome.UNKNOWN: mark_template("outcome unknown (%(count)s): %(report)s"),
    AttemptOutcome.DEFECT: mark_template("internal error (%(count)s): %(report)s"),
}
REFUSAL_TEMPLATE = "refused: %(reason)s: %(report)s"
"""Staff are told the report alone."""

_WRITTEN = re.compile(rf"^({'|'.join(_WORDS.values())}) \((\d+)\): ")
_WRITTEN_REFUSAL = re.compile(r"^refused: ([\w-]+): ")

MAX_ERROR_CHARS = 1000
"""Characters of an error that are kept."""


@value_object
class AttemptEnd:
    """`hindrance`: what whoever waits for the row should hear; `following`: rows that were taken as it was done; None:
    nobody has looked for any."""

    hindrance: Hindrance | None = None
    following: tuple[OutboxRow, ...] | None = None


class AttemptRunner:
    def __init__(
        self,
        queue: OutboxQueue,
        handlers: Mapping[str, Handler],
        options: OutboxOptions,
        breakers: CircuitBreakers,
        observe: Observe,
        plan_claim: PlanClaim,
        find_route: Callable[[OutboxRow], Route],
    ) -> None:
        self._book = queue
        self._handlers = handlers
        self._options = options
        self._breakers = breakers
        self._observe = observe
        self._plan_claim = plan_claim
        self._route_of = find_route
        self._draw = random.random

    async def run_attempt(
        self, row: OutboxRow, moment: Moment, end_refused: EndRefused, handler: Handler | None = None
    ) -> AttemptEnd:
        """Run an attempt; where the store doesn't take what came of it the row stays in hand until its lease ends, and
        is tried again."""
        with bound_contextvars(outbox_row=row.id, outbox_kind=row.kind, library=row.library, request=row.request_id):
            try:
                return await self._attempt_row(row, moment, end_refused, handler or self._handlers[row.kind])
            except Unavailable as down:
                log.warning("outbox.result_not_stored", reason=str(down))
            except LeaseLost:
                log.warning("outbox.lease_lost", tries=row.tries)
            except Exception:
                log.exception("outbox.result_not_stored")
            return AttemptEnd()

    async def _attempt_row(
        self, row: OutboxRow, moment: Moment, end_refused: EndRefused, handler: Handler
    ) -> AttemptEnd:
        if row.tries > self._options.max_tries:
            await self._give_up_row(row, moment())
            return AttemptEnd()
        result = await self.call_handler(row, handler)
        if isinstance(result, HandlerResult):
            ended = await self._finish_row(row, result, moment)
            if isinstance(ended, AttemptEnd):
                self._breakers.record_answer(self._route_of(row), row.id)
                self._observe(row, AttemptOutcome.DONE)
                return ended
            failure = ended
        else:
            failure = result
            self._update_breaker(row, failure, moment())
        return AttemptEnd(await self._handle_failure(row, failure, moment(), end_refused))

    async def call_handler(self, row: OutboxRow, handler: Handler) -> HandlerResult | Exception:
        seconds = self._options.handler_seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                return await handler(row)
        except TimeoutError as error:
            return (
                OutcomeUnknown(write_sentence("no answer within %(seconds)s s", seconds=seconds))
                if limit.expired()
                else error
            )
        except Exception as error:  # noqa: BLE001 - what follows from it depends on its class
            return error

    async def _finish_row(self, row: OutboxRow, handled: HandlerResult, moment: Moment) -> AttemptEnd | Exception:
        """Finish a row; an error that `then` raises is the row's failure; an unusable store is not."""
        claim = self._plan_claim(row)
        try:
            following = await self._book.mark_done(row, handled, moment(), claim)
        except (Unavailable, LeaseLost):
            raise
        except Exception as error:  # noqa: BLE001 - what follows from it depends on its class
            return error
        return AttemptEnd(following=following if claim is not None else None)

    async def _give_up_row(self, row: OutboxRow, now: datetime) -> None:
        """Claimed as often as it may be tried, and yet without an end: it took the process with it, maybe."""
        await self._book.mark_dead(row, row.error or NEVER_ENDED, now)
        self._observe(row, AttemptOutcome.DEAD)
        log.error("outbox.dead", tries=row.tries, outcome="interrupted")

    def _update_breaker(self, row: OutboxRow, failure: Exception, now: datetime) -> None:
        way = self._route_of(row)
        if isinstance(failure, Refused | Postponed | UnclearAnswer):  # an answer, and about this row
            self._breakers.record_answer(way, row.id)
        elif isinstance(failure, Unavailable | OutcomeUnknown) and self._breakers.record_failure(way, row.id, now):
            log.warning(
                "outbox.breaker_open",
                target=way.target or way.library or way.kind,
                seconds=self._options.breaker_seconds,
            )

    async def _handle_failure(
        self, row: OutboxRow, failure: Exception, now: datetime, end_refused: EndRefused
    ) -> Hindrance | None:
        follows = decide_retry(failure, row.tries, row.error, self._options, self._draw)
        self._observe(row, follows.outcome)
        if follows.outcome is AttemptOutcome.DEFECT:
            log.error("outbox.defect", tries=row.tries, exc_info=failure)
        if isinstance(failure, Refused):
            await end_refused(row, follows.error, now)
            if end_refused == self._book.mark_dead:  # else somebody waits for it, and is told
                log.warning("outbox.dead", tries=row.tries, outcome=follows.outcome.value, reason=failure.reason.value)
            return failure
        if isinstance(follows, GiveUp):
            await self._book.mark_dead(row, follows.error, now)
            self._observe(row, AttemptOutcome.DEAD)
            log.error("outbox.dead", tries=row.tries, outcome=follows.outcome.value)
        else:
            await self._book.retry_later(row, now + follows.after, follows.error)
        return failure if isinstance(failure, UnfinishedWork) else None


@value_object
class ScheduleRetry:
    outcome: AttemptOutcome
    after: timedelta
    error: str


@value_object
class GiveUp:
    outcome: AttemptOutcome
    error: str


RetryDecision = ScheduleRetry | GiveUp


def decide_retry(
    error: Exception, tries: int, before: str, options: OutboxOptions, draw: Callable[[], float]
) -> RetryDecision:
    """`tries` counts this one; `before` is the row's error until now; `draw` gives a number in [0, 1)."""
    if isinstance(error, Refused):
        return GiveUp(AttemptOutcome.REFUSED, describe_refusal(error))
    outcome = outcome_of_error(error)
    count = _count_failures(before, _WORDS[outcome]) + 1
    text = _shorten_error(_describe_failure(outcome, count, _describe_error(error)))
    if tries >= options.max_tries:
        return GiveUp(outcome, text)
    if outcome is AttemptOutcome.DEFECT:
        if count >= DEFECT_TRIES:
            return GiveUp(outcome, text)
        return ScheduleRetry(outcome, backoff_delay(count, options, draw), text)
    if outcome is AttemptOutcome.UNKNOWN:
        return ScheduleRetry(outcome, backoff_delay(count, options, draw, UNKNOWN_FACTOR), text)
    return ScheduleRetry(outcome, backoff_delay(count, options, draw), text)


def can_have_arrived(tries: int, error: str) -> bool:
    """Return whether an earlier try may have had its effect: it had no answer, or the gateway stopped in its midst.
    `tries` and `error` are those of the row that is in hand again. All of them are known to have had none where so many
    in a row found nobody. The tries of what staff have released count anew; one of them stands for those of before
    where that may be so (`find_unknown_try`)."""
    has_no_outcome = any(_count_failures(error, _WORDS[end]) for end in (AttemptOutcome.UNKNOWN, AttemptOutcome.DEFECT))
    return has_no_outcome or tries - 1 > _count_failures(error, _WORDS[AttemptOutcome.UNAVAILABLE])


def says_refused(text: str, reason: RefusalReason | None = None) -> bool:
    """Return whether an error or a note of a row was written by `describe_refusal`. `reason`: only for this one."""
    return text.startswith(f"{REFUSAL_TEMPLATE.partition('%')[0]}{f'{reason.value}:' if reason is not None else ''}")


def find_unknown_try(row: OutboxRow) -> str | None:
    """Find, for a row that isn't in hand and is released by staff, the error by which the next try knows that an
    earlier one may have arrived, once its tries count anew. None: all of them had an outcome."""
    if says_refused(row.error) or not can_have_arrived(row.tries + 1, row.error):
        return None
    if not _count_failures(row.error, _WORDS[AttemptOutcome.UNAVAILABLE]):
        return row.error
    return _describe_failure(AttemptOutcome.UNKNOWN, 1, EARLIER_TRY)


def describe_refusal(error: Refused) -> str:
    """A refusal as staff read it."""
    return _shorten_error(write_sentence(REFUSAL_TEMPLATE, reason=error.reason.value, report=error.detail))


def replace_report(error: str, report: str) -> str:
    """A row's error with another report in it; what follows from the error stays the same. Empty: it has none."""
    if (failed := _WRITTEN.match(error)) is not None:
        outcome = next(attempt_outcome for attempt_outcome, words in _WORDS.items() if words == failed[1])
        return _describe_failure(outcome, int(failed[2]), report)
    if (refused := _WRITTEN_REFUSAL.match(error)) is not None:
        return write_sentence(REFUSAL_TEMPLATE, reason=refused[1], report=report)
    return report if error else ""


def outcome_of_error(error: Exception) -> AttemptOutcome:
    if isinstance(error, Refused):
        return AttemptOutcome.REFUSED
    if isinstance(error, Unavailable):
        return AttemptOutcome.UNAVAILABLE
    if isinstance(error, OutcomeUnknown):
        return AttemptOutcome.UNKNOWN
    return AttemptOutcome.DEFECT


def backoff_delay(count: int, options: OutboxOptions, draw: Callable[[], float], factor: float = 1.0) -> timedelta:
    """Return the delay after the failure number `count`: doubles each time up to the longest, then anything up to that
    by chance, so that rows which failed together don't come back together."""
    doubled = options.first_seconds * factor * 2.0 ** min(count - 1, 40)
    longest = min(doubled, options.longest_seconds)
    return timedelta(seconds=longest * (MIN_DELAY_SHARE + (1 - MIN_DELAY_SHARE) * draw()))


def _count_failures(before: str, words: str) -> int:
    match = _WRITTEN.match(before)
    return int(match[2]) if match is not None and match[1] == words else 0


def _describe_failure(outcome: AttemptOutcome, count: int, report: str) -> str:
    return write_sentence(FAILURE_TEMPLATES[outcome], count=count, report=report)


def _describe_error(error: Exception) -> str:
    """The text of what is not known to us might name a patron; the log has where it happened."""
    if isinstance(error, Unavailable | OutcomeUnknown):
        return error.detail or type(error).__name__
    return write_sentence("%(kind)s (see the log)", kind=type(error).__qualname__)


def _shorten_error(text: str) -> str:
    return text if len(text) <= MAX_ERROR_CHARS else text[: MAX_ERROR_CHARS - 1] + "…"


MAX_SUSPECTS = 100
"""Rows of a way that don't count again; of more the latest."""


@value_object
class _BreakerState:
    rows: frozenset[str] = frozenset()
    """Ids of those that have failed since the last answer."""
    suspects: tuple[str, ...] = ()
    """Ids of those that had failed while others were answered: it may be their own fault."""
    since: datetime | None = None
    """When it opened, or when the last probe was let through; None while it is closed."""


class CircuitBreakers:
    """Closed: all pass. When `failures` rows have failed, however often each, and none has had an answer between, it
    opens for `seconds`; then one row passes as a probe, and one more each `seconds` for as long as none has come back
    with an answer. A row counts once: after that answer it takes others to open it again."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit = failures
        self._pause = timedelta(seconds=seconds)
        self._states: dict[Route, _BreakerState] = {}

    def is_closed(self, way: Route) -> bool:
        state = self._states.get(way)
        return state is None or state.since is None

    def blocked_routes(self, now: datetime) -> frozenset[Route]:
        """Those that nothing may pass to at this moment."""
        return frozenset(way for way, state in self._states.items() if self._is_waiting(state, now))

    def allow_attempt(self, way: Route, now: datetime) -> bool:
        """Return whether a row may go to `way` now; where that is the probe, the next one has to wait for it."""
        state = self._states.get(way)
        if state is None or state.since is None:
            return True
        if self._is_waiting(state, now):
            return False
        self._states[way] = replace(state, since=now)
        return True

    def record_answer(self, way: Route, row_id: str) -> None:
        """There was an answer to this row, with yes or with no."""
        state = self._states.pop(way, None)
        if state is None:
            return
        suspects = tuple(id_ for id_ in (*state.suspects, *sorted(state.rows)) if id_ != row_id)[-MAX_SUSPECTS:]
        if suspects:
            self._states[way] = _BreakerState(suspects=suspects)

    def record_failure(self, way: Route, row_id: str, now: datetime) -> bool:
        """True when this failure has opened it."""
        before = self._states.get(way, _BreakerState())
        if before.since is not None:
            self._states[way] = replace(before, since=now)
            return False
        rows = before.rows if row_id in before.suspects else before.rows | {row_id}
        opens = len(rows) >= self._limit
        self._states[way] = replace(before, rows=rows, since=now if opens else None)
        return opens

    @property
    def open_count(self) -> int:
        """The number that are open now."""
        return sum(state.since is not None for state in self._states.values())

    def _is_waiting(self, state: _BreakerState, now: datetime) -> bool:
        """A clock that was set back must not keep it open for longer than its time."""
        return state.since is not None and timedelta(0) <= now - state.since < self._pause
