"""Effects of a transition, as outbox rows and timers; which rows wait for a batch.

gateway/store/requests/order_batches.py says which rows of the outbox take part in a batch, and
gateway/services/requests/order_batches.py does what is to be done with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.requests import calendar, intake_rules
from gateway.domain.requests.act_details import remove_own_note
from gateway.domain.requests.brokered_requests import (
    is_no_for_now,
    leaves_library_alone,
    tell_next_asked,
    write_event_note,
)
from gateway.domain.requests.citation import REQUESTER_PATRON, CitationExtra
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import BROKER, EventDetails, EventKind, local_signal, partner_signal
from gateway.domain.requests.partner_policy import STAFF_LETTER, BatchRule, PartnerPolicy
from gateway.domain.requests.reason_words import describe_refused_clearance
from gateway.domain.requests.request import BrokeredDelivery, LibraryParty, PatronLink, Request, Role
from gateway.domain.requests.request_messages import FIRST_ANSWERS
from gateway.domain.requests.state_machine import PartnerNotification, Transition
from gateway.domain.requests.state_table import (
    CallLibrary,
    LibraryAction,
    RunFollowUp,
    SendPatronLetter,
    StartTimer,
    StopTimer,
    TimerKind,
)
from gateway.domain.requests.status_reports import find_event_of_state
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.partner_channel import (
    ABOUT,
    CarryWay,
    InboxResult,
    IncomingPartnerMessage,
    NamesRequests,
    PartnerMessage,
    SendsBatches,
    SendsInParts,
    choose_carry_way,
)
from gateway.ports.shared_store import Transaction
from gateway.services.requests.deadlines import PARTNER_TIMERS, timer_due
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.partner_closures import load_partners
from gateway.store.requests import order_batches, outbox, timers
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.outbox_lanes import take_place
from gateway.store.requests.outbox_payloads import LetterPayload, LibraryPayload
from gateway.store.requests.request_rows import dump_message, parse_message
from gateway.store.schema import make_exchange_id

PARTNER = "partner"
LETTER = "letter"
LIBRARY = "library"
WORK = "work"

RECALLED = "recalled"
"""The notice about a recall. The library decides when a recalled loan ends, so it comes after the library's recall, in
the same lane."""


SEARCH_TIME = timedelta(minutes=10)
"""So long the words that another supplier is asked wait at most for that, and with them what comes behind them."""


def write_effects(
    connection: Transaction, context: LibraryContext, transition: Transition, hold: timedelta = timedelta(0)
) -> None:
    """Writes all of it, in the transaction of the event. `hold`: from now on so long nothing of it goes out."""
    earliest = context.now() + hold
    for row in _build_effect_rows(context, transition):
        outbox.add_outbox_row(connection, replace(row, next_at=earliest) if hold else row)
        if row.kind == ORDER:
            start_batch_timer(connection, context, row)
    request, at = transition.request, transition.event.at
    for effect in transition.effects:
        if isinstance(effect, StartTimer) and (due := _timer_due(connection, context, effect, request, at)) is not None:
            timers.start_timer(connection, context.symbol, request.id, effect.timer, due)
        elif isinstance(effect, StartTimer | StopTimer):
            timers.stop_timer(connection, context.symbol, request.id, effect.timer)


def note_first_answer(
    context: LibraryContext, notifications: Iterable[PartnerNotification], request: Request
) -> Request:
    """The request, lending, with the version in which its requester hears the first answer: protocols have another word
    for that than for what follows. `notifications`: of the event."""
    if request.role is not Role.LENDING or request.answered_in:
        return request
    is_answered = any(
        answer.kind in FIRST_ANSWERS and is_partner_notified(context, answer, request) for answer in notifications
    )
    return replace(request, answered_in=request.version) if is_answered else request


def _timer_due(
    connection: Transaction, context: LibraryContext, effect: StartTimer, request: Request, at: datetime
) -> datetime | None:
    if effect.timer in PARTNER_TIMERS or effect.timer is TimerKind.RETRY:
        return timer_due(context, effect.timer, request, at, load_partners(connection, context))
    return timer_due(context, effect.timer, request, at)


def new_outbox_row(request: Request, kind: str, target: str, payload: str, at: datetime, id_: str = "") -> OutboxRow:
    """A row to be done at once. What is done for one request goes in order, each kind and partner for itself."""
    lane = f"{request.id}/{kind}/{target}" if kind == PARTNER else f"{request.id}/{kind}"
    return OutboxRow(
        library=request.library,
        id=id_ or make_exchange_id(at),
        lane=lane,
        kind=kind,
        target=target,
        request_id=request.id,
        payload=payload,
        created=at,
        next_at=at,
    )


def new_work_row(request: Request, work: str, at: datetime) -> OutboxRow:
    return new_outbox_row(request, WORK, work, "{}", at)


def _build_effect_rows(context: LibraryContext, transition: Transition) -> Iterator[OutboxRow]:
    request, at = transition.request, transition.event.at
    yield from _build_push_rows(context, transition)
    for notification in transition.told:
        partner_notification = _choose_notification(context, notification, transition)
        if partner_notification is not None:
            yield from _build_message_rows(context, partner_notification, transition)
    for effect in transition.effects:
        if isinstance(effect, SendPatronLetter) and is_letter_written(context, effect.name, request):
            row = new_outbox_row(request, LETTER, effect.name, _make_letter_payload(transition).to_json(), at)
            waits = effect.name == RECALLED and CallLibrary(LibraryAction.RECALL_PATRON) in transition.effects
            yield replace(row, lane=f"{request.id}/{LIBRARY}") if waits else row
        elif isinstance(effect, CallLibrary) and not leaves_library_alone(transition, effect.act):
            yield new_outbox_row(request, LIBRARY, effect.act.value, _make_library_payload(transition).to_json(), at)
        elif isinstance(effect, RunFollowUp):
            yield new_work_row(request, effect.work.value, at)


def _make_library_payload(transition: Transition) -> LibraryPayload:
    """Make what the library is told. Without a day in a recall the library's own rule decides."""
    is_dated = transition.event.kind is not EventKind.RECALL or transition.event.details.due is not None
    return LibraryPayload(_attempt_of_transition(transition), is_dated)


