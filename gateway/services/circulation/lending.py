"""Lending an item, and whose due date the loan gets."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.commands import Due
from gateway.domain.due_dates import DueChoice, choose, patron_due
from gateway.domain.frozen import frozen
from gateway.domain.library import Item, Loan, Patron
from gateway.domain.policy import DuePolicy
from gateway.ports.library import Capability
from gateway.services.circulation.desk import Desk


@frozen
class Lending:
    item: Item
    patron: Patron
    due: DueChoice
    request_id: str = ""
    override: bool = False


async def lend(wish: Lending, desk: Desk, key: str) -> Loan:
    """As long as the loan that a message made is open, the message again is a repeat; after its return the same
    words mean a new loan (`LibrarySystem.check_out`)."""
    loan = await desk.library.check_out(
        wish.item.barcode,
        wish.patron.id,
        key,
        due=due_given(wish.due, desk).exact,
        request_id=wish.request_id,
        override=wish.override,
    )
    return await not_after(wish.due, loan, desk, key) if loan.renewals == 0 else loan


def due_for(sent: Due, policy: DuePolicy, item: Item, start: datetime, desk: Desk) -> DueChoice:
    """The partner's date by the profile's rules; nothing where the message has none, for then the library decides
    (`TemporaryItem.due_policy`).

    Days for the way back are taken off for a partner's item only: our own has none to make. `start` is when the
    loan begins. Raises Refused(INVALID_DATE) when the date has passed by then.
    """
    rules = desk.policy.due_dates
    days_back = rules.transit_days if item.temporary else 0
    return choose(policy, patron_due(sent, rules, desk.zone, start, days_back=days_back))


def due_given(choice: DueChoice, desk: Desk) -> DueChoice:
    """Nothing where the library's system sets its dates alone: then its date is the one that is answered."""
    return choice if desk.can(Capability.DUE_DATE_GIVEN) else DueChoice()


async def not_after(choice: DueChoice, loan: Loan, desk: Desk, key: str) -> Loan:
    """Bring the due date forward where the partner's is earlier than the one that the library's rules gave."""
    latest = due_given(choice, desk).latest
    if latest is None or latest >= loan.due:
        return loan
    return await desk.library.set_due_date(loan.id, latest, f"{key}:{loan.id}:not-after-{latest.isoformat()}")
