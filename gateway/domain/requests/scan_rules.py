"""Meanings of a scanned code at a desk: which act each scan page does, on which requests, and when it was done already.

A scan page does one act again and again. Rules as data, like the state tables, which have the last word.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from gateway.domain.requests.events import IN_LIBRARY_CONDITIONS, EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    ServiceType,
    State,
    Volume,
    VolumeState,
)
from gateway.domain.requests.search_terms import fold_number
from gateway.domain.value import value_object


class ScanWork(StrEnum):
    """A scan page, by the last part of its address."""

    RECEIVE = "receive"
    UNPACK = "unpack"
    SHELVE = "arrive"
    LEND = "lend"
    TAKE_BACK = "take-back"
    RETURN = "return"
    LOCATE = "locate"
    SHIP = "ship"
    CHECK_IN = "check-in"


class ScanOutcome(StrEnum):
    DONE = "done"
    LOOK = "look"  # something needs a hand; scanning goes on
    FAILED = "failed"  # nothing was done


class ScanReason(StrEnum):
    """The reason why a scan ended as it did."""

    DONE = "done"
    ALREADY = "already"  # it was done before: nothing was changed
    LIBRARY_USE = "library-use"  # done, and the lender lends it for use in the library only
    UNWANTED = "unwanted"  # done, but nobody waits for it any more
    ELSEWHERE = "elsewhere"  # done, and it goes on to the pickup place
    SETTLED = "settled"  # done, and it had been settled as lost: whether a fee is given back is for staff to say
    ON_HOLD_SHELF = "on-hold-shelf"  # its patron waits for it: nothing was done, whether it goes back is asked first
    ON_LOAN = "on-loan"  # the patron has it: the same
    RECALLED = "recalled"  # its lender wants it back: nothing was done, whether it is lent all the same is asked first
    NOT_SENT = "not-sent"  # its lender hasn't said so: nothing was done, whether it is here all the same is asked first
    SEVERAL = "several"  # more than one request has this code
    ITEM_MISSING = "item-missing"  # the item's own barcode is needed too
    NOT_NOW = "not-now"  # the request is in a state for something else
    OTHER_WORK = "other-work"  # it belongs to the other desk
    OTHER_BRANCH = "other-branch"
    PATRON_CARD = "patron-card"
    WORK_NUMBER = "work-number"  # an ISBN and the like
    OWN_ITEM = "own-item"  # an item of ours that no request is about
    UNKNOWN = "unknown"
    REFUSED = "refused"  # the library's system says no
    KEPT = "kept"  # the library's system is away: it is done as soon as it can be


@value_object(kw_only=True)
class ScanRule:
    """`over`: states in which the act is behind us. `pending`: of several volumes those that it is still to happen
    to."""

    work: ScanWork
    role: Role
    kind: EventKind
    over: frozenset[State]
    pending: frozenset[VolumeState]


_B, _L, _V = BorrowingState, LendingState, VolumeState
_RETURNED: tuple[State, ...] = (_B.RETURNED, _B.COMPLETED)
_SHIPPED: tuple[State, ...] = (_L.SHIPPED, _L.RETURNED, _L.COMPLETED)

RULES: tuple[ScanRule, ...] = (
    ScanRule(
        work=ScanWork.RECEIVE,
        role=Role.BORROWING,
        kind=EventKind.RECEIVED,
        over=frozenset({_B.RECEIVED, _B.LENT, _B.BACK, *_RETURNED}),
        pending=frozenset({_V.EXPECTED, _V.SHIPPED}),
    ),
    ScanRule(
        work=ScanWork.UNPACK,
        role=Role.BORROWING,
        kind=EventKind.ARRIVED_AT_BRANCH,
        over=frozenset({_B.RECEIVED, _B.LENT, _B.BACK, *_RETURNED}),
        pending=frozenset(),
    ),
    ScanRule(
        work=ScanWork.SHELVE,
        role=Role.BORROWING,
        kind=EventKind.AT_PICKUP,
        over=frozenset({_B.RECEIVED, _B.LENT, _B.BACK, *_RETURNED}),
        pending=frozenset({_V.RECEIVED}),
    ),
    ScanRule(
        work=ScanWork.LEND,
        role=Role.BORROWING,
        kind=EventKind.LOANED_TO_PATRON,
        over=frozenset({_B.LENT}),
        pending=frozenset({_V.RECEIVED, _V.BACK}),
    ),
    ScanRule(
        work=ScanWork.TAKE_BACK,
        role=Role.BORROWING,
        kind=EventKind.RETURNED_BY_PATRON,
        over=frozenset({_B.BACK, *_RETURNED}),
        pending=frozenset({_V.LENT}),
    ),
    ScanRule(
        work=ScanWork.RETURN,
        role=Role.BORROWING,
        kind=EventKind.RETURNED,
        over=frozenset(_RETURNED),
        pending=frozenset({_V.RECEIVED, _V.LENT, _V.BACK}),
    ),
    ScanRule(
        work=ScanWork.LOCATE,
        role=Role.LENDING,
        kind=EventKind.WILL_SUPPLY,
        over=frozenset({_L.WILL_SUPPLY, _L.DIGITISING, _L.CLEARANCE, _L.CLEARED, *_SHIPPED}),
        pending=frozenset({_V.EXPECTED}),
    ),
    ScanRule(
        work=ScanWork.SHIP,
        role=Role.LENDING,
        kind=EventKind.SHIPPED,
        over=frozenset(_SHIPPED),
        pending=frozenset({_V.EXPECTED}),
    ),
    ScanRule(
        work=ScanWork.CHECK_IN,
        role=Role.LENDING,
        kind=EventKind.CHECKED_IN,
        over=frozenset({_L.COMPLETED}),
        pending=frozenset({_V.SHIPPED, _V.RECEIVED, _V.RETURNED, _V.LOST}),
    ),
)
RULE_OF_WORK = {rule.work: rule for rule in RULES}

TO_CHOOSE = frozenset({LendingState.NEW, LendingState.HOLD_PLACED, LendingState.CONDITIONAL})
"""Which item goes out is still to be said: at the shelf by its barcode."""


def choose_kind(rule: ScanRule, request: Request) -> EventKind:
    """Choose the kind of event: at the shelf an item that was not chosen before is located first."""
    if rule.work is ScanWork.LOCATE and request.state in TO_CHOOSE:
        return EventKind.LOCATED
    return rule.kind


def find_question(kind: EventKind, request: Request) -> ScanReason | None:
    """Find why people are asked before they do it, None: they aren't. What its lender wants back is not lent by
    mistake, and what a patron waits for or has is not sent back by mistake."""
    if kind is EventKind.LOANED_TO_PATRON and RequestFlag.RECALLED in request.flags:
        return ScanReason.RECALLED
    if kind is not EventKind.RETURNED or request.role is not Role.BORROWING:
        return None
    if request.state is BorrowingState.LENT:
        return ScanReason.ON_LOAN
    is_waited_for = request.state is BorrowingState.RECEIVED and request.flags.isdisjoint(_GOES_BACK)
    return ScanReason.ON_HOLD_SHELF if is_waited_for else None


_GOES_BACK = frozenset({RequestFlag.UNWANTED, RequestFlag.NOT_COLLECTED, RequestFlag.RECALLED})

QUESTIONS = frozenset({ScanReason.RECALLED, ScanReason.ON_HOLD_SHELF, ScanReason.ON_LOAN})


_NOT_SENT: frozenset[State] = frozenset(
    {_B.REQUESTED, _B.HOLD_PLACED, _B.WILL_SUPPLY, _B.CONDITIONAL, _B.CANCEL_PENDING}
)


def is_unsent(rule: ScanRule, request: Request) -> bool:
    """Return whether the item is received though its lender hasn't said that it was sent."""
    return rule.work is ScanWork.RECEIVE and request.state in _NOT_SENT


