"""What was done under an Idempotency-Key

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Of what an older release has in hand it isn't known."""
    op.add_column("api_answer", sa.Column("reference", sa.Text, nullable=False, server_default=""))
