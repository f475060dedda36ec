"""When keys of the JSON API expire

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Keys from before don't expire."""
    op.add_column("api_key", sa.Column("expires", sa.DateTime(timezone=True)))
