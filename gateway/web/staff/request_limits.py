"""What decides the next act on a request: days, and prices beside what it may cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import BorrowingState, Request, RequestFlag, Role, RotaLineStatus
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.views import RequestView
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.web.staff.request_panels import label_lender_due
from gateway.web.staff.request_story import name_partner
from gateway.web.staff.request_words import NextMove
from gateway.web.staff.staff_request import StaffRequest


@value_object(kw_only=True)
class ShownLimit:
    """`is_late`: the remark says that it is too much, or too late."""

    label: str
    value: str
    remark: str = ""
    is_late: bool = False


_AWAITED: Mapping[str, str] = {
    TimerKind.ANSWER: mark_text("Answer expected by"),
    TimerKind.CHASE: mark_text("Shipment expected by"),
    TimerKind.RENEWAL: mark_text("Renewal answer expected by"),
}
"""Timers that wait for the partner, and the label of their moment."""

_CHASED_RETURN = mark_text("Check-in expected by")
"""The label of a partner that is asked after what we have returned."""

_WANTED = (
    *(BorrowingState.REVIEW, BorrowingState.NO_SUPPLIER, BorrowingState.REQUESTED, BorrowingState.CONDITIONAL),
    *(BorrowingState.HOLD_PLACED, BorrowingState.WILL_SUPPLY, BorrowingState.LOST),
)
"""The patron has not had it, or has lost it: whether it is still worth while depends on the day."""


def list_limits(page: StaffRequest, view: RequestView, move: NextMove) -> list[ShownLimit]:
    """List what decides the next act: until when it is wanted, and what it may cost; or until when the partner is
    waited for, or an item that is late."""
    request, gettext = view.request, page.gettext
    due_dates = _list_due_dates(page, request)
    is_late = request.open and not request.flags.isdisjoint({RequestFlag.RECALLED, RequestFlag.OVERDUE})
    if not move.ours:
        words = {**_AWAITED, TimerKind.CHASE: _CHASED_RETURN} if request.state is BorrowingState.RETURNED else _AWAITED
        awaited = [
            ShownLimit(label=gettext(words[timer.timer]), value=page.format_moment(timer.at))
            for timer in view.timers
            if timer.timer in words
        ]
        return [*awaited, *(due_dates if is_late else ())]
    limits = []
    if request.role is Role.BORROWING and request.state in _WANTED:
        need_by = request.dates.need_by
        day = page.format_day(need_by) if need_by is not None else gettext("no date given")
        limits.append(ShownLimit(label=gettext("Needed by"), value=day))
    if request.state is BorrowingState.CONDITIONAL:
        limits += _list_price_limits(page, request)
    if is_late or move.task == "return-late" or request.state is BorrowingState.SHIPPED:
        limits += due_dates
    return limits


def list_act_limits(page: StaffRequest, request: Request, kind: K) -> list[ShownLimit]:
    """List what decides an act on a page of its own: a price beside its limit, or due dates beside each other."""
    if kind in (K.CONDITION_ACCEPTED, K.CONDITION_REFUSED):
        return list(_list_price_limits(page, request))
    if kind not in (K.RENEW, K.RENEW_ACCEPTED, K.RENEW_REFUSED):
        return []
    renewals = request.terms.renewals
    times = page.ngettext("%(num)s time", "%(num)s times", renewals) if renewals else page.gettext("never")
    return [*_list_due_dates(page, request), ShownLimit(label=page.gettext("Renewed"), value=times)]


def _list_due_dates(page: StaffRequest, request: Request) -> list[ShownLimit]:
    terms = request.terms
    dates = ((label_lender_due(page, request), terms.lender_due), (page.gettext("Due from patron"), terms.patron_due))
    return [ShownLimit(label=label, value=page.format_moment(due)) for label, due in dates if due is not None]


def _list_price_limits(page: StaffRequest, request: Request) -> Iterator[ShownLimit]:
    """The supplier's price beside what it may cost, and beside the usual price of who would be asked next."""
    gettext, format_money = page.gettext, page.localization.format_money
    attempt, maximum = request.attempt, request.costs.maximum
    price = attempt.cost if attempt is not None else None
    if price is not None:
        asked = gettext("Offered by %(partner)s", partner=name_partner(request, page.context))
        yield ShownLimit(label=asked, value=format_money(price))
    if maximum is not None:
        excess = price.amount - maximum.amount if price is not None and price.currency == maximum.currency else None
        is_late = excess is not None and excess > 0
        remark = gettext("%(money)s too little", money=format_money(Money(excess, maximum.currency))) if excess else ""
        yield ShownLimit(
            label=gettext("Maximum cost"),
            value=format_money(maximum),
            remark=remark if is_late else "",
            is_late=is_late,
        )
    waiting = [line for line in request.rota if line.standing is RotaLineStatus.WAITING]
    following = page.context.partner(waiting[0].partner) if waiting else None
    if price is not None and following is not None:
        usual = following.usual_price(request.service)
        yield ShownLimit(
            label=gettext("Next: %(partner)s", partner=page.context.name_of_partner(waiting[0].partner)),
            value=format_money(usual) if usual is not None else gettext("free"),
        )
