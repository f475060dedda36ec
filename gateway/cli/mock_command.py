"""`illgate mock`: plays a partner that answers and acts by itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from gateway.cli.installation import Installation, pass_installation
from gateway.cli.send_command import (
    build_daemon_url,
    find_playable_profile,
    format_host,
    parse_tcp_address,
    require_http_url,
)
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.ports.adapter import ProtocolAdapter
from gateway.runtime.mock_assembly import (
    MockOptions,
    RehearsedProtocol,
    build_mock_partner,
    find_rehearsed_protocol,
)
from gateway.runtime.mock_lines import MockLines
from gateway.secrets import resolve_secret
from gateway.services.localization import TextCatalogues
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
    help="URL or HOST:PORT to which the partner sends its messages; else this installation.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Whoever reaches it sees what was exchanged.")
@click.option(
    "--page-port",
    type=click.IntRange(0, 65_535),
    default=8091,
    show_default=True,
    help="Of the page, where the protocol isn't spoken by HTTP.",
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

    The profile's own address of the partner must lead to the port. A request whose title has `mock:NAME` gets that
    scenario; others get those of --scenario in turn, or else they are supplied. What was exchanged is on a page at /.
    Nothing is kept. It runs until it is interrupted.

    \b
    Examples:
      illgate mock fjordby --list
      illgate mock fjordby
      illgate mock fjordby --scenario unfilled --scenario conditional
      illgate mock fjordby --scenario asks-loan --against https://ill.library.example/iso18626/fjordby
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
    settings = installation.settings
    adapter = protocol.adapter
    options = MockOptions(
        address=_choose_address(against, settings, adapter, played),
        scenarios=scenarios,
        chosen=[_find_scenario(name, scenarios) for name in chosen],
        misbehaviour=misbehaviour,
    )
    lines = (
        None
        if adapter.over_http
        else MockLines(adapter.responder(), adapter.name, played.max_bytes, settings.folder, installation.clock)
    )
    partner = build_mock_partner(
        settings,
        installation.adapters,
        played,
        options,
        installation.clock,
        lambda reference: resolve_secret(reference, settings.folder),
        lines=lines,
    )
    endpoint = MockEndpoint(partner, adapter.responder(), installation.clock) if adapter.over_http else None
    site = MockSite(partner, TextCatalogues(settings.letters_folder, settings.letters.language), endpoint)
    listening = MockListenOptions(host, port, page_port if lines is not None else port)
    try:
        asyncio.run(_run_partner(site, lines, options, listening))
    except OSError as error:
        raise click.ClickException(f"can't listen on {host}: {error.strerror or error}") from error


@value_object
class MockListenOptions:
    """Where it listens; the ports are the same where the protocol is spoken by HTTP."""

    host: str
    port: int
    page_port: int


async def _run_partner(
    site: MockSite, lines: MockLines | None, options: MockOptions, listening: MockListenOptions
) -> None:
    stopped = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    page = await site.start(listening.host, listening.page_port)
    try:
        address = await lines.start(site.partner, listening.host, listening.port) if lines is not None else page
        symbol = site.partner.play.parties.ours.symbol
        click.echo(f"{symbol} is played at {address}; it sends to {options.address}; see {page}")
        for scenario in options.chosen:
            if scenario.role is Role.BORROWING:
                site.partner.begin_scenario(scenario)
        await stopped.wait()
    finally:
        if lines is not None:
            await lines.stop()
        await site.stop()


def _choose_address(against: str | None, settings: Settings, adapter: ProtocolAdapter, profile: Profile) -> str:
    """Where messages of the partner go. Raises click.UsageError."""
    if against is None:
        return _find_daemon_address(settings, adapter, profile)
    if adapter.over_http:
        require_http_url(against, "--against")
    else:
        parse_tcp_address(against, "--against")
    return against


def _find_daemon_address(settings: Settings, adapter: ProtocolAdapter, profile: Profile) -> str:
    """Where the daemon of this installation takes messages of the partner. Raises click.UsageError."""
    if adapter.over_http:
        return build_daemon_url(settings, adapter.name, profile.name, "--against")
    fitting = (one for one in settings.tcp if one.protocol == adapter.name and one.profile in ("", profile.name))
    listener = next(fitting, None)
    if listener is None or not listener.port:
        raise click.UsageError(
            f"gateway.yml has no TCP listener with a port for {adapter.name}: say --against HOST:PORT"
        )
    return f"{format_host(listener.host)}:{listener.port}"


def _find_scenario(name: str, scenarios: Mapping[str, MockScenario]) -> MockScenario:
    found = scenarios.get(name)
    if found is None or found.abstract:
        near = nearest_match(name, [one.name for one in scenarios.values() if not one.abstract])
        raise click.UsageError(f"no such scenario: {name}{f'; did you mean {near}?' if near else ''}")
    return found


def _list_choices(scenarios: Mapping[str, MockScenario], protocol: RehearsedProtocol) -> Iterator[str]:
    for title, role in (("Scenarios of a supplier", Role.LENDING), ("Scenarios of a requester", Role.BORROWING)):
        yield f"{title}:"
        fitting = [one for one in scenarios.values() if one.role is role and not one.abstract]
        yield from _format_pairs([(one.name, one.about) for one in sorted(fitting, key=lambda one: one.name)])
        yield ""
    yield "Misbehaviours (--misbehave):"
    yield from _format_pairs(list(protocol.rehearsal.misbehaviours.items()))


def _format_pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, words in pairs:
        yield f"  {name:<{width}}  {words}"
