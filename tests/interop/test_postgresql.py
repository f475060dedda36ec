"""The daemon on PostgreSQL, alone and with a second one beside it on the same database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.bench import messages
from tests.faults.partner import is_success, send_all
from tests.support.daemon import Installation
from tests.support.looking import journal, library, tracebacks

pytestmark = pytest.mark.postgresql

PATRON = "21000000000017"


@pytest.fixture
def node(fresh_postgresql_url: str, tmp_path: Path) -> Installation:
    """As `illgate init --store postgresql://…` makes it."""
    return Installation.make(tmp_path / "first", "--store", fresh_postgresql_url)


def values(url: str, statement: str, *arguments: object) -> list[Any]:
    """The first column."""

    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch(statement, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_one_daemon(node: Installation, fresh_postgresql_url: str) -> None:
    with node.serve():
        assert is_success(node.post(messages.accept_item(1, "PG")))
        assert is_success(node.post(messages.accept_item(1, "PG")))  # a click too many
        assert b">M\xc3\xbcller<" in node.post(messages.lookup_user())
        item = library(node, "item", "PG-1")
        assert (item["item"]["temporary"], item["item"]["hold_count"]) == (True, 1)
        assert [row["service"] for row in journal(node, "--direction", "in")] == [
            "LookupUser",
            "AcceptItem",
            "AcceptItem",
        ]
    assert not node.database.exists()
    assert values(fresh_postgresql_url, "SELECT count(*) FROM embedded_items WHERE barcode = 'PG-1'") == [1]
    assert tracebacks(node) == []


def test_two_daemons_take_the_same_messages_at_once(node: Installation, fresh_postgresql_url: str) -> None:
    """Each of 50 items is announced to both at the same time, lent by both, and taken back by both: all say yes, and
    it has happened once."""
    other = node.copy(node.folder.with_name("second"))
    barcodes = [f"PG-{number}" for number in range(50)]
    numbers = sorted(barcodes)
    with node.serve(), other.serve():
        for bodies in (
            [messages.accept_item(number, "PG") for number in range(50)],
            [messages.check_out_item(barcode) for barcode in barcodes[:20]],
            [messages.check_in_item(barcode) for barcode in barcodes[:20]],
        ):
            both = [body for body in bodies for _ in range(2)]
            answers = send_all(node, both, ports=(node.port, other.port))
            assert [answer for answer in answers if not is_success(answer)] == []
    for table, column in (("embedded_items", "barcode"), ("embedded_holds", "request_id")):
        found = values(fresh_postgresql_url, f"SELECT {column} FROM {table} WHERE {column} LIKE 'PG-%'")
        assert sorted(found) == numbers, table
    loans = "SELECT barcode FROM embedded_loans JOIN embedded_items AS i ON i.id = item_id WHERE barcode LIKE 'PG-%'"
    assert sorted(values(fresh_postgresql_url, loans)) == sorted(barcodes[:20])
    assert sorted(values(fresh_postgresql_url, f"{loans} AND returned IS NOT NULL")) == sorted(barcodes[:20])
    assert values(fresh_postgresql_url, "SELECT count(*) FROM message WHERE outcome <> 'ok'") == [0]
    assert tracebacks(node) + tracebacks(other) == []
