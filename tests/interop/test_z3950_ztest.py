"""Z39.50 with yaz-ztest: OPAC records, and lengths as YAZ writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.z3950.client import Z3950Search
from adapters.z3950.dialect import Z3950Dialect
from gateway.domain.profile import Profile
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm
from tests.support import yaz
from tests.support.installed import start_or_skip
from tests.support.zebra import binary

COMPUTER = CatalogueQuery((SearchTerm(SearchIndex.TITLE, "computer"),))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    start_or_skip(lambda: binary("yaz-ztest"))
    with yaz.ztest() as port:
        yield port


@pytest.fixture
async def client() -> AsyncIterator[Z3950Search]:
    made = Z3950Search(lambda reference: "")
    yield made
    await made.close()


def target(port: int, **section: object) -> Profile:
    dialect = Z3950Dialect.model_validate({"address": f"127.0.0.1:{port}", **section})
    return Profile(name="ztest", dialects={"z3950": dialect})


async def test_holdings_in_opac_records(port: int, client: Z3950Search) -> None:
    hits = await client.search(target(port, syntaxes=["opac"]), COMPUTER, count=2)

    assert [(record.syntax, record.problem) for record in hits.records] == [("opac", ""), ("opac", "")]
    first = hits.records[0]
    assert first.citation.title
    assert first.holdings
    held = first.holdings[0]
    assert (held.location, held.sublocation) != ("", "")
    assert held.call_number
    assert [one.available for one in first.holdings] == [True] * len(first.holdings)


async def test_all_its_records_are_read(port: int, client: Z3950Search) -> None:
    hits = await client.search(target(port), COMPUTER, count=1000)

    assert hits.total == len(hits.records) == yaz.counts(f"127.0.0.1:{port}", ["computer"])[0]
    assert [record.problem for record in hits.records if record.problem] == []
    assert all(record.citation.title for record in hits.records)


@pytest.mark.parametrize("syntax", ["marc21", "sutrs", "xml", "opac"])
async def test_every_syntax(port: int, client: Z3950Search, syntax: str) -> None:
    """It has no element sets in XML, and says a system error instead."""
    section = {"syntaxes": [syntax], "elements": "" if syntax == "xml" else "F"}

    hits = await client.search(target(port, **section), COMPUTER, count=3)

    assert [record.syntax for record in hits.records] == [syntax] * 3
