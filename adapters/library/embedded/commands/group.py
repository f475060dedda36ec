"""The group `illgate library`."""

from __future__ import annotations

import click

from adapters.library.embedded.commands import desk, imports, show


@click.group(name="library")
@click.option("--library", "symbol", default="", metavar="SYMBOL", help="Which library, where there are several.")
@click.pass_context
def command(ctx: click.Context, symbol: str) -> None:
    """Look into the embedded library and work at its desk.

    \b
    Examples:
      illgate library items --status on-loan
      illgate library item 39000000000011
      illgate library check-in 39000000000011 --at MAIN
      illgate library import marc catalogue.mrc
    """
    ctx.meta["library"] = symbol


for _each in (*show.COMMANDS, *desk.COMMANDS, imports.imports):
    command.add_command(_each)
