"""What staff type to search."""

import pytest

from gateway.domain.problems import Refused
from gateway.ports.catalogue import CatalogueQuery, SearchIndex, SearchTerm, TermMatch
from gateway.services.searching.search import native_query, parse_query


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("zauberberg", [SearchTerm(SearchIndex.ANY, "zauberberg")]),
        ("zauberberg  thomas mann", [SearchTerm(SearchIndex.ANY, "zauberberg thomas mann")]),
        ('title:"der Zauberberg" author:mann', [
            SearchTerm(SearchIndex.TITLE, "der Zauberberg", TermMatch.PHRASE), SearchTerm(SearchIndex.AUTHOR, "mann"),
        ]),
        (
            '"на краю світу" поезії',
            [SearchTerm(SearchIndex.ANY, "на краю світу", TermMatch.PHRASE), SearchTerm(SearchIndex.ANY, "поезії")],
        ),
        ("TITLE:кобз*", [SearchTerm(SearchIndex.TITLE, "кобз", TermMatch.BEGINS)]),
        ("isbn:3-16-148410-X", [SearchTerm(SearchIndex.ISBN, "9783161484100")]),
        ('isbn:"3 16 148410 X"', [SearchTerm(SearchIndex.ISBN, "9783161484100")]),
        ("issn:13448668 year:1995", [SearchTerm(SearchIndex.ISSN, "1344-8668"), SearchTerm(SearchIndex.YEAR, "1995")]),
        ("oclc:ocm00012345", [SearchTerm(SearchIndex.OCLC, "12345")]),
        ("isbn:12", [SearchTerm(SearchIndex.ISBN, "12")]),  # the target says what it thinks of it
        ("3:10 to Yuma", [SearchTerm(SearchIndex.ANY, "3:10 to Yuma")]),
        ("Faust: der Tragödie", [SearchTerm(SearchIndex.ANY, "Faust: der Tragödie")]),
        ('title:"not closed', [SearchTerm(SearchIndex.TITLE, "not closed", TermMatch.PHRASE)]),
        ("雪国 川端", [SearchTerm(SearchIndex.ANY, "雪国 川端")]),
    ],
)  # fmt: skip
def test_words(text: str, terms: list[SearchTerm]) -> None:
    assert parse_query(text) == CatalogueQuery(tuple(terms))


@pytest.mark.parametrize("text", ["", "   ", '""', "*", 'title:""'])
def test_nothing_to_look_for(text: str) -> None:
    with pytest.raises(Refused, match="query is empty"):
        parse_query(text)


def test_an_index_that_there_is_not() -> None:
    with pytest.raises(Refused, match=r"Index 'shelf' not found. Available: any, author, isbn"):
        parse_query("shelf:QA76")


def test_the_protocols_own_notation() -> None:
    assert native_query(" @attr 1=4 кобзарь ") == CatalogueQuery(native="@attr 1=4 кобзарь")
    with pytest.raises(Refused):
        native_query(" ")
