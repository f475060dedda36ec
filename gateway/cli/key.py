"""`illgate key create|list|revoke`."""

from __future__ import annotations

import asyncio

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.exits import REFUSED
from gateway.cli.opened import library_named
from gateway.cli.texts import local_time, table
from gateway.services.api_keys import SCOPES, ApiKeys, NewKey, Scope
from gateway.settings import LibrarySettings
from gateway.store.api.keys import KeyRow

_LIBRARY = click.option(
    "--library", "symbol", default="", metavar="SYMBOL", help="Of this library, where there are several."
)


@click.group(name="key")
def key_command() -> None:
    """Make, list and revoke keys for the JSON API.

    A key is shown once, when it is made; only a keyed hash of it is kept.
    """


@key_command.command(name="create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key allows; say it several times for several.",
)
@_LIBRARY
@pass_installation
def create(installation: Installation, name: str, scopes: tuple[str, ...], symbol: str) -> None:
    """Make a key. NAME says who uses it; it stands in the history of what is done with it.

    \b
    Examples:
      illgate key create portal --scope patron
      illgate key create desk --scope requests:read --scope requests:write --scope tasks:read
    """
    if not name.isprintable() or not name.strip() or len(name) > 100:
        raise click.BadParameter("must be 1 to 100 printable characters", param_hint="NAME")
    library = library_named(installation, symbol)
    made = asyncio.run(_create(installation, library, name.strip(), scopes))
    click.echo(made.key)
    click.echo(f"{made.row.prefix}: {', '.join(made.row.scopes)} for {library.symbol}; it is not shown again", err=True)


async def _create(installation: Installation, library: LibrarySettings, name: str, scopes: tuple[str, ...]) -> NewKey:
    async with installation.store() as store:
        return await ApiKeys(store, installation.clock).create(library.symbol, name, [Scope(one) for one in scopes])


@key_command.command(name="list")
@_LIBRARY
@pass_installation
def list_(installation: Installation, symbol: str) -> None:
    """All keys of a library, oldest first: prefix, name, scopes, when they were made and last used."""
    library = library_named(installation, symbol)
    rows = asyncio.run(_list(installation, library))
    if not rows:
        click.echo("no keys; `illgate key create NAME --scope …` makes one")
        return
    heading = ("PREFIX", "NAME", "SCOPES", "CREATED", "LAST USED", "")
    for line in table([heading, *(_row(row, library) for row in rows)]):
        click.echo(line)


def _row(row: KeyRow, library: LibrarySettings) -> tuple[str, ...]:
    zone = library.zone
    used = local_time(row.last_used, zone) if row.last_used else "never"
    revoked = f"revoked {local_time(row.revoked, zone)}" if row.revoked else ""
    return row.prefix, row.name, ",".join(row.scopes), local_time(row.created, zone), used, revoked


async def _list(installation: Installation, library: LibrarySettings) -> tuple[KeyRow, ...]:
    async with installation.store() as store:
        return await ApiKeys(store, installation.clock).of_library(library.symbol)


@key_command.command(name="revoke")
@click.argument("prefix")
@_LIBRARY
@click.pass_context
def revoke(ctx: click.Context, prefix: str, symbol: str) -> None:
    """End a key: from now on it opens nothing. PREFIX is the part between the underscores, as `list` shows it."""
    installation = ctx.find_object(Installation)
    assert installation is not None
    library = library_named(installation, symbol)
    if not asyncio.run(_revoke(installation, library, prefix)):
        click.echo(f"no such key, or it is revoked already: {prefix}", err=True)
        ctx.exit(REFUSED)
    click.echo(f"revoked: {prefix}")


async def _revoke(installation: Installation, library: LibrarySettings, prefix: str) -> bool:
    async with installation.store() as store:
        return await ApiKeys(store, installation.clock).revoke(library.symbol, prefix)


@key_command.command(name="scopes")
def scopes() -> None:
    """What each scope allows."""
    for line in table([("SCOPE", "ALLOWS"), *((scope.value, says) for scope, says in SCOPES.items())]):
        click.echo(line)
