"""`illgate request list`; the lists of `illgate task show` are the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo
from typing import Any

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.managed import (
    cursor_option,
    json_option,
    library_option,
    limit_option,
    minute,
    print_cursor,
    print_json_line,
    run,
)
from gateway.cli.opened import library_named
from gateway.cli.request.words import Here, value_of
from gateway.cli.texts import table
from gateway.domain.frozen import frozen
from gateway.domain.requests.fields import FieldType
from gateway.domain.requests.request import Borrowing, Flag, Lending, Request, Role
from gateway.domain.requests.tasks import BY_NAME
from gateway.domain.requests.views import Page, Wanted
from gateway.web.api.models.outputs import RequestLine

STATES = tuple(dict.fromkeys(state.value for state in (*Borrowing, *Lending)))


@frozen
class Asked:
    """Which list, which page of it, and how it is shown."""

    symbol: str
    wanted: Wanted
    limit: int
    cursor: str
    as_json: bool


@click.command(name="list")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="Of this side.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), metavar="STATE", help="In one of these.")
@click.option("--task", type=click.Choice(tuple(BY_NAME)), metavar="NAME", help="On this list of `illgate task list`.")
@click.option("--partner", default="", metavar="PROFILE", help="With this partner.")
@click.option("--branch", default="", metavar="CODE", help="Of this branch.")
@click.option("--text", default="", metavar="TEXT", help="With this in number or title.")
@click.option("--need-by-before", "before", default="", metavar="DAY", help="Needed before this day.")
@click.option("--open/--all", "only_open", default=None, help="Closed ones too? Else only with --state or --task.")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_requests(installation: Installation, /, **said: Any) -> None:
    """Requests, last changed first.

    \b
    Examples:
      illgate request list
      illgate request list --role lending --state shipped
      illgate request list --task to-return
      illgate request list --text 'Кобзарь' --all
    """
    library = library_named(installation, said["symbol"])
    by_default = None if said["states"] or said["task"] else True
    here = Here(library.zone, library.currency)
    before = value_of(FieldType.DAY, said["before"], here, "need_by_before") if said["before"] else ""
    wanted = Wanted(
        role=Role(said["role"]) if said["role"] else None,
        states=said["states"],
        task=said["task"] or "",
        partner=said["partner"],
        text=said["text"],
        branch=said["branch"],
        open=by_default if said["only_open"] is None else said["only_open"] or None,
        need_by_before=date.fromisoformat(before) if before else None,
    )
    print_list(installation, Asked(library.symbol, wanted, said["limit"], said["cursor"], said["as_json"]))


def print_list(installation: Installation, asked: Asked) -> None:
    library = library_named(installation, asked.symbol)
    page = run(
        installation,
        lambda managed: managed.requests.listing(library.symbol, asked.wanted, asked.limit, asked.cursor),
    )
    if asked.as_json:
        for request in page:
            print_json_line(RequestLine.of(request))
    else:
        for line in _rows(page, library.zone):
            click.echo(line)
        if not page.items and asked.wanted.open:
            click.echo("(closed ones are listed by --all)", err=True)
    print_cursor(page.cursor)


def _rows(page: Page[Request], zone: tzinfo) -> Iterator[str]:
    if not page.items:
        yield "no requests"
        return
    heading = ("NUMBER", "ROLE", "STATE", "FLAGS", "PARTNER", "NEED BY", "CHANGED", "TITLE")
    yield from table([heading, *(_row(request, zone) for request in page)])


def _row(request: Request, zone: tzinfo) -> tuple[str, ...]:
    return (
        request.number,
        request.role.value,
        request.state.value,
        flags(request),
        request.partner.profile,
        request.dates.need_by.isoformat() if request.dates.need_by is not None else "",
        minute(request.changed, zone),
        request.citation.short,
    )


def flags(request: Request) -> str:
    return ", ".join(flag.value for flag in Flag if flag in request.flags)
