"""Partner × things of another partner × service: what a partner made is not there for another, by any message.

Messages are written by hand, as partners write them. Both partners may use every service on the library's own things,
so that nothing but the one rule stands between them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adapters.ncip.services import SERVICES
from gateway.domain.circulation_policy import LibraryService
from gateway.domain.clock import SystemClock
from gateway.domain.library import Bib, Location, PatronDraft, PatronIdentifier, PersonName
from gateway.domain.profile import Authentication, AuthKind, MatchRule, Profile
from gateway.ports.library_system import HoldWish, PatronKey, TemporaryItem
from gateway.ports.partner_things import PartnerThing, ThingKind
from gateway.store.journal_records import JournalFilter
from gateway.store.partner_things import StoredPartnerThings
from tests.protocol.ncip.test_on_the_sample_library import Answer, send
from tests.support.partner_rights import ALL_RIGHTS
from tests.unit.services.exchange.support import House, open_house

ALDER, BIRCH = "alder", "birch"
ANA, CHIDI, STRANGER = "21000000000017", "21000000000025", "21000000000033"
SHELF_BOOK, LENT_BOOK, FREE_BOOK = "39000000000019", "39000000000027", "39000000000035"
"""Items of the library's own."""


def with_rights(profile: Profile, name: str, **rights: object) -> Profile:
    """The same partner under another name, with these sections of `circulation`."""
    said: dict[str, Any] = {**profile.circulation.model_dump(exclude_unset=True), **rights}
    circulation = type(profile.circulation).model_validate(said)
    return profile.model_copy(update={"name": name, "circulation": circulation})


