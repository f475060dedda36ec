"""Accounts that an identity provider means: by issuer and subject (`sub`), which no provider gives to somebody else.

Before anybody has signed in with it, an account is expected under a name, the one that the provider's claim has: then
its issuer is empty. The first who comes under that name is linked to it for good, and the name means nothing any more.
Every identity and every expected name is there once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Index, PrimaryKeyConstraint, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.store.schema import metadata

staff_identity = Table(
    "staff_identity",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("user_id"),
    column_types.text_column("issuer"),  # empty: nobody has signed in yet
    column_types.text_column("subject"),  # `sub` of the issuer; without one the expected name, folded
    Column("linked", UtcDateTime),  # when somebody signed in first
    PrimaryKeyConstraint("library", "user_id", name="pk_staff_identity"),
    Index("ix_staff_identity_subject", "issuer", "subject", unique=True),
)

EXPECTED = ""
"""In place of an issuer."""


class IdentityTakenError(Exception):
    """Another account is expected under this name."""


def expect_identity(c: Connection, library: str, user_id: str, name: str) -> None:
    """Whoever signs in under this name first is linked to the account, in place of whoever was. Raises
    IdentityTakenError."""
    table = staff_identity.c
    try:
        with c.begin_nested():
            c.execute(delete(staff_identity).where(table.library == library, table.user_id == user_id))
            c.execute(
                insert(staff_identity).values(
                    library=library, user_id=user_id, issuer=EXPECTED, subject=name.casefold(), linked=None
                )
            )
    except IntegrityError:
        raise IdentityTakenError(name) from None


def find_linked_user_id(c: Connection, issuer: str, subject: str) -> str:
    """Empty: there is none."""
    return _find_user_id(c, issuer, subject) if issuer else ""


def find_expected_user_id(c: Connection, name: str) -> str:
    """Empty: nobody is expected under it, or not any more."""
    return _find_user_id(c, EXPECTED, name.casefold())


def _find_user_id(c: Connection, issuer: str, subject: str) -> str:
    table = staff_identity.c
    query = select(table.user_id).where(table.issuer == issuer, table.subject == subject)
    return c.execute(query).scalar_one_or_none() or ""


def link_identity(c: Connection, user_id: str, issuer: str, subject: str, now: datetime) -> bool:
    """False: another one was quicker."""
    table = staff_identity.c
    expected = update(staff_identity).where(table.user_id == user_id, table.issuer == EXPECTED)
    try:
        with c.begin_nested():
            return bool(c.execute(expected.values(issuer=issuer, subject=subject, linked=now)).rowcount)
    except IntegrityError:
        return False
