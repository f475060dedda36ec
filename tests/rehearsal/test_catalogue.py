"""`illgate mock` plays a catalogue: our own search asks it, as a gateway would."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from adapters.sru.client import SruSearch
from adapters.sru.dialect import SruDialect
from adapters.z3950.client import Z3950Search
from adapters.z3950.dialect import Z3950Dialect
from demo.world import START, Site, make_installation
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.adapter import SearchContext
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm, TermMatch
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.services.letters.localization import TextCatalogues
from gateway.settings import load_settings
from rehearsal.mock.mock_site import MockEndpoint, MockSite
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, load_scenarios
from rehearsal.systems.catalogue_lines import MockCatalogueLines
from rehearsal.systems.catalogue_reception import CATALOGUE_RECORDS, PlayedCatalogue
from rehearsal.systems.system_assembly import find_rehearsed_catalogue, make_mock_catalogue
from tests.support import yaz
from tests.support.installed import start_or_skip
from tests.support.zebra import binary

SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])
HAUS = next(one for one in CATALOGUE_RECORDS if one.title == "Das Haus am Deich")


def ask_title(words: str, match: TermMatch = TermMatch.WORDS) -> CatalogueQuery:
    return CatalogueQuery(terms=(SearchTerm(SearchIndex.TITLE, words, match),))


def write_section(kind: str, **keys: object) -> SruDialect | Z3950Dialect:
    return (SruDialect if kind == "sru" else Z3950Dialect).model_validate(keys)


class PlayedTarget:
    """`waited`: seconds that it has let pass before it answered, none of which have."""

    def __init__(
        self, search: SruSearch | Z3950Search, profile: Profile, catalogue: PlayedCatalogue, waited: list[float]
    ) -> None:
        self.search = search
        self.profile = profile
        self.catalogue = catalogue
        self.waited = waited

    async def find_titles(self, query: CatalogueQuery, count: int = 10) -> list[str]:
        hits = await self.search.search(self.profile, query, count=count)
        return [one.citation.title for one in hits.records]


KINDS = pytest.mark.parametrize("kind", ["sru", "z3950"])

PlayTarget = Callable[..., AbstractAsyncContextManager[PlayedTarget]]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    make_installation(folder, Site("CLK", "Bibliothèque de Clarens", {}, {}), mail_port=25)
    return folder


@pytest.fixture
def play_target(installation: Path) -> PlayTarget:
    """With names of scenarios, and keys of the section of the protocol."""
    adapters, clock = load_adapters(), FixedClock(START)
    settings = load_settings(installation / "gateway.yml", adapters)

    @contextlib.asynccontextmanager
    async def open_played_target(*chosen: str, kind: str = "sru", **section: object) -> AsyncIterator[PlayedTarget]:
        waited: list[float] = []

        async def pass_time(seconds: float) -> None:
            waited.append(seconds)

        unused = write_section(kind, **{"url": "http://unused.example"} if kind == "sru" else {"address": "unused:210"})
        profile = Profile(name="kysten", dialects={kind: unused})
        rehearsed = find_rehearsed_catalogue(adapters, profile)
        assert rehearsed is not None
        options = MockOptions(address="", scenarios=SCENARIOS, chosen=[SCENARIOS[name] for name in chosen])
        catalogue = make_mock_catalogue(settings, profile, rehearsed, options, pass_time)
        cut = catalogue.cut_messages
        async with contextlib.AsyncExitStack() as stack:
            search: SruSearch | Z3950Search
            if cut is None:
                site = MockSite(catalogue, TextCatalogues(None, "en"), MockEndpoint(catalogue, clock, ("GET", "POST")))
                section = {"url": f"{await site.start()}/sru", **section}
                stack.push_async_callback(site.stop)
                search = SruSearch(SearchContext(str, AllowedAddresses()))
            else:
                lines = MockCatalogueLines(catalogue, cut, clock)
                section = {"address": await lines.start(), **section}
                stack.push_async_callback(lines.stop)
                search = Z3950Search(str)
            stack.push_async_callback(search.close)
            named = profile.model_copy(update={"dialects": {kind: write_section(kind, **section)}})
            yield PlayedTarget(search, named, catalogue, waited)

    return open_played_target


@pytest.mark.parametrize(
    "section",
    [
        {"version": "1.1"},
        {"version": "1.2", "schemas": ["dc"]},
        {"version": "2.0", "method": "POST"},
        {"version": "1.1", "schemas": ["mods", "MARC21-xml"]},
        {"kind": "z3950"},
        {"kind": "z3950", "syntaxes": ["opac", "xml"]},
    ],
    ids=["marc", "dublin core", "by post", "a schema that it doesn't have", "Z39.50", "a syntax that it doesn't have"],
)
async def test_a_book_is_found_by_its_number_and_by_words(section: dict[str, object], play_target: PlayTarget) -> None:
    by_number = CatalogueQuery(terms=(SearchTerm(SearchIndex.ISBN, HAUS.identifier("isbn")),))
    async with play_target(**section) as target:
        assert await target.find_titles(by_number) == [HAUS.title]
        assert await target.find_titles(ask_title("deich haus")) == [HAUS.title]
        assert await target.find_titles(ask_title("יהודה")) == []
        (found,) = (await target.search.search(target.profile, ask_title("вишни"))).records
    assert found.citation.author == "Вера Лукова"


@KINDS
async def test_a_record_shows_the_copy_that_there_is(kind: str, play_target: PlayTarget) -> None:
    async with play_target(kind=kind) as target:
        (found,) = (await target.search.search(target.profile, ask_title(HAUS.title))).records
    assert found.holdings is not None
    assert [one.call_number for one in found.holdings] == [HAUS.call_number]


@KINDS
async def test_it_finds_nothing_or_thousands(kind: str, play_target: PlayTarget) -> None:
    async with play_target("search-many", kind=kind) as target:
        hits = await target.search.search(target.profile, ask_title("fjorden"), start=12_340, count=10)
        assert (hits.total, [one.position for one in hits.records]) == (12_345, list(range(12_340, 12_346)))
        assert await target.find_titles(ask_title("fjorden mock:search-none")) == []
        assert len(await target.find_titles(ask_title("fjorden"), count=120)) == 120


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("search-refused", Refused, "being indexed"),
        ("catalogue-http-error", Unavailable, "503"),
        ("catalogue-silent", Unavailable, "127.0.0.1"),
        ("catalogue-malformed", Unavailable, "not SRU"),
    ],
)
async def test_a_scenario_spoils_the_answer(
    name: str, error: type[Exception], words: str, play_target: PlayTarget
) -> None:
    async with play_target(name) as target:
        with pytest.raises(error, match=words):
            await target.find_titles(ask_title("fjorden"))


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("search-refused", Refused, "being indexed"),
        ("catalogue-http-error", Unavailable, "closed without an answer"),
        ("catalogue-silent", Unavailable, "closed without an answer"),
        ("catalogue-malformed", Unavailable, "no answer within"),
    ],
)
async def test_a_scenario_spoils_the_answer_of_a_target(
    name: str, error: type[Exception], words: str, play_target: PlayTarget
) -> None:
    async with play_target(name, kind="z3950", seconds={"answer": 0.5}) as target:
        with pytest.raises(error, match=words):
            await target.find_titles(ask_title("fjorden"))


@pytest.mark.parametrize("query", ["@or fjorden glaciers", "@attr 1=4 @set default"])
async def test_a_query_that_a_target_does_not_take_is_refused(query: str, play_target: PlayTarget) -> None:
    async with play_target(kind="z3950") as target:
        with pytest.raises(Refused):
            await target.find_titles(CatalogueQuery(native=query))


async def test_yaz_client_finds_it_and_sees_it(play_target: PlayTarget) -> None:
    start_or_skip(lambda: binary("yaz-client"))
    async with play_target(kind="z3950") as target:
        dialect = target.profile.dialects["z3950"]
        assert isinstance(dialect, Z3950Dialect)
        said = await asyncio.to_thread(yaz.client, dialect.address, "find deich", "show 1", "close")
    assert "Number of hits: 1" in said
    assert "Das Haus am Deich" in said


async def test_what_says_utf_8_and_is_not_is_no_answer(play_target: PlayTarget) -> None:
    async with play_target("catalogue-wrong-encoding") as target:
        with pytest.raises(Unavailable, match="not SRU"):
            await target.find_titles(ask_title("glaciers"))


async def test_it_takes_its_time_and_shows_what_was_asked(play_target: PlayTarget) -> None:
    async with play_target("catalogue-slow") as target:
        await target.find_titles(ask_title("fjorden"))
    assert target.waited == [20.0]
    (shown,) = target.catalogue.exchanges
    assert (shown.service, shown.scenario, b"fjorden" in shown.body) == ("search", "catalogue-slow", True)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("title=fjorden or title=glaciers", 37),
        ('title="fjorden', 10),
        ("", 7),
        ('title = "Das Haus and Deich" and creator = Söhnlein', 0),
    ],
)
async def test_a_query_that_it_does_not_take_gets_its_diagnostic(
    query: str, number: int, play_target: PlayTarget
) -> None:
    async with play_target() as target, aiohttp.ClientSession() as session:
        dialect = target.profile.dialects["sru"]
        assert isinstance(dialect, SruDialect)
        said = {"operation": "searchRetrieve", "version": "1.1", "query": query}
        async with session.get(dialect.url, params=said) as response:
            answer = await response.text()
    assert (f"info:srw/diagnostic/1/{number}<" in answer) is bool(number)


async def test_it_says_what_it_is(play_target: PlayTarget) -> None:
    async with play_target() as target:
        explained = await target.search.explain_server(target.profile)
    assert [name for name, _ in explained.schemas] == ["marcxml", "dc"]
