"""What profiles said before

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    sorted_text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.create_table(
        "profile_version",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("id", sorted_text, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("profile", "previous", "digest", "actor", "reason", "content")
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="pk_profile_version"),
        sa.UniqueConstraint("library", "profile", "previous", name="uq_profile_version_previous"),
    )
    op.create_index("ix_profile_version_profile", "profile_version", ["library", "profile", "id"])
