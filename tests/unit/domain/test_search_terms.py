"""The rule of the search box, as pure values."""

from __future__ import annotations

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import PatronLink, Volume
from gateway.domain.requests.search_terms import (
    MAX_WORDS_OF_REQUEST,
    SearchTermKind,
    fold_number,
    list_search_terms,
    parse_search,
)
from tests.unit.store.requests.samples import borrowing, lending, with_attempt


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ky 12/3", "KY-12 / 3"),
        ("KY-12 / 3", "ky123"),
        ("  b-2026-00017 ", "B-2026-00017"),
        ("٤٧١١", "4711"),
        ("Nº 5", "nº5"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(typed: str, stored: str) -> None:
    assert parse_search(typed).number == fold_number(stored)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("3-16-148410-X", "9783161484100"),
        ("978-3-16-148410-0 (pbk.)", "9783161484100"),
        ("isbn:3161484100", "9783161484100"),
        ("https://doi.org/10.1234/ab-c.5", fold_number("10.1234/ab-c.5")),
        ("doi: 10.1234/AB-c.5", fold_number("10.1234/ab-c.5")),
        ("https://doi.org/10.1234/a:b", fold_number("10.1234/a:b")),
        ("local:shelf:7", fold_number("shelf:7")),
        ("(OCoLC)00012345", "12345"),
        ("ocm00012345", "12345"),
        ("pmid:31452104", "31452104"),
    ],
)
def test_a_standard_number_is_looked_for_in_the_spelling_that_is_stored(typed: str, expected: str) -> None:
    assert expected in parse_search(typed).standard_numbers


@pytest.mark.parametrize("typed", ["B-2026-00017", "KY-12 / 3", "Der Zauberberg", "2100017"])
def test_what_is_no_standard_number_is_looked_for_as_none(typed: str) -> None:
    assert parse_search(typed).standard_numbers == ()


def test_a_link_to_a_request_means_the_request() -> None:
    assert parse_search("https://ill.example.org/staff/requests/B2026-00017").number == "b202600017"
    assert parse_search("https://ill.example.org/staff/requests/B2026-00017/").number == "b202600017"
    assert parse_search("HTTP://ILL.EXAMPLE.ORG/staff/requests/B2026-00017").number == "b202600017"
    assert parse_search("https://ill.example.org/staff/requests/LX").number == "lx"
    assert parse_search("http://[").number == "http"


def test_words_are_looked_for_as_they_are_folded() -> None:
    typed = "Ętudes  d'Été " + " ".join("abcdefghij") + " " + "z" * 70
    assert parse_search(typed).words == ("etudes", "d", "ete", *"abcdefg")
    assert parse_search("z" * 70).words == ("z" * 60,)
    assert parse_search("Ętudes")


@pytest.mark.parametrize("typed", ["", "  ", "…", "-/-"])
def test_nothing_that_could_be_looked_for_is_no_question(typed: str) -> None:
    assert not parse_search(typed)


def test_a_borrowing_request_is_found_by_all_its_numbers() -> None:
    request = with_attempt(
        borrowing(
            number="B2026-00017",
            external=("TN 4711",),
            volumes=(Volume("1", barcode="TMP-1", theirs="SB 5532"),),
            patron=PatronLink("p-17", "2100017"),
        ),
        transaction="B2026-00017-1",
        theirs="NO/88",
        pieces=("TMP-0",),
    )

    found = {(term.kind.value, term.value) for term in list_search_terms(request, "")}

    assert found == {
        ("number", "b202600017"),
        ("partner", "b2026000171"),
        ("partner", "no88"),
        ("elsewhere", "tn4711"),
        ("barcode", "tmp1"),
        ("barcode", "sb5532"),
        ("barcode", "tmp0"),
        ("patron", "2100017"),
        ("patron", "p17"),
        ("standard", "9783161484100"),
    }


def test_a_lending_request_is_found_by_its_requesters_number_our_item_and_the_patron_it_is_lent_to() -> None:
    request = lending(
        number="L2026-00001",
        transaction="KY-1",
        item_barcode="30100017",
        direct_patron=PatronLink("p-9", "KY 100"),
        citation=Citation(identifiers=(RecordId("issn", "1344-8668"), RecordId("local", "x-1"))),
    )

    found = {(term.kind.value, term.value) for term in list_search_terms(request, "")}

    assert found == {
        ("number", "l202600001"),
        ("partner", "ky1"),
        ("barcode", "30100017"),
        ("patron", "ky100"),
        ("patron", "p9"),
        ("standard", "13448668"),
    }


def test_words_may_begin_at_any_letter_where_a_script_has_no_blanks() -> None:
    found = [term.value for term in list_search_terms(lending(), "三体全集 garden") if term.kind is SearchTermKind.WORD]
    assert found == ["garden", "三体全集", "体全集", "全集", "集"]

    unnamed = [term.value for term in list_search_terms(lending(), "сад 𗼇𗟲") if term.kind is SearchTermKind.WORD]
    assert unnamed == ["сад", "𗼇𗟲"], "letters of Tangut, to which Python gives no name"


def test_words_of_one_request_have_a_bound() -> None:
    words = " ".join(f"w{number}" for number in range(100)) + " " + "字" * 100
    found = [term for term in list_search_terms(lending(), words) if term.kind is SearchTermKind.WORD]
    assert len(found) == MAX_WORDS_OF_REQUEST
