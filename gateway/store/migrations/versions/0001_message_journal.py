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


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def identifier(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    op.create_table(
        "message",
        text("library"),
        identifier("id"),
        text("exchange"),
        text("direction"),
        text("profile"),
        text("protocol"),
        text("transport"),
        text("service"),
        text("version"),
        text("peer"),
        text("from_agency"),
        text("to_agency"),
        text("request_id"),
        text("item_id"),
        moment("at"),
        sa.Column("body", sa.LargeBinary),
        sa.Column("body_size", sa.Integer, nullable=False),
        sa.Column("truncated", sa.Boolean, nullable=False),
        text("body_key"),
        text("content_type"),
        sa.Column("status", sa.Integer, nullable=False),
        text("outcome"),
        text("reason"),
        text("note"),
        sa.Column("duration_ms", sa.Float, nullable=False),
        text("repeat_of"),
        text("replay_of"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_message"),
    )
    partial_index("ix_message_request", "message", ["library", "request_id", "id"], "request_id <> ''")
    partial_index("ix_message_item", "message", ["library", "item_id", "id"], "item_id <> ''")
    partial_index("ix_message_pending", "message", ["library", "outcome", "id"], "outcome = 'pending'")
    op.create_table(
        "processed_message",
        text("library"),
        text("profile"),
        text("key"),
        text("first_message"),
        text("answer_message"),
        sa.Column("count", sa.Integer, nullable=False),
        moment("first_at"),
        moment("last_at"),
        sa.PrimaryKeyConstraint("library", "profile", "key", name="pk_processed_message"),
    )
    op.create_index("ix_processed_message_last", "processed_message", ["library", "last_at"])
    op.create_table(
        "retention",
        text("library"),
        identifier("bodies_until"),
        sa.PrimaryKeyConstraint("library", name="pk_retention"),
    )
