"""Terms to CQL, by the target's indexes."""

import pytest
from pydantic import ValidationError

from adapters.sru.codec import format_cql, format_scan_clause
from adapters.sru.dialect import SruDialect
from gateway.domain.problems import Refused
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm, TermMatch


def dialect(**section: object) -> SruDialect:
    return SruDialect.model_validate({"url": "https://catalogue.example/sru", **section})


def said(*terms: SearchTerm, native: str = "", **section: object) -> str:
    return format_cql(CatalogueQuery(terms, native), dialect(**section), "target")


@pytest.mark.parametrize(
    ("term", "section", "expected"),
    [
        (SearchTerm(SearchIndex.TITLE, "slow  gardens"), {}, 'dc.title all "slow gardens"'),
        (SearchTerm(SearchIndex.TITLE, "slow gardens", TermMatch.PHRASE), {}, 'dc.title = "slow gardens"'),
        (SearchTerm(SearchIndex.TITLE, "slow g", TermMatch.BEGINS), {}, 'dc.title = "slow g*"'),
        (SearchTerm(SearchIndex.TITLE, r'a "b" c* d? ^e \f'), {}, r'dc.title all "a \"b\" c\* d\? \^e \\f"'),
        (SearchTerm(SearchIndex.ISBN, "978-83-0000417-8"), {}, 'bath.isbn = "9788300004178"'),
        (SearchTerm(SearchIndex.ISSN, "90000179"), {}, 'bath.issn = "9000-0179"'),
        (
            SearchTerm(SearchIndex.OCLC, "19004"),
            {"indexes": {"oclc": {"name": "x.oclc", "relation": "=="}}},
            'x.oclc == "19004"',
        ),
        (SearchTerm(SearchIndex.TITLE, "lamps"), {"indexes": {"title": {"name": "pica.tit"}}}, 'pica.tit all "lamps"'),
        (SearchTerm(SearchIndex.TITLE, "lamps"), {"relations": {"words": "all/stem"}}, 'dc.title all/stem "lamps"'),
    ],
)
def test_each_target_has_its_own_indexes(term: SearchTerm, section: dict[str, object], expected: str) -> None:
    assert said(term, **section) == expected


def test_terms_are_joined_by_and() -> None:
    asked = said(
        SearchTerm(SearchIndex.TITLE, "lamps"),
        SearchTerm(SearchIndex.AUTHOR, "Quenby"),
        SearchTerm(SearchIndex.PUBLISHER, " "),
    )

    assert asked == 'dc.title all "lamps" and dc.creator all "Quenby"'


def test_a_native_query_goes_as_it_is() -> None:
    assert said(native=" dc.title any lamps ") == "dc.title any lamps"


def test_where_a_scan_begins() -> None:
    assert (
        format_scan_clause(SearchTerm(SearchIndex.TITLE, 'la"m', TermMatch.BEGINS), dialect(), "target")
        == r'dc.title = "la\"m"'
    )


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (CatalogueQuery(), "the query is empty"),
        (CatalogueQuery((SearchTerm(SearchIndex.OCLC, "1"),)), "index 'oclc' not found"),
        (CatalogueQuery((SearchTerm(SearchIndex.LCCN, "1"),)), "index 'lccn' not found"),
    ],
)
def test_what_cannot_be_said_is_refused(query: CatalogueQuery, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        format_cql(query, dialect(indexes={"lccn": None}), "target")


@pytest.mark.parametrize(
    "section",
    [
        {"url": "ftp://catalogue.example"},
        {"url": "https://desk:secret@catalogue.example"},
        {"version": "3.0"},
        {"schemas": []},
        {"indexes": {"title": {"name": 'a" or "b'}}},
        {"relations": {"words": 'all "x"'}},
        {"sign_in": {"user": "desk"}},
        {"sign_in": {"parameter": "key"}},
        {"sign_in": {"user": "desk", "password": "secret"}},
    ],
)
def test_a_section_that_cannot_work_is_refused_when_it_is_read(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        dialect(**section)
