"""Checks of the messages by which a supplier that is tried answers our requests, by name and by clause
(docs/facts/iso-18626.md 2 to 4, 7).

A finding is against the standard where what was exchanged proves it: the reason of an answer by what we have asked, a
number by the request that was confirmed. What is only unlikely, such as a day in the year 1, is an advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from lxml import etree

from adapters.iso18626.codec import decode_message
from adapters.iso18626.codec.reader import get_local_name
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.messages import SupplyingAgencyMessage
from adapters.iso18626.messages.codes import Action, ReasonForMessage, Status
from adapters.iso18626.messages.structures import AgencyId, DeliveryInfo, MessageInfo, StatusInfo, SupplierHeader
from gateway.domain.clock import Clock
from gateway.domain.problems import MalformedMessage
from gateway.domain.value import value_object
from rehearsal.ports.trials import ArrivedMessage, ConformanceFinding, find_advice, find_broken
from rehearsal.protocols.iso18626.confirmation_check import parse_xml, same_agency
from rehearsal.protocols.iso18626.schema_check import list_schema_faults

NUMBERS = "ISO 18626:2021, headers: requestingAgencyRequestId is the requester's number of the request, in each message"
SUPPLIER_NUMBERS = "ISO 18626:2021, headers: supplyingAgencyRequestId is the supplier's own number of the request"
FIRST_ANSWER = "ISO 18626:2021, reasonForMessage: only the first message after a request is a RequestResponse"
ANSWERS = "ISO 18626:2021, reasonForMessage: a response is to what the requester has asked"
YES_OR_NO = "ISO 18626:2021, answerYesNo: required with RenewResponse and CancelResponse"
STATUS = "ISO 18626:2021, 4.4: the status is that after the event"
MEANINGS = "ISO 18626:2021, 4.9: what a status says"

_ASKED_BY = {
    ReasonForMessage.CANCEL_RESPONSE: Action.CANCEL,
    ReasonForMessage.RENEW_RESPONSE: Action.RENEW,
    ReasonForMessage.STATUS_REQUEST_RESPONSE: Action.STATUS_REQUEST,
}
_YES_OR_NO_REASONS = frozenset({ReasonForMessage.CANCEL_RESPONSE, ReasonForMessage.RENEW_RESPONSE})
_ENDS = frozenset(
    {
        Status.UNFILLED,
        Status.COPY_COMPLETED,
        Status.LOAN_COMPLETED,
        Status.COMPLETED_WITHOUT_RETURN,
        Status.CANCELLED,
    }
)
"""After these nothing else becomes of a request at this supplier."""

_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass
class TriedRequest:
    """One of ours, and what was said about it: our actions, and the supplier's messages."""

    actions: set[Action] = field(default_factory=set)
    heard: list[SupplyingAgencyMessage] = field(default_factory=list)
    bodies: set[bytes] = field(default_factory=set)


@value_object
class HeardMessage:
    """`message` None: it is none of a supplier."""

    title: str
    findings: tuple[ConformanceFinding, ...]
    message: SupplyingAgencyMessage | None = None


class SupplierWords:
    """The statements of the tried supplier about all requests of a trial. `ours`: how the requester is called there."""

    def __init__(self, ours: AgencyId, dialect: Iso18626Dialect, clock: Clock) -> None:
        self._ours, self._dialect, self._clock = ours, dialect, clock
        self._requests: dict[str, TriedRequest] = {}

    def note_request(self, number: str) -> None:
        self._requests.setdefault(number, TriedRequest())

    def note_action(self, number: str, action: str) -> None:
        if number in self._requests and action in set(Action):
            self._requests[number].actions.add(Action(action))

    def judge_message(self, arrived: ArrivedMessage) -> HeardMessage:
        body = arrived.arrival.body
        root = parse_xml(body)
        if root is None:
            broken = find_broken("well-formed", "ISO 18626:2021, 5.2: messages are XML", "what came is no XML")
            return HeardMessage("came: no XML", (broken,))
        findings = list(_check_schema(root, self._dialect))
        try:
            message = decode_message(body).message
        except MalformedMessage as malformed:
            broken = find_broken("message", _name_schema(self._dialect), f"{malformed.place}: {malformed.reason}")
            return HeardMessage("came: no message of ISO 18626", (*findings, broken))
        if not isinstance(message, SupplyingAgencyMessage):
            return HeardMessage(f"came: {type(message).__name__}", tuple(findings))
        findings += _check_zero_times(root)
        findings += self._check_message(message, body)
        info, stands = message.message_info or MessageInfo(), message.status_info or StatusInfo()
        reason = _name_word(ReasonForMessage, info.reason_for_message, "reason")
        title = f"came: {reason} {_name_word(Status, stands.status, 'status')}"
        return HeardMessage(title, tuple(findings), message)

    def _check_message(self, message: SupplyingAgencyMessage, body: bytes) -> Iterator[ConformanceFinding]:
        header = message.header or SupplierHeader()
        number = header.requesting_agency_request_id or ""
        tried = self._requests.get(number)
        if tried is None:
            yield find_advice("request-id", "it is about a number that no request of this trial has")
            return
        if not same_agency(header.requesting_agency, self._ours):
            yield find_broken("requester", NUMBERS, "requestingAgencyId isn't that of the request")
        if body in tried.bodies:
            yield find_advice("repeated", "the same octets came before; illgate takes them for a repeat")
        yield from self._check_own_number(number, header)
        yield from _check_reason(message, tried)
        yield from _check_status(message, tried)
        yield from _check_dates(message, self._clock.now())
        tried.heard.append(message)
        tried.bodies.add(body)

    def _check_own_number(self, number: str, header: SupplierHeader) -> Iterator[ConformanceFinding]:
        own = header.supplying_agency_request_id
        if not own:
            return
        for other, tried in self._requests.items():
            for supplier_header in (message.header for message in tried.heard):
                if supplier_header is None or not supplier_header.supplying_agency_request_id:
                    continue
                if not same_agency(supplier_header.supplying_agency, header.supplying_agency):
                    continue  # another supplier, behind the same broker
                is_same = supplier_header.supplying_agency_request_id == own
                if other == number and not is_same:
                    yield find_broken("supplier-number", SUPPLIER_NUMBERS, "it was another one before")
                    return
                if other != number and is_same:
                    yield find_broken("supplier-number", SUPPLIER_NUMBERS, "another request has the same")
                    return