def _attempt_of_transition(transition: Transition) -> int:
    """Return the supplier whose item the library is asked about: when it can be reached, another may have been asked
    already."""
    request = transition.request
    return transition.event.attempt or request.current if request.role is Role.BORROWING else 0


def _build_push_rows(context: LibraryContext, transition: Transition) -> Iterator[OutboxRow]:
    """New requests, and states that they get into, for systems of the library's own: they may know the patron's
    identifier, nobody else does."""
    request, at = transition.request, transition.event.at
    if (
        request.role is not Role.BORROWING
        or request.other_leg is not None
        or not (transition.changes_state or transition.event.signal == local_signal(EventKind.SUBMIT))
    ):
        return
    link = request.patron
    patron = PatronLink(identifier=link.identifier, category=link.category, pickup=link.pickup)
    for profile, partner in context.partners():
        kind = _choose_push_kind(partner, transition)
        if kind is None:
            continue
        identifier = make_exchange_id(at)
        message = PartnerMessage(
            id=identifier,
            kind=kind,
            at=at,
            sender=context.party,
            receiver=context.party_of_partner(profile.name),
            role=request.role,
            transaction=request.number,
            details=_build_message_details(context, kind, transition),
            request=replace(remove_patron_data(request), patron=patron),
        )
        yield new_outbox_row(request, PARTNER, profile.name, dump_message(message), at, identifier)


def _choose_push_kind(partner: PartnerPolicy, transition: Transition) -> EventKind | None:
    if partner.push_new and transition.event.signal == local_signal(EventKind.SUBMIT):
        return EventKind.SUBMIT
    return (
        EventKind.STATUS_REPORT
        if transition.changes_state and transition.request.state in partner.push_states
        else None
    )


# --- messages to partners --------------------------------------------------------------------------------


def _choose_notification(
    context: LibraryContext, notification: PartnerNotification, transition: Transition
) -> PartnerNotification | None:
    """Choose what the partner hears: one that doesn't want to know that something has come hears in words what is
    missing."""
    if is_partner_notified(context, notification, transition.request):
        return notification
    in_words = replace(notification, kind=EventKind.MESSAGE)
    is_missing = notification.kind is EventKind.RECEIVED and bool(transition.event.details.missing)
    return in_words if is_missing and is_partner_notified(context, in_words, transition.request) else None


def _build_message_rows(
    context: LibraryContext, notice: PartnerNotification, transition: Transition
) -> Iterator[OutboxRow]:
    """Build messages; what this partner has no message for it is told in a note, or not at all (`transitions` tells
    staff)."""
    way = choose_way_to_tell(context, notice, transition.request)
    if way is CarryWay.NOTE:
        note = write_event_note(notice.kind, _build_told_details(context, notice, transition), context.zone)
        yield _new_message_row(context, replace(notice, kind=EventKind.MESSAGE), transition, EventDetails(note=note))
    elif way is CarryWay.CARRIED:
        yield _new_message_row(context, notice, transition)


