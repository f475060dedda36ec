"""Settings of the NCIP dialect that no story of a partner tries: with another value, an answer is another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.openrs.dialect import OpenRsHttp
from adapters.ncip.responder import NcipResponder
from gateway.cli.installation import Installation
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Refusal, RefusalReason
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.domain.requests.events import LoanCondition
from gateway.ports.message_transport import HttpPlace, SendTimeouts, TcpPlace
from gateway.ports.responder import ExchangeContext, RawMessage, TransportKind
from gateway.ports.tls import ClientTls
from gateway.runtime.sample_libraries import SampleLibraries
from tests.support.partner_rights import give_all_rights
from tests.support.paths import ROOT

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
MESSAGE = (
    '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" xmlns:n="http://www.niso.org/2008/ncip" '
    'n:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"><{service}><InitiationHeader>'
    "<FromAgencyId><AgencyId>EBU</AgencyId></FromAgencyId><ToAgencyId><AgencyId>DEMO</AgencyId></ToAgencyId>"
    "</InitiationHeader>{content}</{service}></NCIPMessage>"
)
REQUEST_ID = "<RequestId><AgencyId>EBU</AgencyId><RequestIdentifierValue>EBU-1</RequestIdentifierValue></RequestId>"
PATRON, BLOCKED, EXPIRED = "21000000000017", "21000000000233", "21000000000249"
BOOK, READING_ROOM = "39000000000011", "39000000000067"


def make_message(service: str, content: str, user: str = "", item: str = "") -> str:
    by_user = f"<UserId><UserIdentifierValue>{user}</UserIdentifierValue></UserId>" if user else ""
    by_item = f"<ItemId><ItemIdentifierValue>{item}</ItemIdentifierValue></ItemId>" if item else ""
    return MESSAGE.format(service=service, content=by_user + by_item + content)


def look_up_user(number: str, element: str = "") -> str:
    return make_message("LookupUser", element and f"<UserElementType>{element}</UserElementType>", user=number)


def look_up_item(barcode: str, element: str = "") -> str:
    return make_message("LookupItem", element and f"<ItemElementType>{element}</ItemElementType>", item=barcode)


NAME, PRIVILEGE = look_up_user(PATRON, "Name Information"), look_up_user(PATRON, "User Privilege")
ADDRESS, PLACE = look_up_user(PATRON, "User Address Information"), look_up_item(BOOK, "Location")
TYPE, SCOPE = "<RequestType>Hold</RequestType>", "<RequestScopeType>Item</RequestScopeType>"
HOLD = make_message("RequestItem", "<PickupLocation>MAIN</PickupLocation>", user=PATRON, item=BOOK)
LOAN = make_message("CheckOutItem", "<DesiredDateDue>2027-03-10T21:59:00Z</DesiredDateDue>", user=PATRON, item=BOOK)
TITLE = look_up_item(BOOK, "Bibliographic Description")
ODD = make_message("CirculationStatusUpdated", "<CirculationStatus>Odd</CirculationStatus>", item=BOOK)
DUE = "2027-03-10T21:59:00Z"
RESERVE = make_message("RequestItem", "<RequestType>Reserve</RequestType>" + SCOPE, user=PATRON, item=BOOK)
SCOPED = make_message("RequestItem", TYPE + "<RequestScopeType>Copy</RequestScopeType>", user=PATRON, item=BOOK)

SETTINGS: tuple[tuple[str, Any, str, str, str], ...] = (
    ("patrons.name_format", "unstructured", NAME, "GivenName>", ""),
    ("patrons.unstructured_name", "direct", NAME, ">Müller, Ana<", ">Ana Müller<"),
    ("patrons.status_ok", "GOOD", PRIVILEGE, ">ACTIVE<", ">GOOD<"),
    ("patrons.status_blocked", "STOP", look_up_user(BLOCKED, "User Privilege"), ">BLOCKED<", ">STOP<"),
    ("patrons.status_expired", "OLD", look_up_user(EXPIRED, "User Privilege"), ">EXPIRED<", ">OLD<"),
    ("patrons.block_words", {"borrow": "No"}, look_up_user(BLOCKED, "Block Or Trap"), ">Block Renewal<", ">No<"),
    ("patrons.email_type", "email", ADDRESS, ">mailto<", ">email<"),
    ("patrons.phone_type", "phone", ADDRESS, ">tel<", ">phone<"),
    ("patrons.postal_type", "Home", ADDRESS, ">Postal Address<", ">Home<"),
    ("patrons.address_roles", {"home": "Permanent"}, ADDRESS, ">home<", ">Permanent<"),
    ("patrons.id_returned", "username", NAME, f">{PATRON}<", ">reader01<"),
    ("patrons.id_type", "Card", NAME, "", ">Card<"),
    ("patrons.default_elements", ["Name Information"], look_up_user(PATRON), "", "GivenName>"),
    ("patrons.always_elements", ["Name Information"], PRIVILEGE, "", "GivenName>"),
    ("patrons.never_elements", ["Name Information"], NAME, "GivenName>", ""),
    ("items.id_type", "Item Barcode", PLACE, "", ">Item Barcode<"),
    ("items.default_elements", ["Location"], look_up_item(BOOK), "", ">stacks<"),
    ("items.always_elements", ["Location"], look_up_item(BOOK, "Circulation Status"), "", ">stacks<"),
    ("items.never_elements", ["Location"], PLACE, ">stacks<", ""),
    ("items.location_type", "Here", PLACE, ">Permanent Location<", ">Here<"),
    ("items.location_levels", ["branch"], PLACE, ">stacks<", ""),
    (
        *("items.restriction_library_use", "Not for loan", look_up_item(READING_ROOM, "Item Use Restriction Type")),
        *(">In Library Use Only<", ">Not for loan<"),
    ),
    ("header.ids_agency", "always", NAME, "", "<ns1:UserId><ns1:AgencyId>"),
    ("answers.echo_titles", False, TITLE, ">The Three-Body Problem<", ""),
    ("requests.type_words", {"hold": "Reserve"}, HOLD, ">Hold<", ">Reserve<"),
    ("requests.id_type", "Our number", HOLD, "", ">Our number<"),
    ("requests.scope_words", {"item": "Copy"}, HOLD, ">Item<", ">Copy<"),
    ("requests.due_from", "date-due", LOAN, f">{DUE}<", ""),
    ("errors.detail", "never", look_up_user("0"), "ProblemDetail>", ""),
    ("errors.value", "never", look_up_user("0"), "ProblemValue>", ""),
    ("errors.scheme", "none", look_up_user("0"), "lookupuserprocessingerror.scm", ""),
    ("errors.map", {"unknown-patron": {"scheme": "urn:own"}}, look_up_user("0"), "", "urn:own"),
    ("errors.map", {"unknown-patron": {"detail": "NOBODY"}}, look_up_user("0"), "", ">NOBODY<"),
    ("errors.map", {"unknown-patron": {"element": "Card"}}, look_up_user("0"), "", ">Card<"),
    ("errors.map", {"unknown-patron": {"value": "DEMO/{value}"}}, look_up_user("0"), ">0<", ">DEMO/0<"),
    ("errors.services", {"LookupUser": {"unknown-patron": {"detail": "NO"}}}, look_up_user("0"), "", ">NO<"),
    ("answers.failure_words", ["Body"], TITLE, ">The Three-Body Problem<", ""),
    ("header.require", ["profile-type"], NAME, "GivenName>", "ProblemElement>NCIPMessage<"),
    ("items.status_words", {"odd": "lost"}, ODD, ">Unknown Value From Known Scheme<", ""),
    ("header.answer", "never", NAME, "ResponseHeader>", ""),
    ("withheld", ["LookupUser"], NAME, "GivenName>", ">Unsupported Service<"),
    ("items.statuses", {"available": "On Shelf"}, look_up_item(BOOK, "Circulation Status"), "", ">On Shelf<"),
    ("patrons.categories", {"adult": "Reader"}, PRIVILEGE, ">adult<", ">Reader<"),
    ("patrons.libraries", {"MAIN": "Zentrale"}, PRIVILEGE, ">MAIN<", ">Zentrale<"),
    ("patrons.id_types", {"barcode": "Card"}, look_up_user(PATRON, "User Id"), ">Barcode<", ">Card<"),
    ("patrons.omit", ["email"], ADDRESS, ">mailto<", ""),
    ("patrons.privileges", [{"value": "text", "text": "VIP"}], PRIVILEGE, "", ">VIP<"),
    ("patrons.blocks", "always", look_up_user(BLOCKED), "", "BlockOrTrapType"),
    ("requests.types", {"reserve": "hold"}, RESERVE, "ns1:Problem>", ""),
    ("requests.scopes", {"copy": "item"}, SCOPED, "ns1:Problem>", ""),
)
"""Key, another value than the default, message, and what only the default's answer has, and what only the other's."""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> SampleLibraries:
    installation = Installation(ROOT / "gateway.yml")
    return SampleLibraries(replace(installation.parts, clock=FixedClock(NOW)), tmp_path_factory.mktemp("libraries"))


def make_profile(settings: dict[str, Any]) -> Profile:
    dialects = {"ncip": NcipDialect.model_validate(settings)}
    return Profile(name="partner", auth=(Authentication(kind=AuthKind.NONE),), dialects=dialects)


async def answer_message(libraries: SampleLibraries, settings: dict[str, Any], message: str) -> str:
    async with libraries.open_sample_exchange(give_all_rights(make_profile(settings))) as exchange:
        arrived = RawMessage(message.encode(), NOW, TransportKind.REPLAY, "ncip", profile="partner")
        return (await exchange(arrived)).body.decode()


@pytest.mark.parametrize(
    ("key", "value", "message", "before", "after"),
    SETTINGS,
)
async def test_a_setting_changes_the_answer(
    libraries: SampleLibraries, key: str, value: Any, message: str, before: str, after: str
) -> None:
    section, _, name = key.rpartition(".")
    settings = {section: {name: value}} if section else {name: value}
    plain = await answer_message(libraries, {}, message)
    changed = await answer_message(libraries, settings, message)

    assert before in plain, plain
    assert after in changed, changed
    assert not before or before not in changed, changed
    assert not after or after not in plain, plain


def test_how_a_message_is_read_and_how_a_failure_is_answered() -> None:
    fragile = "<ItemOptionalFields><ItemUseRestrictionType>Fragile</ItemUseRestrictionType></ItemOptionalFields>"
    action = "<RequestedActionType>Hold For Pickup</RequestedActionType>"
    accept = make_message("AcceptItem", REQUEST_ID + action + fragile, user=PATRON, item="ILL-7")
    shipped = make_message("ItemShipped", REQUEST_ID, item="ILL-7").replace("Id>EBU", "Id>RELAY", 1)
    settings = {
        "items": {"restrictions": {"fragile": "library-use-only"}},
        "header": {"agency_from": ["request-agency"]},
        "errors": {"failed_as": "Broken"},
        "http": {"status_on_problem": 409},
    }
    responder, down, read = NcipResponder(), Refusal(RefusalReason.TEMPORARY_FAILURE, "Down."), []
    for one in ({}, settings):
        exchange = ExchangeContext(make_profile(one), "DEMO", UTC, "EUR", NOW)
        first, second = (
            responder.open(RawMessage(body.encode(), NOW, TransportKind.REPLAY, "ncip"), 10_000)
            for body in (accept, shipped)
        )
        conditions = getattr(responder.decode(first, exchange).command, "conditions", None)
        sender = getattr(responder.decode(second, exchange).command, "sender", None)
        answer = responder.refuse(first, down, exchange)
        read.append((conditions, sender, answer.status, b">Broken<" in answer.body))

    assert read == [
        ((LoanCondition.OTHER,), "RELAY", 200, False),
        ((LoanCondition.LIBRARY_USE_ONLY,), "EBU", 409, True),
    ]


async def test_a_form_field_has_the_name_that_is_set(libraries: SampleLibraries) -> None:
    form = f"ncip={quote_plus(look_up_user('0'))}".encode()
    seen = []
    for http in ({}, {"form_fields": ["ncip"]}):
        profile = make_profile({"http": http})
        async with libraries.open_sample_exchange(give_all_rights(profile)) as exchange:
            answer = await exchange(RawMessage(form, NOW, TransportKind.REPLAY, "ncip", profile="partner"))
            seen.append(b"Unknown User" in answer.body)

    assert seen == [False, True]


def test_messages_by_tcp_are_told_apart_as_is_set() -> None:
    usual = NcipResponder().framing(make_profile({}))
    tcp = {"end": "newline", "keep_open": False, "answer_end": "lf", "idle_seconds": 7, "message_seconds": 8}
    framing = NcipResponder().framing(make_profile({"tcp": tcp}))

    assert (framing.end, framing.keep_open, framing.answer_end) == ("newline", False, b"\n")
    assert (framing.idle_seconds, framing.message_seconds) == (7, 8)
    assert (usual.end, usual.keep_open, usual.answer_end) == ("tag", True, b"\r\n")


TLS = {"ca": "tls/ca.pem", "certificate": "tls/ours.pem", "seconds": {"connect": 1.5}}


def test_where_a_library_s_system_is_called(tmp_path: Path) -> None:
    tls = ClientTls(tmp_path / "tls/ca.pem", tmp_path / "tls/ours.pem")
    timeouts = SendTimeouts(1.5, 20, 21.5)
    by_http = NcipLibraryOptions.model_validate({**TLS, "url": "https://ils.example/ncip"})
    by_tcp = NcipLibraryOptions.model_validate(
        {**TLS, "tcp_security": "tls", "ncip": {"tcp": {"address": "ils.example:5001"}}}
    )

    assert by_http.make_place(tmp_path, 20) == HttpPlace("https://ils.example/ncip", tls, timeouts)
    assert by_tcp.make_place(tmp_path, 20) == TcpPlace("ils.example", 5001, tls, timeouts)


def test_where_openrs_is_called(tmp_path: Path) -> None:
    http = OpenRsHttp(url="https://dcb.example/ncip", ca="tls/ca.pem", connect_seconds=1.5, reply_seconds=7)

    assert http.make_place(tmp_path) == HttpPlace(http.url, ClientTls(tmp_path / "tls/ca.pem"), SendTimeouts(1.5, 7, 7))


def test_where_partners_items_come_and_go() -> None:
    options: dict[str, Any] = {"url": "https://ils.example/ncip"}
    pickup = {"code": "M1", "library": "MAIN", "resource_sharing": True}
    places = [
        NcipLibraryOptions.model_validate({**options, **more}).resource_sharing_place
        for more in ({}, {"pickups": [pickup]}, {"pickups": [pickup], "resource_sharing_branch": "RS"})
    ]

    assert places == ["", "MAIN", "RS"]
