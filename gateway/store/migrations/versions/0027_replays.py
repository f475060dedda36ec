"""Replays of a message are found by it

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    is_replay = sa.text("replay_of <> ''")
    op.create_index(
        "ix_message_replay",
        "message",
        ["library", "replay_of", "id"],
        postgresql_where=is_replay,
        sqlite_where=is_replay,
    )
