"""State tables of ISO 10161-1 clause 8: requester and responder, (state, service) -> next state, as data.

What happens to a request is decided by the domain's tables (gateway/domain/requests); these say what the partner may
send, and where the two disagree (`state_rules`). Profiles may say any cell otherwise (section `states` of the dialect).
A pair that isn't here is prohibited.

The standard's own tables were not at hand. Each cell's trust stands behind it: V stated by a source, M reconstructed
(facts/iso-ill-10161.md 9.1 and 9.2), 9.4 from its typical sequences, X ours: messages cross on their way, optional
ones are skipped, and an item that is lost gets found.

IDLE, a transaction that isn't known, is the state UNKNOWN here. Message, Status-Query and Status-Or-Error-Report are
allowed in every other state and change none.

Services in words, as profiles write them: `ill-answer/unfilled`, `cancel-reply/yes`, `recall`; those that either side
sends with their direction behind them, `lost ind`, `lost req` (facts/iso-ill-10161.md section 9: ind came in, req went
out).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from adapters.iso_ill.messages import Apdu, CancelReply, ConditionalReply, IllAnswer, RenewAnswer
from adapters.iso_ill.messages.codes import ApduType, Results
from adapters.iso_ill.messages.codes import CurrentState as S
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object


class ServiceDirection(StrEnum):
    REQ = "req"
    IND = "ind"


@value_object
class ServicePrimitive:
    apdu: ApduType
    direction: ServiceDirection
    result: str = ""  # of an ILL-Answer its result, of other answers yes or no

    def __str__(self) -> str:
        name = _apdu_word(self.apdu) + (f"/{self.result}" if self.result else "")
        return f"{name} {self.direction.value}" if self.apdu in FROM_EITHER else name


FROM_REQUESTER = frozenset(
    {
        ApduType.ILL_REQUEST,
        ApduType.CONDITIONAL_REPLY,
        ApduType.CANCEL,
        ApduType.RECEIVED,
        ApduType.RETURNED,
        ApduType.RENEW,
    }
)
FROM_EITHER = frozenset(
    {
        ApduType.LOST,
        ApduType.DAMAGED,
        ApduType.MESSAGE,
        ApduType.STATUS_QUERY,
        ApduType.STATUS_OR_ERROR_REPORT,
    }
)
FROM_RESPONDER = frozenset(ApduType) - FROM_REQUESTER - FROM_EITHER

ALWAYS = frozenset({ApduType.MESSAGE, ApduType.STATUS_QUERY, ApduType.STATUS_OR_ERROR_REPORT})
"""Legal in every state but IDLE, and change none: no table names them."""

_YES_NO = ("yes", "no")
RESULTS: dict[ApduType, tuple[str, ...]] = {
    ApduType.ILL_ANSWER: tuple(result.name.lower().replace("_", "-") for result in Results),
    ApduType.CONDITIONAL_REPLY: _YES_NO,
    ApduType.CANCEL_REPLY: _YES_NO,
    ApduType.RENEW_ANSWER: _YES_NO,
}


def direction_of(apdu: ApduType, role: Role) -> ServiceDirection | None:
    """Return the direction as the side of this role sees it; None for what either side sends."""
    if apdu in FROM_EITHER:
        return None
    return ServiceDirection.REQ if (apdu in FROM_REQUESTER) is (role is Role.BORROWING) else ServiceDirection.IND


def service_of_apdu(apdu: Apdu) -> ServicePrimitive | None:
    """Return the service that the receiver's table has for it; None for an answer of a kind that the standard doesn't
    have."""
    match apdu:
        case IllAnswer():
            if not isinstance(apdu.results, Results):
                return None
            return ServicePrimitive(apdu.type, ServiceDirection.IND, apdu.results.name.lower().replace("_", "-"))
        case ConditionalReply() | CancelReply() | RenewAnswer():
            return ServicePrimitive(apdu.type, ServiceDirection.IND, "yes" if apdu.answer else "no")
    return ServicePrimitive(apdu.type, ServiceDirection.IND)


def list_services(role: Role) -> Iterator[ServicePrimitive]:
    """All that can stand in the table of this side."""
    for apdu in ApduType:
        if apdu in ALWAYS:
            continue
        service_direction = direction_of(apdu, role)
        for direction in (service_direction,) if service_direction is not None else tuple(ServiceDirection):
            for result in RESULTS.get(apdu, ("",)):
                yield ServicePrimitive(apdu, direction, result)


def find_services(word: str, role: Role) -> tuple[ServicePrimitive, ...]:
    """Those that a word of a profile means: `ill-answer` all its results, `lost` both directions. Raises ValueError."""
    primitives = tuple(list_services(role))
    wanted = " ".join(word.split()).lower()
    services = tuple(service for service in primitives if wanted in _service_words(service))
    if not services:
        words = ", ".join(dict.fromkeys(map(str, primitives)))
        raise ValueError(f"no service that changes a state is called {word}; there are: {words}")
    return services


def _service_words(service: ServicePrimitive) -> tuple[str, ...]:
    name = _apdu_word(service.apdu)
    whole = f"{name}/{service.result}" if service.result else name
    return (name, whole, f"{name} {service.direction.value}", f"{whole} {service.direction.value}")


def _apdu_word(apdu: ApduType) -> str:
    return apdu.name.lower().replace("_", "-")


TransitionRow = Mapping[ServicePrimitive, S]
TransitionTable = Mapping[S, TransitionRow]

IDLE = S.UNKNOWN


def req(apdu: ApduType, result: str = "") -> ServicePrimitive:
    return ServicePrimitive(apdu, ServiceDirection.REQ, result)


def ind(apdu: ApduType, result: str = "") -> ServicePrimitive:
    return ServicePrimitive(apdu, ServiceDirection.IND, result)


def _both_directions(apdu: ApduType, to: S) -> TransitionRow:
    return {req(apdu): to, ind(apdu): to}


_ENDING = ("retry", "unfilled", "locations-provided", "estimate")
_PROMISING = ("will-supply", "hold-placed")
_ANY = (*_PROMISING, "conditional", *_ENDING)

REQUESTER: TransitionTable = {
    IDLE: {
        req(ApduType.ILL_REQUEST): S.PENDING,  # V
    },
    S.PENDING: {
        ind(ApduType.FORWARD_NOTIFICATION): S.PENDING,  # V
        **{ind(ApduType.ILL_ANSWER, word): S.PENDING for word in _PROMISING},  # V
        ind(ApduType.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # V
        **{ind(ApduType.ILL_ANSWER, word): S.NOT_SUPPLIED for word in _ENDING},  # M, unfilled V
        ind(ApduType.EXPIRED): S.NOT_SUPPLIED,  # V
        req(ApduType.CANCEL): S.CANCEL_PENDING,  # V
        ind(ApduType.SHIPPED): S.SHIPPED,  # V
        req(ApduType.RECEIVED): S.RECEIVED,  # M: Shipped may be skipped
        ind(ApduType.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # M
        ind(ApduType.RECALL): S.RECALL,  # M
        ind(ApduType.LOST): S.LOST,  # M
        ind(ApduType.CANCEL_REPLY, "no"): S.PENDING,  # X: of a Cancel that is answered twice
        ind(ApduType.CANCEL_REPLY, "yes"): S.NOT_SUPPLIED,  # X: after all
    },
    S.CONDITIONAL: {
        req(ApduType.CONDITIONAL_REPLY, "yes"): S.PENDING,  # V
        req(ApduType.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # V that it ends, M the state
        ind(ApduType.EXPIRED): S.NOT_SUPPLIED,  # V that it ends, M the state
        req(ApduType.CANCEL): S.CANCEL_PENDING,  # M
        ind(ApduType.FORWARD_NOTIFICATION): S.PENDING,  # X: from here on, the responder didn't wait for our reply
        **{ind(ApduType.ILL_ANSWER, word): S.PENDING for word in _PROMISING},  # X
        ind(ApduType.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # X
        **{ind(ApduType.ILL_ANSWER, word): S.NOT_SUPPLIED for word in _ENDING},  # X
        ind(ApduType.SHIPPED): S.SHIPPED,  # X
        ind(ApduType.CANCEL_REPLY, "no"): S.CONDITIONAL,  # X: as in PENDING, and so are those below
        ind(ApduType.CANCEL_REPLY, "yes"): S.NOT_SUPPLIED,  # X
        ind(ApduType.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # X
        ind(ApduType.RECALL): S.RECALL,  # X
        ind(ApduType.LOST): S.LOST,  # X
    },
    S.CANCEL_PENDING: {
        ind(ApduType.CANCEL_REPLY, "yes"): S.CANCELLED,  # V
        ind(ApduType.CANCEL_REPLY, "no"): S.PENDING,  # M
        ind(ApduType.SHIPPED): S.SHIPPED,  # M: crossing
        **{ind(ApduType.ILL_ANSWER, word): S.NOT_SUPPLIED for word in _ENDING},  # M: crossing
        **{ind(ApduType.ILL_ANSWER, word): S.CANCEL_PENDING for word in (*_PROMISING, "conditional")},  # M: crossing
        ind(ApduType.EXPIRED): S.NOT_SUPPLIED,  # M
        ind(ApduType.FORWARD_NOTIFICATION): S.CANCEL_PENDING,  # X: crossing, kept for display
        ind(ApduType.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # X: crossing, and the Shipped before it got lost
        ind(ApduType.RECALL): S.RECALL,  # X: likewise
        ind(ApduType.LOST): S.LOST,  # X: likewise
    },
    S.SHIPPED: {
        req(ApduType.RECEIVED): S.RECEIVED,  # V
        ind(ApduType.SHIPPED): S.SHIPPED,  # M: corrected details
        req(ApduType.RENEW): S.RENEW_PENDING,  # M: Received skipped
        ind(ApduType.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # V
        ind(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.RETURNED): S.RETURNED,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        **_both_directions(ApduType.DAMAGED, S.SHIPPED),  # 9.4
        ind(ApduType.CANCEL_REPLY, "no"): S.SHIPPED,  # M: the Cancel crossed the parcel
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RECEIVED: {
        req(ApduType.RENEW): S.RENEW_PENDING,  # V
        ind(ApduType.OVERDUE): S.OVERDUE,  # V
        ind(ApduType.RECALL): S.RECALL,  # V
        req(ApduType.RETURNED): S.RETURNED,  # V
        **_both_directions(ApduType.LOST, S.LOST),  # V
        **_both_directions(ApduType.DAMAGED, S.RECEIVED),  # M
        ind(ApduType.SHIPPED): S.RECEIVED,  # M: late
        ind(ApduType.CANCEL_REPLY, "no"): S.RECEIVED,  # X: as after Shipped
        **{ind(ApduType.RENEW_ANSWER, word): S.RECEIVED for word in _YES_NO},  # X: we didn't wait so long
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RENEW_PENDING: {
        ind(ApduType.RENEW_ANSWER, "yes"): S.RECEIVED,  # M
        ind(ApduType.RENEW_ANSWER, "no"): S.RECEIVED,  # M
        ind(ApduType.OVERDUE): S.RENEW_OVERDUE,  # M
        ind(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.RETURNED): S.RETURNED,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        **_both_directions(ApduType.DAMAGED, S.RENEW_PENDING),  # 9.4
        ind(ApduType.SHIPPED): S.RENEW_PENDING,  # X: late, as in RECEIVED
        ind(ApduType.CANCEL_REPLY, "no"): S.RENEW_PENDING,  # X: as after Shipped
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.NOT_RECEIVED_OVERDUE: {
        req(ApduType.RECEIVED): S.OVERDUE,  # M
        ind(ApduType.SHIPPED): S.NOT_RECEIVED_OVERDUE,  # M
        ind(ApduType.OVERDUE): S.NOT_RECEIVED_OVERDUE,  # M
        req(ApduType.RENEW): S.RENEW_OVERDUE,  # M
        ind(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.RETURNED): S.RETURNED,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        **_both_directions(ApduType.DAMAGED, S.NOT_RECEIVED_OVERDUE),  # 9.4
        ind(ApduType.CANCEL_REPLY, "no"): S.NOT_RECEIVED_OVERDUE,  # X: as after Shipped
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.OVERDUE: {
        req(ApduType.RENEW): S.RENEW_OVERDUE,  # V
        ind(ApduType.OVERDUE): S.OVERDUE,  # M
        ind(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.RETURNED): S.RETURNED,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        **_both_directions(ApduType.DAMAGED, S.OVERDUE),  # 9.4
        ind(ApduType.RENEW_ANSWER, "yes"): S.RECEIVED,  # X: we didn't wait so long
        ind(ApduType.RENEW_ANSWER, "no"): S.OVERDUE,  # X: likewise
        ind(ApduType.SHIPPED): S.OVERDUE,  # X: late, as in RECEIVED
        ind(ApduType.CANCEL_REPLY, "no"): S.OVERDUE,  # X: as after Shipped
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RENEW_OVERDUE: {
        ind(ApduType.RENEW_ANSWER, "yes"): S.RECEIVED,  # M
        ind(ApduType.RENEW_ANSWER, "no"): S.OVERDUE,  # M
        ind(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.RETURNED): S.RETURNED,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        **_both_directions(ApduType.DAMAGED, S.RENEW_OVERDUE),  # 9.4
        ind(ApduType.OVERDUE): S.RENEW_OVERDUE,  # X: a further notice
        ind(ApduType.SHIPPED): S.RENEW_OVERDUE,  # X: late, as in RECEIVED
        ind(ApduType.CANCEL_REPLY, "no"): S.RENEW_OVERDUE,  # X: as after Shipped
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RECALL: {
        req(ApduType.RETURNED): S.RETURNED,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        ind(ApduType.OVERDUE): S.RECALL,  # M
        ind(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.RECEIVED): S.RECALL,  # M
        **_both_directions(ApduType.DAMAGED, S.RECALL),  # 9.4
        **{ind(ApduType.RENEW_ANSWER, word): S.RECALL for word in _YES_NO},  # X: the Renew crossed the Recall
        ind(ApduType.SHIPPED): S.RECALL,  # X: late, as in RECEIVED
        ind(ApduType.CANCEL_REPLY, "no"): S.RECALL,  # X: as after Shipped
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: Returned skipped
    },
    S.RETURNED: {
        ind(ApduType.CHECKED_IN): S.RETURNED,  # M
        **{ind(apdu): S.RETURNED for apdu in (ApduType.OVERDUE, ApduType.RECALL, ApduType.DAMAGED)},  # M: crossing
        ind(ApduType.LOST): S.LOST,  # M
        **{ind(ApduType.RENEW_ANSWER, word): S.RETURNED for word in _YES_NO},  # X: returned before the answer came
    },
    S.NOT_SUPPLIED: {
        **{ind(ApduType.CANCEL_REPLY, word): S.NOT_SUPPLIED for word in _YES_NO},  # X: the Cancel crossed the answer
        ind(ApduType.EXPIRED): S.NOT_SUPPLIED,  # X: late (9.3)
        ind(ApduType.SHIPPED): S.SHIPPED,  # X: sent before our last word was there
        ind(ApduType.FORWARD_NOTIFICATION): S.NOT_SUPPLIED,  # X: we don't wait for whoever has it now
        **{ind(ApduType.ILL_ANSWER, word): S.NOT_SUPPLIED for word in _ANY},  # X: some ends can't be told (`workflow`)
    },
    S.CANCELLED: {
        ind(ApduType.EXPIRED): S.CANCELLED,  # M: accepted late, after Cancel (9.3)
        **{ind(ApduType.CANCEL_REPLY, word): S.CANCELLED for word in _YES_NO},  # X: of a Cancel that was sent twice
        ind(ApduType.SHIPPED): S.SHIPPED,  # X: sent all the same
        ind(ApduType.FORWARD_NOTIFICATION): S.CANCELLED,  # X: we don't wait for whoever has it now
        **{ind(ApduType.ILL_ANSWER, word): S.CANCELLED for word in _ANY},  # X: to some partners it can't be told
    },
    S.LOST: {
        **{
            ind(apdu): S.LOST for apdu in (ApduType.LOST, ApduType.OVERDUE, ApduType.RECALL)
        },  # X: they crossed our Lost
        ind(ApduType.CHECKED_IN): S.RETURNED,  # X: the lender has found it
        req(ApduType.RETURNED): S.RETURNED,  # X: we have found it
    },
}

RESPONDER: TransitionTable = {
    IDLE: {
        ind(ApduType.ILL_REQUEST): S.IN_PROCESS,  # V
    },
    S.IN_PROCESS: {
        **{req(ApduType.ILL_ANSWER, word): S.IN_PROCESS for word in _PROMISING},  # M
        req(ApduType.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # V
        **{req(ApduType.ILL_ANSWER, word): S.NOT_SUPPLIED for word in _ENDING},  # M
        req(ApduType.FORWARD_NOTIFICATION): S.FORWARD,  # M
        req(ApduType.SHIPPED): S.SHIPPED,  # V
        ind(ApduType.CANCEL): S.CANCEL_PENDING,  # M
        req(ApduType.EXPIRED): S.NOT_SUPPLIED,  # M: expiry timer
        ind(ApduType.CONDITIONAL_REPLY, "yes"): S.IN_PROCESS,  # X: we went on without it
        ind(ApduType.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # X: likewise, and it is not wanted any more
    },
    S.CONDITIONAL: {
        ind(ApduType.CONDITIONAL_REPLY, "yes"): S.IN_PROCESS,  # V
        ind(ApduType.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # M
        req(ApduType.EXPIRED): S.NOT_SUPPLIED,  # M: expiry timer
        ind(ApduType.CANCEL): S.CANCEL_PENDING,  # M
        req(ApduType.FORWARD_NOTIFICATION): S.FORWARD,  # X: from here on, we don't wait for the reply
        **{req(ApduType.ILL_ANSWER, word): S.IN_PROCESS for word in _PROMISING},  # X
        req(ApduType.ILL_ANSWER, "conditional"): S.CONDITIONAL,  # X
        **{req(ApduType.ILL_ANSWER, word): S.NOT_SUPPLIED for word in _ENDING},  # X
        req(ApduType.SHIPPED): S.SHIPPED,  # X
    },
    S.CANCEL_PENDING: {
        req(ApduType.CANCEL_REPLY, "yes"): S.CANCELLED,  # M
        req(ApduType.CANCEL_REPLY, "no"): S.IN_PROCESS,  # M
        req(ApduType.SHIPPED): S.SHIPPED,  # M: already sent
        ind(ApduType.CANCEL): S.CANCEL_PENDING,  # X: asked again
        req(ApduType.ILL_ANSWER, "unfilled"): S.NOT_SUPPLIED,  # X: it was not to be had anyhow
        ind(ApduType.CONDITIONAL_REPLY, "yes"): S.CANCEL_PENDING,  # X: overtaken by the Cancel
        ind(ApduType.CONDITIONAL_REPLY, "no"): S.NOT_SUPPLIED,  # X: likewise
    },
    S.SHIPPED: {
        ind(ApduType.RECEIVED): S.SHIPPED,  # M: the responder has no state of its own for it
        ind(ApduType.RETURNED): S.SHIPPED,  # M: likewise
        **_both_directions(ApduType.DAMAGED, S.SHIPPED),  # M
        ind(ApduType.CANCEL): S.SHIPPED,  # M: crossing, answered no
        ind(ApduType.RENEW): S.RENEW_PENDING,  # M
        req(ApduType.OVERDUE): S.OVERDUE,  # M
        req(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.CHECKED_IN): S.CHECKED_IN,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        req(ApduType.SHIPPED): S.SHIPPED,  # M: corrected details, as the requester's table has it
        ind(ApduType.CONDITIONAL_REPLY, "yes"): S.SHIPPED,  # X: we didn't wait for it
        req(ApduType.CANCEL_REPLY, "no"): S.SHIPPED,  # M: the answer to a crossing Cancel
    },
    S.RENEW_PENDING: {
        req(ApduType.RENEW_ANSWER, "yes"): S.SHIPPED,  # M
        req(ApduType.RENEW_ANSWER, "no"): S.SHIPPED,  # M
        req(ApduType.OVERDUE): S.RENEW_OVERDUE,  # M
        req(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.CHECKED_IN): S.CHECKED_IN,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        ind(ApduType.RETURNED): S.SHIPPED,  # X: the requester's table allows it; the renewal is of no use any more
        ind(ApduType.RECEIVED): S.RENEW_PENDING,  # X: overtaken
        ind(ApduType.CANCEL): S.RENEW_PENDING,  # X: as in SHIPPED
        **_both_directions(ApduType.DAMAGED, S.RENEW_PENDING),  # 9.4
    },
    S.OVERDUE: {
        ind(ApduType.RENEW): S.RENEW_OVERDUE,  # M
        req(ApduType.OVERDUE): S.OVERDUE,  # M
        ind(ApduType.RECEIVED): S.OVERDUE,  # M
        ind(ApduType.RETURNED): S.OVERDUE,  # M
        req(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.CHECKED_IN): S.CHECKED_IN,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        ind(ApduType.CANCEL): S.OVERDUE,  # X: as in SHIPPED
        **_both_directions(ApduType.DAMAGED, S.OVERDUE),  # 9.4
    },
    S.RENEW_OVERDUE: {
        req(ApduType.RENEW_ANSWER, "yes"): S.SHIPPED,  # M
        req(ApduType.RENEW_ANSWER, "no"): S.OVERDUE,  # M
        req(ApduType.RECALL): S.RECALL,  # M
        req(ApduType.CHECKED_IN): S.CHECKED_IN,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        ind(ApduType.RETURNED): S.OVERDUE,  # X: as in RENEW/PENDING
        ind(ApduType.CANCEL): S.RENEW_OVERDUE,  # X: as in SHIPPED
        ind(ApduType.RECEIVED): S.RENEW_OVERDUE,  # X: overtaken
        req(ApduType.OVERDUE): S.RENEW_OVERDUE,  # X: a further notice
        **_both_directions(ApduType.DAMAGED, S.RENEW_OVERDUE),  # 9.4
    },
    S.RECALL: {
        ind(ApduType.RETURNED): S.RECALL,  # M
        req(ApduType.OVERDUE): S.RECALL,  # M
        ind(ApduType.RECEIVED): S.RECALL,  # M
        req(ApduType.CHECKED_IN): S.CHECKED_IN,  # M
        **_both_directions(ApduType.LOST, S.LOST),  # M
        ind(ApduType.RENEW): S.RECALL,  # X: it crossed the Recall, and is refused
        req(ApduType.RENEW_ANSWER, "no"): S.RECALL,  # X: that refusal
        req(ApduType.RECALL): S.RECALL,  # M: said again, as the requester's table has it
        ind(ApduType.CANCEL): S.RECALL,  # X: as in SHIPPED
        **_both_directions(ApduType.DAMAGED, S.RECALL),  # 9.4
    },
    S.CHECKED_IN: {
        **_both_directions(ApduType.DAMAGED, S.CHECKED_IN),  # M
        ind(ApduType.RETURNED): S.CHECKED_IN,  # X: the item was quicker than the message
    },
    S.NOT_SUPPLIED: {
        ind(ApduType.CANCEL): S.NOT_SUPPLIED,  # X: it crossed our answer; granted, since nothing will come
        req(ApduType.CANCEL_REPLY, "yes"): S.NOT_SUPPLIED,  # X: that answer
    },
    S.CANCELLED: {
        ind(ApduType.CANCEL): S.CANCELLED,  # X: asked again, and granted again
        req(ApduType.CANCEL_REPLY, "yes"): S.CANCELLED,  # X: that answer
    },
    S.FORWARD: {},
    S.LOST: {
        ind(ApduType.LOST): S.LOST,  # X: both sides say it
        req(ApduType.CHECKED_IN): S.CHECKED_IN,  # X: found here
        ind(ApduType.RETURNED): S.SHIPPED,  # X: found there
    },
}

TABLES: Mapping[Role, TransitionTable] = {Role.BORROWING: REQUESTER, Role.LENDING: RESPONDER}


def states_of(role: Role) -> tuple[S, ...]:
    """Those that this side can be in; IDLE first."""
    return tuple(TABLES[role])
