"""Requests that we broker: what happens on one leg is done on the other.

A partner's request that goes on to other libraries is two requests of ours. The lending leg faces the requester, the
borrowing leg the supplier in hand. Each lives by its own state table; `CARRIED` and `CARRIED_ENDS` say what an event of
one leg does on the other. What is done there has the actor BROKER, and is not carried back.

The note of a request names the brokers that it came through, so that it never goes in a circle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice

from gateway.domain.requests.act_details import has_needed_fields
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    BROKER,
    Event,
    EventDetails,
    EventOrigin,
    EventSignal,
    ReasonCodes,
    ShippedItem,
    local_signal,
    partner_signal,
    timer_signal,
)
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.note_terms import (
    write_changed_due,
    write_conditions_term,
    write_cost_term,
    write_due_term,
)
from gateway.domain.requests.reason_words import find_reason_words
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import BrokeredDelivery, Request, RequestFlag, Role, ServiceType, State
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.state_machine import Transition
from gateway.domain.requests.state_table import LibraryAction
from gateway.domain.requests.supplier_takeover import was_taken_over
from gateway.domain.sentences import join_sentences, write_sentence
from gateway.domain.value import replace, value_object


@value_object(kw_only=True)
class CarryRule:
    """The effect of an event of one leg on the other: the first of `acts` that fits there. Where none does, they are
    tried again after `missed_act`, which that leg may have missed. Where still none does: `fallback` there (TROUBLE:
    staff see to it), and `own_refusal` on the leg that the event came from. `own_ending`: on that leg in any case,
    last. `delivery`: only where items take this way. `also_late`: also where the event's own leg only keeps it."""

    acts: tuple[K, ...]
    missed_act: K | None = None
    fallback: K | None = None
    own_refusal: K | None = None
    own_ending: K | None = None
    delivery: BrokeredDelivery | None = None
    also_late: bool = False


def _make_rule(
    *acts: K,
    missed_act: K | None = None,
    fallback: K | None = None,
    own_refusal: K | None = None,
    own_ending: K | None = None,
    delivery: BrokeredDelivery | None = None,
    also_late: bool = False,
) -> CarryRule:
    return CarryRule(
        acts=acts,
        missed_act=missed_act,
        fallback=fallback,
        own_refusal=own_refusal,
        own_ending=own_ending,
        delivery=delivery,
        also_late=also_late,
    )


_DIRECT, _BY_US = BrokeredDelivery.DIRECT, BrokeredDelivery.BROKER

