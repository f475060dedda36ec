"""The borrowing table: what becomes of a request of our own patrons or staff.

Requester side of ISO 10161 (facts/iso-ill-10161.md 9.1) with the local states that it doesn't know: review, sourcing,
with the patron. An item that comes although we cancelled is not refused: it is on its way, so it has to go back. A
cancellation that the supplier refuses is not forgotten: the supplier goes on, but nobody else is asked after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests import state_table as g
from gateway.domain.requests.events import Kind as K
from gateway.domain.requests.events import Signal, by_partner, by_timer, by_us
from gateway.domain.requests.request import Borrowing as S
from gateway.domain.requests.state_table import (
    KEPT,
    NOT_NOW,
    NOTED,
    Ask,
    Branch,
    Cell,
    Effect,
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

# --- ends and new beginnings -----------------------------------------------------------------------------

_FIND = Then(Follow.FIND_SUPPLIER)
_NO_WAITING = (Stop(Timer.ANSWER), Stop(Timer.CHASE))
_STOP_ALL = (Stop(Timer.NEED_BY), *_NO_WAITING, Stop(Timer.RETRY), Start(Timer.ANONYMISE))

_CANCELLED = go(S.CANCELLED, *_STOP_ALL, Letter("cancelled"))
_EXPIRED = go(S.EXPIRED, *_STOP_ALL, Letter("not-supplied"))
_CLOSED = go(S.UNFILLED, *_STOP_ALL, Letter("not-supplied"))


def _on_from(*before: Effect) -> Cell:
    """This supplier is out: the next one is asked, but not for a request that nobody waits for."""
    return (
        go(S.EXPIRED, *before, *_STOP_ALL, Letter("not-supplied"), when=g.EXPIRING),
        go(S.CANCELLED, *before, *_STOP_ALL, Letter("cancelled"), when=g.UNWANTED),
        go(S.SOURCING, *before, *_NO_WAITING, _FIND),
    )


_GIVEN_UP: Cell = (go(S.EXPIRED, *_STOP_ALL, Letter("not-supplied"), when=g.EXPIRING), _CANCELLED)

_EDITABLE: Row = {
    by_us(K.EDIT): stay(Start(Timer.NEED_BY)),
    by_us(K.ASSIGN): stay(),
}

# --- a supplier is asked ---------------------------------------------------------------------------------

_PROMISED = (Stop(Timer.ANSWER), Start(Timer.CHASE))
_CONDITION = (Stop(Timer.CHASE), Start(Timer.ANSWER), Then(Follow.DECIDE_CONDITION))

_PROMISES: Row = {
    by_partner(K.WILL_SUPPLY): go(S.WILL_SUPPLY, *_PROMISED),
    by_partner(K.HOLD_PLACED): go(S.HOLD_PLACED, *_PROMISED),
    by_partner(K.CONDITIONAL): go(S.CONDITIONAL, *_CONDITION),
}

_FORWARDED = go(S.REQUESTED, Stop(Timer.CHASE), Start(Timer.ANSWER))
"""Whoever has it now has promised nothing yet."""

_NEGATIVE: Row = {
    by_partner(kind): _on_from() for kind in (K.UNFILLED, K.RETRY, K.EXPIRED, K.REJECTED, K.CANCEL_ACCEPTED)
}

_SET_OUT = (
    Stop(Timer.ANSWER),
    Stop(Timer.NEED_BY),
    Stop(Timer.RETRY),
    Stop(Timer.ANONYMISE),
    Start(Timer.CHASE),
)
_IT_COMES = go(S.SHIPPED, *_SET_OUT)
_COPY_COMES = (
    go(S.COMPLETED, *_STOP_ALL, Tell(K.RECEIVED), Letter("copy-ready"), when=g.ELECTRONIC),
    _IT_COMES,
)
_AWAITED: Cell = (go(S.SHIPPED, *_SET_OUT, when=g.UNWANTED), go(S.SHIPPED, *_SET_OUT, Letter("sent")))
_ARRIVING: Row = {by_partner(K.SHIPPED): _IT_COMES, by_partner(K.COPY_DELIVERED): _COPY_COMES}
"""What was shipped is on its way, whatever we wish."""

_OLD_NEWS = Branch(None, when=g.OLD_NEWS, kept=True)
_ARRIVING_LATE: Row = {
    by_partner(K.SHIPPED): (_OLD_NEWS, _IT_COMES),
    by_partner(K.COPY_DELIVERED): (_OLD_NEWS, *_COPY_COMES),
}
"""While no supplier's turn is on."""

