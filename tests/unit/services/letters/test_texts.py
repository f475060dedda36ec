"""Texts on their way into a letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.services.letters.templates import clean, clean_lines, filled, isolated, quoted, without_isolation


@given(st.text())
def test_a_cleaned_text_is_one_line_and_stays_clean(text: str) -> None:
    cleaned = clean(text)

    assert len(cleaned.splitlines()) <= 1
    assert clean(cleaned) == cleaned


@given(st.text())
def test_isolation_can_be_taken_off_again(text: str) -> None:
    assert without_isolation(isolated(clean(text))) == clean(text)


@given(st.text())
def test_filling_loses_no_word(text: str) -> None:
    body = clean_lines(text)

    assert filled(body).split() == body.split()


def test_only_what_runs_the_other_way_is_isolated() -> None:
    assert isolated("江南藏書樓小史") == "江南藏書樓小史"
    assert isolated("مجلة 12") == "\u2068مجلة 12\u2069"


def test_paragraphs_are_broken_and_indented_blocks_are_not() -> None:
    body = f"{'word ' * 30}\n\n  Title:  {'long ' * 30}"

    first, second = filled(body).split("\n\n")

    assert max(map(len, first.splitlines())) <= 72
    assert len(second.splitlines()) == 1


def test_quoted_lines_are_indented() -> None:
    assert quoted("one\ntwo") == "  one\n  two"
