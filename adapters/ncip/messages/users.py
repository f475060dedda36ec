"""Users, privileges, their loans and requests."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    When,
    flag_element,
    optional_element,
    repeated_element,
    required_choice,
    required_element,
)
from adapters.ncip.messages.envelope import (
    AuthenticationInput,
    ItemId,
    NameInformation,
    PreviousUserId,
    RequestId,
    ShippingInformation,
    UserAddressInformation,
    UserId,
)
from adapters.ncip.messages.items import Amount, BibliographicId
from adapters.ncip.wire_values import Version
from gateway.domain.value import value_object


@value_object(kw_only=True)
class UserPrivilegeFee(Structure):
    """The price of a privilege."""

    amount: Amount | None = required_element("Amount")
    payment_method_type: Code | None = optional_element("PaymentMethodType")


@value_object(kw_only=True)
class UserPrivilegeStatus(Structure):
    """The value of a privilege, and since when."""

    status_type: Code | None = required_element("UserPrivilegeStatusType")
    date_of_status: When | None = optional_element("DateOfUserPrivilegeStatus")


@value_object(kw_only=True)
class UserPrivilege(Structure):
    """A kind of user or a right: one each for `STATUS`, `PROFILE`, `LIBRARY` by ILL convention (facts/ncip.md 3.4)."""

    agency_id: Code | None = required_element("AgencyId")
    agency_user_privilege_type: Code | None = required_element("AgencyUserPrivilegeType")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")
    fee: UserPrivilegeFee | None = optional_element("UserPrivilegeFee")
    status: UserPrivilegeStatus | None = optional_element("UserPrivilegeStatus")
    description: str | None = optional_element("UserPrivilegeDescription")


@value_object(kw_only=True)
class BlockOrTrap(Structure):
    """Something that a user may not do, or that staff must be told."""

    agency_id: Code | None = required_element("AgencyId")
    block_or_trap_type: Code | None = required_element("BlockOrTrapType")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")


@value_object(kw_only=True)
class UserOptionalFields(Structure):
    """The facts about a user beside the id."""

    name_information: NameInformation | None = optional_element("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = repeated_element("UserAddressInformation")
    date_of_birth: date | None = optional_element("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = repeated_element("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = repeated_element("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = repeated_element("BlockOrTrap")
    user_ids: tuple[UserId, ...] = repeated_element("UserId")
    previous_user_ids: tuple[PreviousUserId, ...] = repeated_element("PreviousUserId")


@value_object(kw_only=True)
class UserFields(Structure):
    """The fields to be added to a user, or taken away."""

    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    name_information: NameInformation | None = optional_element("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = repeated_element("UserAddressInformation")
    date_of_birth: date | None = optional_element("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = repeated_element("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = repeated_element("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = repeated_element("BlockOrTrap")


@value_object(kw_only=True)
class LoanedItem(Structure):
    """An item that a user has."""

    choices = (required_choice("date_due", "indeterminate_loan_period_flag"),)

    item_id: ItemId | None = required_element("ItemId")
    bibliographic_ids: tuple[BibliographicId, ...] = repeated_element("BibliographicId", since=Version.V2_02)
    reminder_level: int | None = optional_element("ReminderLevel", minimum=0)
    date_due: When | None = optional_element("DateDue")
    indeterminate_loan_period_flag: bool = flag_element("IndeterminateLoanPeriodFlag")
    amount: Amount | None = optional_element("Amount")
    title: str | None = optional_element("Title")
    medium_type: Code | None = optional_element("MediumType")


@value_object(kw_only=True)
class LoanedItemsCount(Structure):
    """The number of items that a user has, by status or restriction."""

    choices = (required_choice("circulation_status", "item_use_restriction_type"),)

    circulation_status: Code | None = optional_element("CirculationStatus")
    item_use_restriction_type: Code | None = optional_element("ItemUseRestrictionType")
    count: int | None = required_element("LoanedItemCountValue", minimum=0)


@value_object(kw_only=True)
class RequestedItem(Structure):
    """An item that a user waits for."""

    choices = (required_choice("item_id", "request_id item_id?"),)

    request_id: RequestId | None = optional_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    bibliographic_ids: tuple[BibliographicId, ...] = repeated_element("BibliographicId", since=Version.V2_02)
    request_type: Code | None = required_element("RequestType")
    request_status_type: Code | None = required_element("RequestStatusType")
    date_placed: When | None = required_element("DatePlaced")
    pickup_date: When | None = optional_element("PickupDate")
    pickup_location: Code | None = optional_element("PickupLocation")
    pickup_expiry_date: When | None = optional_element("PickupExpiryDate")
    reminder_level: int | None = optional_element("ReminderLevel", minimum=0)
    hold_queue_position: int | None = optional_element("HoldQueuePosition", minimum=1)
    title: str | None = optional_element("Title")
    medium_type: Code | None = optional_element("MediumType")


@value_object(kw_only=True)
class RequestedItemsCount(Structure):
    """The number of items that a user waits for."""

    choices = (required_choice("request_type", "circulation_status", "item_use_restriction_type"),)

    request_type: Code | None = optional_element("RequestType")
    circulation_status: Code | None = optional_element("CirculationStatus")
    item_use_restriction_type: Code | None = optional_element("ItemUseRestrictionType")
    count: int | None = required_element("RequestedItemCountValue", minimum=0)


@value_object(kw_only=True)
class RequestFields(Structure):
    """The fields to be added to a request, or taken away."""

    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = optional_element("ItemId")
    request_type: Code | None = optional_element("RequestType")
    request_scope_type: Code | None = optional_element("RequestScopeType")
    request_status_type: Code | None = optional_element("RequestStatusType")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    earliest_date_needed: When | None = optional_element("EarliestDateNeeded")
    need_before_date: When | None = optional_element("NeedBeforeDate")
    pickup_location: Code | None = optional_element("PickupLocation")
    pickup_expiry_date: When | None = optional_element("PickupExpiryDate")
    date_of_user_request: When | None = optional_element("DateOfUserRequest")
    date_available: When | None = optional_element("DateAvailable")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")


@value_object(kw_only=True)
class Pending(Structure):
    """An answer will come later."""

    date_of_expected_reply: When | None = optional_element("DateOfExpectedReply")
