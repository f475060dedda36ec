"""SRU with a real Zebra: the same catalogue as by Z39.50, the same counts as yaz-client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from click.testing import CliRunner

from adapters.sru.client import SruSearch
from adapters.sru.commands import command
from adapters.sru.dialect import SruDialect
from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.ports.adapter import SearchContext
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm, TermMatch
from gateway.ports.outgoing_addresses import AllowedAddresses
from tests.interop.catalogues import catalogue
from tests.support import yaz
from tests.support.catalogue import isbn, issn
from tests.support.zebra import Zebra


@pytest.fixture(scope="module")
def zebra() -> Iterator[Zebra]:
    server = catalogue()
    yield server
    server.stop()


@pytest.fixture
async def client() -> AsyncIterator[SruSearch]:
    made = SruSearch(SearchContext(lambda reference: "", AllowedAddresses()))
    yield made
    await made.close()


def target(zebra: Zebra, **section: object) -> Profile:
    return Profile(name="zebra", dialects={"sru": SruDialect.model_validate({"url": zebra.url, **section})})


@pytest.mark.parametrize("version", ["1.1", "1.2", "2.0"])
@pytest.mark.parametrize("schema", ["marcxml", "mods", "dc"])
async def test_every_version_and_schema(zebra: Zebra, client: SruSearch, version: str, schema: str) -> None:
    query = CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(4)),))

    hits = await client.search(target(zebra, version=version, schemas=[schema]), query)

    (record,) = hits.records
    assert (hits.total, hits.notes, record.problem) == (1, (), "")
    assert record.syntax == {"marcxml": "xml"}.get(schema, schema)
    assert record.citation.title.startswith("Северные сады о реке Златоборке")
    assert record.citation.author.startswith("Златоборский, Еремей")


@pytest.mark.parametrize(
    ("terms", "same"),
    [
        ((SearchTerm(SearchIndex.TITLE, "keepers lighthouse"),), '@attr 1=4 @attr 4=6 "keepers lighthouse"'),
        (
            (SearchTerm(SearchIndex.TITLE, "lighthouse keepers", TermMatch.PHRASE),),
            '@attr 1=4 @attr 4=1 "lighthouse keepers"',
        ),
        ((SearchTerm(SearchIndex.TITLE, "gard", TermMatch.BEGINS),), "@attr 1=4 @attr 5=1 gard"),
        ((SearchTerm(SearchIndex.TITLE, "灯塔"),), "@attr 1=4 灯塔"),
        ((SearchTerm(SearchIndex.ISSN, issn(34)),), f"@attr 1=8 {issn(34)}"),
        (
            (SearchTerm(SearchIndex.TITLE, "gardens"), SearchTerm(SearchIndex.AUTHOR, "Quenby")),
            "@and @attr 1=4 gardens @attr 1=1003 Quenby",
        ),
        ((SearchTerm(SearchIndex.TITLE, 'a "quoted" *word?'),), '@attr 1=4 "quoted word"'),
    ],
)
async def test_counts_agree_with_yaz_client(
    zebra: Zebra, client: SruSearch, terms: tuple[SearchTerm, ...], same: str
) -> None:
    hits = await client.search(target(zebra), CatalogueQuery(terms), count=0)

    assert [hits.total] == yaz.counts(zebra.address, [same])


async def test_a_long_list_by_post_in_slices(zebra: Zebra, client: SruSearch) -> None:
    query = CatalogueQuery(native="dc.title = lighthouse")
    hits = await client.search(target(zebra, slice=7, method="POST"), query, count=30)

    assert [record.position for record in hits.records] == list(range(1, 31))
    assert len({record.citation.identifier("local") for record in hits.records}) == 30


async def test_holdings(zebra: Zebra, client: SruSearch) -> None:
    (record,) = (await client.search(target(zebra), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),)))).records

    assert record.holdings is not None
    assert [(one.location, one.call_number) for one in record.holdings] == [("SKOG", "QX5 .T5")]


@pytest.mark.parametrize(
    ("section", "query", "said"),
    [
        ({}, "dc.titel = x", "16 unsupported index"),
        ({}, "dc.title = ", "10 query syntax error"),
        ({"schemas": ["onix"]}, "dc.title = lighthouse", "66 unknown schema for retrieval: onix"),
    ],
)
async def test_diagnostics(zebra: Zebra, client: SruSearch, section: dict[str, object], query: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        await client.search(target(zebra, **section), CatalogueQuery(native=query))


async def test_another_schema_when_the_first_is_not_known(zebra: Zebra, client: SruSearch) -> None:
    hits = await client.search(
        target(zebra, schemas=["onix", "mods"]), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),))
    )

    assert [record.syntax for record in hits.records] == ["mods"]


async def test_terms_of_an_index(zebra: Zebra, client: SruSearch) -> None:
    terms = await client.terms(target(zebra), SearchTerm(SearchIndex.TITLE, "lighth"), count=3)

    found = await client.search(target(zebra), CatalogueQuery((SearchTerm(SearchIndex.TITLE, "lighthouse"),)), count=0)

    assert terms[0] == ("lighthouse", found.total)


async def test_what_it_says_of_itself(zebra: Zebra, client: SruSearch) -> None:
    said = await client.explain_server(target(zebra))

    assert (said.database, said.title) == ("Default", "Made-up catalogue")
    assert [index.names for index in said.indexes] == [("dc.title",), ("bath.isbn",)]
    assert said.schemas[0] == ("marcxml", "info:srw/schema/1/marcxml-v1.1")


def test_the_command_shows_what_a_server_says_of_itself(zebra: Zebra) -> None:
    shown = CliRunner().invoke(command, ["explain", zebra.url])

    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[:3] == [
        "Made-up catalogue (database Default)",
        "indexes:",
        f"  {'dc.title':<40} Title",
    ]


def test_the_command_says_that_nobody_is_there() -> None:
    shown = CliRunner().invoke(command, ["explain", "http://127.0.0.1:9/none"])

    assert shown.exit_code == 4
    assert "not reached" in shown.output