CARRIED: Mapping[tuple[Role, EventSignal], tuple[CarryRule, ...]] = {
    # what the supplier says, to the requester
    (Role.BORROWING, partner_signal(K.WILL_SUPPLY)): (_make_rule(K.WILL_SUPPLY),),
    (Role.BORROWING, partner_signal(K.HOLD_PLACED)): (_make_rule(K.HOLD_PLACED, fallback=K.MESSAGE),),
    (Role.BORROWING, partner_signal(K.CONDITIONAL)): (_make_rule(K.CONDITIONAL, fallback=K.TROUBLE),),
    (Role.BORROWING, partner_signal(K.RETRY)): (_make_rule(K.CONDITIONAL, own_refusal=K.CONDITION_REFUSED),),
    (Role.BORROWING, partner_signal(K.CANCEL_REFUSED)): (_make_rule(K.CANCEL_REFUSED),),
    (Role.BORROWING, partner_signal(K.SHIPPED)): (
        _make_rule(K.SHIPPED, K.COPY_DELIVERED, fallback=K.TROUBLE, delivery=_DIRECT),
        _make_rule(K.WILL_SUPPLY, delivery=_BY_US),
    ),
    (Role.BORROWING, partner_signal(K.COPY_DELIVERED)): (_make_rule(K.COPY_DELIVERED, fallback=K.TROUBLE),),
    (Role.BORROWING, partner_signal(K.RENEW_ACCEPTED)): (
        _make_rule(K.RENEW_ACCEPTED, K.DUE_DATE_CHANGED, fallback=K.TROUBLE),
    ),
    (Role.BORROWING, timer_signal(K.RENEW_ACCEPTED)): (_make_rule(K.RENEW_ACCEPTED),),
    (Role.BORROWING, partner_signal(K.RENEW_REFUSED)): (_make_rule(K.RENEW_REFUSED),),
    (Role.BORROWING, timer_signal(K.RENEW_REFUSED)): (_make_rule(K.RENEW_REFUSED),),
    (Role.BORROWING, partner_signal(K.DUE_DATE_CHANGED)): (
        _make_rule(K.DUE_DATE_CHANGED, missed_act=K.SHIPPED, fallback=K.TROUBLE),
    ),
    (Role.BORROWING, partner_signal(K.OVERDUE)): (_make_rule(K.OVERDUE, missed_act=K.SHIPPED, fallback=K.MESSAGE),),
    (Role.BORROWING, partner_signal(K.RECALL)): (_make_rule(K.RECALL, missed_act=K.SHIPPED, fallback=K.MESSAGE),),
    (Role.BORROWING, partner_signal(K.CHECKED_IN)): (_make_rule(K.CHECKED_IN, delivery=_DIRECT, also_late=True),),
    (Role.BORROWING, partner_signal(K.LOST)): (_make_rule(K.LOST),),
    (Role.BORROWING, partner_signal(K.SETTLED)): (_make_rule(K.SETTLED, missed_act=K.LOST),),
    (Role.BORROWING, partner_signal(K.DAMAGED)): (_make_rule(K.DAMAGED, fallback=K.MESSAGE, also_late=True),),
    (Role.BORROWING, partner_signal(K.FORWARDED)): (_make_rule(K.BROKERED, K.MESSAGE),),
    (Role.BORROWING, partner_signal(K.MESSAGE)): (_make_rule(K.MESSAGE, also_late=True),),
    # what the requester says, to the supplier
    (Role.LENDING, partner_signal(K.CONDITION_ACCEPTED)): (_make_rule(K.CONDITION_ACCEPTED, fallback=K.TROUBLE),),
    (Role.LENDING, partner_signal(K.CONDITION_REFUSED)): (_make_rule(K.CONDITION_REFUSED),),
    (Role.LENDING, partner_signal(K.CANCEL)): (_make_rule(K.CANCEL, own_refusal=K.CANCEL_REFUSED),),
    (Role.LENDING, partner_signal(K.RECEIVED)): (_make_rule(K.RECEIVED, delivery=_DIRECT, also_late=True),),
    (Role.LENDING, partner_signal(K.RENEW)): (_make_rule(K.RENEW, missed_act=K.RECEIVED, own_refusal=K.RENEW_REFUSED),),
    (Role.LENDING, partner_signal(K.RETURNED)): (_make_rule(K.RETURNED, fallback=K.TROUBLE, delivery=_DIRECT),),
    (Role.LENDING, partner_signal(K.LOST)): (_make_rule(K.LOST, fallback=K.TROUBLE, also_late=True),),
    (Role.LENDING, partner_signal(K.DAMAGED)): (_make_rule(K.DAMAGED, fallback=K.MESSAGE, also_late=True),),
    (Role.LENDING, partner_signal(K.MESSAGE)): (_make_rule(K.MESSAGE, fallback=K.TROUBLE, also_late=True),),
    # what our staff do
    (Role.BORROWING, local_signal(K.SETTLED)): (_make_rule(K.SETTLED),),
    (Role.BORROWING, local_signal(K.DUE_DATE_CHANGED)): (_make_rule(K.DUE_DATE_CHANGED, fallback=K.TROUBLE),),
    (Role.BORROWING, local_signal(K.RECEIVED)): (_make_rule(K.SHIPPED, fallback=K.TROUBLE, delivery=_BY_US),),
    (Role.LENDING, local_signal(K.CHECKED_IN)): (_make_rule(K.RETURNED, delivery=_BY_US),),
    (Role.LENDING, local_signal(K.LOCATED)): (_make_rule(K.CANCEL),),  # a copy of our own after all
    (Role.LENDING, local_signal(K.SHIPPED)): (_make_rule(K.CANCEL, delivery=_DIRECT),),
}
"""By leg and event."""

_SUPPLIED_BY_US = frozenset({local_signal(K.LOCATED), local_signal(K.SHIPPED)})
"""Of the lending leg: what is said then is for our staff or the requester, and nothing to the supplier."""

