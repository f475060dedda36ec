"""`illgate library import`: the library's set-up, records and patrons from files."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.library.embedded import marc_import, patron_import, setup_file
from adapters.library.embedded.commands.opened import Opened, progress_bar, run

_file = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
FAILED = 1


@click.group(name="import")
def imports() -> None:
    """Bring in the set-up, records and patrons. The same file may be imported again: nothing is doubled."""


@imports.command(name="marc")
@_file
@click.option(
    "--items-from",
    metavar="TAG",
    help="Field that holds items, such as 952 (Koha) or 949. Without it only records are imported.",
)
@click.option(
    "--subfields",
    default="barcode=p,branch=a,shelf=c,policy=y,call_number=o",
    show_default=True,
    help="Which subfield says what. Only barcode and branch are needed; shelf and policy default to none, standard.",
)
@click.pass_context
def marc(ctx: click.Context, file: Path, items_from: str | None, subfields: str) -> None:
    """Import MARC 21 records (ISO 2709; MARC-8 and UTF-8).

    A record is known by its control number (001): imported again, it replaces what was there. What can't be
    imported is listed by its position in the file, and the rest goes on.

    \b
    Examples:
      illgate library import marc catalogue.mrc
      illgate library import marc koha.mrc --items-from 952
      illgate library import marc other.mrc --items-from 949 --subfields barcode=i,branch=l,call_number=a
    """
    mapping = _mapping(items_from, subfields)
    size = file.stat().st_size

    async def work(opened: Opened) -> marc_import.Report:
        with progress_bar("records", size) as bar:
            return await marc_import.run(opened.write, file, mapping, bar.update)

    report = run(ctx, work)
    for problem in report.problems:
        click.echo(f"{file}: {problem}", err=True)
    click.echo(f"{report.added} records added, {report.replaced} replaced, {report.items} items added")
    if report.problems:
        click.echo(f"{len(report.problems)} problems", err=True)
        ctx.exit(FAILED)


def _mapping(tag: str | None, subfields: str) -> marc_import.ItemField | None:
    if tag is None:
        return None
    try:
        return marc_import.ItemField.parse(tag, subfields)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--subfields") from error


@imports.command(name="patrons")
@_file
@click.pass_context
def patrons(ctx: click.Context, file: Path) -> None:
    """Import patrons from a CSV file (UTF-8, a header line). A barcode that is known is brought up to date.

    \b
    Columns: barcode, surname, category and home_library are needed; given, username, external, expires
    (YYYY-MM-DD), email, phone, line1, line2, locality, region, postal_code, country, language,
    date_of_birth (YYYY-MM-DD), pin and notes may be there. All lines are checked first; if one is wrong,
    nothing is imported.

    \b
    Example:
      illgate library import patrons patrons.csv
    """

    async def work(opened: Opened) -> patron_import.Report:
        await opened.read(lambda c, here: patron_import.check(c, here, lines))
        with progress_bar("patrons", len(lines)) as bar:
            return await patron_import.run(opened.write, lines, bar.update)

    try:
        lines = patron_import.read(file)
        report = run(ctx, work)
    except patron_import.BadFile as bad:
        for problem in bad.problems:
            click.echo(f"{file}:{problem}", err=True)
        ctx.exit(FAILED)
    click.echo(f"{report.added} patrons added, {report.changed} brought up to date")


@imports.command(name="setup")
@_file
@click.pass_context
def setup(ctx: click.Context, file: Path) -> None:
    """Set up branches, patron categories, item policies and loan rules from a YAML file.

    `illgate library setup` prints such a file. Codes that are there are brought up to date, new ones added, and those
    that the file doesn't name stay; loan rules are replaced as a whole.

    \b
    Example:
      illgate library setup > setup.yml
      illgate library import setup setup.yml
    """
    try:
        wanted = setup_file.read(file)
    except setup_file.BadSetup as bad:
        for problem in bad.problems:
            click.echo(f"{file}:{problem}", err=True)
        ctx.exit(FAILED)

    async def work(opened: Opened) -> None:
        await opened.write(lambda c, here: setup_file.write(c, here, wanted))

    run(ctx, work)
    click.echo(
        f"{len(wanted.branches)} branches, {len(wanted.categories)} categories, {len(wanted.policies)} item policies, "
        f"{len(wanted.loan_rules)} loan rules"
    )
