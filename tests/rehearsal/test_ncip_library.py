"""`illgate mock` plays a library's system that answers NCIP: our own backend asks it, as a gateway would."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from adapters.ncip.codec import decode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.system import NcipLibrary
from adapters.ncip.xml_parser import parse_xml
from demo.world import Site, make_installation
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.library import Bib, Location
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_system import PatronKey, TemporaryHold, TemporaryItem
from gateway.ports.message_transport import TransportReply
from gateway.ports.responder import ResponderAnswer
from gateway.ports.shared_store import Store
from gateway.profiles import read_profiles
from gateway.runtime.assembly import Assembly
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.services.letters.localization import TextCatalogues
from gateway.settings import load_settings
from gateway.store.migration import OWN, migrate_store
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_site import MockEndpoint, MockSite
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.protocols.ncip.conformance import AnswerExpectation, check_answer
from rehearsal.protocols.ncip.rehearsal import MISBEHAVIOURS, NcipRehearsal
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, load_scenarios
from rehearsal.systems.library_reception import PlayedLibrarySystem
from rehearsal.systems.system_assembly import find_rehearsed_system, open_mock_library
from tests.library_contract.embedded_world import START, make_context
from tests.rehearsal.test_ncip_conformance import ASKED, RIGHT
from tests.support.yaml_files import write_yaml_file

SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
PATRON, OTHER = "21000000000017", "21000000000025"
SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ncip-library")
    make_installation(folder, Site("CLK", "Bibliothèque de Clarens", {}, {}), mail_port=25)
    profile = {"ncip": {"xml": {"namespace_style": "default", "version_attribute": "plain"}}}
    write_yaml_file(folder / "profiles" / "koha-fjordby.yml", profile)
    return folder


@pytest.fixture(scope="module")
def parts(installation: Path) -> Assembly:
    adapters = load_adapters()
    return Assembly(load_settings(installation / "gateway.yml", adapters), adapters, FixedClock(START), str)


@pytest.fixture(scope="module")
def samples(parts: Assembly, tmp_path_factory: pytest.TempPathFactory) -> SampleLibraries:
    return SampleLibraries(parts, tmp_path_factory.mktemp("samples"))


class PlayedLibrary:
    """`waited`: seconds that it has let pass before it answered, none of which have."""

    def __init__(self, library: NcipLibrary, system: PlayedLibrarySystem, url: str, waited: list[float]) -> None:
        self.library = library
        self.system = system
        self.url = url
        self.waited = waited

    async def accept_item(self, barcode: str, title: str = "Sult") -> str:
        """Its barcode in their library."""
        hold = TemporaryHold(PATRON, "MAIN")
        wish = TemporaryItem(barcode, Bib(title=title), f"REQ-{barcode}", Location("MAIN", "ill"), "ill", hold=hold)
        return (await self.library.create_temporary_item(wish, f"accept {barcode}")).item.barcode

    async def read_page(self) -> str:
        async with aiohttp.ClientSession() as session, session.get(self.url) as response:
            return await response.text()


PlayLibrary = Callable[..., AbstractAsyncContextManager[PlayedLibrary]]


@pytest.fixture
def play_library(parts: Assembly, samples: SampleLibraries, store: Store) -> PlayLibrary:
    """With names of scenarios, and a misbehaviour. `store`: of the gateway that asks."""
    settings, adapters, clock = parts.settings, parts.adapters, parts.clock
    profile = read_profiles(settings.profiles_folder, adapters, settings).profiles.find_profile("koha-fjordby")
    assert profile is not None
    rehearsed = find_rehearsed_system(adapters, profile)
    assert rehearsed is not None

    @contextlib.asynccontextmanager
    async def open_played_library(
        *chosen: str, misbehaviour: str = "", by_tcp: bool = False
    ) -> AsyncIterator[PlayedLibrary]:
        waited: list[float] = []

        async def pass_time(seconds: float) -> None:
            waited.append(seconds)

        options = MockOptions(
            address="", scenarios=SCENARIOS, chosen=[SCENARIOS[name] for name in chosen], misbehaviour=misbehaviour
        )
        await migrate_store(store, OWN)
        async with open_mock_library(parts, profile, rehearsed, options, samples, pass_time) as mock:
            site = MockSite(mock.system, TextCatalogues((), "en"), MockEndpoint(mock.system, clock))
            url = await site.start()
            lines = MockLines(rehearsed.adapter.responder(), "ncip", profile, settings.folder, clock)
            header = {"our_agency": "GW", "partner_agency": "MAIN"}
            section: dict[str, object] = {"url": f"{url}/ncip", "ncip": {"header": header}}
            if by_tcp:
                section = {"ncip": {"header": header, "tcp": {"address": await lines.start(mock.system)}}}
            context = make_context(store, FixedClock(START))
            library = NcipLibrary(context, NcipLibraryOptions.model_validate(section))
            try:
                yield PlayedLibrary(library, mock.system, url, waited)
            finally:
                await library.close_connections()
                await lines.stop()
                await site.stop()

    return open_played_library


@SQLITE
async def test_a_partners_item_is_taken_in_lent_and_taken_back(play_library: PlayLibrary) -> None:
    async with play_library() as played:
        patron = await played.library.find_patron(PatronKey(PATRON))
        barcode = await played.accept_item("ILL-1", "Über die Brücke — за мостом")
        loan = await played.library.check_out(barcode, patron.id, "lend")
        back = await played.library.check_in(barcode, "back")
        page = await played.read_page()

    assert loan.due is not None
    assert back.loan is not None
    came = [one.service for one in played.system.exchanges]
    assert [one for one in came if not one.startswith("Lookup")] == [
        "AcceptItem",
        "CheckOutItem",
        "CheckInItem",
    ]
    assert "library-answers" in page


@SQLITE
async def test_it_is_asked_on_raw_tcp_too(play_library: PlayLibrary) -> None:
    async with play_library(by_tcp=True) as played:
        patron = await played.library.find_patron(PatronKey(PATRON))
        barcode = await played.accept_item("ILL-TCP", "Über die Brücke — за мостом")
        await played.library.check_out(barcode, patron.id, "lend")
        with pytest.raises(Refused):
            await played.accept_item("ILL-TCP-2", "Sult mock:patron-blocked")
    assert {one.service for one in played.system.exchanges} >= {"LookupUser", "AcceptItem", "CheckOutItem"}


@SQLITE
async def test_a_scenario_refuses_and_a_title_may_name_it(play_library: PlayLibrary) -> None:
    async with play_library() as played:
        with pytest.raises(Refused) as refused:
            await played.accept_item("ILL-2", "Sult mock:patron-blocked")
        assert refused.value.reason is RefusalReason.NOT_ALLOWED, "AcceptItem has no other word for it"
        assert await played.accept_item("ILL-3", "Sult mock:unfilled"), "a scenario of a partner's is none of ours"


@SQLITE
async def test_what_was_chosen_counts_from_the_first_message_on(play_library: PlayLibrary) -> None:
    async with play_library("patron-unknown") as played:
        with pytest.raises(Refused) as refused:
            await played.library.find_patron(PatronKey(PATRON))
    assert refused.value.reason is RefusalReason.UNKNOWN_PATRON


@SQLITE
@pytest.mark.parametrize("name", ["library-no-answer", "library-http-error", "library-malformed"])
async def test_what_was_done_without_an_answer_is_found_done(name: str, play_library: PlayLibrary) -> None:
    async with play_library() as played:
        with contextlib.suppress(OutcomeUnknown, Unavailable):  # it may have been asked about at once
            await played.accept_item("ILL-4", f"Sult mock:{name}")
        assert await played.accept_item("ILL-4", f"Sult mock:{name}")
        (shown,) = played.system.list_requests()
    assert shown.scenario == name


@SQLITE
async def test_it_takes_its_time(play_library: PlayLibrary) -> None:
    async with play_library("library-slow") as played:
        await played.library.find_patron(PatronKey(PATRON))
    assert played.waited == [20.0]


@SQLITE
async def test_pins_are_not_shown(play_library: PlayLibrary) -> None:
    asked = ASKED.replace(
        "<UserId><UserIdentifierValue>nobody</UserIdentifierValue></UserId>",
        "<AuthenticationInput><AuthenticationInputData>8765</AuthenticationInputData><AuthenticationDataFormatType>text"
        "</AuthenticationDataFormatType><AuthenticationInputType>PIN</AuthenticationInputType></AuthenticationInput>",
    )
    async with play_library() as played, aiohttp.ClientSession() as session:
        await session.post(f"{played.url}/ncip", data=asked.encode(), headers={"Content-Type": "application/xml"})
    (shown,) = played.system.exchanges
    assert shown.service == "LookupUser"
    assert b"8765" not in shown.body


# --- what is wrong in its answers -------------------------------------------------------------------------

UNFOUND = {"koha-misspelling", "no-header"}
"""A word of its own as type of a Problem, and no header, are within the standard."""


@pytest.mark.parametrize("name", sorted(set(MISBEHAVIOURS) - UNFOUND))
def test_each_misbehaviour_is_found_by_the_trial_of_a_system(name: str) -> None:
    right = RIGHT.replace("<ProblemDetail>?", "<ProblemDetail>Ødegård")
    spoiled = NcipRehearsal().spoil_answer(name, ResponderAnswer(right.encode()), 1)
    expected = AnswerExpectation(message=decode_message(parse_xml(ASKED.encode())), is_unknown=True)
    reply = TransportReply(spoiled.body, spoiled.content_type, spoiled.status)
    assert check_answer(reply, expected, NcipDialect())


@SQLITE
async def test_kohas_misspelling_is_understood(play_library: PlayLibrary) -> None:
    async with play_library("patron-unknown", misbehaviour="koha-misspelling") as played:
        with pytest.raises(Refused) as refused:
            await played.library.find_patron(PatronKey(PATRON))
    assert refused.value.reason is RefusalReason.UNKNOWN_PATRON
    assert b"Unkown User" in played.system.exchanges[0].answer