_NEXT_IS_ASKED = _make_rule(K.BROKERED)
"""Where the supplier in hand had promised something, or wanted something, or what it has sent doesn't come to us:
nothing of it holds any more."""

CARRIED_ENDS: Mapping[tuple[Role, State], CarryRule] = {
    (Role.BORROWING, B.NO_SUPPLIER): _make_rule(K.RETRY, own_ending=K.CLOSE),
    (Role.BORROWING, B.UNFILLED): _make_rule(K.CANCEL_ACCEPTED, K.UNFILLED),
    (Role.BORROWING, B.EXPIRED): _make_rule(K.CANCEL_ACCEPTED, K.UNFILLED),
    (Role.BORROWING, B.CANCELLED): _make_rule(K.CANCEL_ACCEPTED, K.UNFILLED),
    (Role.BORROWING, B.LOST): _make_rule(K.LOST, K.UNFILLED),
    (Role.BORROWING, B.COMPLETED): _make_rule(
        K.CHECKED_IN, delivery=_DIRECT
    ),  # also where the supplier tells no check-in
    (Role.LENDING, L.UNFILLED): _make_rule(K.CANCEL),
    (Role.LENDING, L.EXPIRED): _make_rule(K.CANCEL),
    (Role.LENDING, L.CANCELLED): _make_rule(K.CANCEL),
    (Role.LENDING, L.FORWARDED): _make_rule(K.CANCEL),
}
"""By leg and the state that it has come into, whatever led there. What doesn't fit any more on the other is left."""


def list_carry_rules(transition: Transition) -> tuple[CarryRule, ...]:
    """List what is to be done on the other leg, in this order; nothing for a request that we don't broker."""
    request, event = transition.request, transition.event
    if request.other_leg is None:
        return ()
    rules: list[CarryRule] = []
    if _is_promise_over(transition):
        rules.append(_NEXT_IS_ASKED)
    if event.actor != BROKER and _speaks_for_leg(transition):
        rules += CARRIED.get((request.role, event.signal), ())
    if (end := find_end_rule(transition)) is not None:
        rules.append(end)
    return tuple(
        rule
        for rule in rules
        if rule.delivery in (None, request.other_leg.delivery) and (rule.also_late or not transition.kept)
    )


def find_end_rule(transition: Transition) -> CarryRule | None:
    """Return the rule for the leg's end, if it has ended just now, and not by the settling of a loss, which is carried
    as that."""
    request = transition.request
    if not transition.changes_state or request.is_loss_settled:
        return None
    return CARRIED_ENDS.get((request.role, request.state))


_PROMISED = frozenset({B.HOLD_PLACED, B.WILL_SUPPLY, B.CONDITIONAL, B.SHIPPED})
"""States of the borrowing leg in which a supplier has promised something, or sends it."""


def _is_promise_over(transition: Transition) -> bool:
    """Return whether the supplier in hand is out, or gives way to another behind the same broker; `forwarded` has a
    rule of its own. What is asked for once more on the terms of an offer goes on."""
    request, event = transition.request, transition.event
    if request.role is Role.LENDING or event.kind in (K.FORWARDED, K.CONDITION_ACCEPTED):
        return False
    is_over = transition.before in _PROMISED and request.state in (B.SOURCING, B.REQUESTED)
    return is_over or was_taken_over(request, event)


def _speaks_for_leg(transition: Transition) -> bool:
    """Return whether an event speaks for its leg: not a supplier whose turn is over, no retry that nobody can decide
    on, no renewal that was refused at once, and nothing that a requester says of an item of our own."""
    request, event = transition.request, transition.event
    if event.kind is K.RETRY and request.state is not B.CONDITIONAL:
        return False
    if event.kind is K.RENEW and RequestFlag.RENEWAL_PENDING not in request.flags:
        return False
    if request.role is Role.LENDING:
        return request.is_brokered or event.signal in _SUPPLIED_BY_US
    return event.attempt in (0, request.current)


# --- what goes along -------------------------------------------------------------------------------------


