"""`illgate library`: what is in the library, in lists and one by one."""

from __future__ import annotations

import click

from adapters.library.embedded import (
    catalogue,
    circulation_rows,
    desk_commands,
    item_rows,
    lists,
    patrons,
    setup_file,
    temporary_commands,
)
from adapters.library.embedded.desk_commands import (
    CommandSession,
    at_most,
    print_lines,
    print_object,
    run_in_library,
)
from adapters.library.embedded.library_session import LibrarySession
from gateway.domain.library import Bib, Charge, Hold, Item, ItemStatus, Loan, Patron
from gateway.domain.value import value_object
from gateway.ports.command_output import json_option, print_json
from gateway.ports.library_system import PatronKey


@value_object
class _PatronOverview:
    patron: Patron
    loans: tuple[Loan, ...]
    holds: tuple[Hold, ...]
    charges: tuple[Charge, ...]


@value_object
class _ItemOverview:
    item: Item
    bib: Bib
    transit_to: str
    request_id: str
    lender: str
    note: str
    loan: Loan | None
    holds: tuple[Hold, ...]


@click.command(name="patrons")
@click.argument("query", default="")
@at_most
@json_option
@click.pass_context
def show_patron_list(ctx: click.Context, query: str, limit: int, as_json: bool) -> None:
    """List patrons by surname or identifier. QUERY is the beginning of the surname, or a complete identifier.

    \b
    Examples:
      illgate library patrons Müll
      illgate library patrons --json
    """

    async def print_patron_list(opened: CommandSession) -> None:
        lines = await opened.read_store(lambda session: lists.list_patrons(session, query, limit))
        print_lines(lines, as_json, opened.context.zone)

    run_in_library(ctx, print_patron_list)


@click.command(name="patron")
@click.argument("identifier")
@json_option
@click.pass_context
def show_patron(ctx: click.Context, identifier: str, as_json: bool) -> None:
    """Show a patron with loans, holds and unpaid charges.

    \b
    Example:
      illgate library patron 21000000000017
    """

    def load_patron_overview(session: LibrarySession) -> _PatronOverview:
        patron = patrons.find_patron(session, PatronKey(identifier)).patron
        return _PatronOverview(
            patron,
            circulation_rows.loans_of_patron(session, patron.id),
            circulation_rows.holds_of_patron(session, patron.id),
            patrons.unpaid_charges(session, patron.id),
        )

    async def print_patron_overview(opened: CommandSession) -> None:
        shown = await opened.read_store(load_patron_overview)
        if as_json:
            print_json(shown)
            return
        print_object(shown.patron, opened.context.zone)
        for title, lines in (("loans", shown.loans), ("holds", shown.holds), ("charges", shown.charges)):
            click.echo(f"\n{title}: {len(lines)}")
            for line in lines:
                print_object(line, opened.context.zone)

    run_in_library(ctx, print_patron_overview)


@click.command(name="items")
@click.argument("query", default="")
@click.option(
    "--status", type=click.Choice([status.value for status in ItemStatus]), help="Only items with this status."
)
@at_most
@json_option
@click.pass_context
def show_item_list(ctx: click.Context, query: str, status: str | None, limit: int, as_json: bool) -> None:
    """List items, newest first. QUERY is a barcode, a request or record number, or words from the title.

    \b
    Examples:
      illgate library items --status in-transit
      illgate library items ILL-880001
      illgate library items Brücke
    """

    async def print_item_list(opened: CommandSession) -> None:
        item_status = ItemStatus(status) if status else None
        lines = await opened.read_store(lambda session: lists.list_items(session, query, item_status, limit))
        print_lines(lines, as_json, opened.context.zone)

    run_in_library(ctx, print_item_list)


@click.command(name="item")
@click.argument("barcode")
@json_option
@click.pass_context
def show_item(ctx: click.Context, barcode: str, as_json: bool) -> None:
    """Show an item with its record, its loan and its holds. Only holds that the item can fill are shown.

    \b
    Example:
      illgate library item 39000000000011
    """

    def load_item_overview(session: LibrarySession) -> _ItemOverview:
        piece = item_rows.get_item_by_barcode(session, barcode)
        return _ItemOverview(
            piece.item,
            catalogue.get_bib(session, piece.item.bib_id),
            piece.transit_to,
            piece.request_id,
            piece.lender,
            piece.note,
            circulation_rows.find_open_loan(session, piece.item.id),
            circulation_rows.holds_of_item(session, piece.item.bib_id, piece.item.id),
        )

    async def print_item_overview(opened: CommandSession) -> None:
        shown = await opened.read_store(load_item_overview)
        zone = opened.context.zone
        if as_json:
            print_json(shown)
            return
        print_object(shown.item, zone)
        for name in ("transit_to", "request_id", "lender", "note"):
            if getattr(shown, name):
                click.echo(f"{name.replace('_', ' '):<18}{getattr(shown, name)}")
        for title, line in (("record", shown.bib), ("loan", shown.loan), *(("hold", hold) for hold in shown.holds)):
            if line is not None:
                click.echo(f"\n{title}")
                print_object(line, zone)

    run_in_library(ctx, print_item_overview)


