"""`illgate init`: a new installation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click

import gateway
from gateway.cli.context import Installation
from gateway.cli.exits import REFUSED
from gateway.configuration.source import shown
from gateway.settings import FILE


@click.command
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--empty", is_flag=True, help="Without the sample library.")
@click.option("--force", is_flag=True, help="Overwrite settings and shipped profiles that are there already.")
@click.pass_context
def command(ctx: click.Context, folder: Path, empty: bool, force: bool) -> None:
    """Make a new installation in DIR: gateway.yml, profiles/, and the database with a sample library.

    A database that is there already is kept, and brought up to date.

    \b
    Examples:
      illgate init demo             a demonstration with a sample library
      illgate init --empty /srv/ill for a library that brings its own data
    """
    files = dict(_files(folder))
    changed = [target for target, body in files.items() if target.exists() and target.read_bytes() != body]
    if changed and not force:
        for target in changed:
            click.echo(f"{shown(target)}: there already, and different; --force overwrites it", err=True)
        ctx.exit(REFUSED)
    for target, body in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    click.echo(f"{shown(folder / FILE)} and {len(files) - 1} files in {shown(folder / 'profiles')}")
    asyncio.run(_make_store(Installation(folder / FILE), empty))
    click.echo(f"\nNext: illgate --config {shown(folder / FILE)} serve")


def shipped() -> Path:
    """The folder with gateway.yml and profiles/ as they are shipped: in a wheel, or else in the source tree."""
    package = Path(gateway.__file__).parent
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    source = shipped()
    yield folder / FILE, (source / FILE).read_bytes()
    for file in sorted((source / "profiles").iterdir()):
        if file.suffix in (".yml", ".json"):
            yield folder / "profiles" / file.name, file.read_bytes()


async def _make_store(installation: Installation, empty: bool) -> None:
    file = installation.database
    fresh = file is not None and not file.exists()
    if file is not None and fresh:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # it names patrons
    async with installation.store() as store:
        click.echo(f"{shown(file) if file else installation.settings.store.url}: {'made' if fresh else 'kept'}")
        if empty or not fresh:
            return
        for library in installation.settings.libraries:
            sample = installation.adapter_of(library).sample
            if sample is None:
                click.echo(f"library {library.symbol}: its system ({library.system.type}) has no sample data")
                continue
            click.echo(f"library {library.symbol}: making the sample library …")
            click.echo(await sample(installation.context_of(library, store)))
