"""Talk: messages, questions about the status, and reports of status and errors."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from adapters.iso_ill.messages.base import Choice, Tag
from adapters.iso_ill.messages.codes import (
    ApduType,
    CurrentState,
    GeneralProblem,
    HistoryService,
    IntermediaryProblem,
    ReasonNoReport,
    ReportSource,
    Results,
    ServiceType,
    TransactionIdProblem,
    UnableToPerform,
)
from adapters.iso_ill.messages.extensions import Extension
from adapters.iso_ill.messages.header import Apdu
from adapters.iso_ill.messages.parties import SystemAddress, SystemId
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class Message(Apdu):
    """Free text; changes no state."""

    type: ClassVar[ApduType] = ApduType.MESSAGE

    note: Annotated[str, Tag(46)]
    extensions: Annotated[tuple[Extension, ...], Tag(49, "message-extensions")] = ()


@frozen_by_name
class StatusQuery(Apdu):
    type: ClassVar[ApduType] = ApduType.STATUS_QUERY

    note: Annotated[str, Tag(46)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "status-query-extensions")] = ()


@frozen_by_name
class HistoryReport:
    """`service_type`, `results` and `note` are due whenever they are known."""

    date_requested: Annotated[date | None, Tag(0)] = None
    author: Annotated[str, Tag(1)] = ""
    title: Annotated[str, Tag(2)] = ""
    author_of_article: Annotated[str, Tag(3)] = ""
    title_of_article: Annotated[str, Tag(4)] = ""
    date_of_last_transition: Annotated[date, Tag(5)]
    most_recent_service: Annotated[HistoryService | int, Tag(6)]
    date_of_most_recent_service: Annotated[date, Tag(7)]
    initiator: Annotated[SystemId, Tag(8, "initiator-of-most-recent-service")]
    service_type: Annotated[ServiceType | int | None, Tag(9, "shipped-service-type")] = None
    results: Annotated[Results | int | None, Tag(10, "transaction-results")] = None
    note: Annotated[str, Tag(11, "most-recent-service-note")] = ""


@frozen_by_name
class StatusReport:
    history: Annotated[HistoryReport, Tag(0, "user-status-report")]
    state: Annotated[CurrentState | int, Tag(1, "provider-status-report")]


@frozen_by_name
class AlreadyForwarded:
    responder_id: Annotated[SystemId, Tag(0)]
    responder_address: Annotated[SystemAddress | None, Tag(1)] = None


@frozen_by_name
class UserError(Choice):
    already_forwarded: Annotated[AlreadyForwarded | None, Tag(0)] = None
    intermediary_problem: Annotated[IntermediaryProblem | int | None, Tag(1)] = None
    security_problem: Annotated[str, Tag(2)] = ""
    unable_to_perform: Annotated[UnableToPerform | int | None, Tag(3)] = None


@frozen_by_name
class StateTransitionProhibited:
    apdu: Annotated[ApduType | int, Tag(0, "aPDU-type")]
    state: Annotated[CurrentState | int, Tag(1, "current-state")]


@frozen_by_name
class ProviderError(Choice):
    general_problem: Annotated[GeneralProblem | int | None, Tag(0)] = None
    transaction_id_problem: Annotated[TransactionIdProblem | int | None, Tag(1)] = None
    state_transition_prohibited: Annotated[StateTransitionProhibited | None, Tag(2)] = None


@frozen_by_name
class ErrorReport:
    """`correlation` says which message it is about: type, qualifiers and time of the culprit."""

    correlation: Annotated[str, Tag(0, "correlation-information")]
    source: Annotated[ReportSource | int, Tag(1, "report-source")]
    user: Annotated[UserError | None, Tag(2, "user-error-report")] = None
    provider: Annotated[ProviderError | None, Tag(3, "provider-error-report")] = None


@frozen_by_name
class StatusOrErrorReport(Apdu):
    """`reason_no_report` only where there is neither report."""

    type: ClassVar[ApduType] = ApduType.STATUS_OR_ERROR_REPORT

    reason_no_report: Annotated[ReasonNoReport | int | None, Tag(43)] = None
    status_report: Annotated[StatusReport | None, Tag(44)] = None
    error_report: Annotated[ErrorReport | None, Tag(45)] = None
    note: Annotated[str, Tag(46)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "status-or-error-report-extensions")] = ()
