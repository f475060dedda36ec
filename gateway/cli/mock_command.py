"""`illgate mock`: plays a partner that answers and acts by itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from gateway.cli.installation import Installation, pass_installation
from gateway.cli.send_command import (
    find_daemon_address,
    find_playable_profile,
    format_host,
    parse_tcp_address,
    require_http_url,
)
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.ports.outgoing_mail import Mailer, MailSecurity, MailServer
from gateway.runtime.mock_assembly import (
    MockOptions,
    Rehearsed,
    RehearsedMailFormat,
    RehearsedProtocol,
    build_mock_partner,
    find_rehearsed_protocol,
    make_mail_reception,
)
from gateway.runtime.mock_lines import MockLines
from gateway.runtime.mock_mail import MockMailServer
from gateway.secrets import resolve_secret
from gateway.services.localization import TextCatalogues
from gateway.services.mock.mock_partner import MockPartner
from gateway.services.mock.mock_reception import MessageReception
from gateway.services.mock.scenario import SHIPPED_SCENARIOS, MockScenario, load_scenarios
from gateway.settings import Settings
from gateway.web.mock.mock_site import MockEndpoint, MockSite


@click.command(name="mock")
@click.argument("profile")
@click.option(
    "--scenario",
    "chosen",
    multiple=True,
    metavar="NAME",
    help="What happens; several times: requests get them in turn. A requester's begins at once.",
)
@click.option(
    "--scenarios",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with scenarios of your own.",
)
@click.option(
    "--against",
    metavar="ADDRESS",
    help="URL or HOST:PORT to which the partner sends its messages; else this installation, by mail its mail server.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Whoever reaches it sees what was exchanged.")
@click.option(
    "--page-port",
    type=click.IntRange(0, 65_535),
    default=8091,
    show_default=True,
    help="Of the page, where messages don't come by HTTP.",
)
@click.option("--misbehave", "misbehaviour", default="", metavar="NAME", help="Do this wrong in each answer.")
@click.option("--list", "listing", is_flag=True, help="List scenarios and misbehaviours.")
@pass_installation
def mock_command(
    installation: Installation,
    profile: str,
    chosen: tuple[str, ...],
    folder: Path | None,
    against: str | None,
    port: int,
    host: str,
    page_port: int,
    misbehaviour: str,
    listing: bool,
) -> None:
    """Play the partner of PROFILE: take its messages, answer them, and do what a scenario says.

    The profile's own address of the partner must lead to the port; for mails `mail` of gateway.yml must. A request
    whose title has `mock:NAME` gets that scenario; others get those of --scenario in turn, or else they are supplied.
    What was exchanged is on a page at /. Nothing is kept. It runs until it is interrupted.

    \b
    Examples:
      illgate mock fjordby --list
      illgate mock fjordby
      illgate mock fjordby --scenario unfilled --scenario conditional
      illgate mock fjordby --scenario asks-loan --against https://ill.library.example/iso18626/fjordby
      illgate mock our-bldss --port 2525 --against mail.library.example:25
    """
    played = find_playable_profile(installation, profile)
    protocol = find_rehearsed_protocol(installation.adapters, played)
    if protocol is None:
        raise click.UsageError(f"profile {profile} speaks no protocol in which a partner can be played by itself")
    scenarios = load_scenarios([SHIPPED_SCENARIOS, *([folder] if folder is not None else [])])
    if listing:
        for line in _list_choices(scenarios, protocol):
            click.echo(line)
        return
    options = MockOptions(
        address=_choose_address(against, installation.settings, protocol, played),
        scenarios=scenarios,
        chosen=[_find_scenario(name, scenarios) for name in chosen],
        misbehaviour=misbehaviour,
    )
    try:
        asyncio.run(
            _run_partner(
                _prepare_mock(installation, played, protocol, options, against),
                options,
                MockListenOptions(host, port, port if _is_over_http(protocol) else page_port),
            )
        )
    except OSError as error:
        raise click.ClickException(f"can't listen on {host}: {error.strerror or error}") from error
    except Refused as refused:
        raise click.ClickException(refused.detail) from refused


@value_object
class MockListenOptions:
    """Where it listens; the ports are the same where the protocol is spoken by HTTP."""

    host: str
    port: int
    page_port: int


Listen = Callable[[str, int], Awaitable[str]]
"""Host and port; it gives HOST:PORT. Raises OSError, Refused."""


@value_object
class PreparedMock:
    """A partner before it listens. `listen` and `stop_listening`: where messages don't come by HTTP; `destination`:
    where its own go, for people."""

    site: MockSite
    destination: str
    listen: Listen | None = None
    stop_listening: Callable[[], Awaitable[None]] | None = None


def _prepare_mock(
    installation: Installation, profile: Profile, protocol: Rehearsed, options: MockOptions, against: str | None
) -> PreparedMock:
    settings, adapters, clock = installation.settings, installation.adapters, installation.clock

    def resolve_reference(reference: str) -> str:
        return resolve_secret(reference, settings.folder)

    def build_partner(lines: MockLines | None = None, mailer: Mailer | None = None) -> MockPartner:
        return build_mock_partner(
            settings, adapters, profile, options, clock, resolve_reference, lines=lines, mailer=mailer
        )

    texts = TextCatalogues(settings.letters_folder, settings.letters.language)
    if isinstance(protocol, RehearsedMailFormat):
        server = _choose_mail_server(against, settings)
        partner = build_partner(mailer=adapters.mailers["smtp"].make(server, resolve_reference))
        mails = MockMailServer(make_mail_reception(partner, protocol, adapters), profile.max_bytes, clock)
        destination = f"{options.address} by {format_host(server.host)}:{server.port}"
        return PreparedMock(MockSite(partner, texts), destination, mails.start, mails.stop)
    adapter = protocol.adapter
    if adapter.over_http:
        partner = build_partner()
        reception = MessageReception(partner, adapter.responder(), protocol.rehearsal)
        return PreparedMock(MockSite(partner, texts, MockEndpoint(reception, clock)), options.address)
    lines = MockLines(adapter.responder(), adapter.name, profile.max_bytes, settings.folder, clock)
    partner = build_partner(lines=lines)
    reception = MessageReception(partner, adapter.responder(), protocol.rehearsal)
    return PreparedMock(MockSite(partner, texts), options.address, partial(lines.start, reception), lines.stop)


async def _run_partner(prepared: PreparedMock, options: MockOptions, listening: MockListenOptions) -> None:
    stopped = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    site = prepared.site
    page = await site.start(listening.host, listening.page_port)
    try:
        address = await prepared.listen(listening.host, listening.port) if prepared.listen is not None else page
        symbol = site.partner.play.parties.ours.symbol
        click.echo(f"{symbol} is played at {address}; it sends to {prepared.destination}; see {page}")
        for scenario in options.chosen:
            if scenario.role is Role.BORROWING:
                site.partner.begin_scenario(scenario)
        await stopped.wait()
    finally:
        if prepared.stop_listening is not None:
            await prepared.stop_listening()
        await site.stop()


def _is_over_http(protocol: Rehearsed) -> bool:
    return isinstance(protocol, RehearsedProtocol) and protocol.adapter.over_http


def _choose_address(against: str | None, settings: Settings, protocol: Rehearsed, profile: Profile) -> str:
    """Where messages of the partner go. Raises click.UsageError."""
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


def _find_scenario(name: str, scenarios: Mapping[str, MockScenario]) -> MockScenario:
    found = scenarios.get(name)
    if found is None or found.abstract:
        near = nearest_match(name, [one.name for one in scenarios.values() if not one.abstract])
        raise click.UsageError(f"no such scenario: {name}{f'; did you mean {near}?' if near else ''}")
    return found


def _list_choices(scenarios: Mapping[str, MockScenario], protocol: Rehearsed) -> Iterator[str]:
    for title, role in (("Scenarios of a supplier", Role.LENDING), ("Scenarios of a requester", Role.BORROWING)):
        yield f"{title}:"
        fitting = [one for one in scenarios.values() if one.role is role and not one.abstract]
        yield from _format_pairs([(one.name, one.about) for one in sorted(fitting, key=lambda one: one.name)])
        yield ""
    if isinstance(protocol, RehearsedProtocol):
        yield "Misbehaviours (--misbehave):"
        yield from _format_pairs(list(protocol.rehearsal.misbehaviours.items()))


def _format_pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, words in pairs:
        yield f"  {name:<{width}}  {words}"
