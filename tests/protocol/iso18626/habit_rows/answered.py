"""Our confirmation of a partner's octets, and a partner's confirmation of ours."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.problems import OutcomeUnknown, Postponed, Refused, UnclearAnswer
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from tests.protocol.iso18626.habit_rows.messages import (
    ASKING_HEADER,
    BOOK,
    LOAN,
    REQUESTER,
    SUPPLIER,
    write_action,
    write_confirmation,
    write_confirmed,
    write_error,
    write_request,
)

XML = "application/xml"


@dataclass(frozen=True)
class AnsweredHabit:
    """`refused`: the message is one that isn't taken."""

    habit: str
    octets: str
    parts: tuple[str, ...]
    status: int = 200
    profile: str = "iso18626-2017"
    refused: bool = False
    content_type: str = XML


ANSWERED = (
    AnsweredHabit("crosslink-takes-200-alone", write_request(), ("<messageStatus>OK<",), profile="crosslink-18626"),
    AnsweredHabit(
        "crosslink-takes-200-alone",
        write_request(),
        ("<messageStatus>ERROR<", "<errorType>UnrecognisedDataValue<"),
        profile="crosslink-18626",
        refused=True,
    ),
    AnsweredHabit("koha-answers-201", write_request(), ("<messageStatus>OK<",), 201, "koha-18626"),
    AnsweredHabit("koha-answers-400", write_request(), ("<messageStatus>ERROR<",), 400, "koha-18626", refused=True),
    AnsweredHabit(
        "koha-bare-request",
        f'<request xmlns="http://example.com/ill/request">{LOAN}{BOOK}{ASKING_HEADER}</request>',
        ('<requestConfirmation xmlns="http://example.com/ill/request"',),
        201,
        "koha-18626",
    ),
    AnsweredHabit(
        "no-namespace", write_request(root='<ISO18626Message version="1.2">'), ("<ISO18626Message version=",)
    ),
    AnsweredHabit("text-xml", write_request(), ("<messageStatus>OK<",), content_type="text/xml"),
    AnsweredHabit(
        "illmock-wants-its-action", write_action("Received"), ("<action>Received</action>",), profile="iso18626-2017"
    ),
)


@dataclass(frozen=True)
class JudgedHabit:
    """`outcome`: the note of what was delivered, or words of a refusal, or what is raised. `repeated`: it may have been
    sent before."""

    habit: str
    status: int
    body: str
    outcome: str | type[Exception]
    kind: EventKind = EventKind.REQUEST
    role: Role = Role.BORROWING
    repeated: bool = False
    content_type: str = XML
    profile: str = ""


WITHOUT_IDS = (
    "<confirmationHeader><messageStatus>OK</messageStatus><timestamp>2026-11-26 13:00:01</timestamp>"
    "<timestampReceived>2026-11-26 13:00:01</timestampReceived></confirmationHeader>"
)
TALARIA = (
    f"<confirmationHeader>{SUPPLIER}{REQUESTER}<messageStatus>OK</messageStatus><reasonForMessage>StatusChange"
    "</reasonForMessage><supplyingAgencyRequestId>S-88</supplyingAgencyRequestId><requestingAgencyAuthentication/>"
    "</confirmationHeader>"
)
KNOWN = "requestingAgencyRequestId: request with a given ID already exists"

