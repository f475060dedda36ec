"""Messages about a request between partners and us: which events are messages that a person should read, which act of
ours answers which of them, which words of a partner show that a message of ours has reached it, and what no longer
applies when it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from gateway.domain.requests.act_details import has_own_note
from gateway.domain.requests.contradictions import CONTRARY_KINDS, is_unexpected
from gateway.domain.requests.events import Event, EventKind, EventOrigin, EventSignal
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestFlag, Role
from gateway.domain.requests.state_machine import TABLES
from gateway.domain.requests.state_table import ForbiddenCell, NotifyPartner
from gateway.domain.requests.volume_notes import remove_volumes
from gateway.domain.value import replace, value_object

PARTNER_ACTOR = "partner:"
STAFF_ACTOR = "staff:"
"""How the actor of an event begins that a partner, or one of the staff, has caused (`Event.actor`)."""

REPORTS = frozenset({EventKind.DAMAGED, EventKind.LOST, EventKind.SETTLED})
"""News of a partner that staff read even where not a word comes with it: no list of work would show it."""

MACHINE_ANSWERS = frozenset({EventKind.REJECTED})
"""What a partner's machine says of a message of ours: the request goes on by itself, and has it in its history."""

ANSWERED_BY: Mapping[EventKind, frozenset[EventKind]] = {
    EventKind.CONDITION_ACCEPTED: frozenset({EventKind.CONDITIONAL, EventKind.RETRY}),
    EventKind.CONDITION_REFUSED: frozenset({EventKind.CONDITIONAL, EventKind.RETRY}),
    EventKind.RENEW_ACCEPTED: frozenset({EventKind.RENEW}),
    EventKind.RENEW_REFUSED: frozenset({EventKind.RENEW}),
    EventKind.CANCEL_ACCEPTED: frozenset({EventKind.CANCEL}),
    EventKind.CANCEL_REFUSED: frozenset({EventKind.CANCEL}),
}
"""What staff have read who act so. A message of theirs answers all that its receiver has written."""


@value_object
class AnsweredMessages:
    """`kinds` None: of whatever kind. `attempt`: of this supplier (borrowing); 0 for lending."""

    kinds: frozenset[EventKind] | None
    attempt: int


def is_message_to_read(event: Event, before: Request | None = None, denied: str = "") -> bool:
    """Return whether a person should read it: a partner has written something, reports damage or loss, renews a loan
    without a day, or says what nobody waits for, or what can't be so by what we know. `before`: the request before it;
    `denied`: why it was not taken. What its message says counts also where it doesn't fit the request any more; what
    its machine put together doesn't, where the format tells it apart (`EventDetails.written`)."""
    if event.signal.origin is not EventOrigin.PARTNER or not event.actor.startswith(PARTNER_ACTOR):
        return False
    if event.kind in MACHINE_ANSWERS:
        return False
    details = event.details
    if event.kind is EventKind.STATUS_REPORT and details.reported is not None:
        return True
    if (denied and event.kind in CONTRARY_KINDS) or details.missing:
        return True
    if before is not None and is_unexpected(before, event):
        return True
    if event.kind is EventKind.RENEW_ACCEPTED and details.due is None:  # somebody has to ask until when
        return True
    words = details.written
    if words is None or event.kind is EventKind.MESSAGE:  # which is nothing but its words
        words = details.note
    return event.kind in REPORTS or bool(remove_volumes(words))


def is_message_sent(role: Role, before: str, event: Event) -> bool:
    """Return whether the words of an event went to the partner: by staff, or by a rule. `before`: the state in which it
    happened, as the history has it."""
    if event.signal.origin is not EventOrigin.US or not event.details.note.strip() or has_own_note(event.kind):
        return False
    return event.kind is EventKind.MESSAGE or is_for_partner(role, before, event.signal)


