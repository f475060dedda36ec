"""Webhook subscriptions as rows."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, insert, select, update

from gateway.domain.frozen import frozen_by_name
from gateway.domain.requests.events import Kind
from gateway.store.api.tables import webhook
from gateway.store.prepared import Prepared


@frozen_by_name
class Subscription:
    """`kinds` empty: all. `failing_since`: no delivery has succeeded since then."""

    library: str
    id: str
    name: str
    url: str
    secret: str = field(repr=False)
    kinds: tuple[Kind, ...] = ()
    created: datetime
    enabled: bool = True
    disabled_why: str = ""
    failing_since: datetime | None = None

    def wants(self, kind: Kind) -> bool:
        return self.enabled and (not self.kinds or kind in self.kinds)


def add(c: Connection, one: Subscription) -> None:
    values = {name: getattr(one, name) for name in Subscription.__dataclass_fields__}
    c.execute(insert(webhook).values(**{**values, "kinds": " ".join(kind.value for kind in one.kinds)}))


def get(c: Connection, library: str, id_: str) -> Subscription | None:
    found = c.execute(select(webhook).where(*_is_subscription(library, id_))).mappings().one_or_none()
    return None if found is None else _row(found)


_OF_LIBRARY = Prepared(
    select(webhook).where(webhook.c.library == bindparam("in_library")).order_by(webhook.c.created, webhook.c.id)
)


def of_library(c: Connection, library: str) -> tuple[Subscription, ...]:
    """Oldest first."""
    return tuple(_row(found._asdict()) for found in _OF_LIBRARY.all(c, {"in_library": library}))


def remove(c: Connection, library: str, id_: str) -> bool:
    """False: there is no such subscription."""
    return c.execute(delete(webhook).where(*_is_subscription(library, id_))).rowcount > 0


def enable(c: Connection, library: str, id_: str) -> bool:
    """False: there is no such subscription."""
    return _change(c, library, id_, enabled=True, disabled_why="", failing_since=None)


def disable(c: Connection, library: str, id_: str, why: str) -> bool:
    return _change(c, library, id_, enabled=False, disabled_why=why)


def failing(c: Connection, library: str, id_: str, since: datetime | None) -> None:
    """`since` None: it works again."""
    _change(c, library, id_, failing_since=since)


def _change(c: Connection, library: str, id_: str, **values: Any) -> bool:
    return c.execute(update(webhook).where(*_is_subscription(library, id_)).values(**values)).rowcount > 0


def _is_subscription(library: str, id_: str) -> tuple[ColumnElement[bool], ...]:
    return webhook.c.library == library, webhook.c.id == id_


_KINDS = frozenset(kind.value for kind in Kind)


def _row(found: RowMapping) -> Subscription:
    """A kind that a newer release has written isn't known here, and can't happen here."""
    values = dict(found)
    return Subscription(**{**values, "kinds": tuple(Kind(word) for word in values["kinds"].split() if word in _KINDS)})
