"""Values in codes: dates, amounts, weeks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from gateway.domain.library import Money

_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}\.?[ -]\d{2,4}"
_CURRENCIES = {"£": "GBP", "€": "EUR", "$": "USD"}

PATTERNS: Mapping[str, str] = {
    "weeks": r"\d{1,3}(?:\s*(?:[Ww]ee?ks?|WEE?KS?|[Ww][Kk]s?)\b)?",
    "amount": r"(?:[A-Z]{3}\s?|[£€$]\s?)?\d{1,9}(?:[.,]\d{1,2})?(?:\s?[A-Z]{3}\b|\s?[£€$])?",
    "place": r"\d{1,5}",
    "date": _DATE,
    "due": _DATE,
    "expected": _DATE,
    "retry": _DATE,
    "link": r"https?://[^\s<>\"]+",
    "text": r"\S.{0,300}",
}
"""How fields of a code look."""

MOST_WEEKS = 520


def date_of(text: str, forms: Iterable[str]) -> date | None:
    """By the first form that fits; None: by none."""
    for form in forms:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day, without a time
        except ValueError:
            continue
    return None


def number_in(text: str) -> int:
    found = re.search(r"\d{1,9}", text)
    return int(found[0]) if found else 0


def after_weeks(day: date, text: str) -> date | None:
    weeks = number_in(text)
    return day + timedelta(weeks=weeks) if 0 < weeks <= MOST_WEEKS else None


def weeks_until(day: date, later: date) -> str:
    """Whole weeks, at least one."""
    return str(max(1, -((day - later).days // 7)))


def money_of(text: str, currency: str) -> Money | None:
    found = re.search(r"\d+(?:[.,]\d{1,2})?", text)
    if found is None:
        return None
    named = re.search(r"[A-Z]{3}", text)
    sign = next((code for sign, code in _CURRENCIES.items() if sign in text), "")
    try:
        return Money(Decimal(found[0].replace(",", ".")), named[0] if named else sign or currency)
    except (InvalidOperation, ValueError):
        return None


def amount_of(money: Money) -> str:
    return f"{money.amount:.2f} {money.currency}"
