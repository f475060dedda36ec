"""What a library's system can't do is not asked of it: a refusal would end as a dead letter that nobody can mend."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.domain.library import Item, ItemStatus, Loan, Location
from gateway.ports.library_system import Capability
from gateway.services.request_work import library_calls

DUE = datetime(2026, 4, 30, 21, 59, tzinfo=UTC)
BARCODE = "31000000000042"
LOAN = Loan("l-1", "k-1", "L-1", "i-1", BARCODE, "b-1", "p-1", lent=DUE.replace(month=3), due=DUE)
ITEM = Item("i-1", BARCODE, "b-1", ItemStatus.ON_LOAN, "standard", Location("MAIN"), Location("MAIN"))


@dataclass
class LimitedSystem:
    capabilities: frozenset[Capability]
    asked: list[str] = field(default_factory=list)

    async def item_loan(self, item_id: str) -> Loan:
        return LOAN

    async def recall_loan(self, barcode: str, key: str, *, due: datetime | None) -> Loan:
        self.asked.append(f"recall by {due:%Y-%m-%d}" if due is not None else "recall")
        return LOAN

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        self.asked.append(f"due {due:%Y-%m-%d}")
        return LOAN

    async def set_item_status(self, barcode: str, status: ItemStatus, key: str) -> Item:
        self.asked.append(status.value)
        return ITEM


def make_call(system: LimitedSystem, due: datetime | None) -> Any:
    """What a call has of its request and its library."""

    async def find_item(_barcode: str) -> Item:
        return ITEM

    context = SimpleNamespace(
        system=system, find_item=find_item, due_dates=lambda _request: None, zone=UTC, now=lambda: NOW
    )
    terms = SimpleNamespace(lender_due=due)
    request = SimpleNamespace(lent_barcodes=(BARCODE,), terms=terms)
    return SimpleNamespace(context=context, request=request, key="key", pieces=())


EARLIER = DUE - timedelta(days=7)
NOW = DUE - timedelta(days=10)
PAST = NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("lacking", "due", "asked", "said"),
    [
        (set(), EARLIER, ["recall by 2026-04-23"], "recalled"),
        (set(), PAST, ["recall"], "recalled"),
        ({Capability.RECALL}, EARLIER, ["due 2026-04-23"], "1 loans have the new due date"),
        ({Capability.RECALL}, None, [], "nothing done: no due date"),
        (
            {Capability.RECALL, Capability.DUE_DATE_CHANGE, Capability.RENEW},
            EARLIER,
            [],
            "nothing done: the library's system keeps its own due date",
        ),
    ],
)
async def test_a_recall(lacking: set[Capability], due: datetime | None, asked: list[str], said: str) -> None:
    system = LimitedSystem(frozenset(Capability) - lacking)

    assert await library_calls._recall_loan(make_call(system, due)) == said
    assert system.asked == asked


@pytest.mark.parametrize(
    ("lacking", "asked", "said"),
    [
        (set(), ["lost"], "marked as lost"),
        ({Capability.STATUS_UPDATE}, [], "nothing done: the library's system takes no status"),
    ],
)
async def test_a_loss(lacking: set[Capability], asked: list[str], said: str) -> None:
    system = LimitedSystem(frozenset(Capability) - lacking)

    assert await library_calls._mark_lost(make_call(system, None)) == said
    assert system.asked == asked
