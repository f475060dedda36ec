"""Partners that `illgate mock` plays: by HTTP, by TCP and by mails of a format."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import click

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.installation import Installation
from gateway.domain.profile import Profile
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.outgoing_mail import Mailer, MailSecurity, MailServer
from gateway.secrets import resolve_secret
from gateway.settings import Settings
from rehearsal.addresses import find_daemon_address, format_host, parse_tcp_address, require_http_url
from rehearsal.mock.mock_lines import MockLines
from rehearsal.mock.mock_program import MockKind, MockProgram, load_page_texts
from rehearsal.mock.mock_site import MockEndpoint, MockSite
from rehearsal.partners.mock_mail_server import MockMailServer
from rehearsal.partners.mock_partner import MockPartner
from rehearsal.partners.mock_reception import MessageReception
from rehearsal.partners.partner_assembly import (
    MockOptions,
    RehearsedMailFormat,
    RehearsedProtocol,
    build_mock_partner,
    find_rehearsed_protocol,
    make_mail_reception,
)
from rehearsal.scenarios.scenario import PARTNER_ROLES, MockScenario, PlayedRole


def find_partner_mock(adapters: AdapterRegistry, profile: Profile) -> MockKind | None:
    rehearsed_protocol = find_rehearsed_protocol(adapters, profile)
    if rehearsed_protocol is None:
        return None
    if isinstance(rehearsed_protocol, RehearsedMailFormat):
        return MockKind(
            roles=PARTNER_ROLES,
            is_over_http=False,
            open_program=partial(_open_mail_partner, rehearsed_protocol),
            choose_address=find_library_address,
        )
    over_http = rehearsed_protocol.adapter.over_http
    return MockKind(
        roles=PARTNER_ROLES,
        is_over_http=over_http,
        is_recorded=over_http,
        misbehaviours=rehearsed_protocol.rehearsal.misbehaviours,
        open_program=partial(_open_http_partner if over_http else _open_tcp_partner, rehearsed_protocol),
        choose_address=partial(_choose_partner_address, rehearsed_protocol.adapter),
    )


def _choose_partner_address(adapter: ProtocolAdapter, against: str | None, settings: Settings, profile: Profile) -> str:
    """Choose where its own messages go. Raises click.UsageError."""
    if against is None:
        return find_daemon_address(settings, adapter, profile)
    if adapter.over_http:
        require_http_url(against, "--against")
    else:
        parse_tcp_address(against, "--against")
    return against


@asynccontextmanager
async def _open_http_partner(
    rehearsed: RehearsedProtocol,
    installation: Installation,
    profile: Profile,
    options: MockOptions,
    _against: str | None,
) -> AsyncIterator[MockProgram]:
    partner = _build_partner(installation, profile, options)
    reception = MessageReception(partner, rehearsed.adapter.responder(), rehearsed.rehearsal)
    site = MockSite(partner, load_page_texts(installation.settings), MockEndpoint(reception, installation.clock))
    yield MockProgram(site, options.address, begin=partial(_begin_scenarios, partner, options.chosen))


@asynccontextmanager
async def _open_tcp_partner(
    rehearsed: RehearsedProtocol,
    installation: Installation,
    profile: Profile,
    options: MockOptions,
    _against: str | None,
) -> AsyncIterator[MockProgram]:
    settings, adapter = installation.settings, rehearsed.adapter
    lines = MockLines(adapter.responder(), adapter.name, profile, settings.folder, installation.clock)
    partner = _build_partner(installation, profile, options, lines=lines)
    reception = MessageReception(partner, adapter.responder(), rehearsed.rehearsal)
    yield MockProgram(
        MockSite(partner, load_page_texts(settings)),
        options.address,
        listen=partial(lines.start, reception),
        stop_listening=lines.stop,
        begin=partial(_begin_scenarios, partner, options.chosen),
    )


@asynccontextmanager
async def _open_mail_partner(
    rehearsed: RehearsedMailFormat,
    installation: Installation,
    profile: Profile,
    options: MockOptions,
    against: str | None,
) -> AsyncIterator[MockProgram]:
    settings, clock = installation.settings, installation.clock
    server = choose_mail_server(against, settings)
    partner = _build_partner(installation, profile, options, mailer=make_mailer(installation, server))
    mails = MockMailServer(make_mail_reception(partner, rehearsed, installation.adapters), profile.max_bytes, clock)
    yield MockProgram(
        MockSite(partner, load_page_texts(settings)),
        f"{options.address} by {format_host(server.host)}:{server.port}",
        listen=mails.start,
        stop_listening=mails.stop,
        begin=partial(_begin_scenarios, partner, options.chosen),
    )


def _build_partner(
    installation: Installation,
    profile: Profile,
    options: MockOptions,
    lines: MockLines | None = None,
    mailer: Mailer | None = None,
) -> MockPartner:
    settings = installation.settings

    def resolve_reference(reference: str) -> str:
        return resolve_secret(reference, settings.folder)

    adapters, clock = installation.adapters, installation.clock
    return build_mock_partner(
        settings, adapters, profile, options, clock, resolve_reference, lines=lines, mailer=mailer
    )


def _begin_scenarios(partner: MockPartner, scenarios: Sequence[MockScenario]) -> None:
    for scenario in scenarios:
        if scenario.role is PlayedRole.BORROWING:
            partner.begin_scenario(scenario)


# --- by mail -----------------------------------------------------------------------------------------------


def find_library_address(_against: str | None, settings: Settings, profile: Profile) -> str:
    """Find the address where partners write to. Raises click.UsageError."""
    library_address = settings.mail.reply_to or settings.find_library(profile.library).email or settings.mail.sender
    if not library_address:
        raise click.UsageError(
            "gateway.yml has no email address of the library: set `mail.sender`, or `email` of the library"
        )
    return library_address


def choose_mail_server(against: str | None, settings: Settings) -> MailServer:
    """Choose the server that takes mails of the partner. Raises click.UsageError."""
    if against is not None:
        host, port = parse_tcp_address(against, "--against")
        return MailServer(host=host, port=port, security=MailSecurity.NONE)
    server = settings.mail.make_mail_server(settings.folder)
    if server is None:
        raise click.UsageError("gateway.yml has no mail server (`mail.host`): use --against HOST:PORT")
    return server


def make_mailer(installation: Installation, server: MailServer) -> Mailer:
    folder = installation.settings.folder
    return installation.adapters.mailers["smtp"].make(server, lambda reference: resolve_secret(reference, folder))
