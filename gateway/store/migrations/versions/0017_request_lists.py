"""What requests are found and listed by: numbers, words, waiting times, assignees, labels, filters

Revision ID: 0017
Revises: 0016
"""

from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gateway.store.requests.request_facets import facet_counters
from gateway.store.requests.request_rows import (
    UnreadableDocumentError,
    parse_request,
    request_columns,
    search_columns,
)

revision = "0017"
down_revision = "0016"

IS_ASSIGNED = sa.text("assignee <> ''")
HAS_NEED_BY = sa.text("is_open AND need_by IS NOT NULL")

SLICE = 1_000
_NEXT = sa.text(
    "SELECT library, id, document FROM request WHERE library > :library OR (library = :library AND id > :id) "
    "ORDER BY library, id LIMIT :limit"
)
_FOLD = sa.text(
    "UPDATE request SET words = :words, terms = :terms, service = :service WHERE library = :library AND id = :id"
)
_ADD_TERM = sa.text(
    "INSERT INTO request_term (library, kind, term, request_id) VALUES (:library, :kind, :term, :id) "
    "ON CONFLICT DO NOTHING"
)

_COUNT = sa.text("INSERT INTO request_count (library, kind, name, slot, n) VALUES (:library, :kind, :name, 0, :n)")


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "request_term",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        id_column("term"),
        id_column("request_id"),
        sa.PrimaryKeyConstraint("library", "kind", "term", "request_id", name="pk_request_term"),
        sqlite_with_rowid=False,
    )
    op.add_column("request", sa.Column("terms", sa.Text, nullable=False, server_default=""))
    _add_waiting_times()
    _add_list_columns()
    _make_saved_filters()
    connection = op.get_bind()
    counts: Counter[tuple[str, str, str]] = Counter()
    for found in _iter_requests(connection, counts):
        connection.execute(_FOLD, found)
        terms = [
            {"library": one["library"], "id": one["id"], "kind": kind, "term": term}
            for one in found
            for kind, _, term in (line.partition(" ") for line in one["terms"].splitlines())
        ]
        connection.execute(_ADD_TERM, terms)
    if counts:
        names = ("library", "kind", "name")
        connection.execute(_COUNT, [{**dict(zip(names, key, strict=True)), "n": n} for key, n in counts.items()])


def _add_waiting_times() -> None:
    """What stands on a list of before waits there since its last change, as far as is known."""
    op.create_index(
        "ix_request_need_by",
        "request",
        ["library", "need_by", "id"],
        postgresql_where=HAS_NEED_BY,
        sqlite_where=HAS_NEED_BY,
    )
    op.add_column("request_task", sa.Column("since", sa.DateTime(timezone=True)))
    op.execute("UPDATE request_task SET since = changed")
    with op.batch_alter_table("request_task") as batch:
        batch.alter_column("since", nullable=False)
    op.create_index("ix_request_task_since", "request_task", ["library", "task", "since", "request_id"])


def _add_list_columns() -> None:
    for name in ("service", "assignee", "labels"):
        op.add_column("request", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index(
        "ix_request_assignee",
        "request",
        ["library", "assignee", "changed", "id"],
        postgresql_where=IS_ASSIGNED,
        sqlite_where=IS_ASSIGNED,
    )


def _make_saved_filters() -> None:
    op.create_table(
        "saved_filter",
        sa.Column("library", sa.Text, nullable=False),
        id_column("id"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("owner", "place", "name", "query")),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="pk_saved_filter"),
    )
    op.create_index("ix_saved_filter_place", "saved_filter", ["library", "place", "owner"])


def _iter_requests(connection: sa.Connection, counts: Counter[tuple[str, str, str]]) -> Iterator[list[dict[str, str]]]:
    """What requests of before are found by, slice by slice, counted as well; those whose documents can't be read are
    left out."""
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        found = []
        for row in rows:
            try:
                request = parse_request(row.document)
            except UnreadableDocumentError:
                continue
            plain = {"library": row.library, "id": row.id, "service": request.service.type.value}
            found.append({**plain, **search_columns(request)})
            columns = request_columns(request, 0)
            counts.update((row.library, kind, name) for kind, name in facet_counters(columns))
        if found:
            yield found
