"""Which nodes live, and who leads which task

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    sorted_text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.create_table(
        "node",
        sa.Column("id", sorted_text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("started", "seen", "steady_since")),
        sa.PrimaryKeyConstraint("id", name="pk_node"),
    )
    op.create_table(
        "task_leader",
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("node", sorted_text, nullable=False),
        sa.PrimaryKeyConstraint("task", name="pk_task_leader"),
    )
