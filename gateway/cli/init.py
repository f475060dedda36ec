"""`illgate init`: a new installation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import click

import gateway
from gateway.cli.context import Installation
from gateway.cli.exits import REFUSED
from gateway.configuration.source import shown
from gateway.policies import POLICY_FILE as POLICY
from gateway.settings import FILE

STORE = "sqlite:///data/illgate.db"
"""Where gateway.yml as it is shipped keeps its data."""


@click.command(name="init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--empty", is_flag=True, help="Without the sample library.")
@click.option(
    "--store",
    "store_url",
    default="",
    metavar="URL",
    help="Keep everything there, such as postgresql://USER@HOST/NAME, instead of in a file in DIR.",
)
@click.option("--force", is_flag=True, help="Overwrite settings and shipped profiles that are there already.")
@click.pass_context
def init_command(ctx: click.Context, folder: Path, empty: bool, store_url: str, force: bool) -> None:
    """Make a new installation in DIR: gateway.yml, requests.yml, profiles/, and the database with a sample library.

    A database that is there already is kept, and brought up to date; a library with data gets no sample.

    \b
    Examples:
      illgate init demo             a demonstration with a sample library
      illgate init --empty /srv/ill for a library that brings its own data
      illgate init demo --store postgresql://illgate@db.library.example/illgate
    """
    files = dict(_files(folder, store_url))
    changed = [target for target, body in files.items() if target.exists() and target.read_bytes() != body]
    if changed and not force:
        for target in changed:
            click.echo(f"{shown(target)}: there already, and different; --force overwrites it", err=True)
        ctx.exit(REFUSED)
    for target, body in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    click.echo(f"{shown(folder / FILE)}, {POLICY} and {len(files) - 2} files in {shown(folder / 'profiles')}")
    asyncio.run(_make_store(Installation(folder / FILE), empty))
    click.echo(f"\nNext: illgate --config {shown(folder / FILE)} serve")


def shipped() -> Path:
    """The folder with gateway.yml, requests.yml and profiles/ as shipped: in a wheel, or else in the source tree."""
    package = Path(gateway.__file__).parent
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def _files(folder: Path, store_url: str) -> Iterator[tuple[Path, bytes]]:
    source = shipped()
    settings = (source / FILE).read_text(encoding="utf-8")
    if store_url:
        assert STORE in settings, f"gateway.yml as shipped keeps its data in {STORE}"
        settings = settings.replace(STORE, json.dumps(store_url), 1)  # quoted: a URL may hold what YAML reads otherwise
    yield folder / FILE, settings.encode("utf-8")
    yield folder / POLICY, (source / POLICY).read_bytes()
    for file in sorted((source / "profiles").iterdir()):
        if file.suffix in (".yml", ".json"):
            yield folder / "profiles" / file.name, file.read_bytes()


async def _make_store(installation: Installation, empty: bool) -> None:
    parts = installation.parts
    file = parts.database
    fresh = file is not None and not file.exists()
    parts.make_database()
    async with installation.store() as store:
        if file is not None:
            click.echo(f"{shown(file)}: {'made' if fresh else 'kept'}")
        else:
            click.echo(f"{installation.settings.store.url}: brought up to date")
        if empty or (file is not None and not fresh):
            return
        for library in installation.settings.libraries:
            sample = parts.adapter_of(library).sample
            if sample is None:
                click.echo(f"library {library.symbol}: its system ({library.system.type}) has no sample data")
                continue
            click.echo(f"library {library.symbol}: making the sample library …")
            click.echo(await sample(parts.context_of(library, store)))
