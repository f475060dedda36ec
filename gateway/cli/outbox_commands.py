"""`illgate outbox list|show|waiting|gathered|release|skip|edit|run`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import tzinfo
from pathlib import Path

import click

from gateway.cli.formatting import format_local_time, format_table, print_lines
from gateway.cli.installation import (
    REFUSED,
    Installation,
    cursor_option,
    format_minute,
    library_option,
    limit_option,
    pass_installation,
    print_cursor,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import read_from_library, run_on_library, run_on_requests
from gateway.domain.requests.staff_views import BatchedOrder, DeadLetter
from gateway.domain.requests.views import NotFound, ResultPage
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.runtime.managed_requests import ManagedRequests
from gateway.services.libraries.library_services import LibraryServices
from gateway.services.requests.effects import PARTNER
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxStatus
from gateway.web.api.models.staff import LetterOut, LetterWhole

_ID = click.argument("letter", metavar="ID")


@click.group(name="outbox")
def outbox_command() -> None:
    """List and process failed work (dead letters): messages to partners, letters and library system calls.

    Failed attempts are retried automatically for several hours. Work that still fails, or that is rejected, is listed
    here until staff release, edit or skip it. Work queued behind it for the same request and partner waits.
    """


# --- looking -------------------------------------------------------------------------------------------------


@outbox_command.command(name="list")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_dead_letters(installation: Installation, limit: int, cursor: str, symbol: str, as_json: bool) -> None:
    """List dead letters, oldest first."""
    library = require_library(installation, symbol)

    async def load_dead_letters(
        services: LibraryServices,
    ) -> tuple[ResultPage[DeadLetter], Mapping[str, str]]:
        page = await services.desk.dead_letters(limit, cursor)
        return page, await _find_request_numbers(services, page)

    page, numbers = read_from_library(installation, library, load_dead_letters)
    if as_json:
        print_json_lines(LetterOut.model_validate(letter) for letter in page)
    elif not page.items:
        click.echo("no dead letters")
    else:
        heading = ("CREATED", "KIND", "TARGET", "REQUEST", "TRIES", "ID", "ERROR")
        print_lines(format_table([heading, *(_format_dead_letter_row(row, numbers, library.zone) for row in page)]))
    print_cursor(page.cursor)


async def _find_request_numbers(
    services: LibraryServices, page: ResultPage[DeadLetter] | ResultPage[BatchedOrder]
) -> Mapping[str, str]:
    """Numbers of the requests, by id."""
    request_numbers = {}
    for request_id in {entry.request_id for entry in page if entry.request_id}:
        try:
            request_numbers[request_id] = (await services.requests.find_request(request_id)).number
        except NotFound:
            request_numbers[request_id] = request_id
    return request_numbers


def _format_dead_letter_row(row: DeadLetter, numbers: Mapping[str, str], zone: tzinfo) -> tuple[str, ...]:
    number = numbers.get(row.request_id, "")
    return format_minute(row.created, zone), row.kind, row.target, number, str(row.tries), row.id, row.error


@outbox_command.command(name="show")
@_ID
@library_option
@json_option
@pass_installation
def show_dead_letter(installation: Installation, letter: str, symbol: str, as_json: bool) -> None:
    """Show a dead letter with its content."""
    library = require_library(installation, symbol)
    row = read_from_library(installation, library, lambda services: services.desk.dead_letter(letter))
    if as_json:
        print_json(LetterWhole.model_validate(row))
        return
    facts = {
        "kind": row.kind,
        "target": row.target,
        "request": row.request_id,
        "created": format_local_time(row.created, library.zone),
        "tries": str(row.tries),
        "error": row.error,
    }
    click.echo(row.id)
    for name, text in facts.items():
        if text:
            click.echo(f"  {name + ':':<10}{text}")
    click.echo("")
    click.echo(_indent_json(row.payload))


def _indent_json(payload: str) -> str:
    return json.dumps(json.loads(payload), ensure_ascii=False, indent=2)


@outbox_command.command(name="gathered")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_batched_orders(installation: Installation, limit: int, cursor: str, symbol: str, as_json: bool) -> None:
    """List orders that wait to be sent in a batch. The time of sending is shown, and orders in a file that has not
    been sent.

    `illgate mail send-now PARTNER` sends all waiting orders of a partner; `illgate outbox release ID` sends one order
    on its own.
    """
    library = require_library(installation, symbol)

    async def load_batched_orders(
        services: LibraryServices,
    ) -> tuple[ResultPage[BatchedOrder], Mapping[str, str]]:
        page = await services.desk.list_batched_orders(limit, cursor)
        return page, await _find_request_numbers(services, page)

    page, numbers = read_from_library(installation, library, load_batched_orders)
    if as_json:
        print_json_lines({**asdict(row), "request": numbers.get(row.request_id, "")} for row in page)
    elif not page.items:
        click.echo("no waiting orders")
    else:
        heading = ("PARTNER", "FILE", "REQUEST", "SINCE", "ID", "ERROR")
        print_lines(format_table([heading, *(_format_batched_order_row(row, numbers, library.zone) for row in page)]))
    print_cursor(page.cursor)


def _format_batched_order_row(order: BatchedOrder, numbers: Mapping[str, str], zone: tzinfo) -> tuple[str, ...]:
    file = order.file or (f"at {format_minute(order.due, zone)}" if order.due is not None else "")
    number = numbers.get(order.request_id, "")
    return order.partner, file, number, format_minute(order.created, zone), order.id, order.error


@outbox_command.command(name="waiting")
@library_option
@json_option
@pass_installation
def list_waiting_partners(installation: Installation, symbol: str, as_json: bool) -> None:
    """List partners to whom messages wait, with the reason.

    They could not be delivered yet and are retried automatically.
    """
    library = require_library(installation, symbol)
    partners = read_from_library(
        installation, library, lambda services: services.desk.list_silent_partners(least_tries=1)
    )
    if as_json:
        print_json_lines(
            {"partner": row.profile, "waiting": row.waiting, "since": row.since, "error": row.error} for row in partners
        )
    elif not partners:
        click.echo("no messages are waiting")
    else:
        rows = [(row.profile, str(row.waiting), format_minute(row.since, library.zone), row.error) for row in partners]
        print_lines(format_table([("PARTNER", "WAITING", "SINCE", "WHY"), *rows]))


# --- deciding ------------------------------------------------------------------------------------------------


@outbox_command.command(name="release")
@_ID
@staff_option
@library_option
@pass_installation
def release_dead_letter(installation: Installation, letter: str, actor: str, symbol: str) -> None:
    """Retry a dead letter. The daemon sends it immediately."""
    library = require_library(installation, symbol)
    run_on_library(installation, library, lambda services: services.desk.release(letter, actor))
    click.echo(f"released: {letter}")


@outbox_command.command(name="skip")
@_ID
@click.option("--reason", required=True, metavar="TEXT", help="Reason for skipping; kept with the message.")
@staff_option
@library_option
@pass_installation
def skip_dead_letter(installation: Installation, letter: str, reason: str, actor: str, symbol: str) -> None:
    """Discard a dead letter without sending it. Work queued behind it is released."""
    library = require_library(installation, symbol)
    run_on_library(installation, library, lambda services: services.desk.skip(letter, reason, actor))
    click.echo(f"skipped: {letter}")


@outbox_command.command(name="edit")
@_ID
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    default=None,
    metavar="FILE",
    help="Read the new content from FILE (-: standard input). Default: open an editor.",
)
@staff_option
@library_option
@pass_installation
@click.pass_context
def edit_dead_letter(
    ctx: click.Context, installation: Installation, letter: str, source: Path | None, actor: str, symbol: str
) -> None:
    """Edit a dead letter, then retry it.

    \b
    Examples:
      illgate outbox edit 0006430d0c7a1b0000a1b2c3
      illgate outbox show 0006430d0c7a1b0000a1b2c3 --json | jq .payload -r > one.json
      illgate outbox edit 0006430d0c7a1b0000a1b2c3 --from one.json
    """
    library = require_library(installation, symbol)
    before = run_on_library(installation, library, lambda services: services.desk.dead_letter(letter)).payload
    text = _read_new_payload(source) if source is not None else click.edit(_indent_json(before), extension=".json")
    if text is None or _is_same_json(text, before):
        click.echo("nothing was changed", err=True)
        ctx.exit(REFUSED)
    payload = text
    run_on_library(installation, library, lambda services: services.desk.edit(letter, payload, actor))
    click.echo(f"edited and released: {letter}")


def _read_new_payload(source: Path) -> str:
    with click.open_file(str(source), encoding="utf-8") as file:
        return str(file.read())


def _is_same_json(text: str, before: str) -> bool:
    """Compare; what isn't JSON at all is refused by the service, with the place."""
    try:
        return bool(json.loads(text) == json.loads(before))
    except ValueError:
        return False


