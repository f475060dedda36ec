"""A gateway that rehearses with CrossLink's broker as that was recorded, under the profile that its guide names."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import ServiceType
from tests.rehearsal.world import FJORDBY, MockWorld, make_template, run_mock_world
from tests.support.paths import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROFILE = {**FJORDBY, "extends": "crosslink-18626", "iso18626": {}}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_template(tmp_path_factory.mktemp("crosslink"))
    for shipped in ("iso18626-2017.yml", "crosslink-18626.yml"):
        shutil.copy(ROOT / "profiles" / shipped, folder / "profiles" / shipped)
    return folder


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MockWorld]:
    async with run_mock_world(template, tmp_path_factory.mktemp("world"), PROFILE) as world:
        yield world


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        ("crosslink-loaned", "shipped"),
        ("crosslink-next", "shipped"),
        ("crosslink-refusing-library", "shipped"),
        ("crosslink-answer-lost", "shipped"),
        ("crosslink-conditional", "conditional"),
        ("crosslink-conditional-later", "conditional"),
        ("crosslink-price", "conditional"),
        ("crosslink-retry-record", "conditional"),
        ("crosslink-message", "will-supply"),
        ("crosslink-unfilled", "no-supplier"),
        ("crosslink-not-found", "no-supplier"),
        ("crosslink-promise-withdrawn", "no-supplier"),
        ("crosslink-transparent-loaned", "shipped"),
        ("crosslink-transparent-next", "shipped"),
        ("crosslink-transparent-unfilled", "no-supplier"),
    ],
)
async def test_a_request_stands_as_the_broker_tells(scenario: str, state: str, world: MockWorld) -> None:
    request = await world.ask(f"Brev fra øya mock:{scenario}")
    assert request.state.value == state


@pytest.mark.parametrize("scenario", ["crosslink-retry", "crosslink-retry-record"])
async def test_an_offer_waits_until_it_is_asked_again(scenario: str, world: MockWorld) -> None:
    request = await world.ask(f"Kart over fjorden mock:{scenario}")
    assert request.state.value == "conditional"
    assert (await world.act(request, EventKind.CONDITION_ACCEPTED)).state.value == "shipped"


async def test_a_copy_comes_by_a_link(world: MockWorld) -> None:
    request = await world.ask("Norsk Bokhistorie 12 mock:crosslink-copied", ServiceType.COPY)
    assert "partner:copy-delivered" in await world.history(request)


async def test_who_is_away_is_told_again(world: MockWorld) -> None:
    request = await world.ask("Fyret mock:crosslink-far-side-away")
    await world.act(request, EventKind.RECEIVED)
    await world.pass_minutes(90)
    await world.act(request, EventKind.RETURNED)
    await world.pass_minutes(90)

    conversation = world.find_conversation(request)
    came = [one for one in world.partner.exchanges if one.came and one.transaction == conversation.transaction]
    assert [(one.service, one.note) for one in came[1:]] == [
        ("requestingAgencyMessage Received", "refused"),
        ("requestingAgencyMessage Received", ""),
        ("requestingAgencyMessage ShippedReturn", "refused"),
        ("requestingAgencyMessage ShippedReturn", ""),
    ]
    assert came[1].body == came[2].body
    assert (await world.town.show(request.id)).request.state.value == "completed"
