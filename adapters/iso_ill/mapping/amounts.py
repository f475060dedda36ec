"""Amounts beside Money."""

from __future__ import annotations

import re
from decimal import Decimal

from adapters.iso_ill.messages.items import Amount
from gateway.domain.library import Money

_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY"}
_NUMBER = re.compile(r"\d+(?:[ .,']\d+)*")
_CURRENCY = re.compile(r"[A-Z]{3}")


def money_of(amount: Amount | None, currency: str) -> Money | None:
    """`$35`, `25,00` and `1 234.50` too. None for what is no amount. `currency`: meant when none is said."""
    if amount is None:
        return None
    match = _NUMBER.search(amount.value)
    if match is None:
        return None
    said = amount.currency.strip().upper()
    if not _CURRENCY.fullmatch(said):
        said = next((code for sign, code in _SIGNS.items() if sign in amount.value), currency)
    return Money(_decimal(match[0]), said)


def _decimal(text: str) -> Decimal:
    """The last point or comma divides, unless exactly three digits follow and it is the only kind there."""
    digits = re.sub(r"[ ']", "", text)
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return Decimal(digits)
    whole, part = re.sub(r"[.,]", "", digits[:last]), digits[last + 1 :]
    grouped = len(part) == 3 and len(set(re.sub(r"\d", "", digits))) == 1
    return Decimal(whole + part) if grouped else Decimal(f"{whole or '0'}.{part}")


def amount_of(money: Money | None) -> Amount | None:
    return Amount(currency=money.currency, value=f"{money.amount:f}") if money is not None else None