# --- doing ---------------------------------------------------------------------------------------------------


@outbox_command.command(name="run")
@pass_installation
def run_due_work(installation: Installation) -> None:
    """Process all due work of all libraries now. This includes timers, messages, letters and library system calls.

    Use this for rehearsals, and for installations that run from cron without a daemon. It is safe to run while the
    daemon is running: nothing is processed twice. Messages to partners with permanent connections (ISO ILL over TCP)
    are left to the daemon and listed. Remaining work is retried later or is queued behind a dead letter.
    """

    async def drain_and_count(managed: ManagedRequests) -> tuple[int, Mapping[tuple[str, OutboxStatus], int]]:
        store = next(iter(managed.contexts.values())).store
        left_out = managed.find_daemon_routes()
        names = {route.target for route in left_out}
        waiting = await store.read(lambda c: outbox_queries.count_waiting_by_target(c, PARTNER))
        for name, count in waiting.items():
            if name in names:
                messages = "1 message" if count == 1 else f"{count} messages"
                click.echo(f"left to the daemon (illgate serve): {messages} to {name}", err=True)
        tries = await managed.drain_due_work(left_out)
        return tries, await store.read(outbox_queries.count_unfinished_rows)

    tries, counts = run_on_requests(installation, drain_and_count)
    left = {status: sum(n for (_, other), n in counts.items() if other is status) for status in OutboxStatus}
    waiting = left[OutboxStatus.WAITING] + left[OutboxStatus.IN_HAND]
    click.echo(f"{tries} steps processed; {waiting} still waiting, {left[OutboxStatus.DEAD]} dead letters")
