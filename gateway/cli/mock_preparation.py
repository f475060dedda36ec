"""From an installation and a profile to whoever `illgate mock` plays, ready to listen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.installation import Installation
from gateway.cli.send_command import find_daemon_address, format_host, parse_tcp_address, require_http_url
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.outgoing_mail import Mailer, MailSecurity, MailServer
from gateway.runtime.mock_assembly import (
    MockOptions,
    Rehearsed,
    RehearsedMailFormat,
    build_mock_partner,
    find_rehearsed_protocol,
    make_mail_reception,
)
from gateway.runtime.mock_catalogue_lines import MockCatalogueLines
from gateway.runtime.mock_lines import MockLines
from gateway.runtime.mock_mail import MockMailServer
from gateway.runtime.mock_systems import (
    RehearsedCatalogue,
    RehearsedLinkTarget,
    RehearsedSystem,
    find_rehearsed_catalogue,
    find_rehearsed_link_target,
    find_rehearsed_system,
    make_mock_catalogue,
    make_mock_client,
    make_mock_link_target,
    open_mock_library,
)
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.secrets import resolve_secret
from gateway.services.localization import TextCatalogues
from gateway.services.mock.catalogue_reception import CATALOGUE_RECORDS
from gateway.services.mock.client_system import OWN_VALUES
from gateway.services.mock.mock_partner import MockPartner
from gateway.services.mock.mock_reception import MessageReception
from gateway.services.mock.scenario import PlayedRole
from gateway.settings import Settings
from gateway.web.mock.mock_site import MockEndpoint, MockSite

NOT_PLAYED = "partners by letter are not played"

DEFAULT_CLIENT_SCENARIO = "client-borrows"

Played = Rehearsed | RehearsedSystem | RehearsedCatalogue | RehearsedLinkTarget

Listen = Callable[[str, int], Awaitable[str]]
"""Host and port; it gives HOST:PORT. Raises OSError, Refused."""


def begin_nothing() -> None:
    return None


@value_object
class PreparedMock:
    """Whoever is played, before it listens. `destination`: where its own messages go, for people; empty: it sends none.
    `introduction`: what can be tried, in plain lines. `listen` and `stop_listening`: where messages don't come by HTTP;
    `begin`: what it does by itself once it listens."""

    site: MockSite
    destination: str = ""
    introduction: str = ""
    listen: Listen | None = None
    stop_listening: Callable[[], Awaitable[None]] | None = None
    begin: Callable[[], None] = begin_nothing


def find_rehearsed(adapters: AdapterRegistry, profile: Profile) -> Played | None:
    partner = find_rehearsed_protocol(adapters, profile)
    if partner is not None:
        return partner
    system = find_rehearsed_system(adapters, profile)
    if system is not None:
        return system
    catalogue = find_rehearsed_catalogue(adapters, profile)
    return catalogue if catalogue is not None else find_rehearsed_link_target(adapters, profile)


def list_roles(protocol: Played) -> tuple[PlayedRole, ...]:
    """Whose scenarios can be chosen."""
    if isinstance(protocol, RehearsedSystem):
        return (PlayedRole.CLIENT,) if protocol.is_client else (PlayedRole.LIBRARY,)
    if isinstance(protocol, RehearsedCatalogue):
        return (PlayedRole.CATALOGUE,)
    if isinstance(protocol, RehearsedLinkTarget):
        return (PlayedRole.LINK_TARGET,)
    return (PlayedRole.LENDING, PlayedRole.BORROWING)


def list_misbehaviours(protocol: Played) -> Mapping[str, str]:
    """By mail nothing is answered that could be wrong, nor by a client; a page has no standard."""
    if isinstance(protocol, RehearsedMailFormat | RehearsedLinkTarget) or PlayedRole.CLIENT in list_roles(protocol):
        return {}
    return protocol.rehearsal.misbehaviours


def prepare_mock(
    installation: Installation, profile: Profile, protocol: Played, options: MockOptions, against: str | None
) -> AbstractAsyncContextManager[PreparedMock]:
    """Raises click.UsageError, and on entering ConfigurationError."""
    if isinstance(protocol, RehearsedSystem) and protocol.is_client:
        return _open_client(installation, profile, protocol, options)
    if isinstance(protocol, RehearsedSystem):
        return _open_library(installation, profile, protocol, options)
    if isinstance(protocol, RehearsedCatalogue):
        return _open_catalogue(installation, profile, protocol, options)
    if isinstance(protocol, RehearsedLinkTarget):
        return _open_link_target(installation, profile, protocol, options)
    return _open_partner(installation, profile, protocol, options, against)


@asynccontextmanager
async def _open_library(
    installation: Installation, profile: Profile, protocol: RehearsedSystem, options: MockOptions
) -> AsyncIterator[PreparedMock]:
    with TemporaryDirectory(prefix="illgate-mock-") as folder:
        samples = SampleLibraries(installation.parts, Path(folder))
        async with open_mock_library(installation.parts, profile, protocol, options, samples) as library:
            endpoint = MockEndpoint(library.system, installation.clock)
            site = MockSite(library.system, _load_texts(installation.settings), endpoint)
            yield PreparedMock(site, introduction=library.introduction)


@asynccontextmanager
async def _open_client(
    installation: Installation, profile: Profile, protocol: RehearsedSystem, options: MockOptions
) -> AsyncIterator[PreparedMock]:
    settings = installation.settings
    client = make_mock_client(
        settings,
        profile,
        protocol,
        options,
        installation.clock,
        lambda reference: resolve_secret(reference, settings.folder),
    )

    def begin_scenarios() -> None:
        for scenario in options.chosen or [options.scenarios[DEFAULT_CLIENT_SCENARIO]]:
            client.begin_scenario(scenario)

    yield PreparedMock(MockSite(client, _load_texts(settings)), options.address, begin=begin_scenarios)


@asynccontextmanager
async def _open_catalogue(
    installation: Installation, profile: Profile, protocol: RehearsedCatalogue, options: MockOptions
) -> AsyncIterator[PreparedMock]:
    clock, texts = installation.clock, _load_texts(installation.settings)
    catalogue = make_mock_catalogue(installation.settings, profile, protocol, options)
    titles = "It has:\n" + "\n".join(f"  {one.short}" for one in CATALOGUE_RECORDS)
    cut = catalogue.cut_messages
    if cut is None:
        site = MockSite(catalogue, texts, MockEndpoint(catalogue, clock, ("GET", "POST")))
        yield PreparedMock(site, introduction=f"Ask at a path, such as /sru. {titles}")
        return
    lines = MockCatalogueLines(catalogue, cut, clock)
    yield PreparedMock(MockSite(catalogue, texts), introduction=titles, listen=lines.start, stop_listening=lines.stop)


@asynccontextmanager
async def _open_link_target(
    installation: Installation, profile: Profile, protocol: RehearsedLinkTarget, options: MockOptions
) -> AsyncIterator[PreparedMock]:
    target = make_mock_link_target(installation.settings, profile, protocol, options)
    endpoint = MockEndpoint(target, installation.clock, ("GET", "POST"))
    site = MockSite(target, _load_texts(installation.settings), endpoint)
    yield PreparedMock(site, introduction="Links go to a path, such as /request.")


@asynccontextmanager
async def _open_partner(
    installation: Installation, profile: Profile, protocol: Rehearsed, options: MockOptions, against: str | None
) -> AsyncIterator[PreparedMock]:
    yield _prepare_partner(installation, profile, protocol, options, against)


def _load_texts(settings: Settings) -> TextCatalogues:
    return TextCatalogues(settings.letters_folder, settings.letters.language)


def _prepare_partner(
    installation: Installation, profile: Profile, protocol: Rehearsed, options: MockOptions, against: str | None
) -> PreparedMock:
    settings, adapters, clock = installation.settings, installation.adapters, installation.clock

    def resolve_reference(reference: str) -> str:
        return resolve_secret(reference, settings.folder)

    def build_partner(lines: MockLines | None = None, mailer: Mailer | None = None) -> MockPartner:
        return build_mock_partner(
            settings, adapters, profile, options, clock, resolve_reference, lines=lines, mailer=mailer
        )

    def begin_scenarios(partner: MockPartner) -> None:
        for scenario in options.chosen:
            if scenario.role is PlayedRole.BORROWING:
                partner.begin_scenario(scenario)

    texts = _load_texts(settings)
    if isinstance(protocol, RehearsedMailFormat):
        server = _choose_mail_server(against, settings)
        partner = build_partner(mailer=adapters.mailers["smtp"].make(server, resolve_reference))
        mails = MockMailServer(make_mail_reception(partner, protocol, adapters), profile.max_bytes, clock)
        destination = f"{options.address} by {format_host(server.host)}:{server.port}"
        return PreparedMock(
            MockSite(partner, texts),
            destination,
            listen=mails.start,
            stop_listening=mails.stop,
            begin=partial(begin_scenarios, partner),
        )
    adapter = protocol.adapter
    if adapter.over_http:
        partner = build_partner()
        reception = MessageReception(partner, adapter.responder(), protocol.rehearsal)
        return PreparedMock(
            MockSite(partner, texts, MockEndpoint(reception, clock)),
            options.address,
            begin=partial(begin_scenarios, partner),
        )
    lines = MockLines(adapter.responder(), adapter.name, profile.max_bytes, settings.folder, clock)
    partner = build_partner(lines=lines)
    reception = MessageReception(partner, adapter.responder(), protocol.rehearsal)
    return PreparedMock(
        MockSite(partner, texts),
        options.address,
        listen=partial(lines.start, reception),
        stop_listening=lines.stop,
        begin=partial(begin_scenarios, partner),
    )


def is_over_http(protocol: Played) -> bool:
    if isinstance(protocol, RehearsedCatalogue):
        return protocol.rehearsal.cut_messages is None
    if isinstance(protocol, RehearsedLinkTarget):
        return True
    return not isinstance(protocol, RehearsedMailFormat) and protocol.adapter.over_http


def choose_address(against: str | None, settings: Settings, protocol: Played, profile: Profile) -> str:
    """Where messages of the partner go; empty: it sends none. Raises click.UsageError."""
    if isinstance(protocol, RehearsedSystem) and protocol.is_client:
        return _choose_client_address(against, settings, protocol, profile)
    if isinstance(protocol, RehearsedSystem | RehearsedCatalogue | RehearsedLinkTarget):
        if against is not None:
            raise click.UsageError("--against: who is played here sends nothing by itself")
        return ""
    if isinstance(protocol, RehearsedMailFormat):
        return _find_library_address(settings, profile)
    adapter = protocol.adapter
    if against is None:
        return find_daemon_address(settings, adapter, profile)
    if adapter.over_http:
        require_http_url(against, "--against")
    else:
        parse_tcp_address(against, "--against")
    return against


def _choose_client_address(against: str | None, settings: Settings, protocol: RehearsedSystem, profile: Profile) -> str:
    """URL or HOST:PORT. Raises click.UsageError."""
    if against is None:
        return find_daemon_address(settings, protocol.adapter, profile)
    if "://" in against:
        require_http_url(against, "--against")
    else:
        parse_tcp_address(against, "--against")
    return against


def parse_values(words: Sequence[str], protocol: Played) -> Mapping[str, str]:
    """Of a client. Raises click.UsageError."""
    is_client = PlayedRole.CLIENT in list_roles(protocol)
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not is_client or name not in OWN_VALUES or not equals or not text:
            known = ", ".join(f"{one} ({about})" for one, about in OWN_VALUES.items()) if is_client else "none"
            raise click.UsageError(f"--value: {word}: say NAME=TEXT; there are: {known}")
        found[name] = text
    if is_client and "patron" not in found:
        raise click.UsageError("--value patron=NUMBER says for which patron of the library it asks")
    return found


def _find_library_address(settings: Settings, profile: Profile) -> str:
    """Where partners write to. Raises click.UsageError."""
    found = settings.mail.reply_to or settings.find_library(profile.library).email or settings.mail.sender
    if not found:
        raise click.UsageError("gateway.yml names no address of the library: `mail.sender`, or `email` of the library")
    return found


def _choose_mail_server(against: str | None, settings: Settings) -> MailServer:
    """What takes mails of the partner. Raises click.UsageError."""
    if against is not None:
        host, port = parse_tcp_address(against, "--against")
        return MailServer(host=host, port=port, security=MailSecurity.NONE)
    server = settings.mail.make_mail_server(settings.folder)
    if server is None:
        raise click.UsageError("gateway.yml has no mail server (`mail.host`): say --against HOST:PORT")
    return server
