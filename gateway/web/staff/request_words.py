"""A request in the words of staff: its state as a tag, whose move it is, what each act is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE, USUAL_ACTS
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.reason_words import ENDING_WORDS
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import Request, RequestFlag, Role, ServiceType, State
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import DenialReason
from gateway.domain.requests.task_lists import COMES_HERE, OPEN_QUERY
from gateway.domain.value import replace, value_object
from gateway.services.letters.localization import Localization, mark_text


@value_object
class StateTag:
    """`kind` is the shape and tint (page-design), `word` the exact state."""

    kind: str
    word: str


_BORROWING: Mapping[str, tuple[str, str]] = {
    B.NEW: ("waiting", mark_text("New")),
    B.REVIEW: ("todo", mark_text("To review")),
    B.SOURCING: ("waiting", mark_text("Finding a supplier")),
    B.NO_SUPPLIER: ("todo", mark_text("No suppliers left")),
    B.REQUESTED: ("waiting", mark_text("Requested")),
    B.HOLD_PLACED: ("waiting", mark_text("On hold at supplier")),
    B.WILL_SUPPLY: ("waiting", mark_text("Will supply")),
    B.CONDITIONAL: ("look", mark_text("Conditional")),
    B.CANCEL_PENDING: ("waiting", mark_text("Cancellation requested")),
    B.SHIPPED: ("way", mark_text("In transit to us")),
    B.RECEIVED: ("good", mark_text("Received")),
    B.LENT: ("good", mark_text("Checked out")),
    B.BACK: ("todo", mark_text("To return")),
    B.RETURNED: ("way", mark_text("Returned, in transit")),
    B.COMPLETED: ("closed", mark_text("Completed")),
    B.CANCELLED: ("closed", mark_text("Cancelled")),
    B.UNFILLED: ("closed", mark_text("Unfilled")),
    B.EXPIRED: ("closed", mark_text("Expired")),
    B.LOST: ("late", mark_text("Lost")),
}

_LENDING: Mapping[str, tuple[str, str]] = {
    L.NEW: ("todo", mark_text("To answer")),
    L.LOCATED: ("todo", mark_text("To pull")),
    L.HOLD_PLACED: ("waiting", mark_text("On hold here")),
    L.WILL_SUPPLY: ("todo", mark_text("To ship")),
    L.CONDITIONAL: ("waiting", mark_text("Condition set")),
    L.DIGITISING: ("todo", mark_text("To copy")),
    L.CLEARANCE: ("todo", mark_text("To clear")),
    L.CLEARED: ("todo", mark_text("To deliver")),
    L.CANCEL_PENDING: ("look", mark_text("Requester wants to cancel")),
    L.SHIPPED: ("way", mark_text("On loan")),
    L.RETURNED: ("way", mark_text("In transit to us")),
    L.COMPLETED: ("closed", mark_text("Completed")),
    L.CANCELLED: ("closed", mark_text("Cancelled")),
    L.UNFILLED: ("closed", mark_text("Unfilled")),
    L.EXPIRED: ("closed", mark_text("Expired")),
    L.FORWARDED: ("closed", mark_text("Forwarded")),
    L.LOST: ("late", mark_text("Lost")),
}

_FLAGS: tuple[tuple[Callable[[Request], bool], str, str], ...] = (
    (lambda r: RequestFlag.TROUBLE in r.flags, "late", mark_text("Message rejected")),
    (lambda r: RequestFlag.UNTOLD in r.flags, "late", mark_text("Partner to notify")),
    (lambda r: RequestFlag.STRANGER in r.flags, "look", mark_text("Message from another sender")),
    (lambda r: RequestFlag.PRICE_OPEN in r.flags, "look", mark_text("Price to check")),
    (lambda r: RequestFlag.RECALLED in r.flags, "late", mark_text("Recalled")),
    (lambda r: RequestFlag.OVERDUE in r.flags, "late", mark_text("Overdue")),
    (
        lambda r: RequestFlag.RENEWAL_PENDING in r.flags and r.role is Role.LENDING,
        "look",
        mark_text("Renewal to answer"),
    ),
    (lambda r: RequestFlag.RETURN_LATE in r.flags, "late", mark_text("Returned, not arrived in time")),
    (lambda r: RequestFlag.RETURN_ON_HOLD in r.flags, "waiting", mark_text("Return postponed")),
    (OPEN_QUERY.holds, "look", mark_text("Question to patron")),
)
"""What wins over the state, most pressing first; of open requests only."""


def tag_of_state(role: Role, state: str, localization: Localization) -> StateTag:
    """Return the tag of a state without flags, as lists of states show it."""
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
    its fields are open on the page. `task`: the list onto which the request came for it; empty: its state says it.
    `ways`: what else may lead on, in sight."""

    heading: str
    ours: bool
    acts: tuple[K, ...] = ()
    task: str = ""
    ways: tuple[K, ...] = ()