EVERYTHING: dict[str, Any] = {
    "rights": ALL_RIGHTS,
    "patrons": {"changeable": "all"},
    "check_out": {"cancel_request": True, "mandated_on_loan": "check-in-first"},
    "items": {"settable_statuses": ["missing", "available"]},
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        plain = opened.profiles["ncip2"]
        for name in (ALDER, BIRCH):
            opened.profiles[name] = with_rights(plain, name, **EVERYTHING)
        yield opened


# --- messages --------------------------------------------------------------------------------------------


def item(value: str) -> str:
    return f"<ItemId><ItemIdentifierValue>{value}</ItemIdentifierValue></ItemId>"


def user(value: str) -> str:
    return f"<UserId><UserIdentifierValue>{value}</UserIdentifierValue></UserId>"


def request(value: str) -> str:
    return f"<RequestId><RequestIdentifierValue>{value}</RequestIdentifierValue></RequestId>"


def accepts(number: str, barcode: str, reader: str = ANA) -> str:
    return (
        f"<AcceptItem>{request(number)}<RequestedActionType>Hold For Pickup</RequestedActionType>{user(reader)}"
        f"{item(barcode)}<ItemOptionalFields><BibliographicDescription><Title>Тихий дом</Title>"
        "</BibliographicDescription></ItemOptionalFields></AcceptItem>"
    )


def requests_item(number: str, barcode: str, reader: str) -> str:
    return (
        f"<RequestItem>{user(reader)}{item(barcode)}{request(number)}<RequestType>Hold</RequestType>"
        "<RequestScopeType>Item</RequestScopeType></RequestItem>"
    )


def lends(barcode: str, reader: str, number: str = "") -> str:
    return f"<CheckOutItem>{user(reader)}{item(barcode)}{request(number) if number else ''}</CheckOutItem>"


def creates_user(number: str) -> str:
    return (
        f"<CreateUser>{user(number)}<NameInformation><PersonalNameInformation><StructuredPersonalUserName>"
        "<GivenName>Ægir</GivenName><Surname>Løvås</Surname></StructuredPersonalUserName></PersonalNameInformation>"
        "</NameInformation></CreateUser>"
    )


def creates_item(barcode: str) -> str:
    title = "<BibliographicDescription><Title>Brú</Title></BibliographicDescription>"
    return f"<CreateItem>{item(barcode)}{title}</CreateItem>"


def cancels(number: str, reader: str) -> str:
    return f"<CancelRequestItem>{user(reader)}{request(number)}<RequestType>Hold</RequestType></CancelRequestItem>"


def updates_user(number: str) -> str:
    return f"<UpdateUser>{user(number)}<AddUserFields><UserLanguage>de</UserLanguage></AddUserFields></UpdateUser>"


def charges(number: str) -> str:
    return (
        f"<CreateUserFiscalTransaction>{user(number)}<FiscalTransactionInformation><FiscalActionType>Assess"
        "</FiscalActionType><FiscalTransactionType>Interlibrary Loan Fee</FiscalTransactionType><Amount><CurrencyCode>"
        "EUR</CurrencyCode><MonetaryValue>300</MonetaryValue></Amount></FiscalTransactionInformation>"
        "</CreateUserFiscalTransaction>"
    )


MADE = {
    "record": accepts("R-1", "ALD-1"),
    "hold": requests_item("R-2", SHELF_BOOK, CHIDI),
    "loan": lends(LENT_BOOK, CHIDI, "R-3"),
    "lent record": accepts("R-4", "ALD-4"),
    "its loan": lends("ALD-4", ANA, "R-4"),
    "lasting item": creates_item("ALD-9"),
    "user": creates_user("ALD-USER"),
}
"""What alder does before birch comes."""

UNKNOWN = ("Unknown Item", "Unknown Request", "Unknown User")
NEVER_ITEM, NEVER_NUMBER, NEVER_USER = "ALD-0", "R-0", "ALD-NONE"

ITEM_MESSAGES = {
    "LookupItem": "<LookupItem>{item}</LookupItem>",
    "LookupItemSet": "<LookupItemSet>{item}</LookupItemSet>",
    "LookupRequest by item": "<LookupRequest>{ana}{item}<RequestType>Hold</RequestType></LookupRequest>",
    "UpdateRequestItem by item": "<UpdateRequestItem>{ana}{item}<RequestType>Hold</RequestType><AddRequestFields>"
    "<PickupLocation>NORTH</PickupLocation></AddRequestFields></UpdateRequestItem>",
    "RequestItem": "<RequestItem>{ana}{item}<RequestType>Hold</RequestType><RequestScopeType>Item</RequestScopeType>"
    "</RequestItem>",
    "CancelRequestItem by item": "<CancelRequestItem>{ana}{item}<RequestType>Hold</RequestType></CancelRequestItem>",
    "CheckOutItem": "<CheckOutItem>{ana}{item}</CheckOutItem>",
    "CheckOutItem (mandated)": "<CheckOutItem><MandatedAction><DateEventOccurred>2026-03-02T09:00:00Z"
    "</DateEventOccurred></MandatedAction>{ana}{item}</CheckOutItem>",
    "CheckInItem": "<CheckInItem>{item}</CheckInItem>",
    "RenewItem": "<RenewItem>{ana}{item}</RenewItem>",
    "RecallItem": "<RecallItem>{item}</RecallItem>",
    "DeleteItem": "<DeleteItem>{item}</DeleteItem>",
    "UpdateCirculationStatus": "<UpdateCirculationStatus>{item}<CirculationStatus>Missing</CirculationStatus>"
    "</UpdateCirculationStatus>",
    "ItemReceived": "<ItemReceived>{item}</ItemReceived>",
    "ItemShipped": "<ItemShipped>{item}<ShippingInformation><PhysicalAddress><UnstructuredAddress>"
    "<UnstructuredAddressType>Newline-Delimited Text</UnstructuredAddressType><UnstructuredAddressData>NORTH"
    "</UnstructuredAddressData></UnstructuredAddress></PhysicalAddress></ShippingInformation></ItemShipped>",
    "ItemRequested": "<ItemRequested>{ana}{item}<RequestType>Hold</RequestType><RequestScopeType>Item"
    "</RequestScopeType></ItemRequested>",
    "ItemCheckedOut": "<ItemCheckedOut>{ana}{item}</ItemCheckedOut>",
    "ItemCheckedIn": "<ItemCheckedIn>{ana}{item}</ItemCheckedIn>",
    "ItemRenewed": "<ItemRenewed>{ana}{item}<DateDue>2027-03-02T09:00:00Z</DateDue></ItemRenewed>",
    "ItemRecalled": "<ItemRecalled>{ana}{item}</ItemRecalled>",
    "ItemRequestCancelled": "<ItemRequestCancelled>{ana}{item}</ItemRequestCancelled>",
    "CirculationStatusUpdated": "<CirculationStatusUpdated>{item}<CirculationStatus>Missing</CirculationStatus>"
    "</CirculationStatusUpdated>",
}

BY_NUMBER = (
    "<ItemId><ItemIdentifierType>ILL Request Id</ItemIdentifierType><ItemIdentifierValue>{number}</ItemIdentifierValue>"
    "</ItemId>"
)
"""An item by the number of the request that it came for."""

NUMBER_MESSAGES = {
    "LookupItem by number": f"<LookupItem>{BY_NUMBER}</LookupItem>",
    "LookupItemSet by number": f"<LookupItemSet>{BY_NUMBER}</LookupItemSet>",
    "RequestItem by number": f"<RequestItem>{{reader}}{BY_NUMBER}<RequestType>Hold</RequestType><RequestScopeType>Item"
    "</RequestScopeType></RequestItem>",
    "CheckOutItem by number": f"<CheckOutItem>{{reader}}{BY_NUMBER}</CheckOutItem>",
    "RenewItem by number": f"<RenewItem>{{reader}}{BY_NUMBER}</RenewItem>",
    "RecallItem by number": f"<RecallItem>{BY_NUMBER}</RecallItem>",
    "DeleteItem by number": f"<DeleteItem>{BY_NUMBER}</DeleteItem>",
    "UpdateCirculationStatus by number": f"<UpdateCirculationStatus>{BY_NUMBER}<CirculationStatus>Missing"
    "</CirculationStatus></UpdateCirculationStatus>",
    "LookupItem": "<LookupItem>{request}</LookupItem>",
    "LookupRequest": "<LookupRequest>{request}</LookupRequest>",
    "CancelRequestItem": "<CancelRequestItem>{reader}{request}<RequestType>Hold</RequestType></CancelRequestItem>",
    "UpdateRequestItem": "<UpdateRequestItem>{request}<AddRequestFields><PickupLocation>NORTH</PickupLocation>"
    "</AddRequestFields></UpdateRequestItem>",
    "CheckInItem": "<CheckInItem><ItemId><ItemIdentifierType>ILL Request Id</ItemIdentifierType>"
    "<ItemIdentifierValue>{number}</ItemIdentifierValue></ItemId></CheckInItem>",
    "ItemRequestCancelled": "<ItemRequestCancelled>{reader}{request}</ItemRequestCancelled>",
    "ItemRequestUpdated": "<ItemRequestUpdated>{reader}{request}<AddRequestFields><PickupLocation>NORTH"
    "</PickupLocation></AddRequestFields></ItemRequestUpdated>",
}

USER_MESSAGES = {
    "LookupUser": "<LookupUser>{user}</LookupUser>",
    "LookupUser by credentials": "<LookupUser><AuthenticationInput><AuthenticationInputData>{number}"
    "</AuthenticationInputData><AuthenticationDataFormatType>text</AuthenticationDataFormatType>"
    "<AuthenticationInputType>Barcode Id</AuthenticationInputType></AuthenticationInput></LookupUser>",
    "RequestItem": f"<RequestItem>{{user}}{item(FREE_BOOK)}<RequestType>Hold</RequestType>"
    "<RequestScopeType>Item</RequestScopeType></RequestItem>",
    "CheckOutItem": f"<CheckOutItem>{{user}}{item(FREE_BOOK)}</CheckOutItem>",
    "AcceptItem": accepts("B-7", "BIR-7", "{number}"),
    "RenewAllItem": '<Ext><ns3:RenewAllItem xmlns:ns3="http://www.oclc.org/ncip/renewall/2014">{user}'
    "</ns3:RenewAllItem></Ext>",
    "UpdateUser": updates_user("{number}"),
    "DeleteUser": "<DeleteUser>{user}</DeleteUser>",
    "CreateUserFiscalTransaction": charges("{number}"),
}


NAMING_NOTHING = frozenset({"LookupAgency", "CreateUser", "CreateItem", "LookupVersion"})
"""Services about things that are there by no message, or that one makes."""


def test_the_matrix_has_every_service() -> None:
    written = {name.partition(" ")[0] for name in (*ITEM_MESSAGES, *NUMBER_MESSAGES, *USER_MESSAGES)}
    assert {kind.__name__ for kind in SERVICES} - NAMING_NOTHING <= written


async def make_things(house: House) -> None:
    for name, message in MADE.items():
        answer = await send(house, message, ALDER)
        assert answer.problem == ("", "", ""), f"{name}: {answer.body}"


async def read_library(house: House) -> dict[str, Sequence[Any]]:
    """Everything that is in the library's system."""
    tables = ("items", "holds", "loans", "patrons", "patron_identifiers", "charges", "bibs", "holdings")

    def read_all(connection: Any) -> dict[str, Sequence[Any]]:
        return {name: connection.execute(text(f"SELECT * FROM embedded_{name} ORDER BY 1")).all() for name in tables}

    found: dict[str, Sequence[Any]] = await house.store.read(read_all)
    return found


async def find_differences(house: House, message: str, about: tuple[str, str], **values: str) -> list[str]:
    """What tells the answer about another's thing from one about a thing that never was, and what it changed."""
    thing, never = about
    before = await read_library(house)
    answers: list[Answer] = []
    for name in (thing, never):
        said = {key: value.format(name) for key, value in values.items()}
        answers.append(await send(house, message.format(**said), BIRCH))
    theirs, nothing = (one.body.replace(name, "…") for one, name in zip(answers, about, strict=True))
    found = [f"answered {theirs}\n instead of {nothing}"] if theirs != nothing else []
    if answers[1].problem[0] not in UNKNOWN:
        found.append(f"what never was is not unknown: {nothing}")
    after = await read_library(house)
    return found + [f"changed {name}" for name in before if before[name] != after[name]]


async def test_no_message_about_another_partners_item_finds_it(house: House) -> None:
    await make_things(house)
    wrong = {}
    for barcode in ("ALD-1", "ALD-4", "ALD-9"):
        for service, message in ITEM_MESSAGES.items():
            said = {"item": item("{0}"), "ana": user(ANA).replace("{", "{{")}
            if found := await find_differences(house, message, (barcode, NEVER_ITEM), **said):
                wrong[barcode, service] = found
    assert not wrong, "\n".join(f"{about}: {line}" for about, found in wrong.items() for line in found)


async def test_no_message_about_another_partners_request_finds_it(house: House) -> None:
    await make_things(house)
    wrong = {}
    for number, reader in (("R-1", ANA), ("R-2", CHIDI), ("R-3", CHIDI), ("R-4", ANA)):
        for service, message in NUMBER_MESSAGES.items():
            said = {"request": request("{0}"), "number": "{0}", "reader": user(reader)}
            if found := await find_differences(house, message, (number, NEVER_NUMBER), **said):
                wrong[number, service] = found
    assert not wrong, "\n".join(f"{about}: {line}" for about, found in wrong.items() for line in found)


async def test_no_message_about_another_partners_user_finds_him(house: House) -> None:
    await make_things(house)
    wrong = {}
    for service, message in USER_MESSAGES.items():
        said = {"user": user("{0}"), "number": "{0}"}
        if found := await find_differences(house, message, ("ALD-USER", NEVER_USER), **said):
            wrong[service] = found
    assert not wrong, "\n".join(f"{about}: {line}" for about, found in wrong.items() for line in found)


async def test_what_another_partner_lent_of_the_librarys_is_as_if_it_were_not_on_loan(house: House) -> None:
    await make_things(house)
    before = await read_library(house)
    for message in (
        "<CheckInItem>{0}</CheckInItem>",
        "<RecallItem>{0}</RecallItem>",
        f"<RenewItem>{user(CHIDI)}{{0}}</RenewItem>",
    ):
        theirs = await send(house, message.format(item(LENT_BOOK)), BIRCH)
        nobodys = await send(house, message.format(item(FREE_BOOK)), BIRCH) if "CheckIn" not in message else None
        assert theirs.problem[0] == "Item Not Checked Out", theirs.body
        assert nobodys is None or nobodys.body.replace(FREE_BOOK, LENT_BOOK) == theirs.body
    assert await read_library(house) == before
    looked = await send(
        house, f"<LookupUser>{user(CHIDI)}<LoanedItemsDesired/><RequestedItemsDesired/></LookupUser>", BIRCH
    )
    assert LENT_BOOK not in looked.body
    assert SHELF_BOOK not in looked.body


async def test_a_barcode_or_a_user_that_another_partner_has_can_not_be_taken(house: House) -> None:
    """That it is taken can't be hidden; nothing else is told, and nothing changes."""
    await make_things(house)
    before = await read_library(house)
    for message, problem in (
        (accepts("B-1", "ALD-1", CHIDI), "Cannot Accept Item"),
        (creates_item("ALD-9"), "Duplicate Item"),
        (creates_user("ALD-USER"), "Duplicate User"),
    ):
        answer = await send(house, message, BIRCH)
        assert answer.problem[0] == problem, answer.body
        assert "Тихий" not in answer.body
    assert await read_library(house) == before


def authenticates(number: str, pin: str) -> str:
    given = "".join(
        f"<AuthenticationInput><AuthenticationInputData>{data}</AuthenticationInputData><AuthenticationDataFormatType>text"
        f"</AuthenticationDataFormatType><AuthenticationInputType>{kind}</AuthenticationInputType></AuthenticationInput>"
        for kind, data in (("Barcode Id", number), ("PIN", pin))
    )
    return f"<LookupUser>{given}</LookupUser>"


async def test_a_pin_of_another_partners_user_is_wrong_whatever_it_is(house: House) -> None:
    assert (await send(house, authenticates(CHIDI, "1234"), BIRCH)).problem == ("", "", "")
    patron = await house.system.find_patron(PatronKey(CHIDI))
    things = StoredPartnerThings("DEMO", house.store.read, house.store.write, SystemClock())
    await things.keep_things([PartnerThing(ThingKind.PATRON, patron.id, ALDER)])
    right, wrong = [await send(house, authenticates(CHIDI, pin), BIRCH) for pin in ("1234", "4321")]
    assert wrong.problem[0] == "User Authentication Failed", wrong.body
    assert right.body == wrong.body


async def test_a_user_that_another_partner_has_made_is_no_repeat_of_ones_own(house: House) -> None:
    """Where the profile answers a repeated CreateUser as the first."""
    await make_things(house)
    lenient = {**EVERYTHING, "as_success": {"create-patron": ["duplicate-patron"]}}
    house.profiles[BIRCH] = with_rights(house.profiles["ncip2"], BIRCH, **lenient)
    answer = await send(house, creates_user("ALD-USER"), BIRCH)
    assert answer.problem[0] == "Duplicate User", answer.body


async def test_two_partners_with_the_same_number_reach_each_its_own(house: House) -> None:
    for name, barcode, book in ((ALDER, "ALD-1", SHELF_BOOK), (BIRCH, "BIR-1", FREE_BOOK)):
        for message in (accepts("R-1", barcode), requests_item("R-2", book, CHIDI)):
            assert (await send(house, message, name)).problem == ("", "", "")
    for name, book in ((BIRCH, FREE_BOOK), (ALDER, SHELF_BOOK)):
        answer = await send(house, cancels("R-2", CHIDI), name)
        assert answer.problem == ("", "", ""), answer.body
        held = await house.system.item_holds((await house.system.item_by_barcode(book)).id)
        assert not held
    assert (await send(house, f"<LookupItem>{request('R-1')}</LookupItem>", BIRCH)).text(
        "ItemIdentifierValue"
    ) == "BIR-1"


async def test_a_number_that_is_anothers_alone_by_now_leads_nowhere(house: House) -> None:
    """Both have used it, and the own hold is gone: what is found under it is the other partner's."""
    for name, book in ((ALDER, SHELF_BOOK), (BIRCH, FREE_BOOK)):
        assert (await send(house, requests_item("R-2", book, CHIDI), name)).problem == ("", "", "")
    hold = (await house.system.item_holds((await house.system.item_by_barcode(FREE_BOOK)).id))[0]
    await house.system.cancel_hold(hold.id, "desk:1")
    before = await read_library(house)
    for service in ("LookupRequest", "CancelRequestItem", "UpdateRequestItem", "ItemRequestUpdated"):
        message = NUMBER_MESSAGES[service].format(request=request("R-2"), reader=user(CHIDI), number="R-2")
        answer = await send(house, message, BIRCH)
        assert answer.problem[0] in UNKNOWN, answer.body
    assert await read_library(house) == before


async def test_what_staff_have_reserved_anew_under_anothers_number_leads_nowhere(house: House) -> None:
    """The library system has a hold that no partner has made, and the number is the other partner's all the same."""
    await make_things(house)
    (held,) = await house.system.item_holds((await house.system.item_by_barcode(SHELF_BOOK)).id)
    await house.system.cancel_hold(held.id, "desk:1")
    wish = HoldWish(held.patron_id, "MAIN", request_id="R-2", item_barcode=SHELF_BOOK)
    again = await house.system.place_hold(wish, "desk:2")
    before = await read_library(house)
    for service in ("LookupRequest", "CancelRequestItem", "UpdateRequestItem", "ItemRequestUpdated"):
        message = NUMBER_MESSAGES[service].format(request=request("R-2"), reader=user(CHIDI), number="R-2")
        answer = await send(house, message, BIRCH)
        assert answer.problem[0] in UNKNOWN, answer.body
    assert await read_library(house) == before
    assert (await send(house, lends(FREE_BOOK, CHIDI, "R-2"), BIRCH)).problem == ("", "", "")
    assert [one.id for one in await house.system.item_holds(held.item_id)] == [again.id]


@pytest.mark.parametrize("reader", [ANA, CHIDI])
async def test_a_mandated_loan_ends_and_moves_none_of_another_partners(house: House, reader: str) -> None:
    await make_things(house)
    before = await read_library(house)
    loan = await house.system.item_loan((await house.system.item_by_barcode(LENT_BOOK)).id)
    assert loan is not None
    happened = f"{loan.lent + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    message = (
        f"<CheckOutItem><MandatedAction><DateEventOccurred>{happened}</DateEventOccurred></MandatedAction>"
        f"{user(reader)}{item(LENT_BOOK)}<DesiredDateDue>2027-11-30T12:00:00Z</DesiredDateDue></CheckOutItem>"
    )
    answer = await send(house, message, BIRCH)
    assert answer.problem[0] != "", answer.body
    assert await read_library(house) == before


