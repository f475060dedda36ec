"""A sum is read whole or not at all; what may be two sums is none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.library import Money
from gateway.domain.sums import read_sum
from tests.support.processor_time import TIMES_LARGER, require_linear
from tests.support.requests import money


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("20 EUR", money("20")),
        ("EUR20", money("20")),
        (" 20,50 EUR ", money("20.50")),
        (".5 EUR", money("0.5")),
        ("€ 20,-", money("20")),
        ("£7.", money("7", "GBP")),
        ("1 234,50 NOK", money("1234.50", "NOK")),
        ("1'234.50 CHF", money("1234.50", "CHF")),
        ("1.234,50 EUR", money("1234.50")),
        ("1,234.50 EUR", money("1234.50")),
        ("12.345.678 EUR", money("12345678")),
        ("0.500 EUR", money("0.500")),
        ("1234,567 EUR", money("1234.567")),
    ],
)
def test_a_sum_in_the_ways_that_people_write_it(text: str, read: Money) -> None:
    assert read_sum(text) == read


@pytest.mark.parametrize(
    "text",
    [
        *("", "EUR", "20", "-5 EUR", "12 kr", "20 pgs", "20 Dollars", "20-30 EUR", "20 30 EUR", "1.2.3 EUR"),
        *("1.234 EUR", "1,234 EUR", "20 EUR a volume", "about 20 EUR", "EUR 20 USD", "20 EUR or 5 EUR"),
        *("1\N{NO-BREAK SPACE}234 EUR", "12345678901234567890 EUR", "\N{ARABIC-INDIC DIGIT FIVE} EUR"),
        *("DHL 0034567890", "TEL 040123456", "QVB 123", "UPS 12345678", "2026", "ISO 2026"),
    ],
)
def test_what_is_no_sum_or_may_be_two(text: str) -> None:
    assert read_sum(text) is None


@pytest.mark.parametrize(
    ("text", "default", "said", "read"),
    [
        ("20", "EUR", "", money("20")),
        ("20", "EUR", "usd", money("20", "USD")),
        ("20 EUR", "NOK", "EUR", money("20")),
        ("20 EUR", "EUR", "USD", None),
        ("$20", "CAD", "", money("20", "CAD")),
        ("$20", "EUR", "", money("20", "USD")),
        ("$20", "EUR", "AUD", money("20", "AUD")),
        ("$20", "EUR", "EUR", None),
        ("-5", "GBP", "", None),
        ("20 QQQ", "QQQ", "", money("20", "QQQ")),
        ("20 QQQ", "EUR", "qqq", money("20", "QQQ")),
        ("20 QQQ", "EUR", "", None),
    ],
)
def test_the_currency_that_is_meant(text: str, default: str, said: str, read: Money | None) -> None:
    assert read_sum(text, default, said) == read


@given(st.decimals(min_value=0, max_value=Decimal("999999999.99"), places=2), st.sampled_from(("EUR", "NOK")))
def test_what_we_write_is_read(amount: Decimal, currency: str) -> None:
    assert read_sum(f"{amount:f} {currency}") == Money(amount, currency)


@pytest.mark.parametrize("part", ["1", "1 ", "1.", ".", "EUR ", " "])
def test_a_long_text_is_read_in_linear_time(part: str) -> None:
    require_linear(read_sum, part * 50_000, part * 50_000 * TIMES_LARGER)
