"""`illgate task list|show`."""

from __future__ import annotations

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.managed import cursor_option, json_option, library_option, limit_option, run
from gateway.cli.opened import library_named
from gateway.cli.request.listing import Asked, print_list
from gateway.cli.texts import table
from gateway.configuration.problems import nearest
from gateway.domain.requests.tasks import BY_NAME, DEAD_LETTERS
from gateway.domain.requests.views import Wanted


@click.group(name="task")
def task_command() -> None:
    """What waits for staff."""


@task_command.command(name="list")
@click.option("--all", "also_empty", is_flag=True, help="Empty lists too.")
@library_option
@pass_installation
def list_tasks(installation: Installation, also_empty: bool, symbol: str) -> None:
    """All lists with something on them, and how much that is."""
    library = library_named(installation, symbol)
    found = run(installation, lambda managed: managed.desk.tasks(library.symbol))
    rows = [(one.name, one.role, str(one.count), one.description) for one in found if one.count or also_empty]
    if not rows:
        click.echo("nothing waits for staff")
        return
    for line in table([("NAME", "ROLE", "COUNT", "WHAT"), *rows]):
        click.echo(line)


@task_command.command(name="show")
@click.argument("name")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def show_task(installation: Installation, name: str, limit: int, cursor: str, symbol: str, as_json: bool) -> None:
    """The requests on one list, last changed first."""
    if name == DEAD_LETTERS:
        raise click.UsageError("these are no requests: illgate outbox list")
    if name not in BY_NAME:
        near = nearest(name, BY_NAME)
        hint = f"; did you mean '{near}'?" if near else ""
        raise click.UsageError(f"no such list: {name}{hint} All: illgate task list --all")
    print_list(installation, Asked(symbol, Wanted(task=name), limit, cursor, as_json))
