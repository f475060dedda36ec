"""Mails that staff have dismissed, and can put back

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

from gateway.sql.column_types import UtcDateTime

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.add_column("mail", sa.Column("dismissed_at", UtcDateTime))
    is_dismissed = sa.text("dismissed_at IS NOT NULL")
    op.create_index(
        "ix_mail_dismissed", "mail", ["library", "id"], postgresql_where=is_dismissed, sqlite_where=is_dismissed
    )
