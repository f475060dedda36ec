"""Which requests of a partner are meant by words of a mail."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from gateway.domain.frozen import frozen
from gateway.domain.requests.request import Role
from gateway.store.requests.tables import request, request_transaction

_t, _r = request_transaction.c, request.c


@frozen
class Named:
    """A request by one of its numbers; `reference` as the partner's messages have it."""

    role: Role
    reference: str
    request_id: str


def by_references(connection: Connection, library: str, partner: str, words: Collection[str]) -> tuple[Named, ...]:
    """Requests with this partner (name of the profile) whose number between the two libraries is one of the words."""
    if not words:
        return ()
    found = connection.execute(
        select(_t.role, _t.reference, _t.request_id)
        .where(_t.library == library, _t.symbol == partner, _t.reference.in_(sorted(words)))
        .order_by(_t.request_id.desc())
    )
    return tuple(Named(Role(role), reference, request_id) for role, reference, request_id in found)


def of_requests(connection: Connection, library: str, partner: str, request_ids: Collection[str]) -> tuple[Named, ...]:
    """All numbers of these requests with this partner, newest attempt first."""
    if not request_ids:
        return ()
    found = connection.execute(
        select(_t.role, _t.reference, _t.request_id)
        .where(_t.library == library, _t.symbol == partner, _t.request_id.in_(sorted(request_ids)))
        .order_by(_t.attempt.desc())
    )
    return tuple(Named(Role(role), reference, request_id) for role, reference, request_id in found)


def ids_by_number(connection: Connection, library: str, words: Collection[str]) -> tuple[str, ...]:
    """Ids of the requests whose own number is one of the words."""
    if not words:
        return ()
    found = connection.execute(select(_r.id).where(_r.library == library, _r.number.in_(sorted(words))))
    return tuple(id_ for (id_,) in found)
