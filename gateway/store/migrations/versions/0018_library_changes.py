"""Changes that were asked of library systems outside the store, and which of them were carried out

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

INDEXED = ("barcode", "patron_id", "request_id", "record_id")
SHORT = {"patron_id": "patron", "request_id": "request", "record_id": "record"}


def upgrade() -> None:
    op.create_table(
        "library_change",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("barcode", sa.Text, nullable=False),
        sa.Column("patron_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "kind", "key", name="pk_library_change"),
    )
    for column in INDEXED:
        name = f"ix_library_change_{SHORT.get(column, column)}"
        op.create_index(name, "library_change", ["library", column, "begun"])
    op.create_index("ix_library_change_begun", "library_change", ["begun"])