_MISSED: Row = {by_partner(kind): _IT_COMES for kind in (K.OVERDUE, K.RECALL, K.DUE_DATE_CHANGED)}
"""They say that it was shipped, though its message didn't come."""

_RECEIVE: Cell = (
    go(S.COMPLETED, *_STOP_ALL, Tell(K.RECEIVED), Letter("copy-ready"), when=g.COPY),
    go(S.SHIPPED, *_SET_OUT, when=g.MORE_TO_RECEIVE),
    go(S.BACK, *_NO_WAITING, Stop(Timer.NEED_BY), Tell(K.RECEIVED), when=g.TO_GO_BACK),
    go(
        S.RECEIVED,
        *_NO_WAITING,
        Stop(Timer.NEED_BY),
        Tell(K.RECEIVED),
        Start(Timer.SHELF),
        Letter("available"),
    ),
)

_ASK_TO_CANCEL = (Tell(K.CANCEL), Stop(Timer.CHASE), Start(Timer.ANSWER))

_ASKED: Row = {
    **_PROMISES,
    **_NEGATIVE,
    **_ARRIVING,
    **_MISSED,
    by_partner(K.SHIPPED): _AWAITED,
    by_partner(K.LOST): go(S.LOST, *_STOP_ALL, Letter("not-supplied")),
    by_us(K.RECEIVED): _RECEIVE,  # the supplier said nothing, or not yet
    by_us(K.CANCEL): (go(S.CANCEL_PENDING, *_ASK_TO_CANCEL, when=g.MAY_CANCEL), _CANCELLED),
    by_us(K.NEXT_SUPPLIER): go(S.SOURCING, Tell(K.CANCEL), *_NO_WAITING, _FIND),
    by_us(K.APPROVE): stay(when=g.UNWANTED),  # wanted after all
    by_us(K.STATUS_QUERY): stay(Tell(K.STATUS_QUERY)),
    by_timer(K.EXPIRED): (go(S.CANCEL_PENDING, *_ASK_TO_CANCEL, when=g.MAY_CANCEL), _EXPIRED),
    by_timer(K.NO_ANSWER): stay(Tell(K.STATUS_QUERY)),  # promised and not come: asked why
}

# --- the item is here ------------------------------------------------------------------------------------

_UNDER_WAY_BACK = (
    Stop(Timer.PATRON_DUE),
    Stop(Timer.DUE_SOON),
    Stop(Timer.SHELF),
    Stop(Timer.RENEWAL),
)
_ENDED_HERE = (*_UNDER_WAY_BACK, Stop(Timer.CHASE), Start(Timer.ANONYMISE))

_LENT_ANEW = (Ask(Library.SET_DUE_DATE), Start(Timer.PATRON_DUE), Start(Timer.DUE_SOON))

