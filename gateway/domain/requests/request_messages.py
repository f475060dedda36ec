"""What partners and we write to each other about a request: which events are messages that a person should read, and
which act of ours answers which of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from gateway.domain.requests.events import Event, EventKind, EventOrigin, EventSignal
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestFlag, Role, State
from gateway.domain.requests.state_machine import TABLES
from gateway.domain.requests.state_table import ForbiddenCell, NotifyPartner
from gateway.domain.requests.volume_notes import remove_volumes
from gateway.domain.value import value_object

PARTNER_ACTOR = "partner:"
STAFF_ACTOR = "staff:"
"""How the actor of an event begins that a partner, or one of the staff, has caused (`Event.actor`)."""

REPORTS = frozenset({EventKind.DAMAGED, EventKind.LOST})
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


def is_message_to_read(event: Event) -> bool:
    """Whether a person should read it: a partner has written something, reports damage or loss, or says that the
    request stands as it can't by what we know. What a partner's
    message says counts also where it doesn't fit the request any more; what its machine put together doesn't, where the
    format tells it apart (`EventDetails.written`)."""
    if event.signal.origin is not EventOrigin.PARTNER or not event.actor.startswith(PARTNER_ACTOR):
        return False
    if event.kind in MACHINE_ANSWERS:
        return False
    details = event.details
    if event.kind is EventKind.STATUS_REPORT and details.reported is not None:
        return True
    words = details.written
    if words is None or event.kind is EventKind.MESSAGE:  # which is nothing but its words
        words = details.note
    return event.kind in REPORTS or bool(remove_volumes(words))


def is_message_sent(role: Role, before: str, event: Event) -> bool:
    """Whether its words went to the partner: by staff, or by a rule. `before`: the state in which it happened, as the
    history has it."""
    if event.signal.origin is not EventOrigin.US or not event.details.note.strip():
        return False
    state = BorrowingState(before) if role is Role.BORROWING else LendingState(before)
    return event.kind is EventKind.MESSAGE or _is_partner_told(role, state, event.signal)


def _is_partner_told(role: Role, before: State, signal: EventSignal) -> bool:
    cell = TABLES[role].find_cell(before, signal)
    return not isinstance(cell, ForbiddenCell) and any(
        isinstance(effect, NotifyPartner) and effect.kind is signal.kind for branch in cell for effect in branch.effects
    )


def find_answered_messages(request: Request, event: Event) -> AnsweredMessages | None:
    """Which of the partner's messages whoever causes this event has read. None: it answers nothing; a rule, a timer or
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