# --- what is one's own, and what is the library's --------------------------------------------------------

OWN_LIFE = (
    accepts("R-1", "ALD-1"),
    "<LookupRequest>" + request("R-1") + "</LookupRequest>",
    "<UpdateRequestItem>"
    + request("R-1")
    + "<AddRequestFields><PickupLocation>NORTH</PickupLocation></AddRequestFields>"
    "</UpdateRequestItem>",
    lends("ALD-1", ANA, "R-1"),
    f"<RenewItem>{user(ANA)}{item('ALD-1')}</RenewItem>",
    f"<RecallItem>{item('ALD-1')}</RecallItem>",
    f"<CheckInItem>{item('ALD-1')}</CheckInItem>",
    f"<DeleteItem>{item('ALD-1')}</DeleteItem>",
    accepts("R-2", "ALD-2"),
    cancels("R-2", ANA),
    creates_user("ALD-USER"),
    updates_user("ALD-USER"),
    f"<DeleteUser>{user('ALD-USER')}</DeleteUser>",
)

LIBRARY_MESSAGES = {
    LibraryService.PLACE_REQUEST: requests_item("R-9", FREE_BOOK, ANA),
    LibraryService.CHECK_OUT: lends(FREE_BOOK, ANA),
    LibraryService.CHECK_IN: f"<CheckInItem>{item(LENT_BOOK)}</CheckInItem>",
    LibraryService.RENEW: f"<RenewItem>{user(CHIDI)}{item(LENT_BOOK)}</RenewItem>",
    LibraryService.RECALL: f"<RecallItem>{item(LENT_BOOK)}</RecallItem>",
    LibraryService.CANCEL_REQUEST: f"<CancelRequestItem>{user(CHIDI)}{item(SHELF_BOOK)}<RequestType>Hold</RequestType>"
    "</CancelRequestItem>",
    LibraryService.UPDATE_REQUEST: "<UpdateRequestItem>" + request("OWN-1") + "<AddRequestFields><PickupLocation>NORTH"
    "</PickupLocation></AddRequestFields></UpdateRequestItem>",
    LibraryService.DELETE_ITEM: f"<DeleteItem>{item('DESK-1')}</DeleteItem>",
    LibraryService.POST_FEE: charges(ANA),
}


