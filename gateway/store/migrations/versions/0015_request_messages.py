"""Partners' messages that are for people, and who has read them

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Messages from before count as read: they are in the history, and nobody knows who has seen them there."""
    op.create_table(
        "request_message",
        sa.Column("library", sa.Text, nullable=False),
        id_column("event_id"),
        id_column("request_id"),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "event_id", name="pk_request_message"),
    )
    op.create_index("ix_request_message_request", "request_message", ["library", "request_id", "event_id"])
    op.create_index(
        "ix_request_message_unread",
        "request_message",
        ["library", "role", "event_id"],
        postgresql_where=sa.text("read_at IS NULL"),
        sqlite_where=sa.text("read_at IS NULL"),
    )
