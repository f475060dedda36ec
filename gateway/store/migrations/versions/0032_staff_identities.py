"""Staff at an identity provider: by issuer and subject, each once

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"

_USERS = sa.text("SELECT library, id, name, subject FROM staff_user ORDER BY id")


def upgrade() -> None:
    """Accounts of before are linked when somebody signs in first. Where several were expected under one name, which let
    in none of them, whoever is called so here comes first, then the oldest."""
    id_type = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    table = op.create_table(
        "staff_identity",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("user_id", id_type, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("linked", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("library", "user_id", name="pk_staff_identity"),
    )
    op.create_index("ix_staff_identity_subject", "staff_identity", ["issuer", "subject"], unique=True)
    expected: dict[str, dict[str, str]] = {}
    for user in sorted(op.get_bind().execute(_USERS), key=lambda user: bool(user.subject)):
        subject = (user.subject or user.name).casefold()
        row = {"library": user.library, "user_id": user.id, "issuer": "", "subject": subject}
        expected.setdefault(subject, row)
    if expected:
        op.bulk_insert(table, list(expected.values()))
