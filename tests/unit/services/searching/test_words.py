"""What staff type to search."""

import pytest

from gateway.domain.problems import Refused
from gateway.ports.catalogue import Index, Match, Query, Term
from gateway.services.searching.search import native, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("zauberberg", [Term(Index.ANY, "zauberberg")]),
        ("zauberberg  thomas mann", [Term(Index.ANY, "zauberberg thomas mann")]),
        ('title:"der Zauberberg" author:mann', [
            Term(Index.TITLE, "der Zauberberg", Match.PHRASE), Term(Index.AUTHOR, "mann"),
        ]),
        ('"на краю світу" поезії', [Term(Index.ANY, "на краю світу", Match.PHRASE), Term(Index.ANY, "поезії")]),
        ("TITLE:кобз*", [Term(Index.TITLE, "кобз", Match.BEGINS)]),
        ("isbn:3-16-148410-X", [Term(Index.ISBN, "9783161484100")]),
        ('isbn:"3 16 148410 X"', [Term(Index.ISBN, "9783161484100")]),
        ("issn:13448668 year:1995", [Term(Index.ISSN, "1344-8668"), Term(Index.YEAR, "1995")]),
        ("oclc:ocm00012345", [Term(Index.OCLC, "12345")]),
        ("isbn:12", [Term(Index.ISBN, "12")]),  # the target says what it thinks of it
        ("3:10 to Yuma", [Term(Index.ANY, "3:10 to Yuma")]),
        ("Faust: der Tragödie", [Term(Index.ANY, "Faust: der Tragödie")]),
        ('title:"not closed', [Term(Index.TITLE, "not closed", Match.PHRASE)]),
        ("雪国 川端", [Term(Index.ANY, "雪国 川端")]),
    ],
)  # fmt: skip
def test_words(text: str, terms: list[Term]) -> None:
    assert parse(text) == Query(tuple(terms))


@pytest.mark.parametrize("text", ["", "   ", '""', "*", 'title:""'])
def test_nothing_to_look_for(text: str) -> None:
    with pytest.raises(Refused, match="nothing to look for"):
        parse(text)


def test_an_index_that_there_is_not() -> None:
    with pytest.raises(Refused, match=r"no index 'shelf'; there are: any, author, isbn"):
        parse("shelf:QA76")


def test_the_protocols_own_notation() -> None:
    assert native(" @attr 1=4 кобзарь ") == Query(native="@attr 1=4 кобзарь")
    with pytest.raises(Refused):
        native(" ")
