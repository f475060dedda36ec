"""CheckIn: an item comes back, from the patron or from the partner that we lent it to."""

from __future__ import annotations

from gateway.domain.commands import CheckIn, ItemReturned, Named
from gateway.domain.identifiers import means_request
from gateway.domain.library import Item
from gateway.domain.policy import CheckInRules
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability, CheckedIn
from gateway.services.circulation import delete_item, items, patrons
from gateway.services.circulation.desk import Desk, doing, is_success, need


async def check_in(command: CheckIn, desk: Desk, key: str) -> ItemReturned:
    """A repeat is told from the next loan's return by what has become of the latest loan (`LibrarySystem.check_in`).

    Raises Refused(DATA_MISSING | UNKNOWN_ITEM | NOT_CHECKED_OUT).
    """
    need(desk, Capability.CHECK_IN)
    try:
        item = await items.resolve_item(command.item, desk, request=command.request)
    except Refused as refused:
        return await _not_here(command, desk, key, refused)
    deletes = _deletes(item, desk.policy.check_in)
    if deletes:
        need(desk, Capability.TEMPORARY_ITEM)
    try:
        done = await _check_in(item, command, desk, key)
    except Refused as refused:
        if deletes and refused.reason is Reason.NOT_CHECKED_OUT:  # never fetched by its patron, and now on its way
            return ItemReturned(await delete_item.remove(item, desk, key), deleted=True)
        if _is_success(refused, command, desk):
            return ItemReturned(item)
        raise
    bib = await desk.library.bib(item.bib_id)
    if deletes:
        await delete_item.remove(item, desk, key)
    # who had it out is told only to a partner that has named the patron
    borrower = done.patron if done.patron is not None and patrons.is_named(done.patron, command.patron, desk) else None
    return ItemReturned(done.item, done.loan, bib, borrower, None if deletes else done.route_to, deletes)


async def _check_in(item: Item, command: CheckIn, desk: Desk, key: str) -> CheckedIn:
    with doing(About.ITEM, command.item.value if command.item is not None else ""):
        return await desk.library.check_in(
            item.barcode,
            key,
            at=desk.policy.check_in.branch,
            fill_hold=desk.policy.check_in.trap_hold,
        )


def _deletes(item: Item, rules: CheckInRules) -> bool:
    """Some brokers never send DeleteItem (facts/ncip.md 5, `checkin.delete_item`)."""
    return (
        rules.delete_item == "temporary"
        and item.temporary
        and (not rules.delete_policies or item.policy in rules.delete_policies)
        and (not rules.delete_libraries or item.home.library in rules.delete_libraries)
    )


async def _not_here(command: CheckIn, desk: Desk, key: str, refused: Refused) -> ItemReturned:
    """The item may have been deleted by this very message, when it first came; or the profile takes it for done."""
    sent: Named | None = command.item
    if refused.reason is Reason.UNKNOWN_ITEM and desk.policy.check_in.delete_item != "never" and sent is not None:
        try:
            return ItemReturned(await delete_item.deleted_before(sent, desk, key, refused), deleted=True)
        except Refused as unknown:
            refused = unknown
    if _is_success(refused, command, desk):
        return ItemReturned(None)
    raise refused


def _is_success(refused: Refused, command: CheckIn, desk: Desk) -> bool:
    """OCLC takes 'not there' and 'not on loan' for done when it has named the request, not when it named a barcode."""
    by_request = command.item is None or means_request(command.item, desk.policy)
    return is_success(refused, "check-in", desk) or (by_request and is_success(refused, "check-in-by-request", desk))
