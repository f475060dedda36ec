"""FOLIO's codes and words, as the reasons that they stand for."""

from __future__ import annotations

import json

import pytest

from adapters.library.folio.reasons import KNOWN_CODES, KNOWN_WORDS, read_problems, refusal_of_answer
from gateway.domain.problems import RefusalReason

NONE: dict[str, RefusalReason] = {}


def write_error(message: str, code: str = "") -> str:
    return json.dumps({"errors": [{"message": message, "code": code, "parameters": [{"key": "k", "value": "v"}]}]})


@pytest.mark.parametrize(("code", "reason"), KNOWN_CODES.items())
def test_each_code_is_known_whatever_the_words(code: str, reason: RefusalReason) -> None:
    assert refusal_of_answer(422, write_error("In other words", code), NONE).reason is reason


@pytest.mark.parametrize(("words", "reason"), KNOWN_WORDS.items())
def test_each_part_of_a_message_is_known_in_json_and_in_plain_text(words: str, reason: RefusalReason) -> None:
    said = f"It was found: {words.upper()}, so nothing was done"
    assert refusal_of_answer(422, write_error(said), NONE).reason is reason
    assert refusal_of_answer(400, said, NONE).reason is reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Cannot check out to inactive user", RefusalReason.PATRON_EXPIRED),
        ("No item with barcode 39000000000011 could be found", RefusalReason.UNKNOWN_ITEM),
        ("Nod (book) (Barcode: 1) has the item status Declared lost and cannot be checked out", "item-not-available"),
        ("Nod (book) (Barcode: 1) cannot be checked out to user Doe, Jane because it has been requested by another "
         "patron", RefusalReason.REQUESTED_BY_OTHER),
        ("Barcode must be unique, ILL-42 is already assigned to another item", RefusalReason.DUPLICATE_ITEM),
        ("Items cannot be renewed when there is an active recall request", RefusalReason.RENEWAL_HAS_REQUESTS),
        ("Patron has reached maximum limit of 20 items for material type", RefusalReason.LIMIT_REACHED),
    ],
)  # fmt: skip
def test_messages_as_folio_writes_them(message: str, reason: str) -> None:
    assert refusal_of_answer(422, write_error(message), NONE).reason == reason


def test_the_librarys_own_words_come_first() -> None:
    own = {"card is at the desk": RefusalReason.PATRON_BLOCKED}
    said = write_error("The CARD is at the desk", "ITEM_NOT_LOANABLE")
    assert refusal_of_answer(422, said, own).reason is RefusalReason.PATRON_BLOCKED


def test_what_nobody_knows_is_kept_for_staff_alone() -> None:
    refused = refusal_of_answer(422, write_error("Gremlins in Łódź", "GREMLINS"), NONE)

    assert refused.reason is RefusalReason.OTHER
    assert "GREMLINS Gremlins in Łódź" in refused.internal
    assert "Gremlins" not in refused.detail
    assert refused.has_code("GREMLINS")
    assert not refused.has_code("ITEM_NOT_LOANABLE")


def test_in_a_renewal_a_limit_and_a_request_mean_something_else() -> None:
    limit = write_error("x", "ITEM_LIMIT_PATRON_GROUP")
    assert refusal_of_answer(422, limit, NONE, renews=True).reason is RefusalReason.RENEWAL_LIMIT_REACHED


@pytest.mark.parametrize("text", ["", "{", '{"errors": 1}', '["x"]', "x" * 10_000])
def test_whatever_comes_is_one_problem(text: str) -> None:
    (problem,) = read_problems(text)
    assert len(problem.message) <= 500
