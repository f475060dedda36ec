"""Texts with fewer characters: what fits stays, anything else is written by the letters that stand for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.romanisation import fit_into_charset, romanise_text


@pytest.mark.parametrize(
    ("text", "charset", "written"),
    [
        ("Det gylne hav", "ascii", "Det gylne hav"),
        ("Ærø og Ångström", "iso-8859-1", "Ærø og Ångström"),
        ("Ærø og Ångström", "ascii", "Aero og Angstrom"),
        ("Å i Łódź", "iso-8859-1", "Å i Lódz"),
        ("cafe\u0301", "iso-8859-1", "café"),
        ("Преступление и наказание", "iso-8859-1", "Prestuplenie i nakazanie"),
        ("Ελλάδα", "cp850", "Ellada"),
        ("“Krieg” – 1914…", "iso-8859-1", '"Krieg" - 1914...'),
        ("a\u200bb\u0336", "ascii", "ab"),
        ("\ue000", "ascii", "?"),
        ("紅樓夢", "utf-8", "紅樓夢"),
    ],
)
def test_what_a_character_set_lacks_is_romanised(text: str, charset: str, written: str) -> None:
    assert fit_into_charset(text, charset) == written


@given(st.text(), st.sampled_from(["ascii", "iso-8859-1", "cp850", "utf-8"]))
def test_the_result_can_always_be_written_and_is_not_written_anew(text: str, charset: str) -> None:
    fitting = fit_into_charset(text, charset)

    fitting.encode(charset)
    assert fit_into_charset(fitting, charset) == fitting


def test_a_repertoire_that_lacks_the_romanised_sign_too() -> None:
    assert romanise_text("日[本]", str.isalnum) == "日?本?"
    assert romanise_text("Ø€", "OEUR".__contains__) == "OEUR"
