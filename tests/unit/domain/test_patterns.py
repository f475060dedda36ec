"""Regular expressions of profiles: what they are, and that none of them takes long."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError

from gateway.domain.circulation_policy import IdentifierRewrite, InstitutionalRule, PatronRules
from gateway.domain.partner_identifiers import institution_identifier
from gateway.domain.patterns import (
    MAX_REPLACEMENTS,
    MAX_TEXT_CHARS,
    compile_pattern,
    fits_pattern,
    has_match,
    match_whole,
    replace_pattern,
)

ENDLESS = [
    "(a+)+",
    "(a|aa)+",
    "(a|a?)+",
    "([a-z]+)*",
    "(.*a){20}",
    "(?:a?){60}a{60}",
    ".*.*.*.*.*.*=",
]
"""Each takes `re` longer than anybody waits."""

TEXT = f"{'a' * 3_000}!"


@pytest.mark.parametrize("pattern", ENDLESS)
def test_no_pattern_takes_long(pattern: str) -> None:
    began = time.perf_counter()
    assert not fits_pattern(pattern, TEXT)
    has_match(f"{pattern}b", TEXT)
    replace_pattern(f"{pattern}b", "", TEXT)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("pattern", ENDLESS)
def test_nor_does_an_identifier_that_one_rewrites(pattern: str) -> None:
    rewrite = IdentifierRewrite(pattern=f"^{pattern}$", replacement="x")
    began = time.perf_counter()
    assert rewrite.rewrite_identifier(TEXT) == TEXT
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "not a regular expression of RE2: missing )"),
        ("a(?=b)", "not a regular expression of RE2: invalid perl operator: (?="),
        (r"(a)\1", r"not a regular expression of RE2: invalid escape sequence: \1"),
        (r"a\Z", "not a regular expression of RE2: invalid escape sequence"),
        ("a{,3}", "write {0,n} in place of {,n}"),
        ("(?:[^b]*a){0,1000}", "the regular expression is too large: "),
        ("a{1000}" * 100, "not a regular expression of RE2: pattern too large"),
        ("(?:.{0,900}){0,900}", "not a regular expression of RE2: "),
    ],
)
def test_what_cannot_be_matched_in_time_is_refused_when_it_is_read(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match="regular expression") as refused:
        compile_pattern(pattern)
    assert reason in str(refused.value)
    with pytest.raises(ValidationError, match="regular expression"):
        InstitutionalRule(match=pattern, patron="x")


def test_braces_that_are_no_repetition_may_stand_there() -> None:
    assert fits_pattern(r"a\{,3}", "a{,3}")
    assert fits_pattern(r"a{0,3}", "aa")


def test_groups_are_those_of_python() -> None:
    found = match_whole(r"INST-(?P<symbol>[A-Z]+)(-\d+)?", "INST-CLK")

    assert found is not None
    assert found.expand(r"\1") == found["symbol"] == "CLK"
    assert found.groupdict() == {"symbol": "CLK"}
    assert compile_pattern(r"(?P<a>x)(y)").names == {"a": 1}
    assert replace_pattern(r"^(\d)(\d)$", r"\2\1", "12") == "21"


def test_a_text_that_is_too_long_fits_no_pattern() -> None:
    assert fits_pattern("a*", "a" * MAX_TEXT_CHARS)
    longer = "a" * (MAX_TEXT_CHARS + 1)
    assert not fits_pattern("a*", longer)
    assert not has_match("a", longer)
    assert replace_pattern("a", "b", longer) == longer


def test_in_one_text_only_so_much_is_replaced() -> None:
    assert replace_pattern("a", "b", "a" * (MAX_REPLACEMENTS + 2)) == "b" * MAX_REPLACEMENTS + "aa"


def test_half_of_a_surrogate_pair_is_a_character_like_any_other() -> None:
    """Where it stands, all that follows keeps its place."""
    found = compile_pattern("x(.)(z)").search("äx\ud800z")

    assert found is not None
    assert found[2] == "z"
    assert found.end() == 4
    with pytest.raises(ValueError, match="RE2"):
        compile_pattern("(\ud800")


def test_letters_are_named_by_their_class() -> None:
    assert not fits_pattern(r"\w+", "Müller")
    assert fits_pattern(r"[\pL\pN_]+", "Müller")
    assert compile_pattern("müller", ignore_case=True).fullmatch("MÜLLER") is not None


def test_what_a_match_becomes_keeps_its_letters() -> None:
    rewrite = IdentifierRewrite(pattern=r"^(\w+)-(?P<rest>.*)$", replacement=r"Ü\1ä📚\\ö\g<rest>")
    assert rewrite.rewrite_identifier("7-Köln") == "Ü7ä📚\\öKöln"
    rules = PatronRules(institutional=(InstitutionalRule(match=r"(.+)-Bücherei", patron=r"büro-\1-{user}-{agency}"),))
    assert institution_identifier("Köln-Bücherei", "DE-Süd\\1", rules) == "büro-Köln-Köln-Bücherei-DE-Süd\\1"


@pytest.mark.parametrize("written", [r"\g<rest>", r"\g<7>", r"\x", "\\", r"a\N{x}"])
def test_what_nothing_can_become_is_refused_when_it_is_read(written: str) -> None:
    with pytest.raises(ValidationError, match="a backslash may stand before"):
        IdentifierRewrite(pattern=r"^(\w+)-", replacement=written)
    with pytest.raises(ValidationError):
        InstitutionalRule(match=r"(\w+)-.*", patron=written)
