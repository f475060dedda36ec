"""The daemon on PostgreSQL, alone and with a second one beside it on the same database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.bench import messages
from tests.faults.partner import is_success, send_all
from tests.support.daemon import Installation
from tests.support.looking import journal, library, tracebacks
from tests.support.postgresql import Server

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def url(postgresql_server: Server) -> Iterator[str]:
    name = postgresql_server.create_database()
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


@pytest.fixture(scope="module")
def node(url: str, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """As `illgate init --store postgresql://…` makes it, with the sample library."""
    return Installation.make(tmp_path_factory.mktemp("nodes") / "first", "--store", url)


def values(url: str, statement: str, *arguments: object) -> list[Any]:
    """The first column."""

    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch(statement, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_init_leaves_a_library_with_data_as_it_is(node: Installation, url: str, tmp_path: Path) -> None:
    patrons = len(library(node, "patrons"))
    again = CliRunner().invoke(main, ["init", str(tmp_path), "--store", url], catch_exceptions=False)
    assert "Library DEMO has data already; no sample data was added." in again.stdout
    assert len(library(node, "patrons")) == patrons == 39
    assert not (tmp_path / "data").exists()


def test_one_daemon(node: Installation, url: str) -> None:
    with node.serve():
        assert is_success(node.post(messages.accept_item(1, "ONE")))
        assert is_success(node.post(messages.accept_item(1, "ONE")))  # a click too many
        assert b">M\xc3\xbcller<" in node.post(messages.lookup_user())
        item = library(node, "item", "ONE-1")
        assert (item["item"]["temporary"], item["item"]["hold_count"]) == (True, 1)
        services = [row["service"] for row in journal(node, "--direction", "in")[:3]]
        assert services == ["LookupUser", "AcceptItem", "AcceptItem"]
    assert not node.database.exists()
    assert values(url, "SELECT count(*) FROM embedded_items WHERE barcode = 'ONE-1'") == [1]
    assert tracebacks(node) == []


def test_two_daemons_take_the_same_messages_at_once(node: Installation, url: str) -> None:
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
        found = values(url, f"SELECT {column} FROM {table} WHERE {column} LIKE 'PG-%'")
        assert sorted(found) == numbers, table
    loans = "SELECT barcode FROM embedded_loans JOIN embedded_items AS i ON i.id = item_id WHERE barcode LIKE 'PG-%'"
    assert sorted(values(url, loans)) == sorted(barcodes[:20])
    assert sorted(values(url, f"{loans} AND returned IS NOT NULL")) == sorted(barcodes[:20])
    assert values(url, "SELECT count(*) FROM message WHERE outcome <> 'ok'") == [0]
    assert tracebacks(node) + tracebacks(other) == []
