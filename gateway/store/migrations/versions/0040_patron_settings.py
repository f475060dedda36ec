"""What patrons have set for themselves

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "patron_setting",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("patron_id", sa.Text, nullable=False),
        sa.Column("notices", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "patron_id", name="pk_patron_setting"),
    )
