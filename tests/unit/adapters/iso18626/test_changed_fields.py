"""What a requester changes by a note: sums, and how much of it is read."""

from __future__ import annotations

import pytest

from adapters.iso18626.mapping.changed_fields import MAX_FIELDS, read_changes

MARKER = "#ReShareUpdatedField-"
AMOUNT, CURRENCY = "MaximumCostsMonetaryValue", "MaximumCostsCurrencyCode"


def write_note(*fields: str) -> str:
    return "".join(f"{MARKER}{field}#" for field in fields)


@pytest.mark.parametrize(
    ("fields", "sums"),
    [
        ((f"{AMOUNT}-25", f"{CURRENCY}-USD"), ["25 USD"]),
        ((f"{AMOUNT}-null", f"{CURRENCY}-USD"), [""]),  # no limit any more, whatever the currency
        ((f"{AMOUNT}-null",), [""]),
        ((f"{CURRENCY}-null",), []),
        ((f"{CURRENCY}-CAD",), ["CAD"]),
    ],
)
def test_a_sum_is_its_amount_and_currency(fields: tuple[str, ...], sums: list[str]) -> None:
    read = read_changes(write_note(*fields), MARKER)
    assert [one.value for one in read.changes if one.field == "maximum_cost"] == sums
    assert read.text == ""


def test_a_note_changes_no_more_fields_than_a_request_can_have() -> None:
    names = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(MAX_FIELDS + 2)]
    read = read_changes(write_note(*(f"{name}:x" for name in names)), MARKER)
    assert len(read.changes) == MAX_FIELDS
    assert read.text == write_note(*(f"{name}:x" for name in names[MAX_FIELDS:]))
