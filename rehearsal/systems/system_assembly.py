"""Assembly of a library's system, a catalogue or a system that asks us, from settings and a profile, to be played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.profile import Profile
from gateway.domain.requests.request import LibraryParty
from gateway.domain.value import value_object
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.message_transport import HttpPlace, Place, TcpPlace
from gateway.ports.responder import ExchangeContext
from gateway.ports.secrets import Secrets
from gateway.runtime.assembly import Assembly
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.settings import Settings
from rehearsal.addresses import make_sender_headers
from rehearsal.mock.mock_answers import PassSeconds
from rehearsal.mock.mock_log import MockParties
from rehearsal.partners.partner_assembly import MockOptions, check_misbehaviours
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.ports.rehearsals import CatalogueRehearsal, SystemRehearsal
from rehearsal.scenarios.scenario import PlayedRole
from rehearsal.scenarios.scenario_choice import ScenarioChoice
from rehearsal.systems.catalogue_reception import CataloguePlay, PlayedCatalogue
from rehearsal.systems.client_system import ClientPlay, PlayedClient
from rehearsal.systems.library_reception import LibraryPlay, PlayedLibrarySystem

DEFAULT_SCENARIO = "library-answers"
DEFAULT_CATALOGUE_SCENARIO = "catalogue-answers"


@value_object
class RehearsedSystem:
    """The protocol of a profile in which libraries' systems are asked. `is_client`: who asks us is played, else who
    answers us: a profile that lets nobody in is of a system that only we ask."""

    adapter: ProtocolAdapter
    rehearsal: SystemRehearsal
    is_client: bool


def find_rehearsed_system(adapters: AdapterRegistry, profile: Profile) -> RehearsedSystem | None:
    """The first of the profile's sections that has one."""
    for name in profile.dialects:
        adapter = adapters.protocols.get(name)
        make = find_rehearsal(name).system
        if adapter is not None and make is not None:
            return RehearsedSystem(adapter, make(), is_client=bool(profile.auth))
    return None


@value_object
class RehearsedCatalogue:
    """The protocol in which the catalogue of a profile is searched."""

    name: str
    rehearsal: CatalogueRehearsal


def find_rehearsed_catalogue(adapters: AdapterRegistry, profile: Profile) -> RehearsedCatalogue | None:
    """The first of the profile's sections that has one."""
    for name in profile.dialects:
        make = find_rehearsal(name).catalogue if name in adapters.searches else None
        if make is not None:
            return RehearsedCatalogue(name, make())
    return None


def make_mock_catalogue(
    settings: Settings,
    profile: Profile,
    catalogue: RehearsedCatalogue,
    options: MockOptions,
    pass_seconds: PassSeconds = asyncio.sleep,
) -> PlayedCatalogue:
    """Make a catalogue; raises ConfigurationError for misbehaviours that the protocol doesn't know."""
    known = catalogue.rehearsal.misbehaviours
    check_misbehaviours(profile, known, options)
    play = CataloguePlay(
        protocol=catalogue.name,
        parties=_name_parties(settings, profile),
        choice=ScenarioChoice(
            PlayedRole.CATALOGUE,
            options.scenarios,
            options.chosen,
            DEFAULT_CATALOGUE_SCENARIO,
            catalogue.rehearsal.misbehaviours,
        ),
        misbehaviour=options.misbehaviour,
    )
    return PlayedCatalogue(play, catalogue.rehearsal, pass_seconds)


def _name_parties(settings: Settings, profile: Profile) -> MockParties:
    library = settings.find_library(profile.library)
    return MockParties(
        LibraryParty(symbol=profile.name, profile=profile.name),
        LibraryParty(symbol=library.symbol, profile=profile.name, name=library.name),
    )


def make_mock_client(
    settings: Settings,
    profile: Profile,
    system: RehearsedSystem,
    options: MockOptions,
    clock: Clock,
    secrets: Secrets,
    pass_seconds: PassSeconds = asyncio.sleep,
) -> PlayedClient:
    """Its messages go to the address of the options, a URL or host:port."""
    make_simulator = find_rehearsal(system.adapter.name).simulator
    assert make_simulator is not None, "who asks is played by the protocol's simulator"
    library = settings.find_library(profile.library)
    parties = _name_parties(settings, profile)
    play = ClientPlay(
        exchange=ExchangeContext(profile, library.symbol, library.zone, library.currency, clock.now()),
        parties=parties,
        place=_find_place(settings, options.address),
        values=options.values,
    )
    simulator, responder = make_simulator(secrets), system.adapter.responder()
    return PlayedClient(play, simulator, system.rehearsal, responder.conceal_secrets, clock, pass_seconds)


def _find_place(settings: Settings, address: str) -> Place:
    if address.startswith(("http://", "https://")):
        return HttpPlace(address, headers=make_sender_headers(settings, address))
    host, _, port = address.rpartition(":")
    return TcpPlace(host.strip("[]"), int(port))


@value_object
class MockLibrary:
    """`introduction`: who and what can be tried in it, in plain lines."""

    system: PlayedLibrarySystem
    introduction: str


@asynccontextmanager
async def open_mock_library(
    parts: Assembly,
    profile: Profile,
    system: RehearsedSystem,
    options: MockOptions,
    samples: SampleLibraries,
    pass_seconds: PassSeconds = asyncio.sleep,
) -> AsyncIterator[MockLibrary]:
    """Its data are a copy of the sample that the profile's library has there. Raises ConfigurationError for
    misbehaviours that the protocol doesn't know."""
    known = system.rehearsal.misbehaviours
    check_misbehaviours(profile, known, options)
    library = parts.settings.find_library(profile.library)
    name = system.adapter.name
    mirrored = profile.model_copy(
        update={"dialects": {**profile.dialects, name: system.rehearsal.mirror_dialect(profile)}}
    )
    async with samples.open_exchange(mirrored) as exchange:
        play = LibraryPlay(
            profile=mirrored,
            parties=_name_parties(parts.settings, profile),
            zone=library.zone,
            currency=library.currency,
            choice=ScenarioChoice(
                PlayedRole.LIBRARY, options.scenarios, options.chosen, DEFAULT_SCENARIO, system.rehearsal.misbehaviours
            ),
            misbehaviour=options.misbehaviour,
            over_http=not system.rehearsal.is_reached_by_tcp(profile),
        )
        played = PlayedLibrarySystem(play, system.adapter.responder(), system.rehearsal, exchange.handle, pass_seconds)
        yield MockLibrary(played, samples.introductions[library.symbol])
