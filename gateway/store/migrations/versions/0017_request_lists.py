"""What requests are found by, and since when they wait on which list

Revision ID: 0017
Revises: 0016
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gateway.store.requests.request_rows import UnreadableDocumentError, parse_request, search_columns

revision = "0017"
down_revision = "0016"

HAS_NEED_BY = sa.text("is_open AND need_by IS NOT NULL")

SLICE = 1_000
_NEXT = sa.text(
    "SELECT library, id, document FROM request WHERE library > :library OR (library = :library AND id > :id) "
    "ORDER BY library, id LIMIT :limit"
)
_FOLD = sa.text("UPDATE request SET words = :words, terms = :terms WHERE library = :library AND id = :id")
_ADD_TERM = sa.text(
    "INSERT INTO request_term (library, kind, term, request_id) VALUES (:library, :kind, :term, :id) "
    "ON CONFLICT DO NOTHING"
)


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
    connection = op.get_bind()
    for found in _iter_requests(connection):
        connection.execute(_FOLD, found)
        terms = [
            {"library": one["library"], "id": one["id"], "kind": kind, "term": term}
            for one in found
            for kind, _, term in (line.partition(" ") for line in one["terms"].splitlines())
        ]
        connection.execute(_ADD_TERM, terms)


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


def _iter_requests(connection: sa.Connection) -> Iterator[list[dict[str, str]]]:
    """What requests of before are found by, slice by slice; those whose documents can't be read are left out."""
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        found = []
        for row in rows:
            try:
                found.append({"library": row.library, "id": row.id, **search_columns(parse_request(row.document))})
            except UnreadableDocumentError:
                continue
        if found:
            yield found
