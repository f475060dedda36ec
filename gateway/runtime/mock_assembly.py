"""From settings and a profile to a partner that is played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.request import LibraryParty
from gateway.domain.value import value_object
from gateway.ports.adapter import ChannelContext, ChannelLibrary, ProtocolAdapter
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import (
    ChannelMessage,
    InboxResult,
    IncomingPartnerMessage,
    NoPartnerConnections,
    PartnerChannel,
)
from gateway.ports.partner_simulator import Secrets
from gateway.ports.rehearsal import ProtocolRehearsal
from gateway.runtime.managed_requests import NoMailServer
from gateway.runtime.mock_lines import MockLines
from gateway.services.letters import LetterRenderer
from gateway.services.mock.mock_conversation import MockParties
from gateway.services.mock.mock_partner import MockPartner, MockPlay, Wait
from gateway.services.mock.scenario import MockScenario
from gateway.settings import Settings


@value_object
class RehearsedProtocol:
    """The protocol of a profile in which partners can be played."""

    adapter: ProtocolAdapter
    rehearsal: ProtocolRehearsal


@value_object(kw_only=True)
class MockOptions:
    """How it is played: `address`: where messages of the partner go, a URL or host:port; `chosen`:
    scenarios in the order in which requests get them; `misbehaviour`: of each answer, a name that the protocol
    knows."""

    address: str
    scenarios: Mapping[str, MockScenario]
    chosen: Sequence[MockScenario] = ()
    misbehaviour: str = ""


def find_rehearsed_protocol(adapters: AdapterRegistry, profile: Profile) -> RehearsedProtocol | None:
    """The first of the profile's sections that has one."""
    for name in profile.dialects:
        adapter = adapters.protocols.get(name)
        if adapter is not None and adapter.rehearsal is not None:
            return RehearsedProtocol(adapter, adapter.rehearsal())
    return None


def build_mock_partner(
    settings: Settings,
    adapters: AdapterRegistry,
    profile: Profile,
    options: MockOptions,
    clock: Clock,
    secrets: Secrets,
    wait: Wait = asyncio.sleep,
    lines: MockLines | None = None,
) -> MockPartner:
    """`lines`: for a protocol that is spoken by TCP. Raises ConfigurationError for a profile whose partner can't be
    played, and for misbehaviours that the protocol doesn't know."""
    protocol = find_rehearsed_protocol(adapters, profile)
    if protocol is None:
        raise _make_profile_error(profile, (), "speaks no protocol in which a partner can be played by itself")
    _check_misbehaviours(profile, protocol.rehearsal, options)
    library = settings.find_library(profile.library)
    parties = MockParties(_find_partner(profile), LibraryParty(symbol=library.symbol, profile=profile.name))
    play = MockPlay(
        profile=_mirror_profile(profile, protocol, options.address),
        parties=parties,
        zone=library.zone,
        currency=library.currency,
        scenarios=options.scenarios,
        chosen=options.chosen,
        misbehaviour=options.misbehaviour,
        over_http=protocol.adapter.over_http,
    )

    def make_channel(record: Callable[[ChannelMessage], None]) -> PartnerChannel:
        ours = parties.ours
        info = LibraryInfo(ours.symbol, ours.name or ours.symbol)
        context = ChannelContext(
            libraries={ours.symbol: ChannelLibrary(info, library.zone, library.currency)},
            clock=clock,
            secrets=secrets,
            folder=settings.folder,
            mailer=NoMailServer(),
            sender=settings.mail.letter_sender,
            letters=LetterRenderer(settings.letters_folder, settings.letters.language),
            read_file=_read_no_file,
            receive=_receive_nothing,
            lines=lines.record_by(record) if lines is not None else NoPartnerConnections(),
            record=record,
        )
        return adapters.channels[protocol.rehearsal.channel].make(context)

    conceal_secrets = protocol.adapter.responder().conceal_secrets
    return MockPartner(play, make_channel, protocol.rehearsal, conceal_secrets, clock, wait)


def _find_partner(profile: Profile) -> LibraryParty:
    if profile.partner is None or not profile.partner.symbol:
        raise _make_profile_error(profile, ("partner", "symbols"), "names no symbol for the partner to be played by")
    return LibraryParty(symbol=profile.partner.symbol, profile=profile.name, name=profile.partner.name)


def _mirror_profile(profile: Profile, protocol: RehearsedProtocol, url: str) -> Profile:
    dialect = protocol.rehearsal.mirror_dialect(profile, url)
    return profile.model_copy(update={"dialects": {**profile.dialects, protocol.adapter.name: dialect}})


def _check_misbehaviours(profile: Profile, rehearsal: ProtocolRehearsal, options: MockOptions) -> None:
    wanted = {name: scenario.name for scenario in options.chosen for name in scenario.list_misbehaviours()}
    wanted |= {options.misbehaviour: "--misbehave"} if options.misbehaviour else {}
    for name, where in wanted.items():
        if name not in rehearsal.misbehaviours:
            raise _make_profile_error(profile, (), f"its protocol has no misbehaviour called {name} ({where})")


def _make_profile_error(profile: Profile, key: tuple[str, ...], words: str) -> ConfigurationError:
    return ConfigurationError([ConfigurationProblem(f"profile {profile.name}", 0, key, words)])


async def _read_no_file(_library: str, file_id: str) -> bytes:
    """A partner that is played keeps no files."""
    raise KeyError(file_id)


async def _receive_nothing(
    message: IncomingPartnerMessage, profile: Profile | None, carried: ChannelMessage | None = None
) -> InboxResult:
    raise Unavailable("a partner that is played takes messages where it listens alone")
