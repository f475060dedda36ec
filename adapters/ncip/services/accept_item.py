"""AcceptItem: a partner's item has come; make its temporary record and the patron's hold."""

from __future__ import annotations

from adapters.ncip.messages import AcceptItem, AcceptItemResponse
from adapters.ncip.services import wording
from adapters.ncip.services.reading import (
    Reader,
    bib,
    call_number,
    description_of,
    medium,
    must,
    named,
    patron_ref,
)
from adapters.ncip.services.reading import (
    word as text_of,
)
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import AcceptItem as Accept
from gateway.domain.commands import Action, ItemAccepted
from gateway.domain.library import Money
from gateway.domain.problems import About, Reason, Refused

ACTIONS = {
    "": Action.HOLD,
    "hold for pickup": Action.HOLD,
    "hold for pickup and notify": Action.HOLD_AND_NOTIFY,
    "hold for fulfillment": Action.HOLD,  # ReShare to WMS (facts/ncip.md 2.4)
    "circulate": Action.CIRCULATE,
    "circulate and notify": Action.CIRCULATE_AND_NOTIFY,
}
"""RequestedActionType, lower case (facts/ncip.md 3.6)."""


def read_accept_item(message: AcceptItem, reader: Reader) -> Accept:
    fiscal = message.fiscal_transaction_information
    return Accept(
        request=must(message.request_id, About.REQUEST, "RequestId"),
        action=_action(message, reader),
        action_word=text_of(message.requested_action_type),
        patron=patron_ref(message.user_id, ()),
        item=named(message.item_id),
        due=message.date_for_return,
        renewals_allowed=not message.renewal_not_permitted,
        citation=bib(description_of(message.item_optional_fields), reader),
        call_number=call_number(message.item_optional_fields),
        format=medium(message.item_optional_fields),
        pickup=text_of(message.pickup_location),
        pickup_expires=message.pickup_expiry_date,
        receiver=reader.receiver,
        fee=_money(message),
        fee_type=text_of(fiscal.transaction_type) if fiscal is not None else "",
    )


def _action(message: AcceptItem, reader: Reader) -> Action:
    sent = text_of(message.requested_action_type).strip().lower()
    mapped = reader.policy.accept.actions.get(sent)
    action = Action(mapped) if mapped is not None else ACTIONS.get(sent)
    if action is None:
        raise Refused(
            Reason.INVALID_VALUE,
            "This RequestedActionType is not served here.",
            about=About.ACTION,
            value=text_of(message.requested_action_type),
        )
    return action


def _money(message: AcceptItem) -> Money | None:
    fiscal = message.fiscal_transaction_information
    if fiscal is None or fiscal.amount is None:
        return None
    try:
        return fiscal.amount.money
    except ValueError as error:
        raise Refused(Reason.INVALID_AMOUNT, "Amount is not in a currency of ISO 4217.", about=About.AMOUNT) from error


def write_accept_item_response(accepted: ItemAccepted, message: AcceptItem, writer: Writer) -> AcceptItemResponse:
    return AcceptItemResponse(
        request_id=wording.request_id("", message.request_id, writer),
        item_id=wording.item_id(accepted.item.barcode, message.item_id, writer) if writer.wants("item-id") else None,
        user_id=wording.user_id(accepted.patron, message.user_id, writer)
        if accepted.patron is not None and writer.wants("user-id")
        else None,
    )
