"""`illgate library add|list|show|close`: the libraries of an installation, beside commands of the library system."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import CommandFailed, Installation, pass_installation
from gateway.configuration import file_replacement
from gateway.configuration.yaml_document import cut_section, display_path
from gateway.domain.problems import ConfigurationError
from gateway.ports.command_output import json_option, print_json, print_json_lines
from gateway.profiles.effective import dump_settings, format_yaml_with_sources
from gateway.runtime.added_libraries import (
    AddedLibrary,
    plan_library_files,
    read_library_table,
    set_library_state,
    write_library_files,
)
from gateway.settings import (
    LIBRARIES,
    LIBRARY_FILE,
    LibrarySettings,
    Settings,
    read_settings_file,
    settings_of_document,
)
from gateway.store.requests.requests import count_open_of_library


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
    If something is wrong with one of the libraries, no file is written. A running daemon serves them at once.

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
    """List the libraries and their state: open, closing, closed or held back."""
    libraries = installation.settings.libraries
    if as_json:
        print_json_lines(
            {
                "short": library.short_name,
                "symbol": library.symbol,
                "name": library.name,
                "system": library.system.type,
                "state": library.state,
                "problems": [str(problem) for problem in library.problems],
            }
            for library in libraries
        )
        return
    rows = [
        (library.short_name, library.symbol, library.system.type, _describe_state(library), library.name)
        for library in libraries
    ]
    print_lines(format_table([("SHORT", "SYMBOL", "SYSTEM", "STATE", "NAME"), *rows]))


def _describe_state(library: LibrarySettings) -> str:
    return "held back" if library.problems else library.state


def _find_library(settings: Settings, name: str) -> LibrarySettings:
    """Find a library; raises CommandFailed."""
    try:
        return settings.find_library(name)
    except KeyError:
        raise CommandFailed(f"library not found: {name}; `illgate library list` lists them") from None


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
    library = _find_library(settings, name)
    index = settings.libraries.index(library)
    libraries = dump_settings(settings)[LIBRARIES]
    assert isinstance(libraries, list)
    if as_json:
        print_json(libraries[index])
        return
    click.echo(format_yaml_with_sources(libraries[index], cut_section(settings.document, (LIBRARIES, index))), nl=False)
    for problem in library.problems:
        click.echo(f"held back: {problem}", err=True)


@click.command(name="close")
@click.argument("name", metavar="LIBRARY")
@click.option("--dry-run", is_flag=True, help="Show the open requests without changing the file.")
@json_option
@pass_installation
def close_library(installation: Installation, name: str, dry_run: bool, as_json: bool) -> None:
    """Close a library in two steps: it takes no new requests, and when none is open it is not served any more.

    The first call sets `state: closing` in its library.yml. Call it again when no request is open: it sets `state:
    closed`. Its data are kept, and lists of commands show them. To open it again, set `state: open`. A running daemon
    applies each step.

    \b
    Examples:
      illgate library close lib13 --dry-run
      illgate library close lib13
    """
    library = _find_library(installation.settings, name)
    if library.problems:
        raise ConfigurationError(library.problems)

    async def count_open() -> int:
        async with installation.open_library_store(library) as rows:
            return await rows.store.read(lambda c: count_open_of_library(c, library.symbol))

    count = asyncio.run(count_open())
    state = "closed" if library.state != "open" and not count else "closing"
    if not dry_run and state != library.state:
        _write_state(installation, library, state)
    if as_json:
        print_json({"short": library.short_name, "symbol": library.symbol, "state": state, "open_requests": count})
        return
    was = f"{library.state} -> {state}" if state != library.state else state
    click.echo(f"{library.short_name}: {was}{' (dry run)' if dry_run else ''}; open requests: {count}")


def _write_state(installation: Installation, library: LibrarySettings, state: str) -> None:
    """Write the state into the library's own file, if settings are right with it. Raises ConfigurationError, OSError,
    CommandFailed."""
    if not library.folder:
        raise CommandFailed(
            f"set `state: {state}` of {library.symbol} in gateway.yml; only a library.yml is written here"
        )
    file = installation.config.parent / library.folder / LIBRARY_FILE
    before = file.read_bytes()
    text = set_library_state(before.decode("utf-8-sig"), state)
    document = read_settings_file(installation.config, {file: text})
    _require_no_problems(
        settings_of_document(document, installation.config, installation.adapters), {library.short_name}
    )
    waiting = file_replacement.write_beside(file, before, text.encode())
    try:
        waiting.replace_file()
    finally:
        waiting.remove_waiting_file()


COMMANDS = (add_library, list_libraries, show_library, close_library)


def make_library_command(own: click.Command | None) -> click.Group:
    """The group of these commands, and of those that the library system has, `own`."""
    group = own if isinstance(own, click.Group) else click.Group("library")
    ours = {command.name: command for command in COMMANDS if command.name}
    summary = group.help or "Add, list, show and close the libraries of the installation."
    return click.Group(
        "library", {**group.commands, **ours}, params=group.params, callback=group.callback, help=summary
    )
