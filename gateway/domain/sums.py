"""Sums of money in what partners write: read whole, or not at all, by one rule for all protocols."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway.domain.library import Money

_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "$": "USD"}
_DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD"})
_CURRENCY_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
"""Of ISO 4217. Beside a number other capitals are a carrier, a shelf mark or a telephone: `DHL 0034567890`."""
_CURRENCIES = frozenset(_CURRENCY_CODES.split())

_SIGN = r"[A-Z]{3}|[€£¥$]"
_NUMBER = r"[0-9]{1,3}(?:[ .,'][0-9]{3}){1,4}(?:[.,][0-9]{1,12})?|[0-9]{1,12}(?:[.,][0-9]{1,12})?|[.,][0-9]{1,4}"
_SUM = re.compile(rf"({_SIGN})?\s{{0,3}}({_NUMBER})(?:[.,]-?)?\s{{0,3}}({_SIGN})?")
_IN_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}|[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}")
_THOUSAND_OR_ONE = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def read_sum(text: str, default: str = "", currency: str = "") -> Money | None:
    """`35`, `$35`, `25,00`, `1 234.50`, `.5 EUR` and `EUR 20,-`. None for what is more than a sum, or none, or is said
    in two currencies, and for 1.234: nobody knows whether it is a thousand.

    `said`: the currency, where the protocol has a field for it. `default`: meant where none is said; without one a
    bare number is no sum. A dollar sign is never other than a dollar.
    """
    match = _SUM.fullmatch(text.strip())
    if match is None:
        return None
    code, signs = currency.strip().upper(), tuple(filter(None, (match[1], match[3])))
    if not {_SIGNS.get(sign, sign) for sign in signs} <= {*_CURRENCIES, code, default}:
        return None
    if not _CURRENCY.fullmatch(code):
        is_our_dollar = "$" in signs and default in _DOLLARS and not code
        code = default if is_our_dollar or not signs else _SIGNS.get(signs[0], signs[0])
    amount = _read_amount(match[2])
    if not code or amount is None or not all(_means_currency(sign, code) for sign in signs):
        return None
    return Money(amount, code)


def _means_currency(sign: str, code: str) -> bool:
    return _SIGNS.get(sign, sign) == code or (sign == "$" and code in _DOLLARS)


def _read_amount(text: str) -> Decimal | None:
    """The last point or comma divides, unless it is the only kind there and stands before groups of three digits."""
    if _THOUSAND_OR_ONE.fullmatch(text):
        return None
    digits = re.sub(r"[ ']", "", text)
    if _IN_GROUPS.fullmatch(digits):
        return Decimal(re.sub(r"[.,]", "", digits))
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return Decimal(digits)
    whole = re.sub(r"[.,]", "", digits[:last])
    return Decimal(f"{whole or '0'}.{digits[last + 1 :]}")
