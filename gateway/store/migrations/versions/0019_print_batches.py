"""Batches of paper: who printed what for which requests

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "print_batch",
        sa.Column("library", sa.Text, nullable=False),
        id_column("id"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True)),
        sa.Column("printed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="pk_print_batch"),
    )
    op.create_index("ix_print_batch_number", "print_batch", ["library", "number"], unique=True)
    op.create_table(
        "print_item",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        id_column("request_id"),
        id_column("batch_id"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("library", "kind", "request_id", "batch_id", name="pk_print_item"),
    )
    op.create_index("ix_print_item_batch", "print_item", ["library", "batch_id", "position"])
