"""Each NCIP service: how it is read to a command, and how the result is worded.

This table is the whole of what is offered; every other message of the schema is answered, as its own response,
with Unsupported Service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.ncip import messages
from adapters.ncip.messages import Initiation, Response
from adapters.ncip.services import items, loans, notifications, patrons, requests
from adapters.ncip.services.command_reader import CommandReader
from adapters.ncip.services.result_writer import ResultWriter
from gateway.domain.commands import Command
from gateway.domain.value import value_object


@value_object
class ServiceMapping:
    """`word` None: the answer is only a header. The types of message and result go together by this table."""

    read: Callable[[Any, CommandReader], Command]
    word: Callable[[Any, Any, ResultWriter], Response] | None = None


SERVICES: dict[type[Initiation], ServiceMapping] = {
    messages.LookupUser: ServiceMapping(patrons.read_lookup_user, patrons.write_lookup_user_response),
    messages.LookupItem: ServiceMapping(items.read_lookup_item, items.write_lookup_item_response),
    messages.LookupItemSet: ServiceMapping(items.read_lookup_item_set, items.write_lookup_item_set_response),
    messages.LookupRequest: ServiceMapping(requests.read_lookup_request, requests.write_lookup_request_response),
    messages.LookupAgency: ServiceMapping(patrons.read_lookup_agency, patrons.write_lookup_agency_response),
    messages.RequestItem: ServiceMapping(requests.read_request_item, requests.write_request_item_response),
    messages.CancelRequestItem: ServiceMapping(
        requests.read_cancel_request_item, requests.write_cancel_request_item_response
    ),
    messages.UpdateRequestItem: ServiceMapping(
        requests.read_update_request_item, requests.write_update_request_item_response
    ),
    messages.AcceptItem: ServiceMapping(loans.read_accept_item, loans.write_accept_item_response),
    messages.CheckOutItem: ServiceMapping(loans.read_check_out_item, loans.write_check_out_item_response),
    messages.CheckInItem: ServiceMapping(loans.read_check_in_item, loans.write_check_in_item_response),
    messages.RenewItem: ServiceMapping(loans.read_renew_item, loans.write_renew_item_response),
    messages.RenewAllItem: ServiceMapping(loans.read_renew_all_item, loans.write_renew_all_item_response),
    messages.RecallItem: ServiceMapping(loans.read_recall_item, loans.write_recall_item_response),
    messages.CreateUser: ServiceMapping(patrons.read_create_user, patrons.write_create_user_response),
    messages.UpdateUser: ServiceMapping(patrons.read_update_user, patrons.write_update_user_response),
    messages.DeleteUser: ServiceMapping(patrons.read_delete_user, patrons.write_delete_user_response),
    messages.CreateItem: ServiceMapping(items.read_create_item, items.write_create_item_response),
    messages.DeleteItem: ServiceMapping(items.read_delete_item, items.write_delete_item_response),
    messages.CreateUserFiscalTransaction: ServiceMapping(
        patrons.read_create_user_fiscal_transaction,
        patrons.write_create_user_fiscal_transaction_response,
    ),
    messages.UpdateCirculationStatus: ServiceMapping(
        items.read_update_circulation_status,
        items.write_update_circulation_status_response,
    ),
    **{kind: ServiceMapping(notifications.read_notification) for kind in notifications.KINDS},
}
