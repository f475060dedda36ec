"""Settings of the NCIP dialect that no story of a partner tries: with another value, an answer is another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.ncip.dialect import NcipDialect
from gateway.cli.installation import Installation
from gateway.domain.clock import FixedClock
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.ports.responder import RawMessage, TransportKind
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
HOLD = make_message("RequestItem", "<PickupLocation>MAIN</PickupLocation>", user=PATRON, item=BOOK)
LOAN = make_message("CheckOutItem", "<DesiredDateDue>2027-03-10T21:59:00Z</DesiredDateDue>", user=PATRON, item=BOOK)
DUE = "2027-03-10T21:59:00Z"

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
    ("answers.echo_titles", False, look_up_item(BOOK, "Bibliographic Description"), ">The Three-Body Problem<", ""),
    ("requests.type_words", {"hold": "Reserve"}, HOLD, ">Hold<", ">Reserve<"),
    ("requests.id_type", "Our number", HOLD, "", ">Our number<"),
    ("requests.scope_words", {"item": "Copy"}, HOLD, ">Item<", ">Copy<"),
    ("requests.due_from", "date-due", LOAN, f">{DUE}<", ""),
)
"""Key, another value than the default, message, and what only the default's answer has, and what only the other's."""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> SampleLibraries:
    installation = Installation(ROOT / "gateway.yml")
    return SampleLibraries(replace(installation.parts, clock=FixedClock(NOW)), tmp_path_factory.mktemp("libraries"))


async def answer_message(libraries: SampleLibraries, settings: dict[str, Any], message: str) -> str:
    profile = Profile(
        name="partner",
        auth=(Authentication(kind=AuthKind.NONE),),
        dialects={"ncip": NcipDialect.model_validate(settings)},
    )
    async with libraries.open_sample_exchange(give_all_rights(profile)) as exchange:
        arrived = RawMessage(message.encode(), NOW, TransportKind.REPLAY, "ncip", profile="partner")
        return (await exchange(arrived)).body.decode()


@pytest.mark.parametrize(("key", "value", "message", "before", "after"), SETTINGS, ids=[row[0] for row in SETTINGS])
async def test_a_setting_changes_the_answer(
    libraries: SampleLibraries, key: str, value: Any, message: str, before: str, after: str
) -> None:
    section, _, name = key.partition(".")
    plain = await answer_message(libraries, {}, message)
    changed = await answer_message(libraries, {section: {name: value}}, message)

    assert before in plain, plain
    assert after in changed, changed
    assert not before or before not in changed, changed
    assert not after or after not in plain, plain
