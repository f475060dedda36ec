"""Roles that groups of an identity provider give

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.create_table(
        "staff_provider_grant",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("branch", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "user_id", "role", "branch", name="pk_staff_provider_grant"),
    )
    op.create_index("ix_staff_provider_grant_user", "staff_provider_grant", ["user_id"])
