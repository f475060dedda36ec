"""Shipped to Checked-In, messages and reports."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

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
    ShippedConditions,
    TransactionIdProblem,
    TransactionType,
    UnableToPerform,
)
from adapters.iso_ill.messages.declaration import External, FieldForm, IllChoice, Tag
from adapters.iso_ill.messages.request_phase import ResponderOptionalMessages
from adapters.iso_ill.messages.structures import (
    Amount,
    Apdu,
    Client,
    DateDue,
    ElectronicDelivery,
    Extension,
    PostalAddress,
    SystemAddress,
    SystemId,
    UnitsPerMedium,
)
from gateway.domain.value import value_object


@value_object(kw_only=True)
class SupplyDetails:
    date_shipped: Annotated[date | None, Tag(0)] = None
    date_due: Annotated[DateDue | None, Tag(1)] = None
    chargeable_units: Annotated[int | None, Tag(2)] = None
    cost: Annotated[Amount | None, Tag(3)] = None
    conditions: Annotated[ShippedConditions | int | None, Tag(4, "shipped-conditions")] = None
    physical_delivery: Annotated[str, Tag(5, choice="shipped-via")] = ""
    electronic_delivery: Annotated[ElectronicDelivery | None, Tag(50, choice="shipped-via", since=2)] = None
    insured_for: Annotated[Amount | None, Tag(6)] = None
    return_insurance_require: Annotated[Amount | None, Tag(7)] = None
    units_per_medium: Annotated[tuple[UnitsPerMedium, ...], Tag(8, "no-of-units-per-medium")] = ()


@value_object(kw_only=True)
class Shipped(Apdu):
    type: ClassVar[ApduType] = ApduType.SHIPPED

    responder_address: Annotated[SystemAddress | None, Tag(24)] = None
    intermediary_id: Annotated[SystemId | None, Tag(25)] = None
    supplier_id: Annotated[SystemId | None, Tag(26)] = None
    client: Annotated[Client | None, Tag(15, "client-id")] = None
    transaction_type: Annotated[TransactionType | int, Tag(5)] = TransactionType.SIMPLE
    supplemental_item_description: Annotated[tuple[External, ...], Tag(17)] = ()
    service_type: Annotated[ServiceType | int, Tag(27, "shipped-service-type")]
    optional_messages: Annotated[ResponderOptionalMessages | None, Tag(28, "responder-optional-messages")] = None
    supply_details: Annotated[SupplyDetails, Tag(29)]
    return_to_address: Annotated[PostalAddress | None, Tag(30)] = None
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "shipped-extensions")] = ()


@value_object(kw_only=True)
class Received(Apdu):
    type: ClassVar[ApduType] = ApduType.RECEIVED

    supplier_id: Annotated[SystemId | None, Tag(26)] = None
    supplemental_item_description: Annotated[tuple[External, ...], Tag(17)] = ()
    date_received: Annotated[date, Tag(36)]
    service_type: Annotated[ServiceType | int, Tag(27, "shipped-service-type")]
    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "received-extensions")] = ()


@value_object(kw_only=True)
class Recall(Apdu):
    type: ClassVar[ApduType] = ApduType.RECALL

    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "recall-extensions")] = ()


@value_object(kw_only=True)
class Returned(Apdu):
    type: ClassVar[ApduType] = ApduType.RETURNED

    supplemental_item_description: Annotated[tuple[External, ...], Tag(17)] = ()
    date_returned: Annotated[date, Tag(37)]
    returned_via: Annotated[str, Tag(38)] = ""
    insured_for: Annotated[Amount | None, Tag(39)] = None
    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "returned-extensions")] = ()


@value_object(kw_only=True)
class CheckedIn(Apdu):
    type: ClassVar[ApduType] = ApduType.CHECKED_IN

    date_checked_in: Annotated[date, Tag(40)]
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "checked-in-extensions")] = ()


@value_object(kw_only=True)
class Overdue(Apdu):
    """The one whose extensions are tagged explicitly; both ways are read."""

    type: ClassVar[ApduType] = ApduType.OVERDUE

    date_due: Annotated[DateDue, Tag(41)]
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "overdue-extensions", explicit=True)] = ()


@value_object(kw_only=True)
class Renew(Apdu):
    type: ClassVar[ApduType] = ApduType.RENEW

    desired_due_date: Annotated[date | None, Tag(42)] = None
    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "renew-extensions")] = ()


@value_object(kw_only=True)
class RenewAnswer(Apdu):
    type: ClassVar[ApduType] = ApduType.RENEW_ANSWER

    answer: Annotated[bool, Tag(35)]
    date_due: Annotated[DateDue | None, Tag(41)] = None
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "renew-answer-extensions")] = ()


@value_object(kw_only=True)
class Lost(Apdu):
    """Lost, from either side."""

    type: ClassVar[ApduType] = ApduType.LOST

    note: Annotated[str, Tag(46)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "lost-extensions")] = ()


@value_object(kw_only=True)
class DamagedDetails:
    """The whole document, or these units of it."""

    document_type: Annotated[str, Tag(0, "document-type-id", FieldForm.OBJECT_IDENTIFIER)] = ""
    complete_document: Annotated[bool, Tag(1, form=FieldForm.NULL, choice="damaged-portion")] = False
    specific_units: Annotated[tuple[int, ...], Tag(2, choice="damaged-portion")] = ()


@value_object(kw_only=True)
class Damaged(Apdu):
    """Damaged, from either side."""

    type: ClassVar[ApduType] = ApduType.DAMAGED

    details: Annotated[DamagedDetails | None, Tag(5, "damaged-details", since=2)] = None
    note: Annotated[str, Tag(46)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "damaged-extensions")] = ()


@value_object(kw_only=True)
class Message(Apdu):
    """Free text; changes no state."""

    type: ClassVar[ApduType] = ApduType.MESSAGE

    note: Annotated[str, Tag(46)]
    extensions: Annotated[tuple[Extension, ...], Tag(49, "message-extensions")] = ()


@value_object(kw_only=True)
class StatusQuery(Apdu):
    type: ClassVar[ApduType] = ApduType.STATUS_QUERY

    note: Annotated[str, Tag(46)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "status-query-extensions")] = ()


@value_object(kw_only=True)
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


@value_object(kw_only=True)
class StatusReport:
    history: Annotated[HistoryReport, Tag(0, "user-status-report")]
    state: Annotated[CurrentState | int, Tag(1, "provider-status-report")]


@value_object(kw_only=True)
class AlreadyForwarded:
    responder_id: Annotated[SystemId, Tag(0)]
    responder_address: Annotated[SystemAddress | None, Tag(1)] = None


@value_object(kw_only=True)
class UserError(IllChoice):
    already_forwarded: Annotated[AlreadyForwarded | None, Tag(0)] = None
    intermediary_problem: Annotated[IntermediaryProblem | int | None, Tag(1)] = None
    security_problem: Annotated[str, Tag(2)] = ""
    unable_to_perform: Annotated[UnableToPerform | int | None, Tag(3)] = None


@value_object(kw_only=True)
class StateTransitionProhibited:
    apdu: Annotated[ApduType | int, Tag(0, "aPDU-type")]
    state: Annotated[CurrentState | int, Tag(1, "current-state")]


@value_object(kw_only=True)
class ProviderError(IllChoice):
    general_problem: Annotated[GeneralProblem | int | None, Tag(0)] = None
    transaction_id_problem: Annotated[TransactionIdProblem | int | None, Tag(1)] = None
    state_transition_prohibited: Annotated[StateTransitionProhibited | None, Tag(2)] = None


@value_object(kw_only=True)
class ErrorReport:
    """`correlation` says which message it is about: type, qualifiers and time of the culprit."""

    correlation: Annotated[str, Tag(0, "correlation-information")]
    source: Annotated[ReportSource | int, Tag(1, "report-source")]
    user: Annotated[UserError | None, Tag(2, "user-error-report")] = None
    provider: Annotated[ProviderError | None, Tag(3, "provider-error-report")] = None


@value_object(kw_only=True)
class StatusOrErrorReport(Apdu):
    """`reason_no_report` only where there is neither report."""

    type: ClassVar[ApduType] = ApduType.STATUS_OR_ERROR_REPORT

    reason_no_report: Annotated[ReasonNoReport | int | None, Tag(43)] = None
    status_report: Annotated[StatusReport | None, Tag(44)] = None
    error_report: Annotated[ErrorReport | None, Tag(45)] = None
    note: Annotated[str, Tag(46)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "status-or-error-report-extensions")] = ()
