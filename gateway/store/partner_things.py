"""Things that partners made in libraries: see `gateway.ports.partner_things`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, bindparam, delete, select

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.partner_things import PartnerThing, ThingKind
from gateway.ports.shared_store import Work
from gateway.sql import column_types
from gateway.sql.statements import PreparedStatement, prepare_sql
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

MAX_AT_ONCE = 64
"""Things whose makers one statement finds."""

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
        asked = tuple(ids)
        slices = [asked[start : start + MAX_AT_ONCE] for start in range(0, len(asked), MAX_AT_ONCE)]
        rows = [row for some in slices for row in await self.read(partial(_find_makers, self._key(kind), some))]
        return {row.thing: row.profile for row in rows}

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
        now = self.clock.now()
        rows = [
            {
                **self._key(thing.kind),
                "thing": thing.id,
                "profile": thing.profile,
                "request_id": thing.request_id,
                "barcode": thing.barcode,
                "made_at": now,
            }
            for thing in things
        ]
        await self.write(lambda connection: _REPLACE.execute_many(connection, rows))

    async def change_barcode(self, item_id: str, barcode: str) -> None:
        row = {**self._key(ThingKind.ITEM), "thing": item_id, "barcode": barcode}
        await self.write(lambda connection: _CHANGE_BARCODE.execute_many(connection, [row]))

    async def forget_thing(self, kind: ThingKind, id_: str) -> None:
        row = {**self._key(kind), "thing": id_}
        await self.write(lambda connection: _FORGET.execute_many(connection, [row]))

    def _key(self, kind: ThingKind) -> dict[str, Any]:
        return {"library": self.library, "kind": str(kind)}


_ROW_KEY = ("library", "kind", "thing")
_OF_KEY = "library = :library AND kind = :kind AND thing = :thing"
_REPLACE = prepare_sql(
    "INSERT INTO partner_thing (library, kind, thing, profile, request_id, barcode, made_at) "
    "VALUES (:library, :kind, :thing, :profile, :request_id, :barcode, :made_at) "
    "ON CONFLICT (library, kind, thing) DO UPDATE SET profile = excluded.profile, "
    "request_id = excluded.request_id, barcode = excluded.barcode, made_at = excluded.made_at",
    partner_thing,
    row_key=_ROW_KEY,
)
_CHANGE_BARCODE = prepare_sql(
    f"UPDATE partner_thing SET barcode = :barcode WHERE {_OF_KEY}", partner_thing, row_key=_ROW_KEY
)
_FORGET = prepare_sql(f"DELETE FROM partner_thing WHERE {_OF_KEY}", partner_thing, row_key=_ROW_KEY)


def _find_makers(key: Mapping[str, Any], ids: Sequence[str], connection: Connection) -> Sequence[Any]:
    """The last id again and again, up to a number that there is a statement for."""
    size = 1 << (len(ids) - 1).bit_length()
    asked = {name: ids[min(place, len(ids) - 1)] for place, name in enumerate(_names_of(size))}
    return _makers_of(size).fetch_all(connection, {**key, **asked})


@lru_cache
def _makers_of(size: int) -> PreparedStatement:
    """The makers of at most so many things."""
    things = [bindparam(name, type_=_c.thing.type) for name in _names_of(size)]
    query = select(_c.thing, _c.profile).where(
        _c.library == bindparam("library"), _c.kind == bindparam("kind"), _c.thing.in_(things)
    )
    return PreparedStatement(query)


@lru_cache
def _names_of(size: int) -> tuple[str, ...]:
    return tuple(f"thing{place}" for place in range(size))


def prune_partner_things(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what was made before this moment, up to so many; how much that was."""
    old = select(_c.library, _c.kind, _c.thing).where(_c.made_at < before).order_by(_c.made_at).limit(limit)
    rows = connection.execute(old).all()
    for row in rows:
        this = (_c.library == row.library, _c.kind == row.kind, _c.thing == row.thing)
        connection.execute(delete(partner_thing).where(*this))
    return len(rows)