def list_pending_volumes(rule: ScanRule, request: Request) -> tuple[Volume, ...]:
    """List the volumes, of several, that the act is still to happen to; of one volume none."""
    if len(request.volumes) < 2 or rule.work is ScanWork.LOCATE:
        return ()
    arriving = rule.work is ScanWork.SHELVE
    return tuple(part for part in request.volumes if part.state in rule.pending and (part.in_transit or not arriving))


def find_scanned_volume(request: Request, code: str) -> Volume | None:
    """The volume whose barcode, ours or the partner's, the code is."""
    wanted = fold_number(code)
    return next((part for part in request.volumes if wanted in map(fold_number, filter(None, _codes_of(part)))), None)


def _codes_of(volume: Volume) -> tuple[str, str]:
    return volume.barcode, volume.theirs


def is_over(rule: ScanRule, request: Request, code: str) -> bool:
    """Return whether the act has happened to what was scanned."""
    pending = list_pending_volumes(rule, request)
    if pending:
        scanned = find_scanned_volume(request, code)
        return scanned is not None and scanned not in pending
    if rule.work is ScanWork.SHELVE and RequestFlag.IN_TRANSIT in request.flags:
        return False
    if rule.work is ScanWork.UNPACK and RequestFlag.IN_TRANSIT in request.flags:
        return RequestFlag.ARRIVED in request.flags
    return request.state in rule.over and not (rule.work in _RETURNS and request.is_loss_settled)


