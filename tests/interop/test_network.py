"""Two gateways of one network: the one that ranks suppliers asks the other how busy they are."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from demo.two import PATRON, partner
from demo.world import Site, Town, World
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.network_load import ReportedLoad
from gateway.domain.requests.request import PatronLink, Request
from gateway.services.people.api_keys import ApiKeyService, KeyScope
from gateway.store.library_store import LibraryStore
from gateway.store.requests import request_counts
from tests.support.running_servers import running
from tests.support.yaml_files import write_yaml_file

STRAIGHT = {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}}
CITY = partner("CITY", "City Library", channel="mail", email="ill@city.example", owns="everything")
EAST = partner("EAST", "Eastern Library", channel="mail", email="ill@east.example", owns="everything")
MEMBER = partner("SOUTH", "Southern Library", owns="nothing")

NORTH = Site(
    symbol="NORTH",
    name="Northern Library",
    profiles={"city": CITY, "east": EAST, "south": MEMBER},
    requests={
        "intake": STRAIGHT,
        "rotas": {"usual": {"order": "ranked", "lines": [{"partner": "city"}, {"partner": "east"}]}},
        "default_rota": "usual",
        "ranking": {"network_minutes": 10, "network_age_minutes": 60},
    },
)
SOUTH = Site(
    symbol="SOUTH",
    name="Southern Library",
    profiles={"north": partner("NORTH", "Northern Library"), "stadt": CITY},
    requests={"intake": STRAIGHT},
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """North has a key of South's."""
    async with World(tmp_path, NORTH, SOUTH) as world:
        store = world.lender.context.store
        key = (
            await ApiKeyService(LibraryStore(symbol="SOUTH", store=store, clock=world.clock)).create_key(
                "North", (KeyScope.NETWORK_READ,)
            )
        ).key
        folder = world.borrower.settings.folder
        (folder / "south.key").write_text(key + "\n")
        await join(world.borrower, f"http://127.0.0.1:{world.lender.gateway.http_port}")
        yield world


async def join(town: Town, url: str) -> None:
    profile: dict[str, Any] = {"partner": {**MEMBER["partner"], "network": {"url": url, "key": "file:south.key"}}}
    write_yaml_file(town.settings.folder / "profiles" / "south.yml", profile)
    assert await town.gateway.reload()


async def request_from(town: Town, partner: str = "", *, mediated: bool = False) -> Request:
    draft = BorrowingDraft(
        citation=Citation(type=CitationType.BOOK, title="ვეფხისტყაოსანი"),
        patron=PatronLink(identifier=PATRON),
        partner=partner,
        mediated=mediated,
        actor="staff:ada",
    )
    return await town.gateway.managed.libraries[town.symbol].requests.create_borrowing(draft)


async def make_city_busy(world: World, requests: int = 3) -> None:
    for _ in range(requests):
        await request_from(world.lender, "stadt")
    await world.quiet()


async def ask(world: World) -> None:
    managed = world.borrower.gateway.managed
    await managed.network.ask_due_libraries(managed.contexts)


def elsewhere(world: World, profile: str = "city") -> ReportedLoad:
    house = world.borrower.context
    return house.reported_load(house.require_partner(profile)[1])


async def test_the_supplier_that_is_busy_elsewhere_is_asked_last(world: World) -> None:
    await make_city_busy(world)
    assert elsewhere(world) == ReportedLoad()
    await ask(world)
    assert elsewhere(world) == ReportedLoad(3, 1)
    assert elsewhere(world, "east") == ReportedLoad()

    request = await request_from(world.borrower)
    await world.quiet()

    rota = {line.partner: line.why for line in (await world.borrower.see(request)).rota}
    assert (await world.borrower.see(request)).partner.profile == "east"
    assert "3 open, of which 3 from other members" in rota["city"]


async def test_staff_see_what_was_reported_and_when(world: World) -> None:
    await make_city_busy(world)
    await ask(world)
    partners = world.borrower.gateway.managed.libraries["NORTH"].partners
    city, south = await partners.partner("city"), await partners.partner("south")
    assert (city.open_borrowing, city.reported, city.reported_by, city.member) == (0, 3, 1, False)
    assert (south.member, south.heard, south.silent) == (True, world.clock.now(), "")
    request = await request_from(world.borrower, mediated=True)
    explained = await partners.explain(request.id)
    assert [line.partner for line in explained.lines] == ["east", "city"]
    assert "of which 3 from other members" in explained.lines[1].why


async def test_what_was_said_long_ago_does_not_count(world: World) -> None:
    await make_city_busy(world)
    await ask(world)
    world.clock.advance(timedelta(minutes=60))
    assert elsewhere(world) == ReportedLoad(3, 1)
    world.clock.advance(timedelta(seconds=1))
    assert elsewhere(world) == ReportedLoad()


