"""What must not grow: cost with a million requests stored, memory with a million messages, the time to start."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import messages
from tests.bench.load import Result, all_good, drive, post
from tests.bench.setting import with_readers
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file

PROFILES = 500
FEW, MANY = 1_000, 1_000_000
FILLED_READERS, PROBED_READERS = range(4_000), range(4_000, messages.READERS)
PROBES, ROUNDS = 300, 7
SOME_MESSAGES, MANY_MESSAGES = 10_000, 1_000_000

Row = tuple[str, float, str, bool]


def start_row(folder: Path) -> Row:
    """Seconds from start to the first answer, with 500 profiles more than are shipped."""
    installation = Installation.make(folder / "start")
    for number in range(PROFILES):
        profile = {
            "name": f"partner-{number:03}",
            "extends": "ncip2",
            "match": [{"from_agency": f"PARTNER-{number:03}"}],
            "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        }
        write_yaml_file(installation.folder / "profiles" / f"partner-{number:03}.yml", profile)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        with installation.serve_by_command():
            times.append(time.perf_counter() - begun)
    median = statistics.median(times)
    return f"start to first answer with {PROFILES} profiles, seconds", median, "≤ 2", median <= 2


def long_rows(folder: Path) -> list[Row]:
    return [stored_row(folder), memory_row(folder)]


def stored_row(folder: Path) -> Row:
    """Time of one AcceptItem where many are stored, against few: two daemons, asked in turn.

    The probes are for readers of their own, so that it counts what the library holds and not what one reader has.
    """
    few, many = with_readers(folder / "few"), with_readers(folder / "many")
    numbers = itertools.count(1)
    with few.serve_by_command(), many.serve_by_command():
        for installation, stored in ((few, FEW), (many, MANY)):
            begun = time.perf_counter()
            accept(installation, (next(numbers) for _ in range(stored)), FILLED_READERS, connections=32)
            print(f"{stored:,} AcceptItem stored in {time.perf_counter() - begun:,.0f} s")
        ratios = []
        for number in range(1, ROUNDS + 1):
            seconds = [
                accept(one, (next(numbers) for _ in range(PROBES)), PROBED_READERS, connections=1).percentile(0.5)
                for one in (few, many)
            ]
            ratios.append(seconds[1] / seconds[0])
            print(
                f"one AcceptItem, round {number}: {seconds[0] * 1000:.2f} ms with {FEW:,} stored, "
                f"{seconds[1] * 1000:.2f} ms with {MANY:,}"
            )
    shutil.rmtree(many.folder)
    ratio = statistics.median(ratios)
    return f"AcceptItem with {MANY:,} stored / {FEW:,}", ratio, "≤ 1.2", ratio <= 1.2


def accept(installation: Installation, numbers: Iterator[int], readers: range, connections: int) -> Result:
    """All of them must succeed."""
    requests = (
        post(
            "/ncip/ncip2",
            messages.accept_item(n, "LONG", messages.reader(readers[n % len(readers)])),
            installation.port,
        )
        for n in numbers
    )
    return all_good(drive(installation.port, requests, connections=connections, good=messages.succeeded("AcceptItem")))


def memory_row(folder: Path) -> Row:
    """Resident memory after many messages, against few."""
    sizes = {}
    installation = Installation.make(folder / "memory")
    port = installation.port
    with installation.serve_by_command() as running:
        request = post("/ncip/ncip2", messages.lookup_user(), port)
        done = 0
        for count in (SOME_MESSAGES, MANY_MESSAGES):
            all_good(
                drive(
                    port, itertools.repeat(request, count - done), connections=16, good=messages.succeeded("LookupUser")
                )
            )
            done = count
            sizes[count] = resident(running.pid)
            print(f"memory after {count:,} messages: {sizes[count] / 1e6:.0f} MB")
    ratio = sizes[MANY_MESSAGES] / sizes[SOME_MESSAGES]
    return f"memory after {MANY_MESSAGES:,} messages / {SOME_MESSAGES:,}", ratio, "≤ 1.1", ratio <= 1.1


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
