"""What other responders answer, as far as it is known, and what it means to us (facts/ncip.md 1.2, 2, 2.11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from adapters.ncip.client import MessageValues, read_answer, read_reply
from adapters.ncip.client.replies import RefusedByPartner
from adapters.ncip.dialect import Errors, NcipDialect, Wording
from adapters.ncip.messages import CheckOutItemResponse, LookupUserResponse, Message, RequestItemResponse
from gateway.domain.library import RecordId
from gateway.domain.problems import (
    MalformationKind,
    MalformedMessage,
    MessagePart,
    OutcomeUnknown,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.ports.message_transport import TransportReply
from tests.protocol.ncip.support import LOOKED_UP, ZONE, message

LOOKUP = message("lookup-user", MessageValues(patron="21000000000017"))
ACCEPT = message("accept-item", MessageValues(request="ILL-1", items=("ILL-1",), patron="21000000000017"))
CHECK_OUT = message("check-out", MessageValues(patron="21000000000017", items=("ILL-1",)))
CHECK_IN = message("check-in", MessageValues(items=("ILL-1",)))
RENEW = message("renew", MessageValues(items=("ILL-1",), patron="21000000000017"))
REQUEST = message("request", MessageValues(patron="21000000000017", records=(RecordId("SYSNUMBER", "1001"),)))
REQUESTED = message("item-requested", MessageValues(patron="21000000000017", items=("i31",), request="R-9"))
CANCEL = message("cancel", MessageValues(request="R-9"))

KOHA = '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd">'
FOLIO = (
    '<?xml version="1.0" encoding="UTF-8"?><ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" '
    'ns1:version="http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd">'
)
V1 = '<NCIPMessage version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">'
INC = (
    '\n<!DOCTYPE NCIPMessage PUBLIC "-//NISO//NCIP DTD Version 1.0//EN" '
    '"http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">' + V1
)
OCLC = (
    '<?xml version="1.0" encoding="UTF-8"?><ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" '
    'ns1:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
)


def koha(service: str, type_: str, element: str = "UserId", value: str = "") -> str:
    return (
        f"{KOHA}<{service}Response><Problem><ProblemType>{type_}</ProblemType><ProblemDetail></ProblemDetail>"
        f"<ProblemElement>{element}</ProblemElement><ProblemValue>{value}</ProblemValue></Problem>"
        f"</{service}Response></NCIPMessage>"
    )


def inc(error: str) -> str:
    """INC's `fail`: the error's text as ToAgencyId of an ItemRequestedResponse."""
    return (
        f"{INC}<ItemRequestedResponse><ResponseHeader>"
        "<FromAgencyId><UniqueAgencyId><Scheme>http://a.example/schemes</Scheme><Value>VALM</Value></UniqueAgencyId>"
        "</FromAgencyId><ToAgencyId><UniqueAgencyId><Scheme>http://a.example/schemes</Scheme>"
        f"<Value>{error}</Value></UniqueAgencyId></ToAgencyId></ResponseHeader></ItemRequestedResponse></NCIPMessage>"
    )


@dataclass(frozen=True)
class Case:
    sent: Message
    answer: str
    reason: RefusalReason
    about: MessagePart | None = None


CASES = {
    "Koha, misspelt": Case(LOOKUP, koha("LookupUser", "Unkown User"), RefusalReason.UNKNOWN_PATRON, MessagePart.PATRON),
    "Koha, wrong PIN": Case(LOOKUP, koha("LookupUser", "User Authentication Failed"), RefusalReason.PATRON_AUTH_FAILED),
    "Koha, no id": Case(LOOKUP, koha("LookupUser", "No user identifier provided"), RefusalReason.DATA_MISSING),
    "Koha, waited for": Case(
        CHECK_OUT,
        koha("CheckOutItem", "Check Out Not Allowed - Item Has Outstanding Requests", "ItemIdentifierValue"),
        RefusalReason.REQUESTED_BY_OTHER,
        MessagePart.ITEM,
    ),
    "Koha, on loan": Case(
        CHECK_OUT,
        koha("CheckOutItem", "Check Out Not Allowed - Item Is Already Checked Out"),
        RefusalReason.ITEM_ON_LOAN,
    ),
    "Koha, limit": Case(CHECK_OUT, koha("CheckOutItem", "Maximum Check Outs Exceeded"), RefusalReason.LIMIT_REACHED),
    "Koha, pickup": Case(REQUEST, koha("RequestItem", "Pickup Library Invalid"), RefusalReason.BAD_PICKUP_LOCATION),
    "Koha, record": Case(REQUEST, koha("RequestItem", "Unknown Record"), RefusalReason.UNKNOWN_RECORD),
    "Koha, accept": Case(ACCEPT, koha("AcceptItem", "Cannot Accept Item"), RefusalReason.NOT_ALLOWED),
    "Koha, renewals": Case(
        RENEW,
        koha("RenewItem", "Renewal Not Allowed - Item Has Outstanding Requests"),
        RefusalReason.RENEWAL_HAS_REQUESTS,
    ),
    "Koha v1": Case(
        CHECK_IN,
        f"{V1}<CheckInItemResponse><ResponseHeader/><Problem><ProcessingError><ProcessingErrorType><Scheme>"
        "http://www.niso.org/ncip/v1_0/schemes/processingerrortype/checkinitemprocessingerror.scm</Scheme><Value>"
        "Item Not Checked Out</Value></ProcessingErrorType><ProcessingErrorElement><ElementName>UniqueItemId"
        "</ElementName></ProcessingErrorElement></ProcessingError></Problem></CheckInItemResponse></NCIPMessage>",
        RefusalReason.NOT_CHECKED_OUT,
        MessagePart.ITEM,
    ),
    "FOLIO, unknown user": Case(
        LOOKUP,
        f"{FOLIO}<ns1:LookupUserResponse><ns1:Problem><ns1:ProblemType/><ns1:ProblemElement>Userid"
        "</ns1:ProblemElement><ns1:ProblemValue>Did not find a user with that id</ns1:ProblemValue></ns1:Problem>"
        "</ns1:LookupUserResponse></ns1:NCIPMessage>",
        RefusalReason.UNKNOWN_PATRON,
        MessagePart.PATRON,
    ),
    "FOLIO, free text": Case(
        ACCEPT,
        f"{FOLIO}<ns1:AcceptItemResponse><ns1:Problem><ns1:ProblemType>Problem performing AcceptItem"
        "</ns1:ProblemType><ns1:ProblemDetail>Barcode must be unique, ILL-1 is already assigned to another item"
        "</ns1:ProblemDetail></ns1:Problem></ns1:AcceptItemResponse></ns1:NCIPMessage>",
        RefusalReason.DUPLICATE_ITEM,
    ),
    "FOLIO, text that nobody knows": Case(
        ACCEPT,
        f"{FOLIO}<ns1:AcceptItemResponse><ns1:Problem><ns1:ProblemType>Problem performing AcceptItem"
        "</ns1:ProblemType><ns1:ProblemDetail>The moon is in the wrong house</ns1:ProblemDetail></ns1:Problem>"
        "</ns1:AcceptItemResponse></ns1:NCIPMessage>",
        RefusalReason.OTHER,
    ),
    "Evergreen, any failure": Case(ACCEPT, inc("COPY_NOT_FOUND"), RefusalReason.OTHER),
    "Evergreen, patron": Case(CHECK_OUT, inc("PATRON_NOT_FOUND : 2100"), RefusalReason.UNKNOWN_PATRON),
    "Evergreen, a request refused": Case(REQUESTED, inc("PATRON_NOT_FOUND : 2100"), RefusalReason.UNKNOWN_PATRON),
    "Evergreen, LookupUser": Case(
        LOOKUP,
        f"{INC}<LookupUserResponse><Problem><ProcessingError><ProcessingErrorType><Scheme>http://a.example</Scheme>"
        "<Value>PATRON_NOT_FOUND : 2100</Value></ProcessingErrorType></ProcessingError></Problem>"
        "</LookupUserResponse></NCIPMessage>",
        RefusalReason.UNKNOWN_PATRON,
    ),
    "Alma v1, relayed root": Case(
        CHECK_OUT,
        f"{V1}<Response><ResponseHeader/><Problem><ProcessingError><ProcessingErrorType><Value>User Unknown</Value>"
        "</ProcessingErrorType></ProcessingError></Problem></Response></NCIPMessage>",
        RefusalReason.UNKNOWN_PATRON,
    ),
    "Alma v1, bare root": Case(
        CHECK_OUT,
        "<Response><Problem><ProcessingError><ProcessingErrorType><Value>User Unknown</Value></ProcessingErrorType>"
        "</ProcessingError></Problem></Response>",
        RefusalReason.UNKNOWN_PATRON,
    ),
    "Alma, not renewable": Case(
        CHECK_OUT,
        f"{OCLC}<ns1:CheckOutItemResponse><ns1:Problem><ns1:ProblemType>Apply to circulation desk - Loan cannot be "
        "renewed (no change in due date)</ns1:ProblemType></ns1:Problem></ns1:CheckOutItemResponse></ns1:NCIPMessage>",
        RefusalReason.NOT_RENEWABLE,
    ),
    "OCLC, constant in the detail": Case(
        CHECK_IN,
        f"{OCLC}<ns1:CheckInItemResponse><ns1:Problem><ns1:ProblemType>Element Rule Violated?</ns1:ProblemType>"
        "<ns1:ProblemDetail>UNKNOWN_ITEM</ns1:ProblemDetail><ns1:ProblemElement>ItemId</ns1:ProblemElement>"
        "<ns1:ProblemValue>128807/39000</ns1:ProblemValue></ns1:Problem></ns1:CheckInItemResponse></ns1:NCIPMessage>",
        RefusalReason.UNKNOWN_ITEM,
        MessagePart.ITEM,
    ),
    "OCLC, needed data": Case(
        LOOKUP,
        f"{OCLC}<ns1:Problem><ns1:ProblemType>Needed Data Missing</ns1:ProblemType><ns1:ProblemElement>//Name"
        "</ns1:ProblemElement></ns1:Problem></ns1:NCIPMessage>",
        RefusalReason.DATA_MISSING,
    ),
    "XC, top-level problem": Case(
        LOOKUP,
        f"{FOLIO}<ns1:Problem><ns1:ProblemType>Invalid Message Syntax Error</ns1:ProblemType></ns1:Problem>"
        "</ns1:NCIPMessage>",
        RefusalReason.INVALID_VALUE,
    ),
    "standard, a record": Case(
        REQUEST,
        f"{OCLC}<ns1:RequestItemResponse><ns1:Problem><ns1:ProblemType>Unknown Item</ns1:ProblemType>"
        "<ns1:ProblemElement>BibliographicId</ns1:ProblemElement></ns1:Problem></ns1:RequestItemResponse>"
        "</ns1:NCIPMessage>",
        RefusalReason.UNKNOWN_RECORD,
        MessagePart.RECORD,
    ),
    "several problems": Case(
        CHECK_OUT,
        f"{OCLC}<ns1:CheckOutItemResponse><ns1:Problem><ns1:ProblemType>See staff</ns1:ProblemType></ns1:Problem>"
        "<ns1:Problem><ns1:ProblemType>User Blocked</ns1:ProblemType></ns1:Problem></ns1:CheckOutItemResponse>"
        "</ns1:NCIPMessage>",
        RefusalReason.PATRON_BLOCKED,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_refusal_is_understood(case: Case) -> None:
    with pytest.raises(Refused) as refused:
        read_answer(case.answer.encode(), case.sent, NcipDialect(), ZONE)

    assert refused.value.reason is case.reason
    if case.about is not None:
        assert refused.value.about is case.about


def test_the_partners_own_words_are_kept_for_staff_and_not_told_on() -> None:
    answer = CASES["Evergreen, patron"]

    with pytest.raises(Refused) as refused:
        read_answer(answer.answer.encode(), answer.sent, NcipDialect(), ZONE)

    assert refused.value.internal == "PATRON_NOT_FOUND : 2100"
    assert "2100" not in refused.value.detail


@pytest.mark.parametrize(("element", "shown"), [("Password", "********"), ("", "********"), ("Barcode Id", "4711")])
def test_a_refused_pin_is_shown_to_nobody(element: str, shown: str) -> None:
    with pytest.raises(RefusedByPartner) as refused:
        read_answer(
            koha("LookupUser", "User Authentication Failed", element, "4711").encode(), LOOKUP, NcipDialect(), ZONE
        )

    assert refused.value.value == shown
    assert refused.value.problems[0].value == shown
    assert ("4711" in refused.value.internal) is (shown == "4711")


def test_a_profiles_own_wordings_come_first() -> None:
    wordings = {
        RefusalReason.PATRON_BLOCKED: Wording(type="Unknown User"),
        RefusalReason.UNKNOWN_ITEM: Wording(type="NO SUCH COPY {value}!"),
    }
    dialect = NcipDialect(errors=Errors(map=wordings))

    for type_, reason in (
        ("Unknown User", RefusalReason.PATRON_BLOCKED),
        ("NO SUCH COPY 39!", RefusalReason.UNKNOWN_ITEM),
    ):
        with pytest.raises(Refused) as refused:
            read_answer(koha("CheckOutItem", type_).encode(), CHECK_OUT, dialect, ZONE)
        assert refused.value.reason is reason


def test_success_has_its_values() -> None:
    answer = (
        f"{KOHA}<CheckOutItemResponse><ItemId><ItemIdentifierValue>ILL-1</ItemIdentifierValue></ItemId><UserId>"
        "<UserIdentifierValue>21000000000017</UserIdentifierValue></UserId><DateDue>2026-03-30T23:59:00</DateDue>"
        "</CheckOutItemResponse></NCIPMessage>"
    )

    answered = read_answer(answer.encode(), CHECK_OUT, NcipDialect(), ZONE)

    assert isinstance(answered.response, CheckOutItemResponse)
    assert answered.response.date_due == datetime(2026, 3, 30, 21, 59, tzinfo=UTC)  # Koha sends no zone
    assert isinstance(read_answer(LOOKED_UP, LOOKUP, NcipDialect(), ZONE).response, LookupUserResponse)


def test_a_request_answered_by_evergreen_with_our_agency_is_a_success() -> None:
    read_answer(inc("DEMO").encode(), REQUESTED, NcipDialect(), ZONE)


def test_folios_item_of_type_item_barcode_is_read() -> None:
    answer = (
        f"{FOLIO}<ns1:RequestItemResponse><ns1:ItemId><ns1:ItemIdentifierType>Item Barcode</ns1:ItemIdentifierType>"
        "<ns1:ItemIdentifierValue>39000000000011</ns1:ItemIdentifierValue></ns1:ItemId></ns1:RequestItemResponse>"
        "</ns1:NCIPMessage>"
    )

    response = read_answer(answer.encode(), REQUEST, NcipDialect(), ZONE).response

    assert isinstance(response, RequestItemResponse)
    assert response.item_id is not None
    assert response.item_id.value == "39000000000011"


MALFORMED = {
    "Koha understood nothing": (f"{KOHA}It works!</NCIPMessage>", "did not understand"),
    "BIB understood nothing": (f'<?xml version="1.0"?>{V1}</NCIPMessage>', "contains no message"),
    "another service": (koha("RenewItem", "").replace("<Problem>", "<Ext>").replace("</Problem>", "</Ext>"), "answer"),
    "our own question": (f"{KOHA}<LookupUser/></NCIPMessage>", "is not an answer"),
    "FOLIO's own problem": ("<Problem><message>could not build</message></Problem>", "not NCIPMessage"),
    "a page": ("<!DOCTYPE html><html><body><p>Sign in</body></html>", "html|mismatch"),
    "JSON": ('{"error": "no route"}', "line 1"),
    "nothing": ("", "empty"),
}


@pytest.mark.parametrize(("answer", "words"), MALFORMED.values(), ids=list(MALFORMED))
def test_what_is_no_answer_is_malformed(answer: str, words: str) -> None:
    with pytest.raises(MalformedMessage, match=words):
        read_answer(answer.encode(), LOOKUP, NcipDialect(), ZONE)


def test_kohas_greeting_alone_means_that_the_token_is_wrong() -> None:
    with pytest.raises(Refused) as refused:
        read_answer(b"It works!\n", LOOKUP, NcipDialect(), ZONE)

    assert refused.value.reason is RefusalReason.SENDER_AUTH_FAILED


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, MalformedMessage),
        (302, Unavailable),
        (400, Unavailable),
        (404, Unavailable),
        (415, Unavailable),
        (429, Unavailable),
        (503, Unavailable),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (504, OutcomeUnknown),
        (401, Refused),
        (403, Refused),
    ],
)
def test_without_ncip_the_status_says_what_can_have_been_done(status: int, error: type[Exception]) -> None:
    reply = TransportReply(b"<html><body>Sorry</body></html>", "text/html", status)

    with pytest.raises(error):
        read_reply(reply, LOOKUP, NcipDialect(), ZONE)


def test_an_ncip_answer_is_believed_whatever_the_status() -> None:
    assert read_reply(TransportReply(LOOKED_UP, status=500), LOOKUP, NcipDialect(), ZONE)
    with pytest.raises(Refused) as refused:
        read_reply(TransportReply(koha("LookupUser", "Unkown User").encode(), status=500), LOOKUP, NcipDialect(), ZONE)
    assert refused.value.reason is RefusalReason.UNKNOWN_PATRON


def test_half_an_answer_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        read_reply(TransportReply(LOOKED_UP[:200], status=200), LOOKUP, NcipDialect(), ZONE)


def test_the_answer_to_another_service_is_no_success() -> None:
    with pytest.raises(MalformedMessage) as malformed:
        read_answer(LOOKED_UP, replace(CANCEL), NcipDialect(), ZONE)

    assert malformed.value.fault is MalformationKind.PROTOCOL
