"""Replays of many messages as jobs; refused messages are found by an index

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

from gateway.sql.column_types import SORTED_TEXT

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "replay_job",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("id", SORTED_TEXT, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.Text, nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("library", "id", name="pk_replay_job"),
    )
    op.create_index("ix_replay_job_status", "replay_job", ["status", "id"])
    op.create_table(
        "replay_message",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("job", SORTED_TEXT, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("message", SORTED_TEXT, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reason_sentence", sa.Text, nullable=False),
        sa.Column("replay", SORTED_TEXT, nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("library", "job", "position", name="pk_replay_message"),
    )
    op.create_index("ix_replay_message_status", "replay_message", ["library", "job", "status", "position"])
    is_trouble = sa.text("outcome NOT IN ('ok', 'pending') AND direction = 'in'")
    op.create_index(
        "ix_message_trouble", "message", ["library", "id"], postgresql_where=is_trouble, sqlite_where=is_trouble
    )
