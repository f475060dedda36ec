"""Journal rows made and written in groups.

Here secrets are taken out of bodies, whoever writes them, and then they are cut and encrypted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import copy_fields, value_object
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store
from gateway.sql.column_types import MAX_NOTE_CHARS, clean_text
from gateway.sql.statements import PreparedStatement, gather_missing_rows
from gateway.store.journal_records import (
    BodyUnreadable,
    FullMessage,
    JournalEnding,
    JournalMessage,
    JournalOpening,
    JournalOptions,
    MessageDirection,
    is_for_staff,
    is_of_stranger,
    mark_patron,
)
from gateway.store.schema import (
    ANSWER,
    EPOCH,
    MICROSECOND,
    QUESTION,
    first_id_at,
    message,
    message_request,
    processed_message,
)

Row = dict[str, Any]
MessageRow = tuple[Any, ...]

MAX_STRANGER_BYTES = 1_000
"""Bytes kept of a stranger's message and of its answer: enough to see who it may be, too few to fill a disk with."""

MAX_BYTES_FOR_STAFF = 20_000
"""The same where it names a request, whose staff are to read it: room for any usual message."""

_PENDING = JournalEnding(at=EPOCH, outcome=OutcomeClass.PENDING)

BATCH = 256
"""Most entries in one transaction."""


class JournalRowMaker:
    """Makes the message rows of an exchange as the options say: values in the order of the table's columns.

    Tuples, since every message passes here and dictionaries of 29 keys cost as much as all the rest.
    """

    def __init__(self, options: JournalOptions, node: str = "") -> None:
        self._node = node
        self._options = options
        self._limit = options.body_limit
        self._cipher = options.cipher

    def make_pending_row(self, exchange: str, opening: JournalOpening) -> MessageRow:
        """The opening of an exchange whose work has yet to be done."""
        return self._make_question_row(
            exchange, opening, _PENDING, clean_text(opening.note, MAX_NOTE_CHARS), self._node
        )

    def make_finished_row(self, exchange: str, opening: JournalOpening, ending: JournalEnding) -> MessageRow:
        """The opening of an exchange whose work is done."""
        return self._make_question_row(exchange, opening, ending, _join_notes(opening, ending))

    def _make_question_row(
        self, exchange: str, opening: JournalOpening, ending: JournalEnding, note: str, node: str = ""
    ) -> MessageRow:
        o = opening
        identifier = exchange + QUESTION
        concealed, limit = self._options.conceal_secrets(o.protocol, o.body), self._kept_bytes(o, ending)
        kept, key_id = self._body_to_store(concealed[:limit], o.library, identifier)
        return (
            o.library,
            identifier,
            exchange,
            str(o.direction),
            o.profile,
            o.protocol,
            o.transport,
            clean_text(o.service),
            clean_text(o.version),
            o.peer,
            clean_text(o.from_agency),
            clean_text(o.to_agency),
            clean_text(o.request_id),
            clean_text(o.item_id),
            o.at,
            kept,
            len(o.body),
            len(concealed) > limit,
            key_id,
            clean_text(o.content_type),
            0,
            str(ending.outcome),
            ending.reason,
            note,
            ending.duration_ms,
            ending.repeat_of,
            o.replay_of,
            node,
            mark_patron(o.library, o.patron),
        )

    def make_answer_row(self, exchange: str, opening: JournalOpening, ending: JournalEnding) -> MessageRow:
        """The answer; `ending.body` must be there."""
        o, body = opening, ending.body
        assert body is not None
        identifier = exchange + ANSWER
        concealed, limit = self._options.conceal_secrets(o.protocol, body), self._kept_bytes(o, ending)
        kept, key_id = self._body_to_store(concealed[:limit], o.library, identifier)
        return (
            o.library,
            identifier,
            exchange,
            str(o.direction.opposite),
            o.profile,
            o.protocol,
            o.transport,
            clean_text(o.service),
            clean_text(o.version),
            o.peer,
            clean_text(o.to_agency),
            clean_text(o.from_agency),
            clean_text(o.request_id),
            clean_text(o.item_id),
            ending.at,
            kept,
            len(body),
            len(concealed) > limit,
            key_id,
            clean_text(ending.content_type),
            ending.status,
            str(ending.outcome),
            ending.reason,
            "",
            ending.duration_ms,
            "",
            "",
            "",
            mark_patron(o.library, ending.patron or o.patron),
        )

    def _kept_bytes(self, opening: JournalOpening, ending: JournalEnding) -> int:
        """Return how many bytes of a message and of its answer are kept."""
        if not is_of_stranger(opening, ending):
            return self._limit
        return min(self._limit, MAX_BYTES_FOR_STAFF if is_for_staff(opening, ending) else MAX_STRANGER_BYTES)

    def _body_to_store(self, kept: bytes, library: str, identifier: str) -> tuple[bytes, str]:
        """Return what is stored of what is kept of a body without secrets, and the id of the key it is encrypted
        with."""
        if self._cipher is None:
            return kept, ""
        return self._cipher.encrypt(kept, _row_identity(library, identifier)), self._cipher.key_id


