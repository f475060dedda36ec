"""What is read of OpenRS's declarations, what it is told, and what its answers mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from adapters.ncip.codec import encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Message
from adapters.ncip.messages.declaration import RawElement
from adapters.ncip.openrs.dialect import OpenRsDialect
from adapters.ncip.openrs.extension import read_shipping_context
from adapters.ncip.openrs.messages_sent import WRITERS, body_of_event
from adapters.ncip.openrs.replies import judge_reply
from gateway.domain.library import RecordId
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import REQUESTER_PATRON, WANTED_ITEM, Citation, CitationExtra
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, Role
from gateway.ports.message_transport import TransportReply
from gateway.ports.partner_channel import PartnerMessage
from tests.support.openrs_hub import FALLBACK, NUMBER, load_schema, wrap_message
from tests.support.requests import borrowing, lending

NOW = datetime(2026, 11, 28, 9, 10, tzinfo=UTC)
NAMED = NcipDialect.model_validate({"header": {"our_system": "APPL-OAK", "partner_system": "DCB-RIVER"}})
FORMS = (
    OpenRsDialect(),
    OpenRsDialect.model_validate({"promise": "RequestItemResponse", "back": "ItemCheckedIn", "item_id_type": ""}),
)
KNOWN = (CitationExtra(REQUESTER_PATRON, "9001"), CitationExtra(WANTED_ITEM, "30001"))


def make_message(role: Role, kind: EventKind, *extras: CitationExtra, **details: Any) -> PartnerMessage:
    request = (
        replace(
            lending(), item_barcode="30001", citation=Citation(title="冬の川", identifiers=(RecordId("local", "b77"),))
        )
        if role is Role.LENDING
        else borrowing()
    )
    return PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=LibraryParty(symbol="OAK"),
        receiver=LibraryParty(symbol="ELM", name="Elmwood Library"),
        role=role,
        transaction=f"{NUMBER}:{'SUPPLIER' if role is Role.LENDING else 'BORROWER'}",
        details=EventDetails(**details),
        request=replace(request, extras=extras),
    )


@pytest.mark.parametrize("dialect", FORMS, ids=["usual", "other"])
@pytest.mark.parametrize(("role", "kind"), sorted(WRITERS))
def test_each_message_fits_the_schema_and_names_its_request(
    role: Role, kind: EventKind, dialect: OpenRsDialect
) -> None:
    message = make_message(role, kind, *KNOWN, note="Searched <twice> & more")
    written = etree.fromstring(encode_message(Message(body=body_of_event(message, dialect, NAMED))))

    assert written.xpath("string(//*[local-name() = 'RequestIdentifierValue'])") == message.transaction
    schema = load_schema()
    if schema is None:
        pytest.skip("no schema files (ILLGATE_SPECS)")
    schema.assertValid(written)


@pytest.mark.parametrize(
    ("message", "ncip", "words"),
    [
        (make_message(Role.LENDING, EventKind.RECALL, *KNOWN), NAMED, "OpenRS has no message for recall"),
        (make_message(Role.BORROWING, EventKind.RECEIVED, KNOWN[0]), NAMED, "the barcode of the item is not known"),
        (make_message(Role.BORROWING, EventKind.RECEIVED, KNOWN[1]), NAMED, "its number for the patron is not known"),
        (make_message(Role.LENDING, EventKind.SHIPPED, *KNOWN), NcipDialect(), "does not name both systems"),
    ],
    ids=["kind", "barcode", "patron", "systems"],
)
def test_what_can_not_be_told_is_said(message: PartnerMessage, ncip: NcipDialect, words: str) -> None:
    with pytest.raises(Refused, match=words):
        body_of_event(message, OpenRsDialect(), ncip)


def make_reply(body: str, status: int = 200) -> TransportReply:
    return TransportReply(wrap_message(body).encode() if body else b"", status=status)


PROBLEM = "<Problem><ProblemType>Processing Error</ProblemType><ProblemDetail>no role</ProblemDetail></Problem>"
SHIPPED = body_of_event(make_message(Role.LENDING, EventKind.SHIPPED, *KNOWN), OpenRsDialect(), NAMED)
PROMISED = body_of_event(make_message(Role.LENDING, EventKind.WILL_SUPPLY, *KNOWN), FORMS[1], NAMED)


def test_what_was_taken_is_done() -> None:
    assert judge_reply(make_reply("<ItemShippedResponse/>"), SHIPPED, NAMED).note == "ItemShipped taken"
    assert judge_reply(make_reply("", 204), PROMISED, NAMED).note == "RequestItemResponse taken"


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (make_reply(f"<ItemShippedResponse>{PROBLEM}</ItemShippedResponse>"), Refused, "ItemShipped: no role"),
        (make_reply(PROBLEM), Refused, "no role"),
        (make_reply(PROBLEM, 401), Refused, r"rejected our sign-in \(HTTP 401\): no role"),
        (make_reply("", 403), Refused, "rejected our sign-in"),
        (make_reply("", 404), Refused, "HTTP 404"),
        (make_reply("", 503), Unavailable, "HTTP 503"),
        (make_reply("", 500), OutcomeUnknown, "HTTP 500"),
        (make_reply("", 204), OutcomeUnknown, "HTTP 204"),
        (make_reply("<ItemReceivedResponse/>"), OutcomeUnknown, "a different message"),
    ],
    ids=["problem", "problem-alone", "401", "403", "404", "503", "500", "empty", "other"],
)
def test_what_was_not_taken_says_what_follows(reply: TransportReply, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        judge_reply(reply, SHIPPED, NAMED)
    is_ours = isinstance(raised.value, Refused) and raised.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert is_ours == (reply.status in (401, 403))


def test_all_of_a_shipping_context_is_kept() -> None:
    told = (
        f'<o:ShippingContext xmlns:o="{FALLBACK}"><o:Patron><o:Barcode>9001</o:Barcode></o:Patron>'
        "<o:PickupDestination><o:DisplayName>Elmwood</o:DisplayName><o:Kind>PICKUP_LOCATION</o:Kind></o:PickupDestination>"
        "<o:Drone>yes</o:Drone></o:ShippingContext>"
    )
    other = RawElement("Colour", "red", '<Colour xmlns="urn:x">red</Colour>')
    context = read_shipping_context((RawElement("ShippingContext", "", told), other), FALLBACK)

    assert [(one.name, one.value) for one in context.extras] == [
        (REQUESTER_PATRON, "9001"),
        ("pickup-place", "Elmwood"),
        ("PickupDestination/Kind", "PICKUP_LOCATION"),
        ("Drone", "yes"),
        ("Colour", "red"),
    ]
    assert context.find_value("pickup-place") == "Elmwood"


@pytest.mark.parametrize(
    ("settings", "role", "kind", "plain", "changed"),
    [
        ({"request_type": "Loan"}, Role.LENDING, EventKind.UNFILLED, ">Hold<", ">Loan<"),
        ({"reason_else": "SORRY"}, Role.LENDING, EventKind.UNFILLED, ">NOT_SUPPLIED<", ">SORRY<"),
        ({"extension": "urn:own"}, Role.LENDING, EventKind.UNFILLED, "openrs.org/ncip/fallback-host", "urn:own"),
        ({"request_scope": "Item"}, Role.LENDING, EventKind.WILL_SUPPLY, ">Bibliographic Item<", ">Item<"),
        ({"address_type": "Dock"}, Role.LENDING, EventKind.SHIPPED, ">Ship To<", ">Dock<"),
    ],
)
def test_a_message_is_written_as_the_settings_say(
    settings: dict[str, str], role: Role, kind: EventKind, plain: str, changed: str
) -> None:
    message = make_message(role, kind, *KNOWN, note="Searched twice")
    message = replace(message, receiver=replace(message.receiver, address="Gate 4\nElmwood"))
    before, after = (
        encode_message(Message(body=body_of_event(message, OpenRsDialect.model_validate(more), NAMED))).decode()
        for more in ({}, settings)
    )

    assert [plain in before, changed in before, plain in after, changed in after] == [True, False, False, True]
