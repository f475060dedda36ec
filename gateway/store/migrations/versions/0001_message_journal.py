"""Message journal, processed messages, retention

Revision ID: 0001
Revises:
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def text_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def moment_column(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def create_partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    op.create_table(
        "message",
        text_column("library"),
        id_column("id"),
        text_column("exchange"),
        text_column("direction"),
        text_column("profile"),
        text_column("protocol"),
        text_column("transport"),
        text_column("service"),
        text_column("version"),
        text_column("peer"),
        text_column("from_agency"),
        text_column("to_agency"),
        text_column("request_id"),
        text_column("item_id"),
        moment_column("at"),
        sa.Column("body", sa.LargeBinary),
        sa.Column("body_size", sa.Integer, nullable=False),
        sa.Column("truncated", sa.Boolean, nullable=False),
        text_column("body_key"),
        text_column("content_type"),
        sa.Column("status", sa.Integer, nullable=False),
        text_column("outcome"),
        text_column("reason"),
        text_column("note"),
        sa.Column("duration_ms", sa.Float, nullable=False),
        text_column("repeat_of"),
        text_column("replay_of"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_message"),
    )
    create_partial_index("ix_message_request", "message", ["library", "request_id", "id"], "request_id <> ''")
    create_partial_index("ix_message_item", "message", ["library", "item_id", "id"], "item_id <> ''")
    create_partial_index("ix_message_pending", "message", ["library", "outcome", "id"], "outcome = 'pending'")
    op.create_table(
        "processed_message",
        text_column("library"),
        text_column("profile"),
        text_column("key"),
        text_column("first_message"),
        text_column("answer_message"),
        sa.Column("count", sa.Integer, nullable=False),
        moment_column("first_at"),
        moment_column("last_at"),
        sa.PrimaryKeyConstraint("library", "profile", "key", name="pk_processed_message"),
    )
    op.create_index("ix_processed_message_last", "processed_message", ["library", "last_at"])
    op.create_table(
        "retention",
        text_column("library"),
        id_column("bodies_until"),
        sa.PrimaryKeyConstraint("library", name="pk_retention"),
    )
