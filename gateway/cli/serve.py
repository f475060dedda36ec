"""`illgate serve`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

import click
import structlog

from gateway.cli.context import Installation, pass_installation
from gateway.runtime.compose import Gateway
from gateway.runtime.logging import set_up_logging
from gateway.runtime.systemd import notify, watchdog_seconds

log = structlog.get_logger(component="serve")


@click.command(name="serve")
@click.option("--host", help="Listen on this address instead of http.host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen on this port instead of http.port; 0: any free one."
)
@pass_installation
def serve_command(installation: Installation, host: str | None, port: int | None) -> None:
    """Run the daemon until it is told to stop (Ctrl-C, SIGTERM).

    Messages in hand are finished first, for at most shutdown_seconds; a second signal stops at once. SIGHUP reads
    profiles and secrets anew. Log lines go to standard error.

    \b
    Examples:
      illgate serve
      illgate --config /etc/illgate/gateway.yml serve
      illgate serve --port 0
    """
    gc.disable()  # what is loaded until the daemon is ready stays: looking for garbage takes a seventh of the start
    try:
        _serve(installation, host, port)
    finally:
        gc.enable()


def _serve(installation: Installation, host: str | None, port: int | None) -> None:
    settings = installation.settings
    wanted = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    if wanted:
        settings = settings.model_copy(update={"http": settings.http.model_copy(update=wanted)})
    set_up_logging(settings.log.format, settings.log.level)
    asyncio.run(run(Gateway(settings, installation.adapters, installation.clock)))


async def run(gateway: Gateway) -> None:
    signals = _Signals(gateway)
    signals.install()
    starting = asyncio.create_task(gateway.start())
    asked = asyncio.create_task(signals.stop.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return
    try:
        await starting
    except BaseException:
        asked.cancel()
        raise
    gateway.work()
    gc.freeze()  # later collections pass over it too
    gc.enable()
    http = gateway.listeners[0]
    click.echo(f"illgate serves {http.name.removeprefix('listener ')}", err=True)
    notify("READY=1")
    alive = asyncio.create_task(_watchdog())
    await asked
    notify("STOPPING=1")
    await gateway.stop()
    alive.cancel()


async def _watchdog() -> None:
    """A sign of life, twice as often as systemd wants one."""
    seconds = watchdog_seconds()
    while seconds is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)


class _Signals:
    """The first asks for a graceful stop; the second ends the process: what is in hand is repaired at next start."""

    def __init__(self, gateway: Gateway) -> None:
        self.stop = asyncio.Event()
        self._gateway = gateway
        self._reloads: set[asyncio.Task[bool]] = set()

    def install(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _stop(self, number: signal.Signals) -> None:
        if self.stop.is_set():
            log.warning("stopped at once by a second signal")
            sys.stderr.flush()
            os._exit(128 + number)
        self.stop.set()

    def _reload(self) -> None:
        task = asyncio.create_task(self._gateway.reload(), name="profiles: reload on SIGHUP")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)
