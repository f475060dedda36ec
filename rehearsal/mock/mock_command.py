"""`illgate mock`: plays a partner that answers and acts by itself, a library's system, a catalogue …"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import click

from gateway.adapter_registry import AdapterRegistry
from gateway.cli.installation import Installation, pass_installation
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from rehearsal.addresses import find_playable_profile
from rehearsal.mock.mock_program import MockKind, MockProgram
from rehearsal.partners.partner_assembly import MockOptions
from rehearsal.partners.partner_programs import find_partner_mock
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, MockScenario, PlayedRole, load_scenarios
from rehearsal.systems.system_programs import find_catalogue_mock, find_system_mock

_MOCK_KINDS: Sequence[Callable[[AdapterRegistry, Profile], MockKind | None]] = (
    find_partner_mock,
    find_system_mock,
    find_catalogue_mock,
)
"""A profile gets the first that it fits."""

_ROLE_TITLES: Mapping[PlayedRole, str] = {
    PlayedRole.LENDING: "Scenarios of a supplier",
    PlayedRole.BORROWING: "Scenarios of a requester",
    PlayedRole.LIBRARY: "Scenarios of a library's system",
    PlayedRole.CATALOGUE: "Scenarios of a catalogue",
    PlayedRole.CLIENT: "Scenarios of a system that asks us",
}


@click.command(name="mock", short_help="Simulate a partner that answers and sends messages.")
@click.argument("profile")
@click.option(
    "--scenario",
    "chosen",
    multiple=True,
    metavar="NAME",
    help="Scenario. Can be repeated; requests get the scenarios in turn. Requester scenarios start immediately.",
)
@click.option(
    "--scenarios",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with your own scenarios.",
)
@click.option(
    "--against",
    metavar="ADDRESS",
    help="URL or HOST:PORT for messages of the simulated partner. Default: this installation, or its mail server.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="Port. 0: any free port.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Anyone who can reach it can see the exchanged messages.",
)
@click.option(
    "--page-port",
    type=click.IntRange(0, 65_535),
    default=8091,
    show_default=True,
    help="Port of the web page, if messages are not received by HTTP.",
)
@click.option("--misbehave", "misbehaviour", default="", metavar="NAME", help="Misbehaviour applied to every answer.")
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="NAME=TEXT",
    help="Test data for a system that uses us by NCIP: patron, item, pickup.",
)
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
    values: tuple[str, ...],
    listing: bool,
) -> None:
    """Simulate the partner of PROFILE: receive its messages, answer them and act according to a scenario.

    With a client-only NCIP profile (one without `auth`, such as koha-ncip), the command simulates the library system
    with sample data. With an NCIP profile that accepts senders, such as illiad-alma, it simulates the sending system
    and requests services for the patron given in --value. With an SRU profile it simulates the catalogue.

    Set the partner's address in the profile to the port of this command; for email, set `mail` in gateway.yml. A
    request with `mock:NAME` in its title gets that scenario. Other requests get the scenarios of --scenario in turn,
    or are supplied. Open / on the port to see the exchanged messages. No data is saved. Press Ctrl-C to stop.

    \b
    Examples:
      illgate mock fjordby --list
      illgate mock fjordby
      illgate mock fjordby --scenario unfilled --scenario conditional
      illgate mock fjordby --scenario asks-loan --against https://ill.library.example/iso18626/fjordby
      illgate mock our-bldss --port 2525 --against mail.library.example:25
      illgate mock illiad-alma --value patron=21000000000017 --value pickup=MAIN
    """
    played = find_playable_profile(installation, profile)
    kind = _find_mock_kind(installation.adapters, played)
    scenarios = load_scenarios([SHIPPED_SCENARIOS, *([folder] if folder is not None else [])])
    if listing:
        for line in _list_choices(scenarios, kind):
            click.echo(line)
        return
    options = MockOptions(
        address=kind.choose_address(against, installation.settings, played),
        scenarios=scenarios,
        chosen=[_find_scenario(name, scenarios, kind) for name in chosen],
        misbehaviour=misbehaviour,
        values=_parse_values(values, kind),
    )
    try:
        asyncio.run(
            _run_mock(
                kind.open_program(installation, played, options, against),
                MockListenOptions(host, port, port if kind.is_over_http else page_port),
            )
        )
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}: {error.strerror or error}") from error
    except Refused as refused:
        raise click.ClickException(refused.detail) from refused


@value_object
class MockListenOptions:
    """The place where it listens; the ports are the same where the protocol is spoken by HTTP."""

    host: str
    port: int
    page_port: int


async def _run_mock(opening: AbstractAsyncContextManager[MockProgram], listening: MockListenOptions) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with opening as program:
        site = program.site
        page = await site.start(listening.host, listening.page_port)
        try:
            address = await program.listen(listening.host, listening.port) if program.listen is not None else page
            sends = f"; it sends to {program.destination}" if program.destination else ""
            click.echo(f"{site.partner.shown_parties.ours.symbol} is simulated at {address}{sends}; see {page}")
            if program.introduction:
                click.echo(program.introduction)
            program.begin()
            await stopped.wait()
        finally:
            if program.stop_listening is not None:
                await program.stop_listening()
            await site.stop()


# --- what the command line says --------------------------------------------------------------------------


def _find_mock_kind(adapters: AdapterRegistry, profile: Profile) -> MockKind:
    """Find the kind; raises click.UsageError."""
    kinds = (find_mock(adapters, profile) for find_mock in _MOCK_KINDS)
    kind = next((mock_kind for mock_kind in kinds if mock_kind is not None), None)
    if kind is None:
        raise click.UsageError(f"profile {profile.name} has no channel that can be simulated")
    return kind


def _parse_values(words: Sequence[str], kind: MockKind) -> Mapping[str, str]:
    """Parse the values of `--value`. Raises click.UsageError."""
    known, values = kind.value_names, {}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in known or not equals or not text:
            listed = ", ".join(f"{known_name} ({about})" for known_name, about in known.items()) or "none"
            raise click.UsageError(f"--value: {word} is not NAME=TEXT; allowed: {listed}")
        values[name] = text
    needed = kind.needed_value
    if needed and needed not in values:
        raise click.UsageError(f"--value {needed}=NUMBER is required: the {needed} to use in the requests")
    return values


def _find_scenario(name: str, scenarios: Mapping[str, MockScenario], kind: MockKind) -> MockScenario:
    """Find a scenario; raises click.UsageError."""
    match = scenarios.get(name)
    roles = kind.roles
    fitting = [scenario.name for scenario in scenarios.values() if not scenario.abstract and scenario.role in roles]
    if match is None or match.name not in fitting:
        near = nearest_match(name, fitting)
        problem = "no such scenario" if match is None or match.abstract else "not a scenario of who is played here"
        raise click.UsageError(f"{problem}: {name}{f'; did you mean {near}?' if near else ''}")
    return match


def _list_choices(scenarios: Mapping[str, MockScenario], kind: MockKind) -> Iterator[str]:
    for role in kind.roles:
        yield f"{_ROLE_TITLES[role]}:"
        fitting = [scenario for scenario in scenarios.values() if scenario.role is role and not scenario.abstract]
        listed = sorted(fitting, key=lambda mock_scenario: mock_scenario.name)
        texts = [(entry.name, f"{entry.about} ({_describe_recording(entry, kind)})") for entry in listed]
        yield from _format_pairs(texts)
        yield ""
    misbehaviours = kind.misbehaviours
    if misbehaviours:
        yield "Misbehaviours (--misbehave):"
        yield from _format_pairs(list(misbehaviours.items()))


def _describe_recording(scenario: MockScenario, kind: MockKind) -> str:
    """Describe whether a real system was seen to behave so in this protocol, and which."""
    systems = dict.fromkeys(recording.partition("/")[0] for recording in scenario.recorded if kind.is_recorded)
    return f"as recorded: {', '.join(systems)}" if systems else "not recorded from a real system"


def _format_pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, words in pairs:
        yield f"  {name:<{width}}  {words}"
