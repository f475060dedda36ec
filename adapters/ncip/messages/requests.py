"""Services about requests."""

from __future__ import annotations

from adapters.ncip.messages.addresses import ShippingInformation
from adapters.ncip.messages.base import Code, When, many, maybe, one, one_of
from adapters.ncip.messages.bibliographic import BibliographicId
from adapters.ncip.messages.fiscal import Amount, FiscalTransactionInformation
from adapters.ncip.messages.holdings import ItemOptionalFields
from adapters.ncip.messages.identifiers import (
    AuthenticationInput,
    Initiation,
    ItemId,
    MandatableInitiation,
    RequestId,
    Response,
    UserId,
)
from adapters.ncip.messages.loans import RequestFields
from adapters.ncip.messages.patrons import UserOptionalFields
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class RequestItem(MandatableInitiation):
    """Ask for an item."""

    choices = (
        one_of("user_id", "authentication_inputs"),
        one_of("item_ids", "bibliographic_ids item_ids?"),
    )

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    bibliographic_ids: tuple[BibliographicId, ...] = many("BibliographicId", single_in=(Version.V2_0,))
    item_ids: tuple[ItemId, ...] = many("ItemId", single_in=(Version.V2_0,))
    request_id: RequestId | None = maybe("RequestId")
    request_type: Code | None = one("RequestType")
    request_scope_type: Code | None = one("RequestScopeType")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    earliest_date_needed: When | None = maybe("EarliestDateNeeded")
    need_before_date: When | None = maybe("NeedBeforeDate")
    pickup_location: Code | None = maybe("PickupLocation")
    pickup_expiry_date: When | None = maybe("PickupExpiryDate")
    acknowledged_fee_amount: Amount | None = maybe("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = maybe("PaidFeeAmount")
    acknowledged_item_use_restriction_types: tuple[Code, ...] = many("AcknowledgedItemUseRestrictionType")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@frozen_by_name
class RequestItemResponse(Response):
    """Answer to RequestItem."""

    choices = (one_of("item_id", "request_id item_id?"),)

    required_fee_amount: Amount | None = maybe("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = many("RequiredItemUseRestrictionType", beside_problems=True)
    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = one("UserId")
    request_type: Code | None = one("RequestType")
    request_scope_type: Code | None = one("RequestScopeType")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    date_available: When | None = maybe("DateAvailable")
    hold_pickup_date: When | None = maybe("HoldPickupDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@frozen_by_name
class CancelRequestItem(MandatableInitiation):
    """Cancel a request."""

    choices = (
        one_of("user_id", "authentication_inputs"),
        one_of("item_id", "request_id item_id?"),
    )

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    request_type: Code | None = one("RequestType")
    request_scope_type: Code | None = maybe("RequestScopeType")
    acknowledged_fee_amount: Amount | None = maybe("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = maybe("PaidFeeAmount")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@frozen_by_name
class CancelRequestItemResponse(Response):
    """Answer to CancelRequestItem."""

    choices = (one_of("item_id", "request_id item_id?"),)

    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = one("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@frozen_by_name
class UpdateRequestItem(MandatableInitiation):
    """Change a request."""

    choices = (one_of("user_id/authentication_inputs item_id request_type", "request_id"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    item_id: ItemId | None = maybe("ItemId")
    request_type: Code | None = maybe("RequestType")
    request_id: RequestId | None = maybe("RequestId")
    delete_request_fields: RequestFields | None = maybe("DeleteRequestFields")
    add_request_fields: RequestFields | None = maybe("AddRequestFields")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@frozen_by_name
class UpdateRequestItemResponse(Response):
    """Answer to UpdateRequestItem."""

    required_fee_amount: Amount | None = maybe("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = many(
        "RequiredItemUseRestrictionType", beside_problems=True, since=Version.V2_01
    )
    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = one("UserId")
    request_type: Code | None = one("RequestType")
    request_scope_type: Code | None = one("RequestScopeType")
    date_available: When | None = maybe("DateAvailable")
    hold_pickup_date: When | None = maybe("HoldPickupDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@frozen_by_name
class LookupRequest(Initiation):
    """Ask about a request."""

    choices = (one_of("user_id/authentication_inputs item_id request_type", "request_id"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    item_id: ItemId | None = maybe("ItemId")
    request_type: Code | None = maybe("RequestType")
    request_id: RequestId | None = maybe("RequestId")
    request_element_types: tuple[Code, ...] = many("RequestElementType")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@frozen_by_name
class LookupRequestResponse(Response):
    """Answer to LookupRequest."""

    choices = (one_of("item_id", "request_id item_id?"),)

    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = maybe("UserId")
    request_type: Code | None = maybe("RequestType")
    request_scope_type: Code | None = maybe("RequestScopeType")
    request_status_type: Code | None = maybe("RequestStatusType")
    hold_queue_position: int | None = maybe("HoldQueuePosition", minimum=1)
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    earliest_date_needed: When | None = maybe("EarliestDateNeeded")
    need_before_date: When | None = maybe("NeedBeforeDate")
    pickup_date: When | None = maybe("PickupDate")
    pickup_location: Code | None = maybe("PickupLocation")
    pickup_expiry_date: When | None = maybe("PickupExpiryDate")
    date_of_user_request: When | None = maybe("DateOfUserRequest")
    date_available: When | None = maybe("DateAvailable")
    acknowledged_fee_amount: Amount | None = maybe("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = maybe("PaidFeeAmount")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")
