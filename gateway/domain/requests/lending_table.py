"""The lending table: what becomes of another library's request to us.

Responder side of ISO 10161 (facts/iso-ill-10161.md 9.2) with the local states that it doesn't know: the item is
located, a copy is digitised, cleared. A request that is over answers a cancellation with yes: nothing will come.
Letters go to the other library's patron, where the item is lent to one. What is asked of other libraries in turn
(`brokered_requests`) is answered as they answer, and not by rules of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests import state_table as g
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import EventSignal, local_signal, partner_signal, timer_signal
from gateway.domain.requests.request import LendingState as S
from gateway.domain.requests.state_table import (
    ENDED,
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

_OVER = (StopTimer(TimerKind.NEED_BY), StopTimer(TimerKind.ANSWER), StartTimer(TimerKind.ANONYMISE))
_NO = (*_OVER, CallLibrary(LibraryAction.RELEASE_HOLD))
_SHIPPED = (
    StopTimer(TimerKind.NEED_BY),
    StopTimer(TimerKind.ANSWER),
    NotifyPartner(K.SHIPPED),
    StartTimer(TimerKind.LENDER_DUE),
    CallLibrary(LibraryAction.RELEASE_HOLD),  # it may be another item than the one that was kept
)
_DECIDED = StopTimer(TimerKind.ANSWER)  # a condition that was open is not any more

_BROKERED_COPY = move_to(S.COMPLETED, *_NO, NotifyPartner(K.COPY_DELIVERED), when=g.BROKERED)
"""Whoever made it has cleared it."""

# --- before it is shipped --------------------------------------------------------------------------------

_PASS_ON = move_to(S.NEW, _DECIDED, CallLibrary(LibraryAction.RELEASE_HOLD), when=g.NOT_BROKERED)

_ANSWERS: Row = {
    local_signal(K.LOCATED): (
        move_to(S.DIGITISING, _DECIDED, when=g.COPY),
        move_to(S.LOCATED, _DECIDED, CallLibrary(LibraryAction.PLACE_HOLD)),
    ),
    local_signal(K.WILL_SUPPLY): move_to(S.WILL_SUPPLY, _DECIDED, NotifyPartner(K.WILL_SUPPLY)),
    local_signal(K.HOLD_PLACED): move_to(S.HOLD_PLACED, _DECIDED, NotifyPartner(K.HOLD_PLACED), when=g.TAKES_HOLDS),
    local_signal(K.CONDITIONAL): move_to(
        S.CONDITIONAL, NotifyPartner(K.CONDITIONAL), StartTimer(TimerKind.ANSWER), when=g.TAKES_CONDITIONS
    ),
    local_signal(K.UNFILLED): move_to(S.UNFILLED, *_NO, NotifyPartner(K.UNFILLED)),
    local_signal(K.RETRY): move_to(S.UNFILLED, *_NO, NotifyPartner(K.RETRY)),
    local_signal(K.FORWARDED): move_to(S.FORWARDED, *_NO, NotifyPartner(K.FORWARDED)),
    local_signal(K.SHIPPED): (  # a copy is delivered, after its clearance
        move_to(S.SHIPPED, NotifyPartner(K.WILL_SUPPLY), *_SHIPPED, when=g.combine_guards(g.LOAN, g.PROMISE_NEEDED)),
        move_to(S.SHIPPED, *_SHIPPED, when=g.LOAN),
    ),
    local_signal(K.DIGITISED): (
        move_to(S.CLEARANCE, _DECIDED, when=g.combine_guards(g.COPY_WILL_DO, g.CLEARANCE_NEEDED)),
        move_to(S.CLEARED, _DECIDED, when=g.COPY_WILL_DO),
    ),
    local_signal(K.BROKERED): _PASS_ON,
    local_signal(K.COPY_DELIVERED): _BROKERED_COPY,
    local_signal(K.EDIT): remain(StartTimer(TimerKind.NEED_BY)),
    partner_signal(K.CANCEL): (
        move_to(S.CANCEL_PENDING, _DECIDED, when=g.BROKERED),
        move_to(S.CANCELLED, *_NO, NotifyPartner(K.CANCEL_ACCEPTED), when=g.CANCEL_BY_RULE),
        remain(NotifyPartner(K.CANCEL_REFUSED), when=g.CANCEL_REFUSED_BY_RULE),
        move_to(S.CANCEL_PENDING, _DECIDED),
    ),
    partner_signal(K.CONDITION_ACCEPTED): NOTED,  # we went on without waiting for it
    partner_signal(K.CONDITION_REFUSED): move_to(S.UNFILLED, *_NO),  # it is not wanted any more
    timer_signal(K.EXPIRED): move_to(S.EXPIRED, *_NO, NotifyPartner(K.EXPIRED)),
}

_ASKED_ANEW: Cell = (
    move_to(S.NEW, _DECIDED, NotifyPartner(K.MESSAGE), when=g.ASKED_ANEW),
    _PASS_ON,
)
"""What the former supplier has promised or wanted holds no more."""

_COPY: Row = {
    **_ANSWERS,
    local_signal(K.LOCATED): remain(),
    local_signal(K.WILL_SUPPLY): remain(NotifyPartner(K.WILL_SUPPLY)),
    local_signal(K.SHIPPED): NOT_NOW,
    local_signal(K.HOLD_PLACED): NOT_NOW,
    local_signal(K.COPY_DELIVERED): NOT_NOW,
}

# --- an act is undone ------------------------------------------------------------------------------------

_WAITS_HERE = (StopTimer(TimerKind.LENDER_DUE), StartTimer(TimerKind.NEED_BY))
_KEPT_HERE = (*_WAITS_HERE, CallLibrary(LibraryAction.PLACE_HOLD))
_UNDOING: Mapping[S, tuple[Effect, ...]] = {
    S.NEW: _WAITS_HERE,
    S.LOCATED: _KEPT_HERE,
    S.HOLD_PLACED: _KEPT_HERE,
    S.WILL_SUPPLY: _KEPT_HERE,
    S.CONDITIONAL: (*_WAITS_HERE, StartTimer(TimerKind.ANSWER)),
    S.CANCEL_PENDING: _WAITS_HERE,
    S.SHIPPED: (StopTimer(TimerKind.ANONYMISE), StopTimer(TimerKind.RETURN), StartTimer(TimerKind.LENDER_DUE)),
    S.RETURNED: (StopTimer(TimerKind.ANONYMISE), StartTimer(TimerKind.RETURN)),
}
"""By the state before the act."""


def _undo_cell(*before: S) -> Cell:
    return tuple(move_to(state, *_UNDOING[state], when=g.was_in_state(state)) for state in before)


_UNDO_LOCATING = _undo_cell(S.NEW, S.HOLD_PLACED, S.CONDITIONAL)
_UNDO_PROMISE = _undo_cell(S.NEW, S.LOCATED, S.HOLD_PLACED, S.CONDITIONAL)
_UNDO_SHIPPING = _undo_cell(S.NEW, S.LOCATED, S.HOLD_PLACED, S.WILL_SUPPLY, S.CONDITIONAL, S.CANCEL_PENDING, S.SHIPPED)
_UNDO_CHECK_IN = _undo_cell(S.SHIPPED, S.RETURNED)

_NOT_OVER = (StopTimer(TimerKind.ANONYMISE), StartTimer(TimerKind.NEED_BY))
_KEPT_AGAIN = (*_NOT_OVER, CallLibrary(LibraryAction.PLACE_HOLD))
"""That its hold is released still waits in the outbox, and is left out; but if it had none yet, the refusal has ended
that as well."""
_UNDO_REFUSAL = (
    move_to(S.CONDITIONAL, *_KEPT_AGAIN, StartTimer(TimerKind.ANSWER), when=g.was_in_state(S.CONDITIONAL)),
    *(
        move_to(state, *_KEPT_AGAIN, when=g.was_in_state(state))
        for state in (S.LOCATED, S.HOLD_PLACED, S.WILL_SUPPLY, S.CANCEL_PENDING)
    ),
    *(
        move_to(state, *_NOT_OVER, when=g.was_in_state(state))
        for state in (S.NEW, S.DIGITISING, S.CLEARANCE, S.CLEARED)
    ),
)

# --- on loan ---------------------------------------------------------------------------------------------

_HOME = (
    StopTimer(TimerKind.LENDER_DUE),
    StopTimer(TimerKind.RETURN),
    StartTimer(TimerKind.ANONYMISE),
    NotifyPartner(K.CHECKED_IN),
    CallLibrary(LibraryAction.RETURN_HOME),
)
_GONE_LOST = (
    StopTimer(TimerKind.LENDER_DUE),
    StopTimer(TimerKind.RETURN),
    StartTimer(TimerKind.ANONYMISE),
    CallLibrary(LibraryAction.MARK_LOST),
)
_FOUND_THERE = (StopTimer(TimerKind.ANONYMISE), StartTimer(TimerKind.RETURN))
_FOUND = (NotifyPartner(K.CHECKED_IN), CallLibrary(LibraryAction.RETURN_HOME))

_OUT: Row = {
    local_signal(K.CHECKED_IN): (
        remain(NotifyPartner(K.MESSAGE), when=g.VOLUME_MISSING),
        remain(when=g.MORE_TO_CHECK_IN),
        move_to(S.COMPLETED, *_HOME),
    ),
    local_signal(K.LOST): move_to(S.LOST, *_GONE_LOST, NotifyPartner(K.LOST)),
    local_signal(K.DAMAGED): remain(NotifyPartner(K.DAMAGED)),
    partner_signal(K.LOST): move_to(S.LOST, *_GONE_LOST),
    partner_signal(K.DAMAGED): remain(),
    partner_signal(K.RECEIVED): remain(),
    partner_signal(K.CANCEL): remain(NotifyPartner(K.CANCEL_REFUSED)),
    partner_signal(K.CONDITION_ACCEPTED): NOTED,
}

_CLOSED: Row = {
    partner_signal(K.RENEW): ENDED,
    timer_signal(K.ANONYMISED): remain(),
}
_NOT_SUPPLIED: Row = {
    **_CLOSED,
    partner_signal(K.CANCEL): remain(NotifyPartner(K.CANCEL_ACCEPTED)),
    partner_signal(K.CONDITION_ACCEPTED): ENDED,
}

ROWS: Mapping[S, Row] = {
    S.NEW: {**_ANSWERS},
    S.LOCATED: {**_ANSWERS, local_signal(K.UNDONE): _UNDO_LOCATING},
    S.HOLD_PLACED: {**_ANSWERS, local_signal(K.BROKERED): _ASKED_ANEW},
    S.WILL_SUPPLY: {
        **_ANSWERS,
        local_signal(K.BROKERED): _ASKED_ANEW,
        local_signal(K.WILL_SUPPLY): remain(NotifyPartner(K.WILL_SUPPLY), when=g.PRICE_IS_NEWS),
        local_signal(K.UNDONE): _UNDO_PROMISE,
    },
    S.CONDITIONAL: {
        **_ANSWERS,
        local_signal(K.BROKERED): _ASKED_ANEW,
        partner_signal(K.CONDITION_REFUSED): (
            move_to(S.NEW, _DECIDED, when=g.NEXT_IS_ASKED),
            move_to(S.UNFILLED, *_NO, NotifyPartner(K.CANCEL_ACCEPTED), when=g.BY_CANCEL),
            move_to(S.UNFILLED, *_NO),
        ),
        partner_signal(K.CONDITION_ACCEPTED): (
            move_to(S.WILL_SUPPLY, _DECIDED, when=g.BROKERED),
            move_to(S.DIGITISING, _DECIDED, when=g.COPY),
            move_to(S.WILL_SUPPLY, _DECIDED),
        ),
        timer_signal(K.NO_ANSWER): move_to(S.EXPIRED, *_NO, NotifyPartner(K.EXPIRED)),
    },
    S.DIGITISING: {**_COPY, local_signal(K.UNDONE): _UNDO_LOCATING},
    S.CLEARANCE: {
        **_COPY,
        local_signal(K.CLEARED): move_to(S.CLEARED, when=g.SIGNED_BY_ANOTHER),
        local_signal(K.CLEARANCE_REFUSED): move_to(S.UNFILLED, *_NO, NotifyPartner(K.UNFILLED)),
    },
    S.CLEARED: {
        **_COPY,
        local_signal(K.COPY_DELIVERED): move_to(S.COMPLETED, *_NO, NotifyPartner(K.COPY_DELIVERED), when=g.SIGNED_OFF),
    },
    S.CANCEL_PENDING: {
        local_signal(K.CANCEL_ACCEPTED): move_to(S.CANCELLED, *_NO, NotifyPartner(K.CANCEL_ACCEPTED)),
        local_signal(K.CANCEL_REFUSED): (
            move_to(S.WILL_SUPPLY, NotifyPartner(K.CANCEL_REFUSED), when=g.was_before_cancel(S.WILL_SUPPLY)),
            move_to(S.HOLD_PLACED, NotifyPartner(K.CANCEL_REFUSED), when=g.was_before_cancel(S.HOLD_PLACED)),
            move_to(S.NEW, NotifyPartner(K.CANCEL_REFUSED), when=g.NO_ITEM),
            move_to(S.DIGITISING, NotifyPartner(K.CANCEL_REFUSED), when=g.COPY),
            move_to(S.LOCATED, NotifyPartner(K.CANCEL_REFUSED)),
        ),
        local_signal(K.SHIPPED): move_to(S.SHIPPED, *_SHIPPED, NotifyPartner(K.CANCEL_REFUSED), when=g.LOAN),
        local_signal(K.UNFILLED): move_to(S.UNFILLED, *_NO, NotifyPartner(K.CANCEL_ACCEPTED)),
        local_signal(K.COPY_DELIVERED): move_to(
            S.COMPLETED, *_NO, NotifyPartner(K.CANCEL_REFUSED), NotifyPartner(K.COPY_DELIVERED), when=g.BROKERED
        ),
        local_signal(K.BROKERED): remain(NotifyPartner(K.MESSAGE), when=g.ASKED_ANEW),
        local_signal(K.EDIT): remain(StartTimer(TimerKind.NEED_BY)),
        partner_signal(K.CANCEL): remain(),
        partner_signal(K.CONDITION_ACCEPTED): NOTED,
        partner_signal(K.CONDITION_REFUSED): move_to(S.UNFILLED, *_NO, NotifyPartner(K.CANCEL_ACCEPTED)),
        timer_signal(K.EXPIRED): move_to(S.CANCELLED, *_NO, NotifyPartner(K.CANCEL_ACCEPTED)),
    },
    S.SHIPPED: {
        **_OUT,
        local_signal(K.EDIT): remain(when=g.ADDS_ONLY_VOLUME),
        local_signal(K.UNDONE): _UNDO_SHIPPING,
        local_signal(K.SHIPPED): remain(
            NotifyPartner(K.SHIPPED), StartTimer(TimerKind.LENDER_DUE)
        ),  # corrected details
        local_signal(K.RENEW_ACCEPTED): remain(
            NotifyPartner(K.RENEW_ACCEPTED),
            CallLibrary(LibraryAction.SET_LENDER_DUE),
            StartTimer(TimerKind.LENDER_DUE),
            when=g.RENEWAL_PENDING,
        ),
        local_signal(K.RENEW_REFUSED): remain(NotifyPartner(K.RENEW_REFUSED), when=g.RENEWAL_PENDING),
        local_signal(K.DUE_DATE_CHANGED): remain(
            NotifyPartner(K.DUE_DATE_CHANGED),
            CallLibrary(LibraryAction.SET_LENDER_DUE),
            StartTimer(TimerKind.LENDER_DUE),
        ),
        local_signal(K.OVERDUE): remain(NotifyPartner(K.OVERDUE), SendPatronLetter("overdue")),
        local_signal(K.RECALL): remain(
            NotifyPartner(K.RECALL),
            SendPatronLetter("recalled"),
            CallLibrary(LibraryAction.RECALL_LOAN),
            StartTimer(TimerKind.LENDER_DUE),
        ),
        partner_signal(K.RENEW): (
            remain(NotifyPartner(K.RENEW_REFUSED), when=g.RECALLED),
            remain(NotifyPartner(K.RENEW_ACCEPTED), when=g.RENEWED_BEFORE),
            remain(NotifyPartner(K.RENEW_REFUSED), when=g.RENEWAL_REFUSED_BEFORE),
            remain(when=g.BROKERED),
            remain(RunFollowUp(FollowUp.DECIDE_RENEWAL)),
        ),
        partner_signal(K.RETURNED): (
            remain(when=g.MORE_OUT),
            move_to(S.RETURNED, StopTimer(TimerKind.LENDER_DUE), StartTimer(TimerKind.RETURN)),
        ),
        timer_signal(K.OVERDUE): remain(NotifyPartner(K.OVERDUE), SendPatronLetter("overdue")),
    },
    S.RETURNED: {
        **_OUT,
        local_signal(K.UNDONE): _UNDO_CHECK_IN,
        partner_signal(K.RETURNED): remain(),
        timer_signal(K.RETURN_LATE): remain(),
    },
    S.COMPLETED: {
        **_CLOSED,
        local_signal(K.UNDONE): _UNDO_CHECK_IN,
        local_signal(K.DAMAGED): remain(NotifyPartner(K.DAMAGED)),
        partner_signal(K.DAMAGED): remain(),
        partner_signal(K.CANCEL): remain(NotifyPartner(K.CANCEL_REFUSED)),
        partner_signal(K.CONDITION_ACCEPTED): NOTED,
        local_signal(K.CHECKED_IN): remain(*_FOUND, when=g.LOSS_SETTLED),
        partner_signal(K.RETURNED): (move_to(S.RETURNED, *_FOUND_THERE, when=g.LOSS_SETTLED), KEPT),
    },
    S.CANCELLED: {**_NOT_SUPPLIED},
    S.UNFILLED: {**_NOT_SUPPLIED, local_signal(K.UNDONE): _UNDO_REFUSAL},
    S.EXPIRED: {**_NOT_SUPPLIED},
    S.FORWARDED: {**_NOT_SUPPLIED},
    S.LOST: {
        **_CLOSED,
        local_signal(K.CHECKED_IN): move_to(S.COMPLETED, *_FOUND),
        local_signal(K.SETTLED): move_to(S.COMPLETED, NotifyPartner(K.SETTLED)),
        partner_signal(K.RETURNED): (move_to(S.RETURNED, *_FOUND_THERE, when=g.LOAN), KEPT),
        partner_signal(K.CANCEL): remain(NotifyPartner(K.CANCEL_REFUSED)),
        partner_signal(K.CONDITION_ACCEPTED): NOTED,
    },
}

ELSEWHERE: Mapping[EventSignal, Cell] = {
    **{
        local_signal(kind): NOT_NOW
        for kind in (
            K.LOCATED, K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.UNFILLED, K.RETRY, K.FORWARDED, K.BROKERED,
            K.EDIT, K.DIGITISED, K.CLEARED, K.CLEARANCE_REFUSED, K.COPY_DELIVERED, K.CANCEL_ACCEPTED, K.CANCEL_REFUSED,
            K.SHIPPED, K.CHECKED_IN, K.RENEW_ACCEPTED, K.RENEW_REFUSED, K.DUE_DATE_CHANGED, K.OVERDUE, K.RECALL,
            K.LOST, K.DAMAGED, K.SETTLED, K.UNDONE,
        )
    },
    local_signal(K.MESSAGE): (remain(NotifyPartner(K.MESSAGE)),),
    local_signal(K.NOTE): NOTED,
    local_signal(K.STATUS_REPORT): (remain(NotifyPartner(K.STATUS_REPORT)),),
    local_signal(K.PATRON_NOT_TOLD): (remain(),),
    local_signal(K.PATRON_TOLD): (remain(when=g.PATRON_TO_TELL),),
    local_signal(K.TROUBLE): (remain(),),
    # by the requester
    **{
        partner_signal(kind): NOTED
        for kind in (
            K.RECEIVED, K.AT_PICKUP, K.LOANED_TO_PATRON, K.RETURNED, K.LOST, K.DAMAGED, K.MESSAGE, K.STATUS_REPORT,
            K.CONDITION_REFUSED,
        )
    },
    partner_signal(K.CANCEL): NOT_NOW,
    partner_signal(K.REQUEST): NOT_NOW,  # a second request under the same number; a repeat never comes this far
    partner_signal(K.CONDITION_ACCEPTED): NOT_NOW,
    partner_signal(K.RENEW): NOT_NOW,
    partner_signal(K.STATUS_QUERY): (remain(RunFollowUp(FollowUp.REPORT_STATUS)),),
    **{timer_signal(kind): NOTED for kind in (K.EXPIRED, K.NO_ANSWER, K.OVERDUE, K.RETURN_LATE, K.ANONYMISED)},
}  # fmt: skip

LENDING: StateTable = build_table(S.NEW, S, ROWS, ELSEWHERE)
