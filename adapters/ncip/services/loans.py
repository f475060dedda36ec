"""AcceptItem, CheckIn, CheckOut, Renew, Recall."""

from __future__ import annotations

from datetime import datetime, time

from adapters.ncip.messages import (
    AcceptItem,
    AcceptItemResponse,
    CheckInItem,
    CheckInItemResponse,
    CheckOutItem,
    CheckOutItemResponse,
    Code,
    Destination,
    Location,
    LocationName,
    LocationNameInstance,
    MandatableInitiation,
    RecallItem,
    RecallItemResponse,
    RenewAllItem,
    RenewAllItemResponse,
    RenewInformation,
    RenewItem,
    RenewItemResponse,
    RoutingInformation,
    UserOptionalFields,
    When,
)
from adapters.ncip.problems import problem_of_refusal
from adapters.ncip.services import patron_writer, result_writer
from adapters.ncip.services.command_reader import (
    NO_RETURN,
    CommandReader,
    description_of_fields,
    list_restrictions,
    read_bib,
    read_call_number,
    read_conditions,
    read_fee_amount,
    read_item_reference,
    read_medium,
    read_named_patron,
    read_patron_reference,
    read_piece_barcode,
    require_patron,
    require_value,
    text_of_code,
)
from adapters.ncip.services.result_writer import ResultWriter
from gateway.domain.commands import AcceptItem as Accept
from gateway.domain.commands import (
    Action,
    AllRenewed,
    CheckIn,
    CheckOut,
    ItemAccepted,
    ItemLent,
    ItemRecalled,
    ItemRenewed,
    ItemReturned,
    LoanRenewal,
    Recall,
    Renew,
    RenewAll,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import LoanCondition

ACTIONS = {
    "": Action.HOLD,
    "hold for pickup": Action.HOLD,
    "hold for pickup and notify": Action.HOLD_AND_NOTIFY,
    "hold for fulfillment": Action.HOLD,  # ReShare to WMS (facts/ncip.md 2.4)
    "circulate": Action.CIRCULATE,
    "circulate and notify": Action.CIRCULATE_AND_NOTIFY,
}
"""RequestedActionType, lower case (facts/ncip.md 3.6)."""


def read_accept_item(message: AcceptItem, reader: CommandReader) -> Accept:
    fiscal = message.fiscal_transaction_information
    restrictions = list_restrictions(message.item_optional_fields)
    conditions = read_conditions(restrictions, reader)
    is_kept = message.non_returnable_flag or NO_RETURN in (word.strip().lower() for word in restrictions)
    return Accept(
        request=require_value(message.request_id, MessagePart.REQUEST, "RequestId"),
        action=_read_requested_action(message, reader),
        action_word=text_of_code(message.requested_action_type),
        patron=read_named_patron(message.user_id, message.user_optional_fields),
        item=read_item_reference(message.item_id),
        due=message.date_for_return,
        renewals_allowed=not message.renewal_not_permitted and LoanCondition.NO_RENEWAL not in conditions,
        conditions=conditions,
        condition_words=restrictions,
        is_returnable=not is_kept,
        is_open_ended=message.indeterminate_loan_period_flag,
        citation=read_bib(description_of_fields(message.item_optional_fields), reader),
        call_number=read_call_number(message.item_optional_fields),
        format=read_medium(message.item_optional_fields),
        pickup=text_of_code(message.pickup_location),
        pickup_expires=message.pickup_expiry_date,
        receiver=reader.receiver,
        fee=read_fee_amount(fiscal, reader),
        fee_type=text_of_code(fiscal.transaction_type) if fiscal is not None else "",
        fee_action=text_of_code(fiscal.action_type) if fiscal is not None else "",
        piece_barcode=read_piece_barcode(message.item_optional_fields),
    )


def _read_requested_action(message: AcceptItem, reader: CommandReader) -> Action:
    sent = text_of_code(message.requested_action_type).strip().lower()
    mapped = reader.policy.accept.actions.get(sent)
    action = Action(mapped) if mapped is not None else ACTIONS.get(sent)
    if action is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "This RequestedActionType is not supported.",
            about=MessagePart.ACTION,
            value=text_of_code(message.requested_action_type),
        )
    return action


