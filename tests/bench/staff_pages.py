"""Pages of staff over HTTP with few and with many open requests: what a page costs must not grow with them.

Two gateways in this process, each with its own store, are asked in turn by somebody who is signed in. What counts is
the processor time of an answer, which other work on the machine doesn't change; the client's part in it is the same for
both. How long an answer took is printed beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.requests import FEW, MANY, SLICE, insert_requests, make_request
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

ROUNDS = 15
LIBRARY = "DEMO"

Row = tuple[str, float, str, bool]

PAGES: dict[str, Callable[[int], str]] = {
    "work queue": lambda number: "",
    "list of borrowing": lambda number: "/borrowing",
    "list of borrowing, what waits longest first": lambda number: "/borrowing?order=longest",
    "list of borrowing, by the day it is needed": lambda number: "/borrowing?order=need-by",
    "list of borrowing, by number": lambda number: "/borrowing?order=number",
    "list of borrowing, by title": lambda number: "/borrowing?order=title",
    "list of a task": lambda number: "/borrowing?task=awaiting-review",
    "list of a state": lambda number: "/borrowing?state=lent",
    "list of borrowing, including closed": lambda number: "/borrowing?all=yes",
    "list of lending": lambda number: "/lending",
    "list of copies": lambda number: "/copies",
    "search by a number": lambda number: f"/find?q=b-2026-{number:06}",
    "search by words of one": lambda number: f"/find?q=история+{number}+writer",
    "search by words that all have": lambda number: "/find?q=история+города",
    "one request": lambda number: f"/requests/B-2026-{number:06}",
}
"""Address of each for the number of some request."""


def rows(folder: Path) -> list[Row]:
    return asyncio.run(_rows(folder))


async def _rows(folder: Path) -> list[Row]:
    installation = Installation.make(folder / "made")
    async with (
        _open_desk(installation.copy(folder / "few"), FEW) as few,
        _open_desk(installation.copy(folder / "many"), MANY) as many,
    ):
        found = []
        for name, address in PAGES.items():
            small, large = await _compare_desks(few, many, address)
            print(f"{name}: {small} with {FEW:,} requests, {large} with {MANY:,}")
            ratio = large.processor / small.processor
            found.append((f"staff: {name}, {MANY:,} / {FEW:,}", ratio, "≤ 1.2", ratio <= 1.2))
        return found


@dataclass(frozen=True)
class PageTimes:
    """Medians, in seconds."""

    whole: float
    processor: float

    def __str__(self) -> str:
        return f"{self.whole * 1e3:.1f} ms ({self.processor * 1e3:.1f} ms of processor)"


async def _compare_desks(few: Colleague, many: Colleague, address: Callable[[int], str]) -> tuple[PageTimes, PageTimes]:
    times: tuple[list[tuple[float, float]], ...] = ([], [])
    for turn in range(ROUNDS + 1):
        for desk, count, column in ((few, FEW, times[0]), (many, MANY, times[1])):
            begun, processor = time.perf_counter(), time.process_time()
            answer = await desk.get(address(_pick_number(turn, count)))
            column.append((time.perf_counter() - begun, time.process_time() - processor))
            if answer.status != 200:
                raise RuntimeError(f"{answer.url} is answered with {answer.status}")
    small, large = (  # the first one is to warm up
        PageTimes(*(statistics.median(column) for column in zip(*measured[1:], strict=True))) for measured in times
    )
    return small, large


def _pick_number(turn: int, count: int) -> int:
    """Of a request for borrowing, over the whole store; no other number begins with it."""
    number = count // 10 + turn * 6_151 % (count - count // 10)
    return number - 1 if number % 6 == 5 else number


@contextlib.asynccontextmanager
async def _open_desk(installation: Installation, count: int) -> AsyncIterator[Colleague]:
    async with running(installation) as gateway, colleague(gateway, "r.okafor", "staff", "manager") as ruth:
        await _fill_store(gateway, count)
        yield ruth


async def _fill_store(gateway: Running, count: int) -> None:
    store = gateway.gateway.managed.contexts[LIBRARY].store
    for start in range(0, count, SLICE):
        made = [replace(make_request(number), library=LIBRARY) for number in range(start, min(count, start + SLICE))]
        await store.write(lambda connection, made=made: insert_requests(connection, made))
