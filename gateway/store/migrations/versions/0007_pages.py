"""Patrons' pages: sessions, sign-in under way, forms that were sent, failed tries

Revision ID: 0007
Revises: 0006
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def _text_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _id_column() -> sa.Column[str]:
    return sa.Column("id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def _moment_column(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    _create_table(
        "page_session",
        "expires",
        *map(_text_column, ("patron_id", "identifier", "category", "branch", "name", "method", "proof")),
        _moment_column("started"),
    )
    _create_table("page_journey", "expires", *map(_text_column, ("visit", "nonce", "verifier", "back_to")))
    _create_table("page_form", "at", _text_column("request_id"))
    _create_table("page_failure", "since", sa.Column("count", sa.Integer, nullable=False))


def _create_table(name: str, at: str, *columns: sa.Column[Any]) -> None:
    key = sa.PrimaryKeyConstraint("library", "id", name=f"pk_{name}")
    op.create_table(name, _text_column("library"), _id_column(), *columns, _moment_column(at), key)
    op.create_index(f"ix_{name}_{at}", name, ["library", at])
