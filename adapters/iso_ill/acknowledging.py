"""What is answered at once to a partner's APDU: that we have it, what is wrong with it, or nothing.

Rules: facts/iso-ill-10161.md section 9.3. Answers of the kind ILL-Answer, Shipped … go out later, by the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from adapters.iso_ill.codec import Peek
from adapters.iso_ill.mapping import Context, error_report, state_of
from adapters.iso_ill.mapping.identities import symbol_out
from adapters.iso_ill.mapping.moments import moment_out
from adapters.iso_ill.mapping.reporting import last_service, report_of
from adapters.iso_ill.mapping.sending import delivery_info
from adapters.iso_ill.messages import Apdu, StatusOrErrorReport
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    GeneralProblem,
    HistoryService,
    TransactionIdProblem,
    UnableToPerform,
)
from adapters.iso_ill.messages.extensions import Extension
from adapters.iso_ill.messages.header import ServiceDateTime
from adapters.iso_ill.messages.parties import SystemId
from adapters.iso_ill.messages.reporting import ProviderError, StateTransitionProhibited, UserError
from adapters.iso_ill.state.services import FROM_REQUESTER
from adapters.iso_ill.transport import is_reported
from gateway.domain.problems import About, Reason, Refusal
from gateway.domain.requests.request import Request
from gateway.ports.channel import Taken

_PROBLEMS: Mapping[Reason, ProviderError | UserError] = {
    Reason.UNKNOWN_REQUEST: ProviderError(transaction_id_problem=TransactionIdProblem.UNKNOWN_TRANSACTION_ID),
    Reason.DUPLICATE_REQUEST: ProviderError(transaction_id_problem=TransactionIdProblem.DUPLICATE_TRANSACTION_ID),
    Reason.TEMPORARY_FAILURE: UserError(unable_to_perform=UnableToPerform.RESOURCE_LIMITATION),
}
_NOT_LET_IN = frozenset({Reason.UNKNOWN_SENDER, Reason.SENDER_AUTH_FAILED, Reason.UNAUTHORIZED_SERVICE})
_NOT_NOW = frozenset({Reason.NOT_ALLOWED, Reason.REQUEST_CLOSED})


def answer_to(apdu: Apdu, taken: Taken, context: Context, at: datetime) -> StatusOrErrorReport | None:
    """None: nothing is said. A repeat is answered once more, a mere duplicate only where its sender waits for it."""
    dialect = context.dialect
    wanted = is_reported(apdu.type, dialect.answers)
    waits = wanted or dialect.transport.mode == "same-connection"
    if is_duplicate(apdu, taken) and not waits:
        return None
    if taken.refused is not None:
        return refusal_of(apdu, taken.refused, taken.request, context, at)
    return _acknowledgement(apdu, taken.request, context, at) if wanted and taken.request is not None else None


def is_duplicate(apdu: Apdu, taken: Taken) -> bool:
    """The transport brought it twice: its sender doesn't say that it is a repeat."""
    return taken.repeated and apdu.service_date_time.original is None


def refusal_of(
    apdu: Apdu, refusal: Refusal, request: Request | None, context: Context, at: datetime
) -> StatusOrErrorReport | None:
    """Never about a report, nor about a Message that can't be placed."""
    seen = seen_of(apdu)
    if is_past_reporting(seen, refusal):
        return None
    return report(seen, problem_of(refusal, seen, request), refusal.detail, at, context)


def report(
    seen: Peek, problem: ProviderError | UserError, note: str, at: datetime, context: Context
) -> StatusOrErrorReport:
    return replace(error_report(seen, problem, note, at, context), extensions=our_info(context))


def is_past_reporting(seen: Peek, refusal: Refusal | None = None) -> bool:
    if seen.type is ApduType.MESSAGE:
        return refusal is not None and refusal.reason is Reason.UNKNOWN_REQUEST
    return seen.type is ApduType.STATUS_OR_ERROR_REPORT


def problem_of(refusal: Refusal, seen: Peek, request: Request | None = None) -> ProviderError | UserError:
    if refusal.reason in _NOT_NOW and seen.type is not None:
        state = state_of(request) if request is not None else CurrentState.UNKNOWN
        return ProviderError(state_transition_prohibited=StateTransitionProhibited(apdu=seen.type, state=state))
    if refusal.reason in _NOT_LET_IN:
        return UserError(security_problem=refusal.detail)
    if refusal.reason is Reason.UNSUPPORTED_SERVICE and refusal.about is About.SERVICE:
        return ProviderError(general_problem=GeneralProblem.MISTYPED_APDU)
    return _PROBLEMS.get(refusal.reason, UserError(unable_to_perform=UnableToPerform.OTHER))


def seen_of(apdu: Apdu) -> Peek:
    return Peek(
        apdu.type,
        apdu.protocol_version,
        apdu.transaction_id,
        apdu.service_date_time,
        apdu.requester_id,
        apdu.responder_id,
    )


def _acknowledgement(apdu: Apdu, request: Request, context: Context, at: datetime) -> StatusOrErrorReport:
    """A status report whose most recent service is theirs (OCLC, facts 13); ids as they came."""
    sender = apdu.requester_id if apdu.type in FROM_REQUESTER else apdu.responder_id
    listed = {int(one) for one in HistoryService}
    service = HistoryService(int(apdu.type)) if int(apdu.type) in listed else last_service(request)
    on = apdu.service_date_time.this.day
    return StatusOrErrorReport(
        protocol_version=context.dialect.version,
        transaction_id=apdu.transaction_id,
        service_date_time=ServiceDateTime(this=moment_out(at, context.zone)),
        requester_id=apdu.requester_id,
        responder_id=apdu.responder_id,
        status_report=report_of(request, service, sender or SystemId(), on, context),
        extensions=our_info(context),
    )


def our_info(context: Context) -> tuple[Extension, ...]:
    ours = context.dialect.symbols.ours or next(iter(context.ours), "")
    return delivery_info(context.dialect, symbol_out(ours, context.dialect.symbols))