_HERE: Row = {
    by_partner(K.RENEW_ACCEPTED): (Branch(None, when=g.RECALLED, kept=True), stay(Stop(Timer.RENEWAL))),
    by_partner(K.RENEW_REFUSED): stay(Stop(Timer.RENEWAL)),
    by_timer(K.RENEW_REFUSED): (stay(when=g.RENEWAL_PENDING), KEPT),
    by_timer(K.RENEW_ACCEPTED): (stay(when=g.RENEWAL_PENDING), KEPT),
    by_partner(K.DUE_DATE_CHANGED): stay(),
    by_partner(K.OVERDUE): stay(),
    by_partner(K.RECALL): stay(Stop(Timer.RENEWAL)),
    by_partner(K.SHIPPED): (stay(when=g.DATE_IS_NEWS), KEPT),
    by_partner(K.LOST): go(S.LOST, *_ENDED_HERE, Ask(Library.MARK_LOST)),
    by_us(K.LOST): go(S.LOST, *_ENDED_HERE, Tell(K.LOST), Ask(Library.MARK_LOST)),
    by_us(K.DAMAGED): stay(Tell(K.DAMAGED)),
    by_us(K.STATUS_QUERY): stay(Tell(K.STATUS_QUERY)),
    by_partner(K.DAMAGED): stay(),
    by_partner(K.CHECKED_IN): go(S.COMPLETED, *_ENDED_HERE, Ask(Library.DELETE_TEMPORARY)),
}

_WITH_PATRON: Row = {
    **_HERE,
    by_us(K.RENEW): stay(Tell(K.RENEW), Start(Timer.RENEWAL), when=g.MAY_RENEW),
    by_partner(K.RENEW_ACCEPTED): (
        Branch(None, when=g.RECALLED, kept=True),  # older than the recall
        stay(Stop(Timer.RENEWAL), *_LENT_ANEW, Letter("renewed")),
    ),
    by_partner(K.RENEW_REFUSED): (
        stay(Stop(Timer.RENEWAL), Letter("renewal-refused"), when=g.RENEWAL_PENDING),
        stay(),
    ),
    by_timer(K.RENEW_REFUSED): (stay(Letter("renewal-refused"), when=g.RENEWAL_PENDING), KEPT),
    by_timer(K.RENEW_ACCEPTED): (stay(*_LENT_ANEW, Letter("renewed"), when=g.RENEWAL_PENDING), KEPT),
    by_partner(K.DUE_DATE_CHANGED): stay(*_LENT_ANEW, Letter("renewed")),
    by_partner(K.OVERDUE): stay(Letter("overdue")),
    by_partner(K.RECALL): stay(
        Stop(Timer.RENEWAL), Ask(Library.RECALL_PATRON), Start(Timer.PATRON_DUE), Letter("recalled")
    ),
    by_partner(K.SHIPPED): (stay(*_LENT_ANEW, when=g.DATE_IS_NEWS), KEPT),
}

_BACK_TO_LENDER = (*_UNDER_WAY_BACK, Tell(K.RETURNED), Ask(Library.DELETE_TEMPORARY))
_SEND_BACK: Cell = (
    stay(Tell(K.RETURNED), when=g.both(g.LOAN, g.MORE_TO_RETURN)),
    go(
        S.COMPLETED,
        *_BACK_TO_LENDER,
        Stop(Timer.CHASE),
        Start(Timer.ANONYMISE),
        when=g.both(g.LOAN, g.ENDS_AT_RETURN),
    ),
    go(S.RETURNED, *_BACK_TO_LENDER, Start(Timer.CHASE), when=g.LOAN),
)

_REOPEN = go(S.REVIEW, Start(Timer.NEED_BY), Stop(Timer.ANONYMISE))
_CLOSED_ROW: Row = {
    by_timer(K.ANONYMISED): stay(),
    by_us(K.PATRON_ASKED): NOT_NOW,
    by_us(K.PATRON_ANSWERED): NOT_NOW,
}
_NOT_SUPPLIED: Row = {
    **_CLOSED_ROW,
    **_ARRIVING_LATE,
    by_us(K.REOPEN): _REOPEN,
}

