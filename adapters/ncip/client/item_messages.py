"""Messages about items, loans and requests, made of values."""

from __future__ import annotations

from dataclasses import replace

from adapters.ncip.client.speaker import Speaker, Values, bibliographic_id, code, codes
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


def accept_item(v: Values, s: Speaker) -> AcceptItem:
    return AcceptItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        request_id=s.build_request_id(v),
        requested_action_type=code(v.action or "Hold For Pickup"),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        date_for_return=v.due,
        renewal_not_permitted=not v.renewals,
        item_optional_fields=s.build_item_fields(v),
        pickup_location=s.build_pickup(v),
        pickup_expiry_date=v.pickup_until,
    )


def check_out_item(v: Values, s: Speaker) -> CheckOutItem:
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
        item_element_types=codes(v.elements),
    )


def check_in_item(v: Values, s: Speaker) -> CheckInItem:
    return CheckInItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        item_element_types=codes(v.elements),
    )


def renew_item(v: Values, s: Speaker) -> RenewItem:
    return RenewItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        item_id=s.build_first_item_id(v),
        item_element_types=codes(v.elements),
        desired_date_due=v.due,
    )


def recall_item(v: Values, s: Speaker) -> RecallItem:
    return RecallItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
        desired_date_due=v.due,
        item_element_types=codes(v.elements),
    )


def request_item(v: Values, s: Speaker) -> RequestItem:
    return RequestItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        bibliographic_ids=tuple(bibliographic_id(one) for one in v.records),
        item_ids=tuple(s.build_item_id(one, v) for one in v.items),
        request_id=s.build_request_id(v),
        request_type=request_type(v),
        request_scope_type=request_scope(v),
        item_optional_fields=s.build_item_fields(without_records(v)),
        need_before_date=v.need_by,
        pickup_location=s.build_pickup(v),
        pickup_expiry_date=v.pickup_until,
        item_element_types=codes(v.elements),
    )


def cancel_request_item(v: Values, s: Speaker) -> CancelRequestItem:
    return CancelRequestItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        request_id=s.build_request_id(v),
        item_id=s.build_first_item_id(v),
        request_type=code(v.kind or s.dialect.requests.cancel_type),
        request_scope_type=code(v.scope),
    )


def update_request_item(v: Values, s: Speaker) -> UpdateRequestItem:
    return UpdateRequestItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_type=type_unless_numbered(v),
        request_id=s.build_request_id(v),
        add_request_fields=request_fields(v, s),
    )


def request_type(v: Values) -> Code | None:
    return code(v.kind or "Hold")


def type_unless_numbered(v: Values) -> Code | None:
    """A request that is named by its number has none beside it, only one that is named by user and item (XSD)."""
    return None if v.request else request_type(v)


def request_scope(v: Values) -> Code | None:
    return code(v.scope or ("Item" if v.item else "Bibliographic Item"))


def without_records(v: Values) -> Values:
    """Where the numbers of records stand in BibliographicId."""
    return replace(v, records=())


def request_fields(v: Values, s: Speaker) -> RequestFields:
    return RequestFields(
        need_before_date=v.need_by, pickup_location=s.build_pickup(v), pickup_expiry_date=v.pickup_until
    )


def lookup_item(v: Values, s: Speaker) -> LookupItem:
    return LookupItem(
        initiation_header=s.build_header(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        item_element_types=codes(v.elements),
        current_borrower_desired=v.borrower,
        current_requesters_desired=v.requesters,
    )


def lookup_item_set(v: Values, s: Speaker) -> LookupItemSet:
    return LookupItemSet(
        initiation_header=s.build_header(v),
        bibliographic_ids=tuple(bibliographic_id(one) for one in v.records),
        item_ids=tuple(s.build_item_id(one, v) for one in v.items),
        item_element_types=codes(v.elements),
        maximum_items_count=v.limit,
        next_item_token=v.cursor or None,
    )


def lookup_request(v: Values, s: Speaker) -> LookupRequest:
    return LookupRequest(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_type=type_unless_numbered(v),
        request_id=s.build_request_id(v),
        item_element_types=codes(v.elements),
    )


def create_item(v: Values, s: Speaker) -> CreateItem:
    return CreateItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        bibliographic_description=s.build_description(v),
        circulation_status=code(v.status),
        item_description=ItemDescription(call_number=v.call_number) if v.call_number else None,
        locations=(_location(v.location),) if v.location else (),
    )


def _location(place: str) -> Location:
    instance = LocationNameInstance(level=1, value=place)
    return Location(location_type=code("Permanent Location"), name=LocationName(instances=(instance,)))


def delete_item(v: Values, s: Speaker) -> DeleteItem:
    return DeleteItem(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
    )


def update_circulation_status(v: Values, s: Speaker) -> UpdateCirculationStatus:
    return UpdateCirculationStatus(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        item_id=s.build_first_item_id(v),
        circulation_status=code(v.status),
    )
