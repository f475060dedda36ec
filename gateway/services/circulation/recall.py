"""Recall: the lender wants its item back."""

from __future__ import annotations

from gateway.domain.commands import ItemRecalled, Recall
from gateway.domain.problems import About
from gateway.ports.library import Capability
from gateway.services.circulation import items, lending
from gateway.services.circulation.desk import Desk, doing, need
from gateway.services.circulation.renew import open_loan


async def recall(command: Recall, desk: Desk, key: str) -> ItemRecalled:
    """One recall a loan and due date. Raises Refused(NOT_CHECKED_OUT | CANNOT_BE_RECALLED | INVALID_DATE)."""
    need(desk, Capability.RECALL)
    item = await items.resolve_item(command.item, desk)
    loan = await open_loan(item, None, command.item.value, desk)
    due = lending.due_for(command.due, desk.policy.due_dates.policy, item, desk.now(), desk)
    due = lending.due_given(due, desk)
    occasion = f"{key}:{loan.id}"
    with doing(About.ITEM, command.item.value):
        recalled = await desk.library.recall(item.barcode, occasion, due=due.exact)
        recalled = await lending.not_after(due, recalled, desk, occasion)
    return ItemRecalled(recalled, await desk.library.item_by_barcode(item.barcode), await desk.library.bib(item.bib_id))
