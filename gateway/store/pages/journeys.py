"""Patrons who are at their identity provider, until they come back or the time is over."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from gateway.domain.frozen import frozen_by_name
from gateway.store.pages.tables import page_journey


@frozen_by_name
class JourneyRow:
    """`id`: hash of `state`; `visit`: hash of the browser's cookie; `back_to`: where it goes on, a path of ours."""

    library: str
    id: str
    visit: str
    nonce: str
    verifier: str
    back_to: str
    expires: datetime


def add_journey(c: Connection, row: JourneyRow) -> None:
    c.execute(insert(page_journey).values(**{one.name: getattr(row, one.name) for one in fields(row)}))


def take(c: Connection, library: str, id_: str, now: datetime) -> JourneyRow | None:
    """It ends with this: a `state` is good once. None: nobody is under way with it, or not any more."""
    table = page_journey.c
    this = (table.library == library, table.id == id_)
    found = c.execute(select(page_journey).where(*this, table.expires > now)).one_or_none()
    if found is None or not c.execute(delete(page_journey).where(*this)).rowcount:
        return None
    return JourneyRow(**found._mapping)


def prune_journeys(c: Connection, library: str, now: datetime) -> int:
    table = page_journey.c
    return c.execute(delete(page_journey).where(table.library == library, table.expires <= now)).rowcount
