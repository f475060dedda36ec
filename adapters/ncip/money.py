"""Money on the wire is an integer in minor units of its currency (facts/ncip.md 3.1); ours is Decimal."""

from __future__ import annotations

from decimal import Decimal

from gateway.domain.library import Money

NO_CURRENCY = "XXX"
"""ISO 4217: no currency involved."""

_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
            "XXX",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    "CLF": 4,
    "UYW": 4,
}
"""ISO 4217 list one: currencies that don't have two decimal places."""


def exponent(currency: str) -> int:
    """Decimal places of a currency."""
    return _EXPONENTS.get(currency, 2)


def from_minor_units(units: int, currency: str) -> Money:
    """150, 'EUR' -> 1.50 EUR. Raises ValueError for what is no ISO 4217 code."""
    code = currency.strip().upper()
    return Money(Decimal(units).scaleb(-exponent(code)), code)


def to_minor_units(money: Money) -> int:
    """1.50 EUR -> 150. Raises ValueError when the amount has a finer fraction than its currency."""
    units = money.amount.scaleb(exponent(money.currency))
    if units != units.to_integral_value():
        raise ValueError(f"{money.amount} has more decimal places than {money.currency}")
    return int(units)
