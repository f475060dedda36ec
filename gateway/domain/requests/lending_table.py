"""The lending table: what becomes of another library's request to us.

Responder side of ISO 10161 (facts/iso-ill-10161.md 9.2) with the local states that it doesn't know: the item is
located, a copy is digitised, cleared. A request that is over answers a cancellation with yes: nothing will come.
Letters go to the other library's patron, where the item is lent to one.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests import state_table as g
from gateway.domain.requests.events import Kind as K
from gateway.domain.requests.events import Signal, by_partner, by_timer, by_us
from gateway.domain.requests.request import Lending as S
from gateway.domain.requests.state_table import (
    ENDED,
    NOT_NOW,
    NOTED,
    Ask,
    Branch,
    Cell,
    Follow,
    Letter,
    Library,
    Start,
    Stop,
    Tell,
    Then,
    Timer,
    go,
    stay,
    table,
)

Row = Mapping[Signal, Branch | Cell]

_OVER = (Stop(Timer.NEED_BY), Stop(Timer.ANSWER), Start(Timer.ANONYMISE))
_NO = (*_OVER, Ask(Library.RELEASE_HOLD))
_SHIPPED = (
    Stop(Timer.NEED_BY),
    Stop(Timer.ANSWER),
    Tell(K.SHIPPED),
    Start(Timer.LENDER_DUE),
    Ask(Library.RELEASE_HOLD),  # it may be another item than the one that was kept
)
_DECIDED = Stop(Timer.ANSWER)  # a condition that was open is not any more

# --- before it is shipped --------------------------------------------------------------------------------

_ANSWERS: Row = {
    by_us(K.LOCATED): (
        go(S.DIGITISING, _DECIDED, when=g.COPY),
        go(S.LOCATED, _DECIDED, Ask(Library.PLACE_HOLD)),
    ),
    by_us(K.WILL_SUPPLY): go(S.WILL_SUPPLY, _DECIDED, Tell(K.WILL_SUPPLY)),
    by_us(K.HOLD_PLACED): go(S.HOLD_PLACED, _DECIDED, Tell(K.HOLD_PLACED), when=g.TAKES_HOLDS),
    by_us(K.CONDITIONAL): go(S.CONDITIONAL, Tell(K.CONDITIONAL), Start(Timer.ANSWER), when=g.TAKES_CONDITIONS),
    by_us(K.UNFILLED): go(S.UNFILLED, *_NO, Tell(K.UNFILLED)),
    by_us(K.RETRY): go(S.UNFILLED, *_NO, Tell(K.RETRY)),
    by_us(K.FORWARDED): go(S.FORWARDED, *_NO, Tell(K.FORWARDED)),
    by_us(K.SHIPPED): go(S.SHIPPED, *_SHIPPED, when=g.LOAN),  # a copy is delivered, after its clearance
    by_us(K.DIGITISED): (
        go(S.CLEARANCE, _DECIDED, when=g.both(g.COPY_WILL_DO, g.CLEARANCE_NEEDED)),
        go(S.CLEARED, _DECIDED, when=g.COPY_WILL_DO),
    ),
    by_us(K.EDIT): stay(Start(Timer.NEED_BY)),
    by_partner(K.CANCEL): (
        go(S.CANCELLED, *_NO, Tell(K.CANCEL_ACCEPTED), when=g.CANCEL_BY_RULE),
        stay(Tell(K.CANCEL_REFUSED), when=g.CANCEL_REFUSED_BY_RULE),
        go(S.CANCEL_PENDING, _DECIDED),
    ),
    by_partner(K.CONDITION_ACCEPTED): NOTED,  # we went on without waiting for it
    by_partner(K.CONDITION_REFUSED): go(S.UNFILLED, *_NO),  # it is not wanted any more
    by_timer(K.EXPIRED): go(S.EXPIRED, *_NO, Tell(K.EXPIRED)),
}

_COPY: Row = {
    **_ANSWERS,
    by_us(K.LOCATED): stay(),
    by_us(K.WILL_SUPPLY): stay(Tell(K.WILL_SUPPLY)),
    by_us(K.SHIPPED): NOT_NOW,
    by_us(K.HOLD_PLACED): NOT_NOW,
}

# --- on loan ---------------------------------------------------------------------------------------------

_HOME = (Stop(Timer.LENDER_DUE), Start(Timer.ANONYMISE), Tell(K.CHECKED_IN), Ask(Library.RETURN_HOME))
_GONE_LOST = (Stop(Timer.LENDER_DUE), Start(Timer.ANONYMISE), Ask(Library.MARK_LOST))

_OUT: Row = {
    by_us(K.CHECKED_IN): (stay(when=g.MORE_TO_CHECK_IN), go(S.COMPLETED, *_HOME)),
    by_us(K.LOST): go(S.LOST, *_GONE_LOST, Tell(K.LOST)),
    by_us(K.DAMAGED): stay(Tell(K.DAMAGED)),
    by_partner(K.LOST): go(S.LOST, *_GONE_LOST),
    by_partner(K.DAMAGED): stay(),
    by_partner(K.RECEIVED): stay(),
    by_partner(K.CANCEL): stay(Tell(K.CANCEL_REFUSED)),
    by_partner(K.CONDITION_ACCEPTED): NOTED,
}

_CLOSED: Row = {
    by_partner(K.RENEW): ENDED,
    by_timer(K.ANONYMISED): stay(),
}
_NOT_SUPPLIED: Row = {
    **_CLOSED,
    by_partner(K.CANCEL): stay(Tell(K.CANCEL_ACCEPTED)),
    by_partner(K.CONDITION_ACCEPTED): ENDED,
}

ROWS: Mapping[S, Row] = {
    S.NEW: {**_ANSWERS},
    S.LOCATED: {**_ANSWERS},
    S.HOLD_PLACED: {**_ANSWERS},
    S.WILL_SUPPLY: {**_ANSWERS, by_us(K.WILL_SUPPLY): NOT_NOW},
    S.CONDITIONAL: {
        **_ANSWERS,
        by_partner(K.CONDITION_ACCEPTED): (
            go(S.DIGITISING, _DECIDED, when=g.COPY),
            go(S.WILL_SUPPLY, _DECIDED),
        ),
        by_timer(K.NO_ANSWER): go(S.EXPIRED, *_NO, Tell(K.EXPIRED)),
    },
    S.DIGITISING: {**_COPY},
    S.CLEARANCE: {
        **_COPY,
        by_us(K.CLEARED): go(S.CLEARED),
        by_us(K.CLEARANCE_REFUSED): go(S.UNFILLED, *_NO, Tell(K.UNFILLED)),
    },
    S.CLEARED: {
        **_COPY,
        by_us(K.COPY_DELIVERED): go(S.COMPLETED, *_NO, Tell(K.COPY_DELIVERED), when=g.SIGNED_OFF),
    },
    S.CANCEL_PENDING: {
        by_us(K.CANCEL_ACCEPTED): go(S.CANCELLED, *_NO, Tell(K.CANCEL_ACCEPTED)),
        by_us(K.CANCEL_REFUSED): (
            go(S.NEW, Tell(K.CANCEL_REFUSED), when=g.NO_ITEM),
            go(S.DIGITISING, Tell(K.CANCEL_REFUSED), when=g.COPY),
            go(S.LOCATED, Tell(K.CANCEL_REFUSED)),
        ),
        by_us(K.SHIPPED): go(S.SHIPPED, *_SHIPPED, Tell(K.CANCEL_REFUSED), when=g.LOAN),
        by_us(K.UNFILLED): go(S.UNFILLED, *_NO, Tell(K.UNFILLED)),
        by_us(K.EDIT): stay(Start(Timer.NEED_BY)),
        by_partner(K.CANCEL): stay(),
        by_partner(K.CONDITION_ACCEPTED): NOTED,
        by_partner(K.CONDITION_REFUSED): go(S.UNFILLED, *_NO),
        by_timer(K.EXPIRED): go(S.CANCELLED, *_NO, Tell(K.CANCEL_ACCEPTED)),
    },
    S.SHIPPED: {
        **_OUT,
        by_us(K.SHIPPED): stay(Tell(K.SHIPPED), Start(Timer.LENDER_DUE)),  # corrected details
        by_us(K.RENEW_ACCEPTED): stay(
            Tell(K.RENEW_ACCEPTED), Ask(Library.SET_LENDER_DUE), Start(Timer.LENDER_DUE), when=g.RENEWAL_PENDING
        ),
        by_us(K.RENEW_REFUSED): stay(Tell(K.RENEW_REFUSED), when=g.RENEWAL_PENDING),
        by_us(K.DUE_DATE_CHANGED): stay(Tell(K.DUE_DATE_CHANGED), Ask(Library.SET_LENDER_DUE), Start(Timer.LENDER_DUE)),
        by_us(K.OVERDUE): stay(Tell(K.OVERDUE), Letter("overdue")),
        by_us(K.RECALL): stay(Tell(K.RECALL), Letter("recalled"), Ask(Library.RECALL_LOAN), Start(Timer.LENDER_DUE)),
        by_partner(K.RENEW): (stay(Tell(K.RENEW_REFUSED), when=g.RECALLED), stay(Then(Follow.DECIDE_RENEWAL))),
        by_partner(K.RETURNED): (stay(when=g.MORE_OUT), go(S.RETURNED, Stop(Timer.LENDER_DUE))),
        by_timer(K.OVERDUE): stay(Tell(K.OVERDUE), Letter("overdue")),
    },
    S.RETURNED: {
        **_OUT,
        by_partner(K.RETURNED): stay(),
    },
    S.COMPLETED: {
        **_CLOSED,
        by_us(K.DAMAGED): stay(Tell(K.DAMAGED)),
        by_partner(K.DAMAGED): stay(),
        by_partner(K.CANCEL): stay(Tell(K.CANCEL_REFUSED)),
        by_partner(K.CONDITION_ACCEPTED): NOTED,
    },
    S.CANCELLED: {**_NOT_SUPPLIED},
    S.UNFILLED: {**_NOT_SUPPLIED},
    S.EXPIRED: {**_NOT_SUPPLIED},
    S.FORWARDED: {**_NOT_SUPPLIED},
    S.LOST: {
        **_CLOSED,
        by_us(K.CHECKED_IN): go(S.COMPLETED, Tell(K.CHECKED_IN), Ask(Library.RETURN_HOME)),  # found
        by_partner(K.RETURNED): go(S.RETURNED, Stop(Timer.ANONYMISE)),  # found there
        by_partner(K.CANCEL): stay(Tell(K.CANCEL_REFUSED)),
        by_partner(K.CONDITION_ACCEPTED): NOTED,
    },
}

ELSEWHERE: Mapping[Signal, Cell] = {
    **{
        by_us(kind): NOT_NOW
        for kind in (
            K.LOCATED, K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.UNFILLED, K.RETRY, K.FORWARDED, K.EDIT,
            K.DIGITISED, K.CLEARED, K.CLEARANCE_REFUSED, K.COPY_DELIVERED, K.CANCEL_ACCEPTED, K.CANCEL_REFUSED,
            K.SHIPPED, K.CHECKED_IN, K.RENEW_ACCEPTED, K.RENEW_REFUSED, K.DUE_DATE_CHANGED, K.OVERDUE, K.RECALL,
            K.LOST, K.DAMAGED,
        )
    },
    by_us(K.MESSAGE): (stay(Tell(K.MESSAGE)),),
    by_us(K.NOTE): NOTED,
    by_us(K.STATUS_REPORT): (stay(Tell(K.STATUS_REPORT)),),
    by_us(K.TROUBLE): (stay(),),
    # by the requester
    **{
        by_partner(kind): NOTED
        for kind in (
            K.RECEIVED, K.RETURNED, K.LOST, K.DAMAGED, K.MESSAGE, K.STATUS_REPORT, K.CONDITION_REFUSED,
        )
    },
    by_partner(K.CANCEL): NOT_NOW,
    by_partner(K.REQUEST): NOT_NOW,  # a second request under the same number; a repeat never comes this far
    by_partner(K.CONDITION_ACCEPTED): NOT_NOW,
    by_partner(K.RENEW): NOT_NOW,
    by_partner(K.STATUS_QUERY): (stay(Then(Follow.REPORT_STATUS)),),
    **{by_timer(kind): NOTED for kind in (K.EXPIRED, K.NO_ANSWER, K.OVERDUE, K.ANONYMISED)},
}  # fmt: skip

LENDING = table(S.NEW, S, ROWS, ELSEWHERE)
