"""Staff at an identity provider: by issuer and subject, each once

Revision ID: 0032
Revises: 0031
"""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"

_USERS = sa.text("SELECT library, id, name, subject FROM staff_user ORDER BY id")


def upgrade() -> None:
    """Accounts of before are linked when somebody signs in first. Where several were expected under one name, which let
    in none of them, none is: whose name it is at the provider only people know, and they say it on the account's page
    or by `illgate user unlink`."""
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
    expected: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for user in op.get_bind().execute(_USERS):
        expected[(user.subject or user.name).casefold()].append(user)
    rows = [
        {"library": users[0].library, "user_id": users[0].id, "issuer": "", "subject": subject}
        for subject, users in expected.items()
        if len(users) == 1
    ]
    if rows:
        op.bulk_insert(table, rows)