def write_accept_item_response(accepted: ItemAccepted, message: AcceptItem, writer: ResultWriter) -> AcceptItemResponse:
    return AcceptItemResponse(
        request_id=result_writer.write_request_id("", message.request_id, writer),
        item_id=result_writer.write_item_id(accepted.item.barcode, message.item_id, writer)
        if writer.is_part_wanted("item-id")
        else None,
        user_id=result_writer.write_user_id(accepted.patron, message.user_id, writer)
        if accepted.patron is not None and writer.is_part_wanted("user-id")
        else None,
    )


def read_check_in_item(message: CheckInItem, reader: CommandReader) -> CheckIn:
    item, request = read_item_reference(message.item_id), read_item_reference(message.request_id)
    if item is None and request is None:
        raise Refused(RefusalReason.DATA_MISSING, "ItemId is missing or empty.", about=MessagePart.ITEM)
    return CheckIn(item, request, read_patron_reference(message.user_id, ()), read_event_moment(message, reader))


def write_check_in_item_response(
    returned: ItemReturned, message: CheckInItem, writer: ResultWriter
) -> CheckInItemResponse:
    items, users = result_writer.list_wanted_elements(message)
    patron, item = returned.patron, returned.item
    fields = patron_writer.write_user_fields_if_asked(patron, users, writer) if patron is not None else None
    if fields is None and writer.is_part_wanted("user-fields"):
        fields = UserOptionalFields()
    return CheckInItemResponse(
        item_id=result_writer.write_item_id(result_writer.barcode_of(item), message.item_id, writer),
        user_id=result_writer.write_user_id(patron, message.user_id, writer)
        if patron is not None and writer.is_part_wanted("user-id")
        else None,
        routing_information=_write_routing(returned, writer),
        item_optional_fields=result_writer.write_item_fields(
            item, returned.bib, result_writer.select_item_elements(items, writer), writer
        )
        if item is not None
        else None,
        user_optional_fields=fields,
    )


def _write_routing(returned: ItemReturned, writer: ResultWriter) -> RoutingInformation | None:
    """Write the routing; what goes back to its owner is sent nowhere else."""
    place, back = returned.route_to, returned.goes_back
    if not writer.is_part_wanted("routing"):
        return None
    if back is not None:
        return _write_destination(back.owner, back.advice)
    return _write_destination(place.library, f"Send to {place.name or place.library}") if place is not None else None


def _write_destination(place: str, text: str) -> RoutingInformation:
    instance = LocationNameInstance(level=1, value=place)
    where = Location(location_type=Code("Temporary Location"), name=LocationName(instances=(instance,)))
    return RoutingInformation(routing_instructions=text, destination=Destination(location=where))


def read_event_moment(message: MandatableInitiation, reader: CommandReader) -> datetime | None:
    """Read when it happened, of a message that says that it has happened already."""
    if message.mandated_action is None:
        return None
    when = message.mandated_action.date_event_occurred
    if when is None:
        return reader.exchange_context.now
    return when if isinstance(when, datetime) else datetime.combine(when, time.min, tzinfo=reader.exchange_context.zone)


def read_due_date(message: CheckOutItem, reader: CommandReader) -> When | None:
    match reader.dialect.requests.due_from:
        case "desired-date-due":
            return message.desired_date_due
        case "date-due":
            return message.date_due
        case "either":
            return message.desired_date_due or message.date_due


def read_check_out_item(message: CheckOutItem, reader: CommandReader) -> CheckOut:
    return CheckOut(
        patron=require_patron(message.user_id, message.authentication_inputs),
        item=require_value(message.item_id, MessagePart.ITEM, "ItemId"),
        request=read_item_reference(message.request_id),
        due=read_due_date(message, reader),
        mandated=read_event_moment(message, reader),
        sender=reader.sender,
    )


