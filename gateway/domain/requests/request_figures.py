"""Figures that statistics keep of a request and of each partner that was asked for it: no patron, no title, no number
that people know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from gateway.domain.library import Money
from gateway.domain.requests.events import RequestEnding
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    Role,
    ServiceType,
    State,
    SupplierAttempt,
)
from gateway.domain.requests.supplier_takeover import is_behind_partner
from gateway.domain.value import replace, value_object

WHOLE_REQUEST = 0
"""In place of the number of an attempt."""

SUPPLIER_STEP = 1_000
"""Times the number of an attempt, and a place from 1 on: in place of the number, for a library behind that partner."""


class RequestOutcome(StrEnum):
    """`filled`: borrowing: it came; lending: it was sent. Once filled, always filled."""

    OPEN = "open"
    FILLED = "filled"
    UNFILLED = "unfilled"
    CANCELLED = "cancelled"


@value_object(kw_only=True)
class RequestFigure:
    """The figures of a request (`attempt` is WHOLE_REQUEST), of one partner that was asked for it, or of a library
    behind that one (SUPPLIER_STEP; `partner` is its symbol). `month`: of the request's making, or of the asking, UTC:
    202611. Hours count from there: until the first partner was asked, until it was sent, until it came; None: not
    (yet). `cost` in thousandths of the currency."""

    attempt: int
    month: int
    role: Role
    is_copy: bool
    branch: str
    partner: str
    outcome: RequestOutcome
    reason: str = ""
    asked_hours: int | None = None
    sent_hours: int | None = None
    came_hours: int | None = None
    currency: str = ""
    cost: int = 0


@value_object
class SupplyMoments:
    """The moments when it was sent and when it came, as far as that has happened; aware UTC."""

    sent: datetime | None = None
    came: datetime | None = None


HAS_COME: frozenset[State] = frozenset(
    {
        BorrowingState.RECEIVED,
        BorrowingState.LENT,
        BorrowingState.BACK,
        BorrowingState.RETURNED,
        BorrowingState.COMPLETED,
    }
)
WAS_SENT: frozenset[State] = frozenset(
    {*HAS_COME, BorrowingState.SHIPPED, LendingState.SHIPPED, LendingState.RETURNED, LendingState.COMPLETED}
)
"""Of either side: they have states of the same word, which are equal."""

_FILLED: Mapping[Role, frozenset[State]] = {
    Role.BORROWING: HAS_COME,
    Role.LENDING: frozenset({LendingState.SHIPPED, LendingState.RETURNED, LendingState.COMPLETED, LendingState.LOST}),
}
_UNFILLED: Mapping[Role, frozenset[State]] = {
    Role.BORROWING: frozenset({BorrowingState.UNFILLED, BorrowingState.EXPIRED, BorrowingState.LOST}),
    Role.LENDING: frozenset({LendingState.UNFILLED, LendingState.EXPIRED, LendingState.FORWARDED}),
}
_CANCELLED: frozenset[State] = frozenset({BorrowingState.CANCELLED, LendingState.CANCELLED})

_FILLED_ATTEMPT = frozenset(
    {
        AttemptStatus.SHIPPED,
        AttemptStatus.COMPLETED,
        AttemptStatus.EXTRA,
        AttemptStatus.EXTRA_RETURNED,
        AttemptStatus.LOST,
    }
)
_UNFILLED_ATTEMPT = frozenset(
    {
        AttemptStatus.UNFILLED,
        AttemptStatus.RETRY,
        AttemptStatus.EXPIRED,
        AttemptStatus.REJECTED,
        AttemptStatus.NO_ANSWER,
        AttemptStatus.CONDITION_REFUSED,
    }
)
_CANCELLED_ATTEMPT = frozenset({AttemptStatus.SKIPPED, AttemptStatus.CANCELLED})


def find_supply_moments(request: Request) -> SupplyMoments:
    """Find the moments that the request tells when it has just changed: a later change must not move them."""
    moment = request.changed if request.state in WAS_SENT else None
    came = request.changed if request.role is Role.BORROWING and request.state in HAS_COME else None
    return SupplyMoments(moment, came)


def list_request_figures(request: Request, moments: SupplyMoments, reason: str = "") -> tuple[RequestFigure, ...]:
    """The request's first, then one for each partner asked, then those of libraries behind brokers. `reason`: why we
    did not supply, where that was just said."""
    return (
        _build_request_figure(request, moments, reason),
        *(_build_attempt_figure(request, attempt, moments) for attempt in request.attempts),
        *(figure for attempt in request.attempts for figure in _list_supplier_figures(request, attempt, moments)),
    )


def _list_supplier_figures(
    request: Request, attempt: SupplierAttempt, moments: SupplyMoments
) -> Iterator[RequestFigure]:
    """List the figures of the libraries behind a broker: those that are out, and the one in hand."""
    whole, first = _build_attempt_figure(request, attempt, moments), attempt.number * SUPPLIER_STEP + 1
    for place, past in enumerate(attempt.former[: SUPPLIER_STEP - 2], first):
        reason = past.reason if past.status is AttemptStatus.UNFILLED else past.status.value
        outcome = outcome_of_attempt(past.status)
        reason = reason if outcome is RequestOutcome.UNFILLED else ""
        yield replace(
            whole, attempt=place, partner=past.symbol, outcome=outcome, reason=reason, sent_hours=None, came_hours=None
        )
    if is_behind_partner(attempt):
        yield replace(whole, attempt=first + len(attempt.former), partner=attempt.supplier.symbol)


def _build_request_figure(request: Request, moments: SupplyMoments, reason: str) -> RequestFigure:
    outcome = _find_outcome(request, moments)
    moment = min((attempt.asked for attempt in request.attempts), default=None)
    price = request.costs.charged or request.costs.agreed
    return RequestFigure(
        attempt=WHOLE_REQUEST,
        month=month_of_moment(request.created),
        role=request.role,
        is_copy=request.service.type is ServiceType.COPY,
        branch=request.branch,
        partner=request.partner.profile,
        outcome=outcome,
        reason=_find_figure_reason(request, outcome, reason),
        asked_hours=count_hours(request.created, moment),
        sent_hours=count_hours(request.created, moments.sent),
        came_hours=count_hours(request.created, moments.came),
        currency=price.currency if price is not None else "",
        cost=count_thousandths(price),
    )


def _find_figure_reason(request: Request, outcome: RequestOutcome, reason: str) -> str:
    """Lending: why we did not supply it; borrowing: how staff have closed it."""
    if request.role is Role.BORROWING:
        return request.ending.value if request.ending is not None and outcome is not RequestOutcome.FILLED else ""
    return reason if outcome is RequestOutcome.UNFILLED else ""


def _build_attempt_figure(request: Request, attempt: SupplierAttempt, moments: SupplyMoments) -> RequestFigure:
    outcome = outcome_of_attempt(attempt.status)
    counts = attempt.number == request.current and outcome is RequestOutcome.FILLED
    reason = ""
    if outcome is RequestOutcome.UNFILLED:
        reason = attempt.reason if attempt.status is AttemptStatus.UNFILLED else attempt.status.value
    return RequestFigure(
        attempt=attempt.number,
        month=month_of_moment(attempt.asked),
        role=request.role,
        is_copy=request.service.type is ServiceType.COPY,
        branch=request.branch,
        partner=attempt.partner,
        outcome=outcome,
        reason=reason,
        sent_hours=count_hours(attempt.asked, moments.sent) if counts else None,
        came_hours=count_hours(attempt.asked, moments.came) if counts else None,
    )


def _find_outcome(request: Request, moments: SupplyMoments) -> RequestOutcome:
    filled = moments.came if request.role is Role.BORROWING else moments.sent
    if filled is not None or request.state in _FILLED[request.role]:
        return RequestOutcome.FILLED
    if request.state in _UNFILLED[request.role]:
        return RequestOutcome.UNFILLED
    return RequestOutcome.CANCELLED if request.state in _CANCELLED else RequestOutcome.OPEN


def outcome_of_attempt(status: AttemptStatus) -> RequestOutcome:
    if status in _FILLED_ATTEMPT:
        return RequestOutcome.FILLED
    if status in _UNFILLED_ATTEMPT:
        return RequestOutcome.UNFILLED
    return RequestOutcome.CANCELLED if status in _CANCELLED_ATTEMPT else RequestOutcome.OPEN


def month_of_moment(moment: datetime) -> int:
    return moment.year * 100 + moment.month


_MONTH = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])")


def format_month_value(month: int) -> str:
    """Format 202607 as 2026-07, as fields, files and the API have it."""
    return f"{month // 100}-{month % 100:02}"


def parse_month_value(text: str) -> int:
    """Parse 2026-07 as 202607. Raises ValueError: it is no such month."""
    match = _MONTH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no month such as 2026-07")
    return int(match[1]) * 100 + int(match[2])


def count_hours(begin: datetime, end: datetime | None) -> int | None:
    """Whole hours, never below 0."""
    return None if end is None else max(0, int((end - begin).total_seconds() // 3600))


def count_thousandths(price: Money | None) -> int:
    return 0 if price is None else int((price.amount * 1000).quantize(Decimal(1), ROUND_HALF_UP))


# --- summed up -------------------------------------------------------------------------------------------


@value_object(kw_only=True)
class FigureFilter:
    """`first` and `last`: months, such as 202601, both included. `branch` and `partner` empty: all.
    `service`: LOAN or COPY; None: both."""

    library: str
    first: int
    last: int
    branch: str = ""
    partner: str = ""
    service: ServiceType | None = None


@value_object(kw_only=True)
class FigureCount:
    """The number of requests that are alike in all this; `attempt`: WHOLE_REQUEST, or askings of a partner as the
    first, second …"""

    month: int
    role: Role
    is_copy: bool
    attempt: int
    partner: str
    outcome: RequestOutcome
    count: int


@value_object
class ReasonCount:
    """`role` BORROWING: why partners did not supply us; LENDING: why we did not. `reason` empty: none was said."""

    role: Role
    reason: str
    count: int


@value_object
class EndingCount:
    """Borrowing requests that staff have closed so."""

    ending: RequestEnding
    count: int


@value_object
class CostSum:
    """The sum of filled requests that cost something. `total` in thousandths of the currency."""

    role: Role
    currency: str
    count: int
    total: int


@value_object
class HoursCount:
    """The number of filled requests that took so many whole hours."""

    role: Role
    is_copy: bool
    hours: int
    count: int


@value_object
class PartnerHours:
    """The number of things borrowed that this partner sent so many whole hours after it was asked."""

    partner: str
    hours: int
    count: int
