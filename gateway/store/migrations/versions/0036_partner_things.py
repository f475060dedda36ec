"""Which partner made which items, holds, loans and patrons

Revision ID: 0036
Revises: 0035
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

MADE_BY = frozenset({"place-request", "accept-item", "create-item", "create-patron", "check-out", "notice"})
"""Second part of the keys under which partners made things: 'PROFILE/SERVICE/…'."""

SLICE = 1_000

_CHANGES = sa.text(
    "SELECT library, kind, key, record_id, request_id, barcode, begun FROM library_change "
    "WHERE kind IN ('temporary-item', 'item', 'hold', 'check-out', 'patron') AND ended IS NOT NULL AND record_id <> '' "
    "ORDER BY begun"
)
_KINDS = {"temporary-item": "item", "item": "item", "hold": "hold", "check-out": "loan", "patron": "patron"}

_EMBEDDED = {
    "item": "SELECT library, id, key, request_id, barcode, created AS made FROM embedded_items "
    "WHERE key IS NOT NULL AND deleted IS NULL",
    "hold": "SELECT h.library, h.id, h.key, h.request_id, i.barcode, h.placed AS made FROM embedded_holds h "
    "LEFT JOIN embedded_items i ON i.library = h.library AND i.id = h.item_id WHERE h.closed IS NULL",
    "loan": "SELECT l.library, l.id, l.key, l.request_id, i.barcode, l.lent AS made FROM embedded_loans l "
    "LEFT JOIN embedded_items i ON i.library = l.library AND i.id = l.item_id WHERE l.returned IS NULL",
    "patron": "SELECT library, id, key, '' AS request_id, '' AS barcode, created AS made FROM embedded_patrons "
    "WHERE key IS NOT NULL",
}
"""What is there in the built-in library, whose tables have a history of their own."""

_KEEP = sa.text(
    "INSERT INTO partner_thing (library, kind, thing, profile, request_id, barcode, made_at) "
    "VALUES (:library, :kind, :thing, :profile, :request_id, :barcode, :made_at) ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    op.create_table(
        "partner_thing",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("thing", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("barcode", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("library", "kind", "thing", name="pk_partner_thing"),
    )
    op.create_index("ix_partner_thing_request", "partner_thing", ["library", "request_id"])
    op.create_index("ix_partner_thing_made", "partner_thing", ["made_at"])
    connection = op.get_bind()
    changes = connection.execute(_CHANGES).all()
    rows = [row for change in changes for row in _make_row(change, _KINDS[change.kind], change.record_id, change.begun)]
    if sa.inspect(connection).has_table("embedded_items"):
        for kind, query in _EMBEDDED.items():
            rows += [
                row for made in connection.execute(sa.text(query)) for row in _make_row(made, kind, made.id, made.made)
            ]
    for start in range(0, len(rows), SLICE):
        connection.execute(_KEEP, rows[start : start + SLICE])


def _make_row(made: sa.Row[tuple[object, ...]], kind: str, thing: str, at: object) -> Iterator[dict[str, object]]:
    """Nothing for what the library's own work has made."""
    profile, _, rest = (made.key or "").partition("/")
    if profile and rest.partition("/")[0].partition(":")[0] in MADE_BY:
        yield {
            "library": made.library,
            "kind": kind,
            "thing": thing,
            "profile": profile,
            "request_id": made.request_id,
            "barcode": made.barcode or "",
            "made_at": at,
        }