def carry_details(event: Event, request: Request, days: int, today: date) -> EventDetails:
    """Return an event's details of `request` for the other leg. The requester has it back `days` earlier, where that
    leaves it any time."""
    details = event.details
    is_borrowing = request.role is Role.BORROWING
    if not is_borrowing and event.signal in _SUPPLIED_BY_US:
        return EventDetails()
    due = details.due
    if due is None and is_borrowing and event.kind is K.RECEIVED:  # sent on by us
        due = request.terms.lender_due
    return EventDetails(
        due=_shift_due(due, -days if is_borrowing else days, today),
        reason=details.reason,
        note=details.note if event.signal.origin is EventOrigin.PARTNER else "",  # what our staff write is for us
        conditions=details.conditions,
        cost=details.cost,
        retry_after=details.retry_after,
        expected=details.expected,
        barcode=details.barcode if is_borrowing else "",
        items=_list_items_sent_on(event, request) if is_borrowing else (),
        item_description=details.item_description,
        volumes=tuple(volume.id for volume in request.volumes if volume.id in details.volumes),
        missing=tuple(volume.id for volume in request.volumes if volume.id in details.missing),
        renewals_allowed=details.renewals_allowed,
        return_on_hold=details.return_on_hold,
        link=details.link,
        written=details.written,
    )


_GIVES_BACK = frozenset({LibraryAction.RELEASE_HOLD, LibraryAction.DELETE_TEMPORARY, LibraryAction.RETURN_HOME})


def leaves_library_alone(transition: Transition, act: LibraryAction) -> bool:
    """Return whether our library's system has nothing that `act` could give back, since the request is only brokered
    here, and has neither an item of ours nor a patron."""
    request, event = transition.request, transition.event
    past = any(attempt.pieces for attempt in request.attempts)
    has_any = request.lent_barcodes or request.hold_id or request.borrower_id or request.direct_patron.id or past
    if act not in _GIVES_BACK or has_any:
        return False
    if act is LibraryAction.RELEASE_HOLD:  # one that was located before has a hold, maybe
        is_new = transition.before is L.NEW and event.kind is not K.UNDONE
        return is_new and (request.other_leg is not None or event.kind is K.BROKERED)
    return request.other_leg is not None


def _list_items_sent_on(event: Event, request: Request) -> tuple[ShippedItem, ...]:
    """List items as the supplier named them, also where they come to us first, and our staff send them on."""
    details = event.details
    if event.kind is not K.RECEIVED or details.items:
        return details.items
    meant = [volume for volume in request.volumes if not details.volumes or volume.id in details.volumes]
    scanned = details.barcode if len(meant) == 1 else ""
    items = (ShippedItem(scanned or volume.theirs, volume.label, volume.call_number) for volume in meant)
    return tuple(item for item in items if item.barcode)


def _shift_due(due: date | datetime | None, days: int, today: date) -> date | datetime | None:
    if due is None or not days:
        return due
    try:
        moved = due + timedelta(days=days)
    except OverflowError:
        return due
    day = moved.date() if isinstance(moved, datetime) else moved
    return moved if day > today else due


def explain_end(request: Request) -> EventDetails:
    """Explain why a leg has ended. The borrowing leg brought nothing, says the supplier that gave the last reason."""
    if request.role is Role.LENDING or request.state is B.COMPLETED:
        return EventDetails()
    reasons = (attempt.reason for attempt in reversed(request.attempts) if attempt.reason)
    days = (attempt.retry_after for attempt in reversed(request.attempts) if attempt.retry_after is not None)
    expired = request.state is B.EXPIRED
    usual = ReasonCodes.NEED_BY_NOT_MET if expired else ReasonCodes.NOT_AVAILABLE
    return EventDetails(reason=usual.value if expired else next(reasons, usual.value), retry_after=next(days, None))


def can_act(kind: K, details: EventDetails) -> bool:
    """Return whether all details that the act needs are given."""
    return has_needed_fields(kind, details)


def fit_details(kind: K, details: EventDetails, zone: tzinfo, carried: K) -> EventDetails:
    """Fit details to an act of this kind: a message or a note for staff says in words what the event was. Of an offer
    only its terms can be agreed to by who asks us, and of a supplier that is out only its no is worth telling."""
    if carried is K.RETRY and kind is K.CONDITIONAL and details.cost is None and not details.conditions:
        return EventDetails()
    if kind is K.BROKERED:
        return EventDetails(reason=details.reason, note=details.note) if carried in _REFUSALS else EventDetails()
    if kind in (K.MESSAGE, K.TROUBLE) and kind is not carried:
        return EventDetails(note=write_event_note(carried, details, zone), volumes=details.volumes)
    return details


