"""Loans and requests as they are listed for a user, and what may be changed of a request."""

from __future__ import annotations

from adapters.ncip.messages.addresses import ShippingInformation
from adapters.ncip.messages.base import Code, Structure, When, flag, many, maybe, one, one_of
from adapters.ncip.messages.bibliographic import BibliographicId
from adapters.ncip.messages.fiscal import Amount
from adapters.ncip.messages.identifiers import ItemId, RequestId, UserId
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
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


@frozen_by_name
class LoanedItemsCount(Structure):
    """How many items a user has, by status or restriction."""

    choices = (one_of("circulation_status", "item_use_restriction_type"),)

    circulation_status: Code | None = maybe("CirculationStatus")
    item_use_restriction_type: Code | None = maybe("ItemUseRestrictionType")
    count: int | None = one("LoanedItemCountValue", minimum=0)


@frozen_by_name
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


@frozen_by_name
class RequestedItemsCount(Structure):
    """How many items a user waits for."""

    choices = (one_of("request_type", "circulation_status", "item_use_restriction_type"),)

    request_type: Code | None = maybe("RequestType")
    circulation_status: Code | None = maybe("CirculationStatus")
    item_use_restriction_type: Code | None = maybe("ItemUseRestrictionType")
    count: int | None = one("RequestedItemCountValue", minimum=0)


@frozen_by_name
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


@frozen_by_name
class Pending(Structure):
    """An answer will come later."""

    date_of_expected_reply: When | None = maybe("DateOfExpectedReply")
