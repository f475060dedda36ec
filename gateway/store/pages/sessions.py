"""Patrons who are signed in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from gateway.domain.frozen import frozen_by_name
from gateway.store.pages.tables import page_session


@frozen_by_name
class SessionRow:
    """`identifier`: what the library finds the patron by; `branch`: its home library; `name` as the pages greet
    it; `method`: how it signed in; `proof`: hash of the word of a proxy that has signed it in."""

    library: str
    id: str
    patron_id: str
    identifier: str
    category: str
    branch: str
    name: str
    method: str
    proof: str
    started: datetime
    expires: datetime


def add_session(c: Connection, row: SessionRow) -> None:
    c.execute(insert(page_session).values(**{one.name: getattr(row, one.name) for one in fields(row)}))


def find(c: Connection, library: str, id_: str, now: datetime) -> SessionRow | None:
    """None: there is none, or its time is over."""
    table = page_session.c
    wanted = select(page_session).where(table.library == library, table.id == id_, table.expires > now)
    found = c.execute(wanted).one_or_none()
    return SessionRow(**found._mapping) if found is not None else None


def extend(c: Connection, row: SessionRow, expires: datetime) -> SessionRow:
    table = page_session.c
    c.execute(update(page_session).where(table.library == row.library, table.id == row.id).values(expires=expires))
    return replace(row, expires=expires)


def end(c: Connection, libraries: Collection[str], id_: str) -> None:
    """In each of them: a browser has one cookie for all."""
    table = page_session.c
    c.execute(delete(page_session).where(table.library.in_(libraries), table.id == id_))


def prune_sessions(c: Connection, library: str, now: datetime) -> int:
    """How many were over."""
    table = page_session.c
    return c.execute(delete(page_session).where(table.library == library, table.expires <= now)).rowcount
