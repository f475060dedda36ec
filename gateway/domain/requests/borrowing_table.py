"""The borrowing table: what becomes of a request of our own patrons or staff.

Requester side of ISO 10161 (facts/iso-ill-10161.md 9.1) with the local states that it doesn't know: review, sourcing,
with the patron. An item that comes although we cancelled is not refused: it is on its way, so it has to go back. A
cancellation that the supplier refuses is not forgotten: the supplier goes on, but nobody else is asked after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests import state_table as g
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import EventSignal, local_signal, partner_signal, timer_signal
from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.requests.request import BorrowingState as S
from gateway.domain.requests.state_table import (
    KEPT,
    NOT_NOW,
    NOTED,
    Branch,
    CallLibrary,
    Cell,
    Effect,
    FollowUp,
    LibraryAction,
    NotifyPartner,
    RunFollowUp,
    SendPatronLetter,
    StartTimer,
    StateTable,
    StopTimer,
    TimerKind,
    build_table,
    move_to,
    remain,
)

Row = Mapping[EventSignal, Branch | Cell]

# --- ends and new beginnings -----------------------------------------------------------------------------

_FIND = RunFollowUp(FollowUp.FIND_SUPPLIER)
_NO_WAITING = (StopTimer(TimerKind.ANSWER), StopTimer(TimerKind.CHASE))
_STOP_ALL = (StopTimer(TimerKind.NEED_BY), *_NO_WAITING, StopTimer(TimerKind.RETRY), StartTimer(TimerKind.ANONYMISE))

_CANCELLED = move_to(S.CANCELLED, *_STOP_ALL, SendPatronLetter("cancelled"))
_EXPIRED = move_to(S.EXPIRED, *_STOP_ALL, SendPatronLetter("not-supplied"))
_CLOSED = (
    move_to(S.CANCELLED, *_STOP_ALL, SendPatronLetter("closed"), when=g.ENDED_OTHERWISE),
    move_to(S.UNFILLED, *_STOP_ALL, SendPatronLetter("not-supplied")),
)


def _tell_waiting_broker(*branches: Branch) -> tuple[Branch, ...]:
    """A broker whose offer was accepted asks nobody else until it is asked again, or told that it won't be."""
    told = (
        move_to(
            branch.to,
            NotifyPartner(K.CANCEL),
            *branch.effects,
            when=g.TO_BE_ASKED_AGAIN if branch.when is None else g.combine_guards(g.TO_BE_ASKED_AGAIN, branch.when),
        )
        for branch in branches
    )
    return (*told, *branches)


_ENDED_BY_US: Row = {
    local_signal(K.CLOSE): _tell_waiting_broker(*_CLOSED),
    local_signal(K.CANCEL): _tell_waiting_broker(_CANCELLED),
    timer_signal(K.EXPIRED): _tell_waiting_broker(_EXPIRED),
}
"""Before a supplier is asked."""


def _next_supplier_cell(*before: Effect, only: g.Guard | None = None) -> tuple[Branch, ...]:
    """This supplier is out: the next one is asked, but not for a request that nobody waits for. `only`: where this
    holds."""
    return (
        *_end_unwanted(*before, only=only),
        move_to(S.SOURCING, *before, *_NO_WAITING, _FIND, when=only),
    )


def _end_unwanted(*before: Effect, only: g.Guard | None = None) -> tuple[Branch, ...]:
    expiring, unwanted = (
        guard if only is None else g.combine_guards(only, guard) for guard in (g.EXPIRING, g.UNWANTED)
    )
    return (
        move_to(S.EXPIRED, *before, *_STOP_ALL, SendPatronLetter("not-supplied"), when=expiring),
        move_to(S.CANCELLED, *before, *_STOP_ALL, SendPatronLetter("cancelled"), when=unwanted),
    )


_ASK_ELSEWHERE: tuple[Branch, ...] = (
    *_end_unwanted(),
    move_to(S.SOURCING, *_NO_WAITING, StartTimer(TimerKind.NEED_BY), _FIND, when=g.RECALLED),
    move_to(S.SOURCING, *_NO_WAITING, StartTimer(TimerKind.NEED_BY), SendPatronLetter("not-coming"), _FIND),
)
"""What was sent doesn't come to the patron, who is told, unless the recall has been told already: the next supplier is
asked."""


def _end_at_broker() -> tuple[Branch, ...]:
    """A broker would go on asking for what nobody waits for."""
    return _end_unwanted(NotifyPartner(K.CANCEL), only=g.ASKS_OTHERS)


_GIVEN_UP: Cell = (move_to(S.EXPIRED, *_STOP_ALL, SendPatronLetter("not-supplied"), when=g.EXPIRING), _CANCELLED)

_EDITABLE: Row = {
    local_signal(K.EDIT): remain(StartTimer(TimerKind.NEED_BY)),
    local_signal(K.ASSIGN): remain(),
}

# --- a supplier is asked ---------------------------------------------------------------------------------

_PROMISED = (StopTimer(TimerKind.ANSWER), StartTimer(TimerKind.CHASE))
_CONDITION = (StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANSWER), RunFollowUp(FollowUp.DECIDE_CONDITION))

