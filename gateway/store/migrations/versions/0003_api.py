"""JSON API: keys, secrets, stored answers, webhooks, downloads

Revision ID: 0003
Revises: 0002
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def text_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def moment_column(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "server_secret",
        text_column("library"),
        text_column("name"),
        sa.Column("value", sa.LargeBinary, nullable=False),
        moment_column("created"),
        sa.PrimaryKeyConstraint("library", "name", name="pk_server_secret"),
    )
    op.create_table(
        "api_key",
        text_column("library"),
        id_column("prefix"),
        text_column("name"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        text_column("scopes"),
        moment_column("created"),
        moment_column("last_used", nullable=True),
        moment_column("revoked", nullable=True),
        sa.PrimaryKeyConstraint("library", "prefix", name="pk_api_key"),
    )
    op.create_index("ix_api_key_prefix", "api_key", ["prefix"], unique=True)
    op.create_table(
        "api_answer",
        text_column("library"),
        text_column("api_key"),
        text_column("operation"),
        text_column("idempotency_key"),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        text_column("headers"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        moment_column("at"),
        sa.PrimaryKeyConstraint("library", "api_key", "operation", "idempotency_key", name="pk_api_answer"),
    )
    op.create_index("ix_api_answer_at", "api_answer", ["library", "at"])
    op.create_table(
        "webhook",
        text_column("library"),
        id_column("id"),
        text_column("name"),
        text_column("url"),
        text_column("secret"),
        text_column("kinds"),
        moment_column("created"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        text_column("disabled_why"),
        moment_column("failing_since", nullable=True),
        sa.PrimaryKeyConstraint("library", "id", name="pk_webhook"),
    )
    op.create_table(
        "copy_download",
        text_column("library"),
        text_column("link"),
        sa.Column("count", sa.Integer, nullable=False),
        moment_column("first_at"),
        moment_column("last_at"),
        sa.PrimaryKeyConstraint("library", "link", name="pk_copy_download"),
    )
    op.create_index("ix_copy_download_last", "copy_download", ["library", "last_at"])