_RETURNS = frozenset({ScanWork.TAKE_BACK, ScanWork.RETURN, ScanWork.CHECK_IN})
"""By these an item that was lost may come back."""


def is_return_of_lost_item(rule: ScanRule, request: Request) -> bool:
    """Return whether the request ended with a loss, and the act finds what was lost."""
    return rule.work in _RETURNS and request.is_lost


def needs_item(rule: ScanRule, request: Request, volume: Volume | None) -> bool:
    """Return whether the item's own barcode has to be scanned too."""
    if request.service.type is ServiceType.COPY:
        return False
    if choose_kind(rule, request) is EventKind.LOCATED:
        return True
    has_item = bool(volume.barcode if volume is not None else request.item_barcode)
    return rule.kind is EventKind.SHIPPED and not has_item


def reason_after(rule: ScanRule, request: Request) -> ScanReason:
    """Return what somebody has to know of a request to which the act has just happened."""
    if rule.work in (ScanWork.RECEIVE, ScanWork.SHELVE):
        if RequestFlag.UNWANTED in request.flags:
            return ScanReason.UNWANTED
        if not IN_LIBRARY_CONDITIONS.isdisjoint(request.terms.conditions):
            return ScanReason.LIBRARY_USE
        if RequestFlag.IN_TRANSIT in request.flags:
            return ScanReason.ELSEWHERE
    return ScanReason.DONE


_OUTCOMES = {
    ScanReason.DONE: ScanOutcome.DONE,
    ScanReason.ALREADY: ScanOutcome.DONE,
    ScanReason.ELSEWHERE: ScanOutcome.DONE,
    ScanReason.LIBRARY_USE: ScanOutcome.LOOK,
    ScanReason.UNWANTED: ScanOutcome.LOOK,
    ScanReason.SETTLED: ScanOutcome.LOOK,
    **dict.fromkeys(QUESTIONS, ScanOutcome.LOOK),
    ScanReason.NOT_SENT: ScanOutcome.LOOK,
    ScanReason.SEVERAL: ScanOutcome.LOOK,
    ScanReason.ITEM_MISSING: ScanOutcome.LOOK,
    ScanReason.NOT_NOW: ScanOutcome.LOOK,
    ScanReason.KEPT: ScanOutcome.LOOK,
}


def outcome_of_reason(reason: ScanReason) -> ScanOutcome:
    return _OUTCOMES.get(reason, ScanOutcome.FAILED)


DID_SOMETHING = frozenset(
    {ScanReason.DONE, ScanReason.LIBRARY_USE, ScanReason.UNWANTED, ScanReason.ELSEWHERE, ScanReason.SETTLED}
)


def is_at_branch(request: Request, branches: Collection[str]) -> bool:
    """Return whether a user who works for these branches alone (empty: for all) has to do with it. What is counted,
    listed and waits for paper follows the same, by the row of the request."""
    return not branches or request.desk in branches
