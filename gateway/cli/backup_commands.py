"""`illgate backup` and `illgate restore`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli.formatting import format_local_time, print_lines
from gateway.cli.installation import Installation, pass_installation
from gateway.configuration.yaml_document import display_path
from gateway.ports.command_output import json_option, print_json
from gateway.runtime.database_backup import back_up_database, complete_restore, prepare_restore, require_sqlite_file
from gateway.store.database_copy import DatabaseContents

DEFAULT_KEEP = 14


@click.command(name="backup")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--keep", type=click.IntRange(1), default=DEFAULT_KEEP, show_default=True, help="Keep this many backups in DIR."
)
@json_option
@pass_installation
def backup_command(installation: Installation, folder: Path | None, keep: int, as_json: bool) -> None:
    """Copy the SQLite database into DIR while the daemon runs, check the copy, and show what it contains.

    DIR is by default the folder store.backups in gateway.yml. The backup contains patron data and is readable only by
    you. Also keep gateway.yml, requests.yml, partners/, profiles/ and the files of secrets.

    \b
    Examples:
      illgate backup /var/backups/illgate
      illgate backup --keep 30
    """
    settings = installation.settings
    database = require_sqlite_file(installation.store_parts)
    if folder is None and not settings.store.backups:
        raise click.UsageError("DIR is required, or store.backups in gateway.yml")
    target = folder or settings.folder / settings.store.backups
    file, contents = back_up_database(database, target, keep, installation.clock.now())
    if as_json:
        print_json({"file": str(file), "contents": contents})
        return
    click.echo(display_path(file))
    print_lines(_describe_contents(installation, contents))


@click.command(name="restore")
@click.argument("backup", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check FILE and show what it contains; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_installation
def restore_command(installation: Installation, backup: Path, dry_run: bool, yes: bool) -> None:
    """Put a backup of the SQLite database in the place of the current one.

    Stop the daemon first. FILE is checked and shown before anything is changed. A backup of a newer release is
    rejected; one of an older release must be upgraded afterwards. The current database is kept beside the restored
    one, under a name with `before-restore`.

    \b
    Examples:
      illgate restore --dry-run /var/backups/illgate/illgate-20260301T021500Z.db
      illgate restore /var/backups/illgate/illgate-20260301T021500Z.db
    """
    asyncio.run(_restore_backup(installation, backup, dry_run, yes))


async def _restore_backup(installation: Installation, backup: Path, dry_run: bool, yes: bool) -> None:
    database = require_sqlite_file(installation.store_parts)
    async with prepare_restore(installation.store_parts, backup) as prepared:
        click.echo(f"{display_path(backup)}: checked")
        print_lines(_describe_contents(installation, prepared.contents))
        if dry_run:
            return
        if not yes:
            click.confirm(f"Replace {display_path(database)} by this backup?", abort=True)
        former = complete_restore(database, prepared, installation.clock.now())
    if former is not None:
        click.echo(f"{display_path(former)}: the database as it was before")
    click.echo(f"{display_path(database)}: restored")
    if prepared.is_older:
        click.echo("It is of an older release: run `illgate upgrade`.")


def _describe_contents(installation: Installation, contents: DatabaseContents) -> Iterator[str]:
    newest = contents.newest
    zone = installation.settings.libraries[0].zone
    facts = {
        "size": f"{contents.bytes / 1e6:.1f} MB",
        "revision": contents.revision,
        "libraries": ", ".join(contents.libraries) or "none yet",
        **{name: str(count) for name, count in contents.counts.items()},
        "newest message": format_local_time(newest, zone) if newest is not None else "none",
    }
    for name, text in facts.items():
        yield f"  {name + ':':<20}{text}"
