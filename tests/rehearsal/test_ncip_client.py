"""`illgate mock` plays systems that ask us by NCIP, in the style of their shipped profiles: our endpoint answers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree

from adapters.ncip.dialect import NcipDialect
from gateway.cli.installation import Installation
from gateway.domain.clock import FixedClock
from gateway.domain.problems import ConfigurationError
from gateway.ports.responder import RawMessage
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.services.exchange import MessageExchange
from rehearsal.mock.mock_answers import MockReply
from rehearsal.mock.mock_log import MockExchange
from rehearsal.mock.mock_site import MockEndpoint
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.protocols.ncip.rehearsal import change_elements
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, PlayedRole, load_scenarios
from rehearsal.systems.client_system import PlayedClient
from rehearsal.systems.system_assembly import find_rehearsed_system, make_mock_client
from tests.library_contract.embedded_world import START
from tests.support.paths import ROOT

SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])
PATRON, ITEM = "21000000000017", "39000000000011"


@pytest.fixture(scope="module")
def installation() -> Installation:
    found = Installation(ROOT / "gateway.yml")
    found.clock = FixedClock(START)
    return found


@pytest.fixture(scope="module")
def samples(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> SampleLibraries:
    return SampleLibraries(installation.parts, tmp_path_factory.mktemp("samples"))


class OurEndpoint:
    """A `MockReception`: the gateway's own exchange, on a sample library."""

    protocol = "ncip"
    max_bytes = 1_000_000

    def __init__(self, exchange: MessageExchange, profile: str) -> None:
        self._exchange = exchange
        self._profile = profile
        self.arrivals: list[RawMessage] = []

    async def receive_message(self, arrival: RawMessage) -> MockReply:
        self.arrivals.append(arrival)
        return MockReply(answer=await self._exchange.handle(replace(arrival, profile=self._profile)))

    async def pass_seconds(self, seconds: float) -> None:
        raise AssertionError("it answers at once")


def find_secret(_reference: str) -> str:
    return "a-secret"


PlayClient = Callable[[str], AbstractAsyncContextManager[tuple[PlayedClient, OurEndpoint]]]


@pytest.fixture
def play_client(installation: Installation, samples: SampleLibraries) -> PlayClient:
    """Of a shipped profile."""

    @contextlib.asynccontextmanager
    async def open_played_client(name: str) -> AsyncIterator[tuple[PlayedClient, OurEndpoint]]:
        clock = installation.clock
        profile = installation.profiles.profiles.find_profile(name)
        assert profile is not None
        system = find_rehearsed_system(installation.adapters, profile)
        assert system is not None
        assert system.is_client
        async with samples.open_exchange(profile) as exchange:
            endpoint = OurEndpoint(exchange, name)
            app = web.Application()
            MockEndpoint(endpoint, clock).register(app)
            async with TestServer(app) as server:
                options = MockOptions(
                    address=str(server.make_url("/ncip")),
                    scenarios=SCENARIOS,
                    values={"patron": PATRON, "item": ITEM, "pickup": "MAIN", "record": "SYSNUMBER:1001"},
                )
                client = make_mock_client(installation.settings, profile, system, options, clock, find_secret)
                yield client, endpoint

    return open_played_client