def choose_way_to_tell(context: LibraryContext, notification: PartnerNotification, request: Request) -> CarryWay:
    """Choose the way of the partner's channel. An order that it can't take is refused where it is sent, and another
    supplier is asked; what goes by a channel or to a partner that isn't there waits as a dead letter for it to be there
    again."""
    receiver, transaction = find_receiver(context, notification, request)
    profile, partner = context.profile(receiver.profile), context.partner(receiver.profile)
    if notification.kind is EventKind.REQUEST or profile is None or partner is None:
        return CarryWay.CARRIED
    channel = context.channels.get(partner.channel)
    if channel is None and partner.channel:
        return CarryWay.CARRIED
    is_lending = request.role is Role.LENDING
    if is_lending and isinstance(channel, NamesRequests) and not channel.is_request_name(transaction):
        return CarryWay.LOST
    return choose_carry_way(channel, notification.kind, request.role, profile)


def _new_message_row(
    context: LibraryContext,
    notification: PartnerNotification,
    transition: Transition,
    note: EventDetails | None = None,
) -> OutboxRow:
    """`note`: instead of what the event says."""
    request, event = transition.request, transition.event
    identifier = make_exchange_id(event.at)
    receiver, transaction = find_receiver(context, notification, request)
    details = note or _build_told_details(context, notification, transition)
    if notification.supplier is not None:
        details = replace(details, supplier=notification.supplier)
    message = PartnerMessage(
        id=identifier,
        kind=notification.kind,
        at=event.at,
        sender=_build_sender(context, request),
        receiver=receiver,
        role=request.role,
        transaction=transaction,
        details=details,
        request=_remove_data_for_partner(request, transaction),
        on_behalf_of=_find_other_side(context, receiver, request),
        items_told=transition.items_out if notification.kind is EventKind.SHIPPED else (),
    )
    row = new_outbox_row(request, PARTNER, receiver.profile, dump_message(message), event.at, identifier)
    if _waits_for_next_supplier(transition, message):
        return replace(row, next_at=event.at + SEARCH_TIME)
    return replace(row, kind=ORDER) if is_batched(context, message) else row


def _waits_for_next_supplier(transition: Transition, message: PartnerMessage) -> bool:
    """Return whether a message waits: that another is asked, and nothing is promised any more, goes out when one has
    been looked for, in its place among what this partner is told: where there is none, the end is told instead
    (`left_suppliers`)."""
    is_brokers = transition.event.actor == BROKER and transition.request.other_leg is not None
    return is_brokers and is_no_for_now(message.kind, message.details)


def _build_told_details(context: LibraryContext, notice: PartnerNotification, transition: Transition) -> EventDetails:
    event = transition.event
    if notice.kind is not event.kind:
        return _build_message_details(context, notice.kind, transition)
    return event.details if event.actor == BROKER else remove_own_note(event.kind, event.details)


def _remove_data_for_partner(request: Request, transaction: str) -> Request:
    """The number by which a broker knows the patron is for that broker alone."""
    shown = remove_patron_data(request)
    if request.role is Role.LENDING or transaction in request.external:
        return shown
    return replace(shown, extras=tuple(extra for extra in shown.extras if extra.name != REQUESTER_PATRON))


def _build_sender(context: LibraryContext, request: Request) -> LibraryParty:
    """Our library; where an item doesn't come by us, with the address at the other side: that is where it is sent to,
    or goes back to."""
    leg = request.other_leg if request.is_brokered else None
    if leg is None or leg.delivery is BrokeredDelivery.BROKER or not leg.party.address.strip():
        return context.party
    return replace(context.party, address="\n".join(filter(None, (leg.party.name, leg.party.address))))


def _find_other_side(context: LibraryContext, receiver: LibraryParty, request: Request) -> LibraryParty | None:
    """The library on the other side of what we broker, where this partner is to know of it."""
    leg = request.other_leg if request.is_brokered else None
    partner = context.partner(receiver.profile)
    if leg is None or not leg.party.symbol or partner is None or partner.brokered != "transparent":
        return None
    address = leg.party.address if leg.delivery is BrokeredDelivery.DIRECT else ""
    return LibraryParty(symbol=leg.party.symbol, name=leg.party.name, address=address)


