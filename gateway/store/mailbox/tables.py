"""Tables of mailboxes. Senders, subjects and contents are personal data: they are emptied when staff have decided,
and go with the row."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects import postgresql

from gateway.store.tables import metadata
from gateway.store.types import UtcDateTime

IS_OPEN = text("is_open")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _id(name: str) -> Column[str]:
    return Column(name, Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


mailbox = Table(
    "mailbox",
    metadata,
    _text("library"),
    _text("name"),
    _number("uid_validity"),
    _number("highest_uid"),
    Column("seen", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "name", name="pk_mailbox"),
)

mail = Table(
    "mail",
    metadata,
    _text("library"),
    _id("id"),
    _text("mailbox"),
    _number("uid_validity"),
    _number("uid"),
    _text("message_id"),
    _text("digest"),  # of what the mail says: the same for one that is sent again
    Column("at", UtcDateTime, nullable=False),
    _text("outcome"),
    _text("profile"),
    _id("request_id"),
    _text("reason"),  # why it waits for staff or was set aside; no personal data
    Column("is_open", Boolean, nullable=False),  # on the staff's list
    _text("sender"),
    _text("subject"),
    _text("possible"),  # ids of requests that it may be about, one a line
    Column("content", LargeBinary, nullable=True),
    _text("key_id"),  # of the key that encrypted the content; empty: as it came
    _text("closed_by"),
    PrimaryKeyConstraint("library", "id", name="pk_mail"),
    Index("ix_mail_uid", "library", "mailbox", "uid_validity", "uid", unique=True),
    Index("ix_mail_digest", "library", "digest"),
    Index("ix_mail_at", "at", "library"),
    Index("ix_mail_open", "library", "id", postgresql_where=IS_OPEN, sqlite_where=IS_OPEN),
)
