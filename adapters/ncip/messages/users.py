"""Users, privileges, their loans and requests."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.declaration import Code, Structure, When, flag, many, maybe, one, one_of
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
from gateway.domain.value import keyword_value


@keyword_value
class UserPrivilegeFee(Structure):
    """What a privilege costs."""

    amount: Amount | None = one("Amount")
    payment_method_type: Code | None = maybe("PaymentMethodType")


@keyword_value
class UserPrivilegeStatus(Structure):
    """The value of a privilege, and since when."""

    status_type: Code | None = one("UserPrivilegeStatusType")
    date_of_status: When | None = maybe("DateOfUserPrivilegeStatus")


@keyword_value
class UserPrivilege(Structure):
    """A kind of user or a right: one each for `STATUS`, `PROFILE`, `LIBRARY` by ILL convention (facts/ncip.md 3.4)."""

    agency_id: Code | None = one("AgencyId")
    agency_user_privilege_type: Code | None = one("AgencyUserPrivilegeType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    fee: UserPrivilegeFee | None = maybe("UserPrivilegeFee")
    status: UserPrivilegeStatus | None = maybe("UserPrivilegeStatus")
    description: str | None = maybe("UserPrivilegeDescription")


@keyword_value
class BlockOrTrap(Structure):
    """Something that a user may not do, or that staff must be told."""

    agency_id: Code | None = one("AgencyId")
    block_or_trap_type: Code | None = one("BlockOrTrapType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")


@keyword_value
class UserOptionalFields(Structure):
    """What may be said about a user beside the id."""

    name_information: NameInformation | None = maybe("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = many("UserAddressInformation")
    date_of_birth: date | None = maybe("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = many("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = many("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = many("BlockOrTrap")
    user_ids: tuple[UserId, ...] = many("UserId")
    previous_user_ids: tuple[PreviousUserId, ...] = many("PreviousUserId")


@keyword_value
class UserFields(Structure):
    """What is to be added to a user, or taken away."""

    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    name_information: NameInformation | None = maybe("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = many("UserAddressInformation")
    date_of_birth: date | None = maybe("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = many("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = many("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = many("BlockOrTrap")


@keyword_value
class LoanedItem(Structure):
    """An item that a user has."""

    choices = (one_of("date_due", "indeterminate_loan_period_flag"),)

    item_id: ItemId | None = one("ItemId")
    bibliographic_ids: tuple[BibliographicId, ...] = many("BibliographicId", since=Version.V2_02)
    reminder_level: int | None = maybe("ReminderLevel", minimum=0)
    date_due: When | None = maybe("DateDue")
    indeterminate_loan_period_flag: bool = flag("IndeterminateLoanPeriodFlag")
    amount: Amount | None = maybe("Amount")
    title: str | None = maybe("Title")
    medium_type: Code | None = maybe("MediumType")


@keyword_value
class LoanedItemsCount(Structure):
    """How many items a user has, by status or restriction."""

    choices = (one_of("circulation_status", "item_use_restriction_type"),)

    circulation_status: Code | None = maybe("CirculationStatus")
    item_use_restriction_type: Code | None = maybe("ItemUseRestrictionType")
    count: int | None = one("LoanedItemCountValue", minimum=0)


@keyword_value
class RequestedItem(Structure):
    """An item that a user waits for."""

    choices = (one_of("item_id", "request_id item_id?"),)

    request_id: RequestId | None = maybe("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    bibliographic_ids: tuple[BibliographicId, ...] = many("BibliographicId", since=Version.V2_02)
    request_type: Code | None = one("RequestType")
    request_status_type: Code | None = one("RequestStatusType")
    date_placed: When | None = one("DatePlaced")
    pickup_date: When | None = maybe("PickupDate")
    pickup_location: Code | None = maybe("PickupLocation")
    pickup_expiry_date: When | None = maybe("PickupExpiryDate")
    reminder_level: int | None = maybe("ReminderLevel", minimum=0)
    hold_queue_position: int | None = maybe("HoldQueuePosition", minimum=1)
    title: str | None = maybe("Title")
    medium_type: Code | None = maybe("MediumType")


@keyword_value
class RequestedItemsCount(Structure):
    """How many items a user waits for."""

    choices = (one_of("request_type", "circulation_status", "item_use_restriction_type"),)

    request_type: Code | None = maybe("RequestType")
    circulation_status: Code | None = maybe("CirculationStatus")
    item_use_restriction_type: Code | None = maybe("ItemUseRestrictionType")
    count: int | None = one("RequestedItemCountValue", minimum=0)


@keyword_value
class RequestFields(Structure):
    """What is to be added to a request, or taken away."""

    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = maybe("ItemId")
    request_type: Code | None = maybe("RequestType")
    request_scope_type: Code | None = maybe("RequestScopeType")
    request_status_type: Code | None = maybe("RequestStatusType")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    earliest_date_needed: When | None = maybe("EarliestDateNeeded")
    need_before_date: When | None = maybe("NeedBeforeDate")
    pickup_location: Code | None = maybe("PickupLocation")
    pickup_expiry_date: When | None = maybe("PickupExpiryDate")
    date_of_user_request: When | None = maybe("DateOfUserRequest")
    date_available: When | None = maybe("DateAvailable")
    acknowledged_fee_amount: Amount | None = maybe("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = maybe("PaidFeeAmount")


@keyword_value
class Pending(Structure):
    """An answer will come later."""

    date_of_expected_reply: When | None = maybe("DateOfExpectedReply")