def new_refusal_row(
    context: LibraryContext, refused: IncomingPartnerMessage, named: str, result: InboxResult
) -> OutboxRow:
    """Make the row that tells by the partner's channel that a message of its can't be taken. `result` has the refusal
    and the request."""
    request, refusal, at = result.request, result.refused, context.now()
    assert request is not None
    assert refusal is not None
    identifier = make_exchange_id(at)
    receiver = _party_of_transaction(context, refused, request)
    message = PartnerMessage(
        id=identifier,
        kind=EventKind.TROUBLE,
        at=at,
        sender=context.party,
        receiver=receiver,
        role=request.role,
        transaction=refused.transaction,
        details=EventDetails(reason=refusal.reason.value, note=refusal.detail, extras=(CitationExtra(ABOUT, named),)),
        request=remove_patron_data(request),
    )
    return new_outbox_row(request, PARTNER, receiver.profile, dump_message(message), at, identifier)


def _party_of_transaction(context: LibraryContext, message: IncomingPartnerMessage, request: Request) -> LibraryParty:
    attempt = request.find_attempt_of_transaction(message.transaction)
    if request.role is Role.LENDING or attempt is None or attempt.partner == request.partner.profile:
        return request.partner
    return context.party_of_partner(attempt.partner)


def find_receiver(context: LibraryContext, notice: PartnerNotification, request: Request) -> tuple[LibraryParty, str]:
    """The partner and the number by which it knows the request."""
    attempt = request.find_attempt(notice.attempt) if request.role is Role.BORROWING else None
    if attempt is None:
        return request.partner, request.transaction
    if attempt.partner == request.partner.profile:
        return request.partner, attempt.transaction
    if context.partner(attempt.partner) is not None:
        return context.party_of_partner(attempt.partner), attempt.transaction
    return LibraryParty(symbol=attempt.symbol, profile=attempt.partner), attempt.transaction


def read_message_to_send(context: LibraryContext, row: OutboxRow) -> PartnerMessage:
    """Read a message to the address of the partner's profile today, if we have asked it. A requester may have named its
    own address, which counts; a dead letter that staff release goes to that of the profile (`readdress_message`)."""
    message = parse_message(row.payload)
    if message.role is Role.LENDING:
        return message
    return replace(message, receiver=context.update_addresses(message.receiver))


def readdress_message(context: LibraryContext, row: OutboxRow) -> str:
    """The payload of a message that could not be sent, to the addresses that its partner has today."""
    message = parse_message(row.payload)
    return dump_message(replace(message, receiver=context.update_addresses(message.receiver)))


def _build_message_details(context: LibraryContext, kind: EventKind, transition: Transition) -> EventDetails:
    """Build the details of a message that follows from another event: a status report its state, a no for copyright its
    reason, a message what nobody has typed (another supplier is asked, a volume is missing, nobody waits for an item),
    the rest nothing."""
    request, event = transition.request, transition.event
    if kind is EventKind.STATUS_REPORT:
        reported = find_event_of_state(request)
        return EventDetails(status=request.state.value, due=request.terms.lender_due, reported=reported)
    if kind is EventKind.MESSAGE and event.kind is EventKind.BROKERED:
        return tell_next_asked(event.details, context.zone)
    if kind is EventKind.RENEW_ACCEPTED:  # which was granted just now, and is asked for again
        return EventDetails(due=request.terms.lender_due)
    if (kind, event.signal) == (EventKind.MESSAGE, partner_signal(EventKind.SHIPPED)):
        return EventDetails(note=write_sentence("We no longer need this item and will return it."))
    if kind is EventKind.MESSAGE and event.kind in (EventKind.CHECKED_IN, EventKind.RECEIVED):
        return EventDetails(missing=event.details.missing, note=event.details.note)
    if (kind, event.kind) == (EventKind.UNFILLED, EventKind.CLEARANCE_REFUSED):
        return describe_refused_clearance(event.details)
    return EventDetails()


def _make_letter_payload(transition: Transition) -> LetterPayload:
    """The request as it is told: each try says the same. Its patron is looked up then, so that one who is forgotten
    meanwhile is not kept here."""
    return LetterPayload(transition.event, replace(transition.request, patron=PatronLink(), notes=(), warnings=()))


def reader_of_request(request: Request) -> PatronLink:
    """Return who gets letters about a request: whoever has, or is to have, the item here."""
    return request.patron if request.role is Role.BORROWING else request.direct_patron


