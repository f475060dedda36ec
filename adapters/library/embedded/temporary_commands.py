"""`illgate library temporary`: records of partners' items that nobody has removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import click

from adapters.library.embedded import circulation_rows, item_rows, lists
from adapters.library.embedded.desk_commands import (
    FAILED,
    CommandSession,
    at_most,
    print_lines,
    run_in_library,
)
from adapters.library.embedded.library_session import new_id
from adapters.library.embedded.lists import TemporaryItemFilter
from gateway.domain.problems import Refused
from gateway.ports.command_output import json_option

DEFAULT_LEFT_OVER_DAYS = 30
"""Whoever deletes all that is left over leaves what may still be on somebody's desk."""


@click.group(name="temporary")
def temporary_group() -> None:
    """List and delete temporary items. These are the records of partners' items.

    \b
    Examples:
      illgate library temporary list --left-over
      illgate library temporary delete ILL-880001
    """


@temporary_group.command(name="list")
@click.option("--left-over", is_flag=True, help="Only items without a loan or hold.")
@click.option("--days", default=0, type=click.IntRange(0), help="Only items received at least this many days ago.")
@at_most
@json_option
@click.pass_context
def show_temporary_list(ctx: click.Context, left_over: bool, days: int, limit: int, as_json: bool) -> None:
    """List temporary items, oldest first. Each line shows the lender and the request.

    \b
    Examples:
      illgate library temporary list
      illgate library temporary list --left-over --days 90 --json
    """

    async def print_temporary_list(opened: CommandSession) -> None:
        item_filter = _make_filter(opened, left_over, days)
        lines = await opened.read_store(lambda session: lists.list_temporary_items(session, item_filter, limit))
        print_lines(lines, as_json, opened.context.zone)

    run_in_library(ctx, print_temporary_list)


def _make_filter(opened: CommandSession, left_over: bool, days: int) -> TemporaryItemFilter:
    return TemporaryItemFilter(left_over, opened.context.clock.now() - timedelta(days=days) if days else None)


@temporary_group.command(name="delete")
@click.argument("barcodes", nargs=-1)
@click.option("--left-over", is_flag=True, help="Instead of barcodes: all items without a loan or hold.")
@click.option(
    "--days",
    default=DEFAULT_LEFT_OVER_DAYS,
    show_default=True,
    type=click.IntRange(0),
    help="With --left-over: only items received at least this many days ago.",
)
@click.option("--cancel-holds", is_flag=True, help="Also delete items with holds, and cancel the holds.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def delete_temporary_items(
    ctx: click.Context, barcodes: tuple[str, ...], left_over: bool, days: int, cancel_holds: bool, yes: bool
) -> None:
    """Delete temporary items that have been returned to their lender. Items on loan or on hold are kept.

    If the gateway manages the request, the request is updated to returned.

    \b
    Examples:
      illgate library temporary delete ILL-880001 ILL-880002
      illgate library temporary delete --left-over --days 90
    """
    if bool(barcodes) == left_over:
        raise click.UsageError("Give either barcodes or --left-over.")

    async def delete_chosen(opened: CommandSession) -> int:
        chosen = barcodes or await _list_left_over(opened, days)
        if left_over:
            click.echo(f"{len(chosen)} leftover temporary items")
            if not chosen or not (yes or click.confirm("Delete them?")):
                return 0
        return await _delete_items(opened, chosen, cancel_holds)

    if run_in_library(ctx, delete_chosen):
        ctx.exit(FAILED)


async def _list_left_over(opened: CommandSession, days: int) -> tuple[str, ...]:
    item_filter = _make_filter(opened, True, days)
    lines = await opened.read_store(lambda session: lists.list_temporary_items(session, item_filter, None))
    return tuple(line.barcode for line in lines)


async def _delete_items(opened: CommandSession, barcodes: Sequence[str], cancel_holds: bool) -> int:
    """Delete items, and return how many were not deleted; each says why."""
    kept = 0
    for barcode in barcodes:
        try:
            if not cancel_holds and await _has_hold(opened, barcode):
                click.echo(f"{barcode}: it has a hold (use --cancel-holds to delete it anyway)", err=True)
                kept += 1
                continue
            item = await opened.system.delete_temporary_item(barcode, f"desk:{new_id(opened.context.clock.now())}")
        except Refused as refused:
            click.echo(f"{barcode}: {refused.detail}", err=True)
            kept += 1
            continue
        await opened.desk.notify_deleted(item)
        click.echo(f"{barcode}: deleted")
    return kept


async def _has_hold(opened: CommandSession, barcode: str) -> bool:
    """Return whether an item has a hold; raises Refused(UNKNOWN_ITEM)."""
    item = (await opened.read_store(lambda session: item_rows.get_item_by_barcode(session, barcode))).item
    return bool(await opened.read_store(lambda session: circulation_rows.holds_of_item(session, item.bib_id, item.id)))
