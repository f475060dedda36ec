"""A library's system that sets its due dates itself is not asked to set another: that would only be refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.domain.library import Loan
from gateway.ports.library_system import Capability
from gateway.services.request_work import desk_actions, library_calls

DUE = datetime(2026, 4, 30, 21, 59, tzinfo=UTC)
DATES = {Capability.DUE_DATE_GIVEN, Capability.DUE_DATE_CHANGE}
LOAN = Loan("l-1", "k-1", "L-1", "i-1", "31000000000042", "b-1", "p-1", lent=DUE.replace(month=3), due=DUE)


@dataclass
class System:
    capabilities: frozenset[Capability]
    told: list[tuple[str, datetime, str]] = field(default_factory=list)

    async def set_due_date(self, loan_id: str, due: datetime, key: str) -> Loan:
        self.told.append((loan_id, due, key))
        return LOAN

    async def renew_loan(self, barcode: str, key: str, *, patron_id: str, due: datetime) -> Loan:
        self.told.append((f"{barcode} for {patron_id}", due, key))
        return LOAN


def called_by(system: System) -> Any:
    """What calls and actions have of their request and its library."""
    return SimpleNamespace(
        context=SimpleNamespace(system=system), key="key", request=SimpleNamespace(loan_id="l-1", number="L-1")
    )


@pytest.mark.parametrize("can_set", [True, False])
async def test_a_renewal_by_the_partner_is_told_to_a_system_that_can_set_dates(can_set: bool) -> None:
    system = System(frozenset(Capability) if can_set else frozenset(Capability) - DATES)
    said = await library_calls._set_loans_due(called_by(system), [LOAN], DUE)

    assert system.told == ([("l-1", DUE, "key:l-1")] if can_set else [])
    kept = "nothing done: the library's system keeps its own due date"
    assert said == ("1 loans have the new due date" if can_set else kept)


@pytest.mark.parametrize("can_set", [True, False])
async def test_so_is_a_date_that_staff_correct(can_set: bool) -> None:
    system = System(frozenset(Capability) if can_set else frozenset(Capability) - DATES)
    await desk_actions._correct_due_date(called_by(system), DUE)

    assert system.told == ([("l-1", DUE, "key")] if can_set else [])


@pytest.mark.parametrize(
    ("days", "told"),
    [
        pytest.param(7, [("31000000000042 for p-1", DUE + timedelta(days=7), "key:l-1")], id="later"),
        pytest.param(-7, [], id="earlier: no renewal does that"),
    ],
)
async def test_a_system_that_only_renews_to_a_date_renews(days: int, told: list[Any]) -> None:
    """NCIP has no message that changes a due date."""
    system = System(frozenset(Capability) - {Capability.DUE_DATE_CHANGE})
    await library_calls._set_loans_due(called_by(system), [LOAN], DUE + timedelta(days=days))

    assert system.told == told
