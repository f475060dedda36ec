"""`illgate profile` and `illgate states`: configuration and state tables, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import Installation, pass_installation
from gateway.configuration.yaml_document import display_path, nearest_match
from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.events import EventSignal
from gateway.domain.requests.request import TERMINAL, Role, State
from gateway.domain.requests.state_machine import TABLES
from gateway.domain.requests.state_table import (
    Branch,
    CallLibrary,
    Effect,
    ForbiddenCell,
    NotifyPartner,
    RunFollowUp,
    SendPatronLetter,
    StartTimer,
    StateTable,
    StopTimer,
)
from gateway.policies import format_policy_schema
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.profiles import LoadedProfile, ProfileLoadResult, read_profiles
from gateway.profiles.effective import (
    compare_profiles,
    dump_profile,
    format_yaml,
    format_yaml_with_sources,
    list_sourced_values,
)
from gateway.profiles.loader import format_profile_schema

EXAMPLES = "examples"
"""The key of a profile."""

HEAD = ("state", "event", "only if", "next", "what follows")
ROW_KEYS = ("state", "event", "condition", "next", "effects")


@click.group(name="profile")
def profile_command() -> None:
    """List, show and compare profiles."""


@profile_command.command(name="list")
@click.option("--shipped", is_flag=True, help="List the profiles of the program, which partners extend.")
@json_option
@pass_installation
def list_profiles(installation: Installation, shipped: bool, as_json: bool) -> None:
    """List all partners and the profiles of this installation. Each line shows the name, the profile that it extends,
    protocols, number of match rules and description."""
    loading = installation.profiles
    profiles = (installation.shipped_profiles if shipped else loading.profiles).loaded.values()
    if as_json:
        print_json_lines(map(_document_of_profile, profiles))
    elif profiles:
        print_lines(format_table([_format_profile_row(loaded_profile) for loaded_profile in profiles]))
    if loading.problems and not shipped:
        raise ConfigurationError(loading.problems)


def _document_of_profile(loaded_profile: LoadedProfile) -> dict[str, object]:
    profile = loaded_profile.profile
    return {
        "name": profile.name,
        "extends": profile.extends,
        "abstract": profile.abstract,
        "protocols": list(profile.dialects),
        "rules": len(profile.match),
        "description": profile.description,
    }


def _format_profile_row(loaded_profile: LoadedProfile) -> tuple[str, str, str, str]:
    profile = loaded_profile.profile
    kind = "abstract" if profile.abstract else ", ".join(profile.dialects)
    rules = f"{len(profile.match)} rules" if len(profile.match) != 1 else "1 rule"
    extends = f" (extends {profile.extends})" if profile.extends else ""
    return f"{profile.name}{extends}", kind, rules, profile.description


@profile_command.command(name="show")
@click.argument("name")
@click.option("--sources", is_flag=True, help="Show the source of each value: file and line, or default.")
@json_option
@pass_installation
def show_profile(installation: Installation, name: str, sources: bool, as_json: bool) -> None:
    """Show a profile as YAML with all inherited values. With --json and --sources: one line per value.

    NAME is the name of a partner or profile, or the path of its file; LIBRARY/NAME is a partner as one of several
    libraries has it.

    \b
    Examples:
      illgate profile show illiad-alma
      illgate profile show illiad-alma --sources
      illgate profile show lib02/state
    """
    loaded = _find_loaded_profile(installation, name)
    if as_json and sources:
        print_json_lines(list_sourced_values(dump_profile(loaded), loaded.document))
    elif as_json:
        print_json(dump_profile(loaded))
    else:
        values = dump_profile(loaded)
        click.echo(format_yaml_with_sources(values, loaded.document) if sources else format_yaml(values), nl=False)


@profile_command.command(name="diff")
@click.argument("left", metavar="A")
@click.argument("right", metavar="[B]", required=False)
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Take B (or A, if B is omitted) from another folder, such as a backup.",
)
@click.option("--examples", "with_examples", is_flag=True, help="Also compare the examples.")
@json_option
@pass_installation
def diff_profiles(
    installation: Installation, left: str, right: str | None, against: Path | None, with_examples: bool, as_json: bool
) -> None:
    """Compare two profiles. Inherited values and defaults are compared too, and the source of each value is shown.

    A and B are names of profiles or paths of profile files. Examples are not compared unless you use --examples.

    \b
    Examples:
      illgate profile diff illiad-alma illiad-folio
      illgate profile diff reshare /tmp/reshare.yml
      illgate profile diff reshare --against /var/backups/profiles
    """
    if right is None and against is None:
        raise click.UsageError("B or --against FOLDER is required")
    differences = compare_profiles(
        _find_loaded_profile(installation, left),
        _find_loaded_profile(installation, right or left, against),
        leave_out=() if with_examples else (EXAMPLES,),
    )
    if as_json:
        print_json_lines(differences)
        return
    for difference in differences:
        click.echo(difference.key)
        click.echo(f"  - {difference.left}  # {difference.left_source}" if difference.left else "  - (not there)")
        click.echo(f"  + {difference.right}  # {difference.right_source}" if difference.right else "  + (not there)")
    click.echo(f"{len(differences)} differences" if len(differences) != 1 else "1 difference")


@profile_command.command(name="schema")
@click.option("--of", "of", type=click.Choice(["profiles", "requests"]), default="profiles", help="File type.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Output file.")
@pass_installation
def print_schema(installation: Installation, of: str, output: Path | None) -> None:
    """Print the JSON Schema of a profile or of requests.yml. Editors use it to complete and check keys.

    \b
    Examples:
      illgate profile schema
      illgate profile schema -o profiles/schema.json
      illgate profile schema --of requests -o profiles/requests.schema.json
    """
    text = format_profile_schema(installation.adapters) if of == "profiles" else format_policy_schema()
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"written: {display_path(output)}")


def _read_profile_folder(installation: Installation, folder: Path) -> ProfileLoadResult:
    return read_profiles(folder, installation.adapters, installation.settings)


def _find_loaded_profile(installation: Installation, name: str, folder: Path | None = None) -> LoadedProfile:
    """Find a profile, in this folder where one is given; raises ConfigurationError when it is there but can't be used,
    UsageError when it isn't."""
    if name.endswith(".yml"):
        file = Path(name)
        if not file.is_file():
            raise click.UsageError(f"file not found: {name}")
        folder, name = file.absolute().parent, file.stem
    if folder is None or folder == installation.settings.partners_folder:
        loading, loaded = installation.profiles, installation.find_profile(name)
    else:
        loading = _read_profile_folder(installation, folder)
        loaded = loading.profiles.loaded.get(name)
    if loaded is not None:
        return loaded
    own = [problem for problem in loading.problems if Path(problem.file).name == f"{name}.yml"]
    if own:
        raise ConfigurationError(own)
    near = nearest_match(name, loading.profiles.loaded)
    hint = f"; did you mean '{near}'?" if near else ""
    raise click.UsageError(f"profile not found: {name}{hint}")


