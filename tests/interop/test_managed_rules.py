"""Rules of requests.yml at work in two whole gateways: days that can't be met, days of a loan, files of copies."""

from __future__ import annotations

import io
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter

from demo.two import PATRON, partner
from demo.world import START, Site, Town, World
from gateway.domain.library import Bib
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    PatronLink,
    Request,
    RequestDates,
    RequestedService,
    Role,
    RotaLine,
    ServiceType,
)
from gateway.domain.requests.views import ActionRequest, FileUpload
from tests.support.yaml_files import write_yaml_file

STAFF = "staff:ada"

NORTH = Site(
    symbol="NORTH",
    name="Northern Library",
    profiles={
        "south": partner("SOUTH", "Southern Library", owns="everything"),
        "east": partner("EAST", "Eastern Library", channel="mail", email="ill@east.example", owns="everything"),
    },
    requests={
        "intake": {
            "mediation_default": "straight-through",
            "locally_owned": "allow",
            "duplicates": {"action": "allow"},
            "least_days": 3,
        },
        "rotas": {"usual": {"lines": [{"partner": "south"}, {"partner": "east"}]}},
        "default_rota": "usual",
    },
)
SOUTH = Site(symbol="SOUTH", name="Southern Library", profiles={"north": partner("NORTH", "Northern Library")})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, NORTH, SOUTH) as world:
        yield world


async def reruled(town: Town, **sections: Any) -> None:
    write_yaml_file(town.settings.folder / "requests.yml", sections)
    assert await town.gateway.reload()


async def borrow(world: World, need_by: date | None = None, citation: Citation | None = None, **more: Any) -> Request:
    draft = BorrowingDraft(
        citation=citation or Citation(type=CitationType.BOOK, title="საქართველოს ისტორია"),
        patron=PatronLink(identifier=PATRON),
        dates=RequestDates(need_by=need_by),
        actor="patron",
        **more,
    )
    made = await world.borrower.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
    await world.quiet()
    return await world.borrower.see(made)


async def lending(world: World) -> Request:
    (theirs,) = await world.lender.requests(Role.LENDING)
    return theirs


async def lender_acts(world: World, kind: EventKind, **details: Any) -> None:
    act = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ben", version=None)
    await world.lender.act(await lending(world), act)
    await world.quiet()


# --- a day that can't be met -----------------------------------------------------------------------------


async def test_what_can_not_come_in_time_expires_instead_of_being_asked_for(world: World) -> None:
    """START is a Monday: the third business day after it is Thursday."""
    request = await borrow(world, need_by=START.date() + timedelta(days=2))
    assert (request.state, request.attempts) == (BorrowingState.EXPIRED, ())
    shown = await world.borrower.gateway.managed.libraries["NORTH"].requests.load_view(request.id)
    assert [str(line.event.signal) for line in shown.history][-1] == "timer:expired"
    assert shown.history[-1].event.details.reason == "need-by-not-met"
    assert shown.history[-1].event.actor == "rule"
    letter = world.mail.mails[-1].get_body(("plain",))
    assert letter is not None
    assert "(it would not arrive in time)" in " ".join(letter.get_content().split())


async def test_just_in_time_is_in_time(world: World) -> None:
    request = await borrow(world, need_by=START.date() + timedelta(days=3))
    assert request.state is BorrowingState.REQUESTED


async def test_the_next_supplier_is_not_asked_when_it_is_too_late(world: World) -> None:
    request = await borrow(world, need_by=START.date() + timedelta(days=4))
    world.clock.advance(timedelta(days=2))
    await lender_acts(world, EventKind.UNFILLED, reason="not-on-shelf")
    request = await world.borrower.see(request)
    assert request.state is BorrowingState.EXPIRED
    assert [one.partner for one in request.attempts] == ["south"]


