"""Orders that are gathered into one mail, and which file each was in

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

IS_GATHERED = sa.text("status = 'waiting' AND kind IN ('gather', 'order')")


def _id_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def _text_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "filed_order",
        _text_column("library"),
        _text_column("profile"),
        _text_column("number"),
        sa.Column("place", sa.Integer, nullable=False),
        _id_column("file_id"),
        _id_column("order_id"),
        _id_column("request_id"),
        _text_column("reference"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("library", "profile", "number", "place", name="pk_filed_order"),
    )
    op.create_index("ix_filed_order_file", "filed_order", ["library", "file_id", "place"])
    op.create_index("ix_filed_order_order", "filed_order", ["library", "order_id"])
    op.create_index("ix_filed_order_at", "filed_order", ["at", "library"])
    op.create_index(
        "ix_outbox_gathered",
        "outbox",
        ["library", "target", "kind", "id"],
        postgresql_where=IS_GATHERED,
        sqlite_where=IS_GATHERED,
    )