def is_for_partner(role: Role, before: str, signal: EventSignal) -> bool:
    """Return whether the partner is to hear of it, if it has a message for that. `before`: as of `is_message_sent`."""
    state = BorrowingState(before) if role is Role.BORROWING else LendingState(before)
    cell = TABLES[role].find_cell(state, signal)
    return not isinstance(cell, ForbiddenCell) and any(
        isinstance(effect, NotifyPartner) and effect.kind is signal.kind for branch in cell for effect in branch.effects
    )


def find_answered_messages(request: Request, event: Event) -> AnsweredMessages | None:
    """Find the partner's messages that whoever causes this event has read. None: it answers nothing; a rule, a timer or
    a patron reads no messages."""
    if event.signal.origin is not EventOrigin.US or not event.actor.startswith(STAFF_ACTOR):
        return None
    attempt = event.attempt or request.current  # a lending request has none: 0
    if event.kind is EventKind.MESSAGE:
        return AnsweredMessages(None, attempt)
    kinds = ANSWERED_BY.get(event.kind)
    return AnsweredMessages(kinds, attempt) if kinds is not None else None


def update_unread_flag(request: Request, unread: Collection[str]) -> Request:
    """The request as flagged while it has unread messages (ids). Its version stays, since nobody decides by the flag;
    the same value where nothing changes."""
    flags = request.flags | {RequestFlag.UNREAD} if unread else request.flags - {RequestFlag.UNREAD}
    return replace(request, flags=flags) if flags != request.flags else request


# --- what a partner's answer shows -----------------------------------------------------------------------

FIRST_ANSWERS = frozenset(
    {
        EventKind.ACKNOWLEDGED,
        EventKind.REJECTED,
        EventKind.EXPECT_TO_SUPPLY,
        EventKind.WILL_SUPPLY,
        EventKind.HOLD_PLACED,
        EventKind.CONDITIONAL,
        EventKind.RETRY,
        EventKind.UNFILLED,
        EventKind.FORWARDED,
        EventKind.EXPIRED,
        EventKind.SHIPPED,
        EventKind.COPY_DELIVERED,
    }
)
"""What answers a request; words and answers to later questions don't."""

ANSWERS_TO: Mapping[tuple[Role, EventKind], frozenset[EventKind]] = {
    (Role.BORROWING, EventKind.RENEW): frozenset({EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED}),
    (Role.BORROWING, EventKind.CANCEL): frozenset({EventKind.CANCEL_ACCEPTED, EventKind.CANCEL_REFUSED}),
    (Role.BORROWING, EventKind.CONDITION_REFUSED): frozenset({EventKind.CANCEL_ACCEPTED, EventKind.CANCEL_REFUSED}),
    (Role.BORROWING, EventKind.STATUS_QUERY): frozenset({EventKind.STATUS_REPORT}),
    (Role.BORROWING, EventKind.RETURNED): frozenset({EventKind.CHECKED_IN}),
    (Role.LENDING, EventKind.CONDITIONAL): frozenset({EventKind.CONDITION_ACCEPTED, EventKind.CONDITION_REFUSED}),
    (Role.LENDING, EventKind.SHIPPED): frozenset({EventKind.RECEIVED, EventKind.RETURNED}),
}
"""By our role and the kind of the message. A request is answered by whatever its supplier says of it."""


def proves_arrival(event: Event, kind: EventKind, role: Role, attempt: int) -> bool:
    """Return whether this event, that came after the message of this `kind`, shows that it has arrived. `attempt`: of
    the supplier that it went to; 0 as a lender."""
    if event.signal.origin is not EventOrigin.PARTNER or (role is Role.BORROWING and event.attempt != attempt):
        return False
    if (role, kind) == (Role.BORROWING, EventKind.REQUEST):
        return event.kind is not EventKind.REJECTED  # as which its refusal of the message is kept
    is_report = event.kind is EventKind.STATUS_REPORT or event.details.reported is not None
    answers = ANSWERS_TO.get((role, kind), frozenset())
    return event.kind in answers or (is_report and EventKind.STATUS_REPORT in answers)


