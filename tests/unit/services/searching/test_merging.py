"""Records of several catalogues as one list."""

from dataclasses import replace

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.ports.catalogue import FoundRecord, HeldItem
from gateway.services.searching.search import ResultHolder, SearchResult, merge_results
from tests.unit.services.searching.support import KOBZAR, record

STACKS = HeldItem(location="MAG")
ISBN_13, ISBN_10 = RecordId("isbn", "978-3-16-148410-0"), RecordId("isbn", "316148410X (pbk.)")
OCLC, LCCN, LOCAL = RecordId("oclc", "12345"), RecordId("lccn", "n78890351"), RecordId("local", "b1")


def of(*numbers: RecordId, **changes: str) -> Citation:
    return replace(KOBZAR, identifiers=numbers, **changes)


def results(*found: Citation) -> tuple[SearchResult, ...]:
    """Each in a catalogue of its own: a, b, c …"""
    return merge_results((name, record(one, STACKS)) for name, one in zip("abcdef", found, strict=False))


def where(*found: Citation) -> list[str]:
    return ["".join(holder.target for holder in one.holders) for one in results(*found)]


def test_one_number_in_two_spellings() -> None:
    assert where(of(ISBN_13), of(ISBN_10, title="Kobzar")) == ["ab"]


def test_a_record_that_has_two_numbers_joins_two_that_have_one() -> None:
    assert where(of(ISBN_13), of(OCLC, title="Kobzar"), of(ISBN_10, OCLC)) == ["abc"]


def test_without_a_number_by_title_author_and_year() -> None:
    assert where(of(), of(title="КОБЗАР: вибрані поезії", author="Тарас Шевченко"), of(published="2011")) == ["ab", "c"]


def test_words_join_what_no_number_keeps_apart() -> None:
    assert where(of(ISBN_13), of(), of(LCCN)) == ["abc"]
    assert where(of(ISBN_13), of(RecordId("isbn", "9780306406157"))) == ["a", "b"]


def test_volumes_of_a_set_share_its_number() -> None:
    assert where(of(ISBN_13, volume="1"), of(ISBN_13, volume="2"), of(ISBN_10, volume="1")) == ["ac", "b"]


def test_books_of_one_series_share_its_issn() -> None:
    issn = RecordId("issn", "1344-8668")
    assert where(of(issn), of(issn, title="Гайдамаки")) == ["a", "b"]
    journal = Citation(type=CitationType.JOURNAL, title="日本図書館情報学会誌", identifiers=(issn,))
    assert where(journal, replace(journal, title="Nihon toshokan")) == ["ab"]


def test_the_fullest_description_with_the_numbers_of_all() -> None:
    (one,) = results(of(ISBN_13, LOCAL, author=""), of(ISBN_10, OCLC, publisher="Дніпро", place="Київ"))
    assert (one.citation.author, one.citation.publisher) == (KOBZAR.author, "Дніпро")
    assert one.citation.identifiers == (ISBN_13, OCLC)  # a number of one catalogue means nothing elsewhere
    assert one.citation.source == "a"


def test_who_holds_it() -> None:
    quiet = record(KOBZAR, shows=False)
    (one,) = merge_results(
        [("a", record(KOBZAR, STACKS)), ("a", record(KOBZAR, STACKS)), ("b", quiet), ("c", record())]
    )
    assert one.holders == (ResultHolder("a", (STACKS, STACKS)), ResultHolder("b", None), ResultHolder("c", ()))


def test_what_could_not_be_read_is_no_result() -> None:
    assert merge_results([("a", FoundRecord(position=1, problem="not MARC"))]) == ()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_in_the_order_in_which_they_come(order: tuple[int, ...]) -> None:
    titles = ["Перебендя", "Катерина", "Тополя"]
    found = results(*(of(title=titles[at]) for at in order))
    assert [one.citation.title for one in found] == [titles[at] for at in order]
