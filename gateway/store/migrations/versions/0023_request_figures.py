"""What statistics are counted from: a row for each request and each partner that was asked

Revision ID: 0023
Revises: 0022
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import sqlalchemy as sa
from alembic import op
from pydantic import BaseModel, ValidationError
from sqlalchemy.dialects import postgresql

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

CAME = frozenset({"received", "lent", "back", "returned", "completed"})
SENT = CAME | {"shipped"}
"""States of either side."""

OUTCOMES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "borrowing": {
        "filled": CAME,
        "unfilled": frozenset({"unfilled", "expired", "lost"}),
        "cancelled": frozenset({"cancelled"}),
    },
    "lending": {
        "filled": frozenset({"shipped", "returned", "completed", "lost"}),
        "unfilled": frozenset({"unfilled", "expired", "forwarded"}),
        "cancelled": frozenset({"cancelled"}),
    },
}
"""States in which a request has that outcome; in all others it is open."""

OUTCOMES_OF_ATTEMPTS: Mapping[str, frozenset[str]] = {
    "filled": frozenset({"shipped", "completed", "extra", "extra-returned", "lost"}),
    "unfilled": frozenset({"unfilled", "retry", "expired", "rejected", "no-answer", "condition-refused"}),
    "cancelled": frozenset({"skipped", "cancelled"}),
}

WHOLE_REQUEST = 0
MAX_BRANCH_CHARS = 255
MAX_REASON_CHARS = 100


class StoredMoney(BaseModel):
    amount: Decimal
    currency: str


class StoredCosts(BaseModel):
    agreed: StoredMoney | None = None
    charged: StoredMoney | None = None


class StoredService(BaseModel):
    type: str = "loan"


class StoredParty(BaseModel):
    profile: str = ""


class StoredAttempt(BaseModel):
    number: int
    partner: str
    asked: datetime
    status: str = "asked"
    reason: str = ""


class StoredRequest(BaseModel):
    """Of the document of a request, what is read here."""

    v: Literal[1]
    library: str
    id: str
    role: Literal["borrowing", "lending"]
    state: str
    created: datetime
    service: StoredService = StoredService()
    branch: str = ""
    partner: StoredParty = StoredParty()
    costs: StoredCosts = StoredCosts()
    attempts: tuple[StoredAttempt, ...] = ()
    current: int = 0


class StoredDetails(BaseModel):
    reason: str = ""


class StoredEvent(BaseModel):
    v: Literal[1]
    details: StoredDetails = StoredDetails()


EventRow = sa.Row[tuple[datetime, str, str]]


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Requests of before count too: their history says when they were sent and came."""
    figures = op.create_table(
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
        connection.execute(figures.insert(), list(_iter_figures(request, events)))


def _iter_requests(connection: sa.Connection) -> Iterator[StoredRequest]:
    """Those whose documents can't be read are left out."""
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        for row in rows:
            try:
                yield StoredRequest.model_validate_json(row.document)
            except ValidationError:
                continue


def _iter_figures(request: StoredRequest, events: Sequence[EventRow]) -> Iterator[Mapping[str, object]]:
    """Rows: the request's first, then one for each partner asked. Hours count from the request's making, or from the
    asking; `cost` is in thousandths of the currency."""
    sent = next((_read_moment(one.at) for one in events if one.after in SENT), None)
    came = next((_read_moment(one.at) for one in events if one.after in CAME), None)
    came = came if request.role == "borrowing" else None
    filled = came if request.role == "borrowing" else sent
    outcome = "filled" if filled is not None else _find_outcome(request.state, OUTCOMES[request.role])
    price = request.costs.charged or request.costs.agreed
    alike = {
        "library": request.library,
        "request_id": request.id,
        "role": request.role,
        "is_copy": request.service.type == "copy",
        "branch": _clean_text(request.branch, MAX_BRANCH_CHARS),
    }
    is_refused_by_us = request.role == "lending" and outcome == "unfilled"
    yield {
        **alike,
        "month": _read_month(request.created),
        "attempt": WHOLE_REQUEST,
        "partner": request.partner.profile,
        "outcome": outcome,
        "reason": _clean_text(_find_reason(request, events), MAX_REASON_CHARS) if is_refused_by_us else "",
        "asked_hours": _count_hours(request.created, min((one.asked for one in request.attempts), default=None)),
        "sent_hours": _count_hours(request.created, sent),
        "came_hours": _count_hours(request.created, came),
        "currency": price.currency if price is not None else "",
        "cost": int((price.amount * 1000).quantize(Decimal(1), ROUND_HALF_UP)) if price is not None else 0,
    }
    for attempt in request.attempts:
        became = _find_outcome(attempt.status, OUTCOMES_OF_ATTEMPTS)
        has_supplied = became == "filled" and attempt.number == request.current
        said = attempt.reason if attempt.status == "unfilled" else attempt.status
        yield {
            **alike,
            "month": _read_month(attempt.asked),
            "attempt": attempt.number,
            "partner": attempt.partner,
            "outcome": became,
            "reason": _clean_text(said, MAX_REASON_CHARS) if became == "unfilled" else "",
            "asked_hours": None,
            "sent_hours": _count_hours(attempt.asked, sent) if has_supplied else None,
            "came_hours": _count_hours(attempt.asked, came) if has_supplied else None,
            "currency": "",
            "cost": 0,
        }


def _find_outcome(word: str, outcomes: Mapping[str, frozenset[str]]) -> str:
    return next((outcome for outcome, words in outcomes.items() if word in words), "open")


def _find_reason(request: StoredRequest, events: Sequence[EventRow]) -> str:
    """Why we did not supply, as was said last."""
    for row in reversed(events):
        try:
            said = StoredEvent.model_validate_json(row.document).details.reason
        except ValidationError:
            continue
        if said and row.after == request.state:
            return said
    return ""


def _read_month(moment: datetime) -> int:
    return moment.year * 100 + moment.month


def _count_hours(begin: datetime, end: datetime | None) -> int | None:
    return None if end is None else max(0, int((end - begin).total_seconds() // 3600))


def _read_moment(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _clean_text(value: str, limit: int) -> str:
    """As both databases take it."""
    value = f"{value[: limit - 1]}…" if len(value) > limit else value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
