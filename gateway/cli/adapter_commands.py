"""`illgate adapters list` and `new`: what is plugged in, and the package that one's own adapter begins with."""

from __future__ import annotations

import re
from pathlib import Path

import click

from gateway.adapter_registry import list_installed_adapters
from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import CommandFailed
from gateway.configuration.yaml_document import display_path
from gateway.ports.command_output import json_option, print_json_lines
from gateway.profiles.shipped import find_shipped_folder

SAMPLE = Path("tests", "packages", "ledger")
"""The package of docs/adding-a-library-system.md, in the folder of shipped files."""


@click.group(name="adapters")
def adapters_command() -> None:
    """List installed adapters, or begin one of your own."""


@adapters_command.command(name="list")
@json_option
def list_adapters(as_json: bool) -> None:
    """List all adapters with their kind and the package that brings each. An adapter that cannot be loaded is listed
    with the reason.

    The names are used in `system.type`, as sections of profiles, and as channels of partners.
    """
    adapters = list_installed_adapters()
    if as_json:
        print_json_lines(adapters)
        return
    rows = [(adapter.name, adapter.kind, adapter.package, adapter.problem) for adapter in adapters]
    print_lines(format_table([("NAME", "KIND", "PACKAGE", ""), *rows]))


@adapters_command.command(name="new")
@click.argument("name")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="New folder for the package. Default: illgate-NAME.",
)
def write_new_adapter(name: str, folder: Path | None) -> None:
    """Write a working adapter for a library system, to start from.

    NAME is its `system.type`: lower-case letters and digits. The adapter is a package of its own. It keeps patrons,
    items and loans in a JSON file; replace this by calls of your system. The README describes how to install and test
    it. Nothing is installed.

    \b
    Examples:
      illgate adapters new aurora
      illgate adapters new aurora --to ~/src/aurora
    """
    if not re.fullmatch("[a-z][a-z0-9]*", name):
        raise CommandFailed(f"{name}: the name has other characters than lower-case letters and digits")
    if any(adapter.name == name for adapter in list_installed_adapters()):
        raise CommandFailed(f"{name}: an adapter with this name is installed; see illgate adapters list")
    folder = folder or Path(f"illgate-{name}")
    if folder.exists():
        raise CommandFailed(f"{display_path(folder)}: exists; name a new folder with --to")
    sample = find_shipped_folder() / SAMPLE
    for source in sorted(sample.rglob("*.*")):
        if source.is_file() and "__pycache__" not in source.parts:
            target = folder / _rename(str(source.relative_to(sample)), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_rename(source.read_text("utf-8"), name), "utf-8")
            click.echo(display_path(target))


def _rename(text: str, name: str) -> str:
    """Put the name where the sample has its own, in lower case, in capitals, or as the beginning of a class."""
    for own, new in (("ledger", name), ("LEDGER", name.upper()), ("Ledger", name.capitalize())):
        text = text.replace(own, new)
    return text
