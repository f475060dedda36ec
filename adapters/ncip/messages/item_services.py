"""Services about items and requests."""

from __future__ import annotations

from adapters.ncip.messages.declaration import (
    Code,
    When,
    flag_element,
    optional_element,
    repeated_element,
    required_choice,
    required_element,
    required_elements,
)
from adapters.ncip.messages.envelope import (
    AuthenticationInput,
    Initiation,
    ItemId,
    MandatableInitiation,
    RequestId,
    Response,
    ShippingInformation,
    UserId,
)
from adapters.ncip.messages.items import (
    Amount,
    BibInformation,
    BibliographicDescription,
    BibliographicId,
    FiscalTransactionInformation,
    ItemDescription,
    ItemOptionalFields,
    ItemTransaction,
    Location,
    PhysicalCondition,
)
from adapters.ncip.messages.users import RequestFields, UserOptionalFields
from adapters.ncip.wire_values import Version
from gateway.domain.value import value_object


@value_object(kw_only=True)
class LookupItem(Initiation):
    """Ask about an item."""

    choices = (required_choice("item_id", "request_id"),)

    item_id: ItemId | None = optional_element("ItemId")
    request_id: RequestId | None = optional_element("RequestId")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    current_borrower_desired: bool = flag_element("CurrentBorrowerDesired")
    current_requesters_desired: bool = flag_element("CurrentRequestersDesired")