@contextlib.asynccontextmanager
async def started_again(world: World) -> AsyncIterator[Town]:
    """North, while its member can't be reached."""
    await join(world.borrower, "http://127.0.0.1:1")
    await world.borrower.stop()
    async with running(Town(world.borrower.settings.folder / "gateway.yml", world.clock)) as town:
        yield town


def reported_to(town: Town, profile: str) -> ReportedLoad:
    return town.context.reported_load(town.context.require_partner(profile)[1])


async def test_what_was_said_before_a_start_counts_as_long_as_ever(world: World) -> None:
    await make_city_busy(world)
    await ask(world)
    said = world.clock.now()
    world.clock.advance(timedelta(minutes=30))

    async with started_again(world) as north:
        assert reported_to(north, "city") == ReportedLoad(3, 1)
        assert reported_to(north, "east") == ReportedLoad()
        assert (await north.gateway.managed.libraries["NORTH"].partners.partner("south")).heard == said
        world.clock.advance(timedelta(minutes=30, seconds=1))
        assert reported_to(north, "city") == ReportedLoad()


async def test_the_newest_is_kept_and_only_of_members(world: World) -> None:
    await make_city_busy(world, 1)
    await ask(world)
    await make_city_busy(world, 1)
    world.clock.advance(timedelta(minutes=10))
    await ask(world)
    store = world.borrower.context.store
    (row,) = await store.read(lambda c: request_counts.list_reports(c, "NORTH"))
    assert (row.member, row.library, row.at, row.open) == ("south", "SOUTH", world.clock.now(), {"city": 2})

    older = replace(row, at=row.at - timedelta(minutes=1), open={})
    await store.write(lambda c: request_counts.store_report(c, "NORTH", [older]))
    assert await store.read(lambda c: request_counts.list_reports(c, "NORTH")) == (row,), "another node heard it before"

    write_yaml_file(world.borrower.settings.folder / "profiles" / "south.yml", MEMBER)
    assert await world.borrower.gateway.reload()
    world.clock.advance(timedelta(minutes=10))
    await ask(world)
    assert await store.read(lambda c: request_counts.list_reports(c, "NORTH")) == ()


async def test_a_store_that_is_away_is_no_trouble(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_city_busy(world)

    def away(*_: Any) -> None:
        raise Unavailable("disk full")

    monkeypatch.setattr(request_counts, "store_report", away)
    with capture_logs() as lines:
        await ask(world)
    assert elsewhere(world) == ReportedLoad(3, 1)
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["network.not_kept"]


async def test_members_are_asked_when_their_time_has_come(world: World) -> None:
    await ask(world)
    await make_city_busy(world, 1)
    world.clock.advance(timedelta(minutes=9))
    await ask(world)
    assert elsewhere(world) == ReportedLoad(), "not yet"
    world.clock.advance(timedelta(minutes=1))
    await ask(world)
    assert elsewhere(world) == ReportedLoad(1, 1)


async def test_a_member_that_is_silent_is_no_trouble_and_is_told_once(world: World) -> None:
    await make_city_busy(world)
    await ask(world)
    await join(world.borrower, "http://127.0.0.1:1")
    with capture_logs() as lines:
        for _ in range(3):
            world.clock.advance(timedelta(minutes=10))
            await ask(world)
    said = [line for line in lines if line["event"] == "network.member_not_responding"]
    assert [(line["member"], line["log_level"]) for line in said] == [("south", "warning")]
    assert elsewhere(world) == ReportedLoad(3, 1), "what it said last still counts"
    view = await world.borrower.gateway.managed.libraries["NORTH"].partners.partner("south")
    assert "not reached" in view.silent
    page = world.borrower.gateway.metrics.render()[0].decode()
    assert 'illgate_network_asks_total{outcome="silent"} 3.0' in page
    assert 'illgate_network_asks_total{outcome="answered"} 1.0' in page


async def test_a_key_without_the_scope_gets_nothing(world: World) -> None:
    store = world.lender.context.store
    key = (
        await ApiKeyService(LibraryStore(symbol="SOUTH", store=store, clock=world.clock)).create_key(
            "North", (KeyScope.TASKS_READ,)
        )
    ).key
    (world.borrower.settings.folder / "south.key").write_text(key)
    await world.borrower.gateway.reload()
    await ask(world)
    view = await world.borrower.gateway.managed.libraries["NORTH"].partners.partner("south")
    assert (view.heard, view.silent) == (None, "it answers with status 403")


async def test_a_missing_key_is_said_without_its_place_being_read_again(world: World) -> None:
    (world.borrower.settings.folder / "south.key").unlink()
    await world.borrower.gateway.reload()
    await ask(world)
    view = await world.borrower.gateway.managed.libraries["NORTH"].partners.partner("south")
    assert view.silent == "its key can't be read"
