"""What a notice is about: which item, whose it is, and on which account it goes here."""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.domain.commands import Named, Notice, PatronRef
from gateway.domain.library import Item
from gateway.domain.policy import Patrons
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import items
from gateway.services.circulation.desk import Desk


def is_partners(item: Named, desk: Desk) -> bool | None:
    """By the profile's pattern; None where it has none, then the record tells (`Item.temporary`)."""
    pattern = desk.policy.notifications.own_item_pattern
    return None if pattern is None else re.search(pattern, item.value) is not None


async def item_of(command: Notice, desk: Desk) -> Item:
    """The request number is the way to a piece whose temporary barcode has changed since; where a partner sends
    none, the temporary record has its item id as the number."""
    try:
        return await items.resolve_item(command.item, desk, request=command.request)
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_ITEM or not desk.can(Capability.ITEM_BY_REQUEST):
            raise
        for number in (command.request, command.item):
            if number is not None and (found := await _by_number(number, desk)):
                return found
        raise


async def _by_number(number: Named, desk: Desk) -> Item | None:
    try:
        return await items.by_request(number, desk)
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_ITEM:
            return None
        raise


def by_barcode(item: Item) -> Named:
    """How a command names it, at a desk `as_found`."""
    return Named(item.barcode)


def as_found(desk: Desk) -> Desk:
    """The same desk for commands that name an item by the barcode it has here, which is rewritten no more."""
    plain = desk.policy.items.model_copy(update={"rewrite": type(desk.policy.items.rewrite)(trim=False)})
    return replace(desk, policy=desk.policy.model_copy(update={"items": plain}))


def on_our_account(command: Notice, desk: Desk) -> tuple[PatronRef, Desk]:
    """For our own item: the institutional patron, named in our own terms. Without one, whom the message names."""
    account = desk.policy.notifications.institutional_patron
    if not account:
        return named_patron(command), desk
    plain = Patrons(lookup_by=desk.policy.patrons.lookup_by, blocks_stop=desk.policy.patrons.blocks_stop)
    policy = desk.policy.model_copy(update={"patrons": plain})
    return PatronRef(Named(account)), replace(desk, policy=policy)


def named_patron(command: Notice) -> PatronRef:
    if command.patron is None:
        raise Refused(Reason.DATA_MISSING, "The message doesn't say which patron is meant.", about=About.PATRON)
    return command.patron


def named_item(command: Notice) -> Named:
    if command.item is None:
        raise Refused(Reason.DATA_MISSING, "The message doesn't say which item is meant.", about=About.ITEM)
    return command.item
