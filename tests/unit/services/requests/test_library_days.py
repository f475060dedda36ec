"""A day begins at midnight where the library is, whatever day it is in UTC."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.commands import ItemRenewed, Named, Renew
from gateway.domain.library import Bib, Item, ItemStatus, Loan, Location, Patron, PersonName
from gateway.domain.requests.events import Event, EventDetails, EventKind, EventOrigin, partner_signal
from gateway.domain.requests.request import BorrowingState, LendingState, LoanTerms, Request
from gateway.domain.requests.state_table import TimerKind
from gateway.services.request_work.library_outcomes import outcome_of_command
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests import timers
from tests.support.requests import lending
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {
    "south": {
        "partner": {
            **SOUTH["partner"],
            "closures": [{"first": "2026-04-20", "last": "2026-04-25"}],
            "workflow": {"borrowing": {"renewal_fallback": "granted", "renewal_fallback_days": 8}},
        },
    }
}


async def be_asked_later(north: NcipTown, at: datetime, retry_after: date) -> Request:
    """South says so at that time."""
    request = await north.asked()
    north.clock.advance(at - north.clock.now())
    event = Event(partner_signal(EventKind.RETRY), at, "partner:south", EventDetails(retry_after=retry_after), 1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))
    await north.quiet()
    return await north.see(request)


async def find_timer(north: NcipTown, request: Request, timer: TimerKind) -> datetime | None:
    found = await north.town.context.store.read(lambda c: timers.list_timers_of_request(c, "NORTH", request.id))
    return next((one.at for one in found if one.timer is timer), None)


async def find_retry_time(north: NcipTown, request: Request) -> datetime | None:
    return await find_timer(north, request, TimerKind.RETRY)


async def test_in_the_west_tomorrow_is_waited_for_in_the_evening_too(template: Path, tmp_path: Path) -> None:
    async with NcipTown(template, tmp_path, "America/Los_Angeles") as north:
        evening = datetime(2026, 3, 20, 3, 0, tzinfo=UTC)  # 19 March, 20:00

        request = await be_asked_later(north, evening, date(2026, 3, 20))

        assert request.state is BorrowingState.NO_SUPPLIER
        midnight = datetime(2026, 3, 20, 7, 0, tzinfo=UTC)
        assert await find_retry_time(north, request) == midnight

        north.clock.advance(midnight - north.clock.now())
        await north.quiet()

        request = await north.see(request)
        assert (request.state, request.current) == (BorrowingState.REQUESTED, 2)


async def test_in_the_east_a_day_that_has_come_is_not_waited_for(template: Path, tmp_path: Path) -> None:
    """South turns out to be closed on the day that it named. In UTC that day begins twelve hours later: till then the
    request was looked at again and again, without a pause."""
    async with NcipTown(template, tmp_path, "Pacific/Auckland") as north:
        request = await be_asked_later(north, datetime(2026, 4, 10, 1, 0, tzinfo=UTC), date(2026, 4, 28))
        assert await find_retry_time(north, request) == datetime(2026, 4, 27, 12, 0, tzinfo=UTC)
        closures = north.town.gateway.managed.libraries["NORTH"].closures
        await closures.add_closure("south", date(2026, 4, 28), date(2026, 4, 30), "", "staff:ana")

        north.clock.advance(datetime(2026, 4, 27, 12, 0, tzinfo=UTC) - north.clock.now())
        async with asyncio.timeout(20):
            await north.quiet()

        assert (await north.see(request)).state is BorrowingState.NO_SUPPLIER
        assert await find_retry_time(north, request) == datetime(2026, 4, 30, 12, 0, tzinfo=UTC), "it opens again"


async def test_the_time_for_an_answer_stands_still_while_the_partner_is_closed(north: NcipTown) -> None:
    """South is closed from Monday to Saturday, as its profile says; then again, as staff have heard."""
    friday = datetime(2026, 4, 17, 9, 0, tzinfo=UTC)
    north.clock.advance(friday - north.clock.now())
    request = await north.asked()
    third_day = datetime(2026, 4, 29, 9, 0, tzinfo=UTC)
    assert await find_timer(north, request, TimerKind.ANSWER) == third_day

    closures = north.town.gateway.managed.libraries["NORTH"].closures
    await closures.add_closure("south", date(2026, 4, 29), date(2026, 5, 4), "", "staff:ana")
    north.clock.advance(third_day - north.clock.now())
    await north.quiet()

    assert (await north.see(request)).state is BorrowingState.REQUESTED
    assert await find_timer(north, request, TimerKind.ANSWER) == datetime(2026, 5, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "renewed"),
    [
        (date(2026, 4, 1), date(2026, 4, 27)),  # from today, 17 April, to a Saturday: so until Monday
        (date(2026, 4, 21), date(2026, 4, 29)),  # not over yet: from its own day
        (None, date(2026, 4, 27)),
    ],
)
async def test_a_renewal_that_counts_as_granted_is_dated_as_one_by_rule(
    north: NcipTown, due: date | None, renewed: date
) -> None:
    """It was counted from the due date even where that was over: the loan was renewed to a day that had passed, and the
    patron's ended at once."""
    request = await north.asked()
    shipped = Event(partner_signal(EventKind.SHIPPED), north.clock.now(), "partner:south", EventDetails(due=due), 1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=shipped))
    await north.act(request, EventKind.RECEIVED)
    north.clock.advance(datetime(2026, 4, 14, 9, 0, tzinfo=UTC) - north.clock.now())
    await north.act(await north.see(request), EventKind.RENEW)
    friday = datetime(2026, 4, 17, 9, 0, tzinfo=UTC)
    assert await find_timer(north, request, TimerKind.RENEWAL) == friday

    north.clock.advance(friday - north.clock.now())
    await north.quiet()

    request = await north.see(request)
    assert request.terms.lender_due == renewed
    assert request.terms.patron_due is not None
    assert request.terms.patron_due > friday
    line = next(one for one in reversed(await north.history(request)) if one.event.kind is EventKind.RENEW_ACCEPTED)
    assert (line.event.signal.origin, line.event.details.due) == (EventOrigin.TIMER, renewed)


def test_a_renewal_to_the_end_of_the_day_that_is_known_is_no_news() -> None:
    """The partner's system said 30 April; the loan ends with that day, which is 1 May in UTC."""
    ends = datetime(2026, 5, 1, 6, 59, 59, tzinfo=UTC)
    shelf = Location("MAIN", "stacks", "Stacks")
    item = Item("i-1", "31000000000042", "b-1", ItemStatus.ON_LOAN, "standard", shelf, shelf)
    patron = Patron("p-1", (), PersonName("Valley Library"), "institution", "MAIN")
    lent = datetime(2026, 4, 1, 9, tzinfo=UTC)
    loan = Loan("l-1", "k-1", "L-2026-0001", "i-1", "31000000000042", "b-1", "p-1", lent=lent, due=ends)
    request = lending(
        LendingState.SHIPPED,
        loan_id="l-1",
        item_barcode="31000000000042",
        terms=LoanTerms(lender_due=date(2026, 4, 30)),
    )
    renewed = ItemRenewed(loan, item, Bib("b-1"), patron)

    outcome = outcome_of_command(
        Renew(Named("31000000000042")), renewed, CirculationPolicy(), ZoneInfo("America/Los_Angeles")
    )

    assert outcome is not None
    assert outcome.derive_events(request) == ()
