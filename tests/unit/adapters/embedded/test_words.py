"""What readers type finds what stands in the record, in any script."""

from __future__ import annotations

import pytest

from adapters.library.embedded.catalogue import index_words, normalize_record_number, select_query_words


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Über die Brücke: Gedichte", "uber BRÜCKE"),
        ("Война и мир", "ВОЙНА мир"),
        ("Вишнёвый сад", "вишневый"),
        ("Ἰλιάς", "ιλιασ"),
        ("Η φόνισσα", "φονισσα"),
        ("كِتَاب", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("红楼梦", "红楼"),
        ("红楼梦", "梦"),
        ("吾輩は猫である", "猫である"),
        ("춘향전", "춘향전"),
        ("गोदान", "गोदान"),
        ("The Three-Body Problem", "problem three body"),
        ("ﬁn de siècle", "Fin siecle"),
    ],
)
def test_a_query_finds_the_title(title: str, query: str) -> None:
    assert select_query_words(query)
    assert set(select_query_words(query)) <= index_words(title)


@pytest.mark.parametrize(
    ("title", "query"), [("红楼梦", "楼红"), ("गोदान", "गदन"), ("Война и мир", "мира"), ("Emma", "Em")]
)
def test_other_words_do_not(title: str, query: str) -> None:
    assert not set(select_query_words(query)) <= index_words(title)


def test_nothing_but_punctuation_asks_for_nothing() -> None:
    assert select_query_words(" – ?! ") == ()


def test_a_query_is_bounded() -> None:
    assert len(select_query_words(" ".join(f"word{n}" for n in range(1000)))) == 24


@pytest.mark.parametrize(
    ("type_", "value", "same"),
    [
        ("isbn", "0-7653-8203-2 (hbk)", "9780765382030"),
        ("isbn", "978-0-7653-8203-0", "9780765382030"),
        ("isbn", "not an ISBN", "NOT"),
        ("isbn", "0 7653 8203 2", "9780765382030"),
        ("isbn", "", ""),
        ("issn", "0378-5955", "03785955"),
        ("oclc", "(OCoLC)ocm00012345", "12345"),
        ("lccn", "  2001 627090", "2001627090"),
        ("local", " b123 ", "b123"),
    ],
)
def test_identifiers_are_compared_bare(type_: str, value: str, same: str) -> None:
    assert normalize_record_number(type_, value) == same
