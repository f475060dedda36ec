"""Figures that statistics are counted from: written with every change of a request, summed up by the database by
months."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, func, select, update

from gateway.domain.requests.events import RequestEnding
from gateway.domain.requests.request import Request, Role, ServiceType
from gateway.domain.requests.request_figures import (
    HAS_COME,
    SUPPLIER_STEP,
    WAS_SENT,
    WHOLE_REQUEST,
    CostSum,
    EndingCount,
    FigureCount,
    FigureFilter,
    HoursCount,
    PartnerHours,
    ReasonCount,
    RequestFigure,
    RequestOutcome,
    SupplyMoments,
    find_supply_moments,
    list_request_figures,
)
from gateway.domain.requests.stored_fields import is_code
from gateway.domain.value import dump_fields
from gateway.sql.column_types import clean_text
from gateway.sql.statements import prepare_sql
from gateway.store.requests.tables import request_figure

MAX_REASON_CHARS = 100

_names = [column.name for column in request_figure.c]
_ROW_KEY = ("library", "month", "request_id", "attempt")
_WRITE = prepare_sql(
    f"INSERT INTO request_figure ({', '.join(_names)}) VALUES ({', '.join(f':{name}' for name in _names)}) "
    "ON CONFLICT (library, month, request_id, attempt) DO UPDATE SET "
    "partner = excluded.partner, branch = excluded.branch, is_copy = excluded.is_copy, "
    "currency = excluded.currency, cost = excluded.cost, "
    "outcome = CASE WHEN request_figure.outcome = 'filled' THEN 'filled' ELSE excluded.outcome END, "
    "reason = CASE WHEN excluded.outcome = 'unfilled' AND excluded.reason = '' "
    "THEN request_figure.reason ELSE excluded.reason END, "
    "asked_hours = COALESCE(request_figure.asked_hours, excluded.asked_hours), "
    "sent_hours = COALESCE(request_figure.sent_hours, excluded.sent_hours), "
    "came_hours = COALESCE(request_figure.came_hours, excluded.came_hours)",
    request_figure,
    row_key=_ROW_KEY,
)
"""What has happened once stays: when it was sent and came, and that it was filled."""


def update_request_figures(connection: Connection, now: Request, reason: str = "") -> None:
    """Update figures after each change of a request. `reason`: why we did not supply it, where that was just said."""
    write_request_figures(connection, now.library, now.id, list_request_figures(now, find_supply_moments(now), reason))


def forget_words_of_reasons(connection: Connection, request: Request) -> None:
    """Those that a partner wrote in place of a code. `request`: as it was before it forgot its patron."""
    months = {figure.month for figure in list_request_figures(request, find_supply_moments(request))}
    mine = (_c.library == request.library, _c.month.in_(sorted(months)), _c.request_id == request.id)
    for reason in connection.execute(select(_c.reason).where(*mine, _c.reason != "")).scalars().all():
        if not is_code(reason):
            connection.execute(update(request_figure).where(*mine, _c.reason == reason).values(reason=""))


def write_request_figures(
    connection: Connection, library: str, request_id: str, figures: Iterable[RequestFigure]
) -> None:
    rows = [
        {
            **dump_fields(
                figure,
                role=figure.role.value,
                branch=clean_text(figure.branch),
                outcome=figure.outcome.value,
                reason=clean_text(figure.reason, MAX_REASON_CHARS),
            ),
            "library": library,
            "request_id": request_id,
        }
        for figure in figures
    ]
    _WRITE.execute_many(connection, rows)


_OF_FIGURE = "WHERE library = :library AND month = :month AND request_id = :request_id AND attempt = :attempt"
_NOT_COME = prepare_sql(
    f"UPDATE request_figure SET outcome = :outcome, came_hours = NULL {_OF_FIGURE}", request_figure, row_key=_ROW_KEY
)
_NOT_SENT = prepare_sql(
    f"UPDATE request_figure SET outcome = :outcome, came_hours = NULL, sent_hours = NULL {_OF_FIGURE}",
    request_figure,
    row_key=_ROW_KEY,
)


def withdraw_supply(connection: Connection, now: Request) -> None:
    """Withdraw from the figures what is here, or was sent, by a mistake that is undone, or didn't serve."""
    if now.role is Role.BORROWING and now.state in HAS_COME:
        return
    rows = [
        {
            "library": now.library,
            "request_id": now.id,
            "month": figure.month,
            "attempt": figure.attempt,
            "outcome": figure.outcome.value,
        }
        for figure in list_request_figures(now, SupplyMoments())
    ]
    (_NOT_COME if now.state in WAS_SENT else _NOT_SENT).execute_many(connection, rows)


# --- reading ---------------------------------------------------------------------------------------------


_c = request_figure.c

HOURS = {"asked": _c.asked_hours, "sent": _c.sent_hours, "came": _c.came_hours}
"""From the request's making until the first partner was asked, it was sent, it came."""


def count_figures(connection: Connection, figure_filter: FigureFilter) -> tuple[FigureCount, ...]:
    """The cost grows with the requests of these months, which an index leads through in this order; at most months ×
    partners × 16 rows come for each place in the rota."""
    alike = (_c.month, _c.role, _c.is_copy, _c.attempt, _c.partner, _c.outcome)
    query = select(*alike, func.count()).where(*_list_conditions(figure_filter)).group_by(*alike)
    return tuple(
        FigureCount(
            month=month,
            role=Role(role),
            is_copy=bool(is_copy),
            attempt=attempt,
            partner=partner,
            outcome=RequestOutcome(outcome),
            count=count,
        )
        for month, role, is_copy, attempt, partner, outcome, count in connection.execute(query)
    )


