"""`illgate mock` plays a catalogue: our own search asks it, as a gateway would."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from adapters.sru.client import SruSearch
from adapters.sru.dialect import SruDialect
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
from rehearsal.systems.catalogue_reception import CATALOGUE_RECORDS, PlayedCatalogue
from rehearsal.systems.system_assembly import find_rehearsed_catalogue, make_mock_catalogue

SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])
HAUS = next(one for one in CATALOGUE_RECORDS if one.title == "Das Haus am Deich")


def ask_title(words: str, match: TermMatch = TermMatch.WORDS) -> CatalogueQuery:
    return CatalogueQuery(terms=(SearchTerm(SearchIndex.TITLE, words, match),))


class PlayedTarget:
    """`waited`: seconds that it has let pass before it answered, none of which have."""

    def __init__(self, search: SruSearch, profile: Profile, catalogue: PlayedCatalogue, waited: list[float]) -> None:
        self.search = search
        self.profile = profile
        self.catalogue = catalogue
        self.waited = waited

    async def find_titles(self, query: CatalogueQuery, count: int = 10) -> list[str]:
        hits = await self.search.search(self.profile, query, count=count)
        return [one.citation.title for one in hits.records]


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
    async def open_played_target(*chosen: str, **section: object) -> AsyncIterator[PlayedTarget]:
        waited: list[float] = []

        async def pass_time(seconds: float) -> None:
            waited.append(seconds)

        profile = Profile(name="kysten", dialects={"sru": SruDialect.model_validate({"url": "http://unused.example"})})
        rehearsed = find_rehearsed_catalogue(adapters, profile)
        assert rehearsed is not None
        options = MockOptions(address="", scenarios=SCENARIOS, chosen=[SCENARIOS[name] for name in chosen])
        catalogue = make_mock_catalogue(settings, profile, rehearsed, options, pass_time)
        site = MockSite(catalogue, TextCatalogues((), "en"), MockEndpoint(catalogue, clock, ("GET", "POST")))
        search = SruSearch(SearchContext(str, AllowedAddresses()))
        dialect = SruDialect.model_validate({"url": f"{await site.start()}/sru", **section})
        try:
            yield PlayedTarget(search, profile.model_copy(update={"dialects": {"sru": dialect}}), catalogue, waited)
        finally:
            await search.close()
            await site.stop()

    return open_played_target


@pytest.mark.parametrize(
    "section",
    [
        {"version": "1.1"},
        {"version": "1.2", "schemas": ["dc"]},
        {"version": "2.0", "method": "POST"},
        {"version": "1.1", "schemas": ["mods", "MARC21-xml"]},
    ],
    ids=["marc", "dublin core", "by post", "a schema that it doesn't have"],
)
async def test_a_book_is_found_by_its_number_and_by_words(section: dict[str, object], play_target: PlayTarget) -> None:
    by_number = CatalogueQuery(terms=(SearchTerm(SearchIndex.ISBN, HAUS.identifier("isbn")),))
    async with play_target(**section) as target:
        assert await target.find_titles(by_number) == [HAUS.title]
        assert await target.find_titles(ask_title("deich haus")) == [HAUS.title]
        assert await target.find_titles(ask_title("יהודה")) == []
        (found,) = (await target.search.search(target.profile, ask_title("вишни"))).records
    assert found.citation.author == "Вера Лукова"


async def test_a_record_shows_the_copy_that_there_is(play_target: PlayTarget) -> None:
    async with play_target() as target:
        (found,) = (await target.search.search(target.profile, ask_title(HAUS.title))).records
    assert found.holdings is not None
    assert [one.call_number for one in found.holdings] == [HAUS.call_number]


async def test_it_finds_nothing_or_thousands(play_target: PlayTarget) -> None:
    async with play_target("search-many") as target:
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
        ("catalogue-wrong-encoding", Unavailable, "not SRU"),
    ],
)
async def test_a_scenario_spoils_the_answer(
    name: str, error: type[Exception], words: str, play_target: PlayTarget
) -> None:
    async with play_target(name) as target:
        with pytest.raises(error, match=words):
            await target.find_titles(ask_title("fjorden"))


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
