"""Status reports of a request of ours, and error reports about messages that can't be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from adapters.iso_ill.codec import PartialHeader, apdu_type_name
from adapters.iso_ill.mapping.identities import IllContext, day_in_zone, moment_in_zone, outgoing_symbol
from adapters.iso_ill.messages import StatusOrErrorReport
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    GeneralProblem,
    HistoryService,
    ReportSource,
    TransactionIdProblem,
    UnableToPerform,
)
from adapters.iso_ill.messages.structures import ServiceDateTime, SystemId, TransactionId
from adapters.iso_ill.messages.tracking_phase import (
    ErrorReport,
    HistoryReport,
    ProviderError,
    StateTransitionProhibited,
    StatusReport,
    UserError,
)
from gateway.domain.problems import MalformationKind, MalformedMessage, RefusalReason
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestFlag, Role, ServiceType, State
from gateway.ports.partner_channel import ABOUT, PartnerMessage

_B, _L, _S, _H = BorrowingState, LendingState, CurrentState, HistoryService

REQUESTER: Mapping[BorrowingState, CurrentState] = {
    _B.NEW: _S.UNKNOWN,
    _B.REVIEW: _S.UNKNOWN,
    _B.SOURCING: _S.NOT_SUPPLIED,
    _B.NO_SUPPLIER: _S.NOT_SUPPLIED,
    _B.REQUESTED: _S.PENDING,
    _B.HOLD_PLACED: _S.PENDING,
    _B.WILL_SUPPLY: _S.PENDING,
    _B.CONDITIONAL: _S.CONDITIONAL,
    _B.CANCEL_PENDING: _S.CANCEL_PENDING,
    _B.SHIPPED: _S.SHIPPED,
    _B.RECEIVED: _S.RECEIVED,
    _B.LENT: _S.RECEIVED,
    _B.BACK: _S.RECEIVED,
    _B.RETURNED: _S.RETURNED,
    _B.COMPLETED: _S.RETURNED,
    _B.CANCELLED: _S.CANCELLED,
    _B.UNFILLED: _S.NOT_SUPPLIED,
    _B.EXPIRED: _S.NOT_SUPPLIED,
    _B.LOST: _S.LOST,
}
RESPONDER: Mapping[LendingState, CurrentState] = {
    _L.NEW: _S.IN_PROCESS,
    _L.LOCATED: _S.IN_PROCESS,
    _L.HOLD_PLACED: _S.IN_PROCESS,
    _L.WILL_SUPPLY: _S.IN_PROCESS,
    _L.CONDITIONAL: _S.CONDITIONAL,
    _L.DIGITISING: _S.IN_PROCESS,
    _L.CLEARANCE: _S.IN_PROCESS,
    _L.CLEARED: _S.IN_PROCESS,
    _L.CANCEL_PENDING: _S.CANCEL_PENDING,
    _L.SHIPPED: _S.SHIPPED,
    _L.RETURNED: _S.SHIPPED,
    _L.COMPLETED: _S.CHECKED_IN,
    _L.CANCELLED: _S.CANCELLED,
    _L.UNFILLED: _S.NOT_SUPPLIED,
    _L.EXPIRED: _S.NOT_SUPPLIED,
    _L.FORWARDED: _S.FORWARD,
    _L.LOST: _S.LOST,
}

_SERVICES: Mapping[CurrentState, tuple[HistoryService, Role]] = {
    _S.NOT_SUPPLIED: (_H.ILL_ANSWER, Role.LENDING),
    _S.PENDING: (_H.ILL_REQUEST, Role.BORROWING),
    _S.IN_PROCESS: (_H.ILL_REQUEST, Role.BORROWING),
    _S.FORWARD: (_H.FORWARD, Role.LENDING),
    _S.CONDITIONAL: (_H.ILL_ANSWER, Role.LENDING),
    _S.CANCEL_PENDING: (_H.CANCEL, Role.BORROWING),
    _S.CANCELLED: (_H.CANCEL_REPLY, Role.LENDING),
    _S.SHIPPED: (_H.SHIPPED, Role.LENDING),
    _S.RECEIVED: (_H.RECEIVED, Role.BORROWING),
    _S.RENEW_PENDING: (_H.RECEIVED, Role.BORROWING),
    _S.OVERDUE: (_H.SHIPPED, Role.LENDING),
    _S.NOT_RECEIVED_OVERDUE: (_H.SHIPPED, Role.LENDING),
    _S.RENEW_OVERDUE: (_H.SHIPPED, Role.LENDING),
    _S.RETURNED: (_H.RETURNED, Role.BORROWING),
    _S.CHECKED_IN: (_H.CHECKED_IN, Role.LENDING),
    _S.RECALL: (_H.RECALL, Role.LENDING),
    _S.LOST: (_H.LOST, Role.LENDING),
    _S.UNKNOWN: (_H.ILL_REQUEST, Role.BORROWING),
}
"""The service that leads into each state, and who begins it: for a report without the request's history."""


_NOT_OF_A_COPY: Mapping[CurrentState, CurrentState] = {_S.RETURNED: _S.RECEIVED, _S.CHECKED_IN: _S.SHIPPED}
"""A copy doesn't come back: its transaction is over when it was received or, with the responder, shipped."""


