"""Which use case carries out which command: one screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.domain import commands
from gateway.domain.commands import Command, Result
from gateway.services.circulation.accept_item import accept_item
from gateway.services.circulation.cancel_request import cancel_request
from gateway.services.circulation.check_in import check_in
from gateway.services.circulation.check_out import check_out
from gateway.services.circulation.create_item import create_item
from gateway.services.circulation.create_patron import create_patron
from gateway.services.circulation.delete_item import delete_item
from gateway.services.circulation.desk import Desk
from gateway.services.circulation.keys import message_key
from gateway.services.circulation.lookup_agency import lookup_agency
from gateway.services.circulation.lookup_item import lookup_item
from gateway.services.circulation.lookup_item_set import lookup_item_set
from gateway.services.circulation.lookup_patron import lookup_patron
from gateway.services.circulation.lookup_request import lookup_request
from gateway.services.circulation.notice import notice
from gateway.services.circulation.place_request import place_request
from gateway.services.circulation.post_fee import post_fee
from gateway.services.circulation.recall import recall
from gateway.services.circulation.renew import renew
from gateway.services.circulation.update_patron import update_patron
from gateway.services.circulation.update_request import update_request
from gateway.services.circulation.update_status import update_status

USE_CASES: dict[type[Command], Callable[[Any, Desk, str], Awaitable[Result]]] = {
    commands.LookUpPatron: lookup_patron,
    commands.LookUpItem: lookup_item,
    commands.LookUpItemSet: lookup_item_set,
    commands.LookUpRequest: lookup_request,
    commands.LookUpAgency: lookup_agency,
    commands.PlaceRequest: place_request,
    commands.CancelRequest: cancel_request,
    commands.UpdateRequest: update_request,
    commands.AcceptItem: accept_item,
    commands.CreateItem: create_item,
    commands.DeleteItem: delete_item,
    commands.CheckOut: check_out,
    commands.CheckIn: check_in,
    commands.Renew: renew,
    commands.Recall: recall,
    commands.UpdateStatus: update_status,
    commands.CreatePatron: create_patron,
    commands.UpdatePatron: update_patron,
    commands.PostFee: post_fee,
    commands.Notice: notice,
}


async def carry_out(command: Command, desk: Desk, key: str = "") -> Result:
    """Safe to repeat: a message that was carried out already changes nothing and is answered alike. `key`: its
    `message_key`, where the caller has made it.

    Raises Refused (the answer is no), Unavailable (nothing was done, or what was done is found again by a repeat),
    OutcomeUnknown (a repeat tells).
    """
    return await USE_CASES[type(command)](command, desk, key or message_key(command, desk.profile))
