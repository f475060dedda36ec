"""`illgate library check-in|check-out|import`, and how results are printed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.termui import progressbar

from adapters.library.embedded import marc_import, patron_import, setup_file
from adapters.library.embedded.library_session import LibrarySession, new_id, plan_session
from adapters.library.embedded.loan_rules import end_of_day
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.adapter import CommandContext, DeskAdvice, LibraryAdapterContext, LibraryDesk, OpenLibrary
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import CheckedIn, PatronKey

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


T = TypeVar("T")
MAX_COLUMN_CHARS = 48

_file = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
FAILED = 1


@value_object
class CommandSession:
    """An open library, as commands need it."""

    commands: CommandContext
    library: OpenLibrary

    @property
    def system(self) -> LibrarySystem:
        return self.library.system

    @property
    def context(self) -> LibraryAdapterContext:
        return self.library.context

    @property
    def desk(self) -> LibraryDesk:
        """The desk; raises ConfigurationError."""
        return self.commands.desk(self.library)

    async def read_store(self, work: Callable[[LibrarySession], T]) -> T:
        open_session = plan_session(self.context)
        return await self.context.store.read(lambda connection: work(open_session(connection)))

    async def write_store(self, work: Callable[[LibrarySession], T]) -> T:
        open_session = plan_session(self.context)
        return await self.context.store.write(lambda connection: work(open_session(connection)))


def run_in_library(ctx: click.Context, work: Callable[[CommandSession], Awaitable[T]]) -> T:
    """Open the library that the command line names, do the work, close."""

    async def run_session() -> T:
        commands: CommandContext = ctx.obj
        async with commands.library(ctx.meta.get("library", "")) as opened:
            return await work(CommandSession(commands, opened))

    return asyncio.run(run_session())


at_most = click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="Maximum number of lines."
)


def progress_bar(label: str, length: int) -> AbstractContextManager[Any]:
    """Make a progress bar on standard error, so that results can be piped."""
    return progressbar(length=length, label=label, file=sys.stderr)


def print_lines(lines: Sequence[DataclassInstance], as_json: bool, zone: tzinfo) -> None:
    """A table under the names of the fields, or JSON."""
    if as_json:
        print_json_lines(lines)
        return
    if not lines:
        click.echo("none")
        return
    names = [field.name for field in fields(lines[0])]
    rows = [[_format_cell(getattr(line, name), zone) for name in names] for line in lines]
    widths = [max(len(row[n]) for row in [names, *rows]) for n in range(len(names))]
    for row in [[name.replace("_", " ") for name in names], *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_object(value: DataclassInstance, zone: tzinfo) -> None:
    """One field a line, without the empty ones."""
    for field in fields(value):
        shown = getattr(value, field.name)
        if shown not in ("", None, (), False):
            click.echo(f"{field.name.replace('_', ' '):<18}{_format_cell_text(shown, zone)}")


def _format_cell(value: Any, zone: tzinfo) -> str:
    text = _format_cell_text(value, zone)
    return text if len(text) <= MAX_COLUMN_CHARS else text[: MAX_COLUMN_CHARS - 1] + "…"


def _format_cell_text(value: Any, zone: tzinfo) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(_format_cell_text(part, zone) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        parts = (_format_cell_text(getattr(value, field.name), zone) for field in fields(value))
        return " ".join(part for part in parts if part)
    return str(value)


@click.command(name="check-in")
@click.argument("barcode")
@click.option("--at", default="", metavar="BRANCH", help="Branch of the desk. Default: the resource-sharing branch.")
@json_option
@click.pass_context
def check_in_at_desk(ctx: click.Context, barcode: str, at: str, as_json: bool) -> None:
    """Check an item in and show where it goes next. A slip is printed for a partner's item, which has to be returned.

    \b
    Example:
      illgate library check-in 39000000000011 --at MAIN
    """

    async def print_check_in(opened: CommandSession) -> None:
        done, advice = await _scan_item(opened, barcode, at)
        if as_json:
            print_json({**asdict(done), **asdict(advice)})
            return
        click.echo(f"{barcode}: {'returned' if done.loan else 'reshelved'}, now {done.item.status.value}")
        if done.next_hold is not None:
            click.echo(f"on hold, pickup at {done.next_hold.pickup}: {done.next_hold.status.value}")
        if advice.popup:
            click.echo(advice.popup)
        elif done.route_to is not None:
            click.echo(f"forward to {done.route_to.library} {done.route_to.name}")
        if advice.slip:
            click.echo(f"\n{advice.slip}", nl=False)

    run_in_library(ctx, print_check_in)


async def _scan_item(opened: CommandSession, barcode: str, at: str) -> tuple[CheckedIn, DeskAdvice]:
    """A piece that is back already, but whose request has not heard of it (a command that was killed), is told so by
    the next scan."""
    try:
        done = await opened.system.check_in(barcode, f"desk:{new_id(opened.context.clock.now())}", at=at)
    except Refused as refused:
        if refused.reason is not RefusalReason.NOT_CHECKED_OUT:
            raise
        done = CheckedIn(await opened.system.item_by_barcode(barcode), None)
        advice = await opened.desk.notify_checked_in(done)
        if not advice.popup:
            raise
        return done, advice
    return done, await opened.desk.notify_checked_in(done)


@click.command(name="check-out")
@click.argument("barcode")
@click.argument("patron")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="Due date. Default: set by the library's loan rules.")
@json_option
@click.pass_context
def check_out_at_desk(ctx: click.Context, barcode: str, patron: str, due: date | None, as_json: bool) -> None:
    """Check an item out to a patron. PATRON is a card number, user name or other identifier.

    \b
    Examples:
      illgate library check-out 39000000000011 21000000000017
      illgate library check-out 39000000000011 21000000000017 --due 2027-01-31
    """

    async def lend_to_patron(opened: CommandSession) -> None:
        borrower = await opened.system.find_patron(PatronKey(patron))
        moment = end_of_day(date(due.year, due.month, due.day), opened.context.zone) if due else None
        key = f"desk:{new_id(opened.context.clock.now())}"
        loan = await opened.system.check_out(barcode, borrower.id, key, due=moment)
        await opened.desk.notify_checked_out(loan, await opened.system.item_by_barcode(barcode), borrower)
        if as_json:
            print_json(loan)
        else:
            click.echo(f"{barcode}: on loan until {loan.known_due.astimezone(opened.context.zone):%Y-%m-%d %H:%M}")

    run_in_library(ctx, lend_to_patron)


COMMANDS = (check_in_at_desk, check_out_at_desk)


@click.group(name="import")
def import_group() -> None:
    """Import configuration, records or patrons. You can import the same file again without creating duplicates."""


@import_group.command(name="marc")
@_file
@click.option(
    "--items-from",
    metavar="TAG",
    help="MARC field that contains the items, such as 952 (Koha) or 949. If omitted, only records are imported.",
)
@click.option(
    "--subfields",
    default="barcode=p,branch=a,shelf=c,policy=y,call_number=o",
    show_default=True,
    help="Subfields for the item data. Barcode and branch are required; default shelf and policy: none, standard.",
)
@click.pass_context
def import_marc_file(ctx: click.Context, file: Path, items_from: str | None, subfields: str) -> None:
    """Import MARC 21 records (ISO 2709; MARC-8 and UTF-8).

    Records are matched by control number (001): importing a record again replaces the existing one. Records that
    cannot be imported are listed by their position in the file; the others are imported.

    \b
    Examples:
      illgate library import marc catalogue.mrc
      illgate library import marc koha.mrc --items-from 952
      illgate library import marc other.mrc --items-from 949 --subfields barcode=i,branch=l,call_number=a
    """
    mapping = _parse_item_field(items_from, subfields)
    size = file.stat().st_size

    async def import_marc_records(opened: CommandSession) -> marc_import.RecordImportReport:
        with progress_bar("records", size) as bar:
            return await marc_import.import_records(opened.write_store, file, mapping, bar.update)

    report = run_in_library(ctx, import_marc_records)
    for problem in report.problems:
        click.echo(f"{file}: {problem}", err=True)
    click.echo(f"{report.added} records added, {report.replaced} replaced, {report.items} items added")
    if report.problems:
        click.echo(f"{len(report.problems)} problems", err=True)
        ctx.exit(FAILED)


def _parse_item_field(tag: str | None, subfields: str) -> marc_import.ItemField | None:
    if tag is None:
        return None
    try:
        return marc_import.ItemField.parse_subfields(tag, subfields)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--subfields") from error


@import_group.command(name="patrons")
@_file
@click.pass_context
def import_patron_file(ctx: click.Context, file: Path) -> None:
    """Import patrons from a CSV file (UTF-8 with a header line). Patrons with a known barcode are updated.

    \b
    Columns: barcode, surname, category and home_library are needed; given, username, external, expires
    (YYYY-MM-DD), email, phone, line1, line2, locality, region, postal_code, country, language,
    date_of_birth (YYYY-MM-DD), pin and notes may be there. All lines are checked first; if one is wrong,
    nothing is imported.

    \b
    Example:
      illgate library import patrons patrons.csv
    """

    async def import_patron_lines(opened: CommandSession) -> patron_import.PatronImportReport:
        await opened.read_store(lambda session: patron_import.check_lines(session, lines))
        with progress_bar("patrons", len(lines)) as bar:
            return await patron_import.import_patrons(opened.write_store, lines, bar.update)

    try:
        lines = patron_import.read_patron_file(file)
        report = run_in_library(ctx, import_patron_lines)
    except patron_import.PatronFileError as bad:
        for problem in bad.problems:
            click.echo(f"{file}:{problem}", err=True)
        ctx.exit(FAILED)
    click.echo(f"{report.added} patrons added, {report.changed} updated")


@import_group.command(name="setup")
@_file
@click.pass_context
def import_setup_file(ctx: click.Context, file: Path) -> None:
    """Import branches, patron categories, policies and rules from YAML. Policies are item policies, rules are loan
    rules.

    `illgate library setup` prints such a file. Existing codes are updated, new ones are added, and codes that the file
    does not contain are kept. The loan rules are replaced completely.

    \b
    Example:
      illgate library setup > setup.yml
      illgate library import setup setup.yml
    """
    try:
        setup = setup_file.read_setup_file(file)
    except setup_file.SetupFileError as bad:
        for problem in bad.problems:
            click.echo(f"{file}:{problem}", err=True)
        ctx.exit(FAILED)

    async def store_setup(opened: CommandSession) -> None:
        await opened.write_store(lambda session: setup_file.write_setup(session, setup))

    run_in_library(ctx, store_setup)
    click.echo(
        f"{len(setup.branches)} branches, {len(setup.categories)} categories, {len(setup.policies)} item policies, "
        f"{len(setup.loan_rules)} loan rules"
    )
