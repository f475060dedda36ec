"""Paper of the desks: what waits for it, batches as records, and what stands on the sheets."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.library import Contact, ContactKind, Item, PatronDraft, PostalAddress, RecordId
from gateway.domain.problems import Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.print_batches import NEEDS, PrintKind
from gateway.domain.requests.request import LibraryParty, Request
from gateway.domain.requests.views import NotFound
from gateway.services.desks.printing import PrintService
from gateway.services.requests import located_copies
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown

PROFILES = {
    "south": {"partner": {**SOUTH["partner"], "address": "Odos Ermou 4\n105 63 Athina"}},
    "post": {"partner": {"symbols": ["POST"], "name": "Landesbibliothek Moor", "address": "Torfweg 1\n26789 Moor"}},
    "hill": {
        "partner": {"symbols": ["HILL"], "name": "Hill Library", "channel": "mail", "email": "ill@hill.example"},
        "circulation": {"patrons": {"create_library": "MAIN"}},
    },
}


def printing(north: NcipTown) -> PrintService:
    return north.town.gateway.managed.libraries["NORTH"].printing


async def locate_for_hill(north: NcipTown, count: int) -> list[Request]:
    """Requests for different works of ours, which are found on the shelves."""
    system, found = north.town.context.system, list[Item]()
    for bib in await system.search_bibs("a", 200):
        items = [one for one in (await system.holdings(bib.id)).items if one.circulates and not one.hold_count]
        if bib.identifiers and items and all(one.status.value == "available" for one in items):
            found.append(items[0])
    made = []
    for item in found[:count]:
        bib = (await system.holdings(item.bib_id)).bib
        citation = Citation(title=bib.title, author=bib.author, identifiers=(RecordId("local", bib.id),))
        draft = LendingDraft(citation=citation, requester=LibraryParty(profile="hill"))
        made.append(await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft))
    await north.quiet()
    return [await north.see(one) for one in made]


async def waiting(north: NcipTown) -> dict[str, int]:
    counts = await printing(north).count_waiting()
    return {kind.value: count for kind, count in counts.items() if count}


async def test_pull_slips_are_in_shelf_order_and_printed_once(north: NcipTown) -> None:
    requests = await locate_for_hill(north, 4)
    assert await waiting(north) == {"pull-slips": 4}

    batch = await printing(north).make_batch(PrintKind.PULL_SLIPS, "staff:ana")
    sheets = await printing(north).build_sheets(batch)

    assert {one.request.id for one in sheets} == {one.id for one in requests}
    branches = {place.name: place.library for place in await printing(north).context.system.pickup_locations()}
    places = [(branches[one.copy.branch], one.copy.place) for one in sheets if one.copy is not None]
    assert len(places) == 4
    assert places == sorted(places)
    assert all(one.copy is not None and one.copy.call_number for one in sheets)
    assert (batch.number, batch.made_by, batch.printed_at) == (1, "staff:ana", None)
    assert await waiting(north) == {}
    with pytest.raises(Refused, match="Nothing is waiting"):
        await printing(north).make_batch(PrintKind.PULL_SLIPS, "staff:ana")


async def test_a_scanned_slip_joins_no_batch_of_others_nor_a_printed_one_nor_another_kind(north: NcipTown) -> None:
    service = printing(north)
    one, other, third, fourth = await locate_for_hill(north, 4)
    of_ben = await service.make_batch_of(PrintKind.PULL_SLIPS, [one.id], "staff:ben")
    of_labels = await service.make_batch_of(PrintKind.HOLD_SLIPS, [one.id], "staff:ana")
    printed = await service.make_batch_of(PrintKind.PULL_SLIPS, [one.id], "staff:ana")
    await service.mark_printed(printed.number, "staff:ana")
    numbers = [of_ben.number, of_labels.number, printed.number]

    made = await service.add_scanned_request(PrintKind.PULL_SLIPS, other.id, "staff:ana", numbers)
    assert made is not None
    joined = await service.add_scanned_request(
        PrintKind.PULL_SLIPS, third.id, "staff:ana", [*numbers, made.batch.number]
    )

    assert joined is not None
    assert made.batch.number not in numbers
    assert (joined.batch.number, joined.batch.request_ids) == (made.batch.number, (other.id, third.id))
    for number in numbers:
        assert (await service.find_batch(number)).request_ids == (one.id,)
    assert fourth.id not in joined.batch.request_ids


async def test_a_batch_is_a_record_and_says_what_is_true_now(north: NcipTown) -> None:
    (request,) = await locate_for_hill(north, 1)
    batch = await printing(north).make_batch(PrintKind.PULL_SLIPS, "staff:ana")
    await printing(north).mark_printed(batch.number, "staff:bo")
    await north.act(request, K.SHIPPED, barcode=request.item_barcode)

    again = await printing(north).find_batch(batch.number)
    (sheet,) = await printing(north).build_sheets(again)

    assert (again.printed_by, again.request_ids) == ("staff:bo", (request.id,))
    assert again.printed_at is not None
    assert [one.number for one in await printing(north).list_batches(10)] == [1]
    assert sheet.copy is not None
    assert sheet.copy.status is not None
    assert sheet.copy.status.value == "on-loan"
    with pytest.raises(NotFound):
        await printing(north).find_batch(99)


async def test_copies_of_a_batch_are_looked_up_side_by_side(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    await locate_for_hill(north, 4)
    system, together = printing(north).context.system, asyncio.Barrier(4)
    find = system.item_by_barcode

    async def find_when_all_ask(barcode: str) -> Item:
        await together.wait()
        return await find(barcode)

    monkeypatch.setattr(system, "item_by_barcode", find_when_all_ask, raising=False)
    batch = await printing(north).make_batch(PrintKind.PULL_SLIPS, "staff:ana")
    sheets = await printing(north).build_sheets(batch)

    copies = [one.copy for one in sheets if one.copy is not None]
    assert len(copies) == 4
    assert all(copy.call_number and not copy.problem for copy in copies)


async def test_a_system_that_hangs_holds_up_no_batch(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    await locate_for_hill(north, 2)
    system = printing(north).context.system

    async def hang(_barcode: str) -> Item:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    monkeypatch.setattr(system, "item_by_barcode", hang, raising=False)
    monkeypatch.setattr(located_copies, "MAX_LOOK_SECONDS", 0.05)
    async with asyncio.timeout(20):
        batch = await printing(north).make_batch(PrintKind.PULL_SLIPS, "staff:ana")
        sheets = await printing(north).build_sheets(batch)

    assert [one.copy and one.copy.problem for one in sheets] == ["The library system is not responding."] * 2


async def test_two_who_print_at_once_share_what_waits(north: NcipTown) -> None:
    await locate_for_hill(north, 3)

    done = await asyncio.gather(
        *(printing(north).make_batch(PrintKind.PULL_SLIPS, f"staff:{name}") for name in ("ana", "bo")),
        return_exceptions=True,
    )

    batches = [one for one in done if not isinstance(one, BaseException)]
    assert sum(len(one.request_ids) for one in batches) == 3
    assert len(batches) == 1 or not set(batches[0].request_ids) & set(batches[1].request_ids)


async def test_what_is_sent_needs_a_slip_and_a_label(north: NcipTown) -> None:
    (request,) = await locate_for_hill(north, 1)
    await north.act(request, K.SHIPPED, barcode=request.item_barcode)

    assert await waiting(north) == {"shipping-slips": 1, "address-labels": 1}
    batch = await printing(north).make_batch(PrintKind.ADDRESS_LABELS, "staff:ana")
    (label,) = await printing(north).build_sheets(batch)
    assert label.partner.name == "Hill Library"
    assert await waiting(north) == {"shipping-slips": 1}


async def test_what_is_here_for_a_patron_stands_on_the_hold_shelf(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, K.RECEIVED, barcode="S-4711", pickup="RS")
    await north.quiet()
    assert await waiting(north) == {"hold-slips": 1, "book-straps": 1}

    batch = await printing(north).make_batch(PrintKind.HOLD_SLIPS, "staff:ana")
    (sheet,) = await printing(north).build_sheets(batch)

    patron = await north.patron(PATRON)
    assert sheet.shelf_mark == f"{patron.name.inverted.replace(' ', '')[:3].upper()} {PATRON[-4:]}"
    assert sheet.pickup == "Resource Sharing Library"
    assert sheet.hold_until is not None


async def test_what_is_on_its_way_to_a_branch_gets_a_slip_for_the_way_and_none_for_the_shelf(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, K.RECEIVED, barcode="S-4711", pickup="SCI")
    assert await waiting(north) == {"transit-slips": 1, "book-straps": 1}
    await north.act(request, K.AT_PICKUP)
    assert await waiting(north) == {"hold-slips": 1, "book-straps": 1}


async def test_a_partner_without_a_channel_is_written_a_letter(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, K.NEXT_SUPPLIER)
    await north.quiet()
    await north.act(request, K.ASSIGN, partner="post")
    await north.quiet()
    assert (await waiting(north)) == {"request-letters": 1}

    batch = await printing(north).make_batch(PrintKind.REQUEST_LETTERS, "staff:ana")
    (sheet,) = await printing(north).build_sheets(batch)

    assert sheet.letter is not None
    assert "Λιμάνια" in sheet.letter.text
    assert sheet.partner.address == "Torfweg 1\n26789 Moor"


async def test_a_patron_without_email_gets_a_letter(north: NcipTown) -> None:
    patron = await north.patron(PATRON)
    home = PostalAddress("Οδός Ερμού 12", "", "Αθήνα", "", "105 63", "Ελλάδα")
    contacts = (Contact(ContactKind.POSTAL, "home", postal=home),)
    await north.town.context.system.update_patron(patron.id, PatronDraft(contacts=contacts), "test:contacts")
    request = await north.asked()
    await north.act(request, K.RECEIVED, barcode="S-4711", pickup="RS")
    await north.quiet()

    batch = await printing(north).make_batch(PrintKind.PATRON_LETTERS, "staff:ana")
    (sheet,) = await printing(north).build_sheets(batch)

    assert sheet.notice is not None
    assert "Οδός Ερμού 12" in sheet.notice.address
    assert sheet.notice.notice.letter == "available"


def test_a_request_needs_a_kind_of_paper_for_one_reason_alone() -> None:
    """So the store counts the requests of each reason by themselves."""
    for needs in NEEDS.values():
        states = [(need.role, str(state)) for need in needs for state in need.states]
        assert len(states) == len(set(states))