async def play_scenario(client: PlayedClient, name: str) -> list[MockExchange]:
    client.begin_scenario(SCENARIOS[name])
    await client.finish_speaking()
    return [one for one in client.exchanges if one.body]


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ("illiad-alma", ["AcceptItem", "CheckOutItem", "CheckInItem"]),
        ("illiad-folio", ["AcceptItem"]),
        ("illiad-aleph", ["AcceptItem", "CheckInItem"]),
        ("relais-d2d", ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem"]),
        ("navigator", ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem"]),
        ("reshare", ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem", "DeleteItem"]),
        ("crosslink", ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem", "DeleteItem"]),
    ],
)
async def test_each_sends_what_it_sends_and_no_more(profile: str, services: list[str], play_client: PlayClient) -> None:
    async with play_client(profile) as (client, _):
        sent = await play_scenario(client, "client-borrows")
    assert [(one.service, one.note) for one in sent] == [(one, "") for one in services]
    assert [one.state for one in client.list_requests()] == ["done"]


RECORDED = {
    "crosslink-client-borrows": (
        "crosslink-ncip/borrower",
        ("01-LookupUser", "03-AcceptItem", "05-CheckOutItem", "06-CheckInItem", "07-DeleteItem"),
    ),
    "crosslink-client-lends": (
        "crosslink-ncip/lender",
        ("01-LookupUser-institution", "02-RequestItem", "03-CheckOutItem", "04-CheckInItem"),
    ),
    "crosslink-client-cancels": (
        "crosslink-ncip/lender",
        ("01-LookupUser-institution", "02-RequestItem", "05-CancelRequestItem"),
    ),
}
"""Scenario -> where CrossLink's own messages are, and which of them are its."""

TEXTS = frozenset(
    {
        "AgencyId",
        "Author",
        "BibliographicRecordIdentifier",
        "CallNumber",
        "ItemIdentifierValue",
        "PickupLocation",
        "RequestIdentifierValue",
        "Title",
        "UserIdentifierValue",
    }
)
"""Elements whose text is of the one request; of all others it is the system's."""


def describe_elements(body: bytes) -> list[str]:
    """In order, by their path."""
    (service,) = etree.fromstring(body)
    tree = etree.ElementTree(service)
    lines = []
    for one in service.iter(etree.Element):
        path = re.sub(r"\{[^}]*\}|\[\d+\]", "", tree.getelementpath(one))
        said = "…" if etree.QName(one).localname in TEXTS and one.text else (one.text or "").strip()
        lines.append(f"{path}: {said}")
    return lines


@pytest.mark.parametrize("name", [one.name for one in SCENARIOS.values() if one.role is PlayedRole.CLIENT])
async def test_what_crosslink_asks_is_what_was_recorded(
    name: str, play_client: PlayClient, samples_folder: Path
) -> None:
    """And who wasn't recorded says so."""
    folder, files = RECORDED.get(name, ("", ()))
    assert SCENARIOS[name].recorded == ((folder,) if folder else ())
    if not folder:
        return
    async with play_client("crosslink") as (client, _):
        sent = await play_scenario(client, name)
    place = samples_folder / "ncip" / "crosslink" / folder.partition("/")[2]
    real = [describe_elements((place / f"{file}.xml").read_bytes()) for file in files]
    assert [describe_elements(one.body) for one in sent] == real
    assert {one.note for one in sent} == {""}, "each was done"


def test_an_element_that_can_not_stand_there_is_an_error(installation: Installation) -> None:
    profile = installation.profiles.profiles.find_profile("crosslink")
    assert profile is not None
    dialect = profile.dialects["ncip"]
    assert isinstance(dialect, NcipDialect)
    body = b'<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><DeleteItem><ItemId><ItemIdentifierValue>1'
    body += b"</ItemIdentifierValue></ItemId></DeleteItem></NCIPMessage>"
    changed = change_elements(body, {"ItemId/ItemIdentifierType": "Barcode"}, dialect, UTC)
    assert changed.index(b"ItemIdentifierType") < changed.index(b"ItemIdentifierValue"), "as the schema has them"
    with pytest.raises(ConfigurationError, match="ItemColour"):
        change_elements(body, {"ItemId/ItemColour": "red"}, dialect, UTC)


async def test_an_item_of_the_library_is_asked_for_lent_and_comes_back(play_client: PlayClient) -> None:
    async with play_client("navigator") as (client, _):
        sent = await play_scenario(client, "client-lends")
        cancelled = await play_scenario(client, "client-cancels")
    assert [one.note for one in sent] == ["", "", "", ""]
    assert [one.service for one in cancelled[4:]] == ["LookupUser", "RequestItem", "CancelRequestItem"]


async def test_a_repeat_has_the_same_octets_and_the_same_answer(play_client: PlayClient) -> None:
    async with play_client("relais-d2d") as (client, _):
        sent = await play_scenario(client, "client-repeats")
    assert [one.service for one in sent[::2]] == ["LookupUser", "AcceptItem", "CheckOutItem", "CheckInItem"]
    assert all(
        first.body == second.body and not second.note for first, second in zip(sent[::2], sent[1::2], strict=True)
    )


async def test_after_a_refusal_nothing_more_is_sent(play_client: PlayClient) -> None:
    async with play_client("illiad-alma") as (client, _):
        (sent,) = await play_scenario(client, "client-unknown-patron")
    assert "refused (unknown-patron)" in sent.note
    assert [one.state for one in client.list_requests()] == ["ended at AcceptItem"]


async def test_its_octets_are_those_of_the_system(play_client: PlayClient) -> None:
    """As they are on the wire: facts/ncip.md 1.1."""
    async with play_client("illiad-aleph") as (client, endpoint):
        await play_scenario(client, "client-borrows")
    assert endpoint.arrivals[0].body.startswith(b"%3CNCIPMessage"), "USMAI encodes all of it as a URL"
    assert endpoint.arrivals[0].headers["content-type"] == "text/html; charset=UTF-8"
    async with play_client("illiad-alma") as (client, endpoint):
        await play_scenario(client, "client-unknown-patron")
    assert "content-type" not in endpoint.arrivals[0].headers
    async with play_client("relais-d2d") as (client, endpoint):
        await play_scenario(client, "client-borrows")
    assert b'<NCIPMessage xmlns="http://www.niso.org/2008/ncip"' in endpoint.arrivals[0].body
