"""Rows of the outbox and timers by library, so that libraries take turns

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    is_ready = sa.text("ready_at IS NOT NULL")
    op.create_index(
        "ix_outbox_library_ready",
        "outbox",
        ["library", "ready_at", "id"],
        postgresql_where=is_ready,
        sqlite_where=is_ready,
    )
    op.create_index("ix_request_timer_library_at", "request_timer", ["library", "at", "request_id", "timer"])
