"""Assembly of a partner that is played, from settings and a profile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import field

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, MalformedMessage, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerRole
from gateway.domain.requests.request import LibraryParty
from gateway.domain.value import replace, value_object
from gateway.ports.adapter import (
    ChannelContext,
    ChannelLibrary,
    MailboxAdapter,
    MailFormatAdapter,
    ProtocolAdapter,
)
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import LetterSender, Mailer
from gateway.ports.partner_channel import (
    ChannelMessage,
    InboxResult,
    IncomingPartnerMessage,
    NoPartnerConnections,
    PartnerChannel,
)
from gateway.ports.secrets import Secrets
from gateway.runtime.mail_secrets import CLIENT, MailConcealer
from gateway.runtime.partner_channels import NoMailServer
from gateway.runtime.sent_recording import RecordingMailer
from gateway.services.letters.renderer import make_letter_renderer
from gateway.settings import Settings
from gateway.settings.sections import LibrarySettings
from rehearsal.addresses import add_sender_headers
from rehearsal.mock.mock_answers import PassSeconds
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_log import MockParties
from rehearsal.partners.mock_mail_reception import MailReception, format_mail
from rehearsal.partners.mock_partner import MockPartner, MockPlay, keep_profile
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.ports.rehearsals import MailRehearsal, ProtocolRehearsal
from rehearsal.scenarios.scenario import MockScenario


@value_object
class RehearsedProtocol:
    """The protocol of a profile in which partners can be played."""

    adapter: ProtocolAdapter
    rehearsal: ProtocolRehearsal


@value_object
class RehearsedMailFormat:
    """The format of a profile's mails, in which partners can be played."""

    adapter: MailFormatAdapter
    rehearsal: MailRehearsal


Rehearsed = RehearsedProtocol | RehearsedMailFormat


@value_object(kw_only=True)
class MockOptions:
    """The options of a play: `address`: where messages of the partner go, a URL or host:port, by mail an address;
    `chosen`: scenarios in the order in which requests get them; `misbehaviour`: of each answer, a name that the
    protocol knows; `values`: what a client may ask about."""

    address: str
    scenarios: Mapping[str, MockScenario]
    chosen: Sequence[MockScenario] = ()
    misbehaviour: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def find_rehearsed_protocol(adapters: AdapterRegistry, profile: Profile) -> Rehearsed | None:
    """Find the protocol of the partner's channel, else the first of the profile's sections that has one."""
    protocols = tuple(_list_rehearsed(adapters, profile))
    channel = profile.partner.channel if profile.partner is not None else ""
    fitting = (protocol for protocol in protocols if protocol.rehearsal.channel == channel)
    return next(fitting, next(iter(protocols), None))


def _list_rehearsed(adapters: AdapterRegistry, profile: Profile) -> Iterator[Rehearsed]:
    """A protocol that is also spoken by mail counts as the profile's section says."""
    for name, dialect in profile.dialects.items():
        protocol, mail_format = adapters.protocols.get(name), adapters.mail_formats.get(name)
        rehearsal = find_rehearsal(name)
        mailed = rehearsal.mail() if mail_format is not None and rehearsal.mail is not None else None
        by_mail = adapters.channels[mailed.channel].by_mail if mailed is not None else None
        if mail_format is not None and mailed is not None and by_mail is not None and by_mail(dialect):
            yield RehearsedMailFormat(mail_format, mailed)
        elif protocol is not None and rehearsal.partner is not None:
            yield RehearsedProtocol(protocol, rehearsal.partner())


def build_mock_partner(
    settings: Settings,
    adapters: AdapterRegistry,
    profile: Profile,
    options: MockOptions,
    clock: Clock,
    secrets: Secrets,
    pass_seconds: PassSeconds = asyncio.sleep,
    lines: MockLines | None = None,
    mailer: Mailer | None = None,
) -> MockPartner:
    """`lines`: for a protocol that is spoken by TCP; `mailer`: for a format of mails. Raises ConfigurationError for a
    profile whose partner can't be played, and for misbehaviours and elements that the protocol doesn't know."""
    protocol = find_rehearsed_protocol(adapters, profile)
    if protocol is None:
        raise make_profile_error(profile, (), "speaks no protocol in which a partner can be played by itself")
    misbehaviours = frozenset(_list_misbehaviours(protocol))
    check_misbehaviours(profile, misbehaviours, options)
    library = settings.find_library(profile.library)
    parties = _find_parties(profile, protocol, library, options.address)
    play = MockPlay(
        profile=_mirror_profile(profile, protocol, parties, options.address),
        parties=parties,
        zone=library.zone,
        currency=library.currency,
        scenarios=options.scenarios,
        chosen=options.chosen,
        misbehaviour=options.misbehaviour,
        misbehaviours=misbehaviours,
        over_http=isinstance(protocol, RehearsedProtocol) and protocol.adapter.over_http,
        write_elements=protocol.rehearsal.write_elements if isinstance(protocol, RehearsedProtocol) else keep_profile,
    )
    check_elements(play)

    def make_channel(record: Callable[[ChannelMessage], None]) -> PartnerChannel:
        ours = parties.ours
        info = LibraryInfo(ours.symbol, ours.name or ours.symbol, email=ours.email)
        context = ChannelContext(
            libraries={ours.symbol: ChannelLibrary(info, library.zone, library.currency)},
            clock=clock,
            secrets=secrets,
            folder=settings.folder,
            mailer=RecordingMailer(mailer, record) if mailer is not None else NoMailServer(),
            sender=LetterSender(ours.email, ours.name),
            letters=make_letter_renderer(settings),
            read_file=read_no_file,
            receive=receive_nothing,
            lines=lines.record_by(record) if lines is not None else NoPartnerConnections(),
            record=record,
            make_peer_headers=add_sender_headers(settings, options.address),
        )
        return adapters.channels[protocol.rehearsal.channel].make(context)

    if isinstance(protocol, RehearsedProtocol):
        return MockPartner(play, make_channel, protocol.adapter.responder().conceal_secrets, clock, pass_seconds)
    mail_display = MailDisplay(
        adapters.mailboxes[CLIENT], MailConcealer(settings, adapters, lambda: (profile,)).conceal_received, clock
    )
    return MockPartner(play, make_channel, mail_display.show_mail, clock, pass_seconds)


