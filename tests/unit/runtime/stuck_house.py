"""A daemon of which something never comes to its end:

python -m tests.unit.runtime.stuck_house FOLDER thread|part|loop
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import cast

from gateway.cli import daemon_process
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.runtime.daemon import Daemon
from gateway.runtime.logs import set_up_logging
from tests.unit.runtime.house import SETTINGS, House, Shelf


class StuckShelf(Shelf):
    """Its `close_connections` never returns, and can't be cancelled."""

    async def close_connections(self) -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue


class StuckHouse(House):
    async def _open(self, _context: LibraryAdapterContext, _options: object) -> LibrarySystem:
        return cast(LibrarySystem, StuckShelf())


class StuckDaemon(Daemon):
    what = ""

    def start_workers(self) -> None:
        super().start_workers()
        loop = asyncio.get_running_loop()
        if self.what == "thread":
            loop.run_in_executor(None, count_for_ever)
        elif self.what == "loop":
            loop.call_later(0.2, re.fullmatch, "(a+)+", f"{'a' * 60}b")


def count_for_ever() -> None:
    number = 0
    while True:
        number += 1


if __name__ == "__main__":
    folder, what = Path(sys.argv[1]), sys.argv[2]
    house = StuckHouse(folder) if what == "part" else House(folder)
    house.build(SETTINGS.replace("shutdown_seconds: 5", "shutdown_seconds: 0.2"))
    # A busy thread takes time from the stop, but must not bring the end in any case: that would be another code.
    daemon_process.END_SECONDS = 20 if what == "thread" else 0.3
    daemon_process.THREAD_SECONDS, StuckDaemon.what = 0.1, what
    set_up_logging("json", "info")
    daemon_process.serve_until_stopped(StuckDaemon(house.settings, house.adapters))
