"""What other libraries ask for is found on our shelves; a copy is found for one request only."""

from __future__ import annotations

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import LendingState, LibraryParty
from gateway.domain.requests.views import LendingDraft
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

    made = [await managed.requests.create_lending("NORTH", draft) for draft in (*drafts, drafts[0])]
    await north.quiet()

    seen = [await north.see(one) for one in made]
    located = [one.item_barcode for one in seen if one.state is LendingState.LOCATED]
    assert len(located) == len(set(located)), "no copy twice"
    assert any(one.state is LendingState.NEW for one in seen), "one more than there are copies"
    assert (await managed.desk.dead_letters("NORTH", 10, "")).items == ()