def ill_state_of_request(request: Request) -> CurrentState:
    """Return the state with what stands beside it: recalled, overdue, a renewal that waits. A copy ends where a loan
    goes on."""
    if request.is_lost:
        return _S.LOST
    state, flags = state_for_service(_state_without_flags(request.state), request.service.type), request.flags
    if state not in (_S.SHIPPED, _S.RECEIVED):
        return state
    if RequestFlag.RECALLED in flags:
        return _S.RECALL
    if RequestFlag.OVERDUE in flags:
        if RequestFlag.RENEWAL_PENDING in flags:
            return _S.RENEW_OVERDUE
        late_on_its_way = request.state is BorrowingState.SHIPPED
        return _S.NOT_RECEIVED_OVERDUE if late_on_its_way else _S.OVERDUE
    return _S.RENEW_PENDING if RequestFlag.RENEWAL_PENDING in flags else state


def state_for_service(state: CurrentState, service: ServiceType) -> CurrentState:
    """The state in which a loan ends, as it is called for a copy."""
    return _NOT_OF_A_COPY.get(state, state) if service is ServiceType.COPY else state


def _state_without_flags(state: State) -> CurrentState:
    """One table a side: states of both that are called the same would be the same key."""
    return REQUESTER[state] if isinstance(state, BorrowingState) else RESPONDER[state]


def write_status_report(message: PartnerMessage, context: IllContext) -> dict[str, Any]:
    request = message.request
    service, initiator = _SERVICES[ill_state_of_request(request)]
    symbols = context.dialect.symbols
    party = message.sender if initiator is message.role else message.receiver
    ours = symbols.ours if party is message.sender and symbols.ours else party.symbol
    on = day_in_zone(request.changed, context.zone)
    return {
        "status_report": build_status_report(
            request, service, SystemId.from_symbol(outgoing_symbol(ours, symbols)), on, context
        )
    }


def build_status_report(
    request: Request, service: HistoryService, initiator: SystemId, on: date, context: IllContext
) -> StatusReport:
    """`service`, by whom and on which day, was the last that changed anything."""
    citation = request.citation
    history = HistoryReport(
        date_requested=day_in_zone(request.created, context.zone),
        author=citation.author,
        title=citation.title,
        author_of_article=citation.component_author,
        title_of_article=citation.component_title,
        date_of_last_transition=day_in_zone(request.changed, context.zone),
        most_recent_service=service,
        date_of_most_recent_service=on,
        initiator=initiator,
    )
    return StatusReport(history=history, state=ill_state_of_request(request))


def last_service(request: Request) -> HistoryService:
    """The one that leads into its state."""
    return _SERVICES[ill_state_of_request(request)][0]


# --- errors ----------------------------------------------------------------------------------------------

GENERAL_PROBLEMS: Mapping[MalformationKind, GeneralProblem] = {
    MalformationKind.UNKNOWN_SERVICE: GeneralProblem.UNRECOGNIZED_APDU,
    MalformationKind.UNSUPPORTED_VERSION: GeneralProblem.PROTOCOL_VERSION_NOT_SUPPORTED,
}
"""Every other fault is a badly structured APDU."""


def problem_of_malformed(malformed: MalformedMessage) -> ProviderError:
    problem = GENERAL_PROBLEMS.get(malformed.fault, GeneralProblem.BADLY_STRUCTURED_APDU)
    return ProviderError(general_problem=problem)


def correlation_text(peek: PartialHeader) -> str:
    """Type, qualifiers and time of the message that a report is about."""
    parts = [apdu_type_name(peek.type) if peek.type is not None else "unknown APDU"]
    if peek.transaction_id is not None:
        id_ = peek.transaction_id
        parts += [part for part in (id_.group_qualifier, id_.qualifier, id_.sub_qualifier) if part]
    if peek.service_date_time is not None:
        this = peek.service_date_time.this
        clock = this.clock.strftime("%H%M%S") if this.clock is not None else ""
        parts.append(f"{this.day.strftime('%Y%m%d')}{clock}")
    return " ".join(parts)


def write_trouble_report(message: PartnerMessage, context: IllContext) -> dict[str, Any]:
    """A report about a message of the partner's that the request's state doesn't allow; `ABOUT` says which."""
    about = next((extra.value for extra in message.details.extras if extra.name == ABOUT), "")
    type_ = next((apdu_type for apdu_type in ApduType if apdu_type_name(apdu_type) == about.partition(" ")[0]), None)
    if type_ is None:
        user = UserError(unable_to_perform=UnableToPerform.OTHER)
        return {"error_report": ErrorReport(correlation=about or "(not said)", source=ReportSource.USER, user=user)}
    if message.details.reason == RefusalReason.DUPLICATE_REQUEST:
        provider = ProviderError(transaction_id_problem=TransactionIdProblem.DUPLICATE_TRANSACTION_ID)
    else:
        prohibited = StateTransitionProhibited(apdu=type_, state=ill_state_of_request(message.request))
        provider = ProviderError(state_transition_prohibited=prohibited)
    return {"error_report": ErrorReport(correlation=about, source=ReportSource.PROVIDER, provider=provider)}


def build_error_report(
    peek: PartialHeader, problem: ProviderError | UserError, note: str, at: datetime, context: IllContext
) -> StatusOrErrorReport:
    """Build a report about a message of the partner's, with the ids that it had; empty ones where they could not be
    read."""
    provider = problem if isinstance(problem, ProviderError) else None
    user = problem if isinstance(problem, UserError) else None
    source = ReportSource.PROVIDER if provider is not None else ReportSource.USER
    return StatusOrErrorReport(
        protocol_version=context.dialect.version,
        transaction_id=peek.transaction_id or TransactionId(group_qualifier="", qualifier=""),
        service_date_time=ServiceDateTime(this=moment_in_zone(at, context.zone)),
        requester_id=peek.requester_id,
        responder_id=peek.responder_id,
        error_report=ErrorReport(correlation=correlation_text(peek), source=source, user=user, provider=provider),
        note=note,
    )
