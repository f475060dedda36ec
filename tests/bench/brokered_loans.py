"""A brokered loan, both parties played: five messages relayed, ten exchanges, on SQLite and on PostgreSQL.

A round plays loans, so many at once, with the one store and then with the other. What counts are loans a second and the
processor's time of a loan: of the daemon, and of the database's server. How many statements and transactions it takes,
the server itself says, one loan after the other (docs/database.md has them for more than this).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import processor_seconds
from tests.support.brokered_loan import LoanParties, write_broker
from tests.support.counted_statements import TOLD, StatementCounter
from tests.support.daemon import Installation
from tests.support.installed import NotInstalled
from tests.support.postgresql import DURABLE, Server

AT_ONCE = 8
ROUNDS = 3
COUNTED = 20
MAX_STATEMENTS, MAX_TRANSACTIONS = 240, 30
MAX_DAEMON_MILLISECONDS = 75.0
MIN_RATIO = 0.6

Row = tuple[str, float, str, bool]


@dataclass(frozen=True)
class LoanFigures:
    """`daemon`, `server`: milliseconds of a processor for each loan."""

    rate: float
    daemon: float
    server: float = 0.0

    def __str__(self) -> str:
        return f"{self.rate:.1f} loans/s, {self.daemon:.1f} ms of processor each, {self.server:.1f} ms of the server"


def rows(folder: Path, seconds: float) -> list[Row]:
    """`seconds`: about how long each measurement lasts."""
    try:
        server = Server(DURABLE)
    except NotInstalled as missing:
        print(f"no brokered loans on PostgreSQL: {missing}")
        return []
    try:
        return asyncio.run(_measure_stores(folder, server, seconds)) + asyncio.run(_count_statements(folder))
    finally:
        server.stop()


async def _measure_stores(folder: Path, server: Server, seconds: float) -> list[Row]:
    numbers = itertools.count(1)
    url = server.url(server.create_database())
    async with LoanParties() as on_sqlite, LoanParties() as on_postgresql:
        sqlite = _make_broker(folder / "loans-sqlite", on_sqlite)
        postgresql = _make_broker(folder / "loans-postgresql", on_postgresql, url)
        with sqlite.serve_by_command() as one, postgresql.serve_by_command() as other:
            rounds: list[tuple[LoanFigures, LoanFigures]] = []
            for number in range(ROUNDS + 1):
                first = await _measure(on_sqlite, numbers, one.pid, None, seconds)
                second = await _measure(on_postgresql, numbers, other.pid, server, seconds)
                if number:  # the first is to get warm
                    rounds.append((first, second))
                    print(f"brokered loan, round {number}: SQLite {first}; PostgreSQL {second}")
    ratio = statistics.median(b.rate / a.rate for a, b in rounds)
    daemon = statistics.median(b.daemon for _, b in rounds)
    return [
        ("brokered loan, PostgreSQL / SQLite, loans a second", ratio, f"≥ {MIN_RATIO}", ratio >= MIN_RATIO),
        (
            "brokered loan on PostgreSQL, ms of the daemon",
            daemon,
            f"≤ {MAX_DAEMON_MILLISECONDS:.0f}",
            daemon <= MAX_DAEMON_MILLISECONDS,
        ),
    ]


def _make_broker(folder: Path, parties: LoanParties, url: str = "") -> Installation:
    made = Installation.make(folder, *(["--store", url] if url else []))
    write_broker(made.folder, parties.urls)
    parties.port = made.port
    return made


async def _measure(
    parties: LoanParties, numbers: Iterator[int], daemon: int, server: Server | None, seconds: float
) -> LoanFigures:
    until, played = time.perf_counter() + seconds, 0

    async def play_one_after_the_other() -> None:
        nonlocal played
        while time.perf_counter() < until:
            await parties.play_loan(next(numbers))
            played += 1

    begun, before = time.perf_counter(), processor_seconds(daemon)
    server_before = _server_seconds(server)
    await asyncio.gather(*(play_one_after_the_other() for _ in range(AT_ONCE)))
    elapsed = time.perf_counter() - begun
    return LoanFigures(
        played / elapsed,
        (processor_seconds(daemon) - before) / played * 1000,
        (_server_seconds(server) - server_before) / played * 1000,
    )


def _server_seconds(server: Server | None) -> float:
    """Of all its processes that are there, with those that have ended."""
    if server is None:
        return 0.0
    seconds, ticks = 0.0, os.sysconf("SC_CLK_TCK")
    for process in (server.pid, *_children_of(server.pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            seconds += sum(map(int, fields[11:13])) / ticks
            if process == server.pid:
                seconds += sum(map(int, fields[13:15])) / ticks
    return seconds


def _children_of(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


async def _count_statements(folder: Path) -> list[Row]:
    server = Server((*DURABLE, *TOLD))
    try:
        database = server.create_database()
        counter = StatementCounter(server, database)
        async with LoanParties() as parties:
            made = _make_broker(folder / "loans-counted", parties, server.url(database))
            with made.serve_by_command():
                await parties.play_loan(0)
                counter.reset()
                for number in range(1, COUNTED + 1):
                    await parties.play_loan(number)
                await asyncio.sleep(1)
                load = counter.read()
    finally:
        server.stop()
    if os.environ.get("ILLGATE_BENCH_STATEMENTS"):
        print(load.describe(COUNTED))
    statements, transactions = load.count / COUNTED, load.transactions / COUNTED
    return [
        ("brokered loan, statements", statements, f"≤ {MAX_STATEMENTS}", statements <= MAX_STATEMENTS),
        ("brokered loan, transactions", transactions, f"≤ {MAX_TRANSACTIONS}", transactions <= MAX_TRANSACTIONS),
    ]