_MOVES: Mapping[tuple[Role, str], tuple[str, bool, tuple[K, ...]]] = {
    (Role.BORROWING, B.NEW): (mark_text("No action needed: this request is new"), False, ()),
    (Role.BORROWING, B.REVIEW): (mark_text("Action needed: review and approve the request"), True, (K.APPROVE,)),
    (Role.BORROWING, B.SOURCING): (mark_text("No action needed: the next supplier is being chosen"), False, ()),
    (Role.BORROWING, B.NO_SUPPLIER): (
        mark_text("Action needed: choose suppliers or close the request"),
        True,
        (K.ASSIGN, K.CLOSE),
    ),
    (Role.BORROWING, B.REQUESTED): (mark_text("Waiting for %(partner)s: answer"), False, ()),
    (Role.BORROWING, B.HOLD_PLACED): (mark_text("Waiting for %(partner)s: supply when available"), False, ()),
    (Role.BORROWING, B.WILL_SUPPLY): (mark_text("Waiting for %(partner)s: supply"), False, ()),
    (Role.BORROWING, B.CONDITIONAL): (
        mark_text("Action needed: answer %(partner)s’s condition"),
        True,
        (K.CONDITION_ACCEPTED, K.CONDITION_REFUSED),
    ),
    (Role.BORROWING, B.CANCEL_PENDING): (mark_text("Waiting for %(partner)s: answer the cancellation"), False, ()),
    (Role.BORROWING, B.SHIPPED): (
        mark_text("Waiting for delivery: receive the item when it arrives"),
        True,
        (K.RECEIVED,),
    ),
    (Role.BORROWING, B.RECEIVED): (mark_text("Waiting for the patron: collect the item"), False, (K.LOANED_TO_PATRON,)),
    (Role.BORROWING, B.LENT): (mark_text("Waiting for the patron: return the item"), False, (K.RETURNED_BY_PATRON,)),
    (Role.BORROWING, B.BACK): (mark_text("Action needed: return the item to %(partner)s"), True, (K.RETURNED,)),
    (Role.BORROWING, B.RETURNED): (mark_text("Waiting for %(partner)s: check the item in"), False, ()),
    (Role.LENDING, L.NEW): (mark_text("Action needed: locate the item and answer %(partner)s"), True, (K.LOCATED,)),
    (Role.LENDING, L.LOCATED): (mark_text("Action needed: pull and ship the item"), True, (K.SHIPPED,)),
    (Role.LENDING, L.HOLD_PLACED): (
        mark_text("Waiting for the item: ship it when it is available"),
        True,
        (K.SHIPPED,),
    ),
    (Role.LENDING, L.WILL_SUPPLY): (mark_text("Action needed: ship the item"), True, (K.SHIPPED,)),
    (Role.LENDING, L.CONDITIONAL): (mark_text("Waiting for %(partner)s: answer our condition"), False, ()),
    (Role.LENDING, L.DIGITISING): (mark_text("Action needed: make the copy"), True, (K.DIGITISED,)),
    (Role.LENDING, L.CLEARANCE): (
        mark_text("Action needed: clear copyright"),
        True,
        (K.CLEARED, K.CLEARANCE_REFUSED),
    ),
    (Role.LENDING, L.CLEARED): (mark_text("Action needed: deliver the copy"), True, (K.COPY_DELIVERED,)),
    (Role.LENDING, L.CANCEL_PENDING): (
        mark_text("Action needed: answer %(partner)s’s cancellation request"),
        True,
        (K.CANCEL_ACCEPTED, K.CANCEL_REFUSED),
    ),
    (Role.LENDING, L.SHIPPED): (
        mark_text("Waiting for %(partner)s: return the item by the due date"),
        False,
        (K.CHECKED_IN,),
    ),
    (Role.LENDING, L.RETURNED): (
        mark_text("Waiting for delivery: check the item in when it arrives"),
        True,
        (K.CHECKED_IN,),
    ),
}

_NOT_MADE = (L.HOLD_PLACED, L.WILL_SUPPLY)
"""States before shipping that the request for a copy can be in, too: nothing is shipped then."""