ROWS: Mapping[S, Row] = {
    S.NEW: {
        by_us(K.EDIT): stay(),
        by_us(K.ASSIGN): stay(),
        by_us(K.SUBMIT): (
            go(S.REVIEW, Start(Timer.NEED_BY), Letter("placed"), when=g.MEDIATED),
            go(S.SOURCING, Start(Timer.NEED_BY), Letter("placed"), _FIND),
        ),
        by_us(K.CANCEL): _CANCELLED,
    },
    S.REVIEW: {
        **_EDITABLE,
        **_ARRIVING_LATE,
        by_us(K.APPROVE): go(S.SOURCING, _FIND),
        by_us(K.CLOSE): _CLOSED,
        by_us(K.CANCEL): _CANCELLED,
        by_timer(K.EXPIRED): _EXPIRED,
    },
    S.SOURCING: {
        **_EDITABLE,
        **_ARRIVING_LATE,
        by_us(K.REQUEST): go(
            S.REQUESTED, Tell(K.REQUEST), Stop(Timer.RETRY), Start(Timer.ANSWER), when=g.SUPPLIER_CHOSEN
        ),
        by_us(K.NO_SUPPLIER): (
            go(S.NO_SUPPLIER, Start(Timer.RETRY), Letter("not-supplied-yet"), when=g.RETRY_OPEN),
            go(S.NO_SUPPLIER, Letter("not-supplied-yet")),
        ),
        by_us(K.APPROVE): stay(_FIND),
        by_us(K.CLOSE): _CLOSED,
        by_us(K.CANCEL): _CANCELLED,
        by_timer(K.EXPIRED): _EXPIRED,
    },
    S.NO_SUPPLIER: {
        **_EDITABLE,
        **_ARRIVING_LATE,
        by_us(K.APPROVE): go(S.SOURCING, Stop(Timer.RETRY), _FIND),
        by_us(K.ASSIGN): go(S.SOURCING, Stop(Timer.RETRY), _FIND),  # somebody new to ask
        by_us(K.CLOSE): _CLOSED,
        by_us(K.CANCEL): _CANCELLED,
        by_timer(K.EXPIRED): _EXPIRED,
        by_timer(K.RETRY): go(S.SOURCING, _FIND),
    },
    S.REQUESTED: {
        **_ASKED,
        by_partner(K.ACKNOWLEDGED): stay(),
        by_partner(K.EXPECT_TO_SUPPLY): stay(),
        by_partner(K.FORWARDED): stay(),
        by_timer(K.NO_ANSWER): _on_from(Tell(K.CANCEL)),
    },
    S.HOLD_PLACED: {**_ASKED, by_partner(K.EXPECT_TO_SUPPLY): stay(), by_partner(K.FORWARDED): _FORWARDED},
    S.WILL_SUPPLY: {**_ASKED, by_partner(K.EXPECT_TO_SUPPLY): stay(), by_partner(K.FORWARDED): _FORWARDED},
    S.CONDITIONAL: {
        **_ASKED,
        by_partner(K.FORWARDED): _FORWARDED,
        by_us(K.CONDITION_ACCEPTED): go(S.WILL_SUPPLY, Tell(K.CONDITION_ACCEPTED), *_PROMISED),
        by_us(K.CONDITION_REFUSED): _on_from(Tell(K.CONDITION_REFUSED)),
        by_timer(K.NO_ANSWER): _on_from(Tell(K.CONDITION_REFUSED)),
    },
    S.CANCEL_PENDING: {
        **{by_partner(kind): _GIVEN_UP for kind in (K.CANCEL_ACCEPTED, K.UNFILLED, K.RETRY, K.EXPIRED, K.REJECTED)},
        by_partner(K.CANCEL_REFUSED): (
            go(S.HOLD_PLACED, *_PROMISED, when=g.HELD),
            go(S.WILL_SUPPLY, *_PROMISED, when=g.PROMISED),
            go(S.CONDITIONAL, *_CONDITION, when=g.CONDITION_OPEN),
            go(S.REQUESTED, Start(Timer.ANSWER)),
        ),
        **{by_partner(kind): stay() for kind in (K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.EXPECT_TO_SUPPLY)},
        **_ARRIVING,
        **_MISSED,
        by_partner(K.LOST): go(S.LOST, *_STOP_ALL, Letter("cancelled")),
        by_us(K.RECEIVED): _RECEIVE,
        by_us(K.CLOSE): _GIVEN_UP,
        by_us(K.CANCEL): stay(),  # twice said, once done
        by_us(K.STATUS_QUERY): stay(Tell(K.STATUS_QUERY)),
        by_timer(K.NO_ANSWER): _GIVEN_UP,
    },
    S.SHIPPED: {
        by_us(K.RECEIVED): _RECEIVE,
        by_us(K.RETURNED): _SEND_BACK,
        by_us(K.LOST): go(S.LOST, *_ENDED_HERE, Tell(K.LOST)),
        by_us(K.APPROVE): stay(when=g.UNWANTED),  # wanted after all
        by_us(K.DAMAGED): stay(Tell(K.DAMAGED)),
        by_us(K.STATUS_QUERY): stay(Tell(K.STATUS_QUERY)),
        by_partner(K.SHIPPED): stay(),  # corrected details
        by_partner(K.COPY_DELIVERED): _COPY_COMES,
        by_partner(K.DUE_DATE_CHANGED): stay(),
        by_partner(K.OVERDUE): stay(),
        by_partner(K.RECALL): stay(),
        by_partner(K.LOST): go(S.LOST, *_ENDED_HERE),
        by_partner(K.DAMAGED): stay(),
        by_partner(K.CHECKED_IN): go(S.COMPLETED, *_ENDED_HERE),
        by_timer(K.NO_ANSWER): stay(Tell(K.STATUS_QUERY)),
    },
    S.RECEIVED: {
        **_HERE,
        by_us(K.RENEW): stay(Tell(K.RENEW), Start(Timer.RENEWAL), when=g.MAY_RENEW),
        by_us(K.LOANED_TO_PATRON): go(S.LENT, Stop(Timer.SHELF), Start(Timer.PATRON_DUE), Start(Timer.DUE_SOON)),
        by_us(K.RETURNED): _SEND_BACK,
        by_partner(K.RECALL): stay(Stop(Timer.RENEWAL), Letter("recalled")),
        by_timer(K.SHELF_EXPIRED): stay(),
    },
    S.LENT: {
        **_WITH_PATRON,
        by_us(K.LOANED_TO_PATRON): stay(),  # a further volume
        by_us(K.RETURNED_BY_PATRON): (
            stay(when=g.MORE_WITH_PATRON),
            go(S.BACK, Stop(Timer.PATRON_DUE), Stop(Timer.DUE_SOON)),
        ),
        by_us(K.RETURNED): _SEND_BACK,
        by_timer(K.OVERDUE): stay(Letter("overdue")),
        by_timer(K.DUE_SOON): stay(Letter("due-soon")),
    },
    S.BACK: {
        **_HERE,
        by_us(K.LOANED_TO_PATRON): go(S.LENT, Start(Timer.PATRON_DUE), Start(Timer.DUE_SOON)),
        by_us(K.RETURNED): _SEND_BACK,
    },
    S.RETURNED: {
        by_partner(K.CHECKED_IN): go(S.COMPLETED, Stop(Timer.CHASE), Start(Timer.ANONYMISE)),
        by_partner(K.LOST): go(S.LOST, Stop(Timer.CHASE), Start(Timer.ANONYMISE)),
        by_partner(K.DAMAGED): stay(),
        by_partner(K.OVERDUE): stay(),
        by_partner(K.RECALL): stay(),
        by_us(K.LOST): go(S.LOST, Tell(K.LOST), Stop(Timer.CHASE), Start(Timer.ANONYMISE)),
        by_us(K.CLOSE): go(S.COMPLETED, Stop(Timer.CHASE), Start(Timer.ANONYMISE)),
        by_us(K.STATUS_QUERY): stay(Tell(K.STATUS_QUERY)),
        by_timer(K.NO_ANSWER): stay(Tell(K.STATUS_QUERY)),
    },
    S.COMPLETED: {
        **_CLOSED_ROW,
        by_partner(K.DAMAGED): stay(),
        by_partner(K.LOST): (go(S.LOST, when=g.LOAN), KEPT),  # on its way back, where no check-in was waited for
    },
    S.CANCELLED: {**_NOT_SUPPLIED, by_us(K.CANCEL): stay()},
    S.UNFILLED: {**_NOT_SUPPLIED},
    S.EXPIRED: {**_NOT_SUPPLIED},
    S.LOST: {
        **_CLOSED_ROW,
        by_us(K.REOPEN): _REOPEN,
        by_us(K.RETURNED): go(  # found here
            S.RETURNED, Stop(Timer.ANONYMISE), Tell(K.RETURNED), Ask(Library.DELETE_TEMPORARY), Start(Timer.CHASE)
        ),
        by_partner(K.CHECKED_IN): go(S.COMPLETED, Ask(Library.DELETE_TEMPORARY)),  # the lender has found it
    },
}

