"""Services of circulation: accept, lend, return, renew, recall."""

from __future__ import annotations

from adapters.ncip.messages.declaration import Code, When, extra, flag, many, maybe, maybe_one_of, one, one_of
from adapters.ncip.messages.envelope import (
    AuthenticationInput,
    ItemId,
    MandatableInitiation,
    RequestId,
    Response,
    ShippingInformation,
    UserId,
)
from adapters.ncip.messages.items import (
    Amount,
    ElectronicResource,
    FiscalTransactionInformation,
    ItemOptionalFields,
    RoutingInformation,
)
from adapters.ncip.messages.users import Pending, UserOptionalFields
from gateway.domain.value import keyword_value


@keyword_value
class AcceptItem(MandatableInitiation):
    """An item from elsewhere has come: take it into local circulation for a user."""

    choices = (maybe_one_of("date_for_return", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    request_id: RequestId | None = one("RequestId")
    requested_action_type: Code | None = one("RequestedActionType")
    user_id: UserId | None = maybe("UserId")
    item_id: ItemId | None = maybe("ItemId")
    date_for_return: When | None = maybe("DateForReturn")
    indeterminate_loan_period_flag: bool = flag("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag("NonReturnableFlag")
    renewal_not_permitted: bool = flag("RenewalNotPermitted")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")
    pickup_location: Code | None = maybe("PickupLocation")
    pickup_expiry_date: When | None = maybe("PickupExpiryDate")


@keyword_value
class AcceptItemResponse(Response):
    """Answer to AcceptItem.

    BIB adds the user.
    """

    request_id: RequestId | None = one("RequestId")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = extra("UserId")


@keyword_value
class CheckOutItem(MandatableInitiation):
    """Lend an item to a user.

    INN-Reach gives the due date as `date_due`, not as `desired_date_due` (INC).
    """

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    item_id: ItemId | None = one("ItemId")
    request_id: RequestId | None = maybe("RequestId")
    acknowledged_fee_amount: Amount | None = maybe("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = maybe("PaidFeeAmount")
    acknowledged_item_use_restriction_types: tuple[Code, ...] = many("AcknowledgedItemUseRestrictionType")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    resource_desired: bool = flag("ResourceDesired")
    desired_date_due: When | None = maybe("DesiredDateDue")
    date_due: When | None = extra("DateDue")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@keyword_value
class CheckOutItemResponse(Response):
    """Answer to CheckOutItem."""

    choices = (one_of("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    required_fee_amount: Amount | None = maybe("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = many("RequiredItemUseRestrictionType", beside_problems=True)
    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = one("UserId")
    date_due: When | None = maybe("DateDue")
    indeterminate_loan_period_flag: bool = flag("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag("NonReturnableFlag")
    renewal_count: int | None = maybe("RenewalCount", minimum=0)
    electronic_resource: ElectronicResource | None = maybe("ElectronicResource")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class CheckInItem(MandatableInitiation):
    """An item has come back.

    ILLiad addons for Alma add user and request (VCU, ULS, MTX).
    """

    user_id: UserId | None = extra("UserId")
    item_id: ItemId | None = one("ItemId")
    request_id: RequestId | None = extra("RequestId")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@keyword_value
class CheckInItemResponse(Response):
    """Answer to CheckInItem."""

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    routing_information: RoutingInformation | None = maybe("RoutingInformation")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class UndoCheckOutItem(MandatableInitiation):
    """Take back a loan that should not have been."""

    choices = (maybe_one_of("user_id", "authentication_inputs"),)

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    request_id: RequestId | None = maybe("RequestId")


@keyword_value
class UndoCheckOutItemResponse(Response):
    """Answer to UndoCheckOutItem."""

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")


@keyword_value
class RenewItem(MandatableInitiation):
    """Renew a loan."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    item_id: ItemId | None = one("ItemId")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")
    desired_date_due: When | None = maybe("DesiredDateDue")
    desired_date_for_return: When | None = maybe("DesiredDateForReturn")
    acknowledged_fee_amount: Amount | None = maybe("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = maybe("PaidFeeAmount")
    acknowledged_item_use_restriction_types: tuple[Code, ...] = many("AcknowledgedItemUseRestrictionType")


@keyword_value
class RenewItemResponse(Response):
    """Answer to RenewItem."""

    choices = (
        one_of(
            "pending",
            "item_id user_id? date_due? date_for_return? renewal_count? "
            "fiscal_transaction_information? item_optional_fields? user_optional_fields?",
        ),
    )

    required_fee_amount: Amount | None = maybe("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = many("RequiredItemUseRestrictionType", beside_problems=True)
    pending: Pending | None = maybe("Pending")
    item_id: ItemId | None = maybe("ItemId")
    user_id: UserId | None = maybe("UserId")
    date_due: When | None = maybe("DateDue")
    date_for_return: When | None = maybe("DateForReturn")
    renewal_count: int | None = maybe("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class RecallItem(MandatableInitiation):
    """Call a loan back."""

    item_id: ItemId | None = one("ItemId")
    desired_date_due: When | None = maybe("DesiredDateDue")
    shipping_information: ShippingInformation | None = maybe("ShippingInformation")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@keyword_value
class RecallItemResponse(Response):
    """Answer to RecallItem."""

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    date_due: When | None = maybe("DateDue")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
class CancelRecallItem(MandatableInitiation):
    """Take back a recall."""

    item_id: ItemId | None = one("ItemId")
    item_element_types: tuple[Code, ...] = many("ItemElementType")
    user_element_types: tuple[Code, ...] = many("UserElementType")


@keyword_value
class CancelRecallItemResponse(Response):
    """Answer to CancelRecallItem."""

    item_id: ItemId | None = one("ItemId")
    user_id: UserId | None = maybe("UserId")
    fiscal_transaction_information: FiscalTransactionInformation | None = maybe("FiscalTransactionInformation")
    item_optional_fields: ItemOptionalFields | None = maybe("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")
