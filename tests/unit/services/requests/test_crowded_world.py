"""Rules that keep something out, where there is something to keep out: another library's item on the same record,
another work under the same number, a message that comes twice, a change meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.domain.library import RecordId
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import PREVIOUS_REQUEST, RETRY, WANTED_ITEM, Citation, CitationExtra
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, PatronQuery, Role, RotaLine
from gateway.ports.library_system import BibHoldings
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.ports.shared_store import Store, Work
from gateway.services.request_work.questions import make_answer_links
from gateway.services.requests.partner_inbox import LibraryInbox
from gateway.services.requests.suppliers import select_next_supplier
from gateway.store.requests import requests
from gateway.store.requests.tables import outbox
from tests.support.requests import borrowing
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {
    "south": SOUTH,
    "hill": {"partner": {"symbols": ["HILL"], "name": "Hill Library", "channel": "mail", "email": "ill@hill.example"}},
}


async def test_another_librarys_item_is_offered_to_nobody(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on the shelf, on the same record, and the requester has even chosen it."""
    system = north.town.context.system
    record = await system.holdings((await north.free_item()).bib_id)
    theirs = replace(record.items[0], id="theirs", barcode="0-THEIRS", temporary=True, hold_count=0)

    async def list_holdings(bib_id: str) -> BibHoldings:
        return replace(record, items=(theirs, *record.items))

    monkeypatch.setattr(system, "holdings", list_holdings)
    draft = LendingDraft(
        citation=Citation(title=record.bib.title, identifiers=(RecordId("local", record.bib.id),)),
        requester=LibraryParty(profile="hill"),
        extras=(CitationExtra(WANTED_ITEM, theirs.barcode),),
    )
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    located = await north.see(made)
    assert located.state is LendingState.LOCATED
    assert located.item_barcode in [item.barcode for item in record.items]


def make_retry(previous: str, citation: Citation) -> IncomingPartnerMessage:
    extras = (CitationExtra(RETRY, "yes"), CitationExtra(PREVIOUS_REQUEST, previous))
    return make_message("retry-1", "H-2", citation, extras)


def make_message(
    id_: str, transaction: str, citation: Citation, extras: tuple[CitationExtra, ...] = ()
) -> IncomingPartnerMessage:
    return IncomingPartnerMessage(
        id=id_,
        kind=EventKind.REQUEST,
        role=Role.LENDING,
        sender="HILL",
        receiver="NORTH",
        transaction=transaction,
        request=LendingDraft(citation=citation, requester=LibraryParty(symbol="HILL", profile="hill"), extras=extras),
    )


@pytest.mark.parametrize(
    ("title", "state"), [("Sult", LendingState.WILL_SUPPLY), ("Mysterier", LendingState.CONDITIONAL)]
)
async def test_a_condition_is_accepted_by_a_retry_for_the_same_work_alone(
    north: NcipTown, title: str, state: LendingState
) -> None:
    draft = LendingDraft(citation=Citation(title="Sult"), requester=LibraryParty(profile="hill"), transaction="H-1")
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    await north.act(made, EventKind.CONDITIONAL, note="library use only")
    profile, _ = north.town.context.require_partner("hill")
    inbox = LibraryInbox(north.town.context)

    await inbox.receive_message(make_retry("H-1", Citation(title=title)), profile)

    conditional = await north.see(made)
    assert conditional.state is state
    assert len(await north.all(Role.LENDING)) == (1 if title == "Sult" else 2)


async def test_what_is_answered_unfilled_at_once_is_answered_once(north: NcipTown) -> None:
    profile, _ = north.town.context.require_partner("hill")
    inbox, store = LibraryInbox(north.town.context), north.town.context.store
    message = make_message("mail-1", "H-7", Citation(title="Sult"))
    for _ in range(2):
        await store.write(lambda c: inbox.answer_unfilled(c, message, profile, EventDetails(reason="policy")))

    count = select(func.count()).where(outbox.c.target == "hill")
    assert await store.read(lambda c: c.execute(count).scalar_one()) == 1


@dataclass
class Meanwhile:
    """A store in which another act is done right after the first look."""

    store: Store
    act: Callable[[], Awaitable[object]]
    is_done: bool = False

    async def read(self, work: Work[Any]) -> Any:
        seen = await self.store.read(work)
        if not self.is_done:
            self.is_done = True
            await self.act()
        return seen

    async def write(self, work: Work[Any]) -> Any:
        return await self.store.write(work)


async def test_no_supplier_is_asked_by_a_rota_that_staff_have_changed_meanwhile(north: NcipTown) -> None:
    context, store = north.town.context, north.town.context.store
    rota = (RotaLine(partner="south", by_hand=True),)
    wanted = borrowing(BorrowingState.SOURCING, library="NORTH", rota=rota)
    await store.write(lambda c: requests.insert_request(c, wanted))

    async def change_it() -> None:
        await north.act(wanted, EventKind.NOTE, note="erst morgen fragen")

    with pytest.raises(Unavailable, match="changed while a supplier was being chosen"):
        await select_next_supplier(replace(context, store=Meanwhile(store, change_it)), wanted.id)

    assert (await north.see(wanted)).attempts == ()
    assert await select_next_supplier(context, wanted.id) == "south is asked"


async def test_a_question_has_links_where_somebody_can_follow_them(north: NcipTown) -> None:
    now = north.clock.now()
    question = PatronQuery(id="q-1", about="cost", text="", asked=now, answer_by=now + timedelta(days=2))
    asked = borrowing(BorrowingState.REQUESTED, library="NORTH", query=question)
    roots = []
    for url in ("", "https://ill.example/"):
        links = await make_answer_links(replace(north.town.context, public_url=url), asked)
        roots.append({link.rpartition("/")[0] for link in links.values()})

    assert roots == [set(), {"https://ill.example/q"}]
