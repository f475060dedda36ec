"""A recall from the lender's message to the patron's letter: the date that counts is that of the patron's loan."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from gateway.domain.problems import Unavailable
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import BorrowingState, Request, RequestFlag
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {"south": SOUTH}


async def lend_to_patron(north: NcipTown) -> Request:
    request = await north.asked()
    await tell(north, request, EventKind.SHIPPED, due=date(2026, 6, 30))
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.LOANED_TO_PATRON)
    await north.quiet()
    lent = await north.see(request)
    assert lent.state is BorrowingState.LENT
    north.mail.mails.clear()
    return lent


async def tell(north: NcipTown, request: Request, kind: EventKind, due: date | None = None) -> None:
    event = Event(partner_signal(kind), north.clock.now(), "partner:test", EventDetails(due=due), request.current or 1)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))


async def loan_end(north: NcipTown, request: Request) -> datetime:
    item = await north.town.context.find_item(request.volumes[0].barcode)
    assert item is not None
    loan = await north.town.context.system.item_loan(item.id)
    assert loan is not None
    assert loan.due is not None
    return loan.due.astimezone(north.town.context.zone)


def recall_letters(north: NcipTown) -> list[str]:
    return [
        " ".join(str(body.get_content()).split())
        for mail in north.mail.mails
        if str(mail["Subject"]).startswith("Please return") and (body := mail.get_body(("plain",))) is not None
    ]


async def test_the_letter_has_the_date_that_the_library_gives_a_loan_recalled_without_one(north: NcipTown) -> None:
    lent = await lend_to_patron(north)
    before = await loan_end(north, lent)

    await tell(north, lent, EventKind.RECALL)
    await north.quiet()

    recalled, end = await north.see(lent), await loan_end(north, lent)
    (letter,) = recall_letters(north)
    assert end < before
    assert recalled.terms.patron_due == end
    assert f"Please return it by {end.day} {end:%B %Y}" in letter
    assert RequestFlag.RECALLED in recalled.flags
    assert [note.text for note in recalled.notes] == [
        f"The library has recalled the loan. It now ends on {end:%Y-%m-%d %H:%M}."
    ]
    timers = (await north.town.gateway.managed.libraries["NORTH"].requests.load_view(lent.id)).timers
    assert [one.at for one in timers if one.timer == "patron-due"] == [end]


async def test_the_letter_has_the_lenders_date_less_the_way_back(north: NcipTown) -> None:
    lent = await lend_to_patron(north)
    day = (north.clock.now() + timedelta(days=20)).date()

    await tell(north, lent, EventKind.RECALL, due=day)
    await north.quiet()

    end = await loan_end(north, lent)
    (letter,) = recall_letters(north)
    assert end.date() <= day
    assert f"Please return it by {end.day} {end:%B %Y}" in letter


async def test_the_letter_waits_for_a_library_that_is_away(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    lent = await lend_to_patron(north)

    async def stay_away(*_arguments: object, **_named: object) -> None:
        raise Unavailable("down for the night")

    with monkeypatch.context() as night:
        night.setattr(north.town.context.system, "recall_loan", stay_away)
        await tell(north, lent, EventKind.RECALL)
        await north.quiet()
        assert recall_letters(north) == []

    north.clock.advance(timedelta(hours=1))
    await north.quiet()
    end = await loan_end(north, lent)
    (letter,) = recall_letters(north)
    assert f"Please return it by {end.day} {end:%B %Y}" in letter