@click.command(name="states")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "mermaid"]),
    default="table",
    show_default=True,
    help="A table with one row per transition, or a diagram of the states.",
)
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="Only borrowing or only lending requests."
)
@json_option
def states_command(format_: str, role: str | None, as_json: bool) -> None:
    """Show the state tables of requests.

    An event without a row in a state is refused or only recorded. “us” means staff, a patron or a rule.

    \b
    Examples:
      illgate states --role lending
      illgate states --format mermaid > states.mmd
    """
    roles = [Role(role)] if role else list(Role)
    if as_json:
        print_json_lines(
            {"role": side, **dict(zip(ROW_KEYS, _format_branch_row(*branch), strict=True))}
            for side in roles
            for branch in _iter_branches(TABLES[side])
        )
        return
    for index, side in enumerate(roles):
        if index:
            click.echo()
        if format_ != "mermaid" and len(roles) > 1:
            click.echo(f"# {side.value}")
        click.echo(format_state_diagram(TABLES[side]) if format_ == "mermaid" else format_state_table(TABLES[side]))


def format_state_table(table: StateTable) -> str:
    """Columns of equal width, one line a branch."""
    return "\n".join(format_table([HEAD, *(_format_branch_row(*branch) for branch in _iter_branches(table))]))


def format_state_diagram(table: StateTable) -> str:
    """A state diagram: one arrow for each pair of states, with the events that lead from one to the other."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state, signal, branch in _iter_branches(table):
        if branch.to is not None and branch.to is not state:
            events = arrows.setdefault((state, branch.to), [])
            if str(signal) not in events:
                events.append(str(signal))
    lines = ["stateDiagram-v2"]
    lines += [f"    {_mermaid_id_of_state(state)} : {state.value}" for state in table.states]
    lines.append(f"    [*] --> {_mermaid_id_of_state(table.start)}")
    lines += [
        f"    {_mermaid_id_of_state(a)} --> {_mermaid_id_of_state(b)} : {', '.join(events).replace(':', ' ')}"
        for (a, b), events in arrows.items()
    ]
    lines += [f"    {_mermaid_id_of_state(state)} --> [*]" for state in table.states if state in TERMINAL]
    return "\n".join(lines)


def _mermaid_id_of_state(state: State) -> str:
    """Mermaid takes no hyphens in the name of a state."""
    return state.value.replace("-", "_")


def _iter_branches(table: StateTable) -> Iterator[tuple[State, EventSignal, Branch]]:
    """Those that do something, in the order of the states and of the vocabulary."""
    for state in table.states:
        for signal in table.signals:
            cell = table.find_cell(state, signal)
            if not isinstance(cell, ForbiddenCell):
                yield from ((state, signal, branch) for branch in cell if not branch.kept)


def _format_branch_row(state: State, signal: EventSignal, branch: Branch) -> tuple[str, ...]:
    return (
        state.value,
        str(signal),
        branch.when.name if branch.when is not None else "",
        branch.to.value if branch.to is not None else "",
        ", ".join(_describe_effect(effect) for effect in branch.effects),
    )


def _describe_effect(effect: Effect) -> str:
    match effect:
        case NotifyPartner(kind):
            return f"tell {kind.value}"
        case SendPatronLetter(name):
            return f"letter {name}"
        case CallLibrary(act):
            return f"library {act.value}"
        case StartTimer(timer):
            return f"start {timer.value}"
        case StopTimer(timer):
            return f"stop {timer.value}"
        case RunFollowUp(work):
            return f"then {work.value}"
