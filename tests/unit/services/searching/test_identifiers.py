"""Standard numbers as catalogues have them."""

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.catalogue_policy import naming_number_types
from gateway.domain.requests.citation import Citation, CitationType, format_issn, list_isbn_forms, normalize_number


@pytest.mark.parametrize(
    ("said", "forms"),
    [
        ("978-3-16-148410-0", ("9783161484100", "316148410X")),
        ("3-16-148410-X", ("9783161484100", "316148410X")),
        ("316148410x (Gewebe) : EUR 24.00", ("9783161484100", "316148410X")),
        ("979-10-90636-07-1", ("9791090636071",)),  # has no form of ten digits
        ("978-3-16-148410-7", ("9783161484107",)),  # a wrong check digit is printed in books
        ("no number", ()),
        ("", ()),
    ],
)
def test_isbn(said: str, forms: tuple[str, ...]) -> None:
    assert list_isbn_forms(said) == forms


@pytest.mark.parametrize(
    ("said", "form"), [("13448668", "1344-8668"), ("ISSN 0317-847x", "0317-847X"), ("1344", ""), ("", "")]
)
def test_issn(said: str, form: str) -> None:
    assert format_issn(said) == form


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("lccn", "n78-890351", "n 78890351 "),
        ("lccn", "85-2", "85000002"),
        ("lccn", "75-425165//r75", "75425165"),
        ("oclc", "(OCoLC)ocm00012345", "12345"),
        ("isbn", "0-306-40615-2", "9780306406157"),
    ],
)
def test_two_spellings_are_one(type_: str, one: str, other: str) -> None:
    assert normalize_number(type_, one) == normalize_number(type_, other)


def test_print_electronic_and_linking_issn_name_one_serial() -> None:
    assert (
        normalize_number("eissn", "1344-8668")
        == normalize_number("ISSN-L", "13448668")
        == normalize_number("issn", "1344-8668")
    )


@pytest.mark.parametrize(
    ("kind", "types", "count"),
    [
        (CitationType.ARTICLE, ("doi", "eissn"), ("issn",)),
        (CitationType.BOOK, ("issn", "oclc"), ("oclc",)),  # the ISSN of the series
        (CitationType.OTHER, ("issn", "isbn"), ("isbn",)),
        (CitationType.OTHER, ("issn", "lccn"), ("issn", "lccn")),
        (CitationType.BOOK, (), ()),
    ],
)
def test_which_numbers_name_what_is_asked_for(
    kind: CitationType, types: tuple[str, ...], count: tuple[str, ...]
) -> None:
    assert naming_number_types(Citation(type=kind, identifiers=tuple(RecordId(one, "1") for one in types))) == count
