"""`illgate request list` and `illgate task list|show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

import click

from gateway.cli.formatting import format_flags, format_table
from gateway.cli.installation import (
    Installation,
    cursor_option,
    format_minute,
    json_option,
    library_option,
    limit_option,
    pass_installation,
    print_cursor,
    print_json_line,
    require_library,
)
from gateway.cli.managed_requests import read_from_library
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.requests.request import BorrowingState, LendingState, Request, Role
from gateway.domain.requests.task_lists import BY_NAME, DEAD_LETTERS, MAILBOXES_AWAY, UNMATCHED_MAILS
from gateway.domain.requests.views import LocatedCopy, RequestFilter, RequestOrder, ResultPage
from gateway.domain.value import value_object
from gateway.services.libraries.library_services import LibraryServices
from gateway.web.api.models.outputs import RequestLine
from gateway.web.api.models.staff import MailboxFailureOut

STATES = tuple(dict.fromkeys(state.value for state in (*BorrowingState, *LendingState)))


@value_object
class RequestListQuery:
    """The list, the page of it, and how it is shown."""

    symbol: str
    wanted: RequestFilter
    limit: int
    cursor: str
    as_json: bool


@click.command(name="list")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="Only borrowing or only lending requests."
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    metavar="STATE",
    help="Only requests in this state. Can be repeated.",
)
@click.option(
    "--task",
    type=click.Choice(tuple(BY_NAME)),
    metavar="NAME",
    help="Only requests on this task list (see `illgate task list`).",
)
@click.option(
    "--partner", "partners", multiple=True, metavar="PROFILE", help="Only requests with this partner. Can be repeated."
)
@click.option(
    "--branch", "branches", multiple=True, metavar="CODE", help="Only requests of this branch. Can be repeated."
)
@click.option("--assignee", default="", metavar="NAME", help="Only requests assigned to this user.")
@click.option("--unassigned", is_flag=True, help="Only unassigned requests.")
@click.option("--label", default="", metavar="TEXT", help="Only requests with this label.")
@click.option(
    "--find",
    "search",
    default="",
    metavar="TEXT",
    help="Only requests with this number of any kind, or with these words.",
)
@click.option("--text", default="", metavar="TEXT", help="Only requests with this text in the number or title.")
@click.option(
    "--need-by-before",
    "before",
    type=click.DateTime(("%Y-%m-%d",)),
    metavar="DAY",
    help="Only requests needed before this date.",
)
@click.option(
    "--order",
    type=click.Choice([order.value for order in RequestOrder]),
    default=RequestOrder.NEWEST.value,
    show_default=True,
    help="Sort by last change, waiting time, needed-by date, number or title, ascending or descending.",
)
@click.option(
    "--open/--all",
    "only_open",
    default=None,
    help="Include closed requests. Without this, they are listed only with --state or --task.",
)
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_requests(installation: Installation, /, **args: Any) -> None:
    """List requests, last changed first unless --order is given.

    \b
    Examples:
      illgate request list
      illgate request list --role lending --state shipped
      illgate request list --task to-return
      illgate request list --text 'Кобзарь' --all
      illgate request list --find 978-3-16-148410-0 --all
    """
    library = require_library(installation, args["symbol"])
    by_default = None if args["states"] or args["task"] else True
    before: datetime | None = args["before"]
    request_filter = RequestFilter(
        role=Role(args["role"]) if args["role"] else None,
        states=args["states"],
        task=args["task"] or "",
        partners=args["partners"],
        text=args["text"],
        search=args["search"],
        branches=args["branches"],
        assignee=args["assignee"],
        unassigned=args["unassigned"],
        label=args["label"],
        open=by_default if args["only_open"] is None else args["only_open"] or None,
        need_by_before=before.date() if before is not None else None,
        order=RequestOrder(args["order"]),
    )
    print_request_list(
        installation, RequestListQuery(library.symbol, request_filter, args["limit"], args["cursor"], args["as_json"])
    )


def print_request_list(installation: Installation, query: RequestListQuery) -> None:
    library = require_library(installation, query.symbol)

    async def load_page(
        services: LibraryServices,
    ) -> tuple[ResultPage[Request], Mapping[str, LocatedCopy]]:
        reader = services.requests
        requests = await reader.list_requests(query.wanted, query.limit, query.cursor)
        return requests, await reader.find_copies_to_pull(query.wanted, requests)

    page, copies = read_from_library(installation, library, load_page)
    if query.as_json:
        for request in page:
            print_json_line(RequestLine.from_request(request, copies.get(request.id)))
    else:
        for line in _format_copy_rows(page, copies) if copies else _format_request_rows(page, library.zone):
            click.echo(line)
        if not page.items and query.wanted.open:
            click.echo("(use --all to include closed requests)", err=True)
    print_cursor(page.cursor)


def _format_request_rows(page: ResultPage[Request], zone: tzinfo) -> Iterator[str]:
    if not page.items:
        yield "no requests"
        return
    heading = ("NUMBER", "ROLE", "STATE", "FLAGS", "PARTNER", "NEED BY", "CHANGED", "TITLE")
    yield from format_table([heading, *(_format_request_row(request, zone) for request in page)])


def _format_request_row(request: Request, zone: tzinfo) -> tuple[str, ...]:
    return (
        request.number,
        request.role.value,
        request.state.value,
        format_flags(request),
        request.partner.profile,
        request.dates.need_by.isoformat() if request.dates.need_by is not None else "",
        format_minute(request.changed, zone),
        request.citation.short,
    )


def _format_copy_rows(page: ResultPage[Request], copies: Mapping[str, LocatedCopy]) -> Iterator[str]:
    """Format what staff take to the shelves."""
    rows = []
    for request in page:
        copy = copies.get(request.id) or LocatedCopy(barcode="")
        day = request.dates.need_by.isoformat() if request.dates.need_by is not None else ""
        rows.append(
            (
                request.number,
                copy.barcode,
                copy.call_number,
                copy.problem or format_copy_place(copy),
                request.partner.profile,
                day,
                format_flags(request),
                request.citation.short,
            )
        )
    heading = ("NUMBER", "ITEM", "CALL NUMBER", "PLACE", "PARTNER", "NEED BY", "FLAGS", "TITLE")
    yield from format_table([heading, *rows])


def format_copy_place(copy: LocatedCopy) -> str:
    codes = " ".join(filter(None, (copy.branch, copy.shelf)))
    return f"{copy.place} ({codes})" if copy.place and codes else copy.place or codes


@click.group(name="task")
def task_command() -> None:
    """List the task lists of staff."""


@task_command.command(name="list")
@click.option("--all", "also_empty", is_flag=True, help="Include empty lists.")
@library_option
@pass_installation
def list_tasks(installation: Installation, also_empty: bool, symbol: str) -> None:
    """List all task lists that are not empty. Each line shows the number of requests and since when the oldest has
    waited."""
    library = require_library(installation, symbol)
    views = read_from_library(installation, library, lambda services: services.desk.tasks())
    rows = [
        (
            view.name,
            view.role,
            str(view.count),
            format_minute(view.oldest, library.zone) if view.oldest is not None else "",
            view.description,
        )
        for view in views
        if view.count or also_empty
    ]
    if not rows:
        click.echo("no tasks")
        return
    for line in format_table([("NAME", "ROLE", "COUNT", "OLDEST SINCE", "WHAT"), *rows]):
        click.echo(line)


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
        for failure in failures:
            print_json_line(MailboxFailureOut.model_validate(failure))
        return
    if not failures:
        click.echo("all mailboxes can be read")
        return
    rows = [(failure.mailbox, format_minute(failure.since, library.zone), failure.reason) for failure in failures]
    for line in format_table([("MAILBOX", "SINCE", "WHY"), *rows]):
        click.echo(line)
