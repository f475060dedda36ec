"""Whether patrons have had what was borrowed for them

Revision ID: 0031
Revises: 0030
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

SLICE = 1_000

LOAN_OF_STATE = {"lent": "now", "lost": "now", "back": "over", "returned": "over", "completed": "over"}
"""By the state of a request of before, which told everybody who had reached it of a delivery."""

_NEXT = sa.text(
    "SELECT library, id, state, document FROM request WHERE role = 'borrowing' AND service <> 'copy' "
    "AND state IN ('lent', 'lost', 'back', 'returned', 'completed') "
    "AND (library > :library OR (library = :library AND id > :id)) ORDER BY library, id LIMIT :limit"
)
_KEEP = sa.text("UPDATE request SET document = :document WHERE library = :library AND id = :id")


def upgrade() -> None:
    connection = op.get_bind()
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        kept = [
            {"library": row.library, "id": row.id, "document": document}
            for row in rows
            if (document := _add_loan(row.document, LOAN_OF_STATE[row.state]))
        ]
        if kept:
            connection.execute(_KEEP, kept)


def _add_loan(document: str, loan: str) -> str:
    """Empty: it says so already, or can't be read."""
    try:
        request = json.loads(document)
        terms = request.setdefault("terms", {})
        if "patron_loan" in terms:
            return ""
        terms["patron_loan"] = loan
    except (ValueError, AttributeError, TypeError):
        return ""
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))
