"""The state tables: (state, service) -> next state. A pair that isn't here is prohibited.

The standard's own tables were not at hand. Each cell's trust stands behind it: V stated by a source, M reconstructed
(facts/iso-ill-10161.md 9.1 and 9.2), 9.4 from its typical sequences, X ours: messages cross on their way, optional
ones are skipped, and an item that is lost gets found. Profiles may say any cell otherwise (`states`).

IDLE, a transaction that isn't known, is the state UNKNOWN here. Message, Status-Query and Status-Or-Error-Report are
allowed in every other state and change none.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.iso_ill.messages.codes import ApduType as A
from adapters.iso_ill.messages.codes import CurrentState as S
from adapters.iso_ill.state.services import Direction, Service
from gateway.domain.requests.request import Role

Row = Mapping[Service, S]
Table = Mapping[S, Row]

IDLE = S.UNKNOWN


def req(apdu: A, result: str = "") -> Service:
    return Service(apdu, Direction.REQ, result)


def ind(apdu: A, result: str = "") -> Service:
    return Service(apdu, Direction.IND, result)


def _either(apdu: A, to: S) -> Row:
    return {req(apdu): to, ind(apdu): to}


_ENDING = ("retry", "unfilled", "locations-provided", "estimate")
_PROMISING = ("will-supply", "hold-placed")
_ANY = (*_PROMISING, "conditional", *_ENDING)

REQUESTER: Table = {
    IDLE: {
        req(A.ILL_REQUEST): S.PENDING,  # V
    },
    S.PENDING: {
        ind(A.FORWARD_NOTIFICATION): S.PENDING,  # V
        **{ind(A.ILL_ANSWER, one): S.PENDING for one in _PROMISING},  # V
        ind(A.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # V
        **{ind(A.ILL_ANSWER, one): S.NOT_SUPPLIED for one in _ENDING},  # M, unfilled V
        ind(A.EXPIRED): S.NOT_SUPPLIED,  # V
        req(A.CANCEL): S.CANCEL_PENDING,  # V
        ind(A.SHIPPED): S.SHIPPED,  # V
        req(A.RECEIVED): S.RECEIVED,  # M: Shipped may be skipped
        ind(A.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # M
        ind(A.RECALL): S.RECALL,  # M
        ind(A.LOST): S.LOST,  # M
        ind(A.CANCEL_REPLY, "no"): S.PENDING,  # X: of a Cancel that is answered twice
        ind(A.CANCEL_REPLY, "yes"): S.NOT_SUPPLIED,  # X: after all
    },
    S.CONDITIONAL: {
        req(A.CONDITIONAL_REPLY, "yes"): S.PENDING,  # V
        req(A.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # V that it ends, M the state
        ind(A.EXPIRED): S.NOT_SUPPLIED,  # V that it ends, M the state
        req(A.CANCEL): S.CANCEL_PENDING,  # M
        ind(A.FORWARD_NOTIFICATION): S.PENDING,  # X: from here on, the responder didn't wait for our reply
        **{ind(A.ILL_ANSWER, one): S.PENDING for one in _PROMISING},  # X
        ind(A.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # X
        **{ind(A.ILL_ANSWER, one): S.NOT_SUPPLIED for one in _ENDING},  # X
        ind(A.SHIPPED): S.SHIPPED,  # X
        ind(A.CANCEL_REPLY, "no"): S.CONDITIONAL,  # X: as in PENDING, and so are those below
        ind(A.CANCEL_REPLY, "yes"): S.NOT_SUPPLIED,  # X
        ind(A.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # X
        ind(A.RECALL): S.RECALL,  # X
        ind(A.LOST): S.LOST,  # X
    },
    S.CANCEL_PENDING: {
        ind(A.CANCEL_REPLY, "yes"): S.CANCELLED,  # V
        ind(A.CANCEL_REPLY, "no"): S.PENDING,  # M
        ind(A.SHIPPED): S.SHIPPED,  # M: crossing
        **{ind(A.ILL_ANSWER, one): S.NOT_SUPPLIED for one in _ENDING},  # M: crossing
        **{ind(A.ILL_ANSWER, one): S.CANCEL_PENDING for one in (*_PROMISING, "conditional")},  # M: crossing
        ind(A.EXPIRED): S.NOT_SUPPLIED,  # M
        ind(A.FORWARD_NOTIFICATION): S.CANCEL_PENDING,  # X: crossing, kept for display
        ind(A.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # X: crossing, and the Shipped before it got lost
        ind(A.RECALL): S.RECALL,  # X: likewise
        ind(A.LOST): S.LOST,  # X: likewise
    },
    S.SHIPPED: {
        req(A.RECEIVED): S.RECEIVED,  # V
        ind(A.SHIPPED): S.SHIPPED,  # M: corrected details
        req(A.RENEW): S.RENEW_PENDING,  # M: Received skipped
        ind(A.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # V
        ind(A.RECALL): S.RECALL,  # M
        req(A.RETURNED): S.RETURNED,  # M
        **_either(A.LOST, S.LOST),  # M
        **_either(A.DAMAGED, S.SHIPPED),  # 9.4
        ind(A.CANCEL_REPLY, "no"): S.SHIPPED,  # M: the Cancel crossed the parcel
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RECEIVED: {
        req(A.RENEW): S.RENEW_PENDING,  # V
        ind(A.OVERDUE): S.OVERDUE,  # V
        ind(A.RECALL): S.RECALL,  # V
        req(A.RETURNED): S.RETURNED,  # V
        **_either(A.LOST, S.LOST),  # V
        **_either(A.DAMAGED, S.RECEIVED),  # M
        ind(A.SHIPPED): S.RECEIVED,  # M: late
        ind(A.CANCEL_REPLY, "no"): S.RECEIVED,  # X: as after Shipped
        **{ind(A.RENEW_ANSWER, one): S.RECEIVED for one in ("yes", "no")},  # X: we didn't wait so long
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RENEW_PENDING: {
        ind(A.RENEW_ANSWER, "yes"): S.RECEIVED,  # M
        ind(A.RENEW_ANSWER, "no"): S.RECEIVED,  # M
        ind(A.OVERDUE): S.RENEW_OVERDUE,  # M
        ind(A.RECALL): S.RECALL,  # M
        req(A.RETURNED): S.RETURNED,  # M
        **_either(A.LOST, S.LOST),  # M
        **_either(A.DAMAGED, S.RENEW_PENDING),  # 9.4
        ind(A.SHIPPED): S.RENEW_PENDING,  # X: late, as in RECEIVED
        ind(A.CANCEL_REPLY, "no"): S.RENEW_PENDING,  # X: as after Shipped
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.NOT_RECEIVED_OVERDUE: {
        req(A.RECEIVED): S.OVERDUE,  # M
        ind(A.SHIPPED): S.NOT_RECEIVED_OVERDUE,  # M
        ind(A.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # M
        req(A.RENEW): S.RENEW_OVERDUE,  # M
        ind(A.RECALL): S.RECALL,  # M
        req(A.RETURNED): S.RETURNED,  # M
        **_either(A.LOST, S.LOST),  # M
        **_either(A.DAMAGED, S.NOT_RECEIVED_OVERDUE),  # 9.4
        ind(A.CANCEL_REPLY, "no"): S.NOT_RECEIVED_OVERDUE,  # X: as after Shipped
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.OVERDUE: {
        req(A.RENEW): S.RENEW_OVERDUE,  # V
        ind(A.OVERDUE): S.OVERDUE,  # M
        ind(A.RECALL): S.RECALL,  # M
        req(A.RETURNED): S.RETURNED,  # M
        **_either(A.LOST, S.LOST),  # M
        **_either(A.DAMAGED, S.OVERDUE),  # 9.4
        ind(A.RENEW_ANSWER, "yes"): S.RECEIVED,  # X: we didn't wait so long
        ind(A.RENEW_ANSWER, "no"): S.OVERDUE,  # X: likewise
        ind(A.SHIPPED): S.OVERDUE,  # X: late, as in RECEIVED
        ind(A.CANCEL_REPLY, "no"): S.OVERDUE,  # X: as after Shipped
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RENEW_OVERDUE: {
        ind(A.RENEW_ANSWER, "yes"): S.RECEIVED,  # M
        ind(A.RENEW_ANSWER, "no"): S.OVERDUE,  # M
        ind(A.RECALL): S.RECALL,  # M
        req(A.RETURNED): S.RETURNED,  # M
        **_either(A.LOST, S.LOST),  # M
        **_either(A.DAMAGED, S.RENEW_OVERDUE),  # 9.4
        ind(A.OVERDUE): S.RENEW_OVERDUE,  # X: a further notice
        ind(A.SHIPPED): S.RENEW_OVERDUE,  # X: late, as in RECEIVED
        ind(A.CANCEL_REPLY, "no"): S.RENEW_OVERDUE,  # X: as after Shipped
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RECALL: {
        req(A.RETURNED): S.RETURNED,  # M
        **_either(A.LOST, S.LOST),  # M
        ind(A.OVERDUE): S.RECALL,  # M
        ind(A.RECALL): S.RECALL,  # M
        req(A.RECEIVED): S.RECALL,  # M
        **_either(A.DAMAGED, S.RECALL),  # 9.4
        **{ind(A.RENEW_ANSWER, one): S.RECALL for one in ("yes", "no")},  # X: the Renew crossed the Recall
        ind(A.SHIPPED): S.RECALL,  # X: late, as in RECEIVED
        ind(A.CANCEL_REPLY, "no"): S.RECALL,  # X: as after Shipped
        ind(A.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RETURNED: {
        ind(A.CHECKED_IN): S.RETURNED,  # M
        **{ind(apdu): S.RETURNED for apdu in (A.OVERDUE, A.RECALL, A.DAMAGED)},  # M: crossing
        ind(A.LOST): S.LOST,  # M
        **{ind(A.RENEW_ANSWER, one): S.RETURNED for one in ("yes", "no")},  # X: returned before the answer came
    },
    S.NOT_SUPPLIED: {
        **{ind(A.CANCEL_REPLY, one): S.NOT_SUPPLIED for one in ("yes", "no")},  # X: the Cancel crossed the answer
        ind(A.EXPIRED): S.NOT_SUPPLIED,  # X: late (9.3)
        ind(A.SHIPPED): S.SHIPPED,  # X: sent before our last word was there
        ind(A.FORWARD_NOTIFICATION): S.NOT_SUPPLIED,  # X: we don't wait for whoever has it now
        **{ind(A.ILL_ANSWER, one): S.NOT_SUPPLIED for one in _ANY},  # X: not every end can be told (`workflow`)
    },
    S.CANCELLED: {
        ind(A.EXPIRED): S.CANCELLED,  # M: accepted late, after Cancel (9.3)
        **{ind(A.CANCEL_REPLY, one): S.CANCELLED for one in ("yes", "no")},  # X: of a Cancel that was sent twice
        ind(A.SHIPPED): S.SHIPPED,  # X: sent all the same
        ind(A.FORWARD_NOTIFICATION): S.CANCELLED,  # X: we don't wait for whoever has it now
        **{ind(A.ILL_ANSWER, one): S.CANCELLED for one in _ANY},  # X: to some partners it can't be told
    },
    S.LOST: {
        **{ind(apdu): S.LOST for apdu in (A.LOST, A.OVERDUE, A.RECALL)},  # X: they crossed our Lost
        ind(A.CHECKED_IN): S.RETURNED,  # X: the lender has found it
        req(A.RETURNED): S.RETURNED,  # X: we have found it
    },
}

RESPONDER: Table = {
    IDLE: {
        ind(A.ILL_REQUEST): S.IN_PROCESS,  # V
    },
    S.IN_PROCESS: {
        **{req(A.ILL_ANSWER, one): S.IN_PROCESS for one in _PROMISING},  # M
        req(A.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # V
        **{req(A.ILL_ANSWER, one): S.NOT_SUPPLIED for one in _ENDING},  # M
        req(A.FORWARD_NOTIFICATION): S.FORWARD,  # M
        req(A.SHIPPED): S.SHIPPED,  # V
        ind(A.CANCEL): S.CANCEL_PENDING,  # M
        req(A.EXPIRED): S.NOT_SUPPLIED,  # M: expiry timer
        ind(A.CONDITIONAL_REPLY, "yes"): S.IN_PROCESS,  # X: we went on without it
        ind(A.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # X: likewise, and it is not wanted any more
    },
    S.CONDITIONAL: {
        ind(A.CONDITIONAL_REPLY, "yes"): S.IN_PROCESS,  # V
        ind(A.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # M
        req(A.EXPIRED): S.NOT_SUPPLIED,  # M: expiry timer
        ind(A.CANCEL): S.CANCEL_PENDING,  # M
        req(A.FORWARD_NOTIFICATION): S.FORWARD,  # X: from here on, we don't wait for the reply
        **{req(A.ILL_ANSWER, one): S.IN_PROCESS for one in _PROMISING},  # X
        req(A.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # X
        **{req(A.ILL_ANSWER, one): S.NOT_SUPPLIED for one in _ENDING},  # X
        req(A.SHIPPED): S.SHIPPED,  # X
    },
    S.CANCEL_PENDING: {
        req(A.CANCEL_REPLY, "yes"): S.CANCELLED,  # M
        req(A.CANCEL_REPLY, "no"): S.IN_PROCESS,  # M
        req(A.SHIPPED): S.SHIPPED,  # M: already sent
        ind(A.CANCEL): S.CANCEL_PENDING,  # X: asked again
        req(A.ILL_ANSWER, "unfilled"): S.NOT_SUPPLIED,  # X: it was not to be had anyhow
        ind(A.CONDITIONAL_REPLY, "yes"): S.CANCEL_PENDING,  # X: overtaken by the Cancel
        ind(A.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # X: likewise
    },
    S.SHIPPED: {
        ind(A.RECEIVED): S.SHIPPED,  # M: the responder has no state of its own for it
        ind(A.RETURNED): S.SHIPPED,  # M: likewise
        **_either(A.DAMAGED, S.SHIPPED),  # M
        ind(A.CANCEL): S.SHIPPED,  # M: crossing, answered no
        ind(A.RENEW): S.RENEW_PENDING,  # M
        req(A.OVERDUE): S.OVERDUE,  # M
        req(A.RECALL): S.RECALL,  # M
        req(A.CHECKED_IN): S.CHECKED_IN,  # M
        **_either(A.LOST, S.LOST),  # M
        req(A.SHIPPED): S.SHIPPED,  # M: corrected details, as the requester's table has it
        ind(A.CONDITIONAL_REPLY, "yes"): S.SHIPPED,  # X: we didn't wait for it
        req(A.CANCEL_REPLY, "no"): S.SHIPPED,  # M: the answer to a crossing Cancel
    },
    S.RENEW_PENDING: {
        req(A.RENEW_ANSWER, "yes"): S.SHIPPED,  # M
        req(A.RENEW_ANSWER, "no"): S.SHIPPED,  # M
        req(A.OVERDUE): S.RENEW_OVERDUE,  # M
        req(A.RECALL): S.RECALL,  # M
        req(A.CHECKED_IN): S.CHECKED_IN,  # M
        **_either(A.LOST, S.LOST),  # M
        ind(A.RETURNED): S.SHIPPED,  # X: the requester's table allows it; the renewal is of no use any more
        ind(A.RECEIVED): S.RENEW_PENDING,  # X: overtaken
        ind(A.CANCEL): S.RENEW_PENDING,  # X: as in SHIPPED
        **_either(A.DAMAGED, S.RENEW_PENDING),  # 9.4
    },
    S.OVERDUE: {
        ind(A.RENEW): S.RENEW_OVERDUE,  # M
        req(A.OVERDUE): S.OVERDUE,  # M
        ind(A.RECEIVED): S.OVERDUE,  # M
        ind(A.RETURNED): S.OVERDUE,  # M
        req(A.RECALL): S.RECALL,  # M
        req(A.CHECKED_IN): S.CHECKED_IN,  # M
        **_either(A.LOST, S.LOST),  # M
        ind(A.CANCEL): S.OVERDUE,  # X: as in SHIPPED
        **_either(A.DAMAGED, S.OVERDUE),  # 9.4
    },
    S.RENEW_OVERDUE: {
        req(A.RENEW_ANSWER, "yes"): S.SHIPPED,  # M
        req(A.RENEW_ANSWER, "no"): S.OVERDUE,  # M
        req(A.RECALL): S.RECALL,  # M
        req(A.CHECKED_IN): S.CHECKED_IN,  # M
        **_either(A.LOST, S.LOST),  # M
        ind(A.RETURNED): S.OVERDUE,  # X: as in RENEW/PENDING
        ind(A.CANCEL): S.RENEW_OVERDUE,  # X: as in SHIPPED
        ind(A.RECEIVED): S.RENEW_OVERDUE,  # X: overtaken
        req(A.OVERDUE): S.RENEW_OVERDUE,  # X: a further notice
        **_either(A.DAMAGED, S.RENEW_OVERDUE),  # 9.4
    },
    S.RECALL: {
        ind(A.RETURNED): S.RECALL,  # M
        req(A.OVERDUE): S.RECALL,  # M
        ind(A.RECEIVED): S.RECALL,  # M
        req(A.CHECKED_IN): S.CHECKED_IN,  # M
        **_either(A.LOST, S.LOST),  # M
        ind(A.RENEW): S.RECALL,  # X: it crossed the Recall, and is refused
        req(A.RENEW_ANSWER, "no"): S.RECALL,  # X: that refusal
        req(A.RECALL): S.RECALL,  # M: said again, as the requester's table has it
        ind(A.CANCEL): S.RECALL,  # X: as in SHIPPED
        **_either(A.DAMAGED, S.RECALL),  # 9.4
    },
    S.CHECKED_IN: {
        **_either(A.DAMAGED, S.CHECKED_IN),  # M
        ind(A.RETURNED): S.CHECKED_IN,  # X: the item was quicker than the message
    },
    S.NOT_SUPPLIED: {
        ind(A.CANCEL): S.NOT_SUPPLIED,  # X: it crossed our answer; granted, since nothing will come
        req(A.CANCEL_REPLY, "yes"): S.NOT_SUPPLIED,  # X: that answer
    },
    S.CANCELLED: {
        ind(A.CANCEL): S.CANCELLED,  # X: asked again, and granted again
        req(A.CANCEL_REPLY, "yes"): S.CANCELLED,  # X: that answer
    },
    S.FORWARD: {},
    S.LOST: {
        ind(A.LOST): S.LOST,  # X: both sides say it
        req(A.CHECKED_IN): S.CHECKED_IN,  # X: found here
        ind(A.RETURNED): S.SHIPPED,  # X: found there
    },
}

TABLES: Mapping[Role, Table] = {Role.BORROWING: REQUESTER, Role.LENDING: RESPONDER}


def states_of(role: Role) -> tuple[S, ...]:
    """Those that this side can be in; IDLE first."""
    return tuple(TABLES[role])
