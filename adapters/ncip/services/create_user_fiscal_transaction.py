"""CreateUserFiscalTransaction: a fee on a patron's account."""

from __future__ import annotations

from adapters.ncip.messages import (
    CreateUserFiscalTransaction,
    CreateUserFiscalTransactionResponse,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
)
from adapters.ncip.services import wording
from adapters.ncip.services.reading import Reader, must_patron, named
from adapters.ncip.services.reading import word as text_of
from adapters.ncip.services.wording import Writer
from gateway.domain.commands import FeePosted, PostFee
from gateway.domain.library import Money
from gateway.domain.problems import About, Reason, Refused


def read_create_user_fiscal_transaction(message: CreateUserFiscalTransaction, reader: Reader) -> PostFee:
    # CrossLink sends the element empty (facts/ncip.md 2.5): then the profile's default type and amount apply.
    fiscal = message.fiscal_transaction_information or FiscalTransactionInformation()
    return PostFee(
        patron=must_patron(message.user_id, message.authentication_inputs),
        amount=_money(fiscal, reader),
        action=text_of(fiscal.action_type),
        type=text_of(fiscal.transaction_type),
        reference=fiscal.reference_id.value if fiscal.reference_id is not None else "",
        description=fiscal.description or "",
        item=named(fiscal.item_details.item_id) if fiscal.item_details is not None else None,
        request=named(fiscal.request_id),
    )


def _money(fiscal: FiscalTransactionInformation, reader: Reader) -> Money | None:
    if fiscal.amount is None or fiscal.amount.minor_units is None:
        return None
    try:
        return fiscal.amount.money or None
    except ValueError as error:
        raise Refused(
            Reason.INVALID_AMOUNT,
            "Amount is not in a currency of ISO 4217.",
            about=About.AMOUNT,
            value=text_of(fiscal.amount.currency),
        ) from error


def write_create_user_fiscal_transaction_response(
    posted: FeePosted, message: CreateUserFiscalTransaction, writer: Writer
) -> CreateUserFiscalTransactionResponse:
    fiscal = message.fiscal_transaction_information
    sent = fiscal.reference_id if fiscal is not None else None
    reference = sent if sent is not None and sent.value else None
    return CreateUserFiscalTransactionResponse(
        user_id=wording.user_id(posted.patron, message.user_id, writer),
        fiscal_transaction_reference_id=reference
        or FiscalTransactionReferenceId(agency_id=writer.agency_code(), value=posted.charge.id),
    )
