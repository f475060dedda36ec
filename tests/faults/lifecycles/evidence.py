"""All that is in the town's database when everything is quiet, read without the process that made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from gateway.domain.requests.request import Request, Role
from gateway.ports.shared_store import Store
from gateway.store.requests import history, outbox_queries, requests
from gateway.store.requests.history import EventRow, PartnerMessageResult
from gateway.store.requests.outbox import OutboxRow, OutboxStatus


@dataclass(frozen=True)
class Thing:
    """An item, loan or hold of a library, by the number of the request that it belongs to. `live`: not deleted, not
    returned, not closed. `undone`: it was taken back, since the request had gone on without it."""

    library: str
    number: str
    barcode: str
    live: bool
    undone: bool


@dataclass(frozen=True)
class Evidence:
    """`history` by request id, oldest first; `taken`: partners' messages by their id."""

    requests: tuple[Request, ...]
    history: Mapping[str, tuple[EventRow, ...]]
    rows: tuple[OutboxRow, ...]
    taken: Mapping[str, PartnerMessageResult]
    temporary: tuple[Thing, ...]
    loans: tuple[Thing, ...]
    holds: tuple[Thing, ...]
    externals: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[OutboxRow, ...]:
        return tuple(row for row in self.rows if row.kind == kind)

    def of_role(self, role: Role) -> tuple[Request, ...]:
        return tuple(one for one in self.requests if one.role is role)

    def lending_by_transaction(self) -> dict[str, Request]:
        return {one.transaction: one for one in self.of_role(Role.LENDING)}


def by_number(things: Iterable[Thing], library: str) -> Mapping[str, list[Thing]]:
    found: dict[str, list[Thing]] = defaultdict(list)
    for thing in things:
        if thing.library == library:
            found[thing.number].append(thing)
    return found


async def read(store: Store) -> Evidence:
    return await store.read(_read)


async def in_hand(store: Store) -> int:
    """Rows of the outbox at which somebody is, or was when it was killed."""
    counts = await store.read(outbox_queries.count_unfinished_rows)
    return sum(n for (_, status), n in counts.items() if status is OutboxStatus.IN_HAND)


def _read(connection: Connection) -> Evidence:
    ids = connection.execute(text("SELECT library, id FROM request ORDER BY library, id")).all()
    found = [requests.load_request(connection, library, id_) for library, id_ in ids]
    rows = connection.execute(text("SELECT library, id FROM outbox ORDER BY library, lane, place")).all()
    taken = connection.execute(text("SELECT message_id, request_id, refused, reason FROM partner_message")).all()
    return Evidence(
        requests=tuple(one for one in found if one is not None),
        history={id_: history.list_events_of_request(connection, library, id_) for library, id_ in ids},
        rows=tuple(row for row in (outbox_queries.get_outbox_row(connection, *one) for one in rows) if row is not None),
        taken={id_: PartnerMessageResult(request_id, refused, reason) for id_, request_id, refused, reason in taken},
        temporary=_things(
            connection,
            "SELECT library, request_id, barcode, deleted IS NULL, coalesce(deleted_key, '') LIKE '%undone' "
            "FROM embedded_items WHERE temporary",
        ),
        loans=_things(
            connection,
            "SELECT l.library, l.request_id, i.barcode, l.returned IS NULL, "
            "coalesce(l.returned_key, '') LIKE '%undone' FROM embedded_loans AS l "
            "JOIN embedded_items AS i ON i.library = l.library AND i.id = l.item_id WHERE l.request_id != ''",
        ),
        holds=_things(
            connection,
            "SELECT h.library, h.request_id, i.barcode, h.closed IS NULL, false FROM embedded_holds AS h "
            "JOIN embedded_items AS i ON i.library = h.library AND i.id = h.item_id WHERE h.request_id != ''",
        ),
        externals=tuple(connection.execute(text("SELECT value FROM request_external")).scalars()),
    )


def _things(connection: Connection, statement: str) -> tuple[Thing, ...]:
    return tuple(
        Thing(library, number, barcode, bool(live), bool(undone))
        for library, number, barcode, live, undone in connection.execute(text(statement))
    )
