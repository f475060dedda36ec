"""Staff: accounts, roles, sessions, and the audit log

Revision ID: 0016
Revises: 0015
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"


def _text_columns(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _id_column(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def _moment_column(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "staff_user",
        *_text_columns("library"),
        _id_column("id"),
        *_text_columns("name", "shown_name", "email", "subject", "password_hash"),
        _moment_column("created"),
        _moment_column("disabled", nullable=True),
        sa.PrimaryKeyConstraint("library", "id", name="pk_staff_user"),
    )
    op.create_index("ix_staff_user_name", "staff_user", ["name"], unique=True)
    op.create_table(
        "staff_grant",
        *_text_columns("library"),
        _id_column("user_id"),
        *_text_columns("role", "branch"),
        sa.PrimaryKeyConstraint("library", "user_id", "role", "branch", name="pk_staff_grant"),
    )
    op.create_index("ix_staff_grant_user", "staff_grant", ["user_id"])
    op.create_table(
        "staff_session",
        *_text_columns("library"),
        _id_column("id"),
        _id_column("user_id"),
        *_text_columns("method"),
        _moment_column("started"),
        _moment_column("expires"),
        _moment_column("confirmed", nullable=True),
        sa.PrimaryKeyConstraint("library", "id", name="pk_staff_session"),
    )
    op.create_index("ix_staff_session_id", "staff_session", ["id"], unique=True)
    op.create_index("ix_staff_session_user", "staff_session", ["user_id"])
    op.create_index("ix_staff_session_expires", "staff_session", ["library", "expires"])
    op.create_table(
        "audit_entry",
        *_text_columns("library"),
        _id_column("id"),
        *_text_columns("actor", "action", "subject", "detail", "peer"),
        _moment_column("at"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_actor", "audit_entry", ["library", "actor", "id"])
