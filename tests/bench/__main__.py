"""`make bench`: the numbers of the design as ratios, each against its bound in the same run.

Rounds of bound and daemon alternate, and the median of the rounds' ratios counts, since machines are shared and
drift. `--long` adds the rows that take many minutes.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import (
    brokered_loans,
    conversations,
    growth,
    iso18626,
    iso_ill,
    iso_ill_lines,
    library_systems,
    mailbox,
    messages,
    staff_pages,
    z3950,
)
from tests.bench import requests as open_requests
from tests.bench.bare import run_bare_handler
from tests.bench.load import all_good, drive, post
from tests.bench.setting import with_readers
from tests.support.daemon import Installation

CONNECTIONS = 16
ROUNDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="also a million stored requests and a million messages")
    parser.add_argument("--seconds", type=float, default=3.0, help="about how long each round lasts")
    options = parser.parse_args()
    rows: list[tuple[str, float, str, bool]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = with_readers(folder / "illgate")
        with ours.serve_by_command():
            rows.append(lookup_row(folder, ours, options.seconds))
            rows.append(latency_row(ours.port))
            rows.append(accept_row(folder, ours.port, options.seconds))
        rows.append(growth.start_row(folder))
        rows += iso18626.rows(folder, options.seconds)
        rows += brokered_loans.rows(folder, options.seconds)
        rows.append(iso_ill.row())
        rows.append(iso_ill_lines.row(folder))
        rows += z3950.rows()
        rows += mailbox.rows(folder)
        rows += library_systems.rows(folder)
        rows += open_requests.rows(folder)
        rows += staff_pages.rows(folder)
        rows += conversations.rows(folder)
        if options.long:
            rows += growth.long_rows(folder)
    print()
    for label, value, goal, reached in rows:
        print(f"{label:<58} {value:>8.2f}   goal {goal:<10} {'ok' if reached else 'MISSED'}")
    return 0 if all(reached for *_, reached in rows) else 1


def rate(port: int, requests: Iterator[bytes], service: str) -> float:
    return all_good(drive(port, requests, connections=CONNECTIONS, good=messages.succeeded(service))).rate


def lookup_row(folder: Path, installation: Installation, seconds: float) -> tuple[str, float, str, bool]:
    body, port = messages.lookup_user(), installation.port
    ours = post("/ncip/ncip2", body, port)
    with run_bare_handler(folder, installation.post(body)) as (bare_port, _):
        bare = post("/ncip", body, bare_port)
        rate(port, itertools.repeat(ours, 500), "LookupUser")
        guess = int(rate(bare_port, itertools.repeat(bare, 500), "LookupUser") * seconds)
        ratios = []
        for number in range(1, ROUNDS + 1):
            bound = rate(bare_port, itertools.repeat(bare, guess), "LookupUser")
            value = rate(port, itertools.repeat(ours, guess // 2), "LookupUser")
            ratios.append(value / bound)
            print(f"LookupUser, round {number}: bare {bound:,.0f}/s, illgate {value:,.0f}/s, ratio {value / bound:.2f}")
    median = statistics.median(ratios)
    return "LookupUser / bare aiohttp handler", median, "≥ 0.40", median >= 0.40


def latency_row(port: int) -> tuple[str, float, str, bool]:
    request = post("/ncip/ncip2", messages.lookup_user(), port)
    full = rate(port, itertools.repeat(request, 2000), "LookupUser")
    ratios = []
    for number in range(1, ROUNDS + 1):
        result = drive(
            port,
            itertools.repeat(request, int(full * 1.5)),
            connections=CONNECTIONS,
            good=messages.succeeded("LookupUser"),
            rate=full / 2,
        )
        all_good(result)
        p50, p99 = result.percentile(0.50), result.percentile(0.99)
        ratios.append(p99 / p50)
        print(f"LookupUser at half load, round {number}: p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms")
    median = statistics.median(ratios)
    return "LookupUser at half load, p99 / p50", median, "≤ 5", median <= 5


def accept_row(folder: Path, port: int, seconds: float) -> tuple[str, float, str, bool]:
    numbers = itertools.count(1)

    def requests(count: int) -> Iterator[bytes]:
        return iter([post("/ncip/ncip2", messages.accept_item_for_reader(next(numbers)), port) for _ in range(count)])

    count = max(200, int(rate(port, requests(400), "AcceptItem") * seconds))
    ratios = []
    for number in range(1, ROUNDS + 1):
        bound = commits(folder / "raw.db", seconds)
        value = rate(port, requests(count), "AcceptItem")
        ratios.append(value / bound)
        print(f"AcceptItem, round {number}: commits {bound:,.0f}/s, illgate {value:,.0f}/s, ratio {value / bound:.2f}")
    median = statistics.median(ratios)
    return "AcceptItem, durable / raw SQLite commits of two rows", median, "≥ 0.30", median >= 0.30


def commits(file: Path, seconds: float) -> float:
    """The bound for AcceptItem: transactions a second of two rows, WAL, synchronous=FULL."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)")
    number, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (text) VALUES (?)", ("x" * 300,))
        connection.execute("INSERT INTO t (text) VALUES (?)", ("y" * 300,))
        connection.execute("COMMIT")
        number += 1
    elapsed = time.perf_counter() - begun
    connection.close()
    return number / elapsed


if __name__ == "__main__":
    sys.exit(main())
