"""Which managed requests each message of the journal is about

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Messages from before are found by the numbers that stand in them."""
    op.create_table(
        "message_request",
        sa.Column("library", sa.Text, nullable=False),
        id_column("request_id"),
        id_column("exchange"),
        sa.PrimaryKeyConstraint("library", "request_id", "exchange", name="pk_message_request"),
    )
    op.create_index("ix_message_request_exchange", "message_request", ["library", "exchange"])
