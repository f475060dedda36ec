"""Money: amounts, charges, accounts."""

from __future__ import annotations

from adapters.ncip.messages.base import Code, Structure, When, flag, many, maybe, maybe_one_of, one, text
from adapters.ncip.messages.bibliographic import BibliographicDescription
from adapters.ncip.messages.identifiers import ItemId, RequestId
from adapters.ncip.money import from_minor_units, to_minor_units
from gateway.domain.frozen import frozen_by_name
from gateway.domain.library import Money


@frozen_by_name
class Amount(Structure):
    """Money in minor units of its currency: 150 EUR is one euro fifty (facts/ncip.md 3.1)."""

    currency: Code | None = one("CurrencyCode")
    minor_units: int | None = one("MonetaryValue")

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Raises ValueError when the amount has a finer fraction than its currency."""
        return cls(currency=Code(money.currency), minor_units=to_minor_units(money))

    @property
    def money(self) -> Money | None:
        """None when amount or currency is missing; raises ValueError for what is no ISO 4217 code."""
        if self.currency is None or self.minor_units is None:
            return None
        return from_minor_units(self.minor_units, self.currency.value)


@frozen_by_name
class FiscalTransactionReferenceId(Structure):
    """The number of a charge or payment."""

    agency_id: Code | None = one("AgencyId")
    value: str = text("FiscalTransactionIdentifierValue")


@frozen_by_name
class ItemDetails(Structure):
    """The item that a charge or notice is about."""

    choices = (maybe_one_of("date_due", "indeterminate_loan_period_flag", "non_returnable_flag"),)

    item_id: ItemId | None = one("ItemId")
    bibliographic_description: BibliographicDescription | None = one("BibliographicDescription")
    date_checked_out: When | None = maybe("DateCheckedOut")
    date_reneweds: tuple[When, ...] = many("DateRenewed")
    date_due: When | None = maybe("DateDue")
    indeterminate_loan_period_flag: bool = flag("IndeterminateLoanPeriodFlag")
    non_returnable_flag: bool = flag("NonReturnableFlag")
    date_returned: When | None = maybe("DateReturned")


@frozen_by_name
class FiscalTransactionInformation(Structure):
    """A charge or payment."""

    action_type: Code | None = one("FiscalActionType")
    reference_id: FiscalTransactionReferenceId | None = maybe("FiscalTransactionReferenceId")
    related_reference_ids: tuple[FiscalTransactionReferenceId, ...] = many("RelatedFiscalTransactionReferenceId")
    transaction_type: Code | None = one("FiscalTransactionType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    amount: Amount | None = one("Amount")
    payment_method_type: Code | None = maybe("PaymentMethodType")
    description: str | None = maybe("FiscalTransactionDescription")
    request_id: RequestId | None = maybe("RequestId")
    item_details: ItemDetails | None = maybe("ItemDetails")


@frozen_by_name
class AccountDetails(Structure):
    """One entry of a fiscal account."""

    accrual_date: When | None = one("AccrualDate")
    fiscal_transaction_information: FiscalTransactionInformation | None = one("FiscalTransactionInformation")


@frozen_by_name
class UserFiscalAccount(Structure):
    """What a user owes, in one currency."""

    account_balance: Amount | None = one("AccountBalance")
    account_details: tuple[AccountDetails, ...] = many("AccountDetails")
