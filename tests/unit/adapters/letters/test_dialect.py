"""Codes of a partner's own."""

from __future__ import annotations

from adapters.letters.dialect import CODES, LettersDialect


def test_codes_of_a_partner_come_to_those_of_the_forum() -> None:
    said = {"NLA": {"means": "unfilled", "reason": "not-available"}, "O/D": {"means": "overdue"}}

    replies = LettersDialect.model_validate({"replies": said}).replies

    assert set(replies) == {*CODES, "NLA"}
    assert (replies["NLA"].means, replies["NIS"], replies["O/D"].means) == ("unfilled", CODES["NIS"], "overdue")
