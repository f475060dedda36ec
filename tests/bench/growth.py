"""What must not grow: cost with a million requests stored, memory with a million messages, the time to start."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import time
from pathlib import Path

import yaml

from tests.bench import messages
from tests.bench.load import drive, post
from tests.bench.setting import with_readers
from tests.support.daemon import Installation

PROFILES = 500
FEW, MANY = 1_000, 1_000_000
SOME_MESSAGES, MANY_MESSAGES = 10_000, 1_000_000


def start_row(folder: Path) -> tuple[str, float, str, bool]:
    """Seconds from start to the first answer, with 500 profiles more than are shipped."""
    installation = Installation.make(folder / "start")
    for number in range(PROFILES):
        profile = {
            "name": f"partner-{number:03}",
            "extends": "ncip2",
            "match": [{"from_agency": f"PARTNER-{number:03}"}],
            "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        }
        (installation.folder / "profiles" / f"partner-{number:03}.yml").write_text(yaml.safe_dump(profile))
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        with installation.serve():
            times.append(time.perf_counter() - begun)
    median = statistics.median(times)
    return f"start to first answer with {PROFILES} profiles, seconds", median, "≤ 2", median <= 2


def long_rows(folder: Path) -> list[tuple[str, float, str, bool]]:
    return [stored_row(folder), memory_row(folder)]


def stored_row(folder: Path) -> tuple[str, float, str, bool]:
    """Time of one AcceptItem after many were stored, against few."""
    seconds = {}
    installation = with_readers(folder / "stored")
    port = installation.port
    with installation.serve():
        numbers = itertools.count(1)
        for stored in (FEW, MANY):
            done = next(numbers)
            fill = (
                post("/ncip/ncip2", messages.accept_item_for_reader(next(numbers), "FILL"), port)
                for _ in range(stored - done)
            )
            drive(port, fill, connections=32, good=lambda _: True)
            probe = [
                post("/ncip/ncip2", messages.accept_item_for_reader(next(numbers), "PROBE"), port) for _ in range(1000)
            ]
            seconds[stored] = statistics.median(drive(port, iter(probe), connections=1, good=lambda _: True).seconds)
            print(f"one AcceptItem with {stored:,} requests stored: {seconds[stored] * 1000:.2f} ms")
    shutil.rmtree(folder / "stored")
    ratio = seconds[MANY] / seconds[FEW]
    return f"AcceptItem with {MANY:,} stored / {FEW:,}", ratio, "≤ 1.2", ratio <= 1.2


def memory_row(folder: Path) -> tuple[str, float, str, bool]:
    """Resident memory after many messages, against few."""
    sizes = {}
    installation = Installation.make(folder / "memory")
    port = installation.port
    with installation.serve() as running:
        request = post("/ncip/ncip2", messages.lookup_user(), port)
        done = 0
        for count in (SOME_MESSAGES, MANY_MESSAGES):
            drive(port, itertools.repeat(request, count - done), connections=16, good=lambda _: True)
            done = count
            sizes[count] = resident(running.pid)
            print(f"memory after {count:,} messages: {sizes[count] / 1e6:.0f} MB")
    ratio = sizes[MANY_MESSAGES] / sizes[SOME_MESSAGES]
    return f"memory after {MANY_MESSAGES:,} messages / {SOME_MESSAGES:,}", ratio, "≤ 1.1", ratio <= 1.1


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
