"""Partners that are reached by mail and played, with a gateway that doesn't know it: ours go out by SMTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import ServiceType
from tests.rehearsal.world import (
    FJORDBY,
    PASSWORD,
    MockWorld,
    OurMailbox,
    PartnerMailbox,
    make_template,
    run_mail_world,
)
from tests.support.mail_profiles import PEER

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAGGED = {
    "partner": {"symbols": ["ISIL:NO-0030101"], "name": "Fjordby <bibliotek>", "channel": "tagged-mail"},
    "circulation": FJORDBY["circulation"],
    "tagged_mail": {"our_symbol": "CLARENS"},
}
ARTEMAIL = {
    **PEER,
    "partner": {**PEER["partner"], "symbols": ["LOCAL:BLDSS"], "name": "Bokdepot", "channel": "artemail"},
    "circulation": FJORDBY["circulation"],
}

ISO_ILL = {
    "partner": {"symbols": ["ISIL:NO-0030101"], "name": "Fjordby <bibliotek>", "channel": "iso-ill"},
    "circulation": FJORDBY["circulation"],
    "iso_ill": {"transport": {"by": "mail"}},
}

Mailed = tuple[MockWorld, PartnerMailbox, OurMailbox]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("mock-mail"))


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["tagged", "artemail", "iso-ill"])
async def mailed(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mailed]:
    profile = {"tagged": TAGGED, "artemail": ARTEMAIL, "iso-ill": ISO_ILL}[request.param]
    async with run_mail_world(template, tmp_path_factory.mktemp("world"), profile) as mailed:
        yield mailed


async def test_a_loan_from_the_wish_to_the_way_home(mailed: Mailed) -> None:
    world, _, _ = mailed
    request = await world.ask("Havet og himmelen")
    assert request.state.value == "shipped"

    await world.act(request, EventKind.RECEIVED)
    await world.act(request, EventKind.RETURNED)
    assert (await world.town.show(request.id)).request.state.value == "completed"
    assert world.find_conversation(request).request.state.value == "completed"


async def test_the_page_shows_mails_as_people_read_them(mailed: Mailed) -> None:
    world, _, _ = mailed
    await world.ask("Fyret på Hå mock:unfilled")
    number = next(one.number for one in reversed(world.partner.exchanges) if one.came)
    page, _ = await world.read_page(f"/exchanges/{number}")
    assert "Fyret p" in page or "apdu.ber, " in page, "the name of the file with an APDU"
    assert PASSWORD not in page
    assert "HTTP" not in page


async def test_a_scenario_without_an_answer_is_tried_again(mailed: Mailed) -> None:
    world, theirs, _ = mailed
    request = await world.ask("Storm mock:no-answer")
    assert request.state.value == "requested"
    assert "451" in theirs.failures[-1]

    await world.pass_minutes(10)
    assert (await world.town.show(request.id)).request.state.value == "shipped"


async def test_only_mails_to_the_partner_are_taken(mailed: Mailed) -> None:
    world, theirs, _ = mailed
    letters = len(theirs.mails)
    before = len(world.partner.exchanges)
    await world.ask("Vinterbok mock:unfilled")
    assert len(theirs.mails) > letters, "the letter to the patron"
    assert [one.came for one in list(world.partner.exchanges)[before:]] == [True, False]


async def test_a_copy_comes_as_a_link(template: Path, tmp_path: Path) -> None:
    async with run_mail_world(template, tmp_path, TAGGED) as (world, _, _):
        request = await world.ask("Norsk Bokhistorie", ServiceType.COPY)
        assert request.state.value == "completed"


async def test_a_requester_asks_receives_and_returns(template: Path, tmp_path: Path) -> None:
    async with run_mail_world(template, tmp_path, TAGGED) as (world, _, _):
        conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-loan"])
        await world.settle()
        lending = await world.find_lending(conversation)
        world.clock.advance(timedelta(minutes=1))
        await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode())
        assert conversation.request.state.value == "returned"
