"""Tables of managed requests. Every row has a library, and every primary key begins with it.

A request is one JSON document; the columns beside it are what lists, checks and counts look for. Names of patrons
are in documents and payloads only.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import postgresql

from gateway.store.tables import metadata
from gateway.store.types import UtcDateTime

IS_OPEN = text("is_open")
HAS_PARTNER = text("partner <> ''")
HAS_PATRON = text("patron_id <> ''")
IS_READY = text("ready_at IS NOT NULL")
IN_LANE = text("ended IS NULL AND lane <> ''")
HAS_ENDED = text("ended IS NOT NULL")
IS_GATHERED = text("status = 'waiting' AND kind IN ('gather', 'order')")
"""Conditions of the partial indexes; a query must repeat one word by word to be served by its index."""


def _text(name: str) -> Column[str]:
    """Empty when there is nothing to say."""
    return Column(name, Text, nullable=False)


def _id(name: str) -> Column[str]:
    """Text that sorts by its bytes, whatever language the database was made for."""
    return Column(name, Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


request = Table(
    "request",
    metadata,
    _text("library"),
    _id("id"),
    _text("role"),
    _text("state"),
    Column("is_open", Boolean, nullable=False),
    _text("number"),
    _text("partner"),  # profile of the current partner
    _text("patron_id"),
    _text("branch"),
    Column("created", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    Column("need_by", Date),
    _text("fingerprint"),
    _text("words"),  # folded number, title and author, to search in
    _text("tasks"),  # names of the task lists that it is on, with a blank between
    _text("external"),  # its numbers elsewhere, one a line: what request_external has
    _text("loads"),  # the partner among whose open requests it counts
    _count("supplied"),  # number of the newest attempt that is counted in request_supply
    _count("version"),
    _text("document"),
    PrimaryKeyConstraint("library", "id", name="pk_request"),
    Index("ix_request_number", "library", "number", unique=True),
    Index("ix_request_changed", "library", "changed", "id"),
    Index("ix_request_state", "library", "role", "state", "changed", "id"),
    Index("ix_request_open", "library", "role", "changed", "id", postgresql_where=IS_OPEN, sqlite_where=IS_OPEN),
    Index(
        "ix_request_partner",
        "library",
        "partner",
        "changed",
        "id",
        postgresql_where=HAS_PARTNER,
        sqlite_where=HAS_PARTNER,
    ),
    Index(
        "ix_request_patron",
        "library",
        "patron_id",
        "changed",
        "id",
        postgresql_where=HAS_PATRON,
        sqlite_where=HAS_PATRON,
    ),
    Index(
        "ix_request_similar",
        "library",
        "patron_id",
        "fingerprint",
        "created",
        postgresql_where=HAS_PATRON,
        sqlite_where=HAS_PATRON,
    ),
)

request_task = Table(
    "request_task",
    metadata,
    _text("library"),
    _text("task"),
    Column("changed", UtcDateTime, nullable=False),
    _id("request_id"),
    PrimaryKeyConstraint("library", "task", "changed", "request_id", name="pk_request_task"),
)
"""Which requests stand on which task list, in the order of the list: a page of it is one stretch of this key."""

request_count = Table(
    "request_count",
    metadata,
    _text("library"),
    _text("kind"),  # task, or the role of requests that are counted by partner
    _text("name"),
    _count("slot"),
    _count("n"),
    PrimaryKeyConstraint("library", "kind", "name", "slot", name="pk_request_count"),
)
"""Exact counts, kept with every change, so that asking costs the same whatever there is to count. The sum over the
slots counts: requests are spread over them, so that nodes that change different requests seldom wait for a row."""

request_supply = Table(
    "request_supply",
    metadata,
    _text("library"),
    Column("day", Date, nullable=False),
    _text("partner"),
    _count("n"),
    Column("seconds", BigInteger, nullable=False),  # from asking to shipping, summed up
    PrimaryKeyConstraint("library", "day", "partner", name="pk_request_supply"),
)

request_external = Table(
    "request_external",
    metadata,
    _text("library"),
    _text("value"),
    _id("request_id"),
    PrimaryKeyConstraint("library", "value", "request_id", name="pk_request_external"),
)

request_barcode = Table(
    "request_barcode",
    metadata,
    _text("library"),
    _text("barcode"),
    _id("request_id"),
    PrimaryKeyConstraint("library", "barcode", "request_id", name="pk_request_barcode"),
    Index("ix_request_barcode_request", "library", "request_id"),
)
"""Items of open requests: what a scan at a desk is about."""

request_transaction = Table(
    "request_transaction",
    metadata,
    _text("library"),
    _text("role"),
    _text("symbol"),
    _text("reference"),
    _id("request_id"),
    _count("attempt"),
    PrimaryKeyConstraint("library", "role", "symbol", "reference", name="pk_request_transaction"),
)

partner_message = Table(
    "partner_message",
    metadata,
    _text("library"),
    _text("profile"),
    _text("message_id"),
    _id("request_id"),
    _text("refused"),
    _text("reason"),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "profile", "message_id", name="pk_partner_message"),
    Index("ix_partner_message_at", "at", "library"),
)

request_event = Table(
    "request_event",
    metadata,
    _text("library"),
    _id("id"),
    _id("request_id"),
    Column("at", UtcDateTime, nullable=False),
    _text("before"),
    _text("after"),
    _text("denied"),
    _text("note"),
    _text("document"),
    PrimaryKeyConstraint("library", "id", name="pk_request_event"),
    Index("ix_request_event_request", "library", "request_id", "id"),
)

request_timer = Table(
    "request_timer",
    metadata,
    _text("library"),
    _id("request_id"),
    _text("timer"),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "request_id", "timer", name="pk_request_timer"),
    Index("ix_request_timer_at", "at", "library", "request_id", "timer"),
)

request_file = Table(
    "request_file",
    metadata,
    _text("library"),
    _id("id"),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("library", "id", name="pk_request_file"),
)

sequence = Table(
    "sequence",
    metadata,
    _text("library"),
    _text("name"),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("library", "name", name="pk_sequence"),
)

outbox = Table(
    "outbox",
    metadata,
    _text("library"),
    _id("id"),
    _text("lane"),
    _count("place"),  # in the lane
    _text("kind"),
    _text("target"),
    _id("request_id"),
    _text("payload"),
    _text("status"),
    _count("tries"),
    Column("created", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("ready_at", UtcDateTime),  # when it may be claimed; NULL while its lane is not free, and at the end
    Column("lease_until", UtcDateTime),
    _text("node"),
    Column("ended", UtcDateTime),
    _text("error"),
    _text("note"),
    PrimaryKeyConstraint("library", "id", name="pk_outbox"),
    Index("ix_outbox_ready", "ready_at", "library", "id", postgresql_where=IS_READY, sqlite_where=IS_READY),
    Index("ix_outbox_lane", "library", "lane", "place", postgresql_where=IN_LANE, sqlite_where=IN_LANE),
    Index("ix_outbox_status", "status", "library", "id"),
    Index("ix_outbox_request", "library", "request_id", "id"),
    Index("ix_outbox_kind", "library", "kind", "id"),
    Index("ix_outbox_ended", "ended", "library", "id", postgresql_where=HAS_ENDED, sqlite_where=HAS_ENDED),
    Index(
        "ix_outbox_gathered",
        "library",
        "target",
        "kind",
        "id",
        postgresql_where=IS_GATHERED,
        sqlite_where=IS_GATHERED,
    ),
)

outbox_lane = Table(
    "outbox_lane",
    metadata,
    _text("library"),
    _text("lane"),
    _id("head"),
    _count("last"),
    PrimaryKeyConstraint("library", "lane", name="pk_outbox_lane"),
)
"""Lanes with unfinished rows: whose turn it is, and the place of the last in the queue. Whoever joins or leaves a
lane locks its row here first, so that nodes agree on the order."""

filed_order = Table(
    "filed_order",
    metadata,
    _text("library"),
    _text("profile"),
    _text("number"),  # of the file: what the partner quotes
    _count("place"),  # in the file, from 1
    _id("file_id"),  # row of the outbox that sends the file
    _id("order_id"),  # row of the outbox that is the order
    _id("request_id"),
    _text("reference"),  # the number by which both sides know the request
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "profile", "number", "place", name="pk_filed_order"),
    Index("ix_filed_order_file", "library", "file_id", "place"),
    Index("ix_filed_order_order", "library", "order_id"),
    Index("ix_filed_order_at", "at", "library"),
)
"""Which orders went, or are to go, in which mail."""

network_report = Table(
    "network_report",
    metadata,
    _text("library"),
    _text("member"),
    _text("said_library"),
    _text("open"),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "member", name="pk_network_report"),
)
"""What each member of the network said last, by its profile: the symbol that it gives itself, and as JSON, the requests
that it has open with each supplier."""
