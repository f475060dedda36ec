"""LookupUser: who is this patron, may they borrow, what have they got?"""

from __future__ import annotations

from decimal import Decimal

from adapters.ncip.messages import (
    AccountDetails,
    Code,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
    LoanedItem,
    LoanedItemsCount,
    LookupUser,
    LookupUserResponse,
    RequestedItem,
    RequestedItemsCount,
    UserFiscalAccount,
)
from adapters.ncip.services import patron_parts, wording
from adapters.ncip.services.reading import Reader, must_patron
from adapters.ncip.services.wording import Writer
from adapters.ncip.versions import Version
from gateway.domain.commands import LookUpPatron, PatronFound
from gateway.domain.library import Charge, Hold, Loan, Money

_ZERO = Decimal(0)


def read_lookup_user(message: LookupUser, _reader: Reader) -> LookUpPatron:
    return LookUpPatron(
        must_patron(message.user_id, message.authentication_inputs),
        loans=message.loaned_items_desired,
        holds=message.requested_items_desired,
        charges=message.user_fiscal_account_desired,
    )


def write_lookup_user_response(found: PatronFound, message: LookupUser, writer: Writer) -> LookupUserResponse:
    wanted = patron_parts.user_elements(message.user_element_types, writer)
    return LookupUserResponse(
        user_id=wording.user_id(found.patron, message.user_id, writer),
        user_fiscal_accounts=_account(found, writer) if message.user_fiscal_account_desired else (),
        loaned_items_counts=_loan_count(found) if message.loaned_items_desired else (),
        loaned_items=tuple(_loan(loan, writer) for loan in found.loans),
        requested_items_counts=_hold_count(found) if message.requested_items_desired else (),
        requested_items=tuple(_hold(hold, writer) for hold in found.holds),
        user_optional_fields=patron_parts.user_fields(found.patron, wanted, writer),
    )


def _loan_count(found: PatronFound) -> tuple[LoanedItemsCount, ...]:
    return (LoanedItemsCount(circulation_status=Code("On Loan"), count=len(found.loans)),)


def _hold_count(found: PatronFound) -> tuple[RequestedItemsCount, ...]:
    return (RequestedItemsCount(request_type=Code("Hold"), count=len(found.holds)),)


def _loan(loan: Loan, writer: Writer) -> LoanedItem:
    # Schemas before 2.02 require ReminderLevel and Amount (facts/ncip.md 3.5).
    older = writer.version in (Version.V2_0, Version.V2_01)
    return LoanedItem(
        item_id=wording.item_id(loan.item_barcode, None, writer),
        reminder_level=1 if older else None,
        date_due=loan.due,
        amount=wording.amount(Money(_ZERO, writer.talk.currency)) if older else None,
        title=wording.title(loan.title, writer),
    )


def _hold(hold: Hold, writer: Writer) -> RequestedItem:
    request = wording.request_id(hold.request_id or hold.id, None, writer)
    return RequestedItem(
        request_id=request,
        item_id=wording.item_id(hold.item_barcode, None, writer) if hold.item_barcode else None,
        request_type=wording.request_type(None, hold, writer),
        request_status_type=wording.request_status(hold.status, writer),
        date_placed=hold.placed,
        pickup_location=wording.pickup_location(hold.pickup, writer),
        pickup_expiry_date=hold.ready_until,
        hold_queue_position=hold.position or None,
        title=wording.title(hold.title, writer),
    )


def _account(found: PatronFound, writer: Writer) -> tuple[UserFiscalAccount, ...]:
    balance = found.patron.balance or Money(_ZERO, writer.talk.currency)
    details = tuple(_charge(charge, writer) for charge in found.charges)
    return (UserFiscalAccount(account_balance=wording.amount(balance), account_details=details),)


def _charge(charge: Charge, writer: Writer) -> AccountDetails:
    return AccountDetails(
        accrual_date=charge.posted,
        fiscal_transaction_information=FiscalTransactionInformation(
            action_type=Code("Assess"),
            reference_id=FiscalTransactionReferenceId(agency_id=writer.agency_code(), value=charge.id),
            transaction_type=Code(charge.type),
            amount=wording.amount(charge.amount),
            description=wording.title(charge.description, writer),
        ),
    )
