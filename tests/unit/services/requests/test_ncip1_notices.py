"""What a partner tells by the notifications of NCIP 1 is news for the managed request that it is about."""

from __future__ import annotations

import pytest

from gateway.domain.library import HoldStatus, ItemStatus
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, Request, Role, VolumeState
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown, ncip

PROFILES = {
    "valley": ncip(
        extends="ncip1",
        circulation={
            "notifications": {
                "own_item_pattern": "^i",
                "barcode_suffix_agency": True,
                "institutional_patron": "SOUTH",
            },
        },
    ),
    "lends": ncip(
        extends="ncip1",
        circulation={
            "notifications": {"own_item_pattern": "^i", "institutional_patron": "inst-valm"},
            "requests": {"managed": "lending"},
        },
        partner={"symbols": ["VALM"], "name": "Valley Consortium", "roles": ["requester"]},
    ),
    "holds": ncip(
        extends="ncip1",
        circulation={"notifications": {"own_item_pattern": "^i", "institutional_patron": "inst-valm"}},
    ),
    "notes": ncip(extends="ncip1", circulation={"notifications": {"mode": "notes"}}),
    "south": SOUTH,
}


HEADER = """
<InitiationHeader>
  <FromAgencyId><UniqueAgencyId><Scheme datatype="string">http://direct.example/agency.scm</Scheme>\
<Value datatype="string">valm</Value></UniqueAgencyId></FromAgencyId>
  <ToAgencyId><UniqueAgencyId><Scheme datatype="string">http://direct.example/agency.scm</Scheme>\
<Value datatype="string">demo</Value></UniqueAgencyId></ToAgencyId>
</InitiationHeader>"""
REQUEST = """
<UniqueRequestId><UniqueAgencyId><Scheme datatype="string"/><Value datatype="string">valm</Value></UniqueAgencyId>
<RequestIdentifierValue datatype="string">{}</RequestIdentifierValue></UniqueRequestId>"""
USER = f"""
<UniqueUserId><UniqueAgencyId><Scheme datatype="string"/><Value datatype="string">demo</Value></UniqueAgencyId>
<UserIdentifierValue datatype="string">{PATRON}</UserIdentifierValue></UniqueUserId>"""
BARCODE = """
<ItemOptionalFields><ItemDescription><VisibleItemId>
<VisibleItemIdentifierType><Scheme datatype="string"/>\
<Value datatype="string">Barcode</Value></VisibleItemIdentifierType>
<VisibleItemIdentifier datatype="string">30118422001187</VisibleItemIdentifier>
</VisibleItemId></ItemDescription></ItemOptionalFields>"""
THEIRS = "i1184402"


def due(day: str) -> str:
    return f'<DateDue datatype="dateTime">{day}T21:59:00Z</DateDue>'


def message(name: str, item: str = THEIRS, *parts: str) -> bytes:
    """As INN-Reach writes: a DOCTYPE, `datatype` everywhere (facts/ncip.md 1.5, 2.9)."""
    body = f"""
<UniqueItemId><UniqueAgencyId><Scheme datatype="string"/><Value datatype="string">valm</Value></UniqueAgencyId>
<ItemIdentifierValue datatype="string">{item}</ItemIdentifierValue></UniqueItemId>"""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE NCIPMessage PUBLIC "-//NISO//NCIP DTD Version 1.0//EN" '
        '"http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">\n'
        '<NCIPMessage version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">'
        f"<{name}>{HEADER}{''.join(parts)}{body}</{name}></NCIPMessage>"
    ).encode()


async def hear(north: NcipTown, name: str, item: str = THEIRS, *parts: str, profile: str = "valley") -> None:
    answer = await north.post(profile, message(name, item, *parts))
    assert b"ProcessingError" not in answer.body, answer.body
    await north.quiet()


async def announced(north: NcipTown) -> Request:
    """INN-Reach has no request numbers: the id of the item is all that there is."""
    request = await north.asked(external=THEIRS)
    await hear(north, "ItemRequested", THEIRS, USER)
    return await north.see(request)


# --- a partner's item ------------------------------------------------------------------------------------


