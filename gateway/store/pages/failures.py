"""Tries to sign in. Each is counted before the secret is looked at, so that many at once gain nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, update
from sqlalchemy.exc import IntegrityError

from gateway.domain.frozen import frozen
from gateway.store.pages.tables import page_failure


@frozen
class Most:
    """So many failures may be counted under `id` since then."""

    id: str
    failures: int
    since: datetime


def try_once(c: Connection, library: str, limits: Iterable[Most], now: datetime) -> bool:
    """One more try for each, in this order, until one of them has had too many: then False, and nothing is kept of
    those behind it."""
    table = page_failure.c
    for most in limits:
        this = (table.library == library, table.id == most.id)
        with suppress(IntegrityError), c.begin_nested():
            c.execute(insert(page_failure).values(library=library, id=most.id, count=0, since=now))
        c.execute(update(page_failure).where(*this, table.since < most.since).values(count=0, since=now))
        one_more = update(page_failure).where(*this, table.count < most.failures).values(count=table.count + 1)
        if not c.execute(one_more).rowcount:
            return False
    return True


def forget(c: Connection, library: str, id_: str) -> None:
    """All failures of it."""
    table = page_failure.c
    c.execute(delete(page_failure).where(table.library == library, table.id == id_))


def take_back(c: Connection, library: str, ids: Iterable[str]) -> None:
    """The last try was no failure."""
    table = page_failure.c
    for id_ in ids:
        this = update(page_failure).where(table.library == library, table.id == id_, table.count > 0)
        c.execute(this.values(count=table.count - 1))


def prune_failures(c: Connection, library: str, since: datetime) -> int:
    table = page_failure.c
    old = or_(table.since < since, table.count == 0)
    return c.execute(delete(page_failure).where(table.library == library, old)).rowcount
