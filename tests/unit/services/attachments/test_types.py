"""What a file is, and how many pages a copy should have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.problems import Refused
from gateway.domain.requests.attachments import FileType, count_cited_pages, describe_page_mismatch, detect_file_type
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.policy import CopyRules
from gateway.services.request_work.attachments import require_file_type

EPUB = b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/epub+zip"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", FileType.PDF),
        (b"\r\nscanner says hello\n%PDF-1.4\n", FileType.PDF),
        (bytes(1100) + b"%PDF-1.4\n", None),
        (b"II*\x00\x08\x00\x00\x00", FileType.TIFF),
        (b"MM\x00*\x00\x00\x00\x08", FileType.TIFF),
        (b"\x89PNG\r\n\x1a\n" + b"comment: %PDF-", FileType.PNG),
        (b"\xff\xd8\xff\xe0", FileType.JPEG),
        (b"GIF89a", FileType.GIF),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", FileType.WEBP),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (EPUB, FileType.EPUB),
        (b"PK\x03\x04" + bytes(40), None),
        (b"<!DOCTYPE html><script>", None),
        (b"MZ\x90\x00", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, kind: FileType | None) -> None:
    assert detect_file_type(content) is kind


def test_what_the_rules_do_not_name_is_not_taken() -> None:
    assert require_file_type(b"%PDF-1.7", CopyRules()) is FileType.PDF
    with pytest.raises(Refused, match="application/epub"):
        require_file_type(EPUB, CopyRules())
    assert require_file_type(EPUB, CopyRules(types=(FileType.PDF, FileType.EPUB))) is FileType.EPUB
    with pytest.raises(Refused, match="The file type is unknown"):
        require_file_type(b"<html>", CopyRules(types=tuple(FileType)))


@pytest.mark.parametrize(
    ("pages", "count"),
    [
        ("77-91", 15),
        ("pp. 77–91", 15),
        ("S. 5-7", 3),
        ("S12–S19", 8),
        ("xi-xx", 10),
        ("123-9", 7),
        ("45-8", 4),
        ("iv-ix", 6),
        ("xc-cii", 13),
        ("cd-cm", 501),
        ("m-mi", 2),
        ("viii-x", 3),
        ("XX-X", None),
        ("ıv-xı", None),  # without a dot, as some write it in Turkish
        ("7-7", 1),
        ("99-100", 2),
        ("1-5000", 5_000),
        ("1-5001", None),
        ("4, Anhang", None),
        ("4, 7-9", 4),
        ("1-3; 8-9", 5),
        ("77", None),  # perhaps only where it begins
        ("e12345", None),
        ("12-1", None),
        ("1-999999", None),
        ("passim", None),
        ("100-", None),
    ],
)
def test_pages_are_counted_as_they_are_cited(pages: str, count: int | None) -> None:
    assert count_cited_pages(pages) == count


@given(st.text(max_size=40))
def test_whatever_is_cited_gives_a_count_or_none(pages: str) -> None:
    count = count_cited_pages(pages)
    assert count is None or count > 0


def test_staff_are_warned_of_another_length_than_cited() -> None:
    cited = Citation(title="日本図書館情報学会誌", pages="77-91")
    assert describe_page_mismatch(cited, "scan.pdf", 15) == ""
    assert describe_page_mismatch(cited, "scan.pdf", None) == ""
    assert describe_page_mismatch(Citation(title="日本図書館情報学会誌"), "scan.pdf", 3) == ""
    said = describe_page_mismatch(cited, "scan.pdf", 1)
    assert said == "The file scan.pdf has 1 page; the citation (pages 77-91) needs 15 pages."
