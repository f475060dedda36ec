"""What is lent to partners is brought to the branch that packs it, not to the first hold shelf by code."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from adapters.library.embedded.tables import branches
from gateway.domain.library import Hold, HoldStatus, ItemStatus, PatronDraft, PersonName, RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.request import LendingState, LibraryParty
from tests.unit.services.requests.support import NcipTown

PROFILES = {
    "hill": {
        "partner": {"symbols": ["HILL"], "name": "Hill Library"},
        "circulation": {"patrons": {"create_library": "MAIN"}},
    }
}


async def lend_to_hill(north: NcipTown) -> Hold:
    """The hold that keeps the located copy."""
    item = await north.free_item()
    library = north.town.context.system
    bib = (await library.holdings(item.bib_id)).bib
    citation = Citation(title=bib.title, author=bib.author, identifiers=(RecordId("local", bib.id), *bib.identifiers))
    draft = LendingDraft(citation=citation, requester=LibraryParty(profile="hill"))
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    request = await north.see(made)
    assert request.state is LendingState.LOCATED
    return await library.find_hold(request.number)


@pytest.mark.parametrize("has_hold_shelf", [True, False], ids=["a pickup place too", "no pickup place"])
async def test_a_located_copy_goes_to_the_resource_sharing_branch(north: NcipTown, has_hold_shelf: bool) -> None:
    await north.town.context.store.write(
        lambda c: c.execute(update(branches).where(branches.c.code == "RS").values(pickup=has_hold_shelf))
    )

    hold = await lend_to_hill(north)

    assert hold.pickup == "RS"
    library = north.town.context.system
    fetched = await library.check_in(hold.item_barcode, "pulled", at="MAIN")
    assert fetched.item.status is ItemStatus.IN_TRANSIT
    assert fetched.route_to is not None
    assert fetched.route_to.library == "RS"
    arrived = await library.check_in(hold.item_barcode, "arrived", at="RS")
    assert arrived.next_hold is not None
    assert arrived.next_hold.status is HoldStatus.READY


async def test_a_library_without_such_a_branch_brings_it_to_its_first_pickup_place(north: NcipTown) -> None:
    await north.town.context.store.write(lambda c: c.execute(update(branches).values(resource_sharing=False)))

    assert (await lend_to_hill(north)).pickup == "EAST"


async def test_the_only_branch_of_a_library_needs_no_mark(north: NcipTown) -> None:
    item = await north.free_item()
    await north.town.context.store.write(
        lambda c: c.execute(update(branches).values(resource_sharing=False)),
    )
    others = branches.c.code != item.home.library
    await north.town.context.store.write(lambda c: c.execute(delete(branches).where(others)))

    draft = PatronDraft(name=PersonName("Hill Library", is_organisation=True), category="visitor")
    made = await north.town.context.system.create_patron(draft, "test:only-branch")

    assert made.home_library == item.home.library
