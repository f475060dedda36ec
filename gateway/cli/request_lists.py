"""`illgate request list`, which is typed most often: it loads what lists requests, and nothing that acts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, TypeVar

import click

from gateway.cli.formatting import format_flags, format_table, print_lines
from gateway.cli.installation import (
    Installation,
    cursor_option,
    errors_as_sentences,
    format_minute,
    library_option,
    limit_option,
    pass_installation,
    print_cursor,
    require_library,
)
from gateway.domain.requests.request import BorrowingState, LendingState, Request, Role
from gateway.domain.requests.task_lists import BY_NAME
from gateway.domain.requests.views import LocatedCopy, RequestFilter, RequestOrder, ResultPage
from gateway.domain.value import value_object
from gateway.ports.command_output import json_option, print_json_lines
from gateway.runtime.assembly import make_open_library
from gateway.runtime.library_contexts import build_library_contexts
from gateway.services.request_work.request_lists import RequestLists
from gateway.settings import LibrarySettings

T = TypeVar("T")

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

    async def load_page(requests: RequestLists) -> tuple[ResultPage[Request], Mapping[str, LocatedCopy]]:
        page = await requests.list_requests(query.wanted, query.limit, query.cursor)
        return page, await requests.find_copies_to_pull(query.wanted, page)

    page, copies = _read_lists(installation, library, load_page)
    if query.as_json:
        from gateway.web.api.models.outputs import RequestLine  # not loaded for lines of text

        print_json_lines(RequestLine.from_request(request, copies.get(request.id)) for request in page)
    else:
        print_lines(_format_copy_rows(page, copies) if copies else _format_request_rows(page, library.zone))
        if not page.items and query.wanted.open:
            click.echo("(use --all to include closed requests)", err=True)
    print_cursor(page.cursor)


def _read_lists(
    installation: Installation, library: LibrarySettings, read: Callable[[RequestLists], Awaitable[T]]
) -> T:
    """Open the store and the library's system, look, close. Profiles and policies are read when one is asked for.
    Raises click.UsageError, CommandFailed."""

    async def open_and_read() -> T:
        async with installation.open_current_store() as store:
            system = (await installation.open_library(library, store)).system
            contexts = build_library_contexts(
                installation.settings,
                store,
                installation.clock,
                {library.symbol: make_open_library(library, system)},
                lambda: installation.working_configuration[0],
                lambda symbol: installation.working_configuration[1].for_library(symbol),
            )
            return await read(RequestLists(contexts[library.symbol]))

    with errors_as_sentences():
        return asyncio.run(open_and_read())


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
