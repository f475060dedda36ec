"""When orders that wait for others are due."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from gateway.domain.requests.calendar import Calendar, batch_due
from gateway.domain.requests.partner_policy import BatchRule

TALLINN = ZoneInfo("Europe/Tallinn")
OPEN = Calendar(TALLINN, weekdays=frozenset({5, 6}), holidays=frozenset({date(2026, 2, 24)}))


def moment(text: str) -> datetime:
    """In the library's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=TALLINN)


@pytest.mark.parametrize(
    ("rule", "since", "expected"),
    [
        ({"at": ["16:00", "11:30"]}, "2026-02-20T09:00", "2026-02-20T11:30"),
        ({"at": ["16:00", "11:30"]}, "2026-02-20T11:30", "2026-02-20T16:00"),
        ({"at": ["11:30"]}, "2026-02-20T12:00", "2026-02-23T11:30"),  # over the week-end
        ({"at": ["11:30"]}, "2026-02-23T12:00", "2026-02-25T11:30"),  # over a holiday
        ({"at": ["03:30"]}, "2026-03-28T12:00", "2026-03-30T03:30"),  # clocks go forward on a closed day
        ({"wait_minutes": 45}, "2026-02-21T23:30", "2026-02-22T00:15"),
        ({"at": ["16:00"], "wait_minutes": 30}, "2026-02-20T15:45", "2026-02-20T16:00"),
        ({"at": ["16:00"], "wait_minutes": 30}, "2026-02-20T12:00", "2026-02-20T12:30"),
        ({"most": 1}, "2026-02-21T12:00", "2026-02-21T12:00"),
    ],
)
def test_orders_are_due(rule: dict[str, Any], since: str, expected: str) -> None:
    found = batch_due(BatchRule(**rule), moment(since), OPEN)

    assert found == moment(expected)
    assert found.tzinfo is UTC


def test_a_calendar_without_an_open_day_holds_up_no_order() -> None:
    never = Calendar(TALLINN, weekdays=frozenset(range(7)))

    assert batch_due(BatchRule(at=("11:30",)), moment("2026-02-21T12:00"), never) == moment("2026-02-22T11:30")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "an order could wait for others for ever"),
        ({"at": ["25:00"]}, "pattern"),
        ({"wait_minutes": 0}, "greater than or equal to 1"),
        ({"most": 1, "number": "F{sequence} {year}"}, "one word"),
        ({"most": 1, "number": "{partner}-{sequence}"}, "a symbol may have characters"),
        ({"most": 1, "number": "F"}, "must contain {sequence} once"),
    ],
)
def test_rules_that_can_not_be_kept_are_refused(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BatchRule(**rule)