async def test_a_partner_s_item_comes_and_goes_home(north: NcipTown) -> None:
    system = north.town.context.system
    request = await announced(north)
    assert (request.state, request.volumes[0].state) == (BorrowingState.WILL_SUPPLY, VolumeState.EXPECTED)

    for _ in range(2):  # told twice, once in effect
        await hear(north, "ItemShipped", THEIRS, USER, BARCODE)
    request = await north.see(request)
    assert (request.state, request.volumes[0].barcode) == (BorrowingState.SHIPPED, "30118422001187valm")

    request = await north.act(request, EventKind.RECEIVED)
    item = await system.item_by_barcode("30118422001187valm")
    (hold,) = await system.item_holds(item.id)
    assert (request.state, item.status, hold.status) == (
        BorrowingState.RECEIVED,
        ItemStatus.IN_TRANSIT,
        HoldStatus.IN_TRANSIT,
    ), "the record that was announced goes to the place where the patron fetches it"

    await hear(north, "ItemCheckedOut", THEIRS, USER, due("2026-05-04"))
    assert (await north.see(request)).state is BorrowingState.LENT

    await hear(north, "ItemRenewed", THEIRS, USER, due("2026-06-04"))
    request = await north.see(request)
    assert str(request.terms.lender_due).startswith("2026-06-04")
    loan = await system.item_loan(item.id)
    assert loan is not None
    assert loan.due == request.terms.patron_due, "the patron has it longer too"

    await hear(north, "ItemCheckedIn")
    assert (await north.see(request)).state is BorrowingState.BACK

    for _ in range(2):
        await hear(north, "ItemReceived", THEIRS, USER)
    assert (await north.see(request)).state is BorrowingState.COMPLETED
    with pytest.raises(Refused) as gone:
        await system.item_by_barcode("30118422001187valm")
    assert gone.value.reason is RefusalReason.UNKNOWN_ITEM
    assert await north.kinds(request) == [
        *("submit", "request", "will-supply", "shipped", "received", "loaned-to-patron"),
        *("due-date-changed", "returned-by-patron", "checked-in"),
    ]


ARRIVAL = """
<MandatedAction><DateEventOccurred datatype="dateTime">2026-03-04T08:00:00Z</DateEventOccurred></MandatedAction>
<RequestedActionType><Scheme datatype="string"/>\
<Value datatype="string">Hold For Pickup</Value></RequestedActionType>"""
CARD = f"""
<UserOptionalFields><VisibleUserId>
<VisibleUserIdentifierType><Scheme datatype="string"/>\
<Value datatype="string">Barcode</Value></VisibleUserIdentifierType>
<VisibleUserIdentifier datatype="string">{PATRON}</VisibleUserIdentifier></VisibleUserId></UserOptionalFields>"""


@pytest.mark.parametrize("item", [THEIRS, "30118422001187"])
async def test_accept_item_receives_what_was_announced(north: NcipTown, item: str) -> None:
    """The whole sequence of INN-Reach: requested, shipped, accepted, checked out, checked in, received at home. There
    is one record and one hold from the first message to the last."""
    system = north.town.context.system
    request = await announced(north)
    await hear(north, "ItemShipped", THEIRS, REQUEST.format("IR-77"), USER, BARCODE)
    before = await system.item_by_barcode("30118422001187valm")

    for _ in range(2):
        await hear(north, "AcceptItem", item, ARRIVAL, REQUEST.format("IR-77"), BARCODE, CARD)

    request = await north.see(request)
    arrived = await system.item_by_barcode("30118422001187valm")
    (hold,) = await system.item_holds(arrived.id)
    assert (request.state, [one.barcode for one in request.volumes]) == (
        BorrowingState.RECEIVED,
        ["30118422001187valm"],
    )
    assert (arrived.id, hold.status) == (before.id, HoldStatus.IN_TRANSIT)
    assert len(await system.patron_holds(hold.patron_id)) == 1

    await hear(north, "ItemCheckedOut", item, REQUEST.format("IR-77"), due("2026-05-04"), BARCODE, CARD)
    assert (await north.see(request)).state is BorrowingState.LENT
    await hear(north, "ItemCheckedIn", item, BARCODE)
    await hear(north, "ItemReceived", item, BARCODE)
    assert (await north.see(request)).state is BorrowingState.COMPLETED
    assert await north.kinds(request) == [
        *("submit", "request", "will-supply", "shipped", "received", "loaned-to-patron"),
        *("returned-by-patron", "checked-in"),
    ]
    with pytest.raises(Refused):
        await system.item_by_barcode("30118422001187valm")