_PROMISES: Row = {
    partner_signal(K.WILL_SUPPLY): move_to(S.WILL_SUPPLY, *_PROMISED),
    partner_signal(K.HOLD_PLACED): move_to(S.HOLD_PLACED, *_PROMISED),
    partner_signal(K.CONDITIONAL): move_to(S.CONDITIONAL, *_CONDITION),
}

_FORWARDED = move_to(S.REQUESTED, StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANSWER))
"""Whoever has it now has promised nothing yet."""

_NEGATIVE: Row = {
    partner_signal(kind): _next_supplier_cell() for kind in (K.UNFILLED, K.EXPIRED, K.REJECTED, K.CANCEL_ACCEPTED)
}

_STILL_WITH_BROKER = (StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANSWER))
"""It asks the next one behind it."""

_OFFER: Cell = (
    move_to(S.CONDITIONAL, *_CONDITION, when=g.OFFER_TO_DECIDE),
    *_end_at_broker(),
    *_next_supplier_cell(),
)
"""A broker waits until it is told what becomes of its supplier's offer."""

_DECLINED: Cell = (
    *_end_at_broker(),
    move_to(
        S.REQUESTED,
        NotifyPartner(K.CANCEL),
        *_STILL_WITH_BROKER,
        when=g.combine_guards(g.ASKS_OTHERS, g.OFFERED),
    ),
    move_to(S.REQUESTED, NotifyPartner(K.CONDITION_REFUSED), *_STILL_WITH_BROKER, when=g.ASKS_OTHERS),
    *_next_supplier_cell(only=g.OFFERED),
    *_next_supplier_cell(NotifyPartner(K.CONDITION_REFUSED)),
)

_SET_OUT = (
    StopTimer(TimerKind.ANSWER),
    StopTimer(TimerKind.NEED_BY),
    StopTimer(TimerKind.RETRY),
    StopTimer(TimerKind.ANONYMISE),
    StartTimer(TimerKind.CHASE),
)
_IT_COMES = move_to(S.SHIPPED, *_SET_OUT)
_COPY_COMES = (
    move_to(S.COMPLETED, *_STOP_ALL, NotifyPartner(K.RECEIVED), SendPatronLetter("copy-ready"), when=g.ELECTRONIC),
    _IT_COMES,
)
_AWAITED: Cell = (
    move_to(S.SHIPPED, *_SET_OUT, when=g.UNWANTED),
    move_to(S.SHIPPED, *_SET_OUT, SendPatronLetter("sent")),
)
_ARRIVING: Row = {partner_signal(K.SHIPPED): _IT_COMES, partner_signal(K.COPY_DELIVERED): _COPY_COMES}
"""What was shipped is on its way, whatever we wish."""

_OLD_NEWS = Branch(None, when=g.OLD_NEWS, kept=True)
_ARRIVING_LATE: Row = {
    partner_signal(K.SHIPPED): (_OLD_NEWS, _IT_COMES),
    partner_signal(K.COPY_DELIVERED): (_OLD_NEWS, *_COPY_COMES),
}
"""While no supplier's turn is on."""

_MISSED: Row = {
    **{partner_signal(kind): _IT_COMES for kind in (K.OVERDUE, K.DUE_DATE_CHANGED)},
    partner_signal(K.RECALL): (
        move_to(S.SHIPPED, *_SET_OUT, SendPatronLetter("not-coming"), when=g.PATRON_WAITS),
        _IT_COMES,
    ),
}
"""They say that it was shipped, though its message didn't come."""

_RECEIVE: Cell = (
    move_to(S.COMPLETED, *_STOP_ALL, NotifyPartner(K.RECEIVED), SendPatronLetter("copy-ready"), when=g.COPY),
    move_to(S.SHIPPED, *_SET_OUT, when=g.MORE_TO_RECEIVE),
    move_to(S.BACK, *_NO_WAITING, StopTimer(TimerKind.NEED_BY), NotifyPartner(K.RECEIVED), when=g.TO_GO_BACK),
    move_to(S.RECEIVED, *_NO_WAITING, StopTimer(TimerKind.NEED_BY), NotifyPartner(K.RECEIVED), when=g.IN_TRANSIT),
    move_to(
        S.RECEIVED,
        *_NO_WAITING,
        StopTimer(TimerKind.NEED_BY),
        NotifyPartner(K.RECEIVED),
        NotifyPartner(K.AT_PICKUP),
        StartTimer(TimerKind.SHELF),
        SendPatronLetter("available"),
    ),
)

_FURTHER_VOLUME = remain(when=g.ADDS_ONLY_VOLUME)
"""It came, or was announced, though the request had one volume less."""

_ASK_TO_CANCEL = (NotifyPartner(K.CANCEL), StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANSWER))

_CANCEL = (move_to(S.CANCEL_PENDING, *_ASK_TO_CANCEL, when=g.MAY_CANCEL), _CANCELLED)
_EXPIRE = (move_to(S.CANCEL_PENDING, *_ASK_TO_CANCEL, when=g.MAY_CANCEL), _EXPIRED)
_SKIP = (
    move_to(S.REQUESTED, NotifyPartner(K.CANCEL), *_STILL_WITH_BROKER, when=g.ANSWERED_BEHIND),
    move_to(S.SOURCING, NotifyPartner(K.CANCEL), *_NO_WAITING, _FIND),
)

