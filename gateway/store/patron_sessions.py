"""Sessions, sign-ins under way, sent forms and failed tries of patron pages.

Every row has a library, and every primary key begins with it. Secrets that browsers hold (cookies, `state`) are here
as SHA-256 only, so that a stolen table signs nobody in. Each try is counted before the secret is looked at, so that
many at once gain nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gateway.domain.value import replace, value_object
from gateway.sql import column_types
from gateway.store.schema import metadata

page_session = Table(
    "page_session",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("patron_id"),
    column_types.text_column("identifier"),
    column_types.text_column("category"),
    column_types.text_column("branch"),
    column_types.text_column("name"),
    column_types.text_column("method"),
    column_types.text_column("proof"),
    column_types.moment_column("started"),
    column_types.moment_column("expires"),
    PrimaryKeyConstraint("library", "id", name="pk_page_session"),
    Index("ix_page_session_expires", "library", "expires"),
)
"""Patrons who are signed in."""

page_journey = Table(
    "page_journey",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("visit"),
    column_types.text_column("nonce"),
    column_types.text_column("verifier"),
    column_types.text_column("back_to"),
    column_types.moment_column("expires"),
    PrimaryKeyConstraint("library", "id", name="pk_page_journey"),
    Index("ix_page_journey_expires", "library", "expires"),
)
"""Patrons who are at their identity provider (OpenID Connect)."""

page_form = Table(
    "page_form",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("request_id"),
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "id", name="pk_page_form"),
    Index("ix_page_form_at", "library", "at"),
)
"""Forms that became a request: sent twice, a form is the same request."""

page_failure = Table(
    "page_failure",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.integer_column("count"),
    column_types.moment_column("since"),
    PrimaryKeyConstraint("library", "id", name="pk_page_failure"),
    Index("ix_page_failure_since", "library", "since"),
)
"""Tries to sign in, by keyed hash of who was tried and of where from."""


@value_object(kw_only=True)
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
    c.execute(insert(page_session).values(**{field.name: getattr(row, field.name) for field in fields(row)}))


def find_session(c: Connection, library: str, id_: str, now: datetime) -> SessionRow | None:
    """None: there is none, or its time is over."""
    table = page_session.c
    query = select(page_session).where(table.library == library, table.id == id_, table.expires > now)
    row = c.execute(query).one_or_none()
    return SessionRow(**row._mapping) if row is not None else None


def extend_session(c: Connection, row: SessionRow, expires: datetime) -> SessionRow:
    table = page_session.c
    c.execute(update(page_session).where(table.library == row.library, table.id == row.id).values(expires=expires))
    return replace(row, expires=expires)


def end_session(c: Connection, libraries: Collection[str], id_: str) -> None:
    """End a session in each of the libraries: a browser has one cookie for all."""
    table = page_session.c
    c.execute(delete(page_session).where(table.library.in_(libraries), table.id == id_))


def end_patron_sessions(c: Connection, library: str, patron_ids: Collection[str]) -> None:
    """End the sessions of patrons by their ids."""
    mine = (page_session.c.library == library, page_session.c.patron_id.in_(sorted(patron_ids)))
    c.execute(delete(page_session).where(*mine))


def prune_sessions(c: Connection, library: str, now: datetime) -> int:
    """Remove sessions that are over, and return their number."""
    table = page_session.c
    return c.execute(delete(page_session).where(table.library == library, table.expires <= now)).rowcount


@value_object(kw_only=True)
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
    c.execute(insert(page_journey).values(**{field.name: getattr(row, field.name) for field in fields(row)}))


def take_journey(c: Connection, library: str, id_: str, now: datetime) -> JourneyRow | None:
    """It ends with this: a `state` is good once. None: nobody is under way with it, or not any more."""
    table = page_journey.c
    this = (table.library == library, table.id == id_)
    row = c.execute(select(page_journey).where(*this, table.expires > now)).one_or_none()
    if row is None or not c.execute(delete(page_journey).where(*this)).rowcount:
        return None
    return JourneyRow(**row._mapping)


def prune_journeys(c: Connection, library: str, now: datetime) -> int:
    table = page_journey.c
    return c.execute(delete(page_journey).where(table.library == library, table.expires <= now)).rowcount


def find_sent_form(c: Connection, library: str, id_: str) -> str:
    """Id of the request; empty: it wasn't sent."""
    table = page_form.c
    query = select(table.request_id).where(table.library == library, table.id == id_)
    return c.execute(query).scalar_one_or_none() or ""


def claim_form(c: Connection, library: str, id_: str, request_id: str, at: datetime) -> str:
    """Empty: it is this request's now. Otherwise the one that it has become before."""
    try:
        with c.begin_nested():
            c.execute(insert(page_form).values(library=library, id=id_, request_id=request_id, at=at))
    except IntegrityError:
        return find_sent_form(c, library, id_)
    return ""


def prune_forms(c: Connection, library: str, before: datetime) -> int:
    table = page_form.c
    return c.execute(delete(page_form).where(table.library == library, table.at < before)).rowcount


@value_object
class FailureLimit:
    """The number of failures that may be counted under `id` since then."""

    id: str
    failures: int
    since: datetime


def count_attempt(c: Connection, library: str, limits: Iterable[FailureLimit], now: datetime) -> bool:
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


def forget_failures(c: Connection, library: str, id_: str) -> None:
    """All failures of it."""
    table = page_failure.c
    c.execute(delete(page_failure).where(table.library == library, table.id == id_))


def uncount_attempt(c: Connection, library: str, ids: Iterable[str]) -> None:
    """The last try was no failure."""
    table = page_failure.c
    for id_ in ids:
        this = update(page_failure).where(table.library == library, table.id == id_, table.count > 0)
        c.execute(this.values(count=table.count - 1))


def prune_failures(c: Connection, library: str, since: datetime) -> int:
    table = page_failure.c
    old = or_(table.since < since, table.count == 0)
    return c.execute(delete(page_failure).where(table.library == library, old)).rowcount