async def test_an_item_that_will_not_come_after_all_is_asked_of_others(north: NcipTown) -> None:
    request = await announced(north)

    await hear(north, "ItemRequestCancelled", THEIRS, USER)

    assert "unfilled" in await north.kinds(request)
    assert (await north.see(request)).volumes[0].barcode == ""


async def test_its_lender_wants_it_back(north: NcipTown) -> None:
    request = await announced(north)
    await hear(north, "ItemShipped", THEIRS, USER, BARCODE)
    await hear(north, "ItemCheckedOut", THEIRS, USER, due("2026-05-04"))

    await hear(north, "ItemRecalled", THEIRS, USER, due("2026-04-01"))

    assert "recall" in await north.kinds(request)


async def test_what_is_only_noted_by_the_library_is_news_all_the_same(north: NcipTown) -> None:
    request = await north.asked(external="IR-2")

    await hear(north, "ItemShipped", THEIRS, REQUEST.format("IR-2"), profile="notes")

    request = await north.see(request)
    assert (request.state, request.volumes[0].barcode) == (BorrowingState.SHIPPED, "")


async def test_a_number_that_nobody_manages_is_the_library_s_alone(north: NcipTown) -> None:
    request = await north.asked(external="IR-3")

    await hear(north, "ItemRequested", THEIRS, REQUEST.format("IR-4"), USER)

    assert await north.see(request) == request


async def test_our_item_that_is_requested_is_lent(north: NcipTown) -> None:
    """Where the profile manages it; by the item's barcode alone, since INN-Reach has no request number here."""
    item = await north.free_item()
    for _ in range(2):
        await hear(north, "ItemRequested", item.barcode, USER, profile="lends")

    (request,) = await north.all(Role.LENDING)
    assert (request.state, request.item_barcode, request.source) == (LendingState.LOCATED, item.barcode, "ncip")
    (hold,) = await north.town.context.system.item_holds(item.id)
    assert request.hold_id == hold.id

    await hear(north, "ItemCheckedOut", item.barcode, USER, due("2026-05-04"), profile="lends")
    assert (await north.see(request)).state is LendingState.SHIPPED
    await hear(north, "ItemReceived", item.barcode, USER, profile="lends")
    await hear(north, "ItemCheckedIn", item.barcode, profile="lends")
    assert (await north.see(request)).state is LendingState.COMPLETED


async def test_our_item_that_is_no_longer_wanted(north: NcipTown) -> None:
    item = await north.free_item()
    await hear(north, "ItemRequested", item.barcode, USER, profile="lends")

    await hear(north, "ItemRequestCancelled", item.barcode, USER, profile="lends")

    (request,) = await north.all(Role.LENDING)
    assert request.state is LendingState.CANCELLED
    assert await north.town.context.system.item_holds(item.id) == ()


async def test_our_item_is_the_library_s_business_where_nothing_is_managed(north: NcipTown) -> None:
    item = await north.free_item()

    await hear(north, "ItemRequested", item.barcode, USER, profile="holds")

    assert await north.all(Role.LENDING) == ()
    assert len(await north.town.context.system.item_holds(item.id)) == 1


# --- our own item ----------------------------------------------------------------------------------------


async def test_our_item_goes_out_arrives_and_comes_home(north: NcipTown) -> None:
    item = await north.free_item()
    draft = LendingDraft(
        citation=Citation(title="any"), requester=LibraryParty(profile="south", symbol="SOUTH"), transaction="S-1"
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    request = await north.act(request, EventKind.LOCATED, barcode=item.barcode)
    await north.quiet()

    await hear(north, "ItemCheckedOut", item.barcode, USER, due("2026-05-04"))
    assert (await north.see(request)).state is LendingState.SHIPPED
    await hear(north, "ItemReceived", item.barcode, USER)
    await hear(north, "ItemCheckedIn", item.barcode)

    assert (await north.see(request)).state is LendingState.COMPLETED
    kinds = await north.kinds(request)
    assert kinds[kinds.index("shipped") :] == ["shipped", "received", "checked-in"]
