"""Statements of a supplier that can't be so beside what it has said before: the end of a loan that never began, a
promise after its no, another item than the one that it has sent. Pure.

Nothing of it is done: staff read it, and the partner hears why not, in the way of its protocol. What may be so, though
nobody waits for it, is taken, and read by staff as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.requests.events import Event, EventDetails, EventKind, EventOrigin
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    Role,
    State,
    SupplierAttempt,
    VolumeState,
)
from gateway.domain.sentences import write_sentence

NEVER_SENT = frozenset(AttemptStatus) - {
    AttemptStatus.SHIPPED,
    AttemptStatus.COMPLETED,
    AttemptStatus.EXTRA,
    AttemptStatus.EXTRA_RETURNED,
    AttemptStatus.LOST,
}
"""Of a supplier from which nothing has come."""

NEVER_OUT: frozenset[State] = frozenset(LendingState) - {
    LendingState.SHIPPED,
    LendingState.RETURNED,
    LendingState.COMPLETED,
    LendingState.LOST,
}
"""States of a lending request of which nothing was shipped."""

_REFUSALS = frozenset(
    {
        AttemptStatus.UNFILLED,
        AttemptStatus.EXPIRED,
        AttemptStatus.REJECTED,
        AttemptStatus.RETRY,
        AttemptStatus.CANCELLED,
    }
)
"""Of one that is out by its own last word. One that we have left may not know so yet."""

_PROMISES = frozenset({EventKind.EXPECT_TO_SUPPLY, EventKind.WILL_SUPPLY, EventKind.HOLD_PLACED, EventKind.CONDITIONAL})

CONTRARY_KINDS = _PROMISES | {EventKind.CHECKED_IN, EventKind.SHIPPED}


def find_contradiction(request: Request, event: Event) -> str:
    """Find why a supplier's event can't be so, in a clause; empty: it can."""
    if request.role is not Role.BORROWING or event.signal.origin is not EventOrigin.PARTNER:
        return ""
    attempt = request.find_attempt(event.attempt)
    if attempt is None:
        return ""
    if event.kind is EventKind.CHECKED_IN and not _has_sent(request, attempt):
        return write_sentence("nothing has been shipped")
    if event.kind in _PROMISES and attempt.status in _REFUSALS:
        return write_sentence("the request to this supplier has ended as '%(state)s'", state=attempt.status.value)
    if event.kind is EventKind.SHIPPED and _names_another_item(request, attempt, event.details):
        items = ", ".join(_list_numbers(request))
        return write_sentence("it has shipped another item (%(items)s)", items=items)
    return ""


def is_unexpected(request: Request, event: Event) -> bool:
    """Return whether what a partner says may be so, though nobody waits for it: a supplier sends a volume that the
    request doesn't have, or an item after its no; a requester has received or sent back what was never shipped.
    `request`: as it was before."""
    if request.role is Role.LENDING:
        is_about_item = event.kind in (EventKind.RECEIVED, EventKind.RETURNED)
        return is_about_item and request.state in NEVER_OUT and not request.is_brokered
    if event.kind not in (EventKind.SHIPPED, EventKind.COPY_DELIVERED):
        return False
    attempt = request.find_attempt(event.attempt)
    has_refused = attempt is not None and attempt.status in _REFUSALS
    return has_refused or names_further_volume(request, event.details)


def _has_sent(request: Request, attempt: SupplierAttempt) -> bool:
    is_here = attempt.number == request.current and request.state in _SENT
    return is_here or attempt.status not in NEVER_SENT


_SENT = frozenset(
    {
        BorrowingState.SHIPPED,
        BorrowingState.RECEIVED,
        BorrowingState.LENT,
        BorrowingState.BACK,
        BorrowingState.RETURNED,
        BorrowingState.COMPLETED,
        BorrowingState.LOST,
    }
)


def _names_another_item(request: Request, attempt: SupplierAttempt, details: EventDetails) -> bool:
    """Return whether each volume has its item already, and this is none of them."""
    if attempt.number != request.current or attempt.status is not AttemptStatus.SHIPPED:
        return False
    if any(volume.state is VolumeState.EXPECTED or not volume.theirs for volume in request.volumes):
        return False
    if names_further_volume(request, details):
        return False
    known = {number.casefold() for number in _list_numbers(request)}
    named = {number.casefold() for number in (details.barcode, *(item.barcode for item in details.items)) if number}
    return bool(named) and known.isdisjoint(named)


def names_further_volume(request: Request, details: EventDetails) -> bool:
    """Return whether a supplier names a volume that the request doesn't have: it sends more than was asked for."""
    return not {volume.id for volume in request.volumes}.issuperset(details.volumes)


def _list_numbers(request: Request) -> Iterator[str]:
    """List the numbers of the supplier's items."""
    return (volume.theirs for volume in request.volumes)
