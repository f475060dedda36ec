"""Checks of a confirmation, by name and by clause (docs/facts/iso-18626.md 2 to 4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lxml import etree

from adapters.iso18626.codec import decode_message
from adapters.iso18626.dialect import DEFAULT_DIALECT, Iso18626Dialect
from adapters.iso18626.messages import (
    Confirmation,
    Message,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
)
from adapters.iso18626.messages.codes import ErrorType, MessageStatus
from adapters.iso18626.messages.structures import AgencyId, ConfirmationHeader
from gateway.domain.problems import MalformedMessage
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import HttpReply
from rehearsal.ports.trials import ConformanceFinding, FindingWeight, find_advice, find_broken
from rehearsal.protocols.iso18626.schema_check import list_schema_faults

HTTP = "ISO 18626:2021, 5.2: XML in UTF-8, application/xml, by POST"
HTTP_STATUS = "RFC 9110, 15.3.1 and 15.6: 200 has the answer in it, 5xx is the server's own failure"
CONFIRMATION = "ISO 18626:2021, 4.10: a confirmation names the message that it confirms, and what is wrong with it"
RECEIVED = "ISO 18626:2021, 4.10: a confirmation says that the message was received, or can't be processed"
BADLY_FORMED = "ISO 18626:2021, 4.10: BadlyFormedMessage is for what isn't as the schema wants it"
FLOOR = "ISO 18626:2021, 6: unknown elements and values are answered with error data"
REPEATS = "no sentence of the standard: a sender whose answer was lost repeats the message"
EXAMPLE = "ISO 18626:2021, table 2, an example: timestampReceived is the timestamp of the message"

MAX_SCHEMA_FINDINGS = 20

_CONFIRMATIONS: dict[type[Message], type[Confirmation]] = {
    Request: RequestConfirmation,
    RequestingAgencyMessage: RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessage: SupplyingAgencyMessageConfirmation,
}


@value_object(kw_only=True)
class Expectation:
    """The confirmation that must come. `is_valid`: the message as it was sent is as the schema wants it; `refused`:
    ERROR, else OK; `error`: of this type; `repeat_of`: what the first confirmation of the same message said, empty: it
    is no repeat; `echoes`: action or reason must be echoed."""

    message: Message | None = None
    dialect: Iso18626Dialect = DEFAULT_DIALECT
    is_valid: bool = False
    refused: bool = False
    error: ErrorType | None = None
    repeat_of: str = ""
    echoes: bool = True


def check_confirmation(reply: HttpReply, expected: Expectation) -> tuple[ConformanceFinding, ...]:
    findings = list(_check_http(reply, expected))
    root = parse_xml(reply.body)
    if root is None:
        findings.append(find_broken("well-formed", CONFIRMATION, "the answer is no XML"))
        return tuple(findings)
    findings += _check_schema(root, expected)
    try:
        confirmation = decode_message(reply.body).message
    except MalformedMessage as malformed:
        findings.append(find_broken("message", CONFIRMATION, f"{malformed.place}: {malformed.reason}"))
        return tuple(findings)
    assert expected.message is not None
    if not isinstance(confirmation, _CONFIRMATIONS[type(expected.message)]):
        findings.append(find_broken("confirmation-kind", CONFIRMATION, "it confirms another kind of message"))
    if isinstance(confirmation, Confirmation):
        findings += _check_header(confirmation.header or ConfirmationHeader(), expected.message)
        findings += _check_verdict(confirmation, expected)
        findings += _check_echo(confirmation, expected)
    return tuple(findings)


def check_refusal(reply: HttpReply, dialect: Iso18626Dialect) -> tuple[ConformanceFinding, ...]:
    """Check the refusal of what is no message: HTTP says so (4xx), or a confirmation with ERROR."""
    if reply.status >= 500:
        return (find_broken("http-status", HTTP_STATUS, f"HTTP {reply.status}: the fault was the sender's"),)
    if reply.status >= 400 or read_message_status(reply.body) == MessageStatus.ERROR:
        return ()
    return (find_broken("taken-as-message", FLOOR, f"HTTP {reply.status}: it was taken as a message"),)


def read_message_status(body: bytes) -> str:
    """Empty where there is none."""
    try:
        message = decode_message(body).message
    except MalformedMessage:
        return ""
    header = message.header if isinstance(message, Confirmation) else None
    return (header.message_status if header is not None else "") or ""


# --- HTTP and XML ----------------------------------------------------------------------------------------


def _check_http(reply: HttpReply, expected: Expectation) -> Iterator[ConformanceFinding]:
    http = expected.dialect.http
    allowed = {200, http.ok_status, http.error_status}
    if reply.status not in allowed:
        yield find_broken("http-status", HTTP_STATUS, f"a confirmation comes with HTTP 200, not {reply.status}")
    if reply.content_type != "application/xml":
        weight = FindingWeight.ADVICE if reply.content_type == "text/xml" else FindingWeight.BROKEN
        words = f"Content-Type is {reply.content_type}, not application/xml"
        yield ConformanceFinding(check="content-type", clause=HTTP, words=words, weight=weight)
    root = parse_xml(reply.body)
    if root is not None:
        info = root.getroottree().docinfo
        if (info.encoding or "UTF-8").upper() not in ("UTF-8", "US-ASCII", "ASCII"):
            yield find_broken("encoding", HTTP, f"the answer is in {info.encoding}, not in UTF-8")
        if info.internalDTD is not None:
            yield find_broken("doctype", HTTP, "the answer has a DOCTYPE, which careful systems refuse")


def parse_xml(body: bytes) -> etree._Element | None:
    """None: it is none."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _check_schema(root: etree._Element, expected: Expectation) -> Iterator[ConformanceFinding]:
    """Bare messages are a habit that a profile may have."""
    version = expected.dialect.schema_version
    faults = list_schema_faults(root, version)
    for fault in faults[:MAX_SCHEMA_FINDINGS]:
        if fault.check == "envelope" and not expected.dialect.form.wrapped:
            continue
        clause = f"the XML schema of version {expected.dialect.version}"
        yield find_broken(fault.check, clause, f"{fault.place}: {fault.words}")


