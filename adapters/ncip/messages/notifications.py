"""Notifications: something has happened at the sender; each is answered by a header and perhaps problems."""

from __future__ import annotations

from adapters.ncip.messages.declaration import (
    Code,
    When,
    flag_element,
    optional_element,
    required_choice,
    required_element,
)
from adapters.ncip.messages.envelope import (
    ItemId,
    Notification,
    RequestId,
    Response,
    ShippingInformation,
    UserId,
)
from adapters.ncip.messages.items import (
    BibliographicId,
    FiscalTransactionInformation,
    ItemOptionalFields,
    RoutingInformation,
)
from adapters.ncip.messages.users import RequestFields, UserOptionalFields
from gateway.domain.value import value_object


@value_object(kw_only=True)
class ItemRequested(Notification):
    """An item was requested."""

    choices = (required_choice("item_id", "bibliographic_id request_id"),)

    user_id: UserId | None = required_element("UserId")
    item_id: ItemId | None = optional_element("ItemId")
    bibliographic_id: BibliographicId | None = optional_element("BibliographicId")
    request_id: RequestId | None = optional_element("RequestId")
    request_type: Code | None = required_element("RequestType")
    request_scope_type: Code | None = required_element("RequestScopeType")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    earliest_date_needed: When | None = optional_element("EarliestDateNeeded")
    need_before_date: When | None = optional_element("NeedBeforeDate")
    pickup_location: Code | None = optional_element("PickupLocation")
    pickup_expiry_date: When | None = optional_element("PickupExpiryDate")
    date_of_user_request: When | None = optional_element("DateOfUserRequest")
    date_available: When | None = optional_element("DateAvailable")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemRequestedResponse(Response):
    """Answer to ItemRequested."""


@value_object(kw_only=True)
class ItemRequestUpdated(Notification):
    """A request was changed."""

    choices = (required_choice("user_id item_id request_type", "request_id"),)

    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = optional_element("ItemId")
    request_type: Code | None = optional_element("RequestType")
    request_id: RequestId | None = optional_element("RequestId")
    delete_request_fields: RequestFields | None = optional_element("DeleteRequestFields")
    add_request_fields: RequestFields | None = optional_element("AddRequestFields")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemRequestCancelled(Notification):
    """A request was cancelled."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    user_id: UserId | None = required_element("UserId")
    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    request_type: Code | None = required_element("RequestType")
    request_scope_type: Code | None = optional_element("RequestScopeType")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemShipped(Notification):
    """An item was sent."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    user_id: UserId | None = optional_element("UserId")
    date_shipped: When | None = required_element("DateShipped")
    shipping_information: ShippingInformation | None = required_element("ShippingInformation")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemReceived(Notification):
    """A sent item has come."""

    item_id: ItemId | None = required_element("ItemId")
    user_id: UserId | None = optional_element("UserId")
    request_id: RequestId | None = optional_element("RequestId")
    date_received: When | None = required_element("DateReceived")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemCheckedOut(Notification):
    """An item was lent."""

    choices = (required_choice("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    user_id: UserId | None = required_element("UserId")
    item_id: ItemId | None = required_element("ItemId")
    request_id: RequestId | None = optional_element("RequestId")
    date_due: When | None = optional_element("DateDue")
    indeterminate_loan_period_flag: bool = flag_element("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag_element("NonReturnableFlag")
    electronic_resource_provided_flag: bool = flag_element("ElectronicResourceProvidedFlag")
    renewal_count: int | None = optional_element("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemCheckedIn(Notification):
    """An item was returned."""

    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = required_element("ItemId")
    routing_information: RoutingInformation | None = optional_element("RoutingInformation")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemRenewed(Notification):
    """A loan was renewed."""

    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = required_element("ItemId")
    date_due: When | None = required_element("DateDue")
    renewal_count: int | None = optional_element("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemRecalled(Notification):
    """An item was recalled."""

    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = required_element("ItemId")
    date_due: When | None = required_element("DateDue")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class CirculationStatusUpdated(Notification):
    """The status of an item has changed."""

    item_id: ItemId | None = required_element("ItemId")
    circulation_status: Code | None = required_element("CirculationStatus")
