"""Managed requests found by the barcodes of their items

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Requests from before are found by barcode from their next change on."""
    op.create_table(
        "request_barcode",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("barcode", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("library", "barcode", "request_id", name="pk_request_barcode"),
    )
    op.create_index("ix_request_barcode_request", "request_barcode", ["library", "request_id"])
