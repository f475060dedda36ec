"""Standard numbers as people paste them."""

from __future__ import annotations

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import parse_standard_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10.5555/fog.2021.12", RecordId("doi", "10.5555/fog.2021.12")),
        (" doi: 10.5555/fog.2021.12 ", RecordId("doi", "10.5555/fog.2021.12")),
        ("https://doi.org/10.5555/fog.2021.12.", RecordId("doi", "10.5555/fog.2021.12")),
        ("http://dx.doi.org/10.1002%2F(SICI)1097", RecordId("doi", "10.1002/(SICI)1097")),
        ("PMID: 90000017", RecordId("pmid", "90000017")),
        ("PubMed ID 90000017", RecordId("pmid", "90000017")),
        ("90000017", RecordId("pmid", "90000017")),
        ("https://pubmed.ncbi.nlm.nih.gov/90000017/", RecordId("pmid", "90000017")),
        ("https://www.ncbi.nlm.nih.gov/pubmed/90000017?dopt=Abstract", RecordId("pmid", "90000017")),
        ("12345679", RecordId("issn", "12345679")),
        ("1234-5679", RecordId("issn", "1234-5679")),
        ("ISSN 12345678", RecordId("issn", "12345678")),
        ("2434561x", RecordId("issn", "2434561x")),
        ("978-3-16-148410-0", RecordId("isbn", "978-3-16-148410-0")),
        ("ISBN 316148410X", RecordId("isbn", "316148410X")),
        ("(OCoLC)000123", RecordId("oclc", "000123")),
        ("10.5555/FOG.X", RecordId("doi", "10.5555/FOG.X")),
        ("(OCoLC)000", None),
        ("1234", None),
        ("10.5555", None),
        ("Sea fog", None),
        ("", None),
    ],
)
def test_numbers(text: str, number: RecordId | None) -> None:
    assert parse_standard_number(text) == number