# --- what is wrong ---------------------------------------------------------------------------------------


def _name_schema(dialect: Iso18626Dialect) -> str:
    return f"the XML schema of version {dialect.version}"


def _check_schema(root: etree._Element, dialect: Iso18626Dialect) -> Iterator[ConformanceFinding]:
    for fault in list_schema_faults(root, dialect.schema_version)[:20]:
        if fault.check != "envelope" or dialect.form.wrapped:
            yield find_broken(fault.check, _name_schema(dialect), f"{fault.place}: {fault.words}")


def _check_reason(message: SupplyingAgencyMessage, tried: TriedRequest) -> Iterator[ConformanceFinding]:
    info = message.message_info or MessageInfo()
    reason = info.reason_for_message
    answered = any(_name_reason(agency_message) != ReasonForMessage.NOTIFICATION for agency_message in tried.heard)
    if reason == ReasonForMessage.REQUEST_RESPONSE and answered:
        yield find_broken("reason", FIRST_ANSWER, "RequestResponse, and it isn't the first")
    action = _ASKED_BY.get(ReasonForMessage(reason)) if reason in set(ReasonForMessage) else None
    if action is not None and action not in tried.actions:
        yield find_broken("reason", ANSWERS, f"{reason}, and no {action.value} was sent")
    if reason in _YES_OR_NO_REASONS and info.answer is None:
        yield find_broken("answer", YES_OR_NO, f"{reason} without answerYesNo")


def _name_word(words: type[StrEnum], word: str | None, name: str) -> str:
    """Name a word; what isn't of the standard may be anything, also a person's name."""
    return f"no {name}" if not word else word if word in set(words) else f"an unknown {name}"


def _name_reason(message: SupplyingAgencyMessage) -> str | None:
    return message.message_info.reason_for_message if message.message_info is not None else None


def _check_status(message: SupplyingAgencyMessage, tried: TriedRequest) -> Iterator[ConformanceFinding]:
    info, stands = message.message_info or MessageInfo(), message.status_info or StatusInfo()
    status, is_cancelled = stands.status, stands.status == Status.CANCELLED
    if info.reason_for_message == ReasonForMessage.CANCEL_RESPONSE and info.answer not in (None, is_cancelled):
        words = f"CancelResponse {'Y' if info.answer else 'N'} with the status {status}"
        yield find_broken("status", STATUS, words)
    ended = _find_end(message, tried)
    if ended and status != ended and info.reason_for_message != ReasonForMessage.NOTIFICATION:
        yield find_broken("order", MEANINGS, f"{status}, though it was {ended} before")
    if status == Status.UNFILLED and info.reason_unfilled is None:
        yield find_advice("reason-unfilled", "Unfilled without reasonUnfilled: staff can't tell why")
    if status == Status.RETRY_POSSIBLE and info.reason_retry is None:
        yield find_advice("reason-retry", "RetryPossible without reasonRetry: nobody can tell what to change")


def _find_end(message: SupplyingAgencyMessage, tried: TriedRequest) -> str:
    """The last status that the same supplier had said, if that was an end; a Notification only repeats one."""
    ours = message.header or SupplierHeader()
    for before in reversed(tried.heard):
        header = before.header or SupplierHeader()
        is_same = same_agency(header.supplying_agency, ours.supplying_agency)
        if _name_reason(before) != ReasonForMessage.NOTIFICATION and is_same:
            status = before.status_info.status if before.status_info is not None else None
            return status if status in _ENDS and status is not None else ""
    return ""


def _check_zero_times(root: etree._Element) -> Iterator[ConformanceFinding]:
    """Check for times as some programs write them that they don't have; they are read as none."""
    for element in root.iter(etree.Element):
        if (element.text or "").strip().startswith("0001-01-01"):
            yield find_advice("date", f"{get_local_name(element)} is in the year 1")


def _check_dates(message: SupplyingAgencyMessage, now: datetime) -> Iterator[ConformanceFinding]:
    header, stands = message.header or SupplierHeader(), message.status_info or StatusInfo()
    sent = (message.delivery_info or DeliveryInfo()).date_sent
    for name, moment in (("timestamp", header.timestamp), ("lastChange", stands.last_change), ("dateSent", sent)):
        if moment is not None and moment > now + _CLOCKS_DIFFER:
            yield find_advice("date", f"{name} is in the future")
    if header.timestamp is not None and header.timestamp < now - _CLOCKS_DIFFER:
        yield find_advice("date", "timestamp is more than an hour ago")
    if stands.status == Status.LOANED and stands.due_date is not None and stands.due_date < now:
        yield find_advice("date", "Loaned, and dueDate is in the past")