_CLOSED = mark_text("No action needed: this request is closed")
_CLOSED_SO = mark_text("No action needed: this request is closed (%(ending)s)")


def find_next_move(request: Request, partner: str, localization: Localization) -> NextMove:
    """`partner`: its name."""
    move = _choose_move(request)
    if request.ending is not None and not move.ours:
        ending = localization.translate_sentence(ENDING_WORDS[request.ending])
        return replace(move, heading=localization.gettext(_CLOSED_SO, ending=ending))
    name = partner or localization.gettext("the partner")
    return replace(move, heading=localization.gettext(move.heading, partner=name))


def _choose_move(request: Request) -> NextMove:
    """Its heading still a template. What the partner rejected or wasn't told comes before the usual next step, also of
    a request that is closed: nothing else takes it off its list."""
    usual = _choose_usual_move(request)
    if RequestFlag.TROUBLE in request.flags:
        return replace(
            usual,
            heading=mark_text("Action needed: settle what %(partner)s rejected"),
            ours=True,
            task="trouble",
            ways=(K.MESSAGE, *(_WAYS_OF_TROUBLE[request.role] if request.open else ())),
        )
    if RequestFlag.UNTOLD in request.flags:
        heading = mark_text("Action needed: write or phone %(partner)s, which was not told")
        return replace(usual, heading=heading, ours=True, task="untold")
    if RequestFlag.STRANGER in request.flags:
        heading = mark_text("Action needed: check the message from another sender")
        return replace(usual, heading=heading, ours=True, task="stranger", ways=(K.MESSAGE,))
    return usual


_WAYS_OF_TROUBLE: Mapping[Role, tuple[K, ...]] = {
    Role.BORROWING: (K.NEXT_SUPPLIER, K.CANCEL, K.PATRON_ASKED),
    Role.LENDING: (K.UNFILLED,),
}
_WAYS_OF_OVERDUE: Mapping[str, tuple[K, ...]] = {
    B.SHIPPED: (K.STATUS_QUERY, K.MESSAGE, K.LOST),
    B.RECEIVED: (K.RENEW, K.PATRON_ASKED, K.MESSAGE),
    B.LENT: (K.PATRON_ASKED, K.RENEW, K.MESSAGE, K.LOST),
    B.BACK: (K.RENEW, K.MESSAGE),
}
_WAYS_OF_OVERDUE_OUT = (K.OVERDUE, K.DUE_DATE_CHANGED, K.RECALL, K.MESSAGE, K.LOST)


def _choose_usual_move(request: Request) -> NextMove:
    if request.state == L.LOST and request.role is Role.LENDING:
        heading = mark_text("Action needed: settle the loss with %(partner)s")
        return NextMove(heading, True, (K.SETTLED,), "lost-out", ways=(K.CHECKED_IN, K.MESSAGE))
    if request.state == B.LOST and request.role is Role.BORROWING:
        heading = mark_text("Action needed: settle the loss with %(partner)s")
        ways = (K.RETURNED_BY_PATRON, K.RETURNED, K.REOPEN, K.MESSAGE)
        return NextMove(heading, True, (K.SETTLED,), "lost", ways=ways)
    if not request.open:
        return NextMove(_CLOSED, ours=False)
    flags = request.flags
    if request.other_leg is not None and not _is_for_us(request):
        if request.role is Role.LENDING:
            return NextMove(mark_text("No action needed: we have asked other libraries for %(partner)s"), ours=False)
        return NextMove(mark_text("No action needed: we have asked %(partner)s for another library"), ours=False)
    if request.role is Role.LENDING and RequestFlag.RENEWAL_PENDING in flags:
        return NextMove(
            mark_text("Action needed: answer %(partner)s’s renewal request"),
            ours=True,
            acts=(K.RENEW_ACCEPTED, K.RENEW_REFUSED),
            task="renewal-to-answer",
        )
    if request.state in (B.RECEIVED, B.BACK) and RequestFlag.UNWANTED in flags:
        heading = mark_text("Action needed: return the item, which is no longer needed")
        return NextMove(heading, True, (K.RETURNED,), "unwanted")
    if request.state in (B.RECEIVED, B.BACK) and RequestFlag.NOT_COLLECTED in flags:
        heading = mark_text("Action needed: return the item, which was not collected")
        return NextMove(heading, True, (K.RETURNED,), "not-collected")
    if request.state in (B.RECEIVED, B.BACK) and RequestFlag.RECALLED in flags:
        return NextMove(
            mark_text("Action needed: return the item, which %(partner)s has recalled"),
            True,
            (K.RETURNED,),
            "recalled",
        )
    if RequestFlag.ARRIVED in flags and request.state == B.RECEIVED:
        heading = mark_text("Action needed: shelve the item at its pickup location")
        return NextMove(heading, True, (USUAL_ACTS["arrived"],), "arrived")
    if RequestFlag.IN_TRANSIT in flags and request.state == B.RECEIVED:
        heading = mark_text("Action needed: take the item to its pickup location")
        return NextMove(heading, True, (USUAL_ACTS["in-transit"],), "in-transit")
    if RequestFlag.OVERDUE in flags and request.role is Role.BORROWING and request.state.value in _WAYS_OF_OVERDUE:
        usual = _MOVES[request.role, request.state.value]
        heading = mark_text("Action needed: the item is overdue")
        return NextMove(heading, True, usual[2], "overdue", _WAYS_OF_OVERDUE[request.state.value])
    if request.role is Role.LENDING and not flags.isdisjoint({RequestFlag.OVERDUE, RequestFlag.RETURN_LATE}):
        is_on_loan = request.state is L.SHIPPED
        return NextMove(
            mark_text("Action needed: %(partner)s has not returned the item in time")
            if is_on_loan
            else mark_text("Action needed: the item that %(partner)s returned has not arrived"),
            True,
            (K.CHECKED_IN,),
            "overdue-out" if is_on_loan else "return-late",
            _WAYS_OF_OVERDUE_OUT,
        )
    if request.role is Role.LENDING and request.state in _NOT_MADE and request.service.type is ServiceType.COPY:
        return NextMove(mark_text("Action needed: make the copy"), True, (K.DIGITISED,), "to-digitise")
    if OPEN_QUERY.holds(request):
        return NextMove(
            mark_text("Waiting for the patron: answer our question"), False, (K.PATRON_ANSWERED,), "patron-question"
        )
    move = _MOVES.get((request.role, request.state.value), (_CLOSED, False, ()))
    return NextMove(*move, ways=_USUAL_WAYS.get(request.state, ()))