def write_check_out_item_response(lent: ItemLent, message: CheckOutItem, writer: ResultWriter) -> CheckOutItemResponse:
    items, users = result_writer.list_wanted_elements(message)
    return CheckOutItemResponse(
        item_id=result_writer.write_item_id(lent.item.barcode, message.item_id, writer),
        user_id=result_writer.write_user_id(lent.patron, message.user_id, writer),
        date_due=lent.loan.due,
        indeterminate_loan_period_flag=lent.loan.due is None,
        renewal_count=lent.loan.renewals if writer.is_part_wanted("renewal-count") else None,
        item_optional_fields=result_writer.write_item_fields(
            lent.item, lent.bib, result_writer.select_item_elements(items, writer), writer
        ),
        user_optional_fields=patron_writer.write_user_fields_if_asked(lent.patron, users, writer),
    )


def read_renew_item(message: RenewItem, _reader: CommandReader) -> Renew:
    return Renew(
        item=require_value(message.item_id, MessagePart.ITEM, "ItemId"),
        patron=read_patron_reference(message.user_id, message.authentication_inputs),
        due=message.desired_date_due,
    )


def write_renew_item_response(renewed: ItemRenewed, message: RenewItem, writer: ResultWriter) -> RenewItemResponse:
    items, users = result_writer.list_wanted_elements(message)
    return RenewItemResponse(
        item_id=result_writer.write_item_id(renewed.item.barcode, message.item_id, writer),
        user_id=result_writer.write_user_id(renewed.patron, message.user_id, writer)
        if writer.is_part_wanted("user-id")
        else None,
        date_due=renewed.loan.due if writer.is_part_wanted("due-date") else None,
        renewal_count=renewed.loan.renewals if writer.is_part_wanted("renewal-count") else None,
        item_optional_fields=result_writer.write_item_fields(
            renewed.item, renewed.bib, result_writer.select_item_elements(items, writer), writer
        ),
        user_optional_fields=patron_writer.write_user_fields_if_asked(renewed.patron, users, writer),
    )


def read_renew_all_item(message: RenewAllItem, _reader: CommandReader) -> RenewAll:
    return RenewAll(require_patron(message.user_id, message.authentication_inputs), message.desired_date_due)


def write_renew_all_item_response(
    renewed: AllRenewed, message: RenewAllItem, writer: ResultWriter
) -> RenewAllItemResponse:
    return RenewAllItemResponse(
        user_id=result_writer.write_user_id(renewed.patron, message.user_id, writer),
        user_optional_fields=patron_writer.write_user_fields_if_asked(
            renewed.patron, message.user_element_types, writer
        ),
        renewals=tuple(_write_renew_information(renewal, writer) for renewal in renewed.renewals),
    )


def _write_renew_information(renewal: LoanRenewal, writer: ResultWriter) -> RenewInformation:
    item_id = result_writer.write_item_id(renewal.loan.item_barcode, None, writer)
    if renewal.refusal is not None:
        problem = problem_of_refusal(renewal.refusal, writer.service, writer.dialect, writer.version, None)
        return RenewInformation(item_id=item_id, problems=(problem,))
    loan = renewal.renewed.loan if renewal.renewed is not None else renewal.loan
    return RenewInformation(item_id=item_id, date_due=loan.due, renewal_count=loan.renewals)


def read_recall_item(message: RecallItem, _reader: CommandReader) -> Recall:
    return Recall(item=require_value(message.item_id, MessagePart.ITEM, "ItemId"), due=message.desired_date_due)


def write_recall_item_response(recalled: ItemRecalled, message: RecallItem, writer: ResultWriter) -> RecallItemResponse:
    items, _users = result_writer.list_wanted_elements(message)
    return RecallItemResponse(
        item_id=result_writer.write_item_id(recalled.item.barcode, message.item_id, writer),
        date_due=recalled.loan.due if writer.is_part_wanted("due-date") else None,
        item_optional_fields=result_writer.write_item_fields(
            recalled.item, recalled.bib, result_writer.select_item_elements(items, writer), writer
        ),
    )
