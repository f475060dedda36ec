"""Mailboxes: how far each is read, which mails were taken, which of them wait for staff

Revision ID: 0004
Revises: 0003
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

IS_OPEN = sa.text("is_open")


def text_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def bigint_column(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def moment_column(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "mailbox",
        text_column("library"),
        text_column("name"),
        bigint_column("uid_validity"),
        bigint_column("highest_uid"),
        moment_column("seen"),
        sa.PrimaryKeyConstraint("library", "name", name="pk_mailbox"),
    )
    op.create_table(
        "mail",
        text_column("library"),
        id_column("id"),
        text_column("mailbox"),
        bigint_column("uid_validity"),
        bigint_column("uid"),
        text_column("message_id"),
        text_column("digest"),
        moment_column("at"),
        text_column("outcome"),
        text_column("profile"),
        id_column("request_id"),
        text_column("reason"),
        sa.Column("is_open", sa.Boolean, nullable=False),
        text_column("sender"),
        text_column("subject"),
        text_column("possible"),
        sa.Column("content", sa.LargeBinary, nullable=True),
        text_column("key_id"),
        text_column("closed_by"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_mail"),
    )
    op.create_index("ix_mail_uid", "mail", ["library", "mailbox", "uid_validity", "uid"], unique=True)
    op.create_index("ix_mail_digest", "mail", ["library", "digest"])
    op.create_index("ix_mail_at", "mail", ["at", "library"])
    op.create_index("ix_mail_open", "mail", ["library", "id"], postgresql_where=IS_OPEN, sqlite_where=IS_OPEN)
