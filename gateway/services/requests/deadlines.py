"""Deadlines: when timers are due, by business days of the library's calendar, and when the patron's loan ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from gateway.domain import due_dates
from gateway.domain.due_dates import due_moment
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests import rota
from gateway.domain.requests.calendar import Calendar, NoOpenDayError
from gateway.domain.requests.partner_policy import Closure, PartnerPolicy, TimeLimit, Workflow
from gateway.domain.requests.request import BorrowingState, Request, RequestFlag, Role
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.task_lists import COMES_HERE
from gateway.domain.value import replace, value_object
from gateway.services.requests.library_context import LibraryContext

PARTNER_TIMERS = frozenset({TimerKind.ANSWER, TimerKind.CHASE, TimerKind.RENEWAL})
"""Timers that wait for a partner: they stand still while it is closed (facts/users-want.md 20)."""


@value_object
class _TimerContext:
    context: LibraryContext
    request: Request
    workflow: Workflow
    now: datetime
    partners: Mapping[str, PartnerPolicy]

    @property
    def closures(self) -> tuple[Closure, ...]:
        """The closures of the request's partner."""
        partner = self.partners.get(self.request.partner.profile)
        return partner.closures if partner is not None else ()

    def add_business_days(self, days: int) -> datetime:
        return self.context.calendar.add_open_days(self.now, days)

    def add_partner_days(self, days: int) -> datetime:
        return self.add_partner_limit(f"{days}d")

    def add_partner_limit(self, limit: TimeLimit) -> datetime:
        """Business days on which the partner is there too. One that never is again is not waited for longer."""
        calendar = self.context.calendar
        try:
            return _exclude_closures(calendar, self.closures).add_time_limit(self.now, limit)
        except NoOpenDayError:
            return calendar.add_time_limit(self.now, limit)

    def drop_known_overdue(self, due: datetime | None) -> datetime | None:
        """A date that is over already, and is known to be: nobody is told twice."""
        over = due is not None and due <= self.now and RequestFlag.OVERDUE in self.request.flags
        return None if over else due

    def end_of_day(self, day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), time.min, self.context.zone)


def timer_due(
    context: LibraryContext,
    timer: TimerKind,
    request: Request,
    now: datetime,
    partners: Mapping[str, PartnerPolicy] = MappingProxyType({}),
) -> datetime | None:
    """None: this timer has nothing to wait for, or only for a day at the end of all days (9999-12-31 is sent for
    "whenever"). `partners`: with all their closures, for PARTNER_TIMERS and RETRY."""
    try:
        return _RULES[timer](_TimerContext(context, request, context.workflow(request), now, partners))
    except OverflowError:
        return None


def find_reopening(context: LibraryContext, now: datetime, closures: Iterable[Closure]) -> datetime | None:
    """Find when a partner that is closed today is there again, on a business day; None: it is there, or never again."""
    closed = tuple(closures)
    today = context.calendar.day_of_moment(now)
    if not any(closure.includes_day(today) for closure in closed):
        return None
    try:
        return _exclude_closures(context.calendar, closed).add_open_days(now, 1)
    except NoOpenDayError:
        return None


def _exclude_closures(calendar: Calendar, closures: tuple[Closure, ...]) -> Calendar:
    return replace(calendar, closed=(*calendar.closed, *closures))


def _need_by_due(case: _TimerContext) -> datetime | None:
    dates = case.request.dates
    return case.end_of_day(dates.need_by) if dates.need_by is not None and dates.expires else None


def _answer_due(case: _TimerContext) -> datetime | None:
    if case.request.role is Role.LENDING:  # a state of both sides has one word, and is equal to the other's
        return case.add_partner_days(case.workflow.lending.condition_days)
    rules = case.workflow.borrowing
    match case.request.state:
        case BorrowingState.CONDITIONAL:
            return case.add_partner_days(rules.condition_days)
        case BorrowingState.CANCEL_PENDING:
            return case.add_partner_days(rules.cancel_days)
    return case.add_partner_limit(rules.answer or f"{rules.answer_days}d")


def _retry_due(case: _TimerContext) -> datetime | None:
    """Midnight at which the day begins on which a supplier can be asked that can't be now."""
    context = case.context
    today = context.calendar.day_of_moment(case.now)
    day = rota.first_retry_day(case.request, context.policy(), case.partners, today, context.zone)
    return datetime.combine(day, time.min, case.context.zone) if day is not None else None


