"""Things that partners made in libraries: see `gateway.ports.partner_things`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.partner_things import PartnerThing, ThingKind
from gateway.ports.shared_store import Work
from gateway.sql import column_types
from gateway.store.schema import metadata

partner_thing = Table(
    "partner_thing",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("kind"),
    column_types.text_column("thing"),
    column_types.text_column("profile"),
    column_types.text_column("request_id"),
    column_types.text_column("barcode"),
    column_types.moment_column("made_at"),
    PrimaryKeyConstraint("library", "kind", "thing", name="pk_partner_thing"),
    Index("ix_partner_thing_request", "library", "request_id"),
    Index("ix_partner_thing_made", "made_at"),
)

KEPT_DAYS = 1_826
"""A thing of which nobody was heard for five years is the library's own."""

RunWork = Callable[[Work[Any]], Awaitable[Any]]

_c = partner_thing.c


@value_object
class StoredPartnerThings:
    """`PartnerThings` of one library. `read` and `write` do a piece of database work: in a transaction of its own, or
    within one that is under way."""

    library: str
    read: RunWork
    write: RunWork
    clock: Clock

    async def find_makers(self, kind: ThingKind, ids: Collection[str]) -> Mapping[str, str]:
        query = select(_c.thing, _c.profile).where(_c.library == self.library, _c.kind == kind.value, _c.thing.in_(ids))
        return {row.thing: row.profile for row in await self.read(lambda c: c.execute(query).all())}

    async def list_things_of_request(self, request_id: str) -> tuple[PartnerThing, ...]:
        query = (
            select(partner_thing)
            .where(_c.library == self.library, _c.request_id == request_id)
            .order_by(_c.made_at.desc(), _c.kind, _c.thing)
        )
        rows = await self.read(lambda c: c.execute(query).all())
        return tuple(
            PartnerThing(ThingKind(row.kind), row.thing, row.profile, row.request_id, row.barcode) for row in rows
        )

    async def keep_things(self, things: Collection[PartnerThing]) -> None:
        rows: list[dict[str, Any]] = [
            {
                "library": self.library,
                "kind": thing.kind.value,
                "thing": thing.id,
                "profile": thing.profile,
                "request_id": thing.request_id,
                "barcode": thing.barcode,
                "made_at": self.clock.now(),
            }
            for thing in things
        ]
        await self.write(lambda connection: _replace_things(connection, rows))

    async def change_barcode(self, item_id: str, barcode: str) -> None:
        wanted = (_c.library == self.library, _c.kind == ThingKind.ITEM.value, _c.thing == item_id)
        change = update(partner_thing).where(*wanted).values(barcode=barcode)
        await self.write(lambda connection: connection.execute(change))

    async def forget_thing(self, kind: ThingKind, id_: str) -> None:
        gone = delete(partner_thing).where(_c.library == self.library, _c.kind == kind.value, _c.thing == id_)
        await self.write(lambda connection: connection.execute(gone))


def _replace_things(connection: Connection, rows: list[dict[str, Any]]) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(partner_thing).values(rows)
    new = {name: statement.excluded[name] for name in ("profile", "request_id", "barcode", "made_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["library", "kind", "thing"], set_=new))


def prune_partner_things(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what was made before this moment, up to so many; how much that was."""
    old = select(_c.library, _c.kind, _c.thing).where(_c.made_at < before).order_by(_c.made_at).limit(limit)
    rows = connection.execute(old).all()
    for row in rows:
        this = (_c.library == row.library, _c.kind == row.kind, _c.thing == row.thing)
        connection.execute(delete(partner_thing).where(*this))
    return len(rows)
