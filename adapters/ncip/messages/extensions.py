"""A service that isn't in the standard: it stands in NCIPMessage/Ext, in a namespace of its own."""

from __future__ import annotations

from typing import ClassVar

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    When,
    optional_element,
    repeated_element,
    required_choice,
    required_elements,
)
from adapters.ncip.messages.envelope import AuthenticationInput, ItemId, MandatableInitiation, Problem, Response, UserId
from adapters.ncip.messages.items import Amount, FiscalTransactionInformation, ItemOptionalFields
from adapters.ncip.messages.users import Pending, UserOptionalFields
from gateway.domain.value import value_object

RENEW_ALL_NAMESPACE = "http://www.oclc.org/ncip/renewall/2014"


@value_object(kw_only=True)
class RenewAllItem(MandatableInitiation):
    """Renew all that a user has on loan (OCLC, facts/ncip.md 2.6)."""

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
    """What became of one loan: its new date, or why it wasn't renewed."""

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