_ASKED: Row = {
    **_PROMISES,
    **_NEGATIVE,
    partner_signal(K.RETRY): _OFFER,
    **_ARRIVING,
    **_MISSED,
    partner_signal(K.SHIPPED): _AWAITED,
    partner_signal(K.LOST): _next_supplier_cell(),
    local_signal(K.RECEIVED): _RECEIVE,  # the supplier said nothing, or not yet
    local_signal(K.EDIT): _FURTHER_VOLUME,
    local_signal(K.CANCEL): _CANCEL,
    local_signal(K.NEXT_SUPPLIER): _SKIP,
    local_signal(K.APPROVE): remain(when=g.UNWANTED),  # wanted after all
    local_signal(K.STATUS_QUERY): remain(NotifyPartner(K.STATUS_QUERY), when=g.MAY_QUERY),
    timer_signal(K.EXPIRED): _EXPIRE,
    timer_signal(K.NO_ANSWER): remain(NotifyPartner(K.STATUS_QUERY)),  # promised and not come: asked why
}

# --- an act is undone ------------------------------------------------------------------------------------

_NOT_HERE = (StopTimer(TimerKind.SHELF), StopTimer(TimerKind.RENEWAL), StopTimer(TimerKind.ANONYMISE))
_ANSWER_AWAITED = (
    *_NOT_HERE,
    StopTimer(TimerKind.CHASE),
    StartTimer(TimerKind.NEED_BY),
    StartTimer(TimerKind.ANSWER),
)
_ITEM_AWAITED = (
    *_NOT_HERE,
    StopTimer(TimerKind.ANSWER),
    StartTimer(TimerKind.NEED_BY),
    StartTimer(TimerKind.CHASE),
)
_BEFORE_RECEIPT: Mapping[S, tuple[Effect, ...]] = {
    S.REQUESTED: _ANSWER_AWAITED,
    S.HOLD_PLACED: _ITEM_AWAITED,
    S.WILL_SUPPLY: _ITEM_AWAITED,
    S.CONDITIONAL: _ANSWER_AWAITED,
    S.CANCEL_PENDING: _ANSWER_AWAITED,
    S.SHIPPED: (
        *_NOT_HERE,
        StopTimer(TimerKind.ANSWER),
        StopTimer(TimerKind.NEED_BY),
        StartTimer(TimerKind.CHASE),
    ),
}
_UNDO_RECEIPT = tuple(
    move_to(state, *effects, when=g.was_in_state(state)) for state, effects in _BEFORE_RECEIPT.items()
)
_UNDO_ARRIVAL = move_to(S.RECEIVED, StopTimer(TimerKind.SHELF), when=g.was_in_state(S.RECEIVED))

# --- the item is here ------------------------------------------------------------------------------------

_UNDER_WAY_BACK = (
    StopTimer(TimerKind.PATRON_DUE),
    StopTimer(TimerKind.DUE_SOON),
    StopTimer(TimerKind.SHELF),
    StopTimer(TimerKind.RENEWAL),
)
_ENDED_HERE = (*_UNDER_WAY_BACK, StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANONYMISE))
_LEFT_UNUSED = (*_UNDER_WAY_BACK, StopTimer(TimerKind.CHASE), CallLibrary(LibraryAction.DELETE_TEMPORARY))
_ASKED_ANEW = (StartTimer(TimerKind.NEED_BY), _FIND)


def _lose_cell(*effects: Effect) -> Cell:
    return (
        move_to(S.LOST, *_ENDED_HERE, *effects, SendPatronLetter("not-coming"), when=g.PATRON_WAITS),
        move_to(S.LOST, *_ENDED_HERE, *effects),
    )


def _refuse_cancel_branch(to: S, *effects: Effect, when: g.Guard | None = None) -> tuple[Branch, ...]:
    """The supplier goes on. Who has cancelled hears of it; where it only didn't come in time, nobody has asked for
    that."""
    by_wish = g.CANCELLED_HERE if when is None else g.combine_guards(when, g.CANCELLED_HERE)
    return (move_to(to, *effects, SendPatronLetter("cancel-refused"), when=by_wish), move_to(to, *effects, when=when))


_CANCELLED_TOO_LATE = g.combine_guards(g.LOAN, g.PATRON_WAITS)
"""Nobody has to be told: it is here, or on its way, and goes back."""

_CANCELLED_AGAIN = remain(when=g.combine_guards(g.LOAN, g.UNWANTED))
"""Twice said, once done."""

_LENT_ANEW = (CallLibrary(LibraryAction.SET_DUE_DATE), StartTimer(TimerKind.PATRON_DUE), StartTimer(TimerKind.DUE_SOON))

_PRICE_AGREED = remain(when=g.PRICE_OPEN)
"""Nobody is told: the partner has sent it already."""

