"""Which citations mean the same thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.text_folding import fold_text


def with_id(type_: str, value: str, **fields: str) -> Citation:
    return Citation(identifiers=(RecordId(type_, value),), **fields)  # type: ignore[arg-type]


ARTICLE = Citation(
    type=CitationType.ARTICLE,
    title="Monumenta Nipponica",
    component_title="Über die Gärten von Kyōto",
    component_author="Sato, Hana",
    volume="12",
    issue="3",
    pages="44-61",
    identifiers=(RecordId("issn", "0027-0741"),),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (with_id("isbn", "3-16-148410-X"), with_id("isbn", " 978 3 16 148410 0", title="Anything")),
        (with_id("doi", "https://doi.org/10.1000/ABC.1"), with_id("doi", "doi:10.1000/abc.1.")),
        (with_id("oclc", "(OCoLC)ocm00012345"), with_id("oclc", "12345")),
        (with_id("issn", "00270741"), with_id("issn", "0027-0741")),
        (with_id("isbn", "3-16-148410-1", title="Аз"), Citation(title="аз")),  # no ISBN: its check digit is wrong
        (
            Citation(title="The Garden", author="Borges, Jorge Luis"),
            Citation(title="the garden.", author="Jorge Luis Borges"),
        ),
        (Citation(title="Ёлка — стихи"), Citation(title="елка: стихи")),
        (Citation(title="日本の庭"), Citation(title="日本の庭 ")),
        (Citation(title="Ｔｏｋｙｏ"), Citation(title="Tokyo")),
        (ARTICLE, replace(ARTICLE, pages="pp. 44–61", component_title="Uber die Garten von Kyoto!")),
    ],
)
def test_the_same_thing_has_the_same_fingerprint(one: Citation, other: Citation) -> None:
    assert citation_fingerprint(one) == citation_fingerprint(other) != ""


@pytest.mark.parametrize(
    ("citation", "fingerprint"),
    [
        (with_id("doi", "https://doi.org/10.1000/ABC.1;"), "doi 10.1000/abc.1"),
        (with_id("doi", "DOI:10.1000/X.X"), "doi 10.1000/x.x"),
        (with_id("doi", f"10.1000/{'a' * 142}"), f"doi 10.1000/{'a' * 142}"),
        (with_id("doi", "none"), ""),
        (with_id("pmid", "PMID: 0012345"), "pmid 12345"),
        (with_id("pmid", "9" * 25), f"pmid {'9' * 20}"),
        (with_id("pmid", "12a"), ""),
        (with_id("oclc", "(OCoLC)ocm00012345"), "oclc 12345"),
        (with_id("issn", "1344-8668"), "issn 13448668"),
        (with_id("issn", "1344-8669"), ""),
        (with_id("isbn", "3-16-148410-X"), "isbn 9783161484100"),
    ],
)
def test_a_number_is_its_own_fingerprint(citation: Citation, fingerprint: str) -> None:
    """These are stored."""
    assert citation_fingerprint(citation) == fingerprint


@pytest.mark.parametrize(
    ("citation", "fingerprint"),
    [
        (with_id("isbn", "3-16-148410-X", volume="2"), "isbn 9783161484100 8f719b71c71a0a1f449b481a245baffc"),
        (ARTICLE, "issn 00270741 02d74aeb49cc1fb56938244328e5c574"),
        (replace(ARTICLE, identifiers=(), author="Sato, Hana"), "text 6af44e4ab7139ce70d6b81e3fc032295"),
        (Citation(title="Ёлка", author="Лебедева, А."), "text 7c4b8be09eb50dc97fec6a8cd3e98cc6"),
    ],
    ids=["a volume", "an article by its ISSN", "an article by its words", "a title"],
)
def test_fingerprints_are_stored_so_a_change_needs_a_migration(citation: Citation, fingerprint: str) -> None:
    """Those of old requests would find no duplicates among new ones."""
    assert citation_fingerprint(citation) == fingerprint


def test_half_a_character_in_a_long_doi_is_no_error() -> None:
    assert citation_fingerprint(with_id("doi", f"10.1000/{'a' * 150}\ud800")).startswith("doi ")


def test_a_long_doi_is_hashed() -> None:
    found = citation_fingerprint(with_id("doi", f"10.1000/{'a' * 143}"))
    assert found.startswith("doi ")
    assert len(found) == len("doi ") + 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (with_id("isbn", "3-16-148410-X"), with_id("isbn", "3-16-148410-X", volume="2")),
        (with_id("issn", "0027-0741"), with_id("oclc", "12345")),
        (ARTICLE, replace(ARTICLE, pages="62-70")),
        (ARTICLE, replace(ARTICLE, component_title="Tempel")),
        (ARTICLE, replace(ARTICLE, issue="4")),
        (Citation(title="Poems", author="Лебедева"), Citation(title="Poems", author="Sato")),
        (Citation(title="כתב"), Citation(title="כתר")),
        (Citation(title="か"), Citation(title="が")),
    ],
)
def test_another_thing_has_another_fingerprint(one: Citation, other: Citation) -> None:
    assert citation_fingerprint(one) != citation_fingerprint(other)


@pytest.mark.parametrize(
    "citation",
    [Citation(), Citation(author="Sato"), Citation(title="…")],
    ids=["nothing", "an author alone", "punctuation alone"],
)
def test_what_says_too_little_is_like_nothing(citation: Citation) -> None:
    assert citation_fingerprint(citation) == ""


def test_it_is_never_long() -> None:
    endless = "9" * 5_000
    for type_, value in (("doi", f"10.1000/{endless}"), ("pmid", endless), ("oclc", endless), ("isbn", endless)):
        assert len(citation_fingerprint(with_id(type_, value, title=endless, volume=endless))) <= 160


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  The Aleph, and other   STORIES ", "the aleph and other stories"),
        ("Zoë Straße", "zoe strasse"),
        ("Ἀθῆναι", "αθηναι"),
        ("हिन्दी", "हिन्दी"),
        ("B-2026-00017", "b 2026 00017"),
    ],
)
def test_folding_keeps_letters_of_every_script(text: str, folded: str) -> None:
    assert fold_text(text) == folded
