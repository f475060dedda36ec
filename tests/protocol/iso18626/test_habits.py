"""Messages as partners really write them, and what is read from each (docs/facts/iso-18626.md 2 and 8).

Each row is made by us with one habit of one system; what is odd about it is a remark, and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.iso18626.codec import NAMESPACE, decode_message
from adapters.iso18626.messages import (
    OpenCode,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    SchemaVersion,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
)
from adapters.iso18626.messages.codes import Action, ErrorType, ReasonForMessage, ServiceType, Status
from adapters.iso18626.messages.structures import Costs
from gateway.domain.problems import MalformationKind, MalformedMessage

V1_1, V1_2, V2021 = SchemaVersion.V1_1, SchemaVersion.V1_2, SchemaVersion.V2021
ROOT = f'<ISO18626Message xmlns="{NAMESPACE}" xmlns:ill="{NAMESPACE}" ill:version="1.2">'

AGENCIES = (
    "<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>DE-Brt1</agencyIdValue></supplyingAgencyId>"
    "<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>NO-0030101</agencyIdValue></requestingAgencyId>"
)
HEADER = (
    f"<header>{AGENCIES}<multipleItemRequestId/><timestamp>2026-11-26T12:00:00Z</timestamp>"
    "<requestingAgencyRequestId>4711</requestingAgencyRequestId></header>"
)
BOOK = "<bibliographicInfo><title>Sult</title></bibliographicInfo>"
LOANED = (
    "<messageInfo><reasonForMessage>StatusChange</reasonForMessage></messageInfo>"
    "<statusInfo><status>Loaned</status><dueDate>2026-12-24T23:59:59Z</dueDate>"
    "<lastChange>2026-11-26T12:00:00Z</lastChange></statusInfo>"
)


def build_request(inside: str = BOOK, root: str = ROOT) -> str:
    return f"{root}<request>{HEADER}{inside}</request></ISO18626Message>"


def build_answer(inside: str = LOANED, root: str = ROOT, header: str = HEADER) -> str:
    return f"{root}<supplyingAgencyMessage>{header}{inside}</supplyingAgencyMessage></ISO18626Message>"


def read_answer(text: str, zone: str = "Europe/Oslo") -> SupplyingAgencyMessage:
    message = decode_message(text.encode(), ZoneInfo(zone)).message
    assert isinstance(message, SupplyingAgencyMessage)
    return message


def read_request(text: str) -> Request:
    message = decode_message(text.encode()).message
    assert isinstance(message, Request)
    return message


# --- the envelope ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Envelope:
    habit: str
    text: str
    version: SchemaVersion
    said: str
    remarks: tuple[str, ...] = ()


ENVELOPES = [
    Envelope("by the book", build_request(), V1_2, "1.2"),
    Envelope(
        "version without its prefix",
        build_request(root=f'<ISO18626Message xmlns="{NAMESPACE}" version="1.2">'),
        V1_2,
        "1.2",
    ),
    Envelope("OCLC: its own version", build_request(root=ROOT.replace("1.2", "v1_2_2017")), V1_2, "v1_2_2017"),
    Envelope("ReShare: an empty version", build_request(root=ROOT.replace("1.2", "")), V1_2, "", ("says no version",)),
    Envelope(
        "ReShare: no namespace",
        build_request(root='<ISO18626Message version="1.2">'),
        V1_2,
        "1.2",
        ("no namespace",),
    ),
    Envelope(
        "Koha's plug-in: the message alone, in a namespace of its own",
        f'<request xmlns="http://example.com/ill/request">{HEADER}{BOOK}</request>',
        V1_2,
        "",
        ("stands without ISO18626Message", "another namespace"),
    ),
    Envelope(
        "Koha core: 2021-3",
        build_answer(
            LOANED.replace("</messageInfo>", "</messageInfo><!-- c -->") + "<shippingInfo/>",
            ROOT.replace("1.2", "2021-3"),
        ),
        V2021,
        "2021-3",
    ),
    Envelope(
        "1.1 that calls itself 1.0",
        build_request(root=ROOT.replace("1.2", "1.0")).replace("<multipleItemRequestId/>", ""),
        V1_1,
        "1.0",
    ),
    Envelope("says 1.2 and is of 2021", build_answer(LOANED + "<retryInfo/>"), V2021, "1.2"),
    Envelope(
        "a prefix on every element",
        build_request().replace("<", "<ns1:").replace("<ns1:/", "</ns1:").replace('xmlns="', 'xmlns:ns1="'),
        V1_2,
        "1.2",
    ),
]


@pytest.mark.parametrize("row", ENVELOPES, ids=[row.habit for row in ENVELOPES])
def test_envelopes(row: Envelope) -> None:
    decoded = decode_message(row.text.encode())

    assert decoded.shape.version is row.version
    assert decoded.shape.version_string == row.said
    assert tuple(remark.what for remark in decoded.remarks) == row.remarks
    assert decoded.message.header is not None
    assert decoded.message.header.requesting_agency_request_id == "4711"


# --- inside ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "zone", "read"),
    [
        ("2026-12-24T23:59:59Z", "Europe/Oslo", "2026-12-24T23:59:59+00:00"),
        ("2026-12-24T23:59:59+0000", "Europe/Oslo", "2026-12-24T23:59:59+00:00"),
        ("2026-12-24T23:59:59+01:00", "Europe/Oslo", "2026-12-24T22:59:59+00:00"),
        ("2026-12-24T23:59:59.123456789Z", "Europe/Oslo", "2026-12-24T23:59:59.123456+00:00"),
        ("2026-12-24 23:59:59", "Europe/Oslo", "2026-12-24T22:59:59+00:00"),
        ("2026-12-24T10:00", "America/New_York", "2026-12-24T15:00:00+00:00"),
        ("2026-12-24", "Europe/Oslo", "2026-12-24T22:59:59+00:00"),
    ],
)
def test_moments(written: str, zone: str, read: str) -> None:
    answer = read_answer(build_answer(LOANED.replace("2026-12-24T23:59:59Z", written)), zone)

    assert answer.status_info is not None
    assert answer.status_info.due_date == datetime.fromisoformat(read)


@pytest.mark.parametrize(
    "written", ["", "soon", "0001-01-01T00:00:00Z", "2026-13-45T00:00:00Z", "9999-12-31T23:59:59-12:00"]
)
def test_a_moment_that_is_none_is_absent(written: str) -> None:
    decoded = decode_message(build_answer(LOANED.replace("2026-12-24T23:59:59Z", written)).encode())

    assert isinstance(decoded.message, SupplyingAgencyMessage)
    assert decoded.message.status_info is not None
    assert decoded.message.status_info.due_date is None
    assert [remark.what for remark in decoded.remarks] == (["not a moment"] if written else [])
    assert written not in repr(decoded.remarks) or not written


def test_elements_in_any_order() -> None:
    service = (
        "<serviceInfo><note>Bd. 2</note><serviceType>Loan</serviceType><requestType>New</requestType></serviceInfo>"
    )
    request = read_request(f"{ROOT}<request>{service}{BOOK}{HEADER}</request></ISO18626Message>")

    assert request.service_info is not None
    assert (request.service_info.note, request.service_info.service_type) == ("Bd. 2", ServiceType.LOAN)


def test_words_however_they_are_capitalised() -> None:
    answer = read_answer(build_answer(LOANED.replace("Loaned", "LOANED").replace("StatusChange", "statuschange")))

    assert answer.status_info is not None
    assert answer.message_info is not None
    assert answer.status_info.status is Status.LOANED
    assert answer.message_info.reason_for_message is ReasonForMessage.STATUS_CHANGE


def test_a_word_that_the_list_does_not_have_stays() -> None:
    decoded = decode_message(build_answer(LOANED.replace("Loaned", "Misplaced")).encode())

    assert isinstance(decoded.message, SupplyingAgencyMessage)
    assert decoded.message.status_info is not None
    assert decoded.message.status_info.status == "Misplaced"
    assert [remark.place for remark in decoded.remarks] == ["supplyingAgencyMessage/statusInfo/status"]


def test_an_empty_status_is_absent() -> None:
    answer = read_answer(build_answer(LOANED.replace("Loaned", "")))

    assert answer.status_info is not None
    assert answer.status_info.status is None


@pytest.mark.parametrize("attribute", ["ill:scheme", "scheme", "schema"])
def test_the_scheme_of_a_code_with_and_without_prefix(attribute: str) -> None:
    code = f'<reasonUnfilled {attribute}="http://library.example/reasons">NotOnShelf</reasonUnfilled></messageInfo>'
    answer = read_answer(build_answer(LOANED.replace("</messageInfo>", code)))

    assert answer.message_info is not None
    assert answer.message_info.reason_unfilled == OpenCode("NotOnShelf", "http://library.example/reasons")


def test_costs_of_1_2_are_read_where_2021_has_them() -> None:
    costs = "<offeredCosts><currencyCode>NOK</currencyCode><monetaryValue>120,50</monetaryValue></offeredCosts>"
    answer = read_answer(build_answer(LOANED.replace("</messageInfo>", f"{costs}</messageInfo>")))

    assert answer.retry_info is not None
    assert answer.retry_info.offered_costs == (Costs(currency=OpenCode("NOK"), amount=Decimal("120.50")),)


def test_an_element_that_the_standard_does_not_have_is_kept() -> None:
    decoded = decode_message(build_request(f'{BOOK}<zflInfo xmlns="urn:zfl"><type a="1">x</type></zflInfo>').encode())

    assert [(raw.path, raw.text, raw.xml) for raw in decoded.message.unknown] == [
        ("request/zflInfo", "x", '<zflInfo xmlns="urn:zfl"><type a="1">x</type></zflInfo>')
    ]
    assert [remark.place for remark in decoded.remarks] == ["request/zflInfo"]


def test_a_second_of_what_stands_once_is_kept_beside_it() -> None:
    decoded = decode_message(
        build_request("<bibliographicInfo><title>A</title><title>B</title></bibliographicInfo>").encode()
    )

    assert isinstance(decoded.message, Request)
    assert decoded.message.bibliographic_info is not None
    assert decoded.message.bibliographic_info.title == "A"
    assert [raw.text for raw in decoded.message.bibliographic_info.unknown] == ["B"]


def test_several_volumes_in_a_version_that_has_one() -> None:
    request = read_request(build_request("<bibliographicInfo><volume>1</volume><volume>2</volume></bibliographicInfo>"))

    assert request.bibliographic_info is not None
    assert request.bibliographic_info.volumes == ("1", "2")


# --- confirmations ---------------------------------------------------------------------------------------


def test_a_confirmation_of_koha_has_no_numbers() -> None:
    text = (
        f"{ROOT}<requestConfirmation><confirmationHeader><messageStatus>ERROR</messageStatus>"
        "<timestamp>2026-11-26T12:00:00Z</timestamp><timestampReceived>2026-11-26T12:00:00Z</timestampReceived>"
        "</confirmationHeader><errorData><errorValue>AuthenticationFailed</errorValue></errorData>"
        "<errorData><errorType>UnrecognizedDataValue</errorType></errorData></requestConfirmation></ISO18626Message>"
    )
    confirmation = decode_message(text.encode()).message

    assert isinstance(confirmation, RequestConfirmation)
    assert [(error.type, error.value) for error in confirmation.errors] == [
        (None, "AuthenticationFailed"),
        (ErrorType.UNRECOGNISED_DATA_VALUE, None),
    ]


def test_a_confirmation_of_talaria_has_more_in_its_header() -> None:
    text = (
        f"{ROOT}<supplyingAgencyMessageConfirmation><confirmationHeader>{AGENCIES}<messageStatus>OK</messageStatus>"
        "<reasonForMessage>StatusChange</reasonForMessage><requestingAgencyAuthentication/></confirmationHeader>"
        "</supplyingAgencyMessageConfirmation></ISO18626Message>"
    )
    decoded = decode_message(text.encode())

    assert isinstance(decoded.message, SupplyingAgencyMessageConfirmation)
    assert decoded.message.header is not None
    assert decoded.message.header.message_status == "OK"
    assert len(decoded.message.header.unknown) == 2


def test_an_action_by_a_bare_root_without_namespace() -> None:
    message = decode_message(
        f"<requestingAgencyMessage>{HEADER}<action>ShippedReturn</action></requestingAgencyMessage>".encode()
    ).message

    assert isinstance(message, RequestingAgencyMessage)
    assert message.action is Action.SHIPPED_RETURN


# --- what is no message ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "fault", "words"),
    [
        (b"", MalformationKind.SYNTAX, "empty"),
        (b"<ISO18626Message", MalformationKind.SYNTAX, "not well-formed"),
        (b"<ehlo/>", MalformationKind.PROTOCOL, "not a message of ISO 18626"),
        (b"<ISO18626Message/>", MalformationKind.DATA_MISSING, "holds 0 messages"),
        (b"<ISO18626Message><request/><request/></ISO18626Message>", MalformationKind.UNKNOWN_SERVICE, "holds 2"),
        (b"<ISO18626Message><patronMessage/></ISO18626Message>", MalformationKind.UNKNOWN_SERVICE, "holds 0"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><request>&b;</request>', MalformationKind.SYNTAX, "DOCTYPE"),
        (b"<request>" + b"<a>" * 64 + b"</a>" * 64 + b"</request>", MalformationKind.TOO_LARGE, "deeper than"),
        (b"<request>" + b"<a/>" * 20_000 + b"</request>", MalformationKind.TOO_LARGE, "elements"),
        (b" " * 1_000_001, MalformationKind.TOO_LARGE, "larger than"),
    ],
    ids=["empty", "cut", "other", "nothing-in-it", "two", "unknown", "doctype", "deep", "many", "large"],
)
def test_what_is_no_message_is_said_so(data: bytes, fault: MalformationKind, words: str) -> None:
    with pytest.raises(MalformedMessage, match=words) as caught:
        decode_message(data)
    assert caught.value.fault is fault


@settings(max_examples=300)
@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: build_request(text).encode("utf-8", "surrogatepass"))
    | st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=4)).map(
        lambda cut: build_answer().encode()[: cut[0]] + cut[1] + build_answer().encode()[cut[0] :]
    )
)
def test_any_octets_are_a_message_or_malformed(data: bytes) -> None:
    try:
        decode_message(data, UTC)
    except MalformedMessage as malformed:
        said = (malformed.place, malformed.reason)
    else:
        return
    assert all(said)


@pytest.mark.parametrize("written", ["1e999999999", "1E+30", "NaN", "1.000.000", "9" * 40])
def test_an_amount_that_is_none_is_absent(written: str) -> None:
    """An exponent would be a text of a gigabyte where the amount is written out."""
    cost = f"<maximumCosts><currencyCode>NOK</currencyCode><monetaryValue>{written}</monetaryValue></maximumCosts>"
    request = read_request(build_request(f"{BOOK}<billingInfo>{cost}</billingInfo>"))

    assert request.billing_info is not None
    assert request.billing_info.maximum_costs == Costs(currency=OpenCode("NOK"))


def test_an_unknown_element_with_a_relative_namespace_is_kept() -> None:
    """Canonical XML can't have one."""
    request = read_request(build_request(f'{BOOK}<extra xmlns="fjordby">nynorsk</extra>'))

    (kept,) = request.unknown
    assert kept.text == "nynorsk"
    assert kept.xml.startswith('<extra xmlns="fjordby"')
