"""The search whose messages a replay job replays

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.add_column("replay_job", sa.Column("search", sa.Text, nullable=False, server_default=""))
