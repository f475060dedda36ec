"""The daemon's process: its signals, what the service manager hears of it, and its end.

A stop is bounded. What is in hand gets `shutdown_seconds`; soon after them the process ends, whatever a thread, a part
that closes or the event loop itself still does. What was cut off is repaired at the next start, as after a kill.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import click
import structlog

from gateway.runtime.daemon import Daemon
from gateway.runtime.monitoring import notify_systemd, read_watchdog_seconds

log = structlog.get_logger(component="serve")

END_SECONDS = 10.0
"""So long after `shutdown_seconds` the process ends in any case. A service manager's own limit is later."""

THREAD_SECONDS = 1.0
"""So long threads are waited for that still work when all else has ended."""


def serve_until_stopped(gateway: Daemon) -> None:
    """Returns when it has stopped after a signal. The process ends here, with 0, where threads still work then: the
    interpreter would wait for them, however long that is. Raises what `Daemon.start` raises."""
    threads = ThreadPoolExecutor(thread_name_prefix="worker")
    try:
        asyncio.run(_run_daemon(gateway, threads))
        if left := _list_busy_threads():
            log.warning("daemon.threads_left", threads=left)
            _write_standard_error()
            os._exit(0)
    finally:
        faulthandler.cancel_dump_traceback_later()


async def _run_daemon(gateway: Daemon, threads: ThreadPoolExecutor) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)
    signals = _SignalHandlers(gateway)
    signals.install_handlers()
    try:
        await _serve_until_asked(gateway, signals.stop)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        loop.set_default_executor(ThreadPoolExecutor())  # asyncio waits for all threads of the one that is set


async def _serve_until_asked(gateway: Daemon, stop: asyncio.Event) -> None:
    starting = asyncio.create_task(gateway.start())
    task = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, task}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return
    try:
        await starting
    except BaseException:
        task.cancel()
        raise
    gateway.start_workers()
    gc.freeze()  # later collections pass over what stays
    _write_standard_error(f"illgate serves {gateway.url}")
    notify_systemd("READY=1")
    alive = asyncio.create_task(_notify_watchdog())
    await task
    notify_systemd("STOPPING=1")
    await gateway.stop()
    alive.cancel()


def _list_busy_threads() -> list[str]:
    """Names of those that would keep the interpreter from ending, after a moment in which they can end."""
    until = time.monotonic() + THREAD_SECONDS
    while True:
        waits = (
            thread for thread in threading.enumerate() if thread is not threading.current_thread() and not thread.daemon
        )
        left = sorted(wait.name for wait in waits)
        if not left or time.monotonic() >= until:
            return left
        time.sleep(0.02)


def _write_standard_error(line: str = "") -> None:
    """It may be a file on a full disk, or a pipe that nobody reads any more. That is no reason to end: messages are
    answered as long as the database takes them, and /readyz says when it doesn't."""
    try:
        if line:
            click.echo(line, err=True)
        sys.stderr.flush()
    except OSError as error:
        log.warning("daemon.output_lost", reason=error.strerror)


async def _notify_watchdog() -> None:
    """A sign of life, twice as often as systemd wants one."""
    seconds = read_watchdog_seconds()
    while seconds is not None:
        notify_systemd("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)


class _SignalHandlers:
    """The first asks for a graceful stop; the second ends the process: what is in hand is repaired at next start.

    Both are heard by the interpreter, not by the event loop, so that a loop that has come to a standstill ends too. The
    clock that then ends the process, with 1, is `faulthandler`'s: it needs neither the loop nor the interpreter's lock,
    and prints where each thread was.
    """

    def __init__(self, gateway: Daemon) -> None:
        self.stop = asyncio.Event()
        self._gateway = gateway
        self._loop = asyncio.get_running_loop()
        self._is_asked = False

    def install_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle_stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._gateway.start_reload)

    def _handle_stop(self, number: int, _frame: FrameType | None) -> None:
        if self._is_asked:
            faulthandler.dump_traceback_later(END_SECONDS, exit=True)
            self._loop.call_soon_threadsafe(_end_at_once, number)
            return
        self._is_asked = True
        faulthandler.dump_traceback_later(self._gateway.settings.shutdown_seconds + END_SECONDS, exit=True)
        self._loop.call_soon_threadsafe(self.stop.set)


def _end_at_once(number: int) -> None:
    log.warning("daemon.killed_by_second_signal")
    _write_standard_error()
    os._exit(128 + number)
