"""A request in the words of staff: its state as a tag, whose move it is, what each act is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import Request, RequestFlag, Role
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import DenialReason
from gateway.domain.requests.take_back import UNDOABLE
from gateway.domain.requests.task_lists import COMES_HERE, OPEN_QUERY
from gateway.domain.value import value_object
from gateway.services.localization import Localization, mark_text


@value_object
class StateTag:
    """`kind` is the shape and tint (page-design), `word` the exact state."""

    kind: str
    word: str


_BORROWING: Mapping[str, tuple[str, str]] = {
    B.NEW: ("waiting", mark_text("New")),
    B.REVIEW: ("todo", mark_text("To be reviewed")),
    B.SOURCING: ("waiting", mark_text("Choosing whom to ask")),
    B.NO_SUPPLIER: ("todo", mark_text("Nobody left to ask")),
    B.REQUESTED: ("waiting", mark_text("Asked")),
    B.HOLD_PLACED: ("waiting", mark_text("Reserved there")),
    B.WILL_SUPPLY: ("waiting", mark_text("Promised")),
    B.CONDITIONAL: ("look", mark_text("Condition to answer")),
    B.CANCEL_PENDING: ("waiting", mark_text("Being cancelled")),
    B.SHIPPED: ("way", mark_text("On its way to us")),
    B.RECEIVED: ("good", mark_text("Here")),
    B.LENT: ("good", mark_text("With the reader")),
    B.BACK: ("todo", mark_text("To be sent back")),
    B.RETURNED: ("way", mark_text("On its way back")),
    B.COMPLETED: ("closed", mark_text("Finished")),
    B.CANCELLED: ("closed", mark_text("Cancelled")),
    B.UNFILLED: ("closed", mark_text("Not supplied")),
    B.EXPIRED: ("closed", mark_text("Expired")),
    B.LOST: ("late", mark_text("Lost")),
}

_LENDING: Mapping[str, tuple[str, str]] = {
    L.NEW: ("todo", mark_text("To be answered")),
    L.LOCATED: ("todo", mark_text("To be fetched")),
    L.HOLD_PLACED: ("waiting", mark_text("Reserved here")),
    L.WILL_SUPPLY: ("todo", mark_text("To be sent")),
    L.CONDITIONAL: ("waiting", mark_text("Condition set")),
    L.DIGITISING: ("todo", mark_text("To be copied")),
    L.CLEARANCE: ("todo", mark_text("To be cleared")),
    L.CLEARED: ("todo", mark_text("To be delivered")),
    L.CANCEL_PENDING: ("look", mark_text("They want to cancel")),
    L.SHIPPED: ("way", mark_text("Out on loan")),
    L.RETURNED: ("way", mark_text("On its way to us")),
    L.COMPLETED: ("closed", mark_text("Finished")),
    L.CANCELLED: ("closed", mark_text("Cancelled")),
    L.UNFILLED: ("closed", mark_text("Refused")),
    L.EXPIRED: ("closed", mark_text("Expired")),
    L.FORWARDED: ("closed", mark_text("Passed on")),
    L.LOST: ("late", mark_text("Lost")),
}

_FLAGS: tuple[tuple[Callable[[Request], bool], str, str], ...] = (
    (lambda r: RequestFlag.TROUBLE in r.flags, "late", mark_text("Message refused")),
    (lambda r: RequestFlag.RECALLED in r.flags, "late", mark_text("Recalled")),
    (lambda r: RequestFlag.OVERDUE in r.flags, "late", mark_text("Overdue")),
    (
        lambda r: RequestFlag.RENEWAL_PENDING in r.flags and r.role is Role.LENDING,
        "look",
        mark_text("Renewal to answer"),
    ),
    (lambda r: RequestFlag.RETURN_LATE in r.flags, "late", mark_text("Sent back, not here in time")),
    (lambda r: RequestFlag.RETURN_ON_HOLD in r.flags, "waiting", mark_text("Return put off")),
    (OPEN_QUERY.holds, "look", mark_text("Question to the reader")),
)
"""What wins over the state, most pressing first; of open requests only."""


def tag_of_state(role: Role, state: str, localization: Localization) -> StateTag:
    """Without flags, as lists of states show it."""
    kind, word = (_BORROWING if role is Role.BORROWING else _LENDING)[state]
    return StateTag(kind, localization.gettext(word))


def tag_of_request(request: Request, localization: Localization) -> StateTag:
    if request.open:
        for holds, kind, word in _FLAGS:
            if holds(request):
                return StateTag(kind, localization.gettext(word))
    return tag_of_state(request.role, request.state.value, localization)


# --- whose move it is ------------------------------------------------------------------------------------


@value_object
class NextMove:
    """`heading`: what is to be done and by whom; `ours`: whether that is us. `acts`: what does it, the usual one first;
    its fields are open on the page."""

    heading: str
    ours: bool
    acts: tuple[K, ...] = ()


_MOVES: Mapping[tuple[Role, str], tuple[str, bool, tuple[K, ...]]] = {
    (Role.BORROWING, B.NEW): (mark_text("Nobody’s move: it has just been made"), False, ()),
    (Role.BORROWING, B.REVIEW): (mark_text("Our move: look at it, and let it go on"), True, (K.APPROVE,)),
    (Role.BORROWING, B.SOURCING): (mark_text("Nobody’s move: the next library is being chosen"), False, ()),
    (Role.BORROWING, B.NO_SUPPLIER): (mark_text("Our move: say whom to ask, or end it"), True, (K.ASSIGN, K.CLOSE)),
    (Role.BORROWING, B.REQUESTED): (mark_text("%(partner)s’s move: answer"), False, ()),
    (Role.BORROWING, B.HOLD_PLACED): (mark_text("%(partner)s’s move: send it once it is free"), False, ()),
    (Role.BORROWING, B.WILL_SUPPLY): (mark_text("%(partner)s’s move: send it"), False, ()),
    (Role.BORROWING, B.CONDITIONAL): (
        mark_text("Our move: answer %(partner)s’s condition"),
        True,
        (K.CONDITION_ACCEPTED, K.CONDITION_REFUSED),
    ),
    (Role.BORROWING, B.CANCEL_PENDING): (mark_text("%(partner)s’s move: agree to the cancelling"), False, ()),
    (Role.BORROWING, B.SHIPPED): (mark_text("Our move once it arrives: receive it"), True, (K.RECEIVED,)),
    (Role.BORROWING, B.RECEIVED): (mark_text("The reader’s move: collect it"), False, (K.LOANED_TO_PATRON,)),
    (Role.BORROWING, B.LENT): (mark_text("The reader’s move: bring it back"), False, (K.RETURNED_BY_PATRON,)),
    (Role.BORROWING, B.BACK): (mark_text("Our move: send it back to %(partner)s"), True, (K.RETURNED,)),
    (Role.BORROWING, B.RETURNED): (mark_text("%(partner)s’s move: take it back"), False, ()),
    (Role.LENDING, L.NEW): (mark_text("Our move: find it, and answer %(partner)s"), True, (K.LOCATED,)),
    (Role.LENDING, L.LOCATED): (mark_text("Our move: fetch it and send it"), True, (K.SHIPPED,)),
    (Role.LENDING, L.HOLD_PLACED): (mark_text("Our move once it is free: send it"), True, (K.SHIPPED,)),
    (Role.LENDING, L.WILL_SUPPLY): (mark_text("Our move: send it"), True, (K.SHIPPED,)),
    (Role.LENDING, L.CONDITIONAL): (mark_text("%(partner)s’s move: answer our condition"), False, ()),
    (Role.LENDING, L.DIGITISING): (mark_text("Our move: make the copy"), True, (K.DIGITISED,)),
    (Role.LENDING, L.CLEARANCE): (
        mark_text("Our move: decide about the copyright"),
        True,
        (K.CLEARED, K.CLEARANCE_REFUSED),
    ),
    (Role.LENDING, L.CLEARED): (mark_text("Our move: deliver the copy"), True, (K.COPY_DELIVERED,)),
    (Role.LENDING, L.CANCEL_PENDING): (
        mark_text("Our move: answer %(partner)s, who wants to cancel"),
        True,
        (K.CANCEL_ACCEPTED, K.CANCEL_REFUSED),
    ),
    (Role.LENDING, L.SHIPPED): (mark_text("%(partner)s’s move: send it back in time"), False, (K.CHECKED_IN,)),
    (Role.LENDING, L.RETURNED): (mark_text("Our move once it arrives: take it back"), True, (K.CHECKED_IN,)),
}

_CLOSED = mark_text("Nobody’s move: this is over")


def find_next_move(request: Request, partner: str, localization: Localization) -> NextMove:
    """`partner`: its name."""
    text, ours, acts = _choose_move(request)
    name = partner or localization.gettext("the other library")
    return NextMove(localization.gettext(text, partner=name), ours, acts)


def _choose_move(request: Request) -> tuple[str, bool, tuple[K, ...]]:
    if not request.open:
        return _CLOSED, False, ()
    flags = request.flags
    if request.other_leg is not None and not _is_for_us(request):
        if request.role is Role.LENDING:
            return mark_text("Nobody’s move: other libraries are asked for %(partner)s"), False, ()
        return mark_text("Nobody’s move: %(partner)s is asked for another library"), False, ()
    if request.role is Role.LENDING and RequestFlag.RENEWAL_PENDING in flags:
        return mark_text("Our move: answer whether %(partner)s may keep it"), True, (K.RENEW_ACCEPTED, K.RENEW_REFUSED)
    if RequestFlag.ARRIVED in flags and request.state == B.RECEIVED:
        return mark_text("Our move: shelve it where it is collected"), True, (K.AT_PICKUP,)
    if RequestFlag.IN_TRANSIT in flags and request.state == B.RECEIVED:
        return mark_text("Our move: take it to the place where it is collected"), True, (K.AT_PICKUP,)
    if request.state in (B.RECEIVED, B.BACK) and (flags & {RequestFlag.UNWANTED, RequestFlag.NOT_COLLECTED}):
        return mark_text("Our move: send it back, since nobody collects it"), True, (K.RETURNED,)
    if OPEN_QUERY.holds(request):
        return mark_text("The reader’s move: answer our question"), False, (K.PATRON_ANSWERED,)
    return _MOVES.get((request.role, request.state.value), (_CLOSED, False, ()))


def _is_for_us(request: Request) -> bool:
    """Whether staff have anything to do about what we broker: the item comes by us, or nobody can be told."""
    return COMES_HERE.holds(request) or RequestFlag.TROUBLE in request.flags


# --- acts ------------------------------------------------------------------------------------------------

ACT_LABELS: Mapping[K, str] = {
    K.APPROVE: mark_text("Let it go on"),
    K.EDIT: mark_text("Change the request"),
    K.ASSIGN: mark_text("Say whom to ask"),
    K.CLOSE: mark_text("End the request"),
    K.REOPEN: mark_text("Open it again"),
    K.NEXT_SUPPLIER: mark_text("Ask the next library"),
    K.CONDITION_ACCEPTED: mark_text("Accept the condition"),
    K.CONDITION_REFUSED: mark_text("Decline the condition"),
    K.CANCEL: mark_text("Cancel the request"),
    K.RECEIVED: mark_text("Receive"),
    K.ARRIVED_AT_BRANCH: mark_text("It has arrived, and is shelved later"),
    K.AT_PICKUP: mark_text("It is at the place where it is collected"),
    K.LOANED_TO_PATRON: mark_text("Lend to the reader"),
    K.RETURNED_BY_PATRON: mark_text("Take back from the reader"),
    K.RETURNED: mark_text("Send back"),
    K.RENEW: mark_text("Ask to keep it longer"),
    K.LOST: mark_text("It is lost"),
    K.DAMAGED: mark_text("It is damaged"),
    K.STATUS_QUERY: mark_text("Ask how it stands"),
    K.MESSAGE: mark_text("Write to the partner"),
    K.NOTE: mark_text("Add a note"),
    K.PATRON_ASKED: mark_text("Ask the reader something"),
    K.PATRON_ANSWERED: mark_text("Record the reader’s answer"),
    K.PATRON_TOLD: mark_text("The reader has been told"),
    K.LOCATED: mark_text("This copy"),
    K.WILL_SUPPLY: mark_text("Promise to send it"),
    K.HOLD_PLACED: mark_text("Reserve it for them"),
    K.CONDITIONAL: mark_text("Set a condition"),
    K.UNFILLED: mark_text("Refuse"),
    K.RETRY: mark_text("Ask them to try again later"),
    K.FORWARDED: mark_text("It was passed on"),
    K.BROKERED: mark_text("Ask other libraries for it"),
    K.DIGITISED: mark_text("The copy is made"),
    K.CLEARED: mark_text("Allow the copy"),
    K.CLEARANCE_REFUSED: mark_text("Forbid the copy"),
    K.COPY_DELIVERED: mark_text("Deliver the copy"),
    K.CANCEL_ACCEPTED: mark_text("Agree to cancel"),
    K.CANCEL_REFUSED: mark_text("Too late to cancel"),
    K.SHIPPED: mark_text("Send it"),
    K.CHECKED_IN: mark_text("Take it back"),
    K.RENEW_ACCEPTED: mark_text("They may keep it"),
    K.RENEW_REFUSED: mark_text("They may not keep it"),
    K.DUE_DATE_CHANGED: mark_text("Change the due date"),
    K.OVERDUE: mark_text("Remind them that it is overdue"),
    K.RECALL: mark_text("Recall it"),
}
"""Of what people do: a button says what happens."""

DONE: Mapping[K, str] = {
    K.APPROVE: mark_text("It goes on."),
    K.EDIT: mark_text("Changed."),
    K.ASSIGN: mark_text("Noted: these are asked."),
    K.CLOSE: mark_text("The request is ended."),
    K.REOPEN: mark_text("The request is open again."),
    K.NEXT_SUPPLIER: mark_text("The next library is asked."),
    K.CONDITION_ACCEPTED: mark_text("The condition is accepted."),
    K.CONDITION_REFUSED: mark_text("The condition is declined."),
    K.CANCEL: mark_text("The request is being cancelled."),
    K.RECEIVED: mark_text("Received."),
    K.ARRIVED_AT_BRANCH: mark_text("It has arrived."),
    K.AT_PICKUP: mark_text("It is at its place. The reader is told."),
    K.LOANED_TO_PATRON: mark_text("Lent to the reader."),
    K.RETURNED_BY_PATRON: mark_text("Taken back from the reader."),
    K.RETURNED: mark_text("Sent back."),
    K.MESSAGE: mark_text("The message is on its way."),
    K.NOTE: mark_text("The note is kept."),
    K.PATRON_ASKED: mark_text("The reader is asked."),
    K.LOCATED: mark_text("This copy is meant."),
    K.UNFILLED: mark_text("Refused."),
    K.BROKERED: mark_text("Other libraries are asked."),
    K.SHIPPED: mark_text("Sent."),
    K.CHECKED_IN: mark_text("Taken back."),
    K.RENEW: mark_text("The lender is asked."),
    K.RENEW_ACCEPTED: mark_text("They are told that they may keep it longer."),
    K.RENEW_REFUSED: mark_text("They are told that they may not keep it longer."),
    K.RECALL: mark_text("It is recalled."),
    K.OVERDUE: mark_text("They are reminded."),
    K.DUE_DATE_CHANGED: mark_text("The due date is changed."),
    K.CANCEL_ACCEPTED: mark_text("They are told that it is cancelled."),
    K.CANCEL_REFUSED: mark_text("They are told that it is too late to cancel."),
    K.DIGITISED: mark_text("The copy is made."),
    K.CLEARED: mark_text("The copy is allowed."),
    K.CLEARANCE_REFUSED: mark_text("The copy is forbidden, and the request refused."),
    K.COPY_DELIVERED: mark_text("The copy is delivered."),
    K.PATRON_TOLD: mark_text("Noted: the reader has been told."),
}
"""What a banner says afterwards; of all others that it is done."""


def describe_act(kind: K, localization: Localization) -> str:
    text = ACT_LABELS.get(kind)
    return localization.gettext(text) if text is not None else kind.value


def describe_denial(denied: Denied, localization: Localization) -> str:
    """Why an act of ours doesn't fit, in words instead of the codes of `Denied.detail`."""
    role = Role.BORROWING if isinstance(denied.state, B) else Role.LENDING
    state = tag_of_state(role, denied.state.value, localization).word
    text = _DENIALS.get(denied.why, _NOT_NOW)
    conditions = [localization.translate_sentence(one) for one in denied.conditions]
    return localization.gettext(
        text,
        act=describe_act(denied.signal.kind, localization),
        state=state,
        number=denied.attempt,
        conditions=localization.gettext(" or if ").join(conditions),
    )


