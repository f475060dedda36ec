"""Rules of the state tables: whether a partner's APDU is allowed now, and whether our tables made something else of it
than the standard's.

allowed = guard_message(apdu, context)    goes into IncomingPartnerMessage.guard
refusal = allowed(request)                None: go on
line = describe_deviation(apdu, request_after, context, allowed.seen)    for the journal; empty: as the table says
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from adapters.iso_ill.codec import apdu_type_name
from adapters.iso_ill.dialect import StateOverrides, state_word
from adapters.iso_ill.mapping.identities import IllContext, day_in_zone, our_transaction_number
from adapters.iso_ill.mapping.reports import ill_state_of_request, state_for_service
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.messages.codes import ApduType, CurrentState
from adapters.iso_ill.state_tables import ALWAYS, ServicePrimitive, req, service_of_apdu
from gateway.domain.problems import MessagePart, Refusal, RefusalReason
from gateway.domain.requests.request import AttemptStatus, BorrowingState, Request, Role, SupplierAttempt

_A, _S = AttemptStatus, CurrentState

ATTEMPTS: Mapping[AttemptStatus, CurrentState] = {
    _A.ASKED: _S.PENDING,
    _A.EXPECTED: _S.PENDING,
    _A.WILL_SUPPLY: _S.PENDING,
    _A.HOLD_PLACED: _S.PENDING,
    _A.CONDITIONAL: _S.CONDITIONAL,
    _A.SHIPPED: _S.SHIPPED,
    _A.COMPLETED: _S.RETURNED,
    _A.UNFILLED: _S.NOT_SUPPLIED,
    _A.RETRY: _S.NOT_SUPPLIED,
    _A.EXPIRED: _S.NOT_SUPPLIED,
    _A.REJECTED: _S.NOT_SUPPLIED,
    _A.NO_ANSWER: _S.CANCEL_PENDING,  # we went on, and told it so by Cancel
    _A.CONDITION_REFUSED: _S.NOT_SUPPLIED,
    _A.SKIPPED: _S.CANCEL_PENDING,  # likewise
    _A.CANCELLED: _S.CANCELLED,
    _A.EXTRA: _S.SHIPPED,
    _A.EXTRA_RETURNED: _S.RETURNED,
    _A.LOST: _S.LOST,
}
"""Of a supplier whose turn is over: one request of ours is a transaction with each."""

_NO_TURN = frozenset(
    {
        BorrowingState.NEW,
        BorrowingState.REVIEW,
        BorrowingState.SOURCING,
        BorrowingState.NO_SUPPLIER,
        BorrowingState.CANCELLED,
        BorrowingState.UNFILLED,
        BorrowingState.EXPIRED,
    }
)
"""States of the request in which no transaction goes on: then each transaction has the state that it ended in."""

AT_ONCE: Mapping[ApduType, tuple[ServicePrimitive, ...]] = {
    ApduType.CANCEL: (req(ApduType.CANCEL_REPLY, "yes"), req(ApduType.CANCEL_REPLY, "no")),
    ApduType.RENEW: (req(ApduType.RENEW_ANSWER, "yes"), req(ApduType.RENEW_ANSWER, "no")),
    ApduType.SHIPPED: (req(ApduType.RECEIVED),),
}
"""What our rules may answer in the same moment, so that the state after it is that of the answer."""


class MessageGuard:
    """`ports.partner_channel.IncomingPartnerMessage.guard` for one APDU. `seen`: the transaction's state when it was
    asked last."""

    def __init__(self, apdu: Apdu, context: IllContext) -> None:
        self._apdu = apdu
        self._context = context
        self.seen: CurrentState | None = None

    def __call__(self, request: Request) -> Refusal | None:
        state = self.seen = transaction_state(self._apdu, request, self._context)
        service = service_of_apdu(self._apdu)
        if service is None or service.apdu in ALWAYS:
            return None
        if self._overrides.next_state(request.role, state, service) is not None:
            return None
        forwarded = state is CurrentState.FORWARD  # nothing is ours to answer any more, whenever it was asked
        if (
            self._overrides.late == "keep"
            and not forwarded
            and _is_sent_before_change(self._apdu, request, self._context)
        ):
            return None  # what it still means is decided by the domain's table
        name = apdu_type_name(self._apdu.type)
        reason = RefusalReason.NOT_ALLOWED if request.open else RefusalReason.REQUEST_CLOSED
        return Refusal(reason, f"{name} is not allowed in the state {_display_state(state)}.", MessagePart.REQUEST)

    @property
    def _overrides(self) -> StateOverrides:
        return self._context.dialect.states


def guard_message(apdu: Apdu, context: IllContext) -> MessageGuard:
    return MessageGuard(apdu, context)


def describe_deviation(apdu: Apdu, after: Request, context: IllContext, before: CurrentState | None = None) -> str:
    """Describe in one line how the transaction's state differs from the table's; empty where it doesn't. `before`: its
    state when the APDU came (`MessageGuard.seen`); without it, any state from which the APDU leads there is fine."""
    service = service_of_apdu(apdu)
    if service is None:
        return ""
    now = transaction_state(apdu, after, context)
    expected: tuple[CurrentState, ...]
    if service.apdu in ALWAYS:
        expected = (before,) if before is not None else (now,)
    else:
        table = context.dialect.states.tables[after.role]
        rows = (table.get(before, {}),) if before is not None else tuple(table.values())
        leads = tuple(row[service] for row in rows if service in row)
        if not leads:  # kept as late: it changes nothing
            leads = (before,) if before is not None else (now,)
        expected = (*leads, *(to for lead in leads for to in _iter_answer_states(service, table.get(lead, {}))))
    if now in expected:
        return ""
    where = f" in {_display_state(before)}" if before is not None else ""
    return (
        f"{apdu_type_name(apdu.type)}{where}: by the table {_display_state(expected[0])}, with us {_display_state(now)}"
    )


def _iter_answer_states(
    service: ServicePrimitive, row: Mapping[ServicePrimitive, CurrentState]
) -> Iterator[CurrentState]:
    for answer in AT_ONCE.get(service.apdu, ()):
        if answer in row:
            yield row[answer]


def _display_state(state: CurrentState) -> str:
    return state_word(state).upper()


def transaction_state(apdu: Apdu, request: Request, context: IllContext) -> CurrentState:
    """Return the state of the transaction that the APDU names: as a requester we have one with each supplier of the
    request."""
    if request.role is Role.LENDING:
        return ill_state_of_request(request)
    attempt = _find_attempt(apdu, request, context)
    if attempt is None:
        return ill_state_of_request(request)
    if attempt.number == request.current and request.state not in _NO_TURN:
        return ill_state_of_request(request)
    return state_for_service(ATTEMPTS[attempt.status], request.service.type)


def _find_attempt(apdu: Apdu, request: Request, context: IllContext) -> SupplierAttempt | None:
    id_ = apdu.transaction_id
    ours = our_transaction_number(id_.group_qualifier, id_.qualifier, context.dialect.identifiers)
    return request.find_attempt_of_transaction(ours) or request.attempt


def _is_sent_before_change(apdu: Apdu, request: Request, context: IllContext) -> bool:
    """Return whether its sender couldn't know of our last change. Without a time of day only an earlier day tells it;
    the hour that comes twice when summer time ends is taken for the first one."""
    moment = request.changed + timedelta(minutes=context.dialect.states.transit_minutes)
    sent = apdu.service_date_time.this
    days = (sent.day - day_in_zone(moment, context.zone)).days
    if sent.clock is None or abs(days) > 1:
        return days < 0
    at = datetime.combine(sent.day, sent.clock, context.zone)
    return at.astimezone(UTC) < moment.astimezone(UTC).replace(microsecond=0)


__all__ = ["ATTEMPTS", "MessageGuard", "describe_deviation", "guard_message", "transaction_state"]
