"""Services about items and requests."""

from __future__ import annotations

from adapters.ncip.messages.declaration import Code, When, flag, many, maybe, one, one_of, some
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
    ItemFields,
    ItemOptionalFields,
    ItemTransaction,
    Location,
    PhysicalCondition,
)
from adapters.ncip.messages.users import RequestFields, UserOptionalFields
from adapters.ncip.wire_values import Version
from gateway.domain.value import keyword_value


@keyword_value
class LookupItem(Initiation):
    """Ask about an item."""

    choices = (one_of("item_id", "request_id"),)

    item_id: ItemId | None = maybe("ItemId")
    request_id: RequestId | None = maybe("RequestId")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    current_borrower_desired: bool = flag("CurrentBorrowerDesired")
    current_requesters_desired: bool = flag("CurrentRequestersDesired")


@keyword_value
class LookupItemResponse(Response):
    """Answer to LookupItem."""

    choices = (one_of("item_id", "request_id item_id?"),)

    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    hold_pickup_date: When | None = maybe("HoldPickupDate")
    date_recalled: When | None = maybe("DateRecalled")
    item_transaction: ItemTransaction | None = maybe("ItemTransaction")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")


@keyword_value
class LookupItemSet(Initiation):
    """Ask about all items of titles (2.02)."""

    choices = (one_of("bibliographic_ids", "holdings_set_ids", "item_ids"),)

    bibliographic_ids: tuple[BibliographicId, ...] = many("BibliographicId")
    holdings_set_ids: tuple[str, ...] = many("HoldingsSetId")
    item_ids: tuple[ItemId, ...] = many("ItemId")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    current_borrower_desired: bool = flag("CurrentBorrowerDesired")
    current_requesters_desired: bool = flag("CurrentRequestersDesired")
    maximum_items_count: int | None = maybe("MaximumItemsCount", minimum=1)
    next_item_token: str | None = maybe("NextItemToken")


@keyword_value
class LookupItemSetResponse(Response):
    """Answer to LookupItemSet."""

    bibs: tuple[BibInformation, ...] = some("BibInformation")
    next_item_token: str | None = maybe("NextItemToken")


@keyword_value
class CreateItem(MandatableInitiation):
    """Register an item."""

    item_id: ItemId | None = maybe("ItemId")
    request_id: RequestId | None = maybe("RequestId")
    bibliographic_description: BibliographicDescription | None = one("BibliographicDescription")
    item_use_restriction_types: tuple[Code, ...] = many("ItemUseRestrictionType")
    circulation_status: Code | None = maybe("CirculationStatus")
    item_description: ItemDescription | None = maybe("ItemDescription")
    locations: tuple[Location, ...] = many("Location")
    physical_condition: PhysicalCondition | None = maybe("PhysicalCondition")
    security_marker: Code | None = maybe("SecurityMarker")
    sensitization_flag: bool = flag("SensitizationFlag")


@keyword_value
class CreateItemResponse(Response):
    """Answer to CreateItem."""

    item_id: ItemId | None = one("ItemId")


@keyword_value
class UpdateItem(MandatableInitiation):
    """Change an item."""

    item_id: ItemId | None = one("ItemId")
    delete_item_fields: ItemFields | None = maybe("DeleteItemFields")
    add_item_fields: ItemFields | None = maybe("AddItemFields")


@keyword_value
class UpdateItemResponse(Response):
    """Answer to UpdateItem."""

    item_id: ItemId | None = one("ItemId")


@keyword_value
class DeleteItem(MandatableInitiation):
    """Remove an item."""

    item_id: ItemId | None = one("ItemId")


@keyword_value
class DeleteItemResponse(Response):
    """Answer to DeleteItem."""

    item_id: ItemId | None = one("ItemId")


@keyword_value
class UpdateCirculationStatus(MandatableInitiation):
    """Set the status of an item."""

    item_id: ItemId | None = one("ItemId")
    circulation_status: Code | None = one("CirculationStatus")


@keyword_value
class UpdateCirculationStatusResponse(Response):
    """Answer to UpdateCirculationStatus."""

    item_id: ItemId | None = one("ItemId")


@keyword_value
class ReportCirculationStatusChange(MandatableInitiation):
    """Say that an item is lost, missing, returned or was never borrowed."""

    choices = (
        one_of("user_id", "authentication_inputs"),
        one_of("item_reported_returned", "item_reported_never_borrowed", "item_reported_lost", "item_reported_missing"),
    )

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    item_reported_returned: When | None = maybe("ItemReportedReturned", inside="DateReportedReturned")
    item_reported_never_borrowed: bool = flag("ItemReportedNeverBorrowed")
    item_reported_lost: bool = flag("ItemReportedLost")
    item_reported_missing: bool = flag("ItemReportedMissing")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@keyword_value
class ReportCirculationStatusChangeResponse(Response):
    """Answer to ReportCirculationStatusChange."""

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
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


@keyword_value
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


@keyword_value
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


@keyword_value
class CancelRequestItemResponse(Response):
    """Answer to CancelRequestItem."""

    choices = (one_of("item_id", "request_id item_id?"),)

    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = one("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
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


@keyword_value
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


@keyword_value
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


@keyword_value
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
