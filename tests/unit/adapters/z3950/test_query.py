"""Terms to queries, by the target's attributes."""

import pytest
from pydantic import ValidationError

from adapters.z3950 import pqf, target_address
from adapters.z3950.client import scan_operand, type1_query
from adapters.z3950.dialect import Z3950Dialect
from gateway.domain.problems import Refused
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm, TermMatch


def said(*terms: SearchTerm, native: str = "", **section: object) -> str:
    dialect = Z3950Dialect.model_validate({"address": "catalogue.example", **section})
    return pqf.format_pqf(type1_query(CatalogueQuery(terms, native), dialect, "target"))


def test_terms_are_joined_by_and() -> None:
    asked = said(
        SearchTerm(SearchIndex.TITLE, "slow gardens"),
        SearchTerm(SearchIndex.AUTHOR, "Quenby", TermMatch.PHRASE),
        SearchTerm(SearchIndex.YEAR, "1981"),
    )

    assert asked == '@and @and @attr 1=4 @attr 4=6 "slow gardens" @attr 1=1003 @attr 4=1 Quenby @attr 1=31 1981'


@pytest.mark.parametrize(
    ("term", "section", "expected"),
    [
        (SearchTerm(SearchIndex.ISBN, "978-83-0000417-8"), {}, "@attr 1=7 9788300004178"),
        (SearchTerm(SearchIndex.ISSN, "90000179"), {}, "@attr 1=8 9000-0179"),
        (
            SearchTerm(SearchIndex.ISSN, "90000179"),
            {"indexes": {"issn": {"use": 8, "form": "as-is"}}},
            "@attr 1=8 90000179",
        ),
        (SearchTerm(SearchIndex.TITLE, "lamps", TermMatch.BEGINS), {}, "@attr 1=4 @attr 3=1 @attr 4=1 @attr 5=1 lamps"),
        (
            SearchTerm(SearchIndex.TITLE, "lamps"),
            {"indexes": {"title": {"use": "dc.title"}}},
            "@attr 1=dc.title @attr 4=6 lamps",
        ),
        (SearchTerm(SearchIndex.TITLE, "lamps"), {"matches": {"words": {"structure": 2}}}, "@attr 1=4 @attr 4=2 lamps"),
        (
            SearchTerm(SearchIndex.TITLE, "lamps"),
            {"always": {"relation": 3, "structure": 1}},
            "@attr 1=4 @attr 2=3 @attr 4=6 lamps",
        ),
        (
            SearchTerm(SearchIndex.TITLE, "slow gardens"),
            {"each_word": True},
            "@and @attr 1=4 @attr 4=2 slow @attr 1=4 @attr 4=2 gardens",
        ),
        (
            SearchTerm(SearchIndex.TITLE, "lamps"),
            {"indexes": {"title": {"relation": 102, "position": 3, "structure": 2, "truncation": 100}}},
            "@attr 2=102 @attr 3=3 @attr 4=2 @attr 5=100 lamps",
        ),
        (
            SearchTerm(SearchIndex.TITLE, "lamps"),
            {"indexes": {"title": {"completeness": 1}}, "always": {"use": 5}},
            "@attr 1=5 @attr 4=6 @attr 6=1 lamps",
        ),
        (
            SearchTerm(SearchIndex.TITLE, "lamps"),
            {"always": {"completeness": 3}},
            "@attr 1=4 @attr 4=6 @attr 6=3 lamps",
        ),
        (SearchTerm(SearchIndex.ANY, "lamps"), {"attribute_set": "gils"}, "@attrset gils @attr 1=1016 @attr 4=6 lamps"),
    ],
)
def test_each_target_has_its_own_attributes(term: SearchTerm, section: dict[str, object], expected: str) -> None:
    assert said(term, **section) == expected


def test_a_native_query_goes_as_it_is() -> None:
    assert said(native="@or  @attr 1=4 lamps @attr 1=4 tides") == "@or @attr 1=4 lamps @attr 1=4 tides"


def test_a_scan_has_no_structure_of_words() -> None:
    dialect = Z3950Dialect(address="catalogue.example")

    assert [
        (one.type, one.value) for one in scan_operand(SearchTerm(SearchIndex.TITLE, "sl"), dialect, "target").attributes
    ] == [(1, 4)]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (CatalogueQuery(), "the query is empty"),
        (CatalogueQuery((SearchTerm(SearchIndex.TITLE, "  "),)), "the query is empty"),
        (CatalogueQuery((SearchTerm(SearchIndex.OCLC, "1"),)), "index 'oclc' not found"),
        (CatalogueQuery(native="@and a"), "not a valid PQF query: it ends"),
    ],
)
def test_what_cannot_be_said_is_refused(query: CatalogueQuery, reason: str) -> None:
    dialect = Z3950Dialect.model_validate({"address": "catalogue.example", "indexes": {"oclc": None}})

    with pytest.raises(Refused, match=reason):
        type1_query(query, dialect, "target")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("catalogue.example", "catalogue.example:210"),
        ("catalogue.example:9999", "catalogue.example:9999"),
        ("[2001:db8::1]:7090", "[2001:db8::1]:7090"),
        ("[2001:db8::1]", "[2001:db8::1]:210"),
    ],
)
def test_addresses(written: str, expected: str) -> None:
    assert target_address(Z3950Dialect(address=written)) == expected


@pytest.mark.parametrize(
    "section",
    [
        {"address": "https://catalogue.example"},
        {"address": "catalogue.example:70000"},
        {"attribute_set": "bib-9"},
        {"syntaxes": []},
        {"syntaxes": ["marc22"]},
        {"indexes": {"titel": {"use": 4}}},
        {"sign_in": {"password": "env:A"}},
        {"sign_in": {"open": "env:A", "user": "desk"}},
        {"sign_in": {"user": "desk", "password": "secret"}},
        {"charset": "marc-8"},
    ],
)
def test_a_section_that_cannot_work_is_refused_when_it_is_read(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Z3950Dialect.model_validate({"address": "catalogue.example", **section})
