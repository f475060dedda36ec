"""apply_event: the one way a request changes; expired timers as events.

load → apply (domain) → due date of the patron → save → history → outbox → timers → what staff have to tell → other leg
of a brokered request
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gateway.domain.problems import MessagePart, Refusal, RefusalReason
from gateway.domain.requests.brokered_requests import write_event_note
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import BROKER, UNTOLD, Event, EventDetails, EventKind, EventOrigin, local_signal
from gateway.domain.requests.request import BorrowingState, Request
from gateway.domain.requests.request_figures import WAS_SENT
from gateway.domain.requests.request_messages import STAFF_ACTOR
from gateway.domain.requests.request_updates import RequestChange, keep_request
from gateway.domain.requests.state_machine import Denied, Transition, compute_transition
from gateway.domain.requests.state_table import DenialReason, TimerKind, expired_timer_signal
from gateway.domain.requests.views import EventDenied, HistoryLine, NotFound, VersionConflict
from gateway.domain.requests.volume_updates import list_items_out
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import CarryWay
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.keyed_work import write_once
from gateway.services.outbox.webhooks import announce_event
from gateway.services.requests.brokered_requests import carry_transition
from gateway.services.requests.deadlines import (
    PARTNER_TIMERS,
    complete_request,
    compute_renewed_due,
    find_reopening,
)
from gateway.services.requests.effects import (
    choose_way_to_tell,
    find_receiver,
    is_partner_notified,
    note_first_answer,
    write_effects,
)
from gateway.services.requests.forgetting import find_forgetting_delay, forget_late_words, forget_patron_in
from gateway.services.requests.history_rows import amend_with_row, make_history_row
from gateway.services.requests.left_suppliers import drop_unsent_messages, find_unsent_messages, send_words_of_search
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.moot_steps import end_moot_steps
from gateway.services.requests.partner_closures import load_closures
from gateway.services.requests.request_messages import track_message
from gateway.store.requests import history, request_figures, requests, timers
from gateway.store.requests.history import EventRow
from gateway.store.requests.timers import TimerRow


@value_object
class ComputedEvent:
    """The outcome of an event for the request as it was read, before the library's system was asked."""

    request: Request
    transition: Transition


@value_object(kw_only=True)
class EventRequest:
    """`expected`: the version that whoever caused this has seen (None: whatever it is). `prepare` adds what goes along
    (the attempt of a request to a supplier), `complete` what nothing that follows depends on (the number of a loan).
    `hold`: so long nothing goes out of what follows. `lists_untold`: as of `ActionRequest`. `computed`: it isn't
    computed once more where the request is the same."""

    request_id: str
    event: Event
    expected: int | None = None
    prepare: RequestChange = keep_request
    complete: RequestChange = keep_request
    hold: timedelta = timedelta(0)
    lists_untold: bool = False
    computed: ComputedEvent | None = None


async def apply_event(context: LibraryContext, event_request: EventRequest) -> Transition:
    """Apply an event; raises NotFound, EventDenied, VersionConflict."""
    is_partners = event_request.event.signal.origin is EventOrigin.PARTNER

    def apply_allowed_event(connection: Transaction) -> Transition | Denied:
        outcome = apply_event_in(connection, context, event_request)
        return outcome if is_partners else raise_if_denied(outcome)  # the history keeps a partner's

    transition = raise_if_denied(await write_once(context.store, apply_allowed_event))
    context.wake_outbox()
    return transition


def raise_if_denied(outcome: Transition | Denied) -> Transition:
    """Return a transition; raises EventDenied."""
    if isinstance(outcome, Denied):
        raise EventDenied(outcome)
    return outcome


def denial_as_refusal(denied: Denied) -> Refusal:
    """A denied event as it is told to a partner."""
    if denied.why is DenialReason.CONTRARY:
        return Refusal(RefusalReason.NOT_ALLOWED, denied.detail, MessagePart.STATUS)
    reason = RefusalReason.REQUEST_CLOSED if denied.why is DenialReason.ENDED else RefusalReason.NOT_ALLOWED
    return Refusal(reason, denied.detail, MessagePart.REQUEST)


