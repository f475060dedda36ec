"""Texts on their way into a letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.services.letters.templates import (
    clean_line,
    clean_lines,
    find_direction,
    isolate_direction,
    quote_text,
    strip_isolation,
    wrap_paragraphs,
)


@given(st.text())
def test_a_cleaned_text_is_one_line_and_stays_clean(text: str) -> None:
    cleaned = clean_line(text)

    assert len(cleaned.splitlines()) <= 1
    assert clean_line(cleaned) == cleaned


@given(st.text())
def test_isolation_can_be_taken_off_again(text: str) -> None:
    assert strip_isolation(isolate_direction(clean_line(text))) == clean_line(text)


@given(st.text())
def test_filling_loses_no_word(text: str) -> None:
    body = clean_lines(text)

    assert wrap_paragraphs(body).split() == body.split()


def test_only_what_runs_the_other_way_is_isolated() -> None:
    assert isolate_direction("江南藏書樓小史") == "江南藏書樓小史"
    assert isolate_direction("مجلة 12") == "\u2068مجلة 12\u2069"
    assert [find_direction(text) for text in ("12 مكتبة", "Altenried مكتبة", "12")] == ["rtl", "ltr", "ltr"]


def test_paragraphs_are_broken_and_indented_blocks_are_not() -> None:
    body = f"{'word ' * 30}\n\n  Title:  {'long ' * 30}"

    first, second = wrap_paragraphs(body).split("\n\n")

    assert max(map(len, first.splitlines())) <= 72
    assert len(second.splitlines()) == 1


def test_quoted_lines_are_indented() -> None:
    assert quote_text("one\ntwo") == "  one\n  two"
