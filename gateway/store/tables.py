"""The gateway's own tables. Every row has a library, and every primary key begins with it.

A message's id begins with its time (gateway.store.ids), so the primary key also serves lists (newest first),
time ranges, retention and the joining of question and answer: the journal's fast path keeps one index, not five.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import postgresql

from gateway.store.types import UtcDateTime

metadata = MetaData()

PENDING = text("outcome = 'pending'")
HAS_REQUEST = text("request_id <> ''")
HAS_ITEM = text("item_id <> ''")
"""Conditions of the partial indexes; a query must repeat one word by word to be served by its index."""


def _text(name: str) -> Column[str]:
    """Empty when there is nothing to say."""
    return Column(name, Text, nullable=False)


def _id(name: str) -> Column[str]:
    """Text that sorts by its bytes, whatever language the database was made for."""
    return Column(name, Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


message = Table(
    "message",
    metadata,
    _text("library"),
    _id("id"),
    _text("exchange"),
    _text("direction"),
    _text("profile"),
    _text("protocol"),
    _text("transport"),
    _text("service"),
    _text("version"),
    _text("peer"),
    _text("from_agency"),
    _text("to_agency"),
    _text("request_id"),
    _text("item_id"),
    Column("at", UtcDateTime, nullable=False),  # received or sent
    Column("body", LargeBinary),  # NULL once forgotten
    Column("body_size", Integer, nullable=False),  # bytes on the wire
    Column("truncated", Boolean, nullable=False),
    _text("body_key"),  # id of the key that encrypted the body; empty: as it came
    _text("content_type"),
    Column("status", Integer, nullable=False),  # of HTTP; 0 where the transport has none
    _text("outcome"),
    _text("reason"),
    _text("note"),
    Column("duration_ms", Float, nullable=False),
    _text("repeat_of"),
    _text("replay_of"),
    Column("node", Text, nullable=False, server_default=""),  # that began the work; empty where work and end are one
    PrimaryKeyConstraint("library", "id", name="pk_message"),
    Index("ix_message_request", "library", "request_id", "id", postgresql_where=HAS_REQUEST, sqlite_where=HAS_REQUEST),
    Index("ix_message_item", "library", "item_id", "id", postgresql_where=HAS_ITEM, sqlite_where=HAS_ITEM),
    Index("ix_message_pending", "library", "outcome", "id", postgresql_where=PENDING, sqlite_where=PENDING),
)
"""The journal: one row per message in or out. Credentials are in no column but, raw, in the body."""

processed_message = Table(
    "processed_message",
    metadata,
    _text("library"),
    _text("profile"),
    _text("key"),
    _text("first_message"),
    _text("answer_message"),
    Column("count", Integer, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "profile", "key", name="pk_processed_message"),
    Index("ix_processed_message_last", "library", "last_at"),
)
"""What makes a message idempotent: the digest of what it asks for, and the answer it got."""

retention = Table(
    "retention",
    metadata,
    _text("library"),
    _id("bodies_until"),  # bodies of messages with an id up to this one are forgotten
    PrimaryKeyConstraint("library", name="pk_retention"),
)
"""How far forgetting has come, so that it never looks at the same rows again."""
