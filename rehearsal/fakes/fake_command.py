"""`illgate fake`: a library system in memory, to rehearse with."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable

import click

from adapters.library.folio.probe import name_all_permissions
from rehearsal.fakes.alma import FakeAlma
from rehearsal.fakes.fake_server import FakeServer
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_sample import fill_sample
from rehearsal.fakes.koha import FakeKoha

FAKES = ("alma", "folio", "koha")


@click.command(name="fake")
@click.argument("system", type=click.Choice(FAKES))
@click.option("--port", type=click.IntRange(0, 65_535), default=8081, show_default=True, help="Port. 0: any free port.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Anyone who can reach it has full access.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="PERMISSION",
    help="FOLIO permission of the gateway's user besides those that the guide lists. May be repeated.",
)
def command(system: str, port: int, host: str, allow: tuple[str, ...]) -> None:
    """Run a simulated library system in memory for rehearsals.

    It has the paths, rules and errors of the real system, sample patrons and items, and switches under /fake/ that
    cause errors. No data is saved. Press Ctrl-C to stop it.
    """
    if allow and system != "folio":
        raise click.UsageError("--allow is for folio only")
    try:
        asyncio.run(_run_fake(make_fake(system, allow), system, host, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.ClickException(
            f"cannot listen on {host}:{port}: {reason}; --host and --port choose another address"
        ) from error


async def _run_fake(fake: FakeServer, system: str, host: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    click.echo(f"{system} in memory: {await fake.start(host, port)}")
    for line in fake.introduction.splitlines():
        click.echo(line)
    await stopped.wait()
    await fake.stop()


def make_fake(system: str, allowed: Iterable[str] = ()) -> FakeServer:
    """Make a fake with its sample. `allowed`: in FOLIO, besides what the guide lists."""
    if system == "alma":
        return FakeAlma()
    if system == "koha":
        return FakeKoha()
    fake = FakeFolio()
    fill_sample(fake)
    fake.granted = name_all_permissions().union(allowed)
    fake.rules.permissions |= set(allowed)
    fake.introduction = f"tenant {fake.tenant}; user {fake.user}, password {fake.password}"
    return fake