def apply_event_in(
    connection: Transaction, context: LibraryContext, event_request: EventRequest
) -> Transition | Denied:
    """Apply an event inside a transaction. What is denied changes nothing; a partner's message is kept in the history
    even so.

    Raises NotFound, VersionConflict, and Refused for what can't be passed on to other libraries.
    """
    event = event_request.event
    request = requests.lock_request(connection, context.symbol, event_request.request_id)
    if request is None:
        raise NotFound("request")
    if event_request.expected is not None and event_request.expected != request.version:
        raise VersionConflict(request.version)
    outcome = _compute_event(context, event_request.prepare(request), event_request)
    if isinstance(outcome, Denied):
        if event.signal.origin is EventOrigin.PARTNER:
            record_denied_event(connection, context, request, event, outcome.detail)
        return outcome
    if event.signal.origin is EventOrigin.TIMER and outcome.kept:  # a timer whose time is over leaves no trace
        return replace(outcome, request=request)
    event, after = outcome.event, event_request.complete(outcome.request)
    after = note_first_answer(context, outcome.told, complete_request(context, request, after))
    row = make_history_row(context, event, request, after)
    after = replace(track_message(connection, context, request, after, row), last_event=row.id)
    transition = replace(outcome, request=after, items_out=list_items_out(request))
    requests.save_request(connection, after, event.details.reason)
    if _is_asked_elsewhere(transition):
        request_figures.withdraw_supply(connection, transition.request)
    history.add_history_event(connection, row)
    if event.kind is EventKind.ANONYMISED:
        forget_patron_in(connection, context, request)
    announce_event(connection, context.symbol, history_line(row), event.at)
    unsent = find_unsent_messages(connection, context, request, transition)
    write_effects(connection, context, transition, event_request.hold)
    if not request.open and not transition.request.open:
        forget_late_words(connection, context, request, event)
    drop_unsent_messages(connection, context, transition, unsent)
    send_words_of_search(connection, context, request, transition)
    if request.open and not transition.request.open:
        end_moot_steps(connection, context, transition.request)

    is_followed = False

    def apply_in_turn(request_id: str, event: Event, prepare: RequestChange = keep_request) -> Transition | Denied:
        nonlocal is_followed
        is_followed = True
        return apply_event_in(connection, context, EventRequest(request_id=request_id, event=event, prepare=prepare))

    for report in _list_untold(context, transition, event_request.lists_untold):
        apply_in_turn(request.id, report)
    carry_transition(connection, context, transition, apply_in_turn)
    if not is_followed:
        return transition
    current = requests.lock_request(connection, context.symbol, request.id)
    assert current is not None
    return replace(transition, request=current)


def _compute_event(context: LibraryContext, prepared: Request, event_request: EventRequest) -> Transition | Denied:
    computed = event_request.computed
    if computed is not None and computed.request == prepared:
        return computed.transition
    return compute_transition(prepared, event_request.event, context.workflow(prepared))


def _list_untold(context: LibraryContext, transition: Transition, lists_untold: bool) -> Iterator[Event]:
    """List what no message can tell a partner, which is for staff to tell. What they do themselves they are told at
    once, by the page (`actions.find_action_hints`), where it isn't listed all the same; a partner without a channel, to
    whom they write anyway, is reported for what comes from the other leg alone."""
    event = transition.event
    if event.actor.startswith(STAFF_ACTOR) and not lists_untold:
        return
    for notification in transition.told:
        if (
            EVENT_CATALOGUE[notification.kind].is_courtesy
            or choose_way_to_tell(context, notification, transition.request) is not CarryWay.LOST
        ):
            continue
        if event.actor == BROKER or is_partner_notified(context, notification, transition.request):
            receiver, _ = find_receiver(context, notification, transition.request)
            name = receiver.name or receiver.symbol or receiver.profile
            words = write_event_note(notification.kind, event.details, context.zone)
            note = write_sentence("there is no message to tell %(partner)s: %(words)s", partner=name, words=words)
            details = EventDetails(reason=UNTOLD, note=note)
            yield Event(local_signal(EventKind.TROUBLE), event.at, event.actor, details)


def _is_asked_elsewhere(transition: Transition) -> bool:
    """Return whether what was sent, or was here, didn't serve: then it doesn't count."""
    return transition.request.state is BorrowingState.SOURCING and transition.before in WAS_SENT


def record_denied_event(
    connection: Transaction, context: LibraryContext, request: Request, event: Event, why: str
) -> None:
    """A partner's message that doesn't fit, or that its protocol doesn't allow now, in the history of the request that
    it is about, which is locked; what it says is to be read."""
    row = make_history_row(context, event, request, request, why)
    amend_with_row(connection, track_message(connection, context, request, request, row), row)
    if not request.open:
        forget_late_words(connection, context, request, event)


def history_line(row: EventRow) -> HistoryLine:
    return HistoryLine(
        row.id, row.request_id, row.at, row.event, row.before, row.after, row.denied, row.note, row.exchange
    )


async def apply_expired_timer(context: LibraryContext, row: TimerRow) -> None:
    """The event and the end of the timer in one transaction; what waits for a partner that is closed waits on. Raises
    Unavailable."""

    def apply_timer_event(connection: Transaction) -> None:
        request = requests.lock_request(connection, context.symbol, row.request_id)
        # Ended first: the event may set the same timer anew. Where the request is gone, nothing is left to happen.
        if not timers.take_timer(connection, row) or request is None:
            return
        if row.timer in PARTNER_TIMERS:
            closures = load_closures(connection, context, request.partner.profile)
            reopening = find_reopening(context, context.now(), closures)
            if reopening is not None:
                timers.start_timer(connection, context.symbol, request.id, row.timer, reopening)
                return
        if row.timer is TimerKind.ANONYMISE:
            delayed = find_forgetting_delay(connection, context, request)
            if delayed is not None:
                timers.start_timer(connection, context.symbol, request.id, row.timer, delayed)
                return
        event = _event_of_timer(context, request, row.timer)
        outcome = apply_event_in(connection, context, EventRequest(request_id=request.id, event=event))
        assert not isinstance(outcome, Denied), outcome

    await context.store.write(apply_timer_event)
    context.wake_outbox()


def _event_of_timer(context: LibraryContext, request: Request, timer: TimerKind) -> Event:
    workflow = context.workflow(request)
    signal, details = expired_timer_signal(timer, workflow), EventDetails()
    if signal.kind is EventKind.RENEW_ACCEPTED:
        details = EventDetails(due=compute_renewed_due(context, request, workflow.borrowing.renewal_fallback_days))
    return Event(signal, context.now(), "timer", details)
