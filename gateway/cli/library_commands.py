"""`illgate library add|list|show`: the libraries of an installation, beside the commands of the library system."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.formatting import format_table
from gateway.cli.installation import CommandFailed, Installation, pass_installation
from gateway.configuration.yaml_document import cut_section, display_path
from gateway.domain.problems import ConfigurationError
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.profiles.effective import dump_settings, format_yaml_with_sources
from gateway.runtime.added_libraries import (
    AddedLibrary,
    plan_library_files,
    read_library_table,
    write_library_files,
)
from gateway.settings import LIBRARIES, LibrarySettings, Settings, read_settings_file, settings_of_document


@click.command(name="add")
@click.argument("short", default="")
@click.option("--symbol", default="", help="Symbol of the library, such as ISIL:US-AAA. It cannot be changed later.")
@click.option("--name", default="", help="Name shown to partners and staff.")
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Table with one library per line and the keys of library.yml as columns.",
)
@click.option("--dry-run", is_flag=True, help="Show the files without writing them.")
@pass_installation
def add_library(
    installation: Installation, short: str, symbol: str, name: str, table: Path | None, dry_run: bool
) -> None:
    """Create libraries/SHORT/library.yml and a folder for secrets. SHORT is the library's name in addresses and files.

    The columns of a table are `short`, `symbol` and any other key, such as `name`, `email`, `symbols` or `system.url`.
    If something is wrong with one of the libraries, no file is written. Restart the daemon to serve them.

    \b
    Examples:
      illgate library add lib13 --symbol ISIL:US-MMM --name Maple
      illgate library add --csv members.csv --dry-run
    """
    if (table is None) == (not short):
        raise click.UsageError("either SHORT with --symbol, or --csv FILE")
    if table is None and not symbol:
        raise click.UsageError("--symbol is required")
    added = read_library_table(table) if table else (AddedLibrary(short, {"symbol": symbol, "name": name}),)
    files = plan_library_files(installation.config, added)
    document = read_settings_file(installation.config, files)
    settings = settings_of_document(document, installation.config, installation.adapters)
    shorts = {library.short for library in added}
    _require_no_problems(settings, shorts)
    if dry_run:
        for file, text in files.items():
            click.echo(f"--- {display_path(file)}\n{text}", nl=False)
    else:
        write_library_files(installation.config, files)
    count = len(settings.libraries)
    click.echo(f"{len(files)} added{' (dry run)' if dry_run else ''}; {count} libraries")


def _require_no_problems(settings: Settings, shorts: set[str]) -> None:
    problems = [
        problem for library in settings.libraries if library.short_name in shorts for problem in library.problems
    ]
    if problems:
        raise ConfigurationError(problems)


@click.command(name="list")
@json_option
@pass_installation
def list_libraries(installation: Installation, as_json: bool) -> None:
    """List the libraries and their state: served or held back."""
    libraries = installation.settings.libraries
    if as_json:
        print_json_lines(
            {
                "short": library.short_name,
                "symbol": library.symbol,
                "name": library.name,
                "system": library.system.type,
                "problems": [str(problem) for problem in library.problems],
            }
            for library in libraries
        )
        return
    rows = [
        (library.short_name, library.symbol, library.system.type, _describe_state(library), library.name)
        for library in libraries
    ]
    for line in format_table([("SHORT", "SYMBOL", "SYSTEM", "STATE", "NAME"), *rows]):
        click.echo(line)


def _describe_state(library: LibrarySettings) -> str:
    return "held back" if library.problems else "served"


@click.command(name="show")
@click.argument("name", metavar="LIBRARY")
@json_option
@pass_installation
def show_library(installation: Installation, name: str, as_json: bool) -> None:
    """Show the settings of a library with their sources.

    All defaults are shown, and the file and line of each value. LIBRARY is a short name or a symbol. Secrets are shown
    as references, such as env:NAME.
    """
    settings = installation.settings
    try:
        library = settings.find_library(name)
    except KeyError:
        raise CommandFailed(f"library not found: {name}; `illgate library list` lists them") from None
    index = settings.libraries.index(library)
    libraries = dump_settings(settings)[LIBRARIES]
    assert isinstance(libraries, list)
    if as_json:
        print_json(libraries[index])
        return
    click.echo(format_yaml_with_sources(libraries[index], cut_section(settings.document, (LIBRARIES, index))), nl=False)
    for problem in library.problems:
        click.echo(f"held back: {problem}", err=True)


COMMANDS = (add_library, list_libraries, show_library)


def make_library_command(own: click.Command | None) -> click.Group:
    """The group of these commands, and of those that the library system has, `own`."""
    group = own if isinstance(own, click.Group) else click.Group("library")
    ours = {command.name: command for command in COMMANDS if command.name}
    summary = group.help or "Add, list and show the libraries of the installation."
    return click.Group(
        "library", {**group.commands, **ours}, params=group.params, callback=group.callback, help=summary
    )
