"""Z39.50: search and present of ten records, against yaz-client on the same Zebra; fifty targets at once, against the
slowest of them.

Both ask the same queries on one connection; yaz-client prints the records. Ours are timed twice: when their octets are
there, and when they are read into citations and holdings besides, as the port gives them. What it takes to start
yaz-client is measured by itself and taken off.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from adapters.z3950.client import QueryRunner, Z3950Search, sign_in, type1_query
from adapters.z3950.codec import Z3950Login
from adapters.z3950.dialect import Z3950Dialect
from adapters.z3950.transport import Z3950Connection, Z3950Endpoint
from gateway.domain.clock import SystemClock
from gateway.domain.profile import Profile
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm
from gateway.services.searching.targets import CatalogueClient, CatalogueTarget
from tests.support import yaz
from tests.support.catalogue import SCRIPTS, records
from tests.support.targets import Script, accepted, found, target
from tests.support.zebra import Zebra

Row = tuple[str, float, str, bool]

SEARCH_GOAL = 0.50
AT_ONCE_GOAL = 1.3
ROUNDS = 7
SEARCHES = 300
RECORDS = 10
WARM_UP = 5

TARGETS = 50
SLOWEST = 1.0
"""Seconds."""

TITLES = [script.things[0] for script in SCRIPTS[:4]]


def rows() -> list[Row]:
    return [*search_rows(), asyncio.run(at_once_row())]


def search_rows() -> list[Row]:
    zebra = Zebra(records(3000))
    try:
        ratios, whole = [], []
        for number in range(1, ROUNDS + 1):
            theirs = _yaz_client(zebra)
            ours = asyncio.run(_search_and_present(zebra))
            read = asyncio.run(_search(zebra))
            ratios.append(theirs / ours)
            whole.append(theirs / read)
            print(
                f"Z39.50, round {number}: yaz-client {theirs * 1000:.2f} ms, illgate {ours * 1000:.2f} ms, ratio"
                f" {theirs / ours:.2f}; with records read into citations {read * 1000:.2f} ms, {theirs / read:.2f}"
            )
    finally:
        zebra.stop()
    goal = f"≥ {SEARCH_GOAL:.2f}"
    octets, read = statistics.median(ratios), statistics.median(whole)
    return [
        ("Z39.50 search + present of 10, octets / yaz-client", octets, goal, octets >= SEARCH_GOAL),
        ("the same, read into citations and holdings / yaz-client", read, goal, read >= SEARCH_GOAL),
    ]


def _yaz_client(zebra: Zebra) -> float:
    """Seconds for a search and ten records."""

    def run(searches: int) -> float:
        asked = [
            command
            for number in range(searches)
            for command in (f'find @attr 1=4 @attr 4=6 "{TITLES[number % len(TITLES)]}"', f"show 1+{RECORDS}")
        ]
        begun = time.perf_counter()
        said = yaz.client(zebra.address, "querytype prefix", "format usmarc", "elements F", *asked)
        elapsed = time.perf_counter() - begun
        if said.count("[Default]Record type: USmarc") != searches * RECORDS:
            raise RuntimeError("yaz-client did not get all records")
        return elapsed

    start = run(WARM_UP)
    return (run(WARM_UP + SEARCHES) - start) / SEARCHES


async def _search_and_present(zebra: Zebra) -> float:
    """Seconds for what yaz-client does: the records are there, as octets."""
    dialect = _dialect(zebra)
    place = Z3950Endpoint.from_dialect(dialect)
    connection = await Z3950Connection.open(place)
    await sign_in(connection, Z3950Login(), place.max_bytes, place.charset, str(place))

    async def once(query: CatalogueQuery) -> int:
        rpn = type1_query(query, dialect, "zebra")
        return len(
            (
                await QueryRunner(connection, dialect, "zebra", dialect.syntax_identifiers[0]).run(rpn, 1, RECORDS)
            ).records
        )

    try:
        return await _timed(once)
    finally:
        connection.send_close()


async def _search(zebra: Zebra) -> float:
    """Seconds for the whole port: records are read into citations and holdings."""
    search = Z3950Search(lambda reference: "")
    profile = Profile(name="zebra", dialects={"z3950": _dialect(zebra)})

    async def once(query: CatalogueQuery) -> int:
        hits = await search.search(profile, query, count=RECORDS)
        return sum(not record.problem for record in hits.records)

    try:
        return await _timed(once)
    finally:
        await search.close()


async def _timed(once: Callable[[CatalogueQuery], Awaitable[int]]) -> float:
    queries = [CatalogueQuery((SearchTerm(SearchIndex.TITLE, title),)) for title in TITLES]
    for query in queries:
        await once(query)
    begun = time.perf_counter()
    for number in range(SEARCHES):
        if await once(queries[number % len(queries)]) != RECORDS:
            raise RuntimeError("a search did not bring its records")
    return (time.perf_counter() - begun) / SEARCHES


def _dialect(zebra: Zebra) -> Z3950Dialect:
    return Z3950Dialect(address=zebra.address)


async def at_once_row() -> Row:
    """Each answers after its own time, evenly from a fiftieth of the slowest one's on."""
    octets = [record.as_marc() for record in records(RECORDS)]
    search = Z3950Search(lambda reference: "")
    asker = CatalogueClient({search.name: search}, SystemClock())
    ratios = []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asker.close)
        delays = [SLOWEST * number / TARGETS for number in range(1, TARGETS + 1)]
        servers = [await stack.enter_async_context(target(_slow(delay, octets))) for delay in delays]
        profiles = [server.profile(f"target-{n}") for n, server in enumerate(servers)]
        for number in range(4):
            query = CatalogueQuery((SearchTerm(SearchIndex.TITLE, f"lamps {number}"),))
            begun = time.perf_counter()
            answers = await asyncio.gather(*(_ask(asker, profile, query) for profile in profiles))
            elapsed = time.perf_counter() - begun
            if any(len(hits.records) != RECORDS for hits in answers):
                raise RuntimeError("a target did not send its records")
            if number:  # the first makes the connections
                ratios.append(elapsed / SLOWEST)
                print(f"{TARGETS} targets at once, round {number}: {elapsed:.2f} s, the slowest {SLOWEST:.2f} s")
    ratio = statistics.median(ratios)
    return (f"{TARGETS} targets at once / the slowest", ratio, f"≤ {AT_ONCE_GOAL}", ratio <= AT_ONCE_GOAL)


async def _ask(asker: CatalogueClient, profile: Profile, query: CatalogueQuery) -> Any:
    return await asker.search(CatalogueTarget(profile, "z3950"), query, count=RECORDS, seconds=30, keep=timedelta(0))


def _slow(delay: float, octets: list[bytes]) -> Script:
    async def script(kind: str, body: dict[str, Any]) -> bytes | None:
        if kind == "initRequest":
            return accepted()
        await asyncio.sleep(delay)
        return found(len(octets), octets)

    return script
