"""Changes that were asked of library systems outside the store: see `gateway.ports.library_changes`.

The rows name patrons by their number and are forgotten with those of the journal. Those for a request that forgets its
patron keep a digest of their key and nothing else: whoever asks for the same once more is told that it was done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    delete,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy import insert as insert_row

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import copy_fields, dump_fields, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.shared_store import Store
from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.store.request_names import RequestNames
from gateway.store.schema import metadata

MAX_CHANGES = 100
MAX_CHANGES_OF_PATRON = 1000

library_change = Table(
    "library_change",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("kind"),
    column_types.text_column("key"),
    column_types.text_column("barcode"),
    column_types.text_column("patron_id"),
    column_types.text_column("request_id"),
    column_types.text_column("record_id"),
    column_types.moment_column("begun"),
    Column("ended", UtcDateTime, nullable=True),  # NULL: sent, and no answer yet
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("library", "kind", "key", name="pk_library_change"),
    Index("ix_library_change_barcode", "library", "barcode", "begun"),
    Index("ix_library_change_patron", "library", "patron_id", "begun"),
    Index("ix_library_change_request", "library", "request_id", "begun"),
    Index("ix_library_change_record", "library", "record_id", "begun"),
    Index("ix_library_change_begun", "begun"),
)

_c = library_change.c

_FORGOTTEN = "/"
"""Begins the key of a change whose request has forgotten its patron; a partner's begins with the name of a profile."""

_IS_KEPT = not_(_c.key.startswith(_FORGOTTEN))


@value_object
class StoredLibraryChanges:
    """`LibraryChanges` of one library."""

    store: Store
    library: str

    async def find_change(self, kind: ChangeKind, key: str) -> LibraryChange | None:
        keys = (key, _make_forgotten_key(key))
        changes = await self._load_changes(_c.kind == kind.value, _c.key.in_(keys))
        if any(change.key != key for change in changes):
            raise Refused(RefusalReason.REQUEST_CLOSED, "This was done before, and its request is closed.")
        return changes[0] if changes else None

    async def begin_change(self, change: LibraryChange) -> None:
        def replace_change(connection: Connection) -> None:
            connection.execute(delete(library_change).where(*self._identity(change.kind, change.key)))
            connection.execute(insert_row(library_change).values(library=self.library, **_row_values(change)))

        await self.store.write(replace_change)

    async def end_change(self, change: LibraryChange) -> None:
        await self.begin_change(change)

    async def drop_change(self, kind: ChangeKind, key: str) -> None:
        def delete_change(connection: Connection) -> None:
            connection.execute(delete(library_change).where(*self._identity(kind, key)))

        await self.store.write(delete_change)

    async def changes_of_item(self, barcode: str) -> tuple[LibraryChange, ...]:
        return await self._load_changes(_IS_KEPT, _c.barcode == barcode)

    async def changes_of_patron(self, patron_id: str) -> tuple[LibraryChange, ...]:
        return await self._load_changes(_IS_KEPT, _c.patron_id == patron_id, limit=MAX_CHANGES_OF_PATRON)

    async def changes_of_request(self, request_id: str) -> tuple[LibraryChange, ...]:
        return await self._load_changes(_IS_KEPT, _c.request_id == request_id)

    async def changes_of_record(self, record_id: str) -> tuple[LibraryChange, ...]:
        return await self._load_changes(_IS_KEPT, _c.record_id == record_id)

    def _identity(self, kind: ChangeKind, key: str) -> tuple[ColumnElement[bool], ...]:
        return (_c.library == self.library, _c.kind == kind.value, _c.key == key)

    async def _load_changes(
        self, *conditions: ColumnElement[bool], limit: int = MAX_CHANGES
    ) -> tuple[LibraryChange, ...]:
        query = (
            select(library_change)
            .where(_c.library == self.library, *conditions)
            .order_by(_c.begun.desc(), _c.kind, _c.key)
            .limit(limit)
        )
        rows = await self.store.read(lambda connection: connection.execute(query).all())
        return tuple(_read_change(row) for row in rows)


def prune_library_changes(connection: Connection, before: datetime, limit: int) -> int:
    """Forget finished changes that were begun before this moment; how many there were."""
    old = (
        select(_c.library, _c.kind, _c.key)
        .where(_c.begun < before, _c.ended.is_not(None))
        .order_by(_c.begun)
        .limit(limit)
    )
    rows = connection.execute(old).all()
    for row in rows:
        connection.execute(
            delete(library_change).where(_c.library == row.library, _c.kind == row.kind, _c.key == row.key)
        )
    return len(rows)


def forget_changes_of_request(
    connection: Connection, library: str, names: RequestNames, barcodes: Collection[str]
) -> None:
    """Finished changes for a managed request, whose items have these barcodes. A number counts in work of our own, in
    that of the partner who uses it for this request, and where the item is one of these: two installations may give
    the same numbers, and what is under another's request of that number may be out still."""
    numbers = {names.id, *names.own, *(number for _, number in names.partners)}
    mine = (
        _c.request_id.in_((names.id, *names.own)),
        or_(not_(_c.key.contains("/")), _c.barcode.in_(sorted(barcodes))),
    )
    theirs = (
        and_(_c.request_id == number, _c.key.startswith(f"{profile}/", autoescape=True))
        for profile, number in names.partners
    )
    whose = (_c.library == library, _c.request_id.in_(sorted(numbers)), _c.ended.is_not(None))
    query = select(_c.kind, _c.key).where(*whose, or_(and_(*mine), *theirs))
    nothing = dict.fromkeys(("barcode", "patron_id", "request_id", "record_id", "value"), "")
    for kind, key in connection.execute(query).all():
        this = (_c.library == library, _c.kind == kind, _c.key == key)
        change = update(library_change).where(*this)
        connection.execute(change.values(key=_make_forgotten_key(key), **nothing))


def _make_forgotten_key(key: str) -> str:
    return _FORGOTTEN + hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _row_values(change: LibraryChange) -> dict[str, Any]:
    return dump_fields(change, kind=change.kind.value)


def _read_change(row: Any) -> LibraryChange:
    return copy_fields(LibraryChange, row, kind=ChangeKind(row.kind))
