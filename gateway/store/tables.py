"""The gateway's own tables. Every row has a library, and every primary key begins with it.

A message's id begins with its time (gateway.store.ids), so the primary key also serves lists (newest first),
time ranges, retention and the joining of question and answer: the journal's fast path keeps one index, not five.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text, text

from gateway.store import columns

metadata = MetaData()

PENDING = text("outcome = 'pending'")
HAS_REQUEST = text("request_id <> ''")
HAS_ITEM = text("item_id <> ''")
"""Conditions of the partial indexes; a query must repeat one word by word to be served by its index."""

message = Table(
    "message",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.text("exchange"),
    columns.text("direction"),
    columns.text("profile"),
    columns.text("protocol"),
    columns.text("transport"),
    columns.text("service"),
    columns.text("version"),
    columns.text("peer"),
    columns.text("from_agency"),
    columns.text("to_agency"),
    columns.text("request_id"),
    columns.text("item_id"),
    columns.moment("at"),  # received or sent
    Column("body", LargeBinary),  # NULL once forgotten
    columns.integer("body_size"),  # bytes on the wire
    Column("truncated", Boolean, nullable=False),
    columns.text("body_key"),  # id of the key that encrypted the body; empty: as it came
    columns.text("content_type"),
    columns.integer("status"),  # of HTTP; 0 where the transport has none
    columns.text("outcome"),
    columns.text("reason"),
    columns.text("note"),
    Column("duration_ms", Float, nullable=False),
    columns.text("repeat_of"),
    columns.text("replay_of"),
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
    columns.text("library"),
    columns.text("profile"),
    columns.text("key"),
    columns.text("first_message"),
    columns.text("answer_message"),
    columns.integer("count"),
    columns.moment("first_at"),
    columns.moment("last_at"),
    PrimaryKeyConstraint("library", "profile", "key", name="pk_processed_message"),
    Index("ix_processed_message_last", "library", "last_at"),
)
"""What makes a message idempotent: the digest of what it asks for, and the answer it got."""

retention = Table(
    "retention",
    metadata,
    columns.text("library"),
    columns.id_("bodies_until"),  # bodies of messages with an id up to this one are forgotten
    PrimaryKeyConstraint("library", name="pk_retention"),
)
"""How far forgetting has come, so that it never looks at the same rows again."""

interrupted = Table(
    "interrupted",
    metadata,
    columns.text("library"),
    columns.id_("id"),  # of the message
    columns.integer("starts"),
    PrimaryKeyConstraint("library", "id", name="pk_interrupted"),
)
"""Messages without an outcome that a start has taken up, and how often; gone when they are finished. Not a column of
`message`: every message would pay for it."""
