"""What a profile may not say, and how it is told; templates; characters."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.artemail.dialect import ArtemailDialect
from adapters.artemail.text_templates import MAX_SHOWN_CHARS, AsciiTranscriber, parse_template


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"customers": [{"code": "99-9999", "password": "hunter2"}]}, "never stands here"),
        ({"mode": "test"}, "nothing would tell the orders apart"),
        ({"subject": "FILEREFNO {colour}"}, "it may contain {number}"),
        ({"delivery": {"file": "email"}}, "needs `layout.file_address`"),
        ({"keywords": {"service": [{"codes": ["s loan"]}]}}, "one word of capitals"),
        ({"items": {"book": ["{titel}"]}}, "there is no {titel}"),
        ({"items": {"book": ["[{title}"]}}, "not closed"),
        ({"items": {"book": ["Título {title}"]}}, "in ASCII"),
        ({"characters": {"own": {"ae": "ä"}}}, "in ASCII"),
        ({"characters": {"own": {"ab": "c"}}}, "not one character"),
        ({"actions": {"codes": {"shipped": ["SHIPPED"]}}}, "nothing that a requester says"),
        ({"actions": {"codes": {"renew": []}}}, "has no code"),
        ({"replies": {"codes": {"x": {"code": "{weeks}", "kind": "retry"}}}}, "text that is always there"),
        ({"replies": {"codes": {"x": {"code": "A {day}", "kind": "retry"}}}}, "there is no {day}"),
        ({"replies": {"codes": {"x": {"code": "A", "kind": "submit"}}}}, "nothing that a supplier says"),
        ({"replies": {"codes": {"x": {"code": "A", "kind": "retry", "note": "{weeks}"}}}}, "is not in the code"),
        ({"replies": {"codes": {"x": {"code": "A", "kind": "retry", "pattern": "(?P<day>x)"}}}}, "no field 'day'"),
        ({"replies": {"codes": {"x": {"code": "A", "kind": "retry", "pattern": "("}}}}, "not a regular expression"),
        ({"replies": {"files": {"x": {"pattern": "(?P<day>x)"}}}}, "no group 'day'"),
        ({"replies": {"dates": ["%H:%M"]}}, "no form of a date"),
        ({"replies": {"dates": []}}, "at least 1"),
    ],
)
def test_a_mistake_is_told_in_plain_words(section: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        ArtemailDialect.model_validate(section)

    assert complaint in str(wrong.value)


def test_a_password_that_stands_in_the_profile_is_refused_by_its_kind() -> None:
    with pytest.raises(ValidationError) as wrong:
        ArtemailDialect.model_validate({"customers": [{"code": "99-9999", "password": "hunter2"}]})

    assert [one["type"] for one in wrong.value.errors()] == ["secret_reference"]


# --- templates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"year": "1998", "volume": "12", "issue": "3", "pages": "4-5"}, "1998 VOL 12 PT 3 PP 4-5"),
        ({"year": "1998", "pages": "4-5"}, "1998 PP 4-5"),
        ({"volume": "12"}, "VOL 12"),
        ({}, ""),
    ],
)
def test_a_part_in_brackets_goes_with_its_fields(values: dict[str, str], text: str) -> None:
    assert parse_template("{year}[ VOL {volume}][ PT {issue}][ PP {pages}]").fill(values) == text


@pytest.mark.parametrize("text", ["[", "]", "{", "}", "{Year}", "[[a]]", "{a}{a}", "[a"])
def test_a_template_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"counterpart|not closed|twice"):
        parse_template(text)


# --- characters ------------------------------------------------------------------------------------------


def test_every_character_that_changed_is_counted() -> None:
    scribe = AsciiTranscriber("[ -~]", {"Ä": "AE"}, "?")

    assert scribe.transcribe("Äpfel und Äste — “Łódź”") == 'AEpfel und AEste - "Lodz"'
    assert [str(one) for one in scribe.changes][:2] == ["Ä → AE (2×)", "— → -"]


def test_letters_in_two_pieces_are_one() -> None:
    assert AsciiTranscriber("[ -~]", {"ä": "ae"}, "?").transcribe("a\u0308") == "ae"


def test_what_the_format_does_not_allow_is_replaced_even_in_ascii() -> None:
    scribe = AsciiTranscriber("[A-Z ]", {}, "?")

    assert scribe.transcribe("A*B ü") == "A?B ?"
    assert [str(one) for one in scribe.changes] == ["* → ?", "ü → ?"]


def test_what_is_left_out_is_told() -> None:
    scribe = AsciiTranscriber("[ -~]", {}, "")

    assert scribe.transcribe("a\u200fb\U000e0001") == "ab"
    assert scribe.summarise_changes() == "written in ASCII: U+200F left out, U+E0001 left out"


def test_a_letter_that_the_library_does_not_know_is_shown_as_one() -> None:
    assert AsciiTranscriber("[ -~]", {}, "?").transcribe("a\ue000b") == "a?b"


def test_a_long_report_is_cut() -> None:
    scribe = AsciiTranscriber("[ -~]", {}, "?")
    scribe.transcribe("".join(map(chr, range(0x410, 0x450))))

    assert scribe.summarise_changes().endswith(f"and {64 - MAX_SHOWN_CHARS} more")


def test_line_ends_and_controls_never_begin_a_line_of_their_own() -> None:
    assert AsciiTranscriber("[ -~]", {}, "?").transcribe("A\r\nNNNN\x0b\u2028TXA-1\tB") == "A NNNN TXA-1 B"
