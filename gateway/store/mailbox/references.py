"""Which requests of a partner are meant by words of a mail."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, or_, select

from gateway.domain.frozen import frozen
from gateway.domain.requests.request import Role
from gateway.store.prepared import Prepared
from gateway.store.requests.tables import request, request_transaction

_t, _r = request_transaction.c, request.c


AT_ONCE = 8
"""Words in one question: so many places has the prepared statement."""

_WORDS = tuple(f"word_{number}" for number in range(AT_ONCE))
_BY_REFERENCE = Prepared(
    select(_t.role, _t.reference, _t.request_id).where(
        _t.library == bindparam("in_library"),
        _t.symbol == bindparam("with_partner"),
        or_(*(_t.reference == bindparam(word) for word in _WORDS)),
    )
)


@frozen
class Named:
    """A request by one of its numbers; `reference` as the partner's messages have it."""

    role: Role
    reference: str
    request_id: str


def by_references(connection: Connection, library: str, partner: str, words: Collection[str]) -> tuple[Named, ...]:
    """Requests with this partner (name of the profile) whose number between the two libraries is one of the words."""
    wanted = sorted(words)
    found: set[tuple[str, str, str]] = set()
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        some += some[-1:] * (AT_ONCE - len(some))
        given = {"in_library": library, "with_partner": partner, **dict(zip(_WORDS, some, strict=True))}
        found |= {tuple(row) for row in _BY_REFERENCE.all(connection, given)}
    newest_first = sorted(found, key=lambda row: row[2], reverse=True)
    return tuple(Named(Role(role), reference, request_id) for role, reference, request_id in newest_first)


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
