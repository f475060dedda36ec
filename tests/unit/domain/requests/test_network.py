"""What members of a network report about suppliers, and what of it counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from gateway.domain.clock import FixedClock
from gateway.domain.requests.network_load import LoadReport, NetworkMember, ReportedLoad, sum_reported_load
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.policy import Ranking, RequestPolicy
from gateway.domain.requests.request import RotaLine
from gateway.domain.requests.rota import partner_standing, rank_suppliers
from gateway.ports.outgoing_http import HttpClient
from gateway.services.operation import network_load
from gateway.services.operation.network_load import PATH, LoadAnswer, MemberSilentError, ask_member
from tests.support.requests import borrowing

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def report(library: str, minutes: int = 0, member: str = "", **loads: int) -> LoadReport:
    return LoadReport(
        member=member or library.lower(), library=library, at=NOW - timedelta(minutes=minutes), open=loads
    )


def about(*reports: LoadReport, symbols: tuple[str, ...] = ("CITY",), us: str = "NORTH") -> ReportedLoad:
    return sum_reported_load(reports, symbols, us, NOW, HOUR)


def test_loads_of_all_members_add_up() -> None:
    assert about(report("SOUTH", city=3), report("EAST", city=4, other=9), report("WEST")) == ReportedLoad(7, 2)


def test_a_report_that_is_stale_does_not_count() -> None:
    assert about(report("SOUTH", minutes=60, city=3), report("EAST", minutes=61, city=4)) == ReportedLoad(3, 1)


def test_whether_and_how_long_reports_count_is_a_rule_of_the_library() -> None:
    loads = network_load.LibraryLoads("NORTH", FixedClock(NOW), str, lambda *_observed: None)
    loads.reports["south"] = report("SOUTH", minutes=150, city=3)
    rankings: tuple[dict[str, int], ...] = (
        {},
        {"network_age_minutes": 180},
        {"network_minutes": 0, "network_age_minutes": 180},
    )
    policies = [RequestPolicy.model_validate({"ranking": ranking}) for ranking in rankings]

    assert [loads.reported_load(("CITY",), policy).open for policy in policies] == [0, 3, 0]


def test_neither_our_own_report_counts_nor_the_suppliers() -> None:
    assert about(report("north", city=3), report("City", city=4)) == ReportedLoad()


def test_a_library_with_two_profiles_counts_once_with_its_newest() -> None:
    older, newer = report("SOUTH", 20, "south", city=9), report("south", 5, "south-2", city=2)
    assert about(newer, older) == ReportedLoad(2, 1)


def test_a_supplier_is_known_by_each_of_its_symbols_once() -> None:
    assert about(report("SOUTH", city=3, **{"isil:xx-city": 3}), symbols=("ISIL:XX-CITY", "CITY")) == ReportedLoad(3, 1)


def test_a_symbol_that_a_member_does_not_know_counts_nothing() -> None:
    assert about(report("SOUTH", city=3), symbols=("CITY", "ISIL:XX-CITY")) == ReportedLoad(3, 1)
    assert about(report("SOUTH", city=3), symbols=()) == ReportedLoad()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ill.example", "not an address such as https://ill.example"),
        ("https://ill.example:port", "not an address such as https://ill.example"),
        ("http://ill.example", "a key is not sent over an open connection: it must begin with https://"),
    ],
)
def test_an_address_of_no_use_is_refused_in_a_sentence(url: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NetworkMember(url=url, key="env:KEY")
    assert f"Value error, {why} [" in str(refused.value)


def test_it_counts_for_the_limit_and_is_said_with_the_points() -> None:
    partner = PartnerPolicy(symbols=("CITY",), max_open=5)
    known = partner_standing(partner, borrowing(), RequestPolicy(), NOW.date(), open_requests=2, reported=3)
    assert (known.open, known.overloaded) == (5, True)
    (line,) = rank_suppliers((RotaLine("city"),), {"city": known}, Ranking(supply_time=0))
    assert "5 open, of which 3 from other members +5" in line.why


@pytest.mark.parametrize(
    "url",
    ["http://ill.example", "ill.example", "ftp://ill.example", "https://", "https://a:b@ill.example", "https://x/?q=1"],
)
def test_a_key_goes_only_where_it_is_safe(url: str) -> None:
    with pytest.raises(ValidationError):
        NetworkMember(url=url, key="env:KEY")


@pytest.mark.parametrize(
    "url", ["https://ill.example/south/", "https://ill.example/X/", "http://127.0.0.1:8080", "http://[::1]:8080"]
)
def test_where_a_member_is(url: str) -> None:
    assert NetworkMember(url=url, key="env:KEY").url == url.rstrip("/")


# --- asking ----------------------------------------------------------------------------------------------

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Member = Callable[[Answer], Awaitable[NetworkMember]]


@pytest.fixture
async def member() -> AsyncIterator[Member]:
    """A member that answers as it is told."""
    servers: list[TestServer] = []

    async def start(answer: Answer) -> NetworkMember:
        app = web.Application()
        app.router.add_get(PATH, answer)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return NetworkMember(url=f"http://127.0.0.1:{servers[-1].port}", key="env:KEY")

    yield start
    for server in servers:
        await server.close()


async def asked(one: NetworkMember) -> LoadAnswer:
    async with HttpClient() as client:
        return await ask_member(client, one, "ilg_key")


async def test_a_member_is_asked_with_its_key(member: Member) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer ilg_key"
        items = [{"symbol": "ISIL:PL-WaUW", "open": 4, "new": "of a later release"}]
        return web.json_response({"library": "SOUTH", "at": "2026-03-02T09:00:00Z", "items": items})

    found = await asked(await member(answer))
    assert (found.library, [(one.symbol, one.open) for one in found.items]) == ("SOUTH", [("ISIL:PL-WaUW", 4)])


@pytest.mark.parametrize(
    ("make_answer", "why"),
    [
        (lambda: web.Response(status=403), "status 403"),
        (lambda: web.Response(status=302, headers={"Location": "https://elsewhere.example"}), "status 302"),
        (lambda: web.Response(text="<html>"), "not that of a gateway"),
        (lambda: web.json_response({"library": "S", "items": [{"symbol": "X", "open": -1}]}), "not that of a gateway"),
        (lambda: web.Response(body=b" " * 1_000_001), "more than 1,000,000 bytes"),
    ],
    ids=["forbidden", "elsewhere", "html", "negative", "large"],
)
async def test_another_answer_is_none(member: Member, make_answer: Callable[[], web.Response], why: str) -> None:
    async def answers(_request: web.Request) -> web.Response:
        return make_answer()

    with pytest.raises(MemberSilentError, match=why):
        await asked(await member(answers))


async def test_a_slow_one_is_not_waited_for(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_load, "SECONDS", 0.2)

    async def dribbles(request: web.Request) -> web.StreamResponse:
        import asyncio

        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(20):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    with pytest.raises(MemberSilentError, match=r"within 0\.2 s"):
        await asked(await member(dribbles))


async def test_nobody_is_there() -> None:
    with pytest.raises(MemberSilentError, match="not reached"):
        await asked(NetworkMember(url="http://127.0.0.1:1", key="env:KEY"))