# --- what it says ----------------------------------------------------------------------------------------


def _check_header(header: ConfirmationHeader, message: Message) -> Iterator[ConformanceFinding]:
    expected = message.header
    assert expected is not None
    pairs: tuple[tuple[str, object, object], ...] = (
        ("request-id", header.requesting_agency_request_id, expected.requesting_agency_request_id),
        ("requester", name_agency(header.requesting_agency), name_agency(expected.requesting_agency)),
        ("supplier", name_agency(header.supplying_agency), name_agency(expected.supplying_agency)),
        ("timestamp-received", header.timestamp_received, expected.timestamp),
    )
    for check, echoed, sent in pairs:
        if echoed is None:
            yield find_advice(check, "isn't echoed; some partners look for it")
        elif echoed != sent:
            is_time = isinstance(echoed, datetime)
            words = "isn't the timestamp of the message" if is_time else "isn't that of the message"
            yield find_advice(check, words, EXAMPLE) if is_time else find_broken(check, CONFIRMATION, words)


def name_agency(agency: AgencyId | None) -> str | None:
    return (agency.value or "").casefold() if agency is not None else None


def same_agency(agency_id: AgencyId | None, other: AgencyId | None) -> bool:
    return name_agency(agency_id) == name_agency(other)


def _check_verdict(confirmation: Confirmation, expected: Expectation) -> Iterator[ConformanceFinding]:
    status = (confirmation.header.message_status if confirmation.header is not None else None) or ""
    types = [error.type for error in confirmation.errors]
    if status == MessageStatus.ERROR and not types:
        yield find_broken("error-data", CONFIRMATION, "ERROR without errorData")
    if status == MessageStatus.OK and types:
        yield find_broken("error-data", CONFIRMATION, "OK with errorData")
    if expected.repeat_of and status != expected.repeat_of:
        yield find_advice("same-answer", "the same message was confirmed otherwise before", REPEATS)
        return
    if status == MessageStatus.OK and expected.refused:
        yield find_broken("message-status", FLOOR, "OK, though it can't be processed")
    if status == MessageStatus.ERROR and not expected.refused:
        yield from _check_error(confirmation, expected)
    if expected.error is not None and types and expected.error not in types:
        yield find_broken("error-type", CONFIRMATION, f"errorType is not {expected.error.value}")


def _check_error(confirmation: Confirmation, expected: Expectation) -> Iterator[ConformanceFinding]:
    """Check the error in the confirmation of a right message. A system may have reasons of its own to refuse one; what
    it says of them can be wrong."""
    is_request = isinstance(expected.message, Request)
    for error in confirmation.errors:
        if error.type == ErrorType.BADLY_FORMED_MESSAGE and expected.is_valid:
            yield find_broken("error-type", BADLY_FORMED, "BadlyFormedMessage, though the message is right")
        elif not is_request and (error.value or "").startswith("requestingAgencyRequestId"):
            yield find_broken("known-request", RECEIVED, "the request is unknown now, though it was confirmed OK")
        else:
            yield find_advice("refused", f"refused, {error.type or 'no errorType'}: {error.value or 'no errorValue'}")


def _check_echo(confirmation: Confirmation, expected: Expectation) -> Iterator[ConformanceFinding]:
    message = expected.message
    if not expected.echoes:
        return
    if isinstance(message, RequestingAgencyMessage) and isinstance(confirmation, RequestingAgencyMessageConfirmation):
        yield from _compare_words("action", confirmation.action, message.action)
    if isinstance(message, SupplyingAgencyMessage) and isinstance(confirmation, SupplyingAgencyMessageConfirmation):
        assert message.message_info is not None
        yield from _compare_words("reason", confirmation.reason_for_message, message.message_info.reason_for_message)


def _compare_words(check: str, echoed: str | None, sent: str | None) -> Iterator[ConformanceFinding]:
    if echoed is None:
        yield find_advice(check, "isn't echoed; some partners look for it")
    elif echoed != sent:
        yield find_broken(check, CONFIRMATION, "isn't that of the message")
