"""Tables of mailboxes. Senders, subjects and contents are personal data: they are emptied when staff have decided,
and go with the row."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, text

from gateway.store import columns
from gateway.store.tables import metadata

IS_OPEN = text("is_open")

mailbox = Table(
    "mailbox",
    metadata,
    columns.text("library"),
    columns.text("name"),
    columns.bigint("uid_validity"),
    columns.bigint("highest_uid"),
    columns.moment("seen"),
    PrimaryKeyConstraint("library", "name", name="pk_mailbox"),
)

mail = Table(
    "mail",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.text("mailbox"),
    columns.bigint("uid_validity"),
    columns.bigint("uid"),
    columns.text("message_id"),
    columns.text("digest"),  # of what the mail says: the same for one that is sent again
    columns.moment("at"),
    columns.text("outcome"),
    columns.text("profile"),
    columns.id_("request_id"),
    columns.text("reason"),  # why it waits for staff or was set aside; no personal data
    Column("is_open", Boolean, nullable=False),  # on the staff's list
    columns.text("sender"),
    columns.text("subject"),
    columns.text("possible"),  # ids of requests that it may be about, one a line
    Column("content", LargeBinary, nullable=True),
    columns.text("key_id"),  # of the key that encrypted the content; empty: as it came
    columns.text("closed_by"),
    PrimaryKeyConstraint("library", "id", name="pk_mail"),
    Index("ix_mail_uid", "library", "mailbox", "uid_validity", "uid", unique=True),
    Index("ix_mail_digest", "library", "digest"),
    Index("ix_mail_at", "at", "library"),
    Index("ix_mail_open", "library", "id", postgresql_where=IS_OPEN, sqlite_where=IS_OPEN),
)
