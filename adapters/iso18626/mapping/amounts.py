"""Amounts for a partner that reads none with decimals: whole ones as a number, others in words alone.

A wrong sum is never sent: neither one that is rounded nor one that would be misread (docs/facts/iso-18626.md 8).
Gateways of our kind read the words: of a supplier's message as `note_terms` does, the limit of a request here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, TypeVar

from adapters.iso18626.mapping.note_habits import append_note
from adapters.iso18626.messages import Compound, Request, SupplyingAgencyMessage
from adapters.iso18626.messages.declaration import list_elements
from adapters.iso18626.messages.structures import Costs, MessageInfo, ServiceInfo
from gateway.domain.library import Money
from gateway.domain.requests.volume_notes import SEPARATOR
from gateway.domain.value import replace

T = TypeVar("T", bound=Compound)

_LIMIT_NAME = "maximum cost"
_NAMES = {"maximumCosts": _LIMIT_NAME}
_LIMIT = re.compile(rf"{_LIMIT_NAME}: (\d{{1,9}}\.\d{{1,4}}) ([A-Z]{{3}})")


def tell_cents_of_supplier(message: SupplyingAgencyMessage) -> SupplyingAgencyMessage:
    words: list[str] = []
    whole = _make_whole(message, words)
    info = whole.message_info or MessageInfo()
    return replace(whole, message_info=replace(info, note=_put_first(words, info.note))) if words else whole


def tell_cents_of_request(message: Request) -> Request:
    words: list[str] = []
    whole = _make_whole(message, words)
    service = whole.service_info or ServiceInfo()
    return replace(whole, service_info=replace(service, note=_put_first(words, service.note))) if words else whole


def read_limit(note: str) -> Money | None:
    """Read what a request may cost, where its note alone says so."""
    match = next(filter(None, map(_LIMIT.fullmatch, note.split(SEPARATOR))), None)
    return Money(Decimal(match[1]), match[2]) if match is not None else None


def _put_first(words: list[str], note: str | None) -> str:
    return append_note("; ".join(dict.fromkeys(words)), note or "")


def _make_whole(structure: T, words: list[str]) -> T:
    """Return a structure without amounts that have cents, which are added to `words`."""
    changes: dict[str, Any] = {}
    for field, element in list_elements(type(structure)).items():
        value = getattr(structure, field)
        many = value if isinstance(value, tuple) else (value,)
        fitted = tuple(item for item in (_fit_value(item, element.name, words) for item in many) if item is not None)
        fitted_value = fitted if isinstance(value, tuple) else next(iter(fitted), None)
        if fitted_value != value or (fitted and str(fitted_value) != str(value)):
            changes[field] = fitted_value
    return replace(structure, **changes) if changes else structure


def _fit_value(value: Any, name: str, words: list[str]) -> Any:
    if not isinstance(value, Costs):
        return _make_whole(value, words) if isinstance(value, Compound) else value
    if value.amount is None:
        return value
    whole = value.amount.to_integral_value()
    if whole == value.amount:
        return replace(value, amount=whole)
    currency = value.currency.value if value.currency is not None else ""
    words.append(f"{_NAMES.get(name, 'cost')}: {value.amount:f} {currency}".rstrip())
    return None
