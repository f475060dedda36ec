"""What the error of an outbox row was made of

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Of errors from before it isn't known."""
    op.add_column("outbox", sa.Column("error_sentence", sa.Text, nullable=False, server_default=""))