@click.command(name="holds")
@at_most
@json_option
@click.pass_context
def show_hold_list(ctx: click.Context, limit: int, as_json: bool) -> None:
    """List open holds, oldest first. Patrons are shown by card number.

    \b
    Example:
      illgate library holds --json
    """

    async def print_hold_list(opened: CommandSession) -> None:
        lines = await opened.read_store(lambda session: lists.list_holds(session, limit))
        print_lines(lines, as_json, opened.context.zone)

    run_in_library(ctx, print_hold_list)


@click.command(name="loans")
@click.option("--overdue", is_flag=True, help="Only overdue loans.")
@click.option("--all", "all_", is_flag=True, help="Include loans that have ended.")
@at_most
@json_option
@click.pass_context
def show_loan_list(ctx: click.Context, overdue: bool, all_: bool, limit: int, as_json: bool) -> None:
    """List loans, earliest due date first. Patrons are shown by card number.

    \b
    Examples:
      illgate library loans
      illgate library loans --overdue
    """

    async def print_loan_list(opened: CommandSession) -> None:
        conditions = () if all_ else (lists.overdue_condition(opened.context.clock.now()) if overdue else lists.OPEN,)
        lines = await opened.read_store(lambda session: lists.list_loans(session, *conditions, limit=limit))
        print_lines(lines, as_json, opened.context.zone)

    run_in_library(ctx, print_loan_list)


@click.command(name="bibs")
@click.argument("query", nargs=-1, required=True)
@at_most
@json_option
@click.pass_context
def show_bib_list(ctx: click.Context, query: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Search the catalogue. All words must occur in the title, author or identifiers.

    \b
    Examples:
      illgate library bibs three-body problem
      illgate library bibs Толстой война
      illgate library bibs 红楼梦
    """

    async def print_bib_list(opened: CommandSession) -> None:
        lines = await opened.read_store(lambda session: catalogue.search_bibs(session, " ".join(query), limit))
        print_lines([_bib_line_of_bib(bib) for bib in lines] if not as_json else lines, as_json, opened.context.zone)

    run_in_library(ctx, print_bib_list)


@value_object
class _BibLine:
    id: str
    title: str
    author: str
    published: str
    identifiers: tuple[str, ...]


def _bib_line_of_bib(bib: Bib) -> _BibLine:
    identifiers = tuple(f"{i.type} {i.value}" for i in bib.identifiers)
    return _BibLine(bib.id, bib.title, bib.author, bib.published, identifiers)


@click.command(name="branches")
@json_option
@click.pass_context
def show_branch_list(ctx: click.Context, as_json: bool) -> None:
    """List branches. Each line shows the hold shelf, closed weekdays (1 is Monday) and dates, and shelving locations.

    \b
    Example:
      illgate library branches
    """

    async def print_branch_list(opened: CommandSession) -> None:
        print_lines(await opened.read_store(lists.list_branches), as_json, opened.context.zone)

    run_in_library(ctx, print_branch_list)


@click.command(name="rules")
@json_option
@click.pass_context
def show_rule_list(ctx: click.Context, as_json: bool) -> None:
    """List loan rules by patron category and item policy. An asterisk (*) matches any.

    \b
    Example:
      illgate library rules
    """

    async def print_rule_list(opened: CommandSession) -> None:
        print_lines(await opened.read_store(lists.list_rules), as_json, opened.context.zone)

    run_in_library(ctx, print_rule_list)


@click.command(name="setup")
@click.pass_context
def show_setup(ctx: click.Context) -> None:
    """Print the configuration as YAML, for `import setup`. It contains branches, categories, item policies and loan
    rules.

    \b
    Example:
      illgate library setup > setup.yml
    """

    async def print_setup(opened: CommandSession) -> None:
        click.echo(setup_file.format_setup_yaml(await opened.read_store(setup_file.load_setup)), nl=False)

    run_in_library(ctx, print_setup)


COMMANDS = (
    show_patron_list,
    show_patron,
    show_item_list,
    show_item,
    show_hold_list,
    show_loan_list,
    show_bib_list,
    show_branch_list,
    show_rule_list,
    show_setup,
)


@click.group(name="library")
@click.option("--library", "symbol", default="", metavar="SYMBOL", help="Library, if the installation has several.")
@click.pass_context
def command(ctx: click.Context, symbol: str) -> None:
    """Add and list libraries; show and edit the embedded library.

    \b
    Examples:
      illgate library list
      illgate library items --status on-loan
      illgate library item 39000000000011
      illgate library check-in 39000000000011 --at MAIN
      illgate library import marc catalogue.mrc
    """
    ctx.meta["library"] = symbol


for subcommand in (
    *COMMANDS,
    *desk_commands.COMMANDS,
    desk_commands.import_group,
    temporary_commands.temporary_group,
):
    command.add_command(subcommand)