def make_mail_reception(
    partner: MockPartner, protocol: RehearsedMailFormat, adapters: AdapterRegistry
) -> MailReception:
    return MailReception(partner, protocol.adapter.make(), adapters.mailboxes[CLIENT].parse)


@value_object
class MailDisplay:
    """The parts of a mail that the page shows."""

    client: MailboxAdapter
    conceal: Callable[[bytes], bytes]
    clock: Clock

    def show_mail(self, content: bytes) -> bytes:
        """Its text decoded, and no passwords. What can't be taken apart isn't shown, since a password may be in it;
        what is no mail, such as a line of a mail server, stays as it is."""
        if b"\n" not in content:
            return content
        try:
            concealed = self.conceal(content)
            return format_mail(self.client.parse(concealed, self.clock.now()), concealed)
        except MalformedMessage:
            return b"This mail can't be taken apart."


def _find_parties(profile: Profile, protocol: Rehearsed, library: LibrarySettings, address: str) -> MockParties:
    """`address`: ours, by mail. Raises ConfigurationError."""
    if profile.partner is None or not profile.partner.symbol:
        raise make_profile_error(profile, ("partner", "symbols"), "names no symbol for the partner to be played by")
    ours = LibraryParty(symbol=profile.partner.symbol, profile=profile.name, name=profile.partner.name)
    theirs = LibraryParty(symbol=library.symbol, profile=profile.name, name=library.name)
    if isinstance(protocol, RehearsedMailFormat):
        email = protocol.rehearsal.find_address(profile)
        if not email:
            raise make_profile_error(profile, ("partner", "email"), "names no address to which the partner gets mails")
        ours, theirs = replace(ours, email=email), replace(theirs, email=address)
    return MockParties(ours, theirs)


def _mirror_profile(profile: Profile, protocol: Rehearsed, parties: MockParties, address: str) -> Profile:
    if isinstance(protocol, RehearsedProtocol):
        dialect = protocol.rehearsal.mirror_dialect(profile, address)
        return profile.model_copy(update={"dialects": {**profile.dialects, protocol.adapter.name: dialect}})
    assert profile.partner is not None, "the partner that is played has a symbol there"
    theirs = parties.theirs
    changes = {
        "symbols": (theirs.symbol,),
        "name": theirs.name,
        "email": theirs.email,
        "roles": tuple(_OTHER_ROLE[role] for role in profile.partner.roles),
    }
    dialects = {**profile.dialects, protocol.adapter.name: protocol.rehearsal.mirror_dialect(profile)}
    return profile.model_copy(update={"partner": profile.partner.model_copy(update=changes), "dialects": dialects})


_OTHER_ROLE = {PartnerRole.SUPPLIER: PartnerRole.REQUESTER, PartnerRole.REQUESTER: PartnerRole.SUPPLIER}


def _list_misbehaviours(protocol: Rehearsed) -> Mapping[str, str]:
    """List misbehaviours; by mail nothing is answered that could be wrong."""
    return protocol.rehearsal.misbehaviours if isinstance(protocol, RehearsedProtocol) else {}


def check_misbehaviours(profile: Profile, known: Container[str], options: MockOptions) -> None:
    """Check misbehaviours; raises ConfigurationError for those that aren't known."""
    wanted = {name: scenario.name for scenario in options.chosen for name in scenario.list_misbehaviours()}
    wanted |= {options.misbehaviour: "--misbehave"} if options.misbehaviour else {}
    for name, where in wanted.items():
        if name not in known:
            raise make_profile_error(profile, (), f"its protocol has no misbehaviour called {name} ({where})")


def check_elements(play: MockPlay) -> None:
    """Check elements; raises ConfigurationError for those that the protocol doesn't know, with the scenario's name."""
    for scenario in play.scenarios.values():
        try:
            for elements in scenario.list_elements():
                play.write_elements(play.profile, elements)
        except ConfigurationError as error:
            named = (replace(problem, file=f"scenario {scenario.name}") for problem in error.problems)
            raise ConfigurationError(named) from error


def make_profile_error(profile: Profile, key: tuple[str, ...], words: str) -> ConfigurationError:
    return ConfigurationError([ConfigurationProblem(f"profile {profile.name}", 0, key, words)])


async def read_no_file(_library: str, file_id: str) -> bytes:
    """A partner that is played keeps no files."""
    raise KeyError(file_id)


async def receive_nothing(
    message: IncomingPartnerMessage, profile: Profile | None, carried: ChannelMessage | None = None
) -> InboxResult:
    raise Unavailable("a simulated partner receives messages only on its own listener")
