"""Commands that do what is done at the library's desk."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import click

from adapters.library.embedded.commands.opened import Opened, as_json, print_json, print_one, run
from adapters.library.embedded.ids import new_id
from adapters.library.embedded.rules import end_of
from gateway.domain.problems import Reason, Refused
from gateway.ports.adapter import Advice
from gateway.ports.library import CheckedIn, PatronKey


@click.command(name="check-in")
@click.argument("barcode")
@click.option("--at", default="", metavar="BRANCH", help="Branch of the desk; else the resource-sharing branch.")
@as_json
@click.pass_context
def check_in(ctx: click.Context, barcode: str, at: str, json_: bool) -> None:
    """Check an item in, and say where it goes now: what belongs to a partner goes back, with a slip.

    \b
    Example:
      illgate library check-in 39000000000011 --at MAIN
    """

    async def work(opened: Opened) -> None:
        done, advice = await _scanned(opened, barcode, at)
        if json_:
            print_json({**asdict(done), **asdict(advice)})
            return
        click.echo(f"{barcode}: {'returned' if done.loan else 'put in its place'}, now {done.item.status.value}")
        if done.next_hold is not None:
            click.echo(f"kept for a hold, pickup at {done.next_hold.pickup}: {done.next_hold.status.value}")
        if advice.popup:
            click.echo(advice.popup)
        elif done.route_to is not None:
            click.echo(f"send it to {done.route_to.library} {done.route_to.name}")
        if advice.slip:
            click.echo(f"\n{advice.slip}", nl=False)

    run(ctx, work)


async def _scanned(opened: Opened, barcode: str, at: str) -> tuple[CheckedIn, Advice]:
    """A piece that is back already, but whose request has not heard of it (a command that was killed), is told so by
    the next scan."""
    try:
        done = await opened.system.check_in(barcode, f"desk:{new_id(opened.here.now)}", at=at)
    except Refused as refused:
        if refused.reason is not Reason.NOT_CHECKED_OUT:
            raise
        done = CheckedIn(await opened.system.item_by_barcode(barcode), None)
        advice = await opened.desk.checked_in(done)
        if not advice.popup:
            raise
        return done, advice
    return done, await opened.desk.checked_in(done)


@click.command(name="check-out")
@click.argument("barcode")
@click.argument("patron")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the loan; else by the library's rules.")
@as_json
@click.pass_context
def check_out(ctx: click.Context, barcode: str, patron: str, due: date | None, json_: bool) -> None:
    """Lend an item to a patron (card number, user name or other identifier).

    \b
    Examples:
      illgate library check-out 39000000000011 21000000000017
      illgate library check-out 39000000000011 21000000000017 --due 2027-01-31
    """

    async def work(opened: Opened) -> None:
        borrower = await opened.system.find_patron(PatronKey(patron))
        moment = end_of(date(due.year, due.month, due.day), opened.context.zone) if due else None
        key = f"desk:{new_id(opened.here.now)}"
        loan = await opened.system.check_out(barcode, borrower.id, key, due=moment)
        await opened.desk.checked_out(loan, await opened.system.item_by_barcode(barcode), borrower)
        if json_:
            print_one(loan, json_, opened.context.zone)
        else:
            click.echo(f"{barcode}: on loan until {loan.due.astimezone(opened.context.zone):%Y-%m-%d %H:%M}")

    run(ctx, work)


COMMANDS = (check_in, check_out)