FOR_OTHER_REASONS = ("Item Not Renewable", "Item Not Checked Out", "Request Already Processed")
"""What a message before has brought about, or the library's rules."""


async def make_library_things(house: House) -> None:
    """A loan, a hold and a temporary item of which no partner knows: staff made them."""
    chidi = await house.system.find_patron(PatronKey(CHIDI))
    await house.system.check_out(LENT_BOOK, chidi.id, "desk:1")
    await house.system.place_hold(HoldWish(chidi.id, "MAIN", request_id="OWN-1", item_barcode=SHELF_BOOK), "desk:2")
    record = TemporaryItem("DESK-1", Bib(title="Рад"), "OWN-2", Location("RS", "ill"), "ill")
    await house.system.create_temporary_item(record, "desk:3")


async def test_a_partner_with_no_rights_uses_its_own_things_by_every_service(house: House) -> None:
    house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, rights={})
    for message in OWN_LIFE:
        answer = await send(house, message, ALDER)
        assert answer.problem[0] in ("", "Item Not Renewable"), answer.body


async def test_a_return_of_its_own_loan_that_comes_twice_is_answered_as_before(house: House) -> None:
    """Once it is back, nothing says any more whose loan it was."""
    rights = {"library_services": ["check-out"]}
    house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, rights=rights)
    await send(house, lends(FREE_BOOK, CHIDI), ALDER)
    first, repeated = [await send(house, f"<CheckInItem>{item(FREE_BOOK)}</CheckInItem>", ALDER) for _ in range(2)]
    assert first.problem == ("", "", "")
    assert repeated.body == first.body


