"""`illgate init`, `upgrade`, `serve` and `key`: making, running and opening an installation."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click

from gateway.cli.daemon_process import serve_until_stopped
from gateway.cli.formatting import format_local_time, format_table, print_lines
from gateway.cli.installation import (
    REFUSED,
    Installation,
    pass_installation,
    require_library,
    staff_option,
)
from gateway.configuration.yaml_document import display_path
from gateway.policies import POLICY_FILE
from gateway.ports.command_output import json_option, print_json_lines
from gateway.ports.shared_store import Store
from gateway.profiles.shipped import find_shipped_folder, list_sample_partners
from gateway.runtime.daemon import Daemon
from gateway.runtime.database_setup import create_database, upgrade_database
from gateway.runtime.file_changes import (
    COPY_PREFIX,
    UNDONE_PREFIX,
    FileChange,
    apply_changes,
    copy_files,
    find_copy,
    plan_way_back,
)
from gateway.runtime.file_upgrade import FileUpgrade
from gateway.runtime.logs import set_up_logging
from gateway.services.people.api_keys import SCOPES, ApiKeyService, KeyScope, NewKey
from gateway.settings import FILE, LibrarySettings, read_settings_file
from gateway.settings.sections import SYMBOL_PATTERN
from gateway.store.api_access import ApiKeyRow
from gateway.store.journal_queries import list_profiles

SHIPPED_VALUES = {
    "symbol": "  - symbol: DEMO ",
    "name": "    name: Demonstration Library ",
    "port": "  port: 8080 ",
    "store_url": "  url: sqlite:///data/illgate.db ",
}
"""Lines of gateway.yml as it is shipped that options of `init` change, up to the comment: each stands there once."""


class SampleData(Enum):
    """The content of a new database: nothing, a sample library, or its requests of two years too."""

    NONE = "none"
    LIBRARY = "library"
    REQUESTS = "requests"


MESSAGES_AT_ONCE = 10_000
"""Of the journal, while others use the database."""

MAX_KEY_DAYS = 3660
"""Ten years; a key for longer is one that doesn't expire."""

_LIBRARY = click.option(
    "--library", "symbol", default="", metavar="SYMBOL", help="Library, if the installation has several."
)