@value_object(kw_only=True)
class LookupItemResponse(Response):
    """Answer to LookupItem."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    hold_pickup_date: When | None = optional_element("HoldPickupDate")
    date_recalled: When | None = optional_element("DateRecalled")
    item_transaction: ItemTransaction | None = optional_element("ItemTransaction")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")


@value_object(kw_only=True)
class LookupItemSet(Initiation):
    """Ask about all items of titles (2.02)."""

    choices = (required_choice("bibliographic_ids", "holdings_set_ids", "item_ids"),)

    bibliographic_ids: tuple[BibliographicId, ...] = repeated_element("BibliographicId")
    holdings_set_ids: tuple[str, ...] = repeated_element("HoldingsSetId")
    item_ids: tuple[ItemId, ...] = repeated_element("ItemId")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    current_borrower_desired: bool = flag_element("CurrentBorrowerDesired")
    current_requesters_desired: bool = flag_element("CurrentRequestersDesired")
    maximum_items_count: int | None = optional_element("MaximumItemsCount", minimum=1)
    next_item_token: str | None = optional_element("NextItemToken")


@value_object(kw_only=True)
class LookupItemSetResponse(Response):
    """Answer to LookupItemSet."""

    bibs: tuple[BibInformation, ...] = required_elements("BibInformation")
    next_item_token: str | None = optional_element("NextItemToken")


@value_object(kw_only=True)
class CreateItem(MandatableInitiation):
    """Register an item."""

    item_id: ItemId | None = optional_element("ItemId")
    request_id: RequestId | None = optional_element("RequestId")
    bibliographic_description: BibliographicDescription | None = required_element("BibliographicDescription")
    item_use_restriction_types: tuple[Code, ...] = repeated_element("ItemUseRestrictionType")
    circulation_status: Code | None = optional_element("CirculationStatus")
    item_description: ItemDescription | None = optional_element("ItemDescription")
    locations: tuple[Location, ...] = repeated_element("Location")
    physical_condition: PhysicalCondition | None = optional_element("PhysicalCondition")
    security_marker: Code | None = optional_element("SecurityMarker")
    sensitization_flag: bool = flag_element("SensitizationFlag")


@value_object(kw_only=True)
class CreateItemResponse(Response):
    """Answer to CreateItem."""

    item_id: ItemId | None = required_element("ItemId")


@value_object(kw_only=True)
class DeleteItem(MandatableInitiation):
    """Remove an item."""

    item_id: ItemId | None = required_element("ItemId")


@value_object(kw_only=True)
class DeleteItemResponse(Response):
    """Answer to DeleteItem."""

    item_id: ItemId | None = required_element("ItemId")


@value_object(kw_only=True)
class UpdateCirculationStatus(MandatableInitiation):
    """Set the status of an item."""

    item_id: ItemId | None = required_element("ItemId")
    circulation_status: Code | None = required_element("CirculationStatus")


@value_object(kw_only=True)
class UpdateCirculationStatusResponse(Response):
    """Answer to UpdateCirculationStatus."""

    item_id: ItemId | None = required_element("ItemId")


@value_object(kw_only=True)
class RequestItem(MandatableInitiation):
    """Ask for an item."""

    choices = (
        required_choice("user_id", "authentication_inputs"),
        required_choice("item_ids", "bibliographic_ids item_ids?"),
    )

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    bibliographic_ids: tuple[BibliographicId, ...] = repeated_element("BibliographicId", single_in=(Version.V2_0,))
    item_ids: tuple[ItemId, ...] = repeated_element("ItemId", single_in=(Version.V2_0,))
    request_id: RequestId | None = optional_element("RequestId")
    request_type: Code | None = required_element("RequestType")
    request_scope_type: Code | None = required_element("RequestScopeType")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    earliest_date_needed: When | None = optional_element("EarliestDateNeeded")
    need_before_date: When | None = optional_element("NeedBeforeDate")
    pickup_location: Code | None = optional_element("PickupLocation")
    pickup_expiry_date: When | None = optional_element("PickupExpiryDate")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")
    acknowledged_item_use_restriction_types: tuple[Code, ...] = repeated_element("AcknowledgedItemUseRestrictionType")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class RequestItemResponse(Response):
    """Answer to RequestItem."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    required_fee_amount: Amount | None = optional_element("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = repeated_element(
        "RequiredItemUseRestrictionType", beside_problems=True
    )
    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    user_id: UserId | None = required_element("UserId")
    request_type: Code | None = required_element("RequestType")
    request_scope_type: Code | None = required_element("RequestScopeType")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    date_available: When | None = optional_element("DateAvailable")
    hold_pickup_date: When | None = optional_element("HoldPickupDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class CancelRequestItem(MandatableInitiation):
    """Cancel a request."""

    choices = (
        required_choice("user_id", "authentication_inputs"),
        required_choice("item_id", "request_id item_id?"),
    )

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    request_type: Code | None = required_element("RequestType")
    request_scope_type: Code | None = optional_element("RequestScopeType")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class CancelRequestItemResponse(Response):
    """Answer to CancelRequestItem."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    user_id: UserId | None = required_element("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class UpdateRequestItem(MandatableInitiation):
    """Change a request."""

    choices = (required_choice("user_id/authentication_inputs item_id request_type", "request_id"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    item_id: ItemId | None = optional_element("ItemId")
    request_type: Code | None = optional_element("RequestType")
    request_id: RequestId | None = optional_element("RequestId")
    delete_request_fields: RequestFields | None = optional_element("DeleteRequestFields")
    add_request_fields: RequestFields | None = optional_element("AddRequestFields")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class UpdateRequestItemResponse(Response):
    """Answer to UpdateRequestItem."""

    required_fee_amount: Amount | None = optional_element("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = repeated_element(
        "RequiredItemUseRestrictionType", beside_problems=True, since=Version.V2_01
    )
    item_id: ItemId | None = required_element("ItemId")
    user_id: UserId | None = required_element("UserId")
    request_type: Code | None = required_element("RequestType")
    request_scope_type: Code | None = required_element("RequestScopeType")
    date_available: When | None = optional_element("DateAvailable")
    hold_pickup_date: When | None = optional_element("HoldPickupDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class LookupRequest(Initiation):
    """Ask about a request."""

    choices = (required_choice("user_id/authentication_inputs item_id request_type", "request_id"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    item_id: ItemId | None = optional_element("ItemId")
    request_type: Code | None = optional_element("RequestType")
    request_id: RequestId | None = optional_element("RequestId")
    request_element_types: tuple[Code, ...] = repeated_element("RequestElementType")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class LookupRequestResponse(Response):
    """Answer to LookupRequest."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    user_id: UserId | None = optional_element("UserId")
    request_type: Code | None = optional_element("RequestType")
    request_scope_type: Code | None = optional_element("RequestScopeType")
    request_status_type: Code | None = optional_element("RequestStatusType")
    hold_queue_position: int | None = optional_element("HoldQueuePosition", minimum=1)
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    earliest_date_needed: When | None = optional_element("EarliestDateNeeded")
    need_before_date: When | None = optional_element("NeedBeforeDate")
    pickup_date: When | None = optional_element("PickupDate")
    pickup_location: Code | None = optional_element("PickupLocation")
    pickup_expiry_date: When | None = optional_element("PickupExpiryDate")
    date_of_user_request: When | None = optional_element("DateOfUserRequest")
    date_available: When | None = optional_element("DateAvailable")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")
