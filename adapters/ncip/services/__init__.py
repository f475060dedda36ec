"""One module for each NCIP service: how it is read to a command, and how the result is worded.

This table is the whole of what is offered; every other message of the schema is answered, as its own response,
with Unsupported Service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.ncip import messages
from adapters.ncip.messages import Initiation, Response
from adapters.ncip.services import (
    accept_item,
    cancel_request_item,
    check_in_item,
    check_out_item,
    create_item,
    create_user,
    create_user_fiscal_transaction,
    delete_item,
    lookup_agency,
    lookup_item,
    lookup_item_set,
    lookup_request,
    lookup_user,
    notifications,
    recall_item,
    renew_item,
    request_item,
    update_circulation_status,
    update_request_item,
    update_user,
)
from adapters.ncip.services.reading import Reader
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import Command
from gateway.domain.frozen import frozen


@frozen
class Service:
    """`word` None: the answer is only a header. The types of message and result go together by this table."""

    read: Callable[[Any, Reader], Command]
    word: Callable[[Any, Any, Writer], Response] | None = None


SERVICES: dict[type[Initiation], Service] = {
    messages.LookupUser: Service(lookup_user.read, lookup_user.word),
    messages.LookupItem: Service(lookup_item.read, lookup_item.word),
    messages.LookupItemSet: Service(lookup_item_set.read, lookup_item_set.word),
    messages.LookupRequest: Service(lookup_request.read, lookup_request.word),
    messages.LookupAgency: Service(lookup_agency.read, lookup_agency.word),
    messages.RequestItem: Service(request_item.read, request_item.word),
    messages.CancelRequestItem: Service(cancel_request_item.read, cancel_request_item.word),
    messages.UpdateRequestItem: Service(update_request_item.read, update_request_item.word),
    messages.AcceptItem: Service(accept_item.read, accept_item.word),
    messages.CheckOutItem: Service(check_out_item.read, check_out_item.word),
    messages.CheckInItem: Service(check_in_item.read, check_in_item.word),
    messages.RenewItem: Service(renew_item.read, renew_item.word),
    messages.RecallItem: Service(recall_item.read, recall_item.word),
    messages.CreateUser: Service(create_user.read, create_user.word),
    messages.UpdateUser: Service(update_user.read, update_user.word),
    messages.CreateItem: Service(create_item.read, create_item.word),
    messages.DeleteItem: Service(delete_item.read, delete_item.word),
    messages.CreateUserFiscalTransaction: Service(
        create_user_fiscal_transaction.read, create_user_fiscal_transaction.word
    ),
    messages.UpdateCirculationStatus: Service(update_circulation_status.read, update_circulation_status.word),
    **{kind: Service(notifications.read) for kind in notifications.KINDS},
}
