"""Tables of the JSON API. Every row has a library, and every primary key begins with it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from gateway.store import columns
from gateway.store.tables import metadata
from gateway.store.types import UtcDateTime

server_secret = Table(
    "server_secret",
    metadata,
    columns.text("library"),
    columns.text("name"),
    Column("value", LargeBinary, nullable=False),
    columns.moment("created"),
    PrimaryKeyConstraint("library", "name", name="pk_server_secret"),
)
"""Random keys that the gateway made for itself: for hashing API keys, for signing links."""

api_key = Table(
    "api_key",
    metadata,
    columns.text("library"),
    columns.id_("prefix"),
    columns.text("name"),
    Column("digest", LargeBinary, nullable=False),
    columns.text("scopes"),  # with blanks between
    columns.moment("created"),
    Column("last_used", UtcDateTime),
    Column("revoked", UtcDateTime),
    PrimaryKeyConstraint("library", "prefix", name="pk_api_key"),
    Index("ix_api_key_prefix", "prefix", unique=True),  # a key is looked up before its library is known
)
"""Only a keyed hash of the key is here."""

api_answer = Table(
    "api_answer",
    metadata,
    columns.text("library"),
    columns.text("api_key"),
    columns.text("operation"),
    columns.text("idempotency_key"),
    Column("request", LargeBinary, nullable=False),  # digest of what was asked
    columns.integer("status"),  # 0: in hand
    columns.text("headers"),  # JSON
    Column("body", LargeBinary, nullable=False),
    columns.moment("at"),
    PrimaryKeyConstraint("library", "api_key", "operation", "idempotency_key", name="pk_api_answer"),
    Index("ix_api_answer_at", "library", "at"),
)
"""What a repeated POST is answered with."""

webhook = Table(
    "webhook",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.text("name"),
    columns.text("url"),
    columns.text("secret"),
    columns.text("kinds"),  # of events, with blanks between; empty: all
    columns.moment("created"),
    Column("enabled", Boolean, nullable=False),
    columns.text("disabled_why"),
    Column("failing_since", UtcDateTime),
    PrimaryKeyConstraint("library", "id", name="pk_webhook"),
)
"""Who is told of events. The secret signs each delivery, so it is kept as it is."""

copy_download = Table(
    "copy_download",
    metadata,
    columns.text("library"),
    columns.text("link"),
    columns.integer("count"),
    columns.moment("first_at"),
    columns.moment("last_at"),
    PrimaryKeyConstraint("library", "link", name="pk_copy_download"),
    Index("ix_copy_download_last", "library", "last_at"),
)
"""How often a delivered copy was fetched."""
