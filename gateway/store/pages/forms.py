"""Which request a form has become."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.store.pages.tables import page_form


def sent(c: Connection, library: str, id_: str) -> str:
    """Id of the request; empty: it wasn't sent."""
    table = page_form.c
    wanted = select(table.request_id).where(table.library == library, table.id == id_)
    return c.execute(wanted).scalar_one_or_none() or ""


def claim(c: Connection, library: str, id_: str, request_id: str, at: datetime) -> str:
    """Empty: it is this request's now. Otherwise the one that it has become before."""
    try:
        with c.begin_nested():
            c.execute(insert(page_form).values(library=library, id=id_, request_id=request_id, at=at))
    except IntegrityError:
        return sent(c, library, id_)
    return ""


def prune_forms(c: Connection, library: str, before: datetime) -> int:
    table = page_form.c
    return c.execute(delete(page_form).where(table.library == library, table.at < before)).rowcount