def make_completion_values(exchange: str, opening: JournalOpening, ending: JournalEnding) -> Row:
    """Return what completing changes in the row of an opening."""
    return {
        "in_library": opening.library,
        "with_id": exchange + QUESTION,
        "outcome": ending.outcome.value,
        "reason": ending.reason,
        "note": _join_notes(opening, ending),
        "duration_ms": ending.duration_ms,
        "repeat_of": ending.repeat_of,
        "patron_mark": mark_patron(opening.library, opening.patron),
    }


def make_processed_row(exchange: str, opening: JournalOpening, ending: JournalEnding) -> Row:
    return {
        "library": opening.library,
        "profile": opening.profile,
        "key": ending.key,
        "first_message": exchange + QUESTION,
        "answer_message": "" if ending.body is None else exchange + ANSWER,
        "count": 1,
        "first_at": ending.at,
        "last_at": ending.at,
    }


def make_request_rows(exchange: str, opening: JournalOpening, ending: JournalEnding) -> tuple[MessageRow, ...]:
    """Make a row for each managed request that the exchange is about: values in the order of the table's columns."""
    return tuple((opening.library, request, exchange) for request in dict.fromkeys(ending.managed_requests) if request)


def message_of_row(row: RowMapping) -> JournalMessage:
    return copy_fields(
        JournalMessage, row, direction=MessageDirection(row["direction"]), outcome=OutcomeClass(row["outcome"])
    )


def full_message_of_row(row: RowMapping, options: JournalOptions) -> FullMessage:
    """Make a message of a row; raises BodyUnreadable."""
    body: bytes | None = row["body"]
    if body is not None and row["body_key"]:
        body = _decrypt_body(body, row, options)
    if body is not None:  # a release before this one may have kept it with its secrets
        body = options.conceal_secrets(row["protocol"], body)
    return FullMessage(message_of_row(row), body)


def _decrypt_body(body: bytes, row: RowMapping, options: JournalOptions) -> bytes:
    key_id, place = row["body_key"], _row_identity(row["library"], row["id"])
    if options.cipher is None:
        raise BodyUnreadable(
            write_sentence(
                "message %(id)s was encrypted with key %(key)s, which is not configured", id=row["id"], key=key_id
            )
        )
    return options.cipher.decrypt(body, key_id, place)


def _row_identity(library: str, identifier: str) -> str:
    return f"{library} {identifier}"


def _join_notes(opening: JournalOpening, ending: JournalEnding) -> str:
    if not opening.note and not ending.note:
        return ""
    return clean_text(" ".join(note for note in (opening.note, ending.note) if note), MAX_NOTE_CHARS)


@value_object
class JournalRows:
    """The rows that one exchange adds to the journal and changes in it."""

    messages: tuple[MessageRow, ...] = ()
    changes: tuple[Row, ...] = ()
    processed: tuple[Row, ...] = ()
    requests: tuple[MessageRow, ...] = ()


_PATRON_MARK = func.nullif(bindparam("patron_mark", type_=message.c.patron_mark.type), literal_column("''"))
"""Of the patron who is meant, which may be known by the answer alone."""

