"""What statistics are counted from: a row for each request and each partner that was asked

Revision ID: 0023
Revises: 0022
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.request_figures import HAS_COME, WAS_SENT, SupplyMoments, list_request_figures
from gateway.store.requests.request_figures import write_request_figures
from gateway.store.requests.request_rows import UnreadableDocumentError, parse_event, parse_request

revision = "0023"
down_revision = "0022"

SLICE = 500
_NEXT = sa.text(
    "SELECT library, id, document FROM request WHERE library > :library OR (library = :library AND id > :id) "
    "ORDER BY library, id LIMIT :limit"
)
_EVENTS = sa.text(
    "SELECT at, after, document FROM request_event WHERE library = :library AND request_id = :id AND denied = '' "
    "ORDER BY id"
).columns(at=sa.DateTime(timezone=True))

SENT = frozenset(state.value for state in WAS_SENT)
CAME = frozenset(state.value for state in HAS_COME)


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Requests of before count too: their history says when they were sent and came."""
    op.create_table(
        "request_figure",
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("month", sa.Integer, nullable=False),
        id_column("request_id"),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("is_copy", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("branch", "partner", "outcome", "reason")),
        *(sa.Column(name, sa.Integer, nullable=True) for name in ("asked_hours", "sent_hours", "came_hours")),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("library", "month", "request_id", "attempt", name="pk_request_figure"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_request_figure",
        "request_figure",
        ["library", "month", "role", "is_copy", "attempt", "partner", "outcome"],
    )
    connection = op.get_bind()
    for request in _iter_requests(connection):
        events = connection.execute(_EVENTS, {"library": request.library, "id": request.id}).all()
        figures = list_request_figures(request, _find_moments(request, events), _find_reason(request, events))
        write_request_figures(connection, request.library, request.id, figures)


def _iter_requests(connection: sa.Connection) -> Iterator[Request]:
    """Those whose documents can't be read are left out."""
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        for row in rows:
            try:
                yield parse_request(row.document)
            except UnreadableDocumentError:
                continue


def _find_moments(request: Request, events: Sequence[sa.Row[tuple[datetime, str, str]]]) -> SupplyMoments:
    sent = next((_in_utc(one.at) for one in events if one.after in SENT), None)
    came = next((_in_utc(one.at) for one in events if one.after in CAME), None)
    return SupplyMoments(sent, came if request.role is Role.BORROWING else None)


def _find_reason(request: Request, events: Sequence[sa.Row[tuple[datetime, str, str]]]) -> str:
    """Why we did not supply, as was said last."""
    if request.role is Role.BORROWING:
        return ""
    for row in reversed(events):
        try:
            said = parse_event(row.document).details.reason
        except UnreadableDocumentError:
            continue
        if said and row.after == request.state.value:
            return said
    return ""


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
