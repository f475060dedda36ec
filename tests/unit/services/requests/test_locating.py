"""What other libraries ask for is found on our shelves; a copy is found for one request only."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.library.embedded.system import EmbeddedLibrary
from gateway.domain.library import ItemStatus, RecordId
from gateway.domain.requests.citation import WANTED_ITEM, Citation, CitationExtra
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LendingState, LibraryParty, Role
from gateway.ports.library_operations import refuse_unsupported
from gateway.ports.library_system import BibHoldings, Capability
from tests.support.broker_symbols import SUPPLIER, copy_as_broker, list_passed_on
from tests.unit.services.requests.support import NcipTown

PROFILES = {"hill": {"partner": {"symbols": ["HILL"], "name": "Hill Library"}}}


async def test_two_that_come_together_do_not_get_the_same_copy(north: NcipTown) -> None:
    """Both are looked for before a hold of either is placed: the second has to wait for staff."""
    library = north.town.context.system
    item = await north.free_item()
    record = await library.holdings(item.bib_id)
    number = RecordId("local", record.bib.id)
    citation = Citation(title=record.bib.title, author=record.bib.author, identifiers=(number, *record.bib.identifiers))
    managed = north.town.gateway.managed
    drafts = [LendingDraft(citation=citation, requester=LibraryParty(profile="hill")) for _ in record.items]

    made = [await managed.libraries["NORTH"].requests.create_lending(draft) for draft in (*drafts, drafts[0])]
    await north.quiet()

    seen = [await north.see(one) for one in made]
    located = [one.item_barcode for one in seen if one.state is LendingState.LOCATED]
    assert len(located) == len(set(located)), "no copy twice"
    assert any(one.state is LendingState.NEW for one in seen), "one more than there are copies"
    assert (await managed.libraries["NORTH"].desk.dead_letters(10, "")).items == ()


async def test_the_copy_that_the_requester_has_chosen_is_taken_before_others(north: NcipTown) -> None:
    system = north.town.context.system
    several = [await system.holdings(bib.id) for bib in await system.search_bibs("a", 60)]
    record = next(one for one in several if len(find_free_barcodes(one)) > 1)
    wanted = max(find_free_barcodes(record))
    number = RecordId("local", record.bib.id)
    draft = LendingDraft(
        citation=Citation(title=record.bib.title, identifiers=(number, *record.bib.identifiers)),
        requester=LibraryParty(profile="hill"),
        extras=(CitationExtra(WANTED_ITEM, wanted),),
    )

    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    assert (await north.see(made)).item_barcode == wanted


def find_free_barcodes(record: BibHoldings) -> list[str]:
    return [one.barcode for one in record.items if one.circulates and one.status is ItemStatus.AVAILABLE]


@pytest.mark.parametrize(
    ("lacking", "note"),
    [
        (
            {Capability.BIB_FIND, Capability.SEARCH, Capability.ITEM_AVAILABILITY},
            "the library system cannot be searched from here; find the item and enter its barcode when you ship it",
        ),
        ({Capability.SEARCH}, "no similar record found"),
    ],
)
async def test_what_the_system_cannot_look_up_staff_find_themselves(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch, lacking: set[Capability], note: str
) -> None:
    async def search_bibs(_query: str, _limit: int = 20) -> None:
        refuse_unsupported("search its catalogue")

    item = await north.free_item()
    system = north.town.context.system
    monkeypatch.setattr(EmbeddedLibrary, "capabilities", system.capabilities - lacking)
    monkeypatch.setattr(system, "search_bibs", search_bibs)
    managed = north.town.gateway.managed
    citation = Citation(title="Der Kirschgarten", identifiers=(RecordId("isbn", "978-0-00-001999-8"),))

    made = await managed.libraries["NORTH"].requests.create_lending(
        LendingDraft(citation=citation, requester=LibraryParty(profile="hill"))
    )
    await north.quiet()

    seen = await north.see(made)
    assert (seen.state, [one.text for one in seen.notes]) == (LendingState.NEW, [note])
    assert (await managed.libraries["NORTH"].desk.dead_letters(10, "")).items == ()
    await north.act(made, EventKind.SHIPPED, barcode=item.barcode)
    await north.quiet()
    assert (await north.see(made)).state is LendingState.SHIPPED


async def test_what_staff_pass_on_while_it_is_looked_for_stays_passed_on(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = copy_as_broker(template, tmp_path / "template", "MOUNTAINS")
    async with NcipTown(broker, tmp_path / "at-work") as north:
        system = north.town.context.system
        item = await north.free_item()
        record = await system.holdings(item.bib_id)
        find_holdings = system.holdings

        async def pass_on_meanwhile(bib_id: str) -> BibHoldings:
            (asked,) = await north.all(Role.LENDING)
            if asked.other_leg is None:
                await north.act(asked, EventKind.BROKERED)
            return await find_holdings(bib_id)

        monkeypatch.setattr(system, "holdings", pass_on_meanwhile)
        citation = Citation(title=record.bib.title, identifiers=(RecordId("local", record.bib.id),))
        made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(
            LendingDraft(citation=citation, requester=LibraryParty(profile="hill"))
        )
        await north.quiet()

        seen, (others,) = await north.see(made), await north.all(Role.BORROWING)
        assert (seen.state, seen.item_barcode, others.open) == (LendingState.NEW, "", True)
        assert list_passed_on((seen, others)) == [(record.bib.title, [SUPPLIER])]
        assert EventKind.CANCEL.value not in await north.kinds(others)
