"""Second factors of staff, recovery codes, and who has given the password and not yet the code

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    id_type = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.create_table(
        "staff_second_factor",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("user_id", id_type, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("secret_key", sa.Text, nullable=False),
        sa.Column("confirmed", sa.DateTime(timezone=True)),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("library", "user_id", name="pk_staff_second_factor"),
    )
    op.create_table(
        "staff_recovery_code",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("user_id", id_type, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "user_id", "digest", name="pk_staff_recovery_code"),
    )
    op.create_table(
        "staff_code_wait",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("id", id_type, nullable=False),
        sa.Column("user_id", id_type, nullable=False),
        sa.Column("confirms", sa.Boolean, nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="pk_staff_code_wait"),
    )
