"""Writes journal rows: the rows of all who wait together go in one transaction and one statement per table."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.domain.frozen import frozen
from gateway.domain.problems import Unavailable
from gateway.store.bulk import insert_missing_rows
from gateway.store.engine import Store
from gateway.store.prepared import Prepared
from gateway.store.rows import MessageRow, Row
from gateway.store.tables import message, processed_message

BATCH = 256
"""Most entries in one transaction."""


@frozen
class Entry:
    """What one exchange adds to the journal and changes in it."""

    messages: tuple[MessageRow, ...] = ()
    changes: tuple[Row, ...] = ()
    processed: tuple[Row, ...] = ()


_CHANGE = Prepared(
    update(message)
    .where(message.c.library == bindparam("in_library"), message.c.id == bindparam("with_id"))
    .values({name: bindparam(name) for name in ("outcome", "reason", "note", "duration_ms", "repeat_of")})
)


def _remember(insert_into: type[sqlite.Insert] | type[postgresql.Insert]) -> Prepared:
    """The first message stays; the answer becomes the newest, whose body is kept longest."""
    new = insert_into(processed_message)
    return Prepared(
        new.on_conflict_do_update(
            index_elements=["library", "profile", "key"],
            set_={
                "count": processed_message.c.count + 1,
                "last_at": new.excluded.last_at,
                "answer_message": new.excluded.answer_message,
            },
        )
    )


_REMEMBER = {"sqlite": _remember(sqlite.Insert), "postgresql": _remember(postgresql.Insert)}


def write_entries(connection: Connection, entries: list[Entry]) -> None:
    """For use inside a larger transaction too."""
    messages = [row for entry in entries for row in entry.messages]
    changes = [row for entry in entries for row in entry.changes]
    processed = [row for entry in entries for row in entry.processed]
    if messages:
        # a node that starts may have finished what another has in hand: the first answer is the one that counts
        insert_missing_rows(connection, message, messages)
    if changes:
        _CHANGE.run(connection, changes)
    if processed:
        # in order of key, so that two nodes never wait for each other crosswise
        processed.sort(key=lambda row: (row["library"], row["profile"], row["key"]))
        _REMEMBER[connection.dialect.name].run(connection, processed)


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    future: asyncio.Future[None] = field(repr=False)


class JournalWriter:
    """While one transaction is on its way, the entries that arrive gather for the next one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> None:
        """Returns when the entry is durable; a caller who is cancelled leaves it to be written all the same.

        Raises Unavailable.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(entry, future))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all(), name="journal-writer")
        await future

    async def close(self) -> None:
        """Write what waits."""
        if self._task is not None:
            await self._task

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._write(batch)
        finally:
            self._task = None

    async def _write(self, batch: list[_Waiting]) -> None:
        """If a batch fails by a fault of one entry, each is written alone, so that only that one fails."""
        entries = [waiting.entry for waiting in batch]
        try:
            await self._store.write(lambda connection: write_entries(connection, entries))
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            if len(batch) == 1 or isinstance(error, Unavailable | RuntimeError):
                _tell(batch, error)
                return
            for waiting in batch:
                await self._write([waiting])
            return
        _tell(batch, None)


def _tell(batch: list[_Waiting], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.future.done():  # its caller was cancelled
            continue
        if error is None:
            waiting.future.set_result(None)
        else:
            waiting.future.set_exception(error)
