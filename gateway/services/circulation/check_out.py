"""CheckOut: an item is lent to a patron or, when we lend to a partner, to the institution's account."""

from __future__ import annotations

from gateway.domain.commands import CheckOut, ItemLent
from gateway.domain.identifiers import request_number
from gateway.domain.library import Item, Loan, Patron, Scope
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import cancel_request, items, lending, patrons
from gateway.services.circulation.desk import Desk, doing, is_success, need


async def check_out(command: CheckOut, desk: Desk, key: str) -> ItemLent:
    """With `mandated` it has happened already (WorldShare's shipped, facts/ncip.md 2.6): blocks, limits and item
    policies don't stop it.

    Raises Refused(UNKNOWN_… | PATRON_BLOCKED | ITEM_ON_LOAN | LIMIT_REACHED | INVALID_DATE …).
    """
    need(desk, Capability.CHECK_OUT)
    patron = await patrons.resolve(command.patron, desk)
    item = await items.resolve_item(command.item, desk, request=command.request)
    override = command.mandated is not None or desk.policy.check_out.override_blocks
    if not override:
        patrons.stop_if_blocked(patron, Scope.BORROW, desk)
    rules = desk.policy.due_dates
    whose = rules.policy if command.mandated is None else rules.mandated
    due = lending.due_for(command.due, whose, item, command.mandated or desk.now(), desk)
    number = request_number(command.request, desk.policy).value
    if desk.policy.check_out.cancel_request and number:
        await _cancel_request(number, desk, key)
    loan = await _lend(command, lending.Lending(item, patron, due, number, override), desk, key)
    return ItemLent(loan, await desk.library.item_by_barcode(item.barcode), await desk.library.bib(item.bib_id), patron)


async def _cancel_request(number: str, desk: Desk, key: str) -> None:
    """A hold of the same request would stand in the way of its own loan (ULS, facts/ncip.md 2.1)."""
    try:
        hold = await desk.library.find_hold(number)
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_REQUEST:
            return
        raise
    if hold.status.is_open:
        need(desk, Capability.HOLD_CANCEL)
        await cancel_request.cancel(hold, desk, f"{key}:request")


async def _lend(command: CheckOut, wish: lending.Lending, desk: Desk, key: str) -> Loan:
    try:
        with doing(About.ITEM, command.item.value):
            return await lending.lend(wish, desk, key)
    except Refused as refused:
        open_loan = await _own_loan(wish.item, wish.patron, desk) if is_success(refused, "check-out", desk) else None
        if open_loan is None:
            raise
        return open_loan


async def _own_loan(item: Item, patron: Patron, desk: Desk) -> Loan | None:
    loan = await desk.library.item_loan(item.id)
    return loan if loan is not None and loan.patron_id == patron.id else None