_HERE: Row = {
    local_signal(K.CONDITION_ACCEPTED): _PRICE_AGREED,
    partner_signal(K.RENEW_ACCEPTED): (Branch(None, when=g.RECALLED, kept=True), remain(StopTimer(TimerKind.RENEWAL))),
    partner_signal(K.RENEW_REFUSED): remain(StopTimer(TimerKind.RENEWAL)),
    timer_signal(K.RENEW_REFUSED): (remain(when=g.RENEWAL_PENDING), KEPT),
    timer_signal(K.RENEW_ACCEPTED): (remain(when=g.RENEWAL_PENDING), KEPT),
    partner_signal(K.DUE_DATE_CHANGED): remain(),
    local_signal(K.DUE_DATE_CHANGED): remain(),  # as the lender has told staff
    partner_signal(K.OVERDUE): remain(),
    partner_signal(K.RECALL): remain(StopTimer(TimerKind.RENEWAL)),
    partner_signal(K.SHIPPED): (remain(when=g.DATE_IS_NEWS), KEPT),
    partner_signal(K.LOST): _lose_cell(CallLibrary(LibraryAction.MARK_LOST)),
    local_signal(K.LOST): _lose_cell(NotifyPartner(K.LOST), CallLibrary(LibraryAction.MARK_LOST)),
    local_signal(K.DAMAGED): remain(NotifyPartner(K.DAMAGED)),
    local_signal(K.STATUS_QUERY): remain(NotifyPartner(K.STATUS_QUERY), when=g.MAY_QUERY),
    partner_signal(K.DAMAGED): remain(),
    partner_signal(K.CHECKED_IN): (
        move_to(S.SOURCING, *_LEFT_UNUSED, *_ASKED_ANEW, when=g.ASKED_FOR_ELSEWHERE),
        move_to(S.COMPLETED, *_ENDED_HERE, CallLibrary(LibraryAction.DELETE_TEMPORARY)),
    ),
}

_WITH_PATRON: Row = {
    **_HERE,
    local_signal(K.RENEW): remain(NotifyPartner(K.RENEW), StartTimer(TimerKind.RENEWAL), when=g.MAY_RENEW),
    partner_signal(K.RENEW_ACCEPTED): (
        Branch(None, when=g.RECALLED, kept=True),  # older than the recall
        remain(StopTimer(TimerKind.RENEWAL), *_LENT_ANEW, SendPatronLetter("renewed"), when=g.NAMES_DAY),
        remain(StopTimer(TimerKind.RENEWAL)),  # nothing to tell the patron: staff ask for the day
    ),
    partner_signal(K.RENEW_REFUSED): (
        remain(StopTimer(TimerKind.RENEWAL), SendPatronLetter("renewal-refused"), when=g.RENEWAL_PENDING),
        remain(),
    ),
    timer_signal(K.RENEW_REFUSED): (remain(SendPatronLetter("renewal-refused"), when=g.RENEWAL_PENDING), KEPT),
    timer_signal(K.RENEW_ACCEPTED): (remain(*_LENT_ANEW, SendPatronLetter("renewed"), when=g.RENEWAL_PENDING), KEPT),
    partner_signal(K.DUE_DATE_CHANGED): remain(*_LENT_ANEW, SendPatronLetter("renewed")),
    local_signal(K.DUE_DATE_CHANGED): remain(*_LENT_ANEW, SendPatronLetter("renewed")),
    partner_signal(K.OVERDUE): remain(SendPatronLetter("overdue")),
    partner_signal(K.RECALL): remain(
        StopTimer(TimerKind.RENEWAL),
        CallLibrary(LibraryAction.RECALL_PATRON),
        StartTimer(TimerKind.PATRON_DUE),
        SendPatronLetter("recalled"),
    ),
    partner_signal(K.SHIPPED): (remain(*_LENT_ANEW, when=g.DATE_IS_NEWS), KEPT),
    partner_signal(K.LOST): move_to(S.LOST, *_ENDED_HERE, CallLibrary(LibraryAction.MARK_LOST)),
    partner_signal(K.CHECKED_IN): move_to(S.COMPLETED, *_ENDED_HERE, CallLibrary(LibraryAction.DELETE_TEMPORARY)),
}


def _recall_before_loan_cell(*effects: Effect) -> Cell:
    """The patron hears once that it goes back."""
    return (
        remain(*effects, when=g.RECALLED),
        remain(*effects, SendPatronLetter("not-coming"), when=g.PATRON_WAITS),
        remain(*effects),
    )


_BACK_TO_LENDER = (*_UNDER_WAY_BACK, NotifyPartner(K.RETURNED), CallLibrary(LibraryAction.DELETE_TEMPORARY))
_ENDS_AT_RETURN = (*_BACK_TO_LENDER, StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANONYMISE))
_CHECK_IN_AWAITED = (*_BACK_TO_LENDER, StartTimer(TimerKind.CHASE))
_SEND_BACK: tuple[Branch, ...] = (
    remain(NotifyPartner(K.RETURNED), when=g.combine_guards(g.LOAN, g.MORE_TO_RETURN)),
    move_to(
        S.SOURCING,
        *_BACK_TO_LENDER,
        StopTimer(TimerKind.CHASE),
        *_ASKED_ANEW,
        when=g.combine_guards(g.LOAN, g.ASKED_FOR_ELSEWHERE),
    ),
    move_to(S.COMPLETED, *_ENDS_AT_RETURN, when=g.combine_guards(g.LOAN, g.ENDS_AT_RETURN)),
    move_to(S.RETURNED, *_CHECK_IN_AWAITED, when=g.LOAN),
)
_GONE_BACK = SendPatronLetter("gone-back")