_behind = request_figure.alias()
_REPEATS_OTHERS = (
    select(_behind.c.attempt)
    .where(
        _behind.c.library == _c.library,
        _behind.c.month == _c.month,
        _behind.c.request_id == _c.request_id,
        _c.attempt > WHOLE_REQUEST,
        _behind.c.attempt.between(_c.attempt * SUPPLIER_STEP + 1, (_c.attempt + 1) * SUPPLIER_STEP - 1),
        _behind.c.outcome == RequestOutcome.UNFILLED.value,
    )
    .exists()
)


def count_reasons(connection: Connection, figure_filter: FigureFilter) -> tuple[ReasonCount, ...]:
    """The most frequent first. A broker's last word only repeats what the libraries behind it have said."""
    by_role = ((_c.role == Role.BORROWING.value) & (_c.attempt != WHOLE_REQUEST)) | (
        (_c.role == Role.LENDING.value) & (_c.attempt == WHOLE_REQUEST)
    )
    number = func.count().label("n")
    query = (
        select(_c.role, _c.reason, number)
        .where(*_list_conditions(figure_filter), by_role, _c.outcome == RequestOutcome.UNFILLED.value, ~_REPEATS_OTHERS)
        .group_by(_c.role, _c.reason)
        .order_by(number.desc(), _c.reason)
    )
    return tuple(ReasonCount(Role(role), reason, count) for role, reason, count in connection.execute(query))


_ENDINGS = frozenset(RequestEnding)


def count_endings(connection: Connection, figure_filter: FigureFilter) -> tuple[EndingCount, ...]:
    """The most frequent first."""
    number = func.count().label("n")
    of_ended = (_c.role == Role.BORROWING.value, _c.attempt == WHOLE_REQUEST, _c.reason != "")
    not_filled = _c.outcome.in_((RequestOutcome.UNFILLED.value, RequestOutcome.CANCELLED.value))
    query = (
        select(_c.reason, number)
        .where(*_list_conditions(figure_filter), *of_ended, not_filled)
        .group_by(_c.reason)
        .order_by(number.desc(), _c.reason)
    )
    rows = connection.execute(query)
    return tuple(EndingCount(RequestEnding(reason), count) for reason, count in rows if reason in _ENDINGS)


def sum_costs(connection: Connection, figure_filter: FigureFilter) -> tuple[CostSum, ...]:
    query = (
        select(_c.role, _c.currency, func.count(), func.sum(_c.cost))
        .where(*_list_conditions(figure_filter), *_FILLED_WHOLE, _c.currency != "", _c.cost > 0)
        .group_by(_c.role, _c.currency)
        .order_by(_c.role, _c.currency)
    )
    return tuple(
        CostSum(Role(role), currency, count, int(total)) for role, currency, count, total in connection.execute(query)
    )


def count_hours_taken(connection: Connection, figure_filter: FigureFilter, step: str) -> tuple[HoursCount, ...]:
    """Count the hours of filled requests. `step`: a name in HOURS."""
    hours = HOURS[step]
    query = (
        select(_c.role, _c.is_copy, hours, func.count())
        .where(*_list_conditions(figure_filter), *_FILLED_WHOLE, hours.is_not(None))
        .group_by(_c.role, _c.is_copy, hours)
    )
    return tuple(
        HoursCount(Role(role), bool(is_copy), taken, count) for role, is_copy, taken, count in connection.execute(query)
    )


def count_partner_hours(connection: Connection, wanted: FigureFilter) -> tuple[PartnerHours, ...]:
    """Count the hours of partners themselves, each from when it was asked; what others were asked for before is not
    their time."""
    query = (
        select(_c.partner, _c.sent_hours, func.count())
        .where(*_list_conditions(wanted), *_OF_PARTNER, _c.role == Role.BORROWING.value, _c.sent_hours.is_not(None))
        .group_by(_c.partner, _c.sent_hours)
    )
    return tuple(PartnerHours(partner, hours, count) for partner, hours, count in connection.execute(query))


def list_branches(connection: Connection, figure_filter: FigureFilter) -> tuple[str, ...]:
    """Codes of those that have requests in these months, whichever is chosen."""
    of_months = (_c.library == figure_filter.library, _c.month.between(figure_filter.first, figure_filter.last))
    named = (_c.attempt == WHOLE_REQUEST, _c.branch != "")
    return tuple(sorted(connection.execute(select(_c.branch).where(*of_months, *named).distinct()).scalars()))


_OF_PARTNER = (_c.attempt > WHOLE_REQUEST, _c.attempt < SUPPLIER_STEP)
_FILLED_WHOLE = (_c.attempt == WHOLE_REQUEST, _c.outcome == RequestOutcome.FILLED.value)


def _list_conditions(figure_filter: FigureFilter) -> list[ColumnElement[bool]]:
    conditions = [_c.library == figure_filter.library, _c.month.between(figure_filter.first, figure_filter.last)]
    if figure_filter.branch:
        conditions.append(_c.branch == figure_filter.branch)
    if figure_filter.partner:
        conditions.append(_c.partner == figure_filter.partner)
    if figure_filter.service is not None:
        conditions.append(_c.is_copy == (figure_filter.service is ServiceType.COPY))
    return conditions
