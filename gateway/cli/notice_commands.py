"""`illgate request notices|letter`: what patrons were told, and a letter to be printed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway.cli.formatting import format_table
from gateway.cli.installation import (
    CommandFailed,
    Installation,
    format_minute,
    json_option,
    library_option,
    pass_installation,
    print_json,
    print_json_line,
    require_library,
)
from gateway.cli.managed_requests import run_on_requests
from gateway.domain.requests.staff_views import NoticeLetter, NoticeStatus, NoticeView
from gateway.runtime.managed_requests import ManagedRequests
from gateway.web.api.models.staff import NoticeOut, NoticeWhole

MAX_NOTICES = 100
"""Of one request; it has seldom ten."""


@click.command(name="notices")
@click.argument("number", metavar="NUMBER")
@library_option
@json_option
@pass_installation
def list_notices(installation: Installation, number: str, symbol: str, as_json: bool) -> None:
    """List notices to the patron of a request, newest first. Each line shows the delivery status and the reason for a
    failure.

    To print a notice that could not be emailed, use `illgate request letter`.
    """
    library = require_library(installation, symbol)
    notices = run_on_requests(installation, lambda managed: _load_notices(managed, library.symbol, number))
    if as_json:
        for one in notices:
            print_json_line(NoticeOut.model_validate(one))
        return
    if not notices:
        click.echo("no notices")
        return
    rows = [
        (format_minute(one.created, library.zone), one.letter, one.status.value, one.id, one.error) for one in notices
    ]
    for line in format_table([("CREATED", "LETTER", "STATUS", "ID", "WHY"), *rows]):
        click.echo(line)


@click.command(name="letter")
@click.argument("number", metavar="NUMBER")
@click.argument("notice", metavar="[NOTICE]", default="")
@click.option("--html", is_flag=True, help="Print an HTML page for a browser instead of plain text.")
@library_option
@json_option
@pass_installation
def print_letter(installation: Installation, number: str, notice: str, html: bool, symbol: str, as_json: bool) -> None:
    """Print a notice to the patron as a letter. It has the patron's name and postal address.

    NOTICE is an ID from `illgate request notices`. Default: the newest notice that could not be sent. When the patron
    has been notified, record it with `illgate request act NUMBER patron-told`.

    \b
    Examples:
      illgate request letter B2026-00017 | lp
      illgate request letter B2026-00017 --html > letter.html
    """
    library = require_library(installation, symbol)

    async def render_letter(managed: ManagedRequests) -> NoticeLetter:
        notices = await _load_notices(managed, library.symbol, number)
        return await managed.notices.render_notice(library.symbol, _choose_notice(notices, number, notice).id)

    letter = run_on_requests(installation, render_letter)
    if as_json:
        print_json(NoticeWhole.model_validate(letter))
    elif html:
        click.echo(letter.html, nl=False)
    else:
        click.echo("\n".join((letter.name, *letter.address, "", letter.subject, "", letter.text)), nl=False)


async def _load_notices(managed: ManagedRequests, library: str, number: str) -> Sequence[NoticeView]:
    request = await managed.requests.find_request(library, number)
    return (await managed.notices.list_notices(library, request.id, MAX_NOTICES, "")).items


def _choose_notice(notices: Sequence[NoticeView], number: str, wanted: str) -> NoticeView:
    """Raises click.UsageError, CommandFailed."""
    if wanted:
        found = next((one for one in notices if one.id == wanted), None)
        if found is None:
            raise click.UsageError(f"{number} has no notice {wanted}; see `illgate request notices {number}`")
        return found
    unsent = next((one for one in notices if one.status is NoticeStatus.NOT_SENT), None)
    if unsent is None:
        raise CommandFailed(f"{number} has no notice that was not sent; say which: `illgate request notices {number}`")
    return unsent


COMMANDS = (list_notices, print_letter)
