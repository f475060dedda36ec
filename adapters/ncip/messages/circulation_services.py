"""Services of circulation: accept, lend, return, renew, recall."""

from __future__ import annotations

from typing import ClassVar

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    When,
    extra_element,
    flag_element,
    optional_choice,
    optional_element,
    repeated_element,
    required_choice,
    required_element,
    required_elements,
)
from adapters.ncip.messages.envelope import (
    AuthenticationInput,
    ItemId,
    MandatableInitiation,
    Problem,
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
from gateway.domain.value import value_object

RENEW_ALL_NAMESPACE = "http://www.oclc.org/ncip/renewall/2014"
"""Of elements of RenewAllItem and its answer; those that stand in them are NCIP's own."""


@value_object(kw_only=True)
class AcceptItem(MandatableInitiation):
    """An item from elsewhere has come: take it into local circulation for a user."""

    choices = (optional_choice("date_for_return", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    request_id: RequestId | None = required_element("RequestId")
    requested_action_type: Code | None = required_element("RequestedActionType")
    user_id: UserId | None = optional_element("UserId")
    item_id: ItemId | None = optional_element("ItemId")
    date_for_return: When | None = optional_element("DateForReturn")
    indeterminate_loan_period_flag: bool = flag_element("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag_element("NonReturnableFlag")
    renewal_not_permitted: bool = flag_element("RenewalNotPermitted")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")
    pickup_location: Code | None = optional_element("PickupLocation")
    pickup_expiry_date: When | None = optional_element("PickupExpiryDate")


@value_object(kw_only=True)
class AcceptItemResponse(Response):
    """Answer to AcceptItem.

    BIB adds the user.
    """

    request_id: RequestId | None = required_element("RequestId")
    item_id: ItemId | None = optional_element("ItemId")
    user_id: UserId | None = extra_element("UserId")


@value_object(kw_only=True)
class CheckOutItem(MandatableInitiation):
    """Lend an item to a user.

    INN-Reach gives the due date as `date_due`, not as `desired_date_due` (INC).
    """

    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    item_id: ItemId | None = required_element("ItemId")
    request_id: RequestId | None = optional_element("RequestId")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")
    acknowledged_item_use_restriction_types: tuple[Code, ...] = repeated_element("AcknowledgedItemUseRestrictionType")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    resource_desired: bool = flag_element("ResourceDesired")
    desired_date_due: When | None = optional_element("DesiredDateDue")
    date_due: When | None = extra_element("DateDue")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class CheckOutItemResponse(Response):
    """Answer to CheckOutItem."""

    choices = (required_choice("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    required_fee_amount: Amount | None = optional_element("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = repeated_element(
        "RequiredItemUseRestrictionType", beside_problems=True
    )
    item_id: ItemId | None = required_element("ItemId")
    user_id: UserId | None = required_element("UserId")
    date_due: When | None = optional_element("DateDue")
    indeterminate_loan_period_flag: bool = flag_element("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag_element("NonReturnableFlag")
    renewal_count: int | None = optional_element("RenewalCount", minimum=0)
    electronic_resource: ElectronicResource | None = optional_element("ElectronicResource")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class CheckInItem(MandatableInitiation):
    """An item has come back.

    ILLiad addons for Alma add user and request (VCU, ULS, MTX).
    """

    user_id: UserId | None = extra_element("UserId")
    item_id: ItemId | None = required_element("ItemId")
    request_id: RequestId | None = extra_element("RequestId")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class CheckInItemResponse(Response):
    """Answer to CheckInItem."""

    item_id: ItemId | None = required_element("ItemId")
    user_id: UserId | None = optional_element("UserId")
    routing_information: RoutingInformation | None = optional_element("RoutingInformation")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class RenewItem(MandatableInitiation):
    """Renew a loan."""

    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    item_id: ItemId | None = required_element("ItemId")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")
    desired_date_due: When | None = optional_element("DesiredDateDue")
    desired_date_for_return: When | None = optional_element("DesiredDateForReturn")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")
    acknowledged_item_use_restriction_types: tuple[Code, ...] = repeated_element("AcknowledgedItemUseRestrictionType")


@value_object(kw_only=True)
class RenewItemResponse(Response):
    """Answer to RenewItem."""

    choices = (
        required_choice(
            "pending",
            "item_id user_id? date_due? date_for_return? renewal_count? "
            "fiscal_transaction_information? item_optional_fields? user_optional_fields?",
        ),
    )

    required_fee_amount: Amount | None = optional_element("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = repeated_element(
        "RequiredItemUseRestrictionType", beside_problems=True
    )
    pending: Pending | None = optional_element("Pending")
    item_id: ItemId | None = optional_element("ItemId")
    user_id: UserId | None = optional_element("UserId")
    date_due: When | None = optional_element("DateDue")
    date_for_return: When | None = optional_element("DateForReturn")
    renewal_count: int | None = optional_element("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class RenewAllItem(MandatableInitiation):
    """Renew all that a user has on loan. Not in the standard: it stands in Ext (OCLC, facts/ncip.md 2.6)."""

    namespace: ClassVar[str] = RENEW_ALL_NAMESPACE
    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")
    desired_date_due: When | None = optional_element("DesiredDateDue")
    desired_date_for_return: When | None = optional_element("DesiredDateForReturn")
    acknowledged_fee_amount: Amount | None = optional_element("AcknowledgedFeeAmount")
    paid_fee_amount: Amount | None = optional_element("PaidFeeAmount")


@value_object(kw_only=True)
class RenewInformation(Structure):
    """The outcome of one loan: its new date, or why it wasn't renewed."""

    namespace: ClassVar[str] = RENEW_ALL_NAMESPACE
    has_ext = False

    item_id: ItemId | None = optional_element("ItemId", beside_problems=True)
    problems: tuple[Problem, ...] = repeated_element("Problem")
    required_fee_amount: Amount | None = optional_element("RequiredFeeAmount", beside_problems=True)
    required_item_use_restriction_types: tuple[Code, ...] = repeated_element(
        "RequiredItemUseRestrictionType", beside_problems=True
    )
    pending: Pending | None = optional_element("Pending")
    date_due: When | None = optional_element("DateDue")
    date_for_return: When | None = optional_element("DateForReturn")
    renewal_count: int | None = optional_element("RenewalCount", minimum=0)
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")


@value_object(kw_only=True)
class RenewAllItemResponse(Response):
    """Answer to RenewAllItem."""

    namespace: ClassVar[str] = RENEW_ALL_NAMESPACE

    user_id: UserId | None = optional_element("UserId")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")
    renewals: tuple[RenewInformation, ...] = required_elements("RenewInformation")


@value_object(kw_only=True)
class RecallItem(MandatableInitiation):
    """Call a loan back."""

    item_id: ItemId | None = required_element("ItemId")
    desired_date_due: When | None = optional_element("DesiredDateDue")
    shipping_information: ShippingInformation | None = optional_element("ShippingInformation")
    item_element_types: tuple[Code, ...] = repeated_element("ItemElementType")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")


@value_object(kw_only=True)
class RecallItemResponse(Response):
    """Answer to RecallItem."""

    item_id: ItemId | None = required_element("ItemId")
    user_id: UserId | None = optional_element("UserId")
    date_due: When | None = optional_element("DateDue")
    fiscal_transaction_information: FiscalTransactionInformation | None = optional_element(
        "FiscalTransactionInformation"
    )
    item_optional_fields: ItemOptionalFields | None = optional_element("ItemOptionalFields")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")
