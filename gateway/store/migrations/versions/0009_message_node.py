"""Which node has a message in hand

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Whose the messages from before are, nobody knows."""
    op.add_column("message", sa.Column("node", sa.Text, nullable=False, server_default=""))