_NOT_NOW = mark_text("“%(act)s” is not possible while the request stands at “%(state)s”.")
_DENIALS: Mapping[DenialReason, str] = {
    DenialReason.ENDED: mark_text("“%(act)s” is not possible any more: the request is closed (%(state)s)."),
    DenialReason.NEVER: mark_text("“%(act)s” does not exist on this side of a request."),
    DenialReason.UNMET: mark_text("“%(act)s” is possible only if %(conditions)s (the request stands at “%(state)s”)."),
    DenialReason.NOT_ASKED: mark_text("“%(act)s” does not fit library no. %(number)s of this request."),
    DenialReason.NO_VOLUME: mark_text("“%(act)s” names a volume that this request does not have."),
}


USUALLY_DONE = mark_text("Done.")


def describe_done(kind: K, localization: Localization) -> str:
    return localization.gettext(DONE.get(kind, USUALLY_DONE))


def describe_no_undo(before: Request, kind: K, localization: Localization) -> str:
    """Why what was just done with an item can't be undone. Empty: nobody would want to."""
    if before.role is Role.BORROWING and kind is K.RETURNED:
        return localization.gettext(
            "This can’t be undone: the lender is told, and the item leaves the library’s system."
        )
    if (before.role, kind) in UNDOABLE:
        return localization.gettext("This can’t be undone: others have been told of it.")
    return ""
