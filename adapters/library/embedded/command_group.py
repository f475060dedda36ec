"""The group `illgate library` of an embedded library."""

from __future__ import annotations

import click

from adapters.library.embedded import commands, desk_commands, temporary_commands


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