_CHANGE = PreparedStatement(
    update(message)
    .where(message.c.library == bindparam("in_library"), message.c.id == bindparam("with_id"))
    .values(
        {name: bindparam(name) for name in ("outcome", "reason", "note", "duration_ms", "repeat_of")}
        | {"patron_mark": func.coalesce(_PATRON_MARK, message.c.patron_mark)}
    ),
    message,
    ("in_library", "with_id"),
)


def _upsert_processed(insert_into: type[sqlite.Insert] | type[postgresql.Insert]) -> PreparedStatement:
    """The first message stays; the answer becomes the newest, whose body is kept longest."""
    new = insert_into(processed_message)
    return PreparedStatement(
        new.on_conflict_do_update(
            index_elements=["library", "profile", "key"],
            set_={
                "count": processed_message.c.count + literal_column("1"),  # no parameter but those of the row
                "last_at": new.excluded.last_at,
                "answer_message": new.excluded.answer_message,
            },
        ),
        processed_message,
        ("library", "profile", "key"),
    )


_REMEMBER = {"sqlite": _upsert_processed(sqlite.Insert), "postgresql": _upsert_processed(postgresql.Insert)}


def write_journal_rows(connection: Connection, entries: list[JournalRows]) -> None:
    """Write rows, inside a larger transaction too."""
    messages = [row for entry in entries for row in entry.messages]
    changes = [row for entry in entries for row in entry.changes]
    processed = [row for entry in entries for row in entry.processed]
    requests = [row for entry in entries for row in entry.requests]
    if messages:
        # a node that starts may have finished what another has in hand: the first answer is the one that counts
        gather_missing_rows(connection, message, messages)
    if changes:
        _CHANGE.execute_many(connection, changes)
    if requests:
        gather_missing_rows(connection, message_request, requests)
    if processed:
        # in order of key, so that two nodes never wait for each other crosswise
        processed.sort(key=lambda row: (row["library"], row["profile"], row["key"]))
        _REMEMBER[connection.dialect.name].execute_many(connection, processed)


def link_exchanges_at(
    connection: Connection, library: str, at: datetime, protocol: str, request_id: str
) -> tuple[str, ...]:
    """Note that what came by this protocol at exactly this moment is about the managed request: for a message of which
    it is known only later, by people. Returns the exchanges; none where the journal has forgotten it. The exchanges;
    none where the journal has forgotten it."""
    c = message.c
    query = select(c.exchange).where(
        c.library == library,
        c.id >= first_id_at(at),
        c.id < first_id_at(at + MICROSECOND),
        c.protocol == protocol,
        c.direction == MessageDirection.IN.value,
    )
    exchanges = tuple(dict.fromkeys(connection.execute(query).scalars()))
    if exchanges:
        gather_missing_rows(connection, message_request, [(library, request_id, exchange) for exchange in exchanges])
    return exchanges


@dataclass(slots=True)
class _WaitingRows:
    entry: JournalRows
    future: asyncio.Future[None] = field(repr=False)


class JournalWriter:
    """A writer: while one transaction is on its way, the entries that arrive gather for the next one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_WaitingRows] = []
        self._task: asyncio.Task[None] | None = None

    async def write_rows(self, entry: JournalRows) -> None:
        """Returns when the entry is durable; a caller who is cancelled leaves it to be written all the same.

        Raises Unavailable.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(_WaitingRows(entry, future))
        if self._task is None:
            self._task = asyncio.create_task(self._write_waiting(), name="journal-writer")
        await future

    async def close(self) -> None:
        """Write what waits."""
        if self._task is not None:
            await self._task

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._write_batch(batch)
        finally:
            self._task = None

    async def _write_batch(self, batch: list[_WaitingRows]) -> None:
        """Write a batch; if it fails by a fault of one entry, each is written alone, so that only that one fails."""
        entries = [waiting.entry for waiting in batch]
        try:
            await self._store.write(lambda connection: write_journal_rows(connection, entries))
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            if len(batch) == 1 or isinstance(error, Unavailable | RuntimeError):
                _settle_batch(batch, error)
                return
            for waiting in batch:
                await self._write_batch([waiting])
            return
        _settle_batch(batch, None)


def _settle_batch(batch: list[_WaitingRows], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.future.done():  # its caller was cancelled
            continue
        if error is None:
            waiting.future.set_result(None)
        else:
            waiting.future.set_exception(error)
