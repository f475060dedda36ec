"""Notifications: something has happened at the sender; each is answered by a header and perhaps problems."""

from __future__ import annotations

from datetime import date

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
    AgencyAddressInformation,
    ItemId,
    NameInformation,
    Notification,
    OrganizationNameInformation,
    RequestId,
    Response,
    ShippingInformation,
    UserAddressInformation,
    UserId,
)
from adapters.ncip.messages.items import (
    BibliographicDescription,
    BibliographicId,
    FiscalTransactionInformation,
    ItemDescription,
    ItemFields,
    ItemOptionalFields,
    Location,
    PhysicalCondition,
    RoutingInformation,
)
from adapters.ncip.messages.user_services import AgencyFields, AuthenticationPrompt, UserNoticeDetails
from adapters.ncip.messages.users import BlockOrTrap, RequestFields, UserFields, UserOptionalFields, UserPrivilege
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
class ItemRequestUpdatedResponse(Response):
    """Answer to ItemRequestUpdated."""


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
class ItemRequestCancelledResponse(Response):
    """Answer to ItemRequestCancelled."""


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
class ItemShippedResponse(Response):
    """Answer to ItemShipped."""


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
class ItemReceivedResponse(Response):
    """Answer to ItemReceived."""


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
class ItemCheckedOutResponse(Response):
    """Answer to ItemCheckedOut."""


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
class ItemCheckedInResponse(Response):
    """Answer to ItemCheckedIn."""


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
class ItemRenewedResponse(Response):
    """Answer to ItemRenewed."""


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
class ItemRecalledResponse(Response):
    """Answer to ItemRecalled."""


@value_object(kw_only=True)
class ItemRecallCancelled(Notification):
    """A recall was taken back."""

    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = required_element("ItemId")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class ItemRecallCancelledResponse(Response):
    """Answer to ItemRecallCancelled."""


@value_object(kw_only=True)
class ItemCreated(Notification):
    """An item was registered."""

    item_id: ItemId | None = required_element("ItemId")
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
class ItemCreatedResponse(Response):
    """Answer to ItemCreated."""


@value_object(kw_only=True)
class ItemUpdated(Notification):
    """An item was changed."""

    item_id: ItemId | None = required_element("ItemId")
    delete_item_fields: ItemFields | None = optional_element("DeleteItemFields")
    add_item_fields: ItemFields | None = optional_element("AddItemFields")


@value_object(kw_only=True)
class ItemUpdatedResponse(Response):
    """Answer to ItemUpdated."""


@value_object(kw_only=True)
class CirculationStatusUpdated(Notification):
    """The status of an item has changed."""

    item_id: ItemId | None = required_element("ItemId")
    circulation_status: Code | None = required_element("CirculationStatus")


@value_object(kw_only=True)
class CirculationStatusUpdatedResponse(Response):
    """Answer to CirculationStatusUpdated."""


@value_object(kw_only=True)
class CirculationStatusChangeReported(Notification):
    """Someone said that an item is lost, missing, returned or was never borrowed."""

    choices = (
        required_choice(
            "item_reported_returned", "item_reported_never_borrowed", "item_reported_lost", "item_reported_missing"
        ),
    )

    item_id: ItemId | None = required_element("ItemId")
    user_id: UserId | None = required_element("UserId")
    item_reported_returned: When | None = optional_element("ItemReportedReturned", inside="DateReportedReturned")
    item_reported_never_borrowed: bool = flag_element("ItemReportedNeverBorrowed")
    item_reported_lost: bool = flag_element("ItemReportedLost")
    item_reported_missing: bool = flag_element("ItemReportedMissing")
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )


@value_object(kw_only=True)
class CirculationStatusChangeReportedResponse(Response):
    """Answer to CirculationStatusChangeReported."""


@value_object(kw_only=True)
class UserCreated(Notification):
    """A user was registered."""

    user_id: UserId | None = required_element("UserId")
    name_information: NameInformation | None = required_element("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = repeated_element("UserAddressInformation")
    date_of_birth: date | None = optional_element("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = repeated_element("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = repeated_element("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = repeated_element("BlockOrTrap")


@value_object(kw_only=True)
class UserCreatedResponse(Response):
    """Answer to UserCreated."""


@value_object(kw_only=True)
class UserUpdated(Notification):
    """A user was changed."""

    user_id: UserId | None = required_element("UserId")
    delete_user_fields: UserFields | None = optional_element("DeleteUserFields")
    add_user_fields: UserFields | None = optional_element("AddUserFields")


@value_object(kw_only=True)
class UserUpdatedResponse(Response):
    """Answer to UserUpdated."""


@value_object(kw_only=True)
class UserFiscalTransactionCreated(Notification):
    """A charge or payment was put on a user's account."""

    user_id: UserId | None = required_element("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = required_element(
        "FiscalTransactionInformation"
    )


@value_object(kw_only=True)
class UserFiscalTransactionCreatedResponse(Response):
    """Answer to UserFiscalTransactionCreated."""


@value_object(kw_only=True)
class UserNoticeSent(Notification):
    """A notice was sent to a user."""

    user_id: UserId | None = required_element("UserId")
    date_sent: When | None = required_element("DateSent")
    user_notice_details: UserNoticeDetails | None = required_element("UserNoticeDetails")


@value_object(kw_only=True)
class UserNoticeSentResponse(Response):
    """Answer to UserNoticeSent."""


@value_object(kw_only=True)
class AgencyCreated(Notification):
    """An agency was registered."""

    agency_id: Code | None = required_element("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = required_elements(
        "OrganizationNameInformation"
    )
    agency_address_information: tuple[AgencyAddressInformation, ...] = repeated_element("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = repeated_element("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = repeated_element("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = repeated_element("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = repeated_element("AgencyUserPrivilegeType")


@value_object(kw_only=True)
class AgencyCreatedResponse(Response):
    """Answer to AgencyCreated."""


@value_object(kw_only=True)
class AgencyUpdated(Notification):
    """An agency was changed."""

    agency_id: Code | None = required_element("AgencyId")
    delete_agency_fields: AgencyFields | None = optional_element("DeleteAgencyFields")
    add_agency_fields: AgencyFields | None = optional_element("AddAgencyFields")


@value_object(kw_only=True)
class AgencyUpdatedResponse(Response):
    """Answer to AgencyUpdated."""
