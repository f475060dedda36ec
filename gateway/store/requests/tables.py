"""Tables of managed requests. Every row has a library, and every primary key begins with it.

A request is one JSON document; the columns beside it are what lists, checks and counts look for. Names of patrons
are in documents and payloads only.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.store.schema import metadata

IS_OPEN = text("is_open")
HAS_PARTNER = text("partner <> ''")
HAS_PATRON = text("patron_id <> ''")
IS_ASSIGNED = text("assignee <> ''")
HAS_NEED_BY = text("is_open AND need_by IS NOT NULL")
IS_READY = text("ready_at IS NOT NULL")
IN_LANE = text("ended IS NULL AND lane <> ''")
HAS_ENDED = text("ended IS NOT NULL")
IS_GATHERED = text("status = 'waiting' AND kind IN ('gather', 'order')")
IS_UNREAD = text("read_at IS NULL")
"""Conditions of the partial indexes; a query must repeat one word by word to be served by its index."""

request = Table(
    "request",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("role"),
    column_types.text_column("state"),
    Column("is_open", Boolean, nullable=False),
    column_types.id_column("number"),
    column_types.text_column("partner"),  # profile of the current partner
    column_types.text_column("patron_id"),
    column_types.text_column("branch"),  # whose desk has to do with it (`Request.desk`)
    Column("service", Text, nullable=False, server_default=""),
    Column("assignee", Text, nullable=False, server_default=""),
    Column("labels", Text, nullable=False, server_default=""),  # one a line, with an end of line before and behind each
    column_types.moment_column("created"),
    column_types.moment_column("changed"),
    Column("need_by", Date),
    column_types.text_column("fingerprint"),
    column_types.text_column("words"),  # folded number, title and author, to search in
    Column("title", column_types.SORTED_TEXT, nullable=False, server_default=""),  # folded, to sort by; not the whole
    column_types.text_column("tasks"),  # names of the task lists that it is on, with a blank between
    column_types.text_column("external"),  # its numbers elsewhere, one a line: what request_external has
    Column("terms", Text, nullable=False, server_default=""),  # what request_term has, one a line: kind and term
    column_types.text_column("loads"),  # the partner among whose open requests it counts
    column_types.integer_column("supplied"),  # number of the newest attempt that is counted in request_supply
    column_types.integer_column("version"),
    column_types.text_column("document"),
    PrimaryKeyConstraint("library", "id", name="pk_request"),
    Index("ix_request_number", "library", "number", unique=True),
    Index("ix_request_changed", "library", "changed", "id"),
    Index("ix_request_state", "library", "role", "state", "changed", "id"),
    # the state first: a query by role alone is not to take them for the short way to an assignee or a partner
    Index("ix_request_state_number", "library", "state", "role", "number", "id"),
    Index("ix_request_state_title", "library", "state", "role", "title", "id"),
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
        "ix_request_assignee",
        "library",
        "assignee",
        "changed",
        "id",
        postgresql_where=IS_ASSIGNED,
        sqlite_where=IS_ASSIGNED,
    ),
    Index(
        "ix_request_need_by",
        "library",
        "need_by",
        "id",
        postgresql_where=HAS_NEED_BY,
        sqlite_where=HAS_NEED_BY,
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
    column_types.text_column("library"),
    column_types.text_column("task"),
    column_types.moment_column("changed"),
    column_types.id_column("request_id"),
    column_types.moment_column("since"),  # when the request came on the list
    PrimaryKeyConstraint("library", "task", "changed", "request_id", name="pk_request_task"),
    Index("ix_request_task_since", "library", "task", "since", "request_id"),
)
"""Which requests stand on which task list, in the order of the list: a page of it is one stretch of this key."""

request_count = Table(
    "request_count",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("kind"),  # task, or the role of requests that are counted by partner
    column_types.text_column("name"),
    column_types.integer_column("slot"),
    column_types.integer_column("n"),
    PrimaryKeyConstraint("library", "kind", "name", "slot", name="pk_request_count"),
)
"""Exact counts, kept with every change, so that asking costs the same whatever there is to count. The sum over the
slots counts: requests are spread over them, so that nodes that change different requests seldom wait for a row."""

request_supply = Table(
    "request_supply",
    metadata,
    column_types.text_column("library"),
    Column("day", Date, nullable=False),
    column_types.text_column("partner"),
    column_types.integer_column("n"),
    column_types.bigint_column("seconds"),  # from asking to shipping, summed up
    PrimaryKeyConstraint("library", "day", "partner", name="pk_request_supply"),
)

request_figure = Table(
    "request_figure",
    metadata,
    column_types.text_column("library"),
    column_types.integer_column("month"),  # 202611, UTC
    column_types.id_column("request_id"),
    column_types.integer_column("attempt"),  # 0: the request as a whole
    column_types.text_column("role"),
    Column("is_copy", Boolean, nullable=False),
    column_types.text_column("branch"),
    column_types.text_column("partner"),
    column_types.text_column("outcome"),
    column_types.text_column("reason"),
    Column("asked_hours", Integer),
    Column("sent_hours", Integer),
    Column("came_hours", Integer),
    column_types.text_column("currency"),
    column_types.bigint_column("cost"),  # thousandths of the currency
    PrimaryKeyConstraint("library", "month", "request_id", "attempt", name="pk_request_figure"),
    Index("ix_request_figure", "library", "month", "role", "is_copy", "attempt", "partner", "outcome"),
    sqlite_with_rowid=False,  # read by months: the rows lie in the order of the key
)
"""What statistics are counted from (`domain.requests.request_figures`): no patron, and it stays as it is when a request
forgets its patron."""

request_external = Table(
    "request_external",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("value"),
    column_types.id_column("request_id"),
    PrimaryKeyConstraint("library", "value", "request_id", name="pk_request_external"),
)

request_barcode = Table(
    "request_barcode",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("barcode"),
    column_types.id_column("request_id"),
    PrimaryKeyConstraint("library", "barcode", "request_id", name="pk_request_barcode"),
    Index("ix_request_barcode_request", "library", "request_id"),
)
"""Items of open requests: what a scan at a desk is about."""

request_term = Table(
    "request_term",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("kind"),
    column_types.id_column("term"),
    column_types.id_column("request_id"),
    PrimaryKeyConstraint("library", "kind", "term", "request_id", name="pk_request_term"),
    sqlite_with_rowid=False,  # the key is all there is: kept once, not twice
)
"""Numbers and words by which requests are found (`domain.requests.search_terms`)."""

request_transaction = Table(
    "request_transaction",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("role"),
    column_types.text_column("symbol"),
    column_types.text_column("reference"),
    column_types.id_column("request_id"),
    column_types.integer_column("attempt"),
    PrimaryKeyConstraint("library", "role", "symbol", "reference", name="pk_request_transaction"),
    Index("ix_request_transaction_request", "library", "request_id"),
)

partner_message = Table(
    "partner_message",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("profile"),
    column_types.text_column("message_id"),
    column_types.id_column("request_id"),
    column_types.text_column("refused"),
    column_types.text_column("reason"),
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "profile", "message_id", name="pk_partner_message"),
    Index("ix_partner_message_at", "at", "library"),
)

request_event = Table(
    "request_event",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.id_column("request_id"),
    column_types.moment_column("at"),
    column_types.text_column("before"),
    column_types.text_column("after"),
    column_types.text_column("denied"),
    column_types.text_column("note"),
    column_types.text_column("document"),
    Column("exchange", Text, nullable=False, server_default=""),  # of the journal: the message that it came from
    PrimaryKeyConstraint("library", "id", name="pk_request_event"),
    Index("ix_request_event_request", "library", "request_id", "id"),
)

request_message = Table(
    "request_message",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("event_id"),  # of the history, which has the text
    column_types.id_column("request_id"),
    column_types.text_column("role"),
    column_types.text_column("kind"),
    column_types.integer_column("attempt"),
    column_types.moment_column("at"),
    Column("read_at", UtcDateTime),
    column_types.text_column("read_by"),
    PrimaryKeyConstraint("library", "event_id", name="pk_request_message"),
    Index("ix_request_message_request", "library", "request_id", "event_id"),
    Index(
        "ix_request_message_unread",
        "library",
        "role",
        "event_id",
        postgresql_where=IS_UNREAD,
        sqlite_where=IS_UNREAD,
    ),
)
"""Partners' messages that are for people, and who has read them: the first of the house who does, for all."""

