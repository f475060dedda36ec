"""What the outbox's worker needs beside `outbox.claim`: to leave out what can't go on now, to give
rows back untried, and to take up at once what an earlier start of its node left in hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, not_, or_, select, update

from gateway.domain.frozen import frozen
from gateway.store.prepared import Prepared
from gateway.store.requests import outbox
from gateway.store.requests.outbox import Row, Status
from gateway.store.requests.tables import outbox as table

_c = table.c


@frozen
class Way:
    """Rows of one kind, of any library and target where these are None."""

    kind: str
    library: str | None = None
    target: str | None = None

    def condition(self) -> ColumnElement[bool]:
        said = [_c.kind == self.kind]
        if self.library is not None:
            said.append(_c.library == self.library)
        if self.target is not None:
            said.append(_c.target == self.target)
        return and_(*said)


def claim_besides(
    connection: Connection,
    now: datetime,
    limit: int,
    lease: timedelta,
    node: str,
    kinds: Collection[str],
    besides: Collection[Way],
) -> tuple[Row, ...]:
    """As `outbox.claim`, without the rows of `besides`."""
    ready = select(_c.library, _c.id).where(_c.ready_at <= now, _c.kind.in_(sorted(kinds)))
    if besides:
        ready = ready.where(not_(or_(*(way.condition() for way in besides))))
    ready = ready.order_by(_c.ready_at, _c.library, _c.id).limit(limit).with_for_update(skip_locked=True)
    found = connection.execute(ready).all()
    claimed = (outbox.claim_one(connection, library, id_, now, lease, node) for library, id_ in found)
    return tuple(row for row in claimed if row is not None)


_IN_HAND_OF_NODE = (
    _c.library == bindparam("in_library"),
    _c.id == bindparam("with_id"),
    _c.status == Status.IN_HAND.value,
    _c.node == bindparam("by_node"),
    _c.tries == bindparam("at_try"),
)
_PUT_BACK = Prepared(
    update(table)
    .where(*_IN_HAND_OF_NODE)
    .values(status=Status.WAITING.value, tries=_c.tries - 1, ready_at=_c.next_at, lease_until=None, node="")
)


def put_back(connection: Connection, rows: Sequence[Row]) -> None:
    """Rows as they were claimed: they wait as before, and this try doesn't count. Those that are not in the claim's
    hands any more are left as they are."""
    mine = [{"in_library": r.library, "with_id": r.id, "by_node": r.node, "at_try": r.tries} for r in rows]
    _PUT_BACK.run(connection, mine)


def recover(connection: Connection, nodes: str, now: datetime, besides: Collection[str]) -> int:
    """Ends the leases of rows in the hands of nodes whose names begin with `nodes`, but for the ids `besides`, so
    that they can be claimed at once; how many there were."""
    held = update(table).where(_c.status == Status.IN_HAND.value, _c.node.startswith(nodes, autoescape=True))
    if besides:
        held = held.where(_c.id.not_in(sorted(besides)))
    return connection.execute(held.values(lease_until=now, ready_at=now)).rowcount