def remove_patron_data(request: Request) -> Request:
    """Keep what a partner may see: nothing that identifies the patron, none of our own notes."""
    return replace(
        request,
        patron=PatronLink(category=request.patron.category),
        direct_patron=PatronLink(),
        borrower_id="",
        notes=(),
        warnings=(),
        query=None,
        rota=(),
        other_leg=None,
    )


def is_partner_notified(context: LibraryContext, notification: PartnerNotification, request: Request) -> bool:
    """Return whether the partner is notified: not one without a channel: staff write or telephone."""
    receiver, _ = find_receiver(context, notification, request)
    partner = context.partner(receiver.profile)
    if partner is not None and not partner.channel:
        return False
    key = EVENT_CATALOGUE[notification.kind].wish.get(request.role)
    if key is None:
        return True
    workflow = context.workflow(request)
    section = workflow.borrowing if request.role is Role.BORROWING else workflow.lending
    return bool(getattr(section, key))


def is_letter_written(context: LibraryContext, letter: str, request: Request) -> bool:
    """Return whether the patron gets this letter, by its template."""
    return context.writes_letters and is_letter_wanted(context, letter, request)


def is_letter_wanted(context: LibraryContext, letter: str, request: Request) -> bool:
    """Return whether the patron gets this letter where a mail server is set up."""
    letters = (STAFF_LETTER, *context.workflow(request).patron.letters)
    return bool(reader_of_request(request).id) and letter in letters


def is_batched(context: LibraryContext, message: PartnerMessage) -> bool:
    """Return whether it is an order; what else is said goes at once. An order's turn comes before whatever is said
    about it."""
    if message.kind is not EventKind.REQUEST or message.role is not Role.BORROWING:
        return False
    return _find_batch_rule(context, message.receiver.profile) is not None


def _find_batch_rule(context: LibraryContext, target: str) -> BatchRule | None:
    partner = context.partner(target)
    return partner.mail.gather if partner is not None else None


def start_batch_timer(connection: Transaction, context: LibraryContext, order: OutboxRow) -> None:
    """An order that waits for others was added to the outbox."""
    rule = _find_batch_rule(context, order.target)
    assert rule is not None, "it waits by a rule"
    due = calendar.batch_due(rule, order.created, context.calendar)
    order_batches.schedule_batch(connection, context.symbol, order.target, order.created, due, rule.most)


def next_batch_number(
    connection: Transaction, context: LibraryContext, profile: Profile, rule: BatchRule, *, taken: bool = True
) -> str:
    """The next one. `taken`: nobody else gets it."""
    partner = profile.partner
    fields = intake_rules.NumberFields(
        at=context.now(), zone=context.zone, partner=partner.symbol if partner is not None else ""
    )
    series = intake_rules.number_series(rule.number, fields, context.policy().numbers.prefix)
    count = timers.next_in_sequence if taken else timers.peek_sequence
    return series.format_number(count(connection, context.symbol, series.sequence))


def add_next_part(connection: Transaction, context: LibraryContext, message: PartnerMessage) -> None:
    """Add what is still to be said of an event, now that this message, or this part of it, has arrived: a row of its
    own, before what this partner is to be told of later events. Where one message says all, or the partner is no more,
    nothing is left."""
    profile, part = context.profile(message.receiver.profile), message.part or 0
    channel = context.channels.get(profile.partner.channel) if profile is not None and profile.partner else None
    if profile is None or not isinstance(channel, SendsInParts):
        return
    try:
        count = channel.count_parts(message, profile)
    except Refused:  # by now the profile has no such message
        return
    if part + 1 >= count:
        return
    at = context.now()
    following = replace(message, id=make_exchange_id(at), part=part + 1, repeated=False)
    row = new_outbox_row(message.request, PARTNER, profile.name, dump_message(following), at, following.id)
    outbox.add_outbox_row(connection, row)
    take_place(connection, row.library, row.id, message.id)


def find_batch_channel(context: LibraryContext, target: str) -> tuple[Profile, BatchRule, SendsBatches] | None:
    """None: the partner's orders don't go in batches (any more)."""
    profile = context.profile(target)
    partner = profile.partner if profile is not None else None
    if profile is None or partner is None or partner.mail.gather is None:
        return None
    channel = context.channels.get(partner.channel)
    return (profile, partner.mail.gather, channel) if isinstance(channel, SendsBatches) else None