request_timer = Table(
    "request_timer",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("request_id"),
    column_types.text_column("timer"),
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "request_id", "timer", name="pk_request_timer"),
    Index("ix_request_timer_at", "at", "library", "request_id", "timer"),
    Index("ix_request_timer_library_at", "library", "at", "request_id", "timer"),
)

request_file = Table(
    "request_file",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("library", "id", name="pk_request_file"),
)

sequence = Table(
    "sequence",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("name"),
    column_types.bigint_column("value"),
    PrimaryKeyConstraint("library", "name", name="pk_sequence"),
)

outbox = Table(
    "outbox",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("lane"),
    column_types.integer_column("place"),  # in the lane
    column_types.text_column("kind"),
    column_types.text_column("target"),
    column_types.id_column("request_id"),
    column_types.text_column("payload"),
    column_types.text_column("status"),
    column_types.integer_column("tries"),
    column_types.moment_column("created"),
    column_types.moment_column("next_at"),
    Column("ready_at", UtcDateTime),  # when it may be claimed; NULL while its lane is not free, and at the end
    Column("lease_until", UtcDateTime),
    column_types.text_column("node"),
    Column("ended", UtcDateTime),
    column_types.text_column("error"),
    column_types.text_column("note"),
    column_types.text_column("error_sentence"),  # what `error` was made of, by `dump_sentence`
    PrimaryKeyConstraint("library", "id", name="pk_outbox"),
    Index("ix_outbox_ready", "ready_at", "library", "id", postgresql_where=IS_READY, sqlite_where=IS_READY),
    Index("ix_outbox_library_ready", "library", "ready_at", "id", postgresql_where=IS_READY, sqlite_where=IS_READY),
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
    column_types.text_column("library"),
    column_types.text_column("lane"),
    column_types.id_column("head"),
    column_types.integer_column("last"),
    PrimaryKeyConstraint("library", "lane", name="pk_outbox_lane"),
)
"""Lanes with unfinished rows: whose turn it is, and the place of the last in the queue. Whoever joins or leaves a
lane locks its row here first, so that nodes agree on the order."""

