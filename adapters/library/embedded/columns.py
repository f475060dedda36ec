"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

UNITS = 10_000
"""Money is kept in ten-thousandths of the currency unit, so that sums in SQL are exact on both databases."""


class Amount(TypeDecorator[Decimal]):
    """An amount of money, to four decimals."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        scaled = value * UNITS
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than four decimals")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else amount(value)


def amount(units: int | Decimal) -> Decimal:
    """What a sum over an Amount column means; at least two decimals are shown."""
    value = Decimal(int(units)) / UNITS
    return value.quantize(Decimal("0.01")) if value == value.quantize(Decimal("0.01")) else value
