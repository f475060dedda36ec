"""Work of the gateway's own that goes on from an event: rules decide where staff need not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.domain.problems import Refused
from gateway.domain.requests import due
from gateway.domain.requests.events import Condition, Details, Event, Kind, Reasons, by_us
from gateway.domain.requests.request import Borrowing, Flag, Request
from gateway.domain.requests.table import Follow
from gateway.domain.requests.views import NotNow
from gateway.services.requests.acts import require_request
from gateway.services.requests.happen import Happening, happen
from gateway.services.requests.house import House
from gateway.services.requests.locating import LOCATE, locate
from gateway.services.requests.sourcing import find_supplier
from gateway.store.ids import exchange_id


async def follow_up(house: House, work: str, request_id: str) -> str:
    """A line for the outbox. Raises Unavailable, NotThere."""
    return await _WORK[work](house, request_id)


async def _decide_condition(house: House, request_id: str) -> str:
    request = await require_request(house, request_id)
    if request.state is not Borrowing.CONDITIONAL:
        return "no condition is open"
    match house.workflow(request).borrowing.conditions:
        case "accept":
            return await _happen(house, request, Kind.CONDITION_ACCEPTED)
        case "refuse":
            return await _happen(house, request, Kind.CONDITION_REFUSED)
        case "patron" if request.patron.id:
            details = Details(query=exchange_id(house.now()), reason=_about(request), note=_question(request))
            return await _happen(house, request, Kind.PATRON_ASKED, details)
    return "staff decide"


def _about(request: Request) -> str:
    """What the patron is asked about: a word of the query letter."""
    attempt = request.attempt
    if attempt is not None and attempt.cost is not None:
        return Condition.COST.value
    conditions = attempt.conditions if attempt is not None else ()
    return conditions[0].value if conditions else Condition.OTHER.value


def _question(request: Request) -> str:
    """The supplier's own words, where it said any."""
    return request.attempt.note if request.attempt is not None else ""


async def _patron_answer(house: House, request_id: str) -> str:
    request = await require_request(house, request_id)
    query = request.query
    if request.state is not Borrowing.CONDITIONAL or query is None or not query.answer:
        return "nothing to decide"
    if request.attempt is not None and query.asked < request.attempt.asked:
        return "the question was about an earlier supplier"
    return await _happen(house, request, Kind.CONDITION_ACCEPTED if query.answer == "yes" else Kind.CONDITION_REFUSED)


async def _decide_renewal(house: House, request_id: str) -> str:
    request = await require_request(house, request_id)
    if Flag.RENEWAL_PENDING not in request.flags:
        return "no renewal is wanted"
    rules = house.workflow(request).lending
    if rules.renew == "staff":
        return "staff decide"
    reason = "" if rules.renew == "grant" else Reasons.POLICY.value
    if not reason and request.terms.renewals >= rules.renewals:
        reason = Reasons.RENEWAL_LIMIT.value
    if not reason and await _is_wanted_here(house, request):
        reason = Reasons.HAS_REQUESTS.value
    if reason:
        return await _happen(house, request, Kind.RENEW_REFUSED, Details(reason=reason, due=request.terms.lender_due))
    until = due.renewed_due(request.terms.lender_due, house.now(), rules.renewal_days, house.calendar)
    return await _happen(house, request, Kind.RENEW_ACCEPTED, Details(due=until))


async def _is_wanted_here(house: House, request: Request) -> bool:
    """Whether somebody of our own waits for the item."""
    if not request.item_barcode:
        return False
    try:
        item = await house.system.item_by_barcode(request.item_barcode)
    except Refused:
        return False
    return any(hold.request_id != request.number for hold in await house.system.item_holds(item.id))


async def _report_status(house: House, request_id: str) -> str:
    request = await require_request(house, request_id)
    details = Details(status=request.state.value, due=request.terms.lender_due)
    return await _happen(house, request, Kind.STATUS_REPORT, details)


async def _happen(house: House, request: Request, kind: Kind, details: Details | None = None) -> str:
    """An event by rule. What has become impossible meanwhile is left."""
    event = Event(by_us(kind), house.now(), "rule", details or Details())
    try:
        await happen(house, Happening(request_id=request.id, event=event))
    except NotNow as late:
        return f"not possible any more: {late.denied.detail}"
    return kind.value


_WORK: dict[str, Callable[[House, str], Awaitable[str]]] = {
    Follow.FIND_SUPPLIER.value: find_supplier,
    Follow.DECIDE_CONDITION.value: _decide_condition,
    Follow.DECIDE_RENEWAL.value: _decide_renewal,
    Follow.REPORT_STATUS.value: _report_status,
    Follow.PATRON_ANSWER.value: _patron_answer,
    LOCATE: locate,
}