_USUAL_WAYS: Mapping[State, tuple[K, ...]] = {
    B.REVIEW: (K.ASSIGN, K.PATRON_ASKED, K.CLOSE),
    B.NO_SUPPLIER: (K.APPROVE, K.PATRON_ASKED, K.EDIT),
}


def _is_for_us(request: Request) -> bool:
    """Return whether staff have anything to do about what we broker: the item comes by us, or nobody can be told."""
    return COMES_HERE.holds(request) or not request.flags.isdisjoint({RequestFlag.TROUBLE, RequestFlag.UNTOLD})


# --- acts ------------------------------------------------------------------------------------------------


def describe_act(kind: K, localization: Localization, request: Request | None = None) -> str:
    """`request`: where it has another name for it."""
    is_searched_again = kind is K.APPROVE and request is not None and request.state is B.NO_SUPPLIER
    text = mark_text("Search for suppliers again") if is_searched_again else EVENT_CATALOGUE[kind].label
    return localization.gettext(text) if text else kind.value


def describe_denial(denied: Denied, localization: Localization) -> str:
    """Describe why an act of ours doesn't fit, in words instead of the codes of `Denied.detail`."""
    role = Role.BORROWING if isinstance(denied.state, B) else Role.LENDING
    state = tag_of_state(role, denied.state.value, localization).word
    text = _DENIALS.get(denied.why, _NOT_NOW)
    conditions = [localization.translate_sentence(condition) for condition in denied.conditions]
    return localization.gettext(
        text,
        act=describe_act(denied.signal.kind, localization),
        state=state,
        number=denied.attempt,
        conditions=localization.gettext(" or if ").join(conditions),
    )


_NOT_NOW = mark_text("“%(act)s” is not possible while the status is “%(state)s”.")
_DENIALS: Mapping[DenialReason, str] = {
    DenialReason.ENDED: mark_text("“%(act)s” is no longer possible: the request is closed (%(state)s)."),
    DenialReason.NEVER: mark_text("“%(act)s” is not an action of this kind of request."),
    DenialReason.UNMET: mark_text("“%(act)s” is possible only if %(conditions)s (status: “%(state)s”)."),
    DenialReason.NOT_ASKED: mark_text("“%(act)s” does not apply to supplier no. %(number)s of this request."),
    DenialReason.NO_VOLUME: mark_text("“%(act)s” refers to a volume that this request does not have."),
    DenialReason.CONTRARY: mark_text("“%(act)s” does not fit what is known of this request: %(conditions)s."),
}