async def test_what_is_the_librarys_is_used_only_by_the_services_that_the_profile_names(house: House) -> None:
    await make_library_things(house)
    before = await read_library(house)
    for service, message in LIBRARY_MESSAGES.items():
        others = [one for one in LibraryService if one is not service]
        house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, rights={"library_services": others})
        answer = await send(house, message, ALDER)
        assert answer.problem[0] == "Unauthorized Service For Agency", f"{service}: {answer.body}"
    assert await read_library(house) == before
    for service, message in LIBRARY_MESSAGES.items():
        rights = {"library_services": [service], "max_charge": 3}
        house.profiles[BIRCH] = with_rights(house.profiles["ncip2"], BIRCH, rights=rights)
        answer = await send(house, message, BIRCH)
        assert answer.problem[0] in ("", *FOR_OTHER_REASONS), f"{service}: {answer.body}"


@pytest.mark.parametrize(
    ("ceiling", "problem"), [(0, "Unauthorized Service For Agency"), (2.99, "Unauthorized Service For Agency"), (3, "")]
)
async def test_a_charge_has_a_ceiling(house: House, ceiling: float, problem: str) -> None:
    house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, rights={"max_charge": ceiling})
    assert (await send(house, accepts("R-1", "ALD-1", CHIDI), ALDER)).problem == ("", "", "")
    assert (await send(house, charges(CHIDI), ALDER)).problem[0] == problem


