"""The gateway's own tables; time-sorted ids.

Every row has a library, and every primary key begins with it. A message's id begins with its time, so the primary key
also serves lists (newest first), time ranges, retention and the joining of question and answer: the journal's fast
path keeps one index, not five.

An exchange's id is 24 hexadecimal digits: 14 for its moment in microseconds since 1970, 4 that count (so that
order holds within a microsecond), 6 by chance (so that nodes don't meet). UUIDv7 would do as well, but keeps
milliseconds only and needs 36 characters. Its messages are numbered: `…-1` asks, `…-2` answers.
"""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Boolean, Column, Float, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text, text

from gateway.sql import column_types

metadata = MetaData()

PENDING = text("outcome = 'pending'")
HAS_REQUEST = text("request_id <> ''")
HAS_ITEM = text("item_id <> ''")
IS_REPLAY = text("replay_of <> ''")
HAS_PATRON_MARK = text("patron_mark <> ''")
IS_TROUBLE = text("outcome NOT IN ('ok', 'pending') AND direction = 'in'")
"""Conditions of the partial indexes; a query must repeat one word by word to be served by its index."""

message = Table(
    "message",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("exchange"),
    column_types.text_column("direction"),
    column_types.text_column("profile"),
    column_types.text_column("protocol"),
    column_types.text_column("transport"),
    column_types.text_column("service"),
    column_types.text_column("version"),
    column_types.text_column("peer"),
    column_types.text_column("from_agency"),
    column_types.text_column("to_agency"),
    column_types.text_column("request_id"),
    column_types.text_column("item_id"),
    column_types.moment_column("at"),  # received or sent
    Column("body", LargeBinary),  # NULL once forgotten
    column_types.integer_column("body_size"),  # bytes on the wire
    Column("truncated", Boolean, nullable=False),
    column_types.text_column("body_key"),  # id of the key that encrypted the body; empty: as it came
    column_types.text_column("content_type"),
    column_types.integer_column("status"),  # of HTTP; 0 where the transport has none
    column_types.text_column("outcome"),
    column_types.text_column("reason"),
    column_types.text_column("note"),
    Column("duration_ms", Float, nullable=False),
    column_types.text_column("repeat_of"),
    column_types.text_column("replay_of"),
    Column("node", Text, nullable=False, server_default=""),  # that began the work; empty where work and end are one
    # digest of the number by which it names a patron (`mark_patron`), as long as its body is kept
    Column("patron_mark", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("library", "id", name="pk_message"),
    Index("ix_message_request", "library", "request_id", "id", postgresql_where=HAS_REQUEST, sqlite_where=HAS_REQUEST),
    Index("ix_message_item", "library", "item_id", "id", postgresql_where=HAS_ITEM, sqlite_where=HAS_ITEM),
    Index("ix_message_pending", "library", "outcome", "id", postgresql_where=PENDING, sqlite_where=PENDING),
    Index("ix_message_replay", "library", "replay_of", "id", postgresql_where=IS_REPLAY, sqlite_where=IS_REPLAY),
    Index(
        "ix_message_patron",
        "library",
        "patron_mark",
        postgresql_where=HAS_PATRON_MARK,
        sqlite_where=HAS_PATRON_MARK,
    ),
    Index("ix_message_trouble", "library", "id", postgresql_where=IS_TROUBLE, sqlite_where=IS_TROUBLE),
)
"""The journal: one row per message in or out. Credentials are in no column: they are taken out of the body."""

message_request = Table(
    "message_request",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("request_id"),  # of the managed request, whatever the message calls it
    column_types.id_column("exchange"),
    PrimaryKeyConstraint("library", "request_id", "exchange", name="pk_message_request"),
    Index("ix_message_request_exchange", "library", "exchange"),
)
"""Which managed requests an exchange is about: one mail may hold the orders of many. Not a column of `message`: most
messages are about none."""

processed_message = Table(
    "processed_message",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("profile"),
    column_types.text_column("key"),
    column_types.text_column("first_message"),
    column_types.text_column("answer_message"),
    column_types.integer_column("count"),
    column_types.moment_column("first_at"),
    column_types.moment_column("last_at"),
    PrimaryKeyConstraint("library", "profile", "key", name="pk_processed_message"),
    Index("ix_processed_message_last", "library", "last_at"),
)
"""What makes a message idempotent: the digest of what it asks for, and the answer it got."""

retention = Table(
    "retention",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("bodies_until"),  # bodies of messages with an id up to this one are forgotten
    PrimaryKeyConstraint("library", name="pk_retention"),
)
"""How far forgetting has come, so that it never looks at the same rows again."""

interrupted = Table(
    "interrupted",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),  # of the message
    column_types.integer_column("starts"),
    PrimaryKeyConstraint("library", "id", name="pk_interrupted"),
)
"""Messages without an outcome that a start has taken up, and how often; gone when they are finished. Not a column of
`message`: every message would pay for it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

QUESTION = "-1"
ANSWER = "-2"

AFTER_ALL = "g"
"""Sorts behind every id."""

_count = itertools.count()


def make_exchange_id(at: datetime) -> str:
    """A new id for an exchange that begins at `at` (aware)."""
    return f"{_microseconds_of(at):014x}{next(_count) & 0xFFFF:04x}{random.getrandbits(24):06x}"


def first_id_at(at: datetime) -> str:
    """Sorts before all ids that were made at `at` or later, and behind all earlier ones."""
    return f"{_microseconds_of(at):014x}"


def next_moment_after(id_: str) -> datetime:
    """The first at which every id sorts behind this one."""
    return EPOCH + MICROSECOND * (int(id_[:14], 16) + 1)


def exchange_of_message(identifier: str) -> str:
    """The exchange that a message belongs to; an exchange's own id is returned as it is."""
    return identifier.partition("-")[0]


def _microseconds_of(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND
