"""Prices: what a loan or copy may cost, what the supplier asks, and what was agreed: three different sums, and who
agreed.

The limit is what patron and library allow beforehand: the request's maximum, and the profile's for this supplier. A
price within it is covered by it. Any other price needs a yes of its own that covers the sum, in the same currency; a
later and higher price isn't covered by it. The rule is applied to what partners say in any protocol, after it was read.
"""

from __future__ import annotations

from gateway.domain.library import Money
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    LoanCondition,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    Request,
    RequestCosts,
    Role,
    SupplierAttempt,
)
from gateway.domain.value import replace

LIMIT = "limit"
"""Who agreed to a price that lies within what was allowed beforehand (`RequestCosts.agreed_by`)."""

_PROMISES = frozenset(
    {EventKind.ACKNOWLEDGED, EventKind.EXPECT_TO_SUPPLY, EventKind.WILL_SUPPLY, EventKind.HOLD_PLACED}
)
"""Answers after which a supplier goes on by itself, unless its price has to be agreed first."""

_DELIVERIES = frozenset({EventKind.SHIPPED, EventKind.COPY_DELIVERED})

_OFFERS = frozenset({EventKind.CONDITIONAL, EventKind.WILL_SUPPLY})
"""What a lender says with its price; a retry ends its request."""


def names_price(event: Event) -> bool:
    """Return whether a supplier's message asks for what it costs: an offer, a promise, or the item itself."""
    is_partners = event.signal.origin is EventOrigin.PARTNER
    return is_partners and event.kind in _OFFERS | _PROMISES | _DELIVERIES | {EventKind.RETRY}


def covers_price(allowed: Money | None, price: Money) -> bool:
    """Return whether a sum that was allowed or agreed is enough: never in another currency."""
    return allowed is not None and allowed.currency == price.currency and price.amount <= allowed.amount


def list_limits(request: Request) -> tuple[Money, ...]:
    """List the limits that a price has to keep, all of them; nothing where nobody has set a limit."""
    of_supplier = request.attempt.cost_limit if request.attempt is not None else None
    return tuple(price for price in (request.costs.maximum, of_supplier) if price is not None)


def find_told_limit(costs: RequestCosts) -> Money | None:
    """Return the most that a supplier is told it may cost: an offer that was accepted is the new limit."""
    return costs.agreed or costs.maximum


def is_within_limits(request: Request, price: Money) -> bool:
    """Return whether patron and library have allowed the price beforehand. What costs nothing needs no leave; a limit
    that nobody has set allows nothing."""
    limits = list_limits(request)
    return not price.amount or (bool(limits) and all(covers_price(limit, price) for limit in limits))


def needs_agreement(request: Request, price: Money | None) -> bool:
    """Return whether somebody has to say yes to the price: it isn't within the limits, and no yes covers it. Where
    nobody has set a limit there is none to be above."""
    if price is None or not list_limits(request) or is_within_limits(request, price):
        return False
    return not covers_price(request.costs.agreed, price)


def asks_unread_price(request: Request, event: Event) -> bool:
    """Return whether a supplier's message names a price that nobody could read as a sum: within a limit it can't be
    known to lie. The same words after a yes to them are no question again."""
    details, attempt = event.details, request.attempt
    if not names_unread_price(details) or not list_limits(request):
        return False
    was_asked = attempt is not None and LoanCondition.COST in attempt.conditions and attempt.note == details.note
    return not was_asked or request.state is BorrowingState.CONDITIONAL


def names_unread_price(details: EventDetails) -> bool:
    return details.cost is None and LoanCondition.COST in details.conditions


def interpret_terms(request: Request, event: Event) -> Event:
    """The event as its terms make it: a promise at a price that nobody has allowed, or can read, is a condition, a yes
    that doesn't cover what we ask is a message, a no where no condition is open is what it came as: a cancellation."""
    if event.signal.origin is not EventOrigin.PARTNER:
        return event
    is_offer = request.role is Role.BORROWING and event.kind in _PROMISES
    asks = needs_agreement(request, event.details.cost) or asks_unread_price(request, event)
    if is_offer and event.attempt == request.current and asks:
        return replace(event, signal=partner_signal(EventKind.CONDITIONAL))
    is_nameless = event.kind is EventKind.CONDITIONAL and not _names_terms(event.details)
    if is_nameless and request.role is Role.BORROWING:
        return replace(event, details=replace(event.details, conditions=(LoanCondition.OTHER,)))
    is_late_no = event.kind is EventKind.CONDITION_REFUSED and event.details.by_cancel
    if is_late_no and request.state is not LendingState.CONDITIONAL:
        return replace(event, signal=partner_signal(EventKind.CANCEL))
    is_yes = request.role is Role.LENDING and event.kind is EventKind.CONDITION_ACCEPTED
    if is_yes and not is_yes_enough(request, event.details):
        return replace(event, signal=partner_signal(EventKind.MESSAGE))
    return event


def _names_terms(details: EventDetails) -> bool:
    return bool(details.conditions or details.note.strip()) or details.cost is not None


def is_yes_enough(request: Request, details: EventDetails) -> bool:
    """Lending: whether a requester's yes covers what we have asked for. One that names no sum covers it."""
    offered = request.costs.offered
    named = details.cost or details.maximum_cost
    return offered is None or not offered.amount or named is None or covers_price(named, offered)


def is_price_open(request: Request, event: Event) -> bool:
    """Borrowing: whether it was sent at a price that nobody has agreed to."""
    price = event.details.cost
    if event.signal.origin is not EventOrigin.PARTNER or event.kind not in _DELIVERIES:
        return False
    if price is None:
        return asks_unread_price(request, event)
    was_asked = request.state is BorrowingState.CONDITIONAL and request.costs.offered is not None
    unanswered = was_asked and bool(price.amount) and not covers_price(request.costs.agreed, price)
    return unanswered or needs_agreement(request, price)


# --- on the request --------------------------------------------------------------------------------------


def update_costs(request: Request, event: Event) -> RequestCosts:
    """The sums after the event; `request` is as it was before."""
    costs, details = request.costs, event.details
    if event.signal == local_signal(EventKind.REQUEST):
        return restart_costs(costs, request.attempt)
    if details.maximum_cost is not None and event.kind is EventKind.EDIT:
        costs = replace(costs, maximum=details.maximum_cost)
    if event.kind is EventKind.CONDITION_ACCEPTED:
        return _record_yes(request, event)
    if details.cost is None:
        is_open = event.kind is EventKind.CONDITIONAL and request.role is Role.BORROWING
        return replace(costs, offered=None) if is_open and names_unread_price(details) else costs
    if event.kind in _DELIVERIES:
        return replace(costs, charged=details.cost)
    from_supplier = event.signal.origin is (EventOrigin.PARTNER if request.role is Role.BORROWING else EventOrigin.US)
    if not from_supplier or event.kind not in _OFFERS | _PROMISES | {EventKind.RETRY}:
        return costs
    costs = replace(costs, offered=details.cost)
    is_promise = event.kind in _PROMISES and details.cost.amount
    if is_promise and is_within_limits(request, details.cost) and not covers_price(costs.agreed, details.cost):
        return replace(costs, agreed=details.cost, agreed_by=LIMIT)
    return costs


def restart_costs(costs: RequestCosts, attempt: SupplierAttempt | None) -> RequestCosts:
    """Begin the costs anew with this supplier: the maximum stays, and what it has asked for and was agreed with it."""
    if attempt is None:
        return RequestCosts(maximum=costs.maximum)
    return RequestCosts(maximum=costs.maximum, offered=attempt.cost, agreed=attempt.agreed, agreed_by=attempt.agreed_by)


def _record_yes(request: Request, event: Event) -> RequestCosts:
    """A yes covers the sum that it names, or else what was asked for last. After the delivery it is about what was
    charged."""
    costs, named = request.costs, event.details.cost
    if request.role is Role.LENDING:
        named = None  # no more is agreed than we have asked for
    agreed = named or costs.charged or costs.offered
    if agreed is None:
        return costs
    return replace(costs, agreed=agreed, agreed_by=event.actor)