@click.command(name="init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--empty", is_flag=True, help="Do not create sample data.")
@click.option(
    "--sample-requests",
    is_flag=True,
    help="Also create made-up requests of the last two years, to try statistics and lists. Takes up to a minute.",
)
@click.option(
    "--store",
    "store_url",
    default="",
    callback=lambda _ctx, _param, value: _check_store_url(value),
    metavar="URL",
    help="Database URL, such as postgresql://USER@HOST/NAME. Default: an SQLite file in DIR. Give the password in "
    "PGPASSWORD for this command and in store.password of gateway.yml afterwards.",
)
@click.option(
    "--symbol",
    callback=lambda _ctx, _param, value: _check_symbol(value),
    metavar="SYMBOL",
    help="Agency ID of the library, such as ISIL:CH-000042-7. Default: DEMO. It cannot be changed later.",
)
@click.option(
    "--name",
    callback=lambda _ctx, _param, value: _check_name(value),
    metavar="NAME",
    help="Name of the library, as shown to partners and staff.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="HTTP port. Default: 8080; 0: any free port.")
@click.option("--force", is_flag=True, help="Overwrite existing settings and partners of the sample.")
@click.pass_context
def init_command(
    ctx: click.Context,
    /,
    folder: Path | None,
    empty: bool,
    sample_requests: bool,
    force: bool,
    **options: str | int | None,
) -> None:
    """Create an installation in DIR: gateway.yml, requests.yml, partners/, and a database with sample data.

    The profiles of known systems are part of the program: `illgate profile list --shipped` shows them, and a file in
    partners/ extends one. The sample has a few partners; --empty has none.

    Without DIR: create only the database of the installation that --config names. An existing database is kept as it
    is.

    \b
    Examples:
      illgate init demo             a demonstration with a sample library
      illgate init --sample-requests demo
      illgate init --empty /srv/ill for a library with data of its own
      illgate init --empty --symbol FJORDBY --name "Fjordby bibliotek" --port 8081 fjordby
      illgate init demo --store postgresql://illgate@db.library.example/illgate
      illgate --config /srv/illgate/gateway.yml init --empty
    """
    if empty and sample_requests:
        raise click.UsageError("--empty and --sample-requests exclude each other")
    sample = SampleData.NONE if empty else SampleData.REQUESTS if sample_requests else SampleData.LIBRARY
    chosen = {key: value for key, value in options.items() if value not in (None, "")}
    if folder is None:
        if chosen or force:
            raise click.UsageError(
                "without DIR only --empty or --sample-requests can be given: gateway.yml defines the rest"
            )
        installation = ctx.find_object(Installation)
        assert installation is not None
        asyncio.run(_make_store(installation, sample))
        return
    files = dict(_iter_new_files(folder, chosen, empty))
    changed = [target for target, body in files.items() if target.exists() and target.read_bytes() != body]
    if changed and not force:
        for target in changed:
            click.echo(f"{display_path(target)}: exists and differs; use --force to overwrite it", err=True)
        ctx.exit(REFUSED)
    for target, body in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    partners = folder / "partners"
    partners.mkdir(exist_ok=True)
    names = ", ".join(sorted(file.stem for file in partners.glob("*.yml")))
    click.echo(f"{display_path(folder / FILE)}, {POLICY_FILE}; partners in {display_path(partners)}: {names or 'none'}")
    asyncio.run(_make_store(Installation(folder / FILE), sample))
    click.echo(f"\nNext: illgate --config {display_path(folder / FILE)} serve")


def _check_store_url(url: str) -> str:
    if urlsplit(url).password:
        raise click.BadParameter(
            "do not put a password in the URL: use PGPASSWORD for this command, and store.password"
        )
    return url


def _check_symbol(symbol: str | None) -> str | None:
    if symbol is not None and not re.fullmatch(SYMBOL_PATTERN, symbol):
        raise click.BadParameter("must consist of letters, digits and : . _ - and begin with a letter or digit")
    return symbol


def _check_name(name: str | None) -> str | None:
    if name is not None and not (name.strip() and name.isprintable()):
        raise click.BadParameter("must be printable characters in one line")
    return name and name.strip()


def _iter_new_files(folder: Path, values: Mapping[str, str | int | None], empty: bool) -> Iterator[tuple[Path, bytes]]:
    """`values`: by key of SHIPPED_VALUES, what stands in gateway.yml instead. `empty`: without the sample."""
    source = find_shipped_folder()
    settings = (source / FILE).read_text(encoding="utf-8")
    for key, value in values.items():
        settings = _replace_shipped_value(settings, SHIPPED_VALUES[key], value)
    yield folder / FILE, settings.encode("utf-8")
    yield folder / POLICY_FILE, (source / POLICY_FILE).read_bytes()
    for file in sorted((source / "profiles").glob("*.json")):  # schemas, for editors
        yield folder / "profiles" / file.name, file.read_bytes()
    for file in () if empty else list_sample_partners():
        yield folder / "partners" / file.name, file.read_bytes()


def _replace_shipped_value(settings: str, shipped: str, value: str | int | None) -> str:
    """The comment behind it stays in its column where there is room."""
    before, match, after = settings.partition("\n" + shipped)
    assert match, f"gateway.yml as shipped has a line {shipped!r}"
    key = shipped[: shipped.index(": ") + 2]
    text = json.dumps(value, ensure_ascii=False)  # quoted: YAML reads some texts otherwise, such as NO or 1e3
    blanks = len(after) - len(after.lstrip(" "))
    line = f"{key}{text} ".ljust(len(shipped) + blanks)
    return f"{before}\n{line}{after[blanks:]}"


async def _make_store(installation: Installation, wanted: SampleData) -> None:
    parts = installation.parts
    is_new = await create_database(parts)
    async with installation.open_current_store() as store:
        name = display_path(parts.database) if parts.database is not None else installation.settings.store.url
        click.echo(f"{name}: {'created' if is_new else 'kept'}")
        if wanted is SampleData.NONE or (parts.database is not None and not is_new):
            return
        for library in installation.settings.served_libraries:
            sample = parts.adapter_of(library).sample
            if sample is None:
                click.echo(f"library {library.symbol}: the library system ({library.system.type}) has no sample data")
                continue
            click.echo(f"library {library.symbol}: creating sample data …")
            click.echo(await sample(parts.library_context(library, store)))
    if wanted is SampleData.REQUESTS:
        await _make_sample_requests(installation)


async def _make_sample_requests(installation: Installation) -> None:
    from gateway.cli.managed_requests import open_managed_requests
    from gateway.services.requests.sample_requests import create_sample_requests

    async with open_managed_requests(installation) as managed:
        for symbol, context in managed.contexts.items():
            click.echo(f"library {symbol}: creating sample requests …")
            number = await create_sample_requests(context)
            click.echo(f"{number} requests" if number else "it has requests already; none were added")


@click.command(name="upgrade")
@click.option("--files", is_flag=True, help="Upgrade the files of profiles, partners and libraries instead.")
@click.option("--dry-run", is_flag=True, help="With --files: only show what would be done.")
@click.option("--undo", is_flag=True, help="With --files: put the files of the newest copy back.")
@pass_installation
def upgrade_command(installation: Installation, files: bool, dry_run: bool, undo: bool) -> None:
    """Upgrade a database that an older release used, or its files.

    `illgate serve` does the same with the database when it starts. An SQLite file is copied first, and no daemon can
    use it during the upgrade. With PostgreSQL, nodes of the older release finish their work in progress and start
    nothing new.

    With --files: partners move from profiles/ to partners/, and unchanged copies of shipped profiles are removed, since
    the program has them; those in use become partners. Of several libraries in gateway.yml, each moves to
    libraries/SHORT/library.yml, with rules, letters and secrets of its own. All partners and libraries keep their
    values. A copy of the files is kept beside gateway.yml.

    \b
    Examples:
      illgate upgrade
      illgate upgrade --files --dry-run
      illgate upgrade --files
      illgate upgrade --files --undo
    """
    if files:
        _upgrade_files(installation, dry_run, undo)
    elif dry_run or undo:
        raise click.UsageError("--dry-run and --undo are for --files")
    else:
        asyncio.run(_upgrade_store(installation))


def _upgrade_files(installation: Installation, dry_run: bool, undo: bool) -> None:
    settings = installation.settings
    copy = find_copy(settings)
    if undo and copy is None:
        raise click.UsageError("there is no copy from before an upgrade")
    if undo and copy is not None:
        click.echo(f"{display_path(copy)}: the files as they were")
        changes = plan_way_back(settings, copy)
    else:
        changes = asyncio.run(_plan_file_upgrade(installation))
    for change in changes:
        click.echo(f"{display_path(change.file)}: {change.sentence}")
    texts = [file for change in changes for file in change.texts]
    if not texts:
        click.echo("Nothing to do: the files are in the present layout." if not undo else "Nothing to do.")
    elif dry_run:
        click.echo("Nothing was changed.")
    else:
        is_new = not all(file.parent.exists() for file in texts)
        kept = copy_files(settings, UNDONE_PREFIX if undo else COPY_PREFIX, installation.clock.now(), changes)
        apply_changes(changes)
        click.echo(f"{display_path(kept)}: a copy of the files as they were before")
        if is_new:
            click.echo("Restart the daemon: it watches folders that were there when it started.")


async def _list_used_profiles(store: Store, symbol: str) -> frozenset[str]:
    used, after, more = frozenset[str](), "", True
    while more:
        names, after = await store.read(partial(list_profiles, library=symbol, after=after, limit=MESSAGES_AT_ONCE))
        used, more = used | names, bool(after)
    return used


async def _plan_file_upgrade(installation: Installation) -> tuple[FileChange, ...]:
    async with installation.open_current_store() as store:
        symbols = [library.symbol for library in installation.settings.libraries]
        used = [await _list_used_profiles(store, symbol) for symbol in symbols]
    document = read_settings_file(installation.config)
    adapters, profiles, policies = installation.adapters, installation.profiles, installation.policies
    upgrade = FileUpgrade(installation.settings, document, adapters, profiles, policies, frozenset().union(*used))
    return upgrade.plan_changes()


async def _upgrade_store(installation: Installation) -> None:
    parts = installation.parts
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(installation.open_existing_store())
        if (lock := parts.database_lock) is not None:
            lock.acquire()
            stack.callback(lock.release)
        upgrade = await upgrade_database(store, parts)
    if upgrade.copy is not None:
        click.echo(f"{display_path(upgrade.copy)}: the database as it was before")
    for step in upgrade.steps:
        click.echo(step)
    click.echo("The database is up to date." if upgrade.steps else "Nothing to do: the database is up to date.")


@click.command(name="serve")
@click.option("--host", help="Listen on this address instead of http.host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on instead of http.port. 0: any free port.")
@pass_installation
def serve_command(installation: Installation, host: str | None, port: int | None) -> None:
    """Run the daemon until it receives Ctrl-C or SIGTERM.

    On shutdown, messages in progress are finished, for up to shutdown_seconds; the process ends at most 10 seconds
    later, whatever is still running. A second signal stops the daemon immediately. SIGHUP reloads profiles and
    secrets. The log is written to standard error.

    \b
    Examples:
      illgate serve
      illgate --config /etc/illgate/gateway.yml serve
      illgate serve --port 0
    """
    try:
        _serve_installation(installation, host, port)
    finally:
        _drop_unwritable_output()


def _drop_unwritable_output() -> None:
    """Python would try it once more and, where that fails, end with code 120, as if the daemon had failed."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _serve_installation(installation: Installation, host: str | None, port: int | None) -> None:
    settings = installation.settings
    wanted = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    if wanted:
        settings = settings.model_copy(update={"http": settings.http.model_copy(update=wanted)})
    set_up_logging(settings.log.format, settings.log.level)
    serve_until_stopped(Daemon(settings, installation.adapters, installation.clock))


@click.group(name="key")
def key_command() -> None:
    """Create, list and revoke API keys.

    A key is shown once, when it is created; only a keyed hash is stored. It is valid until you revoke it or until
    `create --days` ends.
    """


@key_command.command(name="create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in KeyScope]),
    help="Scope of the key. Can be repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MAX_KEY_DAYS),
    help="Days until the key expires. Default: it does not expire.",
)
@_LIBRARY
@staff_option
@pass_installation
def create_key(
    installation: Installation, name: str, scopes: tuple[str, ...], days: int | None, symbol: str, actor: str
) -> None:
    """Create an API key. NAME identifies the user of the key and appears in request histories.

    \b
    Examples:
      illgate key create portal --scope patron
      illgate key create desk --scope requests:read --scope requests:write --scope tasks:read
      illgate key create migration --scope requests:read --days 30
    """
    if not name.isprintable() or not name.strip() or len(name) > 100:
        raise click.BadParameter("must be 1 to 100 printable characters", param_hint="NAME")
    library = require_library(installation, symbol)
    life = None if days is None else timedelta(days=days)
    new_key = asyncio.run(_store_new_key(installation, library, name.strip(), scopes, life, actor))
    click.echo(new_key.key)
    row = new_key.row
    until = f" until {format_local_time(row.expires, library.zone)}" if row.expires is not None else ""
    click.echo(
        f"{row.prefix}: {', '.join(row.scopes)} for {library.symbol}{until}; this key will not be shown again", err=True
    )


async def _store_new_key(
    installation: Installation,
    library: LibrarySettings,
    name: str,
    scopes: tuple[str, ...],
    life: timedelta | None,
    actor: str,
) -> NewKey:
    async with installation.open_library_store(library) as store:
        return await ApiKeyService(store).create_key(name, [KeyScope(scope) for scope in scopes], life, actor)


@key_command.command(name="list")
@_LIBRARY
@json_option
@pass_installation
def list_keys(installation: Installation, symbol: str, as_json: bool) -> None:
    """List the API keys of a library. Each line shows prefix, name, scopes, creation, expiry and last use; the oldest
    key is first.

    The time of last use is accurate to one minute. Revoked and expired keys stay in the list.
    """
    library = require_library(installation, symbol)
    rows = asyncio.run(_read_keys(installation, library))
    if as_json:
        print_json_lines({name: getattr(row, name) for name in SHOWN_KEY_FIELDS} for row in rows)
        return
    if not rows:
        click.echo("no keys; create one with `illgate key create NAME --scope …`")
        return
    heading = ("PREFIX", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "")
    now = installation.clock.now()
    print_lines(format_table([heading, *(_format_key_row(row, library, now) for row in rows)]))


SHOWN_KEY_FIELDS = ("library", "prefix", "name", "scopes", "created", "expires", "last_used", "revoked")
"""Fields of ApiKeyRow that `key list --json` prints: never the digest."""


def _format_key_row(row: ApiKeyRow, library: LibrarySettings, now: datetime) -> tuple[str, ...]:
    zone = library.zone
    created = format_local_time(row.created, zone)
    expires = format_local_time(row.expires, zone) if row.expires else "never"
    used = format_local_time(row.last_used, zone) if row.last_used else "never"
    if row.revoked is not None:
        ended = f"revoked {format_local_time(row.revoked, zone)}"
    else:
        ended = "expired" if row.is_expired(now) else ""
    return row.prefix, row.name, ",".join(row.scopes), created, expires, used, ended


async def _read_keys(installation: Installation, library: LibrarySettings) -> tuple[ApiKeyRow, ...]:
    async with installation.open_library_store(library) as store:
        return await ApiKeyService(store).list_keys()


@key_command.command(name="revoke")
@click.argument("prefix")
@_LIBRARY
@staff_option
@click.pass_context
def revoke_key(ctx: click.Context, prefix: str, symbol: str, actor: str) -> None:
    """Revoke an API key. PREFIX is the part between the underscores, as shown by `list`."""
    installation = ctx.find_object(Installation)
    assert installation is not None
    library = require_library(installation, symbol)
    if not asyncio.run(_revoke_stored_key(installation, library, prefix, actor)):
        click.echo(f"key not found, or already revoked: {prefix}", err=True)
        ctx.exit(REFUSED)
    click.echo(f"revoked: {prefix}")


async def _revoke_stored_key(installation: Installation, library: LibrarySettings, prefix: str, actor: str) -> bool:
    async with installation.open_library_store(library) as store:
        return await ApiKeyService(store).revoke_key(prefix, actor)


@key_command.command(name="scopes")
@json_option
def list_scopes(as_json: bool) -> None:
    """List the scopes and what they allow."""
    if as_json:
        print_json_lines({"scope": scope, "allows": says} for scope, says in SCOPES.items())
        return
    print_lines(format_table([("SCOPE", "ALLOWS"), *((scope.value, says) for scope, says in SCOPES.items())]))