_REFUSALS = frozenset({K.UNFILLED, K.RETRY, K.EXPIRED, K.REJECTED, K.FORWARDED})
_ANOTHER_IS_ASKED = write_sentence("another library is asked for it")


def tell_next_asked(details: EventDetails, zone: tzinfo) -> EventDetails:
    """Make the message to the requester with the status of a no that isn't the last word. `details`: of the no."""
    words = write_event_note(K.BROKERED, details, zone)
    return EventDetails(reason=details.reason, note=words, written=details.note, reported=K.UNFILLED)


def is_no_for_now(kind: K, details: EventDetails) -> bool:
    """Return whether a message is one of `tell_next_asked`."""
    return kind is K.MESSAGE and details.reported is K.UNFILLED


def write_event_note(kind: K, details: EventDetails, zone: tzinfo) -> str:
    """An event in words, for whom it can't be said to otherwise; a changed due date in the words that other gateways
    read as one."""
    if kind in (K.DUE_DATE_CHANGED, K.RENEW_ACCEPTED) and details.due is not None:
        day = details.due.astimezone(zone).date() if isinstance(details.due, datetime) else details.due
        return join_sentences("; ", (write_changed_due(day), details.note))
    terms = (
        _ANOTHER_IS_ASKED if kind is K.BROKERED else EVENT_CATALOGUE[kind].words,
        write_due_term(details.due, zone),
        write_cost_term(details.cost),
        write_conditions_term(details.conditions),
        write_sentence("expected: %(day)s", day=details.expected) if details.expected is not None else "",
        find_reason_words(details.reason),
        details.link,
        details.note,
    )
    return join_sentences("; ", terms)


# --- no circles ------------------------------------------------------------------------------------------

MAX_BROKERS = 5
"""A request that came through so many brokers is not passed on once more."""

_PARTS = re.compile(r";\s+|\n")
_CAME_THROUGH = re.compile(r"brokered by: (\S{1,100}) for (\S{1,100})")


@value_object
class PastBroker:
    """A broker that the request came through: its symbol, and the number under which it was asked."""

    symbol: str
    transaction: str


def read_past_brokers(note: str) -> tuple[PastBroker, ...]:
    """Read the brokers of a request's note, the latest first; no more than MAX_BROKERS, which are too many already."""
    matches = (_CAME_THROUGH.fullmatch(part.strip()) for part in _PARTS.split(note))
    brokers = (PastBroker(match[1], match[2]) for match in matches if match is not None)
    return tuple(islice(brokers, MAX_BROKERS))


def write_past_brokers(brokers: Iterable[PastBroker]) -> tuple[str, ...]:
    """Terms of a note."""
    return tuple(f"brokered by: {_join_word(broker.symbol)} for {_join_word(broker.transaction)}" for broker in brokers)


def _join_word(text: str) -> str:
    return "_".join(text.split()) or "-"


def add_past_broker(request: Request, broker: PastBroker) -> Request:
    """Add to the note of what the next library is asked that it came through us as well."""
    terms = write_past_brokers((broker,))
    note = "; ".join(filter(None, (*terms, request.citation.note)))
    return replace(request, citation=replace(request.citation, note=note))


def is_same_symbol(symbol: str, other: str) -> bool:
    """Compare symbols without regard to capitals; where only one names its type, the values decide."""
    (type_1, colon_1, value_1), (type_2, colon_2, value_2) = symbol.partition(":"), other.partition(":")
    if bool(colon_1) == bool(colon_2):
        return symbol.casefold() == other.casefold()
    return (value_1 if colon_1 else type_1).casefold() == (value_2 if colon_2 else type_2).casefold()


def describe_ship_to(request: Request, email: str) -> str:
    """Describe in a note where the supplier sends the item: not every format has a place for another address than ours.
    A copy comes to our `email`, where we have one, and its link or file goes on from here."""
    leg = request.other_leg
    if leg is None or leg.delivery is BrokeredDelivery.BROKER or not leg.party.address.strip():
        return ""
    if email and request.service.type is ServiceType.COPY:
        return ""
    lines = (leg.party.name, *leg.party.address.splitlines())
    return f"ship to: {', '.join(line.strip() for line in lines if line.strip())}"