def _send_back_from_patron(guard: g.Guard) -> Cell:
    """Make the cell of an item that stands ready for the patron, or is on loan to them, and goes back: where `guard`
    holds, they hear of it."""
    loan = g.combine_guards(g.LOAN, guard)
    return (
        *_SEND_BACK[:2],
        move_to(S.COMPLETED, *_ENDS_AT_RETURN, _GONE_BACK, when=g.combine_guards(loan, g.ENDS_AT_RETURN)),
        move_to(S.RETURNED, *_CHECK_IN_AWAITED, _GONE_BACK, when=loan),
        *_SEND_BACK[2:],
    )


_FOUND_HERE = (StopTimer(TimerKind.ANONYMISE),)
_FOUND_SENT_BACK = (
    *_FOUND_HERE,
    NotifyPartner(K.RETURNED),
    CallLibrary(LibraryAction.DELETE_TEMPORARY),
    StartTimer(TimerKind.CHASE),
)

_SETTLED_THERE: Cell = (
    Branch(None, when=g.LOSS_FEE, kept=True),  # staff say what the patron owes, and end it
    move_to(S.COMPLETED, CallLibrary(LibraryAction.END_LOST_LOANS), CallLibrary(LibraryAction.DELETE_TEMPORARY)),
)
"""The lender has heard of the loss, or has told us of it, and asks for nothing more."""

_REOPEN = move_to(S.REVIEW, StartTimer(TimerKind.NEED_BY), StopTimer(TimerKind.ANONYMISE))
_CLOSED_ROW: Row = {
    timer_signal(K.ANONYMISED): remain(),
    local_signal(K.PATRON_ASKED): NOT_NOW,
    local_signal(K.PATRON_ANSWERED): NOT_NOW,
}
_NOT_SUPPLIED: Row = {
    **_CLOSED_ROW,
    **_ARRIVING_LATE,
    partner_signal(K.SHIPPED): (_OLD_NEWS, move_to(S.SHIPPED, *_SET_OUT, NotifyPartner(K.MESSAGE))),
    local_signal(K.REOPEN): _REOPEN,
}

