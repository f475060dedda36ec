"""Z39.50 with a real Zebra over three thousand records in ten scripts: it finds what yaz-client finds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.z3950.client import Z3950Search
from adapters.z3950.dialect import Z3950Dialect
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm, TermMatch
from tests.interop.catalogues import QUERIES, behind_a_password, catalogue
from tests.support import yaz
from tests.support.catalogue import isbn, issn
from tests.support.zebra import PASSWORD, USER, Zebra

ITEMS = [{"tag": "949", "location": "l", "barcode": "b", "policy": "p", "status": "s", "due": "d"}]


@pytest.fixture(scope="module")
def zebra() -> Iterator[Zebra]:
    server = catalogue()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def closed_zebra() -> Iterator[Zebra]:
    server = behind_a_password()
    yield server
    server.stop()


@pytest.fixture
async def client() -> AsyncIterator[Z3950Search]:
    made = Z3950Search({"env:PASSWORD": PASSWORD, "env:WRONG": "wrong", "env:OPEN": f"{USER}/{PASSWORD}"}.__getitem__)
    yield made
    await made.close()


def target(zebra: Zebra, **section: object) -> Profile:
    return Profile(name="zebra", dialects={"z3950": Z3950Dialect.model_validate({"address": zebra.address, **section})})


async def test_counts_agree_with_yaz_client(zebra: Zebra, client: Z3950Search) -> None:
    ours = [(await client.search(target(zebra), CatalogueQuery(native=query), count=0)).total for query in QUERIES]

    assert dict(zip(QUERIES, ours, strict=True)) == dict(zip(QUERIES, yaz.counts(zebra.address, QUERIES), strict=True))
    assert [query for query, total in zip(QUERIES, ours, strict=True) if not total] == ["@attr 1=4 nothingofthekind"]


@pytest.mark.parametrize(
    "terms",
    [
        (SearchTerm(SearchIndex.TITLE, "keepers lighthouse"),),
        (SearchTerm(SearchIndex.TITLE, "lighthouse keepers", TermMatch.PHRASE),),
        (SearchTerm(SearchIndex.TITLE, "The lighth", TermMatch.BEGINS),),
        (SearchTerm(SearchIndex.TITLE, "Северные сады"), SearchTerm(SearchIndex.AUTHOR, "Златоборский")),
        (SearchTerm(SearchIndex.TITLE, "灯塔"), SearchTerm(SearchIndex.YEAR, "1939")),
        (SearchTerm(SearchIndex.ISBN, isbn(4)),),
        (SearchTerm(SearchIndex.STANDARD, issn(34)),),
        (SearchTerm(SearchIndex.LOCAL, "mk000004"),),
        (SearchTerm(SearchIndex.SUBJECT, "gardens"), SearchTerm(SearchIndex.PUBLISHER, "Mövenverlag")),
    ],
)
async def test_what_terms_become_means_the_same_to_yaz_client(
    zebra: Zebra, client: Z3950Search, terms: tuple[SearchTerm, ...]
) -> None:
    hits = await client.search(target(zebra), CatalogueQuery(terms), count=0)

    assert hits.total > 0
    assert yaz.counts(zebra.address, [hits.asked]) == [hits.total]


async def test_records_in_every_script(zebra: Zebra, client: Z3950Search) -> None:
    found = {}
    for number in range(1, 11):
        hits = await client.search(target(zebra), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(number)),)))
        (record,) = hits.records
        assert record.problem == ""
        assert record.citation.identifier("isbn") == isbn(number)
        found[record.citation.language] = record.citation.title

    assert found["rus"] == "Северные сады о реке Златоборке"
    assert found["pol"] == "Żółte okręty znad Łęgowej"
    assert found["ara"] == "حدائق وادي النخيل الأزرق"
    assert found["jpn"] == "灯台守の手紙" or found["jpn"] == "灯台守 の手紙"
    assert len(found) == 10


async def test_a_long_list_in_slices(zebra: Zebra, client: Z3950Search) -> None:
    query = CatalogueQuery((SearchTerm(SearchIndex.TITLE, "lighthouse"),))
    hits = await client.search(target(zebra, slice=7), query, count=50)
    later = await client.search(target(zebra, slice=7), query, start=41, count=10)

    assert [record.position for record in hits.records] == list(range(1, 51))
    assert len({record.citation.identifier("local") for record in hits.records}) == 50
    assert [one.citation for one in later.records] == [one.citation for one in hits.records[40:]]


async def test_holdings_in_852_and_in_a_field_of_its_own(zebra: Zebra, client: Z3950Search) -> None:
    query = CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),))
    standard = (await client.search(target(zebra), query)).records[0].holdings
    own = (await client.search(target(zebra, records={"holdings": ITEMS}), query)).records[0].holdings

    assert standard is not None
    assert [(one.location, one.sublocation, one.call_number) for one in standard] == [("SKOG", "REF", "QX5 .T5")]
    assert own is not None
    assert [(one.barcode, one.policy, one.status, one.available) for one in own] == [
        ("0000051", "reading-room", "Available", True),
        ("0000052", "reading-room", "Checked out", False),
        ("0000053", "reading-room", "Missing", False),
    ]
    assert own[1].due is not None


async def test_runs_of_a_serial(zebra: Zebra, client: Z3950Search) -> None:
    (record,) = (await client.search(target(zebra), CatalogueQuery((SearchTerm(SearchIndex.ISSN, issn(17)),)))).records

    assert record.citation.type == "journal"
    assert record.holdings is not None
    assert record.holdings[0].volumes == "v.1-19 (1931-1961)"


@pytest.mark.parametrize(
    ("syntaxes", "syntax"), [(["xml"], "xml"), (["sutrs"], "sutrs"), (["unimarc", "marc21"], "marc21")]
)
async def test_other_syntaxes_and_falling_back(
    zebra: Zebra, client: Z3950Search, syntaxes: list[str], syntax: str
) -> None:
    hits = await client.search(
        target(zebra, syntaxes=syntaxes), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),))
    )

    assert [(record.syntax, record.problem) for record in hits.records] == [(syntax, "")]


async def test_a_syntax_that_it_does_not_have(zebra: Zebra, client: Z3950Search) -> None:
    with pytest.raises(Refused, match=r"239 record syntax not supported|238 record not available"):
        await client.search(target(zebra, syntaxes=["opac"]), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),)))


@pytest.mark.parametrize(
    ("section", "query", "said"),
    [
        ({}, CatalogueQuery((SearchTerm(SearchIndex.OCLC, "1"),)), "114 unsupported use attribute: 1211"),
        (
            {"databases": ["Elsewhere"]},
            CatalogueQuery((SearchTerm(SearchIndex.TITLE, "x"),)),
            "109 database unavailable: Elsewhere",
        ),
        ({}, CatalogueQuery(native="@attr 1=4 @attr 5=99 x"), "120 unsupported truncation attribute: 99"),
    ],
)
async def test_diagnostics(
    zebra: Zebra, client: Z3950Search, section: dict[str, object], query: CatalogueQuery, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        await client.search(target(zebra, **section), query)


async def test_terms_of_an_index(zebra: Zebra, client: Z3950Search) -> None:
    terms = await client.terms(target(zebra), SearchTerm(SearchIndex.TITLE, "lighth"), count=3)

    found = await client.search(target(zebra), CatalogueQuery((SearchTerm(SearchIndex.TITLE, "lighthouse"),)), count=0)

    assert terms[0] == ("lighthouse", found.total)
    assert len(terms) == 3


# --- signing in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign_in", [{"user": USER, "password": "env:PASSWORD"}, {"open": "env:OPEN"}], ids=["user", "open"]
)
async def test_it_lets_us_in(closed_zebra: Zebra, client: Z3950Search, sign_in: dict[str, str]) -> None:
    hits = await client.search(
        target(closed_zebra, sign_in=sign_in), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),))
    )

    assert hits.total == 1


@pytest.mark.parametrize("sign_in", [{}, {"user": USER, "password": "env:WRONG"}], ids=["nobody", "wrong"])
async def test_it_refuses_others(closed_zebra: Zebra, client: Z3950Search, sign_in: dict[str, str]) -> None:
    with pytest.raises(Refused) as told:
        await client.search(
            target(closed_zebra, sign_in=sign_in), CatalogueQuery((SearchTerm(SearchIndex.ISBN, isbn(5)),))
        )

    assert told.value.reason is RefusalReason.SENDER_AUTH_FAILED
    assert "wrong" not in str(told.value)