CHARGED = {
    "a request of its own, for who has it": (request("R-4"), ANA, True),
    "a hold of its own on the library's book, for who waits": (request("R-2"), CHIDI, True),
    "a request of its own, for who has another": (request("R-4"), CHIDI, False),
    "a request of its own, for a stranger": (request("R-4"), STRANGER, False),
    "an item of its own, for who has it": (f"<ItemDetails>{item('ALD-4')}</ItemDetails>", ANA, True),
    "an item of its own, for who has another": (f"<ItemDetails>{item('ALD-4')}</ItemDetails>", CHIDI, False),
    "an item of its own, for a stranger": (f"<ItemDetails>{item('ALD-4')}</ItemDetails>", STRANGER, False),
    "an item of its own that nobody has": (f"<ItemDetails>{item('ALD-9')}</ItemDetails>", ANA, False),
    "a request that is not its own, for who waits for one": (request("R-0"), CHIDI, True),
    "nothing, for who waits for one": ("", ANA, True),
    "nothing, for a stranger": ("", STRANGER, False),
    "a request of its own, for whom it has created": (request("R-4"), "ALD-USER", True),
    "nothing, for whom it has created": ("", "ALD-USER", True),
}
"""What alder charges for, whom, and whether it may."""


@pytest.mark.parametrize(("about", "reader", "is_allowed"), CHARGED.values(), ids=CHARGED)
async def test_a_charge_is_for_who_has_what_the_partner_has_made(
    house: House, about: str, reader: str, is_allowed: bool
) -> None:
    """However small it is: everybody else is charged by the right alone, and by another partner nobody of these."""
    await make_things(house)
    for name in (ALDER, BIRCH):
        house.profiles[name] = with_rights(house.profiles["ncip2"], name, rights={"max_charge": 3})
    message = charges(reader).replace("</FiscalTransactionInformation>", f"{about}</FiscalTransactionInformation>")
    before = await read_library(house)
    theirs = await send(house, message, BIRCH)
    assert theirs.problem[0] == ("Unknown User" if reader == "ALD-USER" else "Unauthorized Service For Agency")
    assert await read_library(house) == before
    answer = await send(house, message, ALDER)
    assert answer.problem[0] == ("" if is_allowed else "Unauthorized Service For Agency"), answer.body
    assert ((await read_library(house))["charges"] != before["charges"]) is is_allowed
    if not is_allowed:
        rights = {"max_charge": 3, "library_services": ["post-fee"]}
        house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, rights=rights)
        assert (await send(house, message, ALDER)).problem == ("", "", "")


