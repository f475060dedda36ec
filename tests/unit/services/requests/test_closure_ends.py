"""The end of a closure is a day on which somebody is asked again: a supplier by us, or we by a requester."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind, ReasonCodes
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, PatronLink, Request
from gateway.domain.requests.state_table import TimerKind
from gateway.store.requests import timers
from tests.unit.services.requests.support import EASY, PATRON, SOUTH, NcipTown, make_template

CHRISTMAS = {"first": "2026-12-19", "last": "2027-01-01", "note": "Christmas"}
MARCH = ({"first": "2027-03-01", "last": "2027-03-06"}, {"first": "2027-03-08", "last": "2027-03-13"})
PROFILES = {
    "south": {"partner": {**SOUTH["partner"], "closures": [CHRISTMAS]}},
    "hill": {
        "partner": {"symbols": ["HILL"], "name": "Hill Library", "channel": "mail", "email": "ill@hill.example"},
    },
    "broker": {
        "partner": {
            "symbols": ["BROKER"],
            "name": "A broker",
            "channel": "mail",
            "email": "ill@broker.example",
            "workflow": {"lending": {"while_closed": "unfilled"}},
        },
    },
}
REQUESTS = {
    **EASY,
    "rotas": {"usual": {"lines": [{"partner": "south"}], "only_owning": "no"}},
    "default_rota": "usual",
    "lending": {"closed": [CHRISTMAS, {"first": "2027-01-02", "last": "2027-01-02"}, *MARCH]},
}
AT_CHRISTMAS = datetime(2026, 12, 23, 9, 0, tzinfo=UTC)
AT_MARCH = datetime(2027, 3, 3, 9, 0, tzinfo=UTC)
SATURDAY, MONDAY = date(2027, 1, 2), date(2027, 1, 4)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), PROFILES, REQUESTS))


@pytest.fixture
async def north(template: Path, tmp_path: Path) -> AsyncIterator[NcipTown]:
    async with NcipTown(template, tmp_path) as town:
        town.clock.advance(AT_CHRISTMAS - town.clock.now())
        yield town


async def make_request(north: NcipTown) -> Request:
    """A borrowing request, for which the rota says whom to ask."""
    draft = BorrowingDraft(citation=Citation(title="Λιμάνια"), patron=PatronLink(identifier=PATRON), mediated=False)
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
    await north.quiet()
    return await north.see(request)


async def find_retry_time(north: NcipTown, request: Request) -> datetime | None:
    found = await north.town.context.store.read(lambda c: timers.list_timers_of_request(c, "NORTH", request.id))
    return next((one.at for one in found if one.timer is TimerKind.RETRY), None)


async def advance_to(north: NcipTown, moment: datetime) -> None:
    north.clock.advance(moment - north.clock.now())
    await north.quiet()


async def test_a_request_of_the_christmas_days_is_sent_when_the_supplier_opens(north: NcipTown) -> None:
    request = await make_request(north)
    assert (request.state, request.attempts) == (BorrowingState.NO_SUPPLIER, ())
    opening = datetime(2027, 1, 1, 23, 0, tzinfo=UTC)  # midnight in Zurich
    assert await find_retry_time(north, request) == opening

    await advance_to(north, opening)

    request = await north.see(request)
    assert (request.state, [one.partner for one in request.attempts]) == (BorrowingState.REQUESTED, ["south"])


async def test_a_closure_that_staff_have_written_counts_too(north: NcipTown) -> None:
    closures = north.town.gateway.managed.libraries["NORTH"].closures
    await closures.add_closure("south", SATURDAY, date(2027, 1, 6), "", "staff:ana")
    request = await make_request(north)

    await advance_to(north, datetime(2027, 1, 3, 12, 0, tzinfo=UTC))
    assert (await north.see(request)).state is BorrowingState.NO_SUPPLIER
    await advance_to(north, datetime(2027, 1, 7, 12, 0, tzinfo=UTC))
    assert (await north.see(request)).state is BorrowingState.REQUESTED


async def test_a_closure_that_staff_take_back_or_shorten_is_waited_for_no_longer(north: NcipTown) -> None:
    closures = north.town.gateway.managed.libraries["NORTH"].closures
    first, last = date(2027, 1, 2), date(2027, 2, 6)
    made = await closures.add_closure("south", first, last, "", "staff:ana")
    request = await make_request(north)
    assert await find_retry_time(north, request) == datetime(2027, 2, 6, 23, 0, tzinfo=UTC)

    await closures.remove_closure("south", made.id)
    assert await find_retry_time(north, request) == datetime(2027, 1, 1, 23, 0, tzinfo=UTC), "the profile's own"
    await closures.add_closure("south", first, date(2027, 1, 3), "", "staff:ana")
    assert await find_retry_time(north, request) == datetime(2027, 1, 3, 23, 0, tzinfo=UTC)


async def test_a_supplier_that_opens_earlier_is_asked_at_once(north: NcipTown) -> None:
    """But not before whoever shortens a closure has written it anew."""
    await advance_to(north, datetime(2027, 1, 5, 9, 0, tzinfo=UTC))
    closures = north.town.gateway.managed.libraries["NORTH"].closures
    made = await closures.add_closure("south", date(2027, 1, 5), date(2027, 2, 6), "", "staff:ana")
    request = await make_request(north)
    assert request.state is BorrowingState.NO_SUPPLIER
    other = await closures.add_closure("hill", date(2027, 1, 5), date(2027, 2, 6), "", "staff:ana")

    await closures.remove_closure("south", made.id)
    await closures.remove_closure("hill", other.id)
    await north.quiet()
    assert (await north.see(request)).state is BorrowingState.NO_SUPPLIER
    await advance_to(north, datetime(2027, 1, 5, 9, 15, tzinfo=UTC))

    request = await north.see(request)
    assert (request.state, [one.partner for one in request.attempts]) == (BorrowingState.REQUESTED, ["south"])


async def test_while_we_do_not_lend_a_requester_hears_from_when_we_do(north: NcipTown) -> None:
    """From the first day on which we work: the closures end with a Saturday."""
    draft = LendingDraft(citation=Citation(title="Λιμάνια"), requester=LibraryParty(profile="hill"))
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    assert (await north.see(made)).state is LendingState.UNFILLED
    (answer,) = [line.event for line in await north.history(made) if line.event.kind is EventKind.RETRY]
    assert answer.details == EventDetails(
        reason=ReasonCodes.CLOSED.value, note="We do not lend until 2027-01-02.", retry_after=MONDAY
    )
    (mail,) = [one for one in north.mail.mails if "ill@hill.example" in str(one["To"])]
    text = mail.get_body(("plain",))
    assert text is not None
    assert "4 January 2027" in text.get_content()


async def test_the_first_day_on_which_we_work_is_not_one_of_the_next_closure(north: NcipTown) -> None:
    """A Sunday lies between the two."""
    draft = LendingDraft(citation=Citation(title="Λιμάνια"), requester=LibraryParty(profile="hill"))
    north.clock.advance(AT_MARCH - north.clock.now())
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    (answer,) = [line.event for line in await north.history(made) if line.event.kind is EventKind.RETRY]
    assert answer.details.retry_after == date(2027, 3, 15)


async def test_a_broker_that_asks_the_next_library_at_once_hears_no_day(north: NcipTown) -> None:
    draft = LendingDraft(citation=Citation(title="Λιμάνια"), requester=LibraryParty(profile="broker"))
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    assert (await north.see(made)).state is LendingState.UNFILLED
    answers = [line.event for line in await north.history(made) if line.event.kind is EventKind.UNFILLED]
    assert [one.details for one in answers] == [
        EventDetails(reason=ReasonCodes.CLOSED.value, note="We do not lend until 2027-01-02.")
    ]
