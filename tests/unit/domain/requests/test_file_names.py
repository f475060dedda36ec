"""Names of files that come from outside, as they are kept: nothing in them leads anywhere or looks like another."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.requests.attachments import EXTENSIONS, MAX_FILE_NAME_BYTES, FileType, clean_file_name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("скан.pdf", "скан.pdf"),
        ("文献 3.PDF", "文献 3.PDF"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Scans\\2026\\Brücke.pdf", "Brücke.pdf"),
        ("a/b\\c.pdf", "c.pdf"),
        ("copy\u202efdp.exe", "copyfdp.pdf"),  # shown as copyexe.pdf
        ("\u2066عقد\u2069.pdf", "عقد.pdf"),
        ("می\u200cشود.pdf", "می\u200cشود.pdf"),  # the non-joiner is part of the spelling
        ("a\x00\r\nb\x1b[31m.pdf", "a b[31m.pdf"),
        ("page\u2028two.pdf", "page two.pdf"),
        ("\ud800half.pdf", "half.pdf"),
        ("scan.exe", "scan.pdf"),
        ("scan.pdf.exe", "scan.pdf.pdf"),
        ("photo.png", "photo.pdf"),
        ("Vol. 12.5", "Vol. 12.5.pdf"),
        ("An den Dr. Müller", "An den Dr. Müller.pdf"),
        ("report.pdf:evil.exe", "report.pdf_evil.pdf"),
        (' "q" <1>?.pdf ', "_q_ _1__.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("CON.pdf", "CON_.pdf"),
        ("Aux", "Aux_.pdf"),
        ("CON .pdf", "CON_.pdf"),
        ("CON ..pdf", "CON_.pdf"),
        ("nul.con.pdf", "nul_.con.pdf"),
        ("console.pdf", "console.pdf"),
        ("Falcon.pdf", "Falcon.pdf"),
        ("Bd. 1 ..pdf", "Bd. 1.pdf"),
        ("Teil X.pdf", "Teil X.pdf"),
        ("Zu\u0308rich.pdf", "Zürich.pdf"),
        ("...", "file.pdf"),
        ("", "file.pdf"),
        ("../", "file.pdf"),
    ],
)
def test_a_name_loses_what_does_not_belong_into_it(name: str, kept: str) -> None:
    assert clean_file_name(name, FileType.PDF) == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a" * 300, "a" * 196 + ".pdf"),  # 200 characters
        ("文" * 300, "文" * 78 + ".pdf"),  # 238 bytes, since one more would be 241
        ("a" * 195 + ". Teil", "a" * 195 + ".pdf"),  # cut behind the full stop
        ("X" * 300, "X" * 196 + ".pdf"),
    ],
)
def test_a_long_name_is_cut_before_its_extension(name: str, kept: str) -> None:
    assert clean_file_name(name, FileType.PDF) == kept
    assert clean_file_name(f"{name}.pdf", FileType.PDF) == kept


@pytest.mark.parametrize("kind", FileType)
def test_the_extension_is_that_of_what_the_file_is(kind: FileType) -> None:
    assert clean_file_name("side 12.exe", kind) == f"side 12{EXTENSIONS[kind][0]}"
    for extension in EXTENSIONS[kind]:
        assert clean_file_name(f"side 12{extension.upper()}", kind) == f"side 12{extension.upper()}"


def test_where_nobody_knows_what_it_is_the_extension_stays() -> None:
    assert clean_file_name("../apdu.ber") == "apdu.ber"


@given(st.text(st.characters(), max_size=400), st.sampled_from([None, *FileType]))
def test_whatever_is_given(name: str, kind: FileType | None) -> None:
    kept = clean_file_name(name, kind)

    assert 0 < len(kept.encode()) <= MAX_FILE_NAME_BYTES
    assert not set(kept) & set('/\\<>:"|?*')
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in kept)
    assert not any(unicodedata.bidirectional(one) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "PDI") for one in kept)
    assert kept == clean_file_name(kept, kind)
