"""`illgate states`: the state tables of managed requests, as they work."""

from __future__ import annotations

from collections.abc import Iterator

import click

from gateway.domain.requests.events import Signal
from gateway.domain.requests.machine import TABLES
from gateway.domain.requests.request import TERMINAL, Role, State
from gateway.domain.requests.table import Ask, Branch, Effect, Forbidden, Letter, Start, Stop, Table, Tell, Then

HEAD = ("state", "event", "only if", "next", "what follows")


@click.command(name="states")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "mermaid"]),
    default="table",
    show_default=True,
    help="Every branch as a row of a table, or a diagram of the ways between the states.",
)
@click.option("--role", type=click.Choice([role.value for role in Role]), help="Only one side; else both.")
def states_command(format_: str, role: str | None) -> None:
    """Show how managed requests change their state.

    An event that has no row in a state is refused, or only kept in the history. 'us' is staff, a patron or a rule.

    \b
    Examples:
      illgate states --role lending
      illgate states --format mermaid > states.mmd
    """
    roles = [Role(role)] if role else list(Role)
    shown = {"table": as_table, "mermaid": as_mermaid}[format_]
    for index, one in enumerate(roles):
        if index:
            click.echo()
        if format_ == "table" and len(roles) > 1:
            click.echo(f"# {one.value}")
        click.echo(shown(TABLES[one]))


def as_table(table: Table) -> str:
    """Columns of equal width, one line a branch."""
    rows = [HEAD, *(_branch_row(*one) for one in _branches(table))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    return "\n".join(
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )


def as_mermaid(table: Table) -> str:
    """A state diagram: one arrow for each pair of states, with the events that lead from one to the other."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state, signal, branch in _branches(table):
        if branch.to is not None and branch.to is not state:
            events = arrows.setdefault((state, branch.to), [])
            if str(signal) not in events:
                events.append(str(signal))
    lines = ["stateDiagram-v2"]
    lines += [f"    {_id(state)} : {state.value}" for state in table.states]
    lines.append(f"    [*] --> {_id(table.start)}")
    lines += [f"    {_id(a)} --> {_id(b)} : {', '.join(events).replace(':', ' ')}" for (a, b), events in arrows.items()]
    lines += [f"    {_id(state)} --> [*]" for state in table.states if state in TERMINAL]
    return "\n".join(lines)


def _id(state: State) -> str:
    """Mermaid takes no hyphens in the name of a state."""
    return state.value.replace("-", "_")


def _branches(table: Table) -> Iterator[tuple[State, Signal, Branch]]:
    """Those that do something, in the order of the states and of the vocabulary."""
    for state in table.states:
        for signal in table.signals:
            cell = table.cell(state, signal)
            if not isinstance(cell, Forbidden):
                yield from ((state, signal, branch) for branch in cell if not branch.kept)


def _branch_row(state: State, signal: Signal, branch: Branch) -> tuple[str, ...]:
    return (
        state.value,
        str(signal),
        branch.when.name if branch.when is not None else "",
        branch.to.value if branch.to is not None else "",
        ", ".join(_effect(effect) for effect in branch.effects),
    )


def _effect(effect: Effect) -> str:
    match effect:
        case Tell(kind):
            return f"tell {kind.value}"
        case Letter(name):
            return f"letter {name}"
        case Ask(act):
            return f"library {act.value}"
        case Start(timer):
            return f"start {timer.value}"
        case Stop(timer):
            return f"stop {timer.value}"
        case Then(work):
            return f"then {work.value}"
