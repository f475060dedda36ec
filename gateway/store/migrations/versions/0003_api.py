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


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def identifier(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def moment(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "server_secret",
        text("library"),
        text("name"),
        sa.Column("value", sa.LargeBinary, nullable=False),
        moment("created"),
        sa.PrimaryKeyConstraint("library", "name", name="pk_server_secret"),
    )
    op.create_table(
        "api_key",
        text("library"),
        identifier("prefix"),
        text("name"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        text("scopes"),
        moment("created"),
        moment("last_used", nullable=True),
        moment("revoked", nullable=True),
        sa.PrimaryKeyConstraint("library", "prefix", name="pk_api_key"),
    )
    op.create_index("ix_api_key_prefix", "api_key", ["prefix"], unique=True)
    op.create_table(
        "api_answer",
        text("library"),
        text("api_key"),
        text("operation"),
        text("idempotency_key"),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        text("headers"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        moment("at"),
        sa.PrimaryKeyConstraint("library", "api_key", "operation", "idempotency_key", name="pk_api_answer"),
    )
    op.create_index("ix_api_answer_at", "api_answer", ["library", "at"])
    op.create_table(
        "webhook",
        text("library"),
        identifier("id"),
        text("name"),
        text("url"),
        text("secret"),
        text("kinds"),
        moment("created"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        text("disabled_why"),
        moment("failing_since", nullable=True),
        sa.PrimaryKeyConstraint("library", "id", name="pk_webhook"),
    )
    op.create_table(
        "copy_download",
        text("library"),
        text("link"),
        sa.Column("count", sa.Integer, nullable=False),
        moment("first_at"),
        moment("last_at"),
        sa.PrimaryKeyConstraint("library", "link", name="pk_copy_download"),
    )
    op.create_index("ix_copy_download_last", "copy_download", ["library", "last_at"])
