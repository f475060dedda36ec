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
    messages.LookupUser: Service(lookup_user.read_lookup_user, lookup_user.write_lookup_user_response),
    messages.LookupItem: Service(lookup_item.read_lookup_item, lookup_item.write_lookup_item_response),
    messages.LookupItemSet: Service(
        lookup_item_set.read_lookup_item_set, lookup_item_set.write_lookup_item_set_response
    ),
    messages.LookupRequest: Service(lookup_request.read_lookup_request, lookup_request.write_lookup_request_response),
    messages.LookupAgency: Service(lookup_agency.read_lookup_agency, lookup_agency.write_lookup_agency_response),
    messages.RequestItem: Service(request_item.read_request_item, request_item.write_request_item_response),
    messages.CancelRequestItem: Service(
        cancel_request_item.read_cancel_request_item, cancel_request_item.write_cancel_request_item_response
    ),
    messages.UpdateRequestItem: Service(
        update_request_item.read_update_request_item, update_request_item.write_update_request_item_response
    ),
    messages.AcceptItem: Service(accept_item.read_accept_item, accept_item.write_accept_item_response),
    messages.CheckOutItem: Service(check_out_item.read_check_out_item, check_out_item.write_check_out_item_response),
    messages.CheckInItem: Service(check_in_item.read_check_in_item, check_in_item.write_check_in_item_response),
    messages.RenewItem: Service(renew_item.read_renew_item, renew_item.write_renew_item_response),
    messages.RecallItem: Service(recall_item.read_recall_item, recall_item.write_recall_item_response),
    messages.CreateUser: Service(create_user.read_create_user, create_user.write_create_user_response),
    messages.UpdateUser: Service(update_user.read_update_user, update_user.write_update_user_response),
    messages.CreateItem: Service(create_item.read_create_item, create_item.write_create_item_response),
    messages.DeleteItem: Service(delete_item.read_delete_item, delete_item.write_delete_item_response),
    messages.CreateUserFiscalTransaction: Service(
        create_user_fiscal_transaction.read_create_user_fiscal_transaction,
        create_user_fiscal_transaction.write_create_user_fiscal_transaction_response,
    ),
    messages.UpdateCirculationStatus: Service(
        update_circulation_status.read_update_circulation_status,
        update_circulation_status.write_update_circulation_status_response,
    ),
    **{kind: Service(notifications.read_notification) for kind in notifications.KINDS},
}