def has_been_answered(events: Sequence[Event], kind: EventKind, role: Role, attempt: int, at: datetime) -> bool:
    """`events`: the request's history, oldest first; `at`: of the event that the message tells."""
    if may_answer_earlier(events, kind, role, attempt, at):
        return False
    return any(proves_arrival(event, kind, role, attempt) for event in _list_later_events(events, at))


SAID_ANEW = frozenset({EventKind.CONDITIONAL, EventKind.SHIPPED})
"""What is said again with other terms or of a further volume: an answer may be to the one before."""


def may_answer_earlier(events: Sequence[Event], kind: EventKind, role: Role, attempt: int, at: datetime) -> bool:
    """Return whether an answer may be to another message of the same kind, which was said before and not answered until
    this one. As of `has_been_answered`."""
    if kind not in SAID_ANEW:
        return False
    before = events[: len(events) - len(_list_later_events(events, at)) - 1]
    places = [n for n, event in enumerate(before) if event.kind is kind and event.signal.origin is EventOrigin.US]
    return bool(places) and not any(proves_arrival(event, kind, role, attempt) for event in before[places[-1] + 1 :])


def _list_later_events(events: Sequence[Event], at: datetime) -> Sequence[Event]:
    """Those behind the last event of ours at that moment; several may share it."""
    ours = [n for n, event in enumerate(events) if event.at == at and event.signal.origin is not EventOrigin.PARTNER]
    return events[ours[-1] + 1 :] if ours else [event for event in events if event.at > at]


# --- what no longer applies ------------------------------------------------------------------------------

# What was written at once is sent as it is, in its order. Only a later try asks, since what it says was so a while ago.


def _is_renewal_asked(request: Request) -> bool:
    return RequestFlag.RENEWAL_PENDING in request.flags and request.state in (
        BorrowingState.RECEIVED,
        BorrowingState.LENT,
    )


_APPLYING_MESSAGES: Mapping[tuple[Role, EventKind], Callable[[Request], bool]] = {
    (Role.BORROWING, EventKind.RENEW): _is_renewal_asked,
    (Role.BORROWING, EventKind.STATUS_QUERY): lambda r: r.open,
    (Role.LENDING, EventKind.OVERDUE): lambda r: r.state is LendingState.SHIPPED and RequestFlag.OVERDUE in r.flags,
    (Role.LENDING, EventKind.RECALL): lambda r: r.state is LendingState.SHIPPED,
}
"""While they apply; all others always do."""


def _is_on_loan(request: Request) -> bool:
    """Return whether somebody has it: states of both sides are equal where their words are, but not the same."""
    return request.state is BorrowingState.LENT or request.state is LendingState.SHIPPED


_APPLYING_LETTERS: Mapping[str, Callable[[Request], bool]] = {
    "placed": lambda r: r.open,
    "sent": lambda r: r.state is BorrowingState.SHIPPED and RequestFlag.UNWANTED not in r.flags,
    "available": lambda r: (
        r.state is BorrowingState.RECEIVED and r.flags.isdisjoint({RequestFlag.UNWANTED, RequestFlag.RECALLED})
    ),
    "not-supplied-yet": lambda r: (
        r.state in (BorrowingState.NO_SUPPLIER, BorrowingState.SOURCING, BorrowingState.REQUESTED)
    ),
    "not-supplied": lambda r: not r.open,
    "cancelled": lambda r: not r.open,
    "query": lambda r: r.open and r.query is not None and not r.query.answer,
    "due-soon": _is_on_loan,
    "overdue": lambda r: _is_on_loan(r) and RequestFlag.OVERDUE in r.flags,
    "recalled": lambda r: _is_on_loan(r) and RequestFlag.RECALLED in r.flags,
    "renewed": _is_on_loan,
    "renewal-refused": _is_on_loan,
}


def is_message_overtaken(request: Request, kind: EventKind) -> bool:
    applies = _APPLYING_MESSAGES.get((request.role, kind))
    return applies is not None and not applies(request)


def is_letter_overtaken(request: Request, name: str) -> bool:
    """`name`: of its template."""
    applies = _APPLYING_LETTERS.get(name)
    return applies is not None and not applies(request)