async def test_patrons_of_the_library_are_changed_only_where_the_profile_says_so(house: House) -> None:
    house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, rights={})
    for message in (updates_user(CHIDI), f"<DeleteUser>{user(CHIDI)}</DeleteUser>"):
        assert (await send(house, message, ALDER)).problem[0] == "Unauthorized Service For Agency"
    assert (await send(house, updates_user(CHIDI), BIRCH)).problem == ("", "", "")


async def test_temporary_patrons_alone_are_changed_where_the_profile_says_that(house: House) -> None:
    """Staff have made the one, and the other is a patron of the library."""
    number = PatronIdentifier("barcode", "DESK-USER")
    guest = PatronDraft((number,), PersonName(surname="Løvås"), category="adult", temporary=True)
    await house.system.create_patron(guest, "desk:1")
    rights = {"patrons": {"changeable": "temporary"}}
    house.profiles[ALDER] = with_rights(house.profiles["ncip2"], ALDER, **rights)
    for message in (updates_user(CHIDI), f"<DeleteUser>{user(CHIDI)}</DeleteUser>"):
        assert (await send(house, message, ALDER)).problem[0] == "Unauthorized Service For Agency"
    assert (await send(house, updates_user("DESK-USER"), ALDER)).problem == ("", "", "")


async def test_a_profile_that_was_renamed_keeps_its_things(house: House) -> None:
    await make_things(house)
    rights = {**EVERYTHING["rights"], "profiles": [ALDER]}
    house.profiles["hazel"] = with_rights(house.profiles["ncip2"], "hazel", **{**EVERYTHING, "rights": rights})
    assert (await send(house, f"<CheckInItem>{item('ALD-4')}</CheckInItem>", "hazel")).problem == ("", "", "")


