"""`illgate peer-key make|list|retire`: keys by which our messages are signed for partners' systems."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import click

from gateway.cli.formatting import format_local_time, format_table, print_lines
from gateway.cli.installation import (
    CommandFailed,
    Installation,
    library_option,
    pass_installation,
    require_library,
    staff_option,
)
from gateway.ports.command_output import json_option, print_json_lines
from gateway.services.exchange.peer_keys import (
    KEY_SET_PATH,
    PUBLISHED_BEFORE_SIGNING,
    PeerKeyService,
    choose_signing_key,
)
from gateway.settings import LibrarySettings
from gateway.store.peer_keys import PeerKeyRow

T = TypeVar("T")


@click.group(name="peer-key")
def peer_key_command() -> None:
    """Manage the keys that sign our messages to partners' systems (peer_authentication.ours in a profile).

    The public keys are published at /.well-known/jwks.json; the private keys are stored in the database. To replace a
    key, create a new one, wait until `list` shows that it signs, and retire the old one a day later.
    """


@peer_key_command.command(name="make")
@library_option
@staff_option
@pass_installation
def make_peer_key(installation: Installation, symbol: str, actor: str) -> None:
    """Create and publish a key of a library. The first key is used immediately, later ones after one hour.

    \b
    Examples:
      illgate peer-key make
      illgate peer-key make --library CLK --as r.okafor
    """
    library = require_library(installation, symbol)

    async def make_and_list(service: PeerKeyService) -> tuple[PeerKeyRow, tuple[PeerKeyRow, ...]]:
        return await service.make_key(actor), await service.list_keys()

    made, rows = _run_on_keys(installation, library, make_and_list)
    click.echo(made.kid)
    click.echo(f"published at {installation.settings.http.public_url or 'http://HOST:PORT'}{KEY_SET_PATH}", err=True)
    begins = "now" if len(rows) == 1 else format_local_time(made.created + PUBLISHED_BEFORE_SIGNING, library.zone)
    click.echo(f"signs from: {begins}", err=True)


@peer_key_command.command(name="list")
@library_option
@json_option
@pass_installation
def list_peer_keys(installation: Installation, symbol: str, as_json: bool) -> None:
    """List the keys of a library, oldest first. The key in use is marked."""
    library = require_library(installation, symbol)
    rows = _run_on_keys(installation, library, lambda service: service.list_keys())
    now = installation.clock.now()
    signing = choose_signing_key(rows, now)
    if as_json:
        print_json_lines({"kid": row.kid, "created": row.created, "signs": row == signing} for row in rows)
        return
    if not rows:
        click.echo("no keys; create one with `illgate peer-key make`")
        return
    table = [
        (row.kid, format_local_time(row.created, library.zone), _describe_use(row, signing, now, rows)) for row in rows
    ]
    print_lines(format_table([("KEY", "MADE", "USE"), *table]))


def _describe_use(row: PeerKeyRow, signing: PeerKeyRow | None, now: datetime, rows: tuple[PeerKeyRow, ...]) -> str:
    if row == signing:
        return "signs"
    is_newer = signing is not None and rows.index(row) > rows.index(signing)
    if not is_newer:
        return "published only"
    minutes = int((row.created + PUBLISHED_BEFORE_SIGNING - now).total_seconds() / 60) + 1
    return f"signs in {minutes} min"


@peer_key_command.command(name="retire")
@click.argument("kid", metavar="KEY")
@library_option
@staff_option
@pass_installation
def retire_peer_key(installation: Installation, kid: str, symbol: str, actor: str) -> None:
    """Delete a key. It is no longer used or published. KEY is the ID shown by `list`."""
    library = require_library(installation, symbol)

    async def retire_and_list(service: PeerKeyService) -> tuple[bool, tuple[PeerKeyRow, ...]]:
        return await service.retire_key(kid, actor), await service.list_keys()

    is_retired, rows = _run_on_keys(installation, library, retire_and_list)
    if not is_retired:
        raise CommandFailed(f"no such key: {kid}")
    signing = choose_signing_key(rows, installation.clock.now())
    click.echo(f"retired: {kid}")
    click.echo(f"key in use: {signing.kid if signing is not None else 'none'}")


def _run_on_keys(
    installation: Installation, library: LibrarySettings, work: Callable[[PeerKeyService], Awaitable[T]]
) -> T:
    async def open_and_run() -> T:
        async with installation.open_library_store(library) as store:
            return await work(PeerKeyService(store))

    return asyncio.run(open_and_run())
