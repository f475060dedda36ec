"""What must not grow with the journal: a request's conversation, with few and many messages stored.

Two journals on SQLite as it runs in production, asked in turn; of a round the median times count, of the rounds the
median ratio. The messages of a conversation lie far apart, so that they are not read together by chance.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.ports.responder import OutcomeClass
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalFilter, JournalOpening, JournalOptions
from gateway.store.migration import OWN, migrate_store
from gateway.store.request_names import RequestNames
from gateway.store.schema import make_exchange_id

FEW, MANY = 1_000, 1_000_000
REQUESTS, EXCHANGES = 40, 5
ROUNDS = 9
LIBRARY = "EX"
BEGUN = datetime(2026, 1, 5, 8, tzinfo=UTC)

OPENING = JournalOpening(
    library=LIBRARY,
    at=BEGUN,
    body=b"<ISO18626Message><supplyingAgencyMessage/></ISO18626Message>" * 10,
    protocol="iso18626",
    transport="http",
    profile="reshare-18626",
    service="supplyingAgencyMessage",
    peer="192.0.2.7",
    request_id="template",
    content_type="application/xml",
)
ENDING = JournalEnding(BEGUN, OutcomeClass.OK, b"<ISO18626Message/>" * 10, status=200, content_type="application/xml")

Row = tuple[str, float, str, bool]


def rows(folder: Path) -> list[Row]:
    return asyncio.run(_rows(folder))


async def _rows(folder: Path) -> list[Row]:
    few, many = await _filled(folder / "few-messages.db", FEW), await _filled(folder / "many-messages.db", MANY)
    requests = list(range(REQUESTS))
    times: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        random.Random(number).shuffle(requests)
        seconds: tuple[list[float], list[float]] = ([], [])
        for request in requests:
            for journal, column in zip((few, many), seconds, strict=True):
                begun = time.perf_counter()
                await _read_conversation(journal, request)
                column.append(time.perf_counter() - begun)
        if number:  # the first is to warm up
            times.append((statistics.median(seconds[0]), statistics.median(seconds[1])))
    small, large = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
    print(f"a request's conversation: {small:.2f} ms with {FEW:,} messages stored, {large:.2f} ms with {MANY:,}")
    ratio = statistics.median(large / small for small, large in times)
    return [(f"a request's conversation, {FEW:,} and {MANY:,} messages stored", ratio, "≤ 1.2", ratio <= 1.2)]


async def _read_conversation(journal: Journal, request: int) -> None:
    """As the page of a request and `illgate journal list --request` ask for it."""
    names = RequestNames(f"request-{request}", (f"B-{request}",), (("reshare-18626", f"B-{request}.1"),))
    wanted = JournalFilter(LIBRARY, request_id=f"B-{request}", managed_request=names)
    page = await journal.list_messages(wanted, 50)
    if len(page.messages) != 2 * EXCHANGES:
        raise RuntimeError(f"{len(page.messages)} messages of a conversation were found")


async def _filled(file: Path, count: int) -> Journal:
    store = open_store(f"sqlite:///{file}")
    await migrate_store(store, OWN)
    journal = Journal(store, JournalOptions())
    exchange = await journal.record_exchange(OPENING, ENDING)
    await store.close()
    begun = time.perf_counter()
    _copy_exchange(file, exchange, count // 2)
    print(f"{count:,} messages made in {time.perf_counter() - begun:.0f} s")
    return Journal(open_store(f"sqlite:///{file}"), JournalOptions())


def _copy_exchange(file: Path, exchange: str, count: int) -> None:
    """So many exchanges like this one, a minute apart, some of which are about requests."""
    first = make_exchange_id(BEGUN)[:14]
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN")
    columns = [row[1] for row in connection.execute("PRAGMA table_info(message)")]
    new = f"printf('%014x', {int(first, 16)} + k * 60000000) || '0000abcdef'"
    changes = {"id": f"{new} || substr(id, 25)", "exchange": new, "request_id": "'number-' || k"}
    connection.execute(
        "WITH RECURSIVE copies (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < ?) "
        f"INSERT INTO message SELECT {', '.join(changes.get(name, name) for name in columns)} "
        "FROM copies, (SELECT * FROM message WHERE exchange = ?)",
        (count, exchange),
    )
    places = REQUESTS * EXCHANGES
    for place in range(places):
        number = (place + 1) * count // (places + 1)
        connection.execute(
            f"INSERT INTO message_request SELECT ?, ?, {new} FROM (SELECT ? AS k)",
            (LIBRARY, f"request-{place % REQUESTS}", number),
        )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what is still in the log is looked for more slowly
    connection.close()