async def test_a_supplier_named_by_hand_is_asked_all_the_same(world: World) -> None:
    request = await borrow(world, need_by=START.date() + timedelta(days=1), partner="east")
    assert (request.state, request.partner.profile) == (BorrowingState.REQUESTED, "east")
    assert request.rota[0] == replace(RotaLine("east", why="manually", by_hand=True), standing=request.rota[0].standing)


# --- days of a loan --------------------------------------------------------------------------------------


async def test_the_policy_of_the_item_says_how_long_it_is_lent(world: World) -> None:
    book = await some_book(world)
    (item, *_) = (await world.lender.context.system.holdings(book.id)).items
    await reruled(world.lender, lending={"loan_days": {"item_policies": {item.policy: 7}, "categories": {}}})
    await borrow(world, citation=Citation(type=CitationType.BOOK, title=book.title, identifiers=book.identifiers))
    await lender_acts(world, EventKind.SHIPPED, barcode=item.barcode)
    assert (await lending(world)).terms.lender_due == START.date() + timedelta(days=7)


async def test_without_a_rule_for_it_the_partners_days_count(world: World) -> None:
    book = await some_book(world)
    (item, *_) = (await world.lender.context.system.holdings(book.id)).items
    await reruled(world.lender, lending={"loan_days": {"item_policies": {"no such policy": 7}}})
    await borrow(world, citation=Citation(type=CitationType.BOOK, title=book.title, identifiers=book.identifiers))
    await lender_acts(world, EventKind.SHIPPED, barcode=item.barcode)
    assert (await lending(world)).terms.lender_due == START.date() + timedelta(days=28)


async def some_book(world: World) -> Bib:
    system = world.lender.context.system
    for bib in await system.search_bibs("a", 60):
        items = (await system.holdings(bib.id)).items
        if bib.identifiers and items and all(one.status.value == "available" and one.circulates for one in items):
            return bib
    raise AssertionError("the sample library has no such book")


# --- files of copies -------------------------------------------------------------------------------------


def pdf(pages: int) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 300)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


async def asked_for_a_copy(world: World) -> Request:
    chapter = Citation(type=CitationType.CHAPTER, title="日本の図書館", component_title="序章", pages="17-19")
    await borrow(world, citation=chapter, service=RequestedService(ServiceType.COPY))
    return await lending(world)


async def attach(world: World, content: bytes, name: str = "scan.pdf") -> Request:
    theirs = await lending(world)
    upload = FileUpload(name=name, media_type="application/pdf", content=content)
    front = world.lender.gateway.managed.libraries["SOUTH"].requests
    return (await front.attach(theirs.id, upload, "staff:ben", theirs.version))[0]


async def test_a_copy_of_another_length_than_cited_warns_staff(world: World) -> None:
    await asked_for_a_copy(world)
    right = await attach(world, pdf(3))
    assert (right.attachments[-1].pages, right.warnings) == (3, ())
    wrong = await attach(world, pdf(2), "half.pdf")
    assert wrong.attachments[-1].pages == 2
    assert wrong.warnings == ("The file half.pdf has 2 pages; the citation (pages 17-19) needs 3 pages.",)


async def test_nothing_is_kept_of_a_file_that_is_not_clean(world: World, tmp_path: Path) -> None:
    program = tmp_path / "scanner.py"
    program.write_text("import sys\nsys.exit(b'/VIRUS' in sys.stdin.buffer.read())\n")
    await reruled(world.lender, copies={"scan_command": [sys.executable, str(program)]})
    before = await asked_for_a_copy(world)
    with pytest.raises(Refused, match="virus"):
        await attach(world, pdf(3) + b"\n% /VIRUS\n")
    await reruled(world.lender, copies={"scan_command": [str(tmp_path / "none")]})
    with pytest.raises(Unavailable):
        await attach(world, pdf(3))
    assert await lending(world) == before
    await reruled(world.lender, copies={"scan_command": [sys.executable, str(program)]})
    assert len((await attach(world, pdf(3))).attachments) == 1