ROWS: Mapping[S, Row] = {
    S.NEW: {
        local_signal(K.EDIT): remain(),
        local_signal(K.ASSIGN): remain(),
        local_signal(K.SUBMIT): (
            move_to(  # a broker has found a supplier for it
                S.WILL_SUPPLY,
                StartTimer(TimerKind.NEED_BY),
                StartTimer(TimerKind.CHASE),
                SendPatronLetter("placed"),
                when=g.PROMISED,
            ),
            move_to(S.REVIEW, StartTimer(TimerKind.NEED_BY), SendPatronLetter("placed"), when=g.MEDIATED),
            move_to(S.SOURCING, StartTimer(TimerKind.NEED_BY), SendPatronLetter("placed"), _FIND),
        ),
        local_signal(K.CANCEL): _CANCELLED,
    },
    S.REVIEW: {
        **_EDITABLE,
        **_ARRIVING_LATE,
        local_signal(K.APPROVE): move_to(S.SOURCING, _FIND),
        local_signal(K.CLOSE): _CLOSED,
        local_signal(K.CANCEL): _CANCELLED,
        timer_signal(K.EXPIRED): _EXPIRED,
    },
    S.SOURCING: {
        **_EDITABLE,
        **_ARRIVING_LATE,
        **_ENDED_BY_US,
        local_signal(K.REQUEST): move_to(
            S.REQUESTED,
            NotifyPartner(K.REQUEST),
            StopTimer(TimerKind.RETRY),
            StartTimer(TimerKind.ANSWER),
            when=g.SUPPLIER_CHOSEN,
        ),
        local_signal(K.NO_SUPPLIER): move_to(
            S.NO_SUPPLIER, StartTimer(TimerKind.RETRY), SendPatronLetter("not-supplied-yet")
        ),
        local_signal(K.APPROVE): remain(_FIND),
    },
    S.NO_SUPPLIER: {
        **_EDITABLE,
        **_ARRIVING_LATE,
        **_ENDED_BY_US,
        local_signal(K.APPROVE): move_to(S.SOURCING, StopTimer(TimerKind.RETRY), _FIND),
        local_signal(K.ASSIGN): move_to(S.SOURCING, StopTimer(TimerKind.RETRY), _FIND),  # somebody new to ask
        timer_signal(K.RETRY): move_to(S.SOURCING, _FIND),
    },
    S.REQUESTED: {
        **_ASKED,
        partner_signal(K.ACKNOWLEDGED): remain(),
        partner_signal(K.EXPECT_TO_SUPPLY): remain(),
        partner_signal(K.FORWARDED): remain(),
        partner_signal(K.CANCEL_ACCEPTED): (remain(when=g.DECLINED_BEHIND), *_next_supplier_cell()),
        timer_signal(K.NO_ANSWER): _next_supplier_cell(NotifyPartner(K.CANCEL)),
    },
    S.HOLD_PLACED: {**_ASKED, partner_signal(K.EXPECT_TO_SUPPLY): remain(), partner_signal(K.FORWARDED): _FORWARDED},
    S.WILL_SUPPLY: {**_ASKED, partner_signal(K.EXPECT_TO_SUPPLY): remain(), partner_signal(K.FORWARDED): _FORWARDED},
    S.CONDITIONAL: {
        **_ASKED,
        partner_signal(K.FORWARDED): _FORWARDED,
        local_signal(K.CONDITION_ACCEPTED): (
            move_to(S.SOURCING, *_NO_WAITING, _FIND, when=g.OFFERED),  # the same supplier is asked again
            move_to(S.WILL_SUPPLY, NotifyPartner(K.CONDITION_ACCEPTED), *_PROMISED),
        ),
        local_signal(K.CONDITION_REFUSED): _DECLINED,
        timer_signal(K.NO_ANSWER): _DECLINED,
        # who has ended its request with an offer is told nothing more
        local_signal(K.CANCEL): (move_to(S.CANCELLED, *_CANCELLED.effects, when=g.OFFERED_FOR_GOOD), *_CANCEL),
        local_signal(K.NEXT_SUPPLIER): (
            move_to(S.SOURCING, *_NO_WAITING, _FIND, when=g.OFFERED_FOR_GOOD),
            *_SKIP,
        ),
        timer_signal(K.EXPIRED): (move_to(S.EXPIRED, *_EXPIRED.effects, when=g.OFFERED_FOR_GOOD), *_EXPIRE),
    },
    S.CANCEL_PENDING: {
        **{
            partner_signal(kind): _GIVEN_UP
            for kind in (K.CANCEL_ACCEPTED, K.UNFILLED, K.RETRY, K.EXPIRED, K.REJECTED, K.LOST)
        },
        partner_signal(K.CANCEL_REFUSED): (
            *_refuse_cancel_branch(S.HOLD_PLACED, *_PROMISED, when=g.HELD),
            *_refuse_cancel_branch(S.WILL_SUPPLY, *_PROMISED, when=g.PROMISED),
            *_refuse_cancel_branch(S.CONDITIONAL, *_CONDITION, when=g.CONDITION_OPEN),
            *_refuse_cancel_branch(S.REQUESTED, StartTimer(TimerKind.ANSWER)),
        ),
        **{
            partner_signal(kind): remain()
            for kind in (K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.EXPECT_TO_SUPPLY, K.FORWARDED)
        },
        **_ARRIVING,
        **_MISSED,
        partner_signal(K.SHIPPED): _refuse_cancel_branch(S.SHIPPED, *_SET_OUT),
        partner_signal(K.RECALL): _IT_COMES,  # nobody waits for it any more
        local_signal(K.RECEIVED): _RECEIVE,
        local_signal(K.CLOSE): _GIVEN_UP,
        local_signal(K.CANCEL): remain(),  # twice said, once done
        local_signal(K.STATUS_QUERY): remain(NotifyPartner(K.STATUS_QUERY), when=g.MAY_QUERY),
        timer_signal(K.NO_ANSWER): _GIVEN_UP,
    },
    S.SHIPPED: {
        local_signal(K.RECEIVED): _RECEIVE,
        local_signal(K.CONDITION_ACCEPTED): _PRICE_AGREED,
        local_signal(K.EDIT): _FURTHER_VOLUME,
        local_signal(K.AT_PICKUP): remain(when=g.IN_TRANSIT),  # others are still to come
        local_signal(K.UNDONE): _UNDO_RECEIPT,
        local_signal(K.RETURNED): _SEND_BACK,
        local_signal(K.CANCEL): (remain(when=_CANCELLED_TOO_LATE), _CANCELLED_AGAIN),
        local_signal(K.LOST): _lose_cell(NotifyPartner(K.LOST)),
        local_signal(K.APPROVE): remain(when=g.UNWANTED),  # wanted after all
        local_signal(K.DAMAGED): remain(NotifyPartner(K.DAMAGED)),
        local_signal(K.STATUS_QUERY): remain(NotifyPartner(K.STATUS_QUERY), when=g.MAY_QUERY),
        partner_signal(K.SHIPPED): remain(),  # corrected details
        partner_signal(K.COPY_DELIVERED): _COPY_COMES,
        partner_signal(K.DUE_DATE_CHANGED): remain(),
        partner_signal(K.OVERDUE): remain(),
        partner_signal(K.RECALL): _recall_before_loan_cell(),
        partner_signal(K.LOST): (move_to(S.LOST, *_ENDED_HERE, when=g.PASSES_BY), *_ASK_ELSEWHERE),
        partner_signal(K.DAMAGED): remain(),
        partner_signal(K.CHECKED_IN): (
            move_to(S.COMPLETED, *_ENDED_HERE, when=g.PASSES_BY),
            *_ASK_ELSEWHERE,
        ),
        timer_signal(K.NO_ANSWER): remain(NotifyPartner(K.STATUS_QUERY)),
    },
    S.RECEIVED: {
        **_HERE,
        local_signal(K.EDIT): _FURTHER_VOLUME,
        local_signal(K.RECEIVED): (  # a volume that was added since
            remain(NotifyPartner(K.RECEIVED), when=g.combine_guards(g.VOLUME_TO_COME, g.IN_TRANSIT)),
            remain(
                NotifyPartner(K.RECEIVED),
                StartTimer(TimerKind.SHELF),
                SendPatronLetter("available"),
                when=g.VOLUME_TO_COME,
            ),
        ),
        local_signal(K.ARRIVED_AT_BRANCH): remain(when=g.STILL_UNDER_WAY),
        local_signal(K.AT_PICKUP): (
            remain(when=g.MORE_IN_TRANSIT),
            remain(NotifyPartner(K.AT_PICKUP), when=g.combine_guards(g.IN_TRANSIT, g.RECALLED)),  # it goes back
            remain(
                NotifyPartner(K.AT_PICKUP),
                StartTimer(TimerKind.SHELF),
                SendPatronLetter("available"),
                when=g.IN_TRANSIT,
            ),
        ),
        local_signal(K.RENEW): remain(NotifyPartner(K.RENEW), StartTimer(TimerKind.RENEWAL), when=g.MAY_RENEW),
        local_signal(K.LOANED_TO_PATRON): move_to(
            S.LENT,
            NotifyPartner(K.LOANED_TO_PATRON),
            StopTimer(TimerKind.SHELF),
            StartTimer(TimerKind.PATRON_DUE),
            StartTimer(TimerKind.DUE_SOON),
        ),
        local_signal(K.RETURNED): _send_back_from_patron(g.PATRON_WAITS),
        local_signal(K.CANCEL): (remain(StopTimer(TimerKind.SHELF), when=_CANCELLED_TOO_LATE), _CANCELLED_AGAIN),
        local_signal(K.APPROVE): (  # wanted after all
            remain(when=g.combine_guards(g.UNWANTED, g.IN_TRANSIT)),
            remain(StartTimer(TimerKind.SHELF), when=g.UNWANTED),
        ),
        local_signal(K.UNDONE): (*_UNDO_RECEIPT, _UNDO_ARRIVAL),
        partner_signal(K.RECALL): _recall_before_loan_cell(StopTimer(TimerKind.RENEWAL)),
        timer_signal(K.SHELF_EXPIRED): remain(),
    },
    S.LENT: {
        **_WITH_PATRON,
        local_signal(K.LOANED_TO_PATRON): remain(),  # a further volume
        local_signal(K.RETURNED_BY_PATRON): (
            remain(when=g.MORE_WITH_PATRON),
            move_to(S.BACK, StopTimer(TimerKind.PATRON_DUE), StopTimer(TimerKind.DUE_SOON)),
        ),
        local_signal(K.RETURNED): _send_back_from_patron(g.WITH_PATRON),
        timer_signal(K.OVERDUE): remain(SendPatronLetter("overdue")),
        timer_signal(K.DUE_SOON): remain(SendPatronLetter("due-soon")),
    },
    S.BACK: {
        **_HERE,
        local_signal(K.LOANED_TO_PATRON): move_to(
            S.LENT, StartTimer(TimerKind.PATRON_DUE), StartTimer(TimerKind.DUE_SOON)
        ),
        local_signal(K.CANCEL): (remain(when=_CANCELLED_TOO_LATE), _CANCELLED_AGAIN),
        local_signal(K.APPROVE): remain(when=g.UNWANTED),
        local_signal(K.RETURNED): _SEND_BACK,
        local_signal(K.UNDONE): _UNDO_RECEIPT,
    },
    S.RETURNED: {
        local_signal(K.CONDITION_ACCEPTED): _PRICE_AGREED,
        partner_signal(K.CHECKED_IN): move_to(S.COMPLETED, StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANONYMISE)),
        partner_signal(K.LOST): move_to(S.LOST, StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANONYMISE)),
        partner_signal(K.DAMAGED): remain(),
        partner_signal(K.OVERDUE): remain(),
        partner_signal(K.RECALL): remain(),
        local_signal(K.LOST): move_to(
            S.LOST, NotifyPartner(K.LOST), StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANONYMISE)
        ),
        local_signal(K.CLOSE): move_to(S.COMPLETED, StopTimer(TimerKind.CHASE), StartTimer(TimerKind.ANONYMISE)),
        local_signal(K.STATUS_QUERY): remain(NotifyPartner(K.STATUS_QUERY), when=g.MAY_QUERY),
        timer_signal(K.NO_ANSWER): remain(NotifyPartner(K.STATUS_QUERY)),
    },
    S.COMPLETED: {
        **_CLOSED_ROW,
        local_signal(K.UNDONE): _UNDO_RECEIPT,  # of a copy
        local_signal(K.CONDITION_ACCEPTED): _PRICE_AGREED,
        partner_signal(K.DAMAGED): remain(),
        partner_signal(K.LOST): (
            Branch(None, when=g.LOSS_SETTLED, kept=True),
            move_to(S.LOST, when=g.LOAN),
            KEPT,
        ),  # on its way back, where no check-in was waited for
        local_signal(K.RETURNED_BY_PATRON): move_to(S.BACK, *_FOUND_HERE, when=g.LOSS_SETTLED),
        local_signal(K.RETURNED): move_to(S.RETURNED, *_FOUND_SENT_BACK, when=g.LOSS_SETTLED),
    },
    S.CANCELLED: {**_NOT_SUPPLIED, local_signal(K.CANCEL): remain()},
    S.UNFILLED: {**_NOT_SUPPLIED},
    S.EXPIRED: {**_NOT_SUPPLIED},
    S.LOST: {
        **_CLOSED_ROW,
        local_signal(K.REOPEN): _REOPEN,
        local_signal(K.CONDITION_ACCEPTED): _PRICE_AGREED,
        local_signal(K.RETURNED_BY_PATRON): move_to(S.BACK, *_FOUND_HERE, when=g.LOAN),
        local_signal(K.RETURNED): move_to(S.RETURNED, *_FOUND_SENT_BACK, when=g.LOAN),
        partner_signal(K.CHECKED_IN): move_to(
            S.COMPLETED, CallLibrary(LibraryAction.DELETE_TEMPORARY)
        ),  # the lender has found it
        local_signal(K.SETTLED): move_to(S.COMPLETED, CallLibrary(LibraryAction.DELETE_TEMPORARY)),
        partner_signal(K.SETTLED): _SETTLED_THERE,
    },
}

