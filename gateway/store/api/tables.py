"""Tables of the JSON API. Every row has a library, and every primary key begins with it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects import postgresql

from gateway.store.tables import metadata
from gateway.store.types import UtcDateTime


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _id(name: str) -> Column[str]:
    """Text that sorts by its bytes, whatever language the database was made for."""
    return Column(name, Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


server_secret = Table(
    "server_secret",
    metadata,
    _text("library"),
    _text("name"),
    Column("value", LargeBinary, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "name", name="pk_server_secret"),
)
"""Random keys that the gateway made for itself: for hashing API keys, for signing links."""

api_key = Table(
    "api_key",
    metadata,
    _text("library"),
    _id("prefix"),
    _text("name"),
    Column("digest", LargeBinary, nullable=False),
    _text("scopes"),  # with blanks between
    Column("created", UtcDateTime, nullable=False),
    Column("last_used", UtcDateTime),
    Column("revoked", UtcDateTime),
    PrimaryKeyConstraint("library", "prefix", name="pk_api_key"),
    Index("ix_api_key_prefix", "prefix", unique=True),  # a key is looked up before its library is known
)
"""Only a keyed hash of the key is here."""

api_answer = Table(
    "api_answer",
    metadata,
    _text("library"),
    _text("api_key"),
    _text("operation"),
    _text("idempotency_key"),
    Column("request", LargeBinary, nullable=False),  # digest of what was asked
    Column("status", Integer, nullable=False),  # 0: in hand
    _text("headers"),  # JSON
    Column("body", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "api_key", "operation", "idempotency_key", name="pk_api_answer"),
    Index("ix_api_answer_at", "library", "at"),
)
"""What a repeated POST is answered with."""

webhook = Table(
    "webhook",
    metadata,
    _text("library"),
    _id("id"),
    _text("name"),
    _text("url"),
    _text("secret"),
    _text("kinds"),  # of events, with blanks between; empty: all
    Column("created", UtcDateTime, nullable=False),
    Column("enabled", Boolean, nullable=False),
    _text("disabled_why"),
    Column("failing_since", UtcDateTime),
    PrimaryKeyConstraint("library", "id", name="pk_webhook"),
)
"""Who is told of events. The secret signs each delivery, so it is kept as it is."""

copy_download = Table(
    "copy_download",
    metadata,
    _text("library"),
    _text("link"),
    Column("count", Integer, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "link", name="pk_copy_download"),
    Index("ix_copy_download_last", "library", "last_at"),
)
"""How often a delivered copy was fetched."""
