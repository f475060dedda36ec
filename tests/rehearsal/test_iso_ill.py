"""A partner of ISO ILL that is played, with a gateway that doesn't know it, over TCP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.domain.requests.events import EventKind
from tests.rehearsal.world import FJORDBY, MockWorld, make_template, run_tcp_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("mock-iso-ill"))


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["same-connection", "call-back"])
async def world(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MockWorld]:
    async with run_tcp_world(template, tmp_path_factory.mktemp("world"), request.param) as world:
        yield world


async def test_a_loan_from_the_wish_to_the_way_home(world: MockWorld) -> None:
    request = await world.ask("Havet og himmelen")
    assert request.state.value == "shipped"

    await world.act(request, EventKind.RECEIVED)
    await world.act(request, EventKind.RETURNED)
    assert (await world.town.show(request.id)).request.state.value == "completed"
    assert world.find_conversation(request).request.state.value == "completed"


async def test_a_note_names_what_the_partner_says_next(world: MockWorld) -> None:
    request = await world.ask("Tåke mock:on-demand")
    assert request.state.value == "requested"
    held = await world.act(request, EventKind.MESSAGE, note="Please! mock:hold-placed")
    assert held.state.value == "hold-placed"


async def test_a_misbehaviour_of_another_protocol_is_an_error_of_the_request(world: MockWorld) -> None:
    await world.ask("Storm mock:malformed")
    notes = [one.note for one in world.partner.exchanges if one.came]
    assert any("no misbehaviour called broken-xml, which the scenario malformed names" in note for note in notes)


async def test_a_requester_asks_receives_and_returns(world: MockWorld) -> None:
    conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-loan"])
    await world.settle()
    lending = await world.find_lending(conversation)
    await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode())
    assert conversation.request.state.value == "returned"


async def test_the_page_shows_octets_of_what_is_no_text(world: MockWorld) -> None:
    await world.ask("Fyret mock:unfilled")
    number = next(one.number for one in world.partner.exchanges if one.service == "ILL-Request")
    page, _ = await world.read_page(f"/exchanges/{number}")
    assert "<pre>61 " in page  # the tag of an ILL-Request


async def test_passwords_are_not_shown(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FJORDBY_CODE", "stille-vann-17")
    shown = {"kind": "agency-secret", "secret": "env:FJORDBY_CODE"}
    profile = {**FJORDBY, "auth": [*FJORDBY["auth"], shown]}
    async with run_tcp_world(template, tmp_path, "same-connection", profile) as world:
        await world.ask("Havørn mock:unfilled")
        said = [one.body for one in world.partner.exchanges if not one.came]

    assert [b"fjordby" in body for body in said] == [True], "the name under which it is let in"
    assert b"env:FJORDBY_CODE" not in said[0], "which is the password here"
