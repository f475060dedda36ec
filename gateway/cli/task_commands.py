"""`illgate task list|show`: the task lists of staff."""

from __future__ import annotations

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import (
    Installation,
    cursor_option,
    format_minute,
    library_option,
    limit_option,
    pass_installation,
    require_library,
)
from gateway.cli.managed_requests import read_from_library
from gateway.cli.request_lists import RequestListQuery, print_request_list
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.requests.task_lists import BY_NAME, DEAD_LETTERS, MAILBOXES_AWAY, UNMATCHED_MAILS
from gateway.domain.requests.views import RequestFilter
from gateway.ports.command_output import json_option, print_json_lines
from gateway.web.api.models.staff import MailboxFailureOut


@click.group(name="task")
def task_command() -> None:
    """List the task lists of staff."""


@task_command.command(name="list")
@click.option("--all", "also_empty", is_flag=True, help="Include empty lists.")
@library_option
@json_option
@pass_installation
def list_tasks(installation: Installation, also_empty: bool, symbol: str, as_json: bool) -> None:
    """List all task lists that are not empty. Each line shows the number of requests and since when the oldest has
    waited."""
    library = require_library(installation, symbol)
    tasks = read_from_library(installation, library, lambda services: services.desk.tasks())
    views = [view for view in tasks if view.count or also_empty]
    if as_json:
        print_json_lines(views)
        return
    rows = [
        (
            view.name,
            view.role,
            str(view.count),
            format_minute(view.oldest, library.zone) if view.oldest is not None else "",
            view.description,
        )
        for view in views
    ]
    if not rows:
        click.echo("no tasks")
        return
    print_lines(format_table([("NAME", "ROLE", "COUNT", "OLDEST SINCE", "WHAT"), *rows]))


@task_command.command(name="show")
@click.argument("name")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def show_task(installation: Installation, name: str, limit: int, cursor: str, symbol: str, as_json: bool) -> None:
    """List the requests on a task list, last changed first. The list `mailboxes-away` shows mailboxes that cannot be
    read."""
    if name == DEAD_LETTERS:
        raise click.UsageError("this list has no requests: use illgate outbox list")
    if name == UNMATCHED_MAILS:
        raise click.UsageError("this list has no requests: use illgate mail unmatched list")
    if name == MAILBOXES_AWAY:
        _show_mailboxes_away(installation, symbol, as_json)
        return
    if name not in BY_NAME:
        near = nearest_match(name, BY_NAME)
        hint = f"; did you mean '{near}'?" if near else ""
        raise click.UsageError(f"task list not found: {name}{hint} All: illgate task list --all")
    print_request_list(installation, RequestListQuery(symbol, RequestFilter(task=name), limit, cursor, as_json))


def _show_mailboxes_away(installation: Installation, symbol: str, as_json: bool) -> None:
    library = require_library(installation, symbol)
    failures = read_from_library(installation, library, lambda services: services.desk.list_mailbox_failures())
    if as_json:
        print_json_lines(MailboxFailureOut.model_validate(failure) for failure in failures)
        return
    if not failures:
        click.echo("all mailboxes can be read")
        return
    rows = [(failure.mailbox, format_minute(failure.since, library.zone), failure.reason) for failure in failures]
    print_lines(format_table([("MAILBOX", "SINCE", "WHY"), *rows]))
