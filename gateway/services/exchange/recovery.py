"""Messages that a node left when it died are finished by its heir (gateway.services.operation.nodes).

Messages left `pending` are carried out again: the library keeps the key of each, so nothing is done twice. The
partner waits no longer; when it repeats its message it gets the answer that was found here.

One that ends the process whenever it is carried out would end every heir: after `MAX_STARTS` it is set aside for
staff, who may carry it out again (`illgate replay`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.value import value_object
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.responder import OutcomeClass
from gateway.services.exchange import MessageExchange
from gateway.services.exchange.message_context import NotReplayableError
from gateway.store.journal import Journal
from gateway.store.journal_records import (
    BodyUnreadable,
    FullMessage,
    JournalEnding,
    JournalEntry,
    JournalFilter,
    JournalOpening,
)

log = structlog.get_logger(component="recovery")

INTERRUPTED = "interrupted"
"""The reason in the journal of what could not be finished."""

SET_ASIDE = "set-aside"
"""The reason of what was taken up `MAX_STARTS` times by nodes none of which lived to finish it."""

INTERRUPTION_NOTE = "The gateway was interrupted while this message was in hand, and %(why)s."
WHY_SET_ASIDE = (
    "%(starts)s starts ended while they carried it out, so it is set aside; see what is wrong with it first, then: "
    "illgate replay %(message)s"
)
WHY_INTERRUPTED = "it can't be finished: %(why)s"
"""The journal keeps the text alone: pages know it again."""

MAX_STARTS = 3

PAGE = 500
PING_SECONDS = 10.0


@value_object
class RecoveryReport:
    """The number of messages that were finished, could not be finished and are marked as failed, and are left as they
    are (their library does not answer, or the key of their content is missing). `away`: how many of those that are left
    wait for their library."""

    finished: int = 0
    failed: int = 0
    left: int = 0
    away: int = 0

    def __add__(self, other: RecoveryReport) -> RecoveryReport:
        return RecoveryReport(
            self.finished + other.finished,
            self.failed + other.failed,
            self.left + other.left,
            self.away + other.away,
        )


_FINISHED, _FAILED, _LEFT = RecoveryReport(finished=1), RecoveryReport(failed=1), RecoveryReport(left=1)


async def finish_interrupted(
    exchange: MessageExchange,
    journal: Journal,
    libraries: Mapping[str, ExchangeLibrary],
    clock: Clock,
    node: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> RecoveryReport:
    """Finish what the node with this name left (`since`, `until`: of what it began then): the libraries side by side,
    of each one message after the other, oldest first. Raises Unavailable when the store can't be used."""

    async def finish_of_library(library: ExchangeLibrary) -> RecoveryReport:
        symbol = library.symbol
        journal_filter = JournalFilter(symbol, outcome=OutcomeClass.PENDING, node=node, since=since, until=until)
        identifiers = await _list_interrupted(journal, journal_filter)
        if not identifiers:
            return RecoveryReport()
        if not await _is_answering(library):
            return RecoveryReport(left=len(identifiers), away=len(identifiers))
        reports = [
            await _finish_or_set_aside(exchange, journal, symbol, identifier, clock) for identifier in identifiers
        ]
        return sum(reports, RecoveryReport())

    return sum(await gather_all(map(finish_of_library, libraries.values())), RecoveryReport())


async def gather_all(works: Iterable[Awaitable[RecoveryReport]]) -> list[RecoveryReport]:
    """All come to their end; then the first failure is raised, if there is one. Each has its own context, so that the
    log says nothing of the last message afterwards."""
    reports = []
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
        reports.append(outcome)
    return reports


async def count_set_aside(journal: Journal, libraries: Iterable[str]) -> int:
    """Count the messages that wait for staff to look at them. Raises Unavailable."""
    return sum([await journal.count_interrupted(symbol, MAX_STARTS) for symbol in libraries])


async def _list_interrupted(journal: Journal, journal_filter: JournalFilter) -> tuple[str, ...]:
    """Ids of messages, oldest first; without their bodies, which may be many."""
    identifiers: list[str] = []
    cursor = ""
    while True:
        page = await journal.list_messages(journal_filter, PAGE, cursor)
        identifiers += [message.id for message in page.messages]
        cursor = page.cursor
        if not cursor:
            return tuple(reversed(identifiers))


async def _is_answering(library: ExchangeLibrary) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await library.system.ping()
    except (Unavailable, TimeoutError):
        return False
    return True


async def _finish_or_set_aside(
    exchange: MessageExchange, journal: Journal, library: str, identifier: str, clock: Clock
) -> RecoveryReport:
    try:
        full_message = await journal.get_message(library, identifier)
    except BodyUnreadable as error:
        log.error("recovery.unreadable", message=identifier, reason=str(error))
        return _LEFT
    if full_message is None:
        return RecoveryReport()
    if await journal.count_recovery(library, identifier) > MAX_STARTS:
        why = WHY_SET_ASIDE % {"starts": MAX_STARTS, "message": identifier}
        await _give_up(journal, full_message, SET_ASIDE, why, clock)
        log.error("recovery.set_aside", message=identifier, profile=full_message.message.profile, starts=MAX_STARTS)
        return _FAILED
    done = await _finish_exchange(exchange, journal, full_message, clock)
    await journal.reset_recovery(library, identifier)
    return done


async def _finish_exchange(
    exchange: MessageExchange, journal: Journal, full_message: FullMessage, clock: Clock
) -> RecoveryReport:
    identifier = full_message.message.id
    try:
        done = await exchange.finish_message(full_message)
    except NotReplayableError as why:
        await _give_up(journal, full_message, INTERRUPTED, WHY_INTERRUPTED % {"why": why}, clock)
        log.error("recovery.failed", message=identifier, reason=str(why))
        return _FAILED
    if done.outcome is OutcomeClass.FAILED:
        log.error("recovery.failed", message=identifier, reason=done.reason)
        return _FAILED
    return _FINISHED


async def _give_up(journal: Journal, full_message: FullMessage, reason: str, why: str, clock: Clock) -> None:
    """Give up a message: nothing is answered; staff see the reason."""
    m = full_message.message
    opening = JournalOpening(
        library=m.library, at=m.at, body=b"", protocol=m.protocol, transport=m.transport, profile=m.profile, note=m.note
    )
    note = INTERRUPTION_NOTE % {"why": why}
    ending = JournalEnding(at=clock.now(), outcome=OutcomeClass.FAILED, reason=reason, note=note)
    await journal.complete(JournalEntry(m.exchange, opening), ending)
