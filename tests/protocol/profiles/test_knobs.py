"""What the shipped profiles need of the dialect beside the standard: each key does what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ValidationError

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.responder import NcipResponder
from gateway.domain.problems import MalformedMessage, MessagePart, Refusal, RefusalReason
from gateway.domain.profile import Profile
from gateway.ports.responder import ExchangeContext, RawMessage, TransportKind

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HEADER = (
    "<InitiationHeader><FromAgencyId><AgencyId>VALM</AgencyId></FromAgencyId>"
    "<ToAgencyId><AgencyId>DEMO</AgencyId></ToAgencyId></InitiationHeader>"
)


def lookup_user(service: str = "LookupUser") -> bytes:
    return (
        f'<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><{service}>{HEADER}'
        f"<UserId><UserIdentifierValue>4711</UserIdentifierValue></UserId></{service}></NCIPMessage>"
    ).encode()


def arrival(content_type: str | None = "application/xml", body: bytes | None = None) -> RawMessage:
    headers = {} if content_type is None else {"content-type": content_type}
    return RawMessage(body or lookup_user(), NOW, TransportKind.HTTP, "ncip", headers=headers)


def conversation(**dialect: object) -> ExchangeContext:
    section: BaseModel = NcipDialect.model_validate(dialect)
    profile = Profile(name="valmont", dialects={"ncip": section})
    return ExchangeContext(profile, "DEMO", ZoneInfo("Europe/Zurich"), "EUR", NOW)


def refused(talk: ExchangeContext, body: bytes | None = None) -> str:
    responder = NcipResponder()
    envelope = responder.open(arrival(body=body), 100_000)
    refusal = Refusal(RefusalReason.UNKNOWN_PATRON, "There is no such patron.", MessagePart.PATRON, "4711")
    return responder.refuse(envelope, refusal, talk).body.decode()


# --- answers.include -------------------------------------------------------------------------------------


def test_naming_the_parts_of_one_service_leaves_the_other_services_as_they_are() -> None:
    dialect = NcipDialect.model_validate({"answers": {"include": {"AcceptItem": ["item-id", "user-id"]}}})

    assert dialect.answers.include["AcceptItem"] == ("item-id", "user-id")
    assert dialect.answers.include["RenewItem"] == NcipDialect().answers.include["RenewItem"]


# --- xml.element_order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "problem"),
    [
        ([("AcceptItm", ["PickupLocation", "ItemId"])], "no such message or structure (did you mean AcceptItem?)"),
        ([("UniqueItemId", ["A", "B"])], "no such message or structure (did you mean ItemId?)"),
        (
            [("AcceptItem", ["PickUpLocation", "ItemId"])],
            "AcceptItem has no element PickUpLocation (did you mean PickupLocation?); it has DateForReturn",
        ),
        ([("AcceptItem", ["UniqueItemId", "UserId"])], "AcceptItem has no element UniqueItemId (did you mean ItemId?)"),
        ([("ItemId", ["AgencyId", "Title"])], "ItemId has no element Title; it has AgencyId"),
        ([("AcceptItem", ["ItemId", "UserId", "ItemId"])], "ItemId stands here more than once"),
        ([("AcceptItem", ["ItemId", "UserId"]), ("AcceptItem", ["UserId", "ItemId"])], "AcceptItem stands here more"),
    ],
)
def test_an_order_of_what_is_not_there_is_found_when_the_profile_is_read(
    orders: list[tuple[str, list[str]]], problem: str
) -> None:
    said = [{"structure": structure, "elements": elements} for structure, elements in orders]

    with pytest.raises(ValidationError) as found:
        NcipDialect.model_validate({"xml": {"element_order": said}})

    assert problem in str(found.value)


def test_extra_elements_and_structures_inside_messages_may_be_ordered() -> None:
    said = [
        {"structure": "CheckInItem", "elements": ["RequestId", "UserId", "ItemId"]},
        {"structure": "BibliographicDescription", "elements": ["Title", "Author"]},
    ]

    assert len(NcipDialect.model_validate({"xml": {"element_order": said}}).xml.element_order) == 2


# --- header.agencies_of and errors.shape_of --------------------------------------------------------------


def test_agencies_are_copied_but_swapped_where_a_service_says_so() -> None:
    copied = refused(conversation(header={"agencies": "copied"}))
    swapped = refused(conversation(header={"agencies": "copied", "agencies_of": {"LookupUser": "swapped"}}))

    assert copied.index("VALM") < copied.index("DEMO")
    assert swapped.index("DEMO") < swapped.index("VALM")


def test_an_error_has_the_shape_of_its_service_before_the_general_one() -> None:
    errors = {"shape": "item-requested", "shape_of": {"LookupUser": "service"}}

    assert "LookupUserResponse" in refused(conversation(errors=errors))
    assert "ItemRequestedResponse" in refused(conversation(errors=errors), lookup_user("UpdateUser"))


# --- errors.map with {value} -----------------------------------------------------------------------------


def test_what_was_sent_can_be_put_into_the_words_of_a_refusal() -> None:
    worded = {"type": "PATRON_NOT_FOUND : {value}", "value": "12345/{value}"}

    answer = refused(conversation(errors={"map": {"unknown-patron": worded}}))

    assert ">PATRON_NOT_FOUND : 4711<" in answer
    assert ">12345/4711<" in answer


def test_another_field_in_braces_is_refused_when_the_profile_is_read() -> None:
    with pytest.raises(ValidationError, match=r"it may contain \{value\}"):
        NcipDialect.model_validate({"errors": {"map": {"unknown-patron": {"type": "no {patron}"}}}})


# --- http.accepted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/xml", "Application/XML; charset=utf-8"])
def test_an_accepted_media_type_is_read(content_type: str) -> None:
    responder = NcipResponder()
    envelope = responder.open(arrival(content_type), 100_000)

    incoming = responder.decode(envelope, conversation(http={"accepted": ["application/xml"]}))

    assert incoming.service == "LookupUser"


@pytest.mark.parametrize("content_type", ["text/html", None])
def test_others_are_told_what_is_accepted(content_type: str | None) -> None:
    responder = NcipResponder()
    envelope = responder.open(arrival(content_type), 100_000)

    with pytest.raises(MalformedMessage, match="only application/xml is accepted"):
        responder.decode(envelope, conversation(http={"accepted": ["application/xml"]}))


def test_every_media_type_is_taken_unless_the_profile_says_which() -> None:
    responder = NcipResponder()

    assert responder.decode(responder.open(arrival(None), 100_000), conversation()).service == "LookupUser"
