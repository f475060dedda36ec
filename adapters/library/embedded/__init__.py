"""The library that is built in: patrons, catalogue and circulation in the gateway's own store."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.library.embedded import commands, desk_commands, sample, temporary_commands
from adapters.library.embedded.setup_file import EmbeddedOptions
from adapters.library.embedded.system import EmbeddedLibrary, open_embedded
from gateway.ports.adapter import LibraryAdapter
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import SchemaMigrations

__all__ = ["EmbeddedLibrary", "EmbeddedOptions", "adapter", "migrations"]

migrations = SchemaMigrations("embedded library", Path(__file__).parent / "migrations", "embedded_schema")


@click.group(name="library")
@click.option("--library", "symbol", default="", metavar="SYMBOL", help="Library, if the installation has several.")
@click.pass_context
def command(ctx: click.Context, symbol: str) -> None:
    """Show and edit the embedded library.

    \b
    Examples:
      illgate library items --status on-loan
      illgate library item 39000000000011
      illgate library check-in 39000000000011 --at MAIN
      illgate library import marc catalogue.mrc
    """
    ctx.meta["library"] = symbol


for subcommand in (
    *commands.COMMANDS,
    *desk_commands.COMMANDS,
    desk_commands.import_group,
    temporary_commands.temporary_group,
):
    command.add_command(subcommand)


adapter = LibraryAdapter(
    name="embedded",
    options=EmbeddedOptions,
    open=open_embedded,
    migrations=migrations,
    command=command,
    sample=sample.create_sample,
    ways=dict.fromkeys(Capability, "yes"),
)
