"""Is a record the one that is asked for?"""

from dataclasses import replace

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.catalogue_policy import TitleSearch
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.citation_matching import compare_with_hit
from tests.unit.services.searching.support import JOURNAL, KOBZAR

RULES = TitleSearch()
ISBN = RecordId("isbn", "316148410X (pbk.)")
ANOTHER = RecordId("isbn", "978-0-306-40615-7")


def found(citation: Citation = KOBZAR, *numbers: RecordId, **changes: str) -> Citation:
    return replace(citation, identifiers=numbers, **changes)


def said(asked: Citation, there: Citation) -> tuple[bool, str]:
    one = compare_with_hit(asked, there, RULES)
    return one.same, one.how


def test_a_number_is_enough_whatever_the_title() -> None:
    assert said(KOBZAR, found(KOBZAR, ISBN, title="Kobzar")) == (True, "ISBN matches")


def test_of_several_numbers_one_is_enough() -> None:
    asked = replace(KOBZAR, identifiers=(*KOBZAR.identifiers, RecordId("oclc", "ocm12345")))
    assert said(asked, found(KOBZAR, ANOTHER, RecordId("oclc", "(OCoLC)12345"))) == (True, "OCLC number matches")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, (True, "title, author and year match")),
        ({"title": "КОБЗАР", "author": "Тарас Шевченко"}, (True, "title, author and year match")),
        ({"title": "Кобзар / Т. Шевченко", "author": "", "published": ""}, (True, "title matches")),
        ({"published": "[1984?]"}, (True, "title, author and year match")),
        ({"published": "2011"}, (False, "same title, year differs")),
        ({"author": "Франко, Іван"}, (False, "same title, author differs")),
        ({"title": "Гайдамаки"}, (False, "title differs (13% similar)")),
        ({"title": ""}, (False, "no title to compare")),
    ],
)
def test_without_a_number(changes: dict[str, str], answer: tuple[bool, str]) -> None:
    assert said(found(), found(**changes)) == answer


def test_articles_accents_and_punctuation_do_not_count() -> None:
    asked = Citation(title="Die Räuber", author="Schiller, Friedrich")
    assert said(asked, Citation(title="rauber!", author="F. Schiller"))[0]


def test_two_subtitles_are_two_titles() -> None:
    asked = Citation(title="Geschichte: das Altertum")
    assert said(asked, Citation(title="Geschichte"))[0]
    assert not said(asked, Citation(title="Geschichte : die Neuzeit"))[0]


def test_another_number_of_the_same_kind_needs_the_same_title_author_and_year() -> None:
    assert said(KOBZAR, found(KOBZAR, ANOTHER)) == (True, "title, author and year match; ISBN differs")
    assert said(KOBZAR, found(KOBZAR, ANOTHER, published="")) == (False, "same title, ISBN differs")


def test_the_issn_of_a_series_is_not_its_books() -> None:
    series = RecordId("issn", "1344-8668")
    assert said(found(KOBZAR, series), found(KOBZAR, series, title="Гайдамаки"))[0] is False


def test_a_journal_began_in_another_year() -> None:
    assert said(found(JOURNAL), found(JOURNAL, published="1899-")) == (True, "title matches")
    assert said(found(JOURNAL), found(JOURNAL, RecordId("issn", "0317-8471"), published="1899-"))[0]