def _patron_due(case: _TimerContext) -> datetime | None:
    return case.drop_known_overdue(case.request.terms.patron_due)


def _reminder_due(case: _TimerContext) -> datetime | None:
    days, end = case.workflow.patron.due_soon_days, case.request.terms.patron_due
    if not days or end is None:
        return None
    at = end - timedelta(days=days)
    return at if at > case.now else None


def _lender_due(case: _TimerContext) -> datetime | None:
    if not case.workflow.lending.overdue_notices:
        return None
    end = due_moment(case.request.terms.lender_due, case.context.due_dates(case.request), case.context.zone)
    return case.drop_known_overdue(
        case.context.calendar.add_open_days(end, case.workflow.lending.overdue_days) if end is not None else None
    )


def _return_due(case: _TimerContext) -> datetime | None:
    """Return the deadline; nobody waits here for what goes straight back to another library's supplier."""
    is_awaited = COMES_HERE.holds(case.request)
    return case.add_business_days(case.workflow.lending.return_days) if is_awaited else None


def _shelf_due(case: _TimerContext) -> datetime | None:
    """Return the deadline; nobody collects here what we broker."""
    return case.add_business_days(case.workflow.patron.shelf_days) if case.request.other_leg is None else None


def _anonymisation_due(case: _TimerContext) -> datetime | None:
    return case.now + timedelta(days=case.context.policy().retention.anonymise_days)


_RULES: dict[TimerKind, Callable[[_TimerContext], datetime | None]] = {
    TimerKind.NEED_BY: _need_by_due,
    TimerKind.ANSWER: _answer_due,
    TimerKind.RETRY: _retry_due,
    TimerKind.CHASE: lambda case: case.add_partner_days(case.workflow.borrowing.ship_days),
    TimerKind.RENEWAL: lambda case: case.add_partner_days(case.workflow.borrowing.renewal_answer_days),
    TimerKind.PATRON_DUE: _patron_due,
    TimerKind.DUE_SOON: _reminder_due,
    TimerKind.LENDER_DUE: _lender_due,
    TimerKind.RETURN: _return_due,
    TimerKind.SHELF: _shelf_due,
    TimerKind.QUERY: lambda case: case.add_business_days(case.workflow.patron.query_days),
    TimerKind.ANONYMISE: _anonymisation_due,
}


def compute_renewed_due(context: LibraryContext, request: Request, days: int) -> date:
    """Compute until when a loan is renewed by `days`, whoever grants it: a rule, staff, or nobody in time. Raises
    NoOpenDayError."""
    return due_dates.extend_lender_due(request.terms.lender_due, context.now(), days, context.calendar)


def complete_request(context: LibraryContext, before: Request, after: Request) -> Request:
    """Complete what the tables can't know: the partner's name and address by its profile, the patron's due date and the
    time for an answer by its rules."""
    partner = after.partner
    if partner.profile != before.partner.profile and not partner.name and context.partner(partner.profile) is not None:
        after = replace(after, partner=context.party_of_partner(partner.profile))
    if before.partner.email != after.partner.email or before.partner.address != after.partner.address:
        after = replace(after, partner=context.add_addresses_of_profile(after.partner))
    return _with_answer_by(context, before, _with_patron_due(context, before, after))


def _with_answer_by(context: LibraryContext, before: Request, after: Request) -> Request:
    """Set until when the patron may answer: as long as the timer waits."""
    query = after.query
    if query is None or query.answer_by is not None or (before.query is not None and before.query.id == query.id):
        return after
    return replace(after, query=replace(query, answer_by=timer_due(context, TimerKind.QUERY, after, query.asked)))


def _with_patron_due(context: LibraryContext, before: Request, after: Request) -> Request:
    """The patron's own due date follows the lender's by the rules of the partner's profile; both are kept."""
    if after.role is not Role.BORROWING or after.terms.lender_due == before.terms.lender_due:
        return after
    try:
        patron_due = due_dates.patron_due_for_request(
            after.terms.lender_due, context.due_dates(after), context.calendar, context.zone, after.changed, None
        )
    except Refused as refused:
        if refused.reason is not RefusalReason.INVALID_DATE:
            raise
        # nothing is left of the loan: it is due at once, and staff see both dates
        patron_due = after.changed
    return replace(after, terms=replace(after.terms, patron_due=patron_due))
