"""What catalogues are asked: numbers first, then the title."""

from dataclasses import replace

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.catalogue_policy import LocatePolicy
from gateway.domain.requests.citation import Citation, CitationType
from gateway.ports.catalogue import SearchIndex, SearchTerm, TermMatch
from gateway.services.searching.lookup import plan_questions, queries_for_number
from tests.unit.services.searching.support import JOURNAL, KOBZAR


def asked(citation: Citation, **locate: object) -> list[tuple[str, tuple[SearchTerm, ...]]]:
    found = plan_questions(citation, LocatePolicy.model_validate(locate))
    return [(one.says, one.query.terms) for one in found]


def test_a_book() -> None:
    author = SearchTerm(SearchIndex.AUTHOR, "Шевченко")
    assert asked(KOBZAR) == [
        ("isbn 9783161484100", (SearchTerm(SearchIndex.ISBN, "9783161484100"),)),
        ("isbn 316148410X", (SearchTerm(SearchIndex.ISBN, "316148410X"),)),
        ("title and author", (SearchTerm(SearchIndex.TITLE, "Кобзар: вибрані поезії", TermMatch.PHRASE), author)),
        ("title and author", (SearchTerm(SearchIndex.TITLE, "Кобзар", TermMatch.PHRASE), author)),
    ]


def test_each_number_once_in_the_order_of_the_plan() -> None:
    book = replace(
        KOBZAR,
        title="",
        identifiers=(
            RecordId("lccn", "n 78-890351"),
            RecordId("oclc", "(OCoLC)ocm00012345"),
            RecordId("isbn", "316148410X"),
            RecordId("isbn", "9783161484100"),
            RecordId("doi", "10.1000/182"),
        ),
    )
    assert [says for says, _ in asked(book)] == [
        "isbn 9783161484100",
        "isbn 316148410X",
        "oclc 12345",
        "lccn n78890351",
    ]
    assert [says for says, _ in asked(book, plan=["lccn", "isbn"])] == [
        "lccn n78890351",
        "isbn 9783161484100",
        "isbn 316148410X",
    ]


def test_a_journal_by_all_its_issn_and_its_title_without_the_year_of_the_article() -> None:
    article = replace(JOURNAL, identifiers=(*JOURNAL.identifiers, RecordId("eissn", "0317-8471")))
    assert asked(article, title={"beside": ["author", "year"]}) == [
        ("issn 1344-8668", (SearchTerm(SearchIndex.ISSN, "1344-8668"),)),
        ("issn 0317-8471", (SearchTerm(SearchIndex.ISSN, "0317-8471"),)),
        ("title", (SearchTerm(SearchIndex.TITLE, "日本図書館情報学会誌", TermMatch.PHRASE),)),
    ]


@pytest.mark.parametrize(
    ("title", "phrase"),
    [
        ("Der Zauberberg : Roman / Thomas Mann.", "Der Zauberberg"),
        ("Peer Gynt [microform]", "Peer Gynt"),
        ("C++.", "C++"),
        ("3:10 to Yuma", "3:10 to Yuma"),
    ],
)
def test_the_title_proper(title: str, phrase: str) -> None:
    ((_, terms),) = asked(Citation(title=title))
    assert terms == (SearchTerm(SearchIndex.TITLE, phrase, TermMatch.PHRASE),)


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Borges, Jorge Luis", "Borges"),
        ("Jorge Luis Borges", "Borges"),
        ("Deleuze, Gilles ; Guattari, Félix", "Deleuze"),
        ("村上春樹", "村上春樹"),
    ],
)
def test_the_first_authors_name(author: str, name: str) -> None:
    ((_, terms),) = asked(Citation(title="El libro de arena", author=author))
    assert terms[1] == SearchTerm(SearchIndex.AUTHOR, name)


def test_the_year_of_a_book_beside_the_title() -> None:
    book = Citation(type=CitationType.BOOK, title="Peer Gynt", published="c1867")
    ((says, terms),) = asked(book, title={"beside": ["author", "year"]})
    assert (says, terms[1:]) == ("title and year", (SearchTerm(SearchIndex.YEAR, "1867"),))


def test_nothing_to_look_for() -> None:
    assert asked(Citation(component_title="Über Fernleihe", identifiers=(RecordId("pmid", "12"),))) == []
    assert asked(Citation(title="…")) == []


@pytest.mark.parametrize(
    ("number", "terms"),
    [
        (
            RecordId("isbn", "316148410X"),
            [SearchTerm(SearchIndex.ISBN, "9783161484100"), SearchTerm(SearchIndex.ISBN, "316148410X")],
        ),
        (RecordId("doi", "https://doi.org/10.1000/ABC"), [SearchTerm(SearchIndex.STANDARD, "10.1000/abc")]),
        (RecordId("isbn", "not one"), []),
        (RecordId("shelf", "QA 76"), []),
    ],
)
def test_one_number(number: RecordId, terms: list[SearchTerm]) -> None:
    assert [query.terms[0] for query in queries_for_number(number)] == terms