ELSEWHERE: Mapping[EventSignal, Cell] = {
    # by us: only where a row says so
    **{
        local_signal(kind): NOT_NOW
        for kind in (
            K.SUBMIT, K.APPROVE, K.EDIT, K.ASSIGN, K.REQUEST, K.NO_SUPPLIER, K.CLOSE, K.REOPEN, K.NEXT_SUPPLIER,
            K.CONDITION_ACCEPTED, K.CONDITION_REFUSED, K.CANCEL, K.RECEIVED, K.ARRIVED_AT_BRANCH, K.AT_PICKUP,
            K.LOANED_TO_PATRON, K.RETURNED_BY_PATRON, K.RETURNED, K.RENEW, K.LOST, K.DAMAGED, K.SETTLED,
            K.STATUS_QUERY, K.DUE_DATE_CHANGED, K.UNDONE,
        )
    },
    local_signal(K.MESSAGE): (remain(NotifyPartner(K.MESSAGE), when=g.SUPPLIER_ASKED),),
    local_signal(K.NOTE): NOTED,
    local_signal(K.PATRON_MESSAGE): (remain(SendPatronLetter(STAFF_LETTER), when=g.PATRON_KNOWN),),
    local_signal(K.PATRON_ASKED): (remain(StartTimer(TimerKind.QUERY), SendPatronLetter("query")),),
    local_signal(K.PATRON_ANSWERED): (
        remain(StopTimer(TimerKind.QUERY), RunFollowUp(FollowUp.PATRON_ANSWER), when=g.QUESTION_OPEN),
    ),
    local_signal(K.STATUS_REPORT): (remain(NotifyPartner(K.STATUS_REPORT), when=g.SUPPLIER_ASKED),),
    local_signal(K.PATRON_NOT_TOLD): (remain(),),
    local_signal(K.PATRON_TOLD): (remain(when=g.PATRON_TO_TELL),),
    local_signal(K.TROUBLE): (remain(),),
    # by a supplier: an answer that comes late is kept, it changes nothing
    **{
        partner_signal(kind): NOTED
        for kind in (
            K.ACKNOWLEDGED, K.REJECTED, K.EXPECT_TO_SUPPLY, K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.RETRY,
            K.UNFILLED, K.FORWARDED, K.EXPIRED, K.CANCEL_ACCEPTED, K.CANCEL_REFUSED, K.SHIPPED, K.COPY_DELIVERED,
            K.RENEW_ACCEPTED, K.RENEW_REFUSED, K.DUE_DATE_CHANGED, K.OVERDUE, K.RECALL, K.CHECKED_IN, K.LOST,
            K.SETTLED, K.DAMAGED, K.MESSAGE, K.STATUS_REPORT,
        )
    },
    partner_signal(K.STATUS_QUERY): (remain(RunFollowUp(FollowUp.REPORT_STATUS), when=g.SUPPLIER_ASKED), KEPT),
    # timers that fire when their time is over have nothing left to do
    **{
        timer_signal(kind): NOTED
        for kind in (
            K.EXPIRED, K.NO_ANSWER, K.RETRY, K.RENEW_REFUSED, K.RENEW_ACCEPTED, K.SHELF_EXPIRED, K.OVERDUE, K.DUE_SOON,
            K.ANONYMISED,
        )
    },
    timer_signal(K.PATRON_ANSWERED): (remain(RunFollowUp(FollowUp.PATRON_ANSWER), when=g.QUESTION_OPEN), KEPT),
}  # fmt: skip

BORROWING: StateTable = build_table(S.NEW, S, ROWS, ELSEWHERE)
