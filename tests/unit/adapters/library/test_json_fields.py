"""A field of another type than last year's is understood or refused, and never taken for no."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from adapters.library.alma.records import read_rows
from adapters.library.json_fields import read_flag, read_integer, read_last_day, read_money
from gateway.domain.problems import Unavailable


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", "yes"])
def test_yes_is_yes_in_each_type(value: object) -> None:
    assert read_flag({"restricted": value}, "restricted") is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "", None])
def test_no_is_no_in_each_type(value: object) -> None:
    assert read_flag({"restricted": value}, "restricted") is False
    assert read_flag({}, "restricted") is False


@pytest.mark.parametrize("value", [2, "maybe", {"value": True}, [True]])
def test_what_is_neither_is_refused(value: object) -> None:
    with pytest.raises(Unavailable, match="restricted"):
        read_flag({"restricted": value}, "restricted")


@pytest.mark.parametrize(("value", "number"), [(1, 1), ("1", 1), (-1, -1), (1.0, 1), (True, 1), (None, 0), ("", 0)])
def test_numbers_are_read_in_each_type(value: object, number: int) -> None:
    assert read_integer({"lost_status": value}, "lost_status") == number


@pytest.mark.parametrize("value", ["lost", 1.5, [1], "nan"])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(Unavailable, match="lost_status"):
        read_integer({"lost_status": value}, "lost_status")


def test_sums_are_read_or_refused() -> None:
    assert read_money({"a": "2.5"}, "a") == read_money({"a": 2.5}, "a") == Decimal("2.50")
    assert read_money({"a": None}, "a") is None
    with pytest.raises(Unavailable):
        read_money({"a": "much"}, "a")


def test_a_last_day_that_cannot_be_read_is_none_that_never_comes() -> None:
    assert read_last_day({"d": "2027-01-01Z"}, "d") == date(2027, 1, 1)
    assert read_last_day({"d": None}, "d") is None
    with pytest.raises(Unavailable):
        read_last_day({"d": "01/31/2027"}, "d")


def test_one_row_alone_is_a_list_of_one() -> None:
    assert read_rows({"user_block": {"block_status": "ACTIVE"}}, "user_block") == ({"block_status": "ACTIVE"},)
    assert read_rows({"user_block": None}, "user_block") == ()
    with pytest.raises(Unavailable, match="user_block"):
        read_rows({"user_block": "ACTIVE"}, "user_block")