# --- in whose name ---------------------------------------------------------------------------------------


def looks_up(agency: str) -> str:
    header = f"<InitiationHeader><FromAgencyId><AgencyId>{agency}</AgencyId></FromAgencyId></InitiationHeader>"
    return f"<LookupUser>{header if agency else ''}{user(ANA)}</LookupUser>"


@pytest.mark.parametrize(
    ("agencies", "agency", "is_admitted"),
    [
        pytest.param((), "ALDER-1", True, id="nobody's"),
        pytest.param((), "", True, id="none"),
        pytest.param((), "birch-lib", False, id="one that another profile's rule names"),
        pytest.param((), "BIRCH-TOO", False, id="one that another profile's credential names"),
        pytest.param(("ALDER-1", "ALDER-2"), "alder-2", True, id="its own"),
        pytest.param(("ALDER-1",), "ALDER-3", False, id="not the credential's"),
        pytest.param(("BIRCH-LIB",), "BIRCH-LIB", True, id="shared by both profiles"),
        pytest.param(("ALDER-1",), "", True, id="none, with a list"),
    ],
)
async def test_a_credential_speaks_in_the_name_of_its_agencies(
    house: House, agencies: tuple[str, ...], agency: str, is_admitted: bool
) -> None:
    alder, birch = house.profiles[ALDER], house.profiles[BIRCH]
    house.profiles[ALDER] = alder.model_copy(
        update={"auth": tuple(entry.model_copy(update={"agencies": agencies}) for entry in alder.auth)}
    )
    house.profiles[BIRCH] = birch.model_copy(
        update={
            "match": (MatchRule(from_agency="BIRCH-LIB"),),
            "auth": (Authentication(kind=AuthKind.BEARER, secret="env:BIRCH", agencies=("BIRCH-TOO", "BIRCH-LIB")),),
        }
    )

    answer = await send(house, looks_up(agency), ALDER)

    assert answer.problem[0] == ("" if is_admitted else "Agency Authentication Failed"), answer.body
    notes = " ".join([one.note for one in (await house.journal.list_messages(JournalFilter("DEMO"))).messages])
    assert ("the sender's agency" in notes) is not is_admitted
    assert "the sender's agency" not in answer.body
