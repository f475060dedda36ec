"""Notifications: something has happened at the sender; each is answered by a header and perhaps problems."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.declaration import Code, When, flag, many, maybe, one, one_of, some
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
from gateway.domain.value import keyword_value


@keyword_value
class ItemRequested(Notification):
    """An item was requested."""

    choices = (one_of("item_id", "bibliographic_id request_id"),)

    user_id: UserId | None = one("UserId")
    item_id: ItemId | None = maybe("ItemId")
    bibliographic_id: BibliographicId | None = maybe("BibliographicId")
    request_id: RequestId | None = maybe("RequestId")
    request_type: Code | None = one("RequestType")
    request_scope_type: Code | None = one("RequestScopeType")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    earliest_date_needed: When | None = maybe("EarliestDateNeeded")
    need_before_date: When | None = maybe("NeedBeforeDate")
    pickup_location: Code | None = maybe("PickupLocation")
    pickup_expiry_date: When | None = maybe("PickupExpiryDate")
    date_of_user_request: When | None = maybe("DateOfUserRequest")
    date_available: When | None = maybe("DateAvailable")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemRequestedResponse(Response):
    """Answer to ItemRequested."""


@keyword_value
class ItemRequestUpdated(Notification):
    """A request was changed."""

    choices = (one_of("user_id item_id request_type", "request_id"),)

    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = maybe("ItemId")
    request_type: Code | None = maybe("RequestType")
    request_id: RequestId | None = maybe("RequestId")
    delete_request_fields: RequestFields | None = maybe("DeleteRequestFields")
    add_request_fields: RequestFields | None = maybe("AddRequestFields")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemRequestUpdatedResponse(Response):
    """Answer to ItemRequestUpdated."""


@keyword_value
class ItemRequestCancelled(Notification):
    """A request was cancelled."""

    choices = (one_of("item_id", "request_id item_id?"),)

    user_id: UserId | None = one("UserId")
    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    request_type: Code | None = one("RequestType")
    request_scope_type: Code | None = maybe("RequestScopeType")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemRequestCancelledResponse(Response):
    """Answer to ItemRequestCancelled."""


@keyword_value
class ItemShipped(Notification):
    """An item was sent."""

    choices = (one_of("item_id", "request_id item_id?"),)

    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = maybe("UserId")
    date_shipped: When | None = one("DateShipped")
    shipping_information: ShippingInformation | None = one("ShippingInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemShippedResponse(Response):
    """Answer to ItemShipped."""


@keyword_value
class ItemReceived(Notification):
    """A sent item has come."""

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    request_id: RequestId | None = maybe("RequestId")
    date_received: When | None = one("DateReceived")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemReceivedResponse(Response):
    """Answer to ItemReceived."""


@keyword_value
class ItemCheckedOut(Notification):
    """An item was lent."""

    choices = (one_of("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    user_id: UserId | None = one("UserId")
    item_id: ItemId | None = one("ItemId")
    request_id: RequestId | None = maybe("RequestId")
    date_due: When | None = maybe("DateDue")
    indeterminate_loan_period_flag: bool = flag("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag("NonReturnableFlag")
    electronic_resource_provided_flag: bool = flag("ElectronicResourceProvidedFlag")
    renewal_count: int | None = maybe("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemCheckedOutResponse(Response):
    """Answer to ItemCheckedOut."""


@keyword_value
class ItemCheckedIn(Notification):
    """An item was returned."""

    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = one("ItemId")
    routing_information: RoutingInformation | None = maybe("RoutingInformation")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemCheckedInResponse(Response):
    """Answer to ItemCheckedIn."""


@keyword_value
class ItemRenewed(Notification):
    """A loan was renewed."""

    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = one("ItemId")
    date_due: When | None = one("DateDue")
    renewal_count: int | None = maybe("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemRenewedResponse(Response):
    """Answer to ItemRenewed."""


@keyword_value
class ItemRecalled(Notification):
    """An item was recalled."""

    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = one("ItemId")
    date_due: When | None = one("DateDue")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemRecalledResponse(Response):
    """Answer to ItemRecalled."""


@keyword_value
class ItemRecallCancelled(Notification):
    """A recall was taken back."""

    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = one("ItemId")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class ItemRecallCancelledResponse(Response):
    """Answer to ItemRecallCancelled."""


@keyword_value
class ItemCreated(Notification):
    """An item was registered."""

    item_id: ItemId | None = one("ItemId")
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
class ItemCreatedResponse(Response):
    """Answer to ItemCreated."""


@keyword_value
class ItemUpdated(Notification):
    """An item was changed."""

    item_id: ItemId | None = one("ItemId")
    delete_item_fields: ItemFields | None = maybe("DeleteItemFields")
    add_item_fields: ItemFields | None = maybe("AddItemFields")


@keyword_value
class ItemUpdatedResponse(Response):
    """Answer to ItemUpdated."""


@keyword_value
class CirculationStatusUpdated(Notification):
    """The status of an item has changed."""

    item_id: ItemId | None = one("ItemId")
    circulation_status: Code | None = one("CirculationStatus")


@keyword_value
class CirculationStatusUpdatedResponse(Response):
    """Answer to CirculationStatusUpdated."""


@keyword_value
class CirculationStatusChangeReported(Notification):
    """Someone said that an item is lost, missing, returned or was never borrowed."""

    choices = (
        one_of("item_reported_returned", "item_reported_never_borrowed", "item_reported_lost", "item_reported_missing"),
    )

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = one("UserId")
    item_reported_returned: When | None = maybe("ItemReportedReturned", inside="DateReportedReturned")
    item_reported_never_borrowed: bool = flag("ItemReportedNeverBorrowed")
    item_reported_lost: bool = flag("ItemReportedLost")
    item_reported_missing: bool = flag("ItemReportedMissing")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")


@keyword_value
class CirculationStatusChangeReportedResponse(Response):
    """Answer to CirculationStatusChangeReported."""


@keyword_value
class UserCreated(Notification):
    """A user was registered."""

    user_id: UserId | None = one("UserId")
    name_information: NameInformation | None = one("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = many("UserAddressInformation")
    date_of_birth: date | None = maybe("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = many("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = many("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = many("BlockOrTrap")


@keyword_value
class UserCreatedResponse(Response):
    """Answer to UserCreated."""


@keyword_value
class UserUpdated(Notification):
    """A user was changed."""

    user_id: UserId | None = one("UserId")
    delete_user_fields: UserFields | None = maybe("DeleteUserFields")
    add_user_fields: UserFields | None = maybe("AddUserFields")


@keyword_value
class UserUpdatedResponse(Response):
    """Answer to UserUpdated."""


@keyword_value
class UserFiscalTransactionCreated(Notification):
    """A charge or payment was put on a user's account."""

    user_id: UserId | None = one("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = one("FiscalTransactionInformation")


@keyword_value
class UserFiscalTransactionCreatedResponse(Response):
    """Answer to UserFiscalTransactionCreated."""


@keyword_value
class UserNoticeSent(Notification):
    """A notice was sent to a user."""

    user_id: UserId | None = one("UserId")
    date_sent: When | None = one("DateSent")
    user_notice_details: UserNoticeDetails | None = one("UserNoticeDetails")


@keyword_value
class UserNoticeSentResponse(Response):
    """Answer to UserNoticeSent."""


@keyword_value
class AgencyCreated(Notification):
    """An agency was registered."""

    agency_id: Code | None = one("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = some("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@keyword_value
class AgencyCreatedResponse(Response):
    """Answer to AgencyCreated."""


@keyword_value
class AgencyUpdated(Notification):
    """An agency was changed."""

    agency_id: Code | None = one("AgencyId")
    delete_agency_fields: AgencyFields | None = maybe("DeleteAgencyFields")
    add_agency_fields: AgencyFields | None = maybe("AddAgencyFields")


@keyword_value
class AgencyUpdatedResponse(Response):
    """Answer to AgencyUpdated."""
