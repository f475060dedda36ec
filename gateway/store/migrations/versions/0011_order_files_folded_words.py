"""Order files as they were first tried; requests' words folded anew

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gateway.store.requests.request_rows import UnreadableDocumentError, folded_columns, parse_request

revision = "0011"
down_revision = "0010"

SLICE = 1_000
_NEXT = sa.text(
    "SELECT library, id, document FROM request WHERE library > :library OR (library = :library AND id > :id) "
    "ORDER BY library, id LIMIT :limit"
)
_FOLD = sa.text("UPDATE request SET fingerprint = :fingerprint, words = :words WHERE library = :library AND id = :id")


def upgrade() -> None:
    op.create_table(
        "order_file",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("row_id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("library", "row_id", name="pk_order_file"),
    )
    _fold_requests(op.get_bind())


def _fold_requests(connection: sa.Connection) -> None:
    """Matching, fingerprints and search had foldings of their own, which differ for texts beyond ASCII. By the rules of
    the release that runs this: whoever changes them again folds anew in a migration of that release."""
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        folded = [one for row in rows if not row.document.isascii() and (one := _fold_request(row)) is not None]
        if folded:
            connection.execute(_FOLD, folded)


def _fold_request(row: sa.Row[tuple[str, str, str]]) -> dict[str, str] | None:
    """None: its document can't be read, so nobody finds it by these columns either."""
    try:
        return {"library": row.library, "id": row.id, **folded_columns(parse_request(row.document))}
    except UnreadableDocumentError:
        return None
