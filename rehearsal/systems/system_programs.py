"""Systems that `illgate mock` plays: a library's, one that asks us, a catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.ports.adapter import ProtocolAdapter
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.secrets import resolve_secret
from gateway.settings import Settings
from rehearsal.addresses import find_daemon_address
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_program import MockKind, MockProgram, check_url_or_tcp, load_page_texts
from rehearsal.mock.mock_site import MockEndpoint, MockSite
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.scenarios.scenario import PlayedRole
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


def find_system_mock(adapters: AdapterRegistry, profile: Profile) -> MockKind | None:
    """A profile that lets nobody in is of a system that we ask, another of one that asks us."""
    rehearsed = find_rehearsed_system(adapters, profile)
    if rehearsed is None:
        return None
    if rehearsed.is_client:
        return MockKind(
            roles=(PlayedRole.CLIENT,),
            is_over_http=rehearsed.adapter.over_http,
            is_recorded=True,
            value_names=OWN_VALUES,
            needed_value="patron",
            open_program=partial(_open_client_system, rehearsed),
            choose_address=partial(_choose_client_address, rehearsed.adapter),
        )
    is_over_http = not rehearsed.rehearsal.is_reached_by_tcp(profile)
    return MockKind(
        roles=(PlayedRole.LIBRARY,),
        is_over_http=is_over_http,
        misbehaviours=rehearsed.rehearsal.misbehaviours,
        open_program=partial(_open_library_system, rehearsed, is_over_http),
    )


def find_catalogue_mock(adapters: AdapterRegistry, profile: Profile) -> MockKind | None:
    rehearsed = find_rehearsed_catalogue(adapters, profile)
    if rehearsed is None:
        return None
    return MockKind(
        roles=(PlayedRole.CATALOGUE,),
        is_over_http=True,
        misbehaviours=rehearsed.rehearsal.misbehaviours,
        open_program=partial(_open_catalogue, rehearsed),
    )


def _choose_client_address(adapter: ProtocolAdapter, against: str | None, settings: Settings, profile: Profile) -> str:
    if against is None:
        return find_daemon_address(settings, adapter, profile)
    return check_url_or_tcp(against)


@asynccontextmanager
async def _open_library_system(
    rehearsed: RehearsedSystem,
    is_over_http: bool,
    installation: Installation,
    profile: Profile,
    options: MockOptions,
    _against: str | None,
) -> AsyncIterator[MockProgram]:
    with TemporaryDirectory(prefix="illgate-mock-") as folder:
        samples = SampleLibraries(installation.parts, Path(folder))
        async with open_mock_library(installation.parts, profile, rehearsed, options, samples) as library:
            system, clock, texts = library.system, installation.clock, load_page_texts(installation.settings)
            if is_over_http:
                site = MockSite(system, texts, MockEndpoint(system, clock))
                yield MockProgram(site, introduction=library.introduction)
                return
            adapter, settings = rehearsed.adapter, installation.settings
            lines = MockLines(adapter.responder(), adapter.name, system.play.profile, settings.folder, clock)
            yield MockProgram(
                MockSite(system, texts),
                introduction=library.introduction,
                listen=partial(lines.start, system),
                stop_listening=lines.stop,
            )


@asynccontextmanager
async def _open_client_system(
    rehearsed: RehearsedSystem, installation: Installation, profile: Profile, options: MockOptions, _against: str | None
) -> AsyncIterator[MockProgram]:
    settings = installation.settings
    secrets = partial(resolve_secret, folder=settings.folder)
    client = make_mock_client(settings, profile, rehearsed, options, installation.clock, secrets)

    def begin_scenarios() -> None:
        for scenario in options.chosen or [options.scenarios[DEFAULT_CLIENT_SCENARIO]]:
            client.begin_scenario(scenario)

    yield MockProgram(MockSite(client, load_page_texts(settings)), options.address, begin=begin_scenarios)


@asynccontextmanager
async def _open_catalogue(
    rehearsed: RehearsedCatalogue,
    installation: Installation,
    profile: Profile,
    options: MockOptions,
    _against: str | None,
) -> AsyncIterator[MockProgram]:
    clock, texts = installation.clock, load_page_texts(installation.settings)
    catalogue = make_mock_catalogue(installation.settings, profile, rehearsed, options)
    titles = "It has:\n" + "\n".join(f"  {record.short}" for record in CATALOGUE_RECORDS)
    site = MockSite(catalogue, texts, MockEndpoint(catalogue, clock, ("GET", "POST")))
    yield MockProgram(site, introduction=f"Ask at a path, such as /sru. {titles}")
