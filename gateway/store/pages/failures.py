"""Tries to sign in. Each is counted before the secret is looked at, so that many at once gain nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, update
from sqlalchemy.exc import IntegrityError

from gateway.store.pages.tables import page_failure


def try_once(c: Connection, library: str, most: Mapping[str, int], now: datetime, since: datetime) -> bool:
    """One more try for each id, unless one of them has had `most` since then: then False."""
    table = page_failure.c
    for id_, limit in most.items():
        this = (table.library == library, table.id == id_)
        with suppress(IntegrityError), c.begin_nested():
            c.execute(insert(page_failure).values(library=library, id=id_, count=0, since=now))
        c.execute(update(page_failure).where(*this, table.since < since).values(count=0, since=now))
        one_more = update(page_failure).where(*this, table.count < limit).values(count=table.count + 1)
        if not c.execute(one_more).rowcount:
            return False
    return True


def succeeded(c: Connection, library: str, forgotten: str, less: str) -> None:
    """The right secret: the patron's failures are forgotten, and one try less counts for the other id."""
    table = page_failure.c
    c.execute(delete(page_failure).where(table.library == library, table.id == forgotten))
    one_less = update(page_failure).where(table.library == library, table.id == less, table.count > 0)
    c.execute(one_less.values(count=table.count - 1))


def prune(c: Connection, library: str, since: datetime) -> int:
    table = page_failure.c
    old = or_(table.since < since, table.count == 0)
    return c.execute(delete(page_failure).where(table.library == library, old)).rowcount
