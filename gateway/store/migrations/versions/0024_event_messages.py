"""Which message of the journal an event of a request came from

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Of events from before it isn't known."""
    op.add_column("request_event", sa.Column("exchange", sa.Text, nullable=False, server_default=""))
