"""Another library's patron borrows from us directly: a temporary record, linked to the home library, while it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.library import PersonName
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import HomePatron, LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LendingState, LibraryParty, Request, Role
from tests.unit.services.requests.support import PATRON, NcipTown, ncip

HOME = HomePatron(
    identifier="H-2001",
    name=PersonName("Čermáková", "Zdeňka"),
    email="zdenka@readers.example",
    language="de",
)

PROFILES = {
    "valley": ncip(
        circulation={
            "patrons": {"create_category": "visitor", "create_days": 10, "lookup_by": ["barcode"]},
            "requests": {"managed": "lending"},
        },
        partner={
            "symbols": ["VALLEY"],
            "name": "Valley Library",
            "email": "ill@valley.example",
            "channel": "mail",
            "workflow": {"lending": {"loan_to": "requester", "loan_days": 28}},
        },
    ),
    "hill": {"partner": {"symbols": ["HILL"], "name": "Hill Library"}},
}


async def wanted(
    north: NcipTown, barcode: str, transaction: str, patron: HomePatron = HOME, profile: str = "valley"
) -> Request:
    """A request for one of our items, for somebody at Valley Library."""
    draft = LendingDraft(
        citation=Citation(title="nothing that is here"),
        requester=LibraryParty(profile=profile),
        transaction=transaction,
        patron=patron,
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    request = await north.act(request, EventKind.LOCATED, barcode=barcode)
    await north.quiet()
    return await north.see(request)


async def test_the_item_is_lent_to_the_home_library_s_patron(north: NcipTown) -> None:
    item = await north.free_item()
    request = await wanted(north, item.barcode, "V-1")

    patron = await north.patron("H-2001")
    assert (patron.home_institution, patron.temporary, patron.category) == ("VALLEY", True, "visitor")
    assert request.direct_patron.id == patron.id
    assert [one.patron_id for one in await north.town.context.system.item_holds(item.id)] == [patron.id]

    await north.act(request, EventKind.SHIPPED)

    loan = await north.town.context.system.item_loan(item.id)
    assert loan is not None
    assert loan.patron_id == patron.id
    expires = (await north.patron("H-2001")).expires
    assert expires is not None
    assert expires >= loan.due.date(), "the record lives as long as the loan"


async def test_the_record_is_made_once_and_kept_up_to_date(north: NcipTown) -> None:
    item = await north.free_item()
    first = await wanted(north, item.barcode, "V-2")
    married = HomePatron(identifier="H-2001", name=PersonName("Novotná", "Zdeňka"), email="zn@readers.example")

    draft = LendingDraft(citation=Citation(title="more"), requester=LibraryParty(profile="valley"), patron=married)
    second = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)

    assert second.direct_patron.id == first.direct_patron.id
    assert (await north.patron("H-2001")).name.surname == "Novotná"


async def test_the_record_ends_when_the_item_is_home(north: NcipTown) -> None:
    item = await north.free_item()
    request = await wanted(north, item.barcode, "V-3")
    await north.act(request, EventKind.SHIPPED)
    await north.quiet()

    await north.act(request, EventKind.CHECKED_IN)
    await north.quiet()

    assert (await north.see(request)).state is LendingState.COMPLETED
    assert (await north.patron("H-2001")).expires == north.town.context.today()


async def test_the_record_lasts_as_long_as_its_patron_has_a_hold(north: NcipTown) -> None:
    request = await wanted(north, (await north.free_item()).barcode, "V-8")
    await wanted(north, (await north.free_item()).barcode, "V-9")
    await north.act(request, EventKind.SHIPPED)
    await north.quiet()

    await north.act(request, EventKind.CHECKED_IN)
    await north.quiet()

    patron = await north.patron("H-2001")
    assert (patron.loan_count, patron.hold_count) == (0, 1)
    assert patron.expires is not None
    assert patron.expires > north.town.context.today()


async def test_another_request_makes_the_record_last_no_shorter(north: NcipTown) -> None:
    """A new record lasts ten days, one with a loan as long as that."""
    request = await wanted(north, (await north.free_item()).barcode, "V-10")
    await north.act(request, EventKind.SHIPPED)
    before = (await north.patron("H-2001")).expires

    await wanted(north, (await north.free_item()).barcode, "V-11")

    assert before == north.town.context.today() + timedelta(days=28)
    assert (await north.patron("H-2001")).expires == before


async def test_when_it_is_overdue_library_and_patron_are_written(north: NcipTown) -> None:
    item = await north.free_item()
    request = await wanted(north, item.barcode, "V-4")
    await north.act(request, EventKind.SHIPPED)
    await north.quiet()
    north.mail.mails.clear()

    north.clock.advance(timedelta(days=31))
    await north.quiet()

    assert len(north.mail.subjects("ill@valley.example")) == 1
    (letter,) = [mail for mail in north.mail.mails if "zdenka@readers.example" in str(mail["To"])]
    assert str(letter["Subject"]).startswith("Überfällig")
    text = letter.get_body(("plain",))
    assert text is not None
    assert "Valley Library (ill@valley.example)" in " ".join(text.get_content().split())


async def test_a_recall_goes_to_both(north: NcipTown) -> None:
    item = await north.free_item()
    request = await wanted(north, item.barcode, "V-5")
    await north.act(request, EventKind.SHIPPED)
    await north.quiet()
    north.mail.mails.clear()

    await north.act(request, EventKind.RECALL)
    await north.quiet()

    assert sorted(str(mail["To"]) for mail in north.mail.mails) == ["ill@valley.example", "zdenka@readers.example"]


async def test_somebody_of_our_own_is_not_taken_for_theirs(north: NcipTown) -> None:
    ours = HomePatron(identifier=PATRON, name=PersonName("Nobody"))

    with pytest.raises(Refused) as refused:
        await wanted(north, "39000000000011", "V-6", ours)

    assert refused.value.reason is RefusalReason.DUPLICATE_PATRON


async def test_where_items_go_to_the_library_a_patron_is_refused(north: NcipTown) -> None:
    with pytest.raises(Refused) as refused:
        await wanted(north, "39000000000011", "H-1", profile="hill")

    assert refused.value.reason is RefusalReason.NOT_ALLOWED


async def test_create_user_and_request_item_by_ncip_mean_the_same(north: NcipTown) -> None:
    made = await north.send("valley", "create-user", patron="H-2002", surname="Østergård", given="Bjørn")
    assert made.problem == ""
    patron = await north.patron("H-2002")
    assert (patron.home_institution, patron.temporary) == ("VALLEY", True)
    item = await north.free_item()

    answer = await north.send("valley", "request-item", request="V-7", item=item.barcode, patron="H-2002")

    assert answer.problem == ""
    (request,) = await north.all(Role.LENDING)
    assert request.direct_patron.id == patron.id
    assert request.state is LendingState.LOCATED
