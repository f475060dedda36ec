"""Messages about items, loans and requests, made of values."""

from __future__ import annotations

from adapters.ncip.client.speaker import MessageBuilder, MessageValues, build_bibliographic_id, make_code, make_codes
from adapters.ncip.messages import (
    AcceptItem,
    CancelRequestItem,
    CheckInItem,
    CheckOutItem,
    Code,
    CreateItem,
    DeleteItem,
    ItemDescription,
    Location,
    LocationName,
    LocationNameInstance,
    LookupItem,
    LookupItemSet,
    LookupRequest,
    RecallItem,
    RenewItem,
    RequestFields,
    RequestItem,
    UpdateCirculationStatus,
    UpdateRequestItem,
)
from gateway.domain.value import replace


def build_accept_item(v: MessageValues, s: MessageBuilder) -> AcceptItem:
    return AcceptItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        request_id=s.build_request_id(v),
        requested_action_type=make_code(v.action or "Hold For Pickup"),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        date_for_return=v.due,
        renewal_not_permitted=not v.renewals,
        item_optional_fields=s.build_item_fields(v),
        pickup_location=s.build_pickup(v),
        pickup_expiry_date=v.pickup_until,
    )


def build_check_out_item(v: MessageValues, s: MessageBuilder) -> CheckOutItem:
    in_date_due = s.dialect.requests.due_from == "date-due"  # INN-Reach
    return CheckOutItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        desired_date_due=None if in_date_due else v.due,
        date_due=v.due if in_date_due else None,
        item_element_types=make_codes(v.elements),
    )


def build_check_in_item(v: MessageValues, s: MessageBuilder) -> CheckInItem:
    return CheckInItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        item_element_types=make_codes(v.elements),
    )


def build_renew_item(v: MessageValues, s: MessageBuilder) -> RenewItem:
    return RenewItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        item_id=s.build_first_item_id(v),
        item_element_types=make_codes(v.elements),
        desired_date_due=v.due,
    )


def build_recall_item(v: MessageValues, s: MessageBuilder) -> RecallItem:
    return RecallItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
        desired_date_due=v.due,
        item_element_types=make_codes(v.elements),
    )


def build_request_item(v: MessageValues, s: MessageBuilder) -> RequestItem:
    return RequestItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        bibliographic_ids=tuple(build_bibliographic_id(record) for record in v.records),
        item_ids=tuple(s.build_item_id(item, v) for item in v.items),
        request_id=s.build_request_id(v),
        request_type=build_request_type(v),
        request_scope_type=build_request_scope(v),
        item_optional_fields=s.build_item_fields(drop_records(v)),
        need_before_date=v.need_by,
        pickup_location=s.build_pickup(v),
        pickup_expiry_date=v.pickup_until,
        item_element_types=make_codes(v.elements),
    )


def build_cancel_request_item(v: MessageValues, s: MessageBuilder) -> CancelRequestItem:
    return CancelRequestItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        request_id=s.build_request_id(v),
        item_id=s.build_first_item_id(v),
        request_type=make_code(v.kind or s.dialect.requests.cancel_type),
        request_scope_type=make_code(v.scope),
    )


def build_update_request_item(v: MessageValues, s: MessageBuilder) -> UpdateRequestItem:
    return UpdateRequestItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_type=build_type_unless_numbered(v),
        request_id=s.build_request_id(v),
        add_request_fields=build_request_fields(v, s),
    )


def build_request_type(v: MessageValues) -> Code | None:
    return make_code(v.kind or "Hold")


def build_type_unless_numbered(v: MessageValues) -> Code | None:
    """A request that is named by its number has none beside it, only one that is named by user and item (XSD)."""
    return None if v.request else build_request_type(v)


def build_request_scope(v: MessageValues) -> Code | None:
    return make_code(v.scope or ("Item" if v.item else "Bibliographic Item"))


def drop_records(v: MessageValues) -> MessageValues:
    """Drop the records where their numbers stand in BibliographicId."""
    return replace(v, records=())


def build_request_fields(v: MessageValues, s: MessageBuilder) -> RequestFields:
    return RequestFields(
        need_before_date=v.need_by, pickup_location=s.build_pickup(v), pickup_expiry_date=v.pickup_until
    )


def build_lookup_item(v: MessageValues, s: MessageBuilder) -> LookupItem:
    return LookupItem(
        initiation_header=s.build_header(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        item_element_types=make_codes(v.elements),
        current_borrower_desired=v.borrower,
        current_requesters_desired=v.requesters,
    )


def build_lookup_item_set(v: MessageValues, s: MessageBuilder) -> LookupItemSet:
    return LookupItemSet(
        initiation_header=s.build_header(v),
        bibliographic_ids=tuple(build_bibliographic_id(record) for record in v.records),
        item_ids=tuple(s.build_item_id(item, v) for item in v.items),
        item_element_types=make_codes(v.elements),
        maximum_items_count=v.limit,
        next_item_token=v.cursor or None,
    )


def build_lookup_request(v: MessageValues, s: MessageBuilder) -> LookupRequest:
    return LookupRequest(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_type=build_type_unless_numbered(v),
        request_id=s.build_request_id(v),
        item_element_types=make_codes(v.elements),
    )


def build_create_item(v: MessageValues, s: MessageBuilder) -> CreateItem:
    return CreateItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        bibliographic_description=s.build_description(v),
        circulation_status=make_code(v.status),
        item_description=ItemDescription(call_number=v.call_number) if v.call_number else None,
        locations=(_build_location(v.location),) if v.location else (),
    )


def _build_location(place: str) -> Location:
    instance = LocationNameInstance(level=1, value=place)
    return Location(location_type=make_code("Permanent Location"), name=LocationName(instances=(instance,)))


def build_delete_item(v: MessageValues, s: MessageBuilder) -> DeleteItem:
    return DeleteItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
    )


def build_update_circulation_status(v: MessageValues, s: MessageBuilder) -> UpdateCirculationStatus:
    return UpdateCirculationStatus(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
        circulation_status=make_code(v.status),
    )
