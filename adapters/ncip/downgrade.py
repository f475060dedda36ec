"""What a version requires or can't have, where leaving a field out isn't enough (facts/ncip.md 3.4, 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.ncip.messages.base import Code, Structure
from adapters.ncip.messages.fiscal import Amount
from adapters.ncip.messages.holdings import HoldingsSet, ItemInformation
from adapters.ncip.messages.loans import LoanedItem
from adapters.ncip.messages.requests import RequestItem
from adapters.ncip.money import NO_CURRENCY
from adapters.ncip.versions import Version

_NOTHING_OWED = Amount(currency=Code(NO_CURRENCY), minor_units=0)


def loaned_item(item: LoanedItem) -> LoanedItem:
    """Before 2.02 ReminderLevel (from 1) and Amount are required."""
    if item.reminder_level and item.amount is not None:
        return item
    return replace(item, reminder_level=item.reminder_level or 1, amount=item.amount or _NOTHING_OWED)


def request_item(request: RequestItem) -> RequestItem:
    """2.0 takes one item or one bibliographic id."""
    return replace(request, item_ids=()) if request.bibliographic_ids and request.item_ids else request


def set_part(part: HoldingsSet | ItemInformation) -> HoldingsSet | ItemInformation:
    """In the answer to LookupItemSet a Problem stands alone, without Ext."""
    return replace(part, ext=()) if part.problems and part.ext else part


def for_class(cls: type[Structure], version: Version) -> Callable[[Any], Structure] | None:
    """What to do with a structure of this class before it is written in this version."""
    if cls is LoanedItem and version is not Version.V2_02:
        return loaned_item
    if cls is RequestItem and version is Version.V2_0:
        return request_item
    return set_part if cls in (HoldingsSet, ItemInformation) else None
