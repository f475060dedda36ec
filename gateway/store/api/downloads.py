"""How often delivered copies were fetched."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.store.api.tables import copy_download


def count(c: Connection, library: str, link: str) -> int:
    table = copy_download.c
    found = c.execute(select(table.count).where(table.library == library, table.link == link)).scalar_one_or_none()
    return found or 0


def take(c: Connection, library: str, link: str, most: int, at: datetime) -> bool:
    """One more download, unless there were `most` already: then False."""
    table = copy_download.c
    row = (table.library == library, table.link == link)
    with suppress(IntegrityError), c.begin_nested():  # it may have been fetched before
        c.execute(insert(copy_download).values(library=library, link=link, count=0, first_at=at, last_at=at))
    one_more = update(copy_download).where(*row, table.count < most).values(count=table.count + 1, last_at=at)
    return c.execute(one_more).rowcount > 0


def prune_downloads(c: Connection, library: str, before: datetime) -> int:
    """Number of links forgotten that were fetched last before `before`; only for links that have expired."""
    table = copy_download.c
    return c.execute(delete(copy_download).where(table.library == library, table.last_at < before)).rowcount
