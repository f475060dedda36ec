"""The message journal: every message in and out, what came of it, and which ones were carried out before.

A message whose work changes things is written before the work (`begin`) and completed after it: what a crash
interrupts is found by `list_pending`. One that only asks is written once, with its answer (`record_exchange`).
Calls that wait together share a transaction (gateway.store.journal_writer).

Messages of strangers, whom no profile lets in, are kept in part, and no more of them than `STRANGER_EXCHANGES` and
`ALL_STRANGER_EXCHANGES` say: who may do nothing here must not fill the disk either. The next one that is kept says how
many were not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, RowMapping

from gateway.domain.network_addresses import address_block
from gateway.domain.rate_limits import EventRateLimiter, RateLimit
from gateway.domain.value import replace
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store, Work
from gateway.store import journal_queries, journal_writer
from gateway.store.journal_records import (
    BodyCipher,
    FullMessage,
    JournalEnding,
    JournalEntry,
    JournalFilter,
    JournalMessage,
    JournalOpening,
    JournalOptions,
    JournalPage,
    ProcessedMessage,
    RetentionResult,
    TroubleCount,
    is_for_staff,
    is_of_stranger,
)
from gateway.store.journal_writer import JournalRows, JournalWriter, write_journal_rows
from gateway.store.requests import history
from gateway.store.schema import AFTER_ALL, exchange_of_message, make_exchange_id

T = TypeVar("T")

SLICE = 200
"""Rows that one transaction of retention touches."""

EXPORT_PAGE = 20
"""Messages with bodies that an export, or a search in them, holds at a time."""

MAX_COUNTED = 1_000
"""Exchanges of which one search is counted."""

MAX_SEARCHED = 2_000
"""Messages whose content one search looks at."""

STRANGER_EXCHANGES = RateLimit(burst=20, seconds=36.0)
"""Of one address, or of all mails together: 20 at once, and 100 an hour if it goes on."""

ALL_STRANGER_EXCHANGES = RateLimit(burst=100, seconds=7.2)
"""Of all addresses together: 500 an hour if it goes on."""


class Journal:
    """All methods raise Unavailable when the database can't be used now.

    Each concerns one library; rows of another are never seen, whatever id is asked for.
    """

    def __init__(self, store: Store, options: JournalOptions, node: str = "") -> None:
        """`node`: the name of this start of a daemon, kept with what it begins; empty: nobody's."""
        self._store = store
        self._options = options
        self._rows = journal_writer.JournalRowMaker(options, node)
        self._writer = JournalWriter(store)
        self._strangers = EventRateLimiter(STRANGER_EXCHANGES, ALL_STRANGER_EXCHANGES)

    @property
    def cipher(self) -> BodyCipher | None:
        """The one that contents are kept with; None: they are kept as they are."""
        return self._options.cipher

    # --- writing

    async def record_exchange(self, opening: JournalOpening, ending: JournalEnding) -> str:
        """A whole exchange at once; returns its id when it is durable. Empty: it was a stranger's, of whom too much is
        kept already."""
        admitted = self._admit_opening(opening, ending)
        if admitted is None:
            return ""
        opening = admitted
        exchange = make_exchange_id(opening.at)
        await self._writer.write_rows(self._make_exchange_rows(exchange, opening, ending))
        return exchange

    async def record_in_transaction(self, work: Work[tuple[T, JournalOpening, JournalEnding]]) -> T:
        """Record what `work` does and the exchange that it tells of in one transaction: both are there or neither is,
        unless it is a stranger's, of whom too much is kept already. Events that `work` adds to histories of requests
        lead to the exchange. Raises what `work` raises."""

        def work_and_record(connection: Connection) -> T:
            with history.collect_new_events(connection) as events:
                result, opening, ending = work(connection)
            if exchange := self.add_exchange(connection, opening, ending):
                history.link_events(connection, opening.library, events, exchange)
            return result

        return await self._store.write(work_and_record)

    def add_once(self, connection: Connection, opening: JournalOpening, ending: JournalEnding) -> None:
        """An exchange in a transaction that does more, unless there is one with its key. Whoever may write the same key
        at the same time holds a lock on what it is about."""
        if journal_queries.find_processed(connection, opening.library, opening.profile, ending.key) is None:
            self.add_exchange(connection, opening, ending)

    def add_exchange(self, connection: Connection, opening: JournalOpening, ending: JournalEnding) -> str:
        """An exchange in a transaction that does more; its id. Empty: it is a stranger's, of whom too much is kept
        already."""
        admitted = self._admit_opening(opening, ending)
        if admitted is None:
            return ""
        exchange = make_exchange_id(opening.at)
        write_journal_rows(connection, [self._make_exchange_rows(exchange, admitted, ending)])
        return exchange

    def _admit_opening(self, opening: JournalOpening, ending: JournalEnding) -> JournalOpening | None:
        """Return the opening as it is to be kept; None: not at all."""
        if not is_of_stranger(opening, ending) or is_for_staff(opening, ending):
            return opening
        who = address_block(opening.peer) or opening.protocol
        if not self._strangers.admit_event(who, opening.at.timestamp()):
            return None
        left_out = self._strangers.take_left_out()
        if not left_out:
            return opening
        summary = f"{left_out} messages of strangers before it were not kept."
        return replace(opening, note=" ".join(filter(None, (opening.note, summary))))

    async def run_for_exchange(self, begun: JournalEntry, work: Work[T]) -> T:
        """A transaction of its own, whose events lead to the exchange that has begun. Raises Unavailable, and what
        `work` raises."""

        def work_and_link(connection: Connection) -> T:
            with history.collect_new_events(connection) as events:
                result = work(connection)
            history.link_events(connection, begun.opening.library, events, begun.exchange)
            return result

        return await self._store.write(work_and_link)

    async def run_in_own_transaction(self, work: Work[T]) -> T:
        """A transaction of its own in the journal's store. Raises Unavailable, and what `work` raises."""
        return await self._store.write(work)

    async def read_store(self, work: Work[T]) -> T:
        """Work that changes nothing in the journal's store. Raises Unavailable."""
        return await self._store.read(work)

    def _make_exchange_rows(self, exchange: str, opening: JournalOpening, ending: JournalEnding) -> JournalRows:
        made = [self._rows.make_finished_row(exchange, opening, ending)]
        if ending.body is not None:
            made.append(self._rows.make_answer_row(exchange, opening, ending))
        return JournalRows(
            messages=tuple(made),
            processed=_make_processed_rows(exchange, opening, ending),
            requests=journal_writer.make_request_rows(exchange, opening, ending),
        )

    async def begin(self, opening: JournalOpening) -> JournalEntry:
        """The opening, pending; returns when it is durable, so that the work may start."""
        exchange = make_exchange_id(opening.at)
        await self._writer.write_rows(JournalRows(messages=(self._rows.make_pending_row(exchange, opening),)))
        return JournalEntry(exchange, opening)

    async def complete(self, begun: JournalEntry, ending: JournalEnding) -> None:
        """Outcome, answer and the key that makes the message idempotent, all in one transaction."""
        await self._writer.write_rows(self.completion_rows(begun, ending))

    def completion_rows(self, begun: JournalEntry, ending: JournalEnding) -> JournalRows:
        """Make the rows that `complete` writes, for `journal_writer.write_journal_rows` in a transaction that does
        more."""
        exchange, opening = begun.exchange, begun.opening
        answer = () if ending.body is None else (self._rows.make_answer_row(exchange, opening, ending),)
        return JournalRows(
            answer,
            (journal_writer.make_completion_values(exchange, opening, ending),),
            _make_processed_rows(exchange, opening, ending),
            journal_writer.make_request_rows(exchange, opening, ending),
        )

    async def close(self) -> None:
        """Write what waits; the store stays open."""
        await self._writer.close()

    # --- reading; bodies raise BodyUnreadable when their key is not configured

    async def find_processed(self, library: str, profile: str, key: str) -> ProcessedMessage | None:
        return await self._store.read(lambda connection: self.find_processed_in(connection, library, profile, key))

    def find_processed_in(
        self, connection: Connection, library: str, profile: str, key: str
    ) -> ProcessedMessage | None:
        """Find it within a transaction."""
        processed = journal_queries.find_processed(connection, library, profile, key)
        if processed is None:
            return None
        row, answer = processed
        return ProcessedMessage(
            first_message=row["first_message"],
            count=row["count"],
            first_at=row["first_at"],
            last_at=row["last_at"],
            answer=None if answer is None else self._full_message_of(answer),
        )

    async def list_pending(self, library: str, before: datetime, limit: int = 1_000) -> tuple[FullMessage, ...]:
        """Work begun before `before` that has no end, oldest first. At start: what a crash interrupted. Where
        several nodes run, `before` must lie further back than the longest work in hand elsewhere."""
        rows = await self._store.read(
            lambda connection: journal_queries.find_pending(connection, library, before, limit)
        )
        return tuple(self._full_message_of(row) for row in rows)

    async def list_pending_nodes(self, library: str) -> tuple[str, ...]:
        """Names of the nodes that began what has no end yet; '' for what nobody's name is kept with."""
        return await self._store.read(lambda connection: journal_queries.list_pending_nodes(connection, library))

    async def find_oldest_pending(self) -> Mapping[str, datetime]:
        """Find when the oldest work of each library came in that has no end yet."""
        return await self._store.read(journal_queries.find_oldest_pending)

    async def count_recovery(self, library: str, identifier: str) -> int:
        """A start is about to finish what was interrupted: the first, second … one to try. Durable when it returns."""
        return await self._store.write(
            lambda connection: journal_queries.insert_recovery(connection, library, identifier)
        )

    async def reset_recovery(self, library: str, identifier: str) -> None:
        """It is interrupted no more: finished, or carried out again by staff."""
        await self._store.write(lambda connection: journal_queries.delete_recovery(connection, library, identifier))

    async def count_interrupted(self, library: str, starts: int) -> int:
        """Count messages that more than so many starts took up."""
        return await self._store.read(lambda connection: journal_queries.count_interrupted(connection, library, starts))

    async def get_message(self, library: str, identifier: str) -> FullMessage | None:
        """A message by its id."""
        row = await self._store.read(lambda connection: journal_queries.find_message(connection, library, identifier))
        return None if row is None else self._full_message_of(row)

    async def get_exchange(self, library: str, identifier: str) -> tuple[FullMessage, ...]:
        """Question and answer, by the id of the exchange or of one of them; empty when there is none."""
        exchange = exchange_of_message(identifier)
        rows = await self._store.read(lambda connection: journal_queries.find_exchange(connection, library, exchange))
        return tuple(self._full_message_of(row) for row in rows)

    async def list_exchange(self, library: str, identifier: str) -> tuple[JournalMessage, ...]:
        """The same without their bodies, whose keys may be missing."""
        exchange = exchange_of_message(identifier)
        rows = await self._store.read(lambda connection: journal_queries.find_exchange(connection, library, exchange))
        return tuple(journal_writer.message_of_row(row) for row in rows)

    async def list_exchanges_by(self, library: str, protocol: str, exchanges: Sequence[str]) -> frozenset[str]:
        """Those of these that began by this protocol."""
        if not exchanges:
            return frozenset()
        return await self._store.read(
            lambda connection: journal_queries.list_exchanges_by(connection, library, protocol, exchanges)
        )

    async def list_messages(self, wanted: JournalFilter, limit: int = 50, cursor: str = "") -> JournalPage:
        """Newest first; `cursor` is that of the page before."""
        rows: list[RowMapping] = []
        cursor = cursor or AFTER_ALL
        while cursor and len(rows) < limit:
            more, cursor = await self._store.read(
                _bind_query(journal_queries.list_without_bodies, wanted, cursor, limit - len(rows))
            )
            rows += more
        return JournalPage(tuple(journal_writer.message_of_row(row) for row in rows), cursor)

    async def count_exchanges(self, wanted: JournalFilter) -> tuple[int, bool]:
        """Count the exchanges of which a message fits, and say whether these are all. One look alone, of so many rows
        as one may have: a count costs the same in a journal of any length."""
        rows, cursor = await self._store.read(_bind_query(journal_queries.list_ids, wanted, AFTER_ALL, 2 * MAX_COUNTED))
        count = len({exchange_of_message(row["id"]) for row in rows})
        return min(count, MAX_COUNTED) if cursor else count, not cursor

    async def search_contents(self, wanted: JournalFilter, words: str, limit: int, cursor: str = "") -> JournalPage:
        """Messages whose content has these words, without case, newest first; a few more than `limit` may come. Looks
        at MAX_SEARCHED messages; the page's cursor goes on behind them. Raises BodyUnreadable."""
        found: list[JournalMessage] = []
        searched, cursor = 0, cursor or AFTER_ALL
        while cursor and len(found) < limit and searched < MAX_SEARCHED:
            rows, cursor = await self._store.read(
                _bind_query(journal_queries.list_with_bodies, wanted, cursor, EXPORT_PAGE)
            )
            searched += len(rows)
            messages = map(self._full_message_of, rows)
            found += [message.message for message in messages if _has_words(message.body, words)]
        return JournalPage(tuple(found), cursor)

    async def count_troubles(self, library: str, since: datetime) -> tuple[TroubleCount, ...]:
        """Count what came in since then, was not done and has no good replay, most frequent first; of many the
        newest."""
        rows = await self._store.read(lambda connection: journal_queries.count_troubles(connection, library, since))
        return tuple(TroubleCount(**{**row, "outcome": OutcomeClass(row["outcome"])}) for row in rows)

    async def export_messages(self, wanted: JournalFilter) -> AsyncIterator[FullMessage]:
        """All of them with their bodies, newest first, a few at a time."""
        cursor = AFTER_ALL
        while cursor:
            rows, cursor = await self._store.read(
                _bind_query(journal_queries.list_with_bodies, wanted, cursor, EXPORT_PAGE)
            )
            for row in rows:
                yield self._full_message_of(row)

    def _full_message_of(self, row: RowMapping) -> FullMessage:
        return journal_writer.full_message_of_row(row, self._options)

    # --- retention

    async def apply_retention(self, now: datetime) -> RetentionResult:
        """Remove what the options no longer keep at `now`, of all libraries, in short transactions."""
        forgotten = RetentionResult()
        library = await self._store.read(lambda connection: journal_queries.next_library(connection, None))
        while library is not None:
            forgotten += await self._apply_retention_to(library, now)
            library = await self._store.read(_next_library_after(library))
        return forgotten

    async def _apply_retention_to(self, library: str, now: datetime) -> RetentionResult:
        bodies = rows = processed = 0
        if (days := self._options.keep_rows_days) is not None:
            before = now - timedelta(days=days)
            rows = await self._forget_in_slices(journal_queries.forget_messages, library, before)
            processed = await self._forget_in_slices(journal_queries.forget_processed, library, before)
        if (days := self._options.keep_bodies_days) is not None:
            bodies = await self._forget_in_slices(journal_queries.forget_bodies, library, now - timedelta(days=days))
        return RetentionResult(bodies, rows, processed)

    async def _forget_in_slices(
        self, forget: Callable[[Connection, str, datetime, int], int], library: str, before: datetime
    ) -> int:
        total = 0
        while True:
            done = await self._store.write(lambda connection: forget(connection, library, before, SLICE))
            total += done
            if done < SLICE:
                return total


_Look = Callable[[Connection, JournalFilter, str, int], tuple[Sequence[RowMapping], str]]


def _bind_query(
    query: _Look, wanted: JournalFilter, before: str, limit: int
) -> Callable[[Connection], tuple[Sequence[RowMapping], str]]:
    return lambda connection: query(connection, wanted, before, limit)


def _next_library_after(library: str) -> Callable[[Connection], str | None]:
    return lambda connection: journal_queries.next_library(connection, library)


def _make_processed_rows(
    exchange: str, opening: JournalOpening, ending: JournalEnding
) -> tuple[journal_writer.Row, ...]:
    return (journal_writer.make_processed_row(exchange, opening, ending),) if ending.key else ()


def _has_words(body: bytes | None, words: str) -> bool:
    return body is not None and words.casefold() in body.decode("utf-8", "replace").casefold()
