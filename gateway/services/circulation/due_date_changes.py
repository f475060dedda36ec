"""Another due date for an open loan, in the library's own system.

A system that can't set it may still renew the loan to a date that is asked for; it then counts one renewal more. What
can do neither keeps its own date.
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain.library import Loan
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability, DiffersByItem

RENEWING = frozenset({Capability.RENEW, Capability.DUE_DATE_GIVEN})


def can_move_due_date(system: LibrarySystem, loan: Loan, due: datetime) -> bool:
    able = _list_capabilities(system, loan)
    return Capability.DUE_DATE_CHANGE in able or (able >= RENEWING and (loan.due is None or due > loan.due))


async def move_due_date(system: LibrarySystem, loan: Loan, due: datetime, key: str) -> Loan:
    """The loan as it is where the system can't. Raises as `LibrarySystem.set_due_date` and `renew_loan`."""
    if Capability.DUE_DATE_CHANGE in _list_capabilities(system, loan):
        return await system.set_due_date(loan.id, due, key)
    if not can_move_due_date(system, loan, due):
        return loan
    return await system.renew_loan(loan.item_barcode, key, patron_id=loan.patron_id, due=due)


def _list_capabilities(system: LibrarySystem, loan: Loan) -> frozenset[Capability]:
    if isinstance(system, DiffersByItem):
        return system.capabilities_of_item(loan.item_barcode, loan.id)
    return system.capabilities