ELSEWHERE: Mapping[Signal, Cell] = {
    # by us: only where a row says so
    **{
        by_us(kind): NOT_NOW
        for kind in (
            K.SUBMIT, K.APPROVE, K.EDIT, K.ASSIGN, K.REQUEST, K.NO_SUPPLIER, K.CLOSE, K.REOPEN, K.NEXT_SUPPLIER,
            K.CONDITION_ACCEPTED, K.CONDITION_REFUSED, K.CANCEL, K.RECEIVED, K.LOANED_TO_PATRON, K.RETURNED_BY_PATRON,
            K.RETURNED, K.RENEW, K.LOST, K.DAMAGED, K.STATUS_QUERY,
        )
    },
    by_us(K.MESSAGE): (stay(Tell(K.MESSAGE), when=g.SUPPLIER_ASKED),),
    by_us(K.NOTE): NOTED,
    by_us(K.PATRON_ASKED): (stay(Start(Timer.QUERY), Letter("query")),),
    by_us(K.PATRON_ANSWERED): (stay(Stop(Timer.QUERY), Then(Follow.PATRON_ANSWER), when=g.QUESTION_OPEN),),
    by_us(K.STATUS_REPORT): (stay(Tell(K.STATUS_REPORT), when=g.SUPPLIER_ASKED),),
    by_us(K.TROUBLE): (stay(),),
    # by a supplier: an answer that comes late is kept, it changes nothing
    **{
        by_partner(kind): NOTED
        for kind in (
            K.ACKNOWLEDGED, K.REJECTED, K.EXPECT_TO_SUPPLY, K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL, K.RETRY,
            K.UNFILLED, K.FORWARDED, K.EXPIRED, K.CANCEL_ACCEPTED, K.CANCEL_REFUSED, K.SHIPPED, K.COPY_DELIVERED,
            K.RENEW_ACCEPTED, K.RENEW_REFUSED, K.DUE_DATE_CHANGED, K.OVERDUE, K.RECALL, K.CHECKED_IN, K.LOST,
            K.DAMAGED, K.MESSAGE, K.STATUS_REPORT,
        )
    },
    by_partner(K.STATUS_QUERY): (stay(Then(Follow.REPORT_STATUS), when=g.SUPPLIER_ASKED), KEPT),
    # timers that fire when their time is over have nothing left to do
    **{
        by_timer(kind): NOTED
        for kind in (
            K.EXPIRED, K.NO_ANSWER, K.RETRY, K.RENEW_REFUSED, K.RENEW_ACCEPTED, K.SHELF_EXPIRED, K.OVERDUE, K.DUE_SOON,
            K.ANONYMISED,
        )
    },
    by_timer(K.PATRON_ANSWERED): (stay(Then(Follow.PATRON_ANSWER), when=g.QUESTION_OPEN), KEPT),
}  # fmt: skip

BORROWING = table(S.NEW, S, ROWS, ELSEWHERE)