JUDGED = (
    JudgedHabit("koha-answers-201", 201, write_confirmation(WITHOUT_IDS), "request confirmed"),
    JudgedHabit(
        "koha-answers-400",
        400,
        write_confirmation(write_error("BadlyFormedMessage", "/request/serviceInfo: object, required")),
        "BadlyFormedMessage: /request/serviceInfo: object, required",
    ),
    JudgedHabit(
        "koha-answers-409",
        409,
        '{"error":"Duplicate"}',
        "request was there already",
        repeated=True,
        content_type="application/json",
    ),
    JudgedHabit("koha-answers-409", 409, '{"error":"Duplicate"}', Refused, content_type="application/json"),
    JudgedHabit(
        "koha-answers-in-json",
        200,
        '{"supplyingAgencyMessageConfirmation":{"confirmationHeader":{"messageStatus":"OK"},"reasonForMessage":'
        '"StatusChange"}}',
        "supplyingAgencyMessage StatusChange confirmed",
        role=Role.LENDING,
        kind=EventKind.SHIPPED,
    ),
    JudgedHabit("koha-answers-in-json", 200, '{"error":"Invalid request body"}', OutcomeUnknown),
    JudgedHabit("koha-answers-in-json", 200, "[" * 100_000, OutcomeUnknown),
    JudgedHabit(
        "koha-answers-in-json",
        200,
        '{"supplyingAgencyMessageConfirmation":{"confirmationHeader":{"messageStatus":null}}}',
        OutcomeUnknown,
    ),
    JudgedHabit("koha-answers-403", 403, '{"error":"Module off"}', Refused, content_type="application/json"),
    JudgedHabit("koha-answers-without-ids", 200, write_confirmation(WITHOUT_IDS), "request confirmed"),
    JudgedHabit(
        "koha-spells-with-z",
        400,
        write_confirmation(write_error("UnrecognizedDataValue", "agencyIdType: RESHARE")),
        "UnrecognisedDataValue: agencyIdType: RESHARE",
    ),
    JudgedHabit(
        "koha-spells-with-z", 400, write_confirmation(write_error("", "AuthenticationFailed")), "AuthenticationFailed"
    ),
    JudgedHabit(
        "koha-few-actions",
        400,
        write_confirmation(write_error("UnsupportedActionType", "Received"), "requestingAgencyMessage"),
        "UnsupportedActionType: Received",
        EventKind.RECEIVED,
    ),
    JudgedHabit(
        "oclc-swaps-timestamps",
        200,
        write_confirmation(write_confirmed()).replace(
            "<timestampReceived>2026-11-26T12:00:00Z", "<timestampReceived>2026-11-26T12:00:09Z"
        ),
        "request confirmed",
    ),
    JudgedHabit("talaria-full-header", 200, write_confirmation(TALARIA), "request confirmed"),
    JudgedHabit(
        "crosslink-no-reason",
        200,
        write_confirmation(write_confirmed(), "supplyingAgencyMessage"),
        "supplyingAgencyMessage StatusChange confirmed",
        EventKind.OVERDUE,
        Role.LENDING,
    ),
    JudgedHabit(
        "crosslink-answers-413",
        413,
        "message too large",
        "The partner refused it (HTTP 413).",
        content_type="text/plain",
    ),
    JudgedHabit("crosslink-answers-415", 415, "only application/xml", Refused, content_type="text/plain"),
    JudgedHabit(
        "crosslink-knows-the-request",
        200,
        write_confirmation(write_error("UnrecognisedDataValue", KNOWN)),
        "request was there already",
        repeated=True,
    ),
    JudgedHabit(
        "crosslink-knows-the-request",
        200,
        write_confirmation(write_error("UnrecognisedDataValue", KNOWN)),
        f"UnrecognisedDataValue: {KNOWN}",
    ),
    JudgedHabit(
        "crosslink-duplicate-request",
        200,
        write_confirmation(write_error("UnrecognisedDataValue", "duplicate request: 4710")),
        "UnrecognisedDataValue: duplicate request: 4710",
    ),
    JudgedHabit(
        "crosslink-far-side-away",
        200,
        write_confirmation(
            write_error("BadlyFormedMessage", "Could not send request to peer"), "requestingAgencyMessage"
        ),
        Postponed,
        EventKind.RECEIVED,
        profile="crosslink-18626",
    ),
    JudgedHabit(
        "crosslink-far-side-away", 502, "bad gateway", UnclearAnswer, EventKind.RECEIVED, content_type="text/plain"
    ),
    JudgedHabit(
        "crosslink-peers-do-less",
        200,
        write_confirmation(write_error("UnsupportedReasonForMessageType", "RenewResponse"), "supplyingAgencyMessage"),
        "UnsupportedReasonForMessageType: RenewResponse",
        EventKind.RENEW_REFUSED,
        Role.LENDING,
    ),
    JudgedHabit("reshare-answers-500", 500, "java.lang.NullPointerException", UnclearAnswer, content_type="text/plain"),
    JudgedHabit(
        "reshare-kinds-of-error",
        200,
        write_confirmation(
            write_error("UnrecognisedDataValue", "UnableToFindRequest: FJORD-1042~2"), "requestingAgencyMessage"
        ),
        "UnrecognisedDataValue: UnableToFindRequest: FJORD-1042~2",
        EventKind.RECEIVED,
    ),
    JudgedHabit(
        "reshare-kinds-of-error",
        200,
        write_confirmation(write_error("BadlyFormedMessage", "RequestIdAlreadyExists: 4711")),
        "request was there already",
        repeated=True,
    ),
    JudgedHabit("hypernova-answers-ehlo", 200, "<ehlo/>", OutcomeUnknown),
    JudgedHabit(
        "illmock-errors",
        200,
        write_confirmation(write_error("UnrecognisedDataValue", "MOCK ERROR")),
        "UnrecognisedDataValue: MOCK ERROR",
    ),
    JudgedHabit(
        "illmock-forgets",
        200,
        write_confirmation(write_error("UnrecognisedDataValue", "non-existing RequestingAgencyRequestId")),
        "UnrecognisedDataValue: non-existing RequestingAgencyRequestId",
    ),
    JudgedHabit(
        "illmock-knows-the-request",
        200,
        write_confirmation(write_error("UnrecognisedDataValue", "RequestingAgencyRequestId already exists")),
        "request was there already",
        repeated=True,
    ),
    JudgedHabit("illmock-errors", 400, "mock", "The partner refused it (HTTP 400).", content_type="text/plain"),
    JudgedHabit("illmock-errors", 500, "mock", OutcomeUnknown, content_type="text/plain"),
)
