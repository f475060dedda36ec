"""The audit log: who of the staff did what about accounts, secrets and patrons' data.

What happens to a request is in its history; here is what has no other place. Every row has a library, and every primary
key begins with it; an id begins with its time.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, and_, delete, insert, or_, select

from gateway.domain.value import value_object
from gateway.sql import column_types
from gateway.store.schema import first_id_at, make_exchange_id, metadata

audit_entry = Table(
    "audit_entry",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("actor"),
    column_types.text_column("action"),
    column_types.text_column("subject"),
    column_types.text_column("detail"),
    column_types.text_column("peer"),
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "id", name="pk_audit_entry"),
    Index("ix_audit_entry_actor", "library", "actor", "id"),
)


@value_object(kw_only=True)
class AuditEntry:
    """`actor`: who did it, as histories name it (staff:NAME); `action`: a word such as user-added; `subject`: whom or
    what it was done to: the name of a user, the number of a request; `peer`: address that it came from, empty for
    commands. No data of patrons are in it."""

    library: str
    id: str
    actor: str
    action: str
    subject: str
    detail: str
    peer: str
    at: datetime


def add_audit_entry(
    c: Connection,
    library: str,
    at: datetime,
    actor: str,
    action: str,
    subject: str = "",
    detail: str = "",
    peer: str = "",
) -> None:
    entry = AuditEntry(
        library=library,
        id=make_exchange_id(at),
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        peer=peer,
        at=at,
    )
    c.execute(insert(audit_entry).values(**{field.name: getattr(entry, field.name) for field in fields(entry)}))


def list_audit_entries(
    c: Connection, library: str, limit: int, before: str = "", actor: str = "", since: datetime | None = None
) -> tuple[AuditEntry, ...]:
    """Newest first. `before`: id of the last one that is known; `actor` empty: of all."""
    table = audit_entry.c
    query = select(audit_entry).where(table.library == library)
    if before:
        query = query.where(table.id < before)
    if actor:
        query = query.where(table.actor == actor)
    if since is not None:
        query = query.where(table.id >= first_id_at(since))
    return tuple(AuditEntry(**row._mapping) for row in c.execute(query.order_by(table.id.desc()).limit(limit)))


def count_wrong_codes(c: Connection, library: str, actor: str, since: datetime, most: int) -> int:
    """Count wrong codes of somebody's second factor, since this moment and since a recovery code was used; counted up
    to `most`."""
    table = audit_entry.c
    is_wrong = and_(table.action == "sign-in-failed", table.detail == "code")
    query = (
        select(table.action)
        .where(table.library == library, table.actor == actor, table.id >= first_id_at(since))
        .where(or_(is_wrong, table.action == "recovery-code-used"))
        .order_by(table.id.desc())
        .limit(most)
    )
    return sum(1 for _ in takewhile(lambda action: action == "sign-in-failed", c.execute(query).scalars()))


def prune_audit_entries(c: Connection, library: str, before: datetime) -> int:
    """Remove older entries, and return their number."""
    table = audit_entry.c
    return c.execute(delete(audit_entry).where(table.library == library, table.id < first_id_at(before))).rowcount