filed_order = Table(
    "filed_order",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("profile"),
    column_types.text_column("number"),  # of the file: what the partner quotes
    column_types.integer_column("place"),  # in the file, from 1
    column_types.id_column("file_id"),  # row of the outbox that sends the file
    column_types.id_column("order_id"),  # row of the outbox that is the order
    column_types.id_column("request_id"),
    column_types.text_column("reference"),  # the number by which both sides know the request
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "profile", "number", "place", name="pk_filed_order"),
    Index("ix_filed_order_file", "library", "file_id", "place"),
    Index("ix_filed_order_order", "library", "order_id"),
    Index("ix_filed_order_at", "at", "library"),
)
"""Which orders went, or are to go, in which mail."""

order_file = Table(
    "order_file",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("row_id"),  # row of the outbox that sends it
    column_types.moment_column("at"),
    column_types.text_column("document"),  # in the channel's own words, without secrets
    PrimaryKeyConstraint("library", "row_id", name="pk_order_file"),
)
"""Order files as they were first tried, until they are sent: each try is the same."""

network_report = Table(
    "network_report",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("member"),
    column_types.text_column("said_library"),
    column_types.text_column("open"),
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "member", name="pk_network_report"),
)
"""What each member of the network said last, by its profile: the symbol that it gives itself, and as JSON, the requests
that it has open with each supplier."""
