"""Renew: a loan goes on."""

from __future__ import annotations

from gateway.domain.commands import ItemRenewed, Renew
from gateway.domain.library import Item, Loan, Patron, Scope
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import items, lending, patrons
from gateway.services.circulation.desk import Desk, doing, need


async def renew(command: Renew, desk: Desk, key: str) -> ItemRenewed:
    """With a due date, a repeat is told by it; without one, the same loan is renewed at most once a day.

    Raises Refused(NOT_CHECKED_OUT | NOT_RENEWABLE | RENEWAL_… | PATRON_BLOCKED | INVALID_DATE …).
    """
    need(desk, Capability.RENEW)
    asked_by = await patrons.resolve(command.patron, desk) if command.patron is not None else None
    item = await items.resolve_item(command.item, desk)
    loan = await open_loan(item, asked_by, command.item.value, desk)
    patron = asked_by or await patrons.by_internal_id(loan.patron_id, desk)
    patrons.stop_if_blocked(patron, Scope.RENEW, desk)
    due = lending.due_for(command.due, desk.policy.due_dates.policy, item, desk.now(), desk)
    due = lending.due_given(due, desk)
    occasion = f"{key}:{loan.id}:{command.due.isoformat() if command.due is not None else desk.today().isoformat()}"
    with doing(About.ITEM, command.item.value):
        renewed = await desk.library.renew(item.barcode, occasion, patron_id=loan.patron_id, due=due.exact)
        renewed = await lending.not_after(due, renewed, desk, occasion)
    return ItemRenewed(
        renewed, await desk.library.item_by_barcode(item.barcode), await desk.library.bib(item.bib_id), patron
    )


async def open_loan(item: Item, patron: Patron | None, sent: str, desk: Desk) -> Loan:
    """Another patron's loan is refused in the same words as none. Raises Refused(NOT_CHECKED_OUT)."""
    loan = await desk.library.item_loan(item.id)
    if loan is None or (patron is not None and loan.patron_id != patron.id):
        who = "this patron" if patron is not None else "anybody"
        raise Refused(Reason.NOT_CHECKED_OUT, f"The item is not on loan to {who}.", about=About.ITEM, value=sent)
    return loan
