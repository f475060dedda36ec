"""Systems that `illgate mock` plays: a library's, one that asks us, a catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.secrets import resolve_secret
from gateway.settings import Settings
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_program import MockProgram, check_url_or_tcp, load_page_texts, refuse_address
from rehearsal.mock.mock_site import MockEndpoint, MockSite
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.scenarios.scenario import PlayedRole
from rehearsal.send.send_command import find_daemon_address
from rehearsal.systems.catalogue_lines import MockCatalogueLines
from rehearsal.systems.catalogue_reception import CATALOGUE_RECORDS
from rehearsal.systems.client_system import OWN_VALUES
from rehearsal.systems.system_assembly import (
    RehearsedCatalogue,
    RehearsedSystem,
    find_rehearsed_catalogue,
    find_rehearsed_system,
    make_mock_catalogue,
    make_mock_client,
    open_mock_library,
)

DEFAULT_CLIENT_SCENARIO = "client-borrows"


class _OnlyAnswers:
    """Whoever sends nothing by itself, and is told nothing by `--value`."""

    value_names: ClassVar[Mapping[str, str]] = {}
    needed_value = ""
    is_recorded = False

    def choose_address(self, against: str | None, _settings: Settings, _profile: Profile) -> str:
        return refuse_address(against)


@value_object
class LibrarySystemMock(_OnlyAnswers):
    """A library's system, which we ask: the profile lets nobody in."""

    rehearsed: RehearsedSystem
    is_over_http: bool
    roles = (PlayedRole.LIBRARY,)

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return self.rehearsed.rehearsal.misbehaviours

    @asynccontextmanager
    async def open_program(
        self, installation: Installation, profile: Profile, options: MockOptions, _against: str | None
    ) -> AsyncIterator[MockProgram]:
        with TemporaryDirectory(prefix="illgate-mock-") as folder:
            samples = SampleLibraries(installation.parts, Path(folder))
            async with open_mock_library(installation.parts, profile, self.rehearsed, options, samples) as library:
                system, clock, texts = library.system, installation.clock, load_page_texts(installation.settings)
                if self.is_over_http:
                    site = MockSite(system, texts, MockEndpoint(system, clock))
                    yield MockProgram(site, introduction=library.introduction)
                    return
                adapter = self.rehearsed.adapter
                settings = installation.settings
                lines = MockLines(adapter.responder(), adapter.name, system.play.profile, settings.folder, clock)
                yield MockProgram(
                    MockSite(system, texts),
                    introduction=library.introduction,
                    listen=partial(lines.start, system),
                    stop_listening=lines.stop,
                )


@value_object
class ClientSystemMock:
    """A system that asks us: the profile lets it in."""

    rehearsed: RehearsedSystem
    roles = (PlayedRole.CLIENT,)
    is_recorded = True
    misbehaviours: ClassVar[Mapping[str, str]] = {}  # it answers nothing
    value_names = OWN_VALUES
    needed_value = "patron"

    @property
    def is_over_http(self) -> bool:
        return self.rehearsed.adapter.over_http

    def choose_address(self, against: str | None, settings: Settings, profile: Profile) -> str:
        if against is None:
            return find_daemon_address(settings, self.rehearsed.adapter, profile)
        return check_url_or_tcp(against)

    @asynccontextmanager
    async def open_program(
        self, installation: Installation, profile: Profile, options: MockOptions, _against: str | None
    ) -> AsyncIterator[MockProgram]:
        settings = installation.settings
        client = make_mock_client(
            settings,
            profile,
            self.rehearsed,
            options,
            installation.clock,
            lambda reference: resolve_secret(reference, settings.folder),
        )

        def begin_scenarios() -> None:
            for scenario in options.chosen or [options.scenarios[DEFAULT_CLIENT_SCENARIO]]:
                client.begin_scenario(scenario)

        yield MockProgram(MockSite(client, load_page_texts(settings)), options.address, begin=begin_scenarios)


@value_object
class CatalogueMock(_OnlyAnswers):
    rehearsed: RehearsedCatalogue
    roles = (PlayedRole.CATALOGUE,)

    @property
    def is_over_http(self) -> bool:
        return self.rehearsed.rehearsal.cut_messages is None

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return self.rehearsed.rehearsal.misbehaviours

    @asynccontextmanager
    async def open_program(
        self, installation: Installation, profile: Profile, options: MockOptions, _against: str | None
    ) -> AsyncIterator[MockProgram]:
        clock, texts = installation.clock, load_page_texts(installation.settings)
        catalogue = make_mock_catalogue(installation.settings, profile, self.rehearsed, options)
        titles = "It has:\n" + "\n".join(f"  {record.short}" for record in CATALOGUE_RECORDS)
        cut = catalogue.cut_messages
        if cut is None:
            site = MockSite(catalogue, texts, MockEndpoint(catalogue, clock, ("GET", "POST")))
            yield MockProgram(site, introduction=f"Ask at a path, such as /sru. {titles}")
            return
        lines = MockCatalogueLines(catalogue, cut, clock)
        yield MockProgram(
            MockSite(catalogue, texts), introduction=titles, listen=lines.start, stop_listening=lines.stop
        )


def find_system_mock(adapters: AdapterRegistry, profile: Profile) -> LibrarySystemMock | ClientSystemMock | None:
    rehearsed_system = find_rehearsed_system(adapters, profile)
    if rehearsed_system is None:
        return None
    if rehearsed_system.is_client:
        return ClientSystemMock(rehearsed_system)
    return LibrarySystemMock(rehearsed_system, is_over_http=not rehearsed_system.rehearsal.is_reached_by_tcp(profile))


def find_catalogue_mock(adapters: AdapterRegistry, profile: Profile) -> CatalogueMock | None:
    rehearsed_catalogue = find_rehearsed_catalogue(adapters, profile)
    return CatalogueMock(rehearsed_catalogue) if rehearsed_catalogue is not None else None
