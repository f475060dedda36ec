"""Services about users and agencies.

VuFind reads the pickup places of a LookupAgency answer from Ext/LocationName (facts/ncip.md 2.8).
"""

from __future__ import annotations

from decimal import Decimal
from xml.sax.saxutils import escape

from adapters.ncip.messages import (
    AccountDetails,
    AgencyAddressInformation,
    BibliographicDescription,
    Code,
    CreateUser,
    CreateUserFiscalTransaction,
    CreateUserFiscalTransactionResponse,
    CreateUserResponse,
    DeleteUser,
    DeleteUserResponse,
    ElectronicAddress,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
    ItemDetails,
    LoanedItem,
    LoanedItemsCount,
    LookupAgency,
    LookupAgencyResponse,
    LookupUser,
    LookupUserResponse,
    PhysicalAddress,
    RawElement,
    RequestedItem,
    RequestedItemsCount,
    UnstructuredAddress,
    UpdateUser,
    UpdateUserResponse,
    UserFields,
    UserFiscalAccount,
)
from adapters.ncip.services import command_reader, patron_writer, result_writer
from adapters.ncip.services.command_reader import CommandReader, read_item_reference, require_patron, text_of_code
from adapters.ncip.services.result_writer import ResultWriter
from adapters.ncip.wire_values import NAMESPACE, Version
from gateway.domain.commands import (
    AgencyFound,
    CreatePatron,
    DeletePatron,
    FeePosted,
    LookUpAgency,
    LookUpPatron,
    PatronChanged,
    PatronFound,
    PostFee,
    UpdatePatron,
)
from gateway.domain.library import Charge, Hold, Loan, Money, PatronDraft, PickupLocation
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import replace

_ZERO = Decimal(0)


def read_lookup_user(message: LookupUser, _reader: CommandReader) -> LookUpPatron:
    return LookUpPatron(
        require_patron(message.user_id, message.authentication_inputs),
        loans=message.loaned_items_desired,
        holds=message.requested_items_desired,
        charges=message.user_fiscal_account_desired,
    )


def write_lookup_user_response(result: PatronFound, message: LookupUser, writer: ResultWriter) -> LookupUserResponse:
    user_elements = patron_writer.select_user_elements(message.user_element_types, writer)
    return LookupUserResponse(
        user_id=result_writer.write_user_id(result.patron, message.user_id, writer),
        user_fiscal_accounts=_write_fiscal_account(result, writer) if message.user_fiscal_account_desired else (),
        loaned_items_counts=_write_loan_count(result) if message.loaned_items_desired else (),
        loaned_items=tuple(_write_loaned_item(loan, writer) for loan in result.loans),
        requested_items_counts=_write_hold_count(result) if message.requested_items_desired else (),
        requested_items=tuple(_write_requested_item(hold, writer) for hold in result.holds),
        user_optional_fields=patron_writer.write_user_fields(result.patron, user_elements, writer),
    )


def _write_loan_count(result: PatronFound) -> tuple[LoanedItemsCount, ...]:
    return (LoanedItemsCount(circulation_status=Code("On Loan"), count=len(result.loans)),)


def _write_hold_count(result: PatronFound) -> tuple[RequestedItemsCount, ...]:
    return (RequestedItemsCount(request_type=Code("Hold"), count=len(result.holds)),)


def _write_loaned_item(loan: Loan, writer: ResultWriter) -> LoanedItem:
    # Schemas before 2.02 require ReminderLevel and Amount (facts/ncip.md 3.5).
    older = writer.version in (Version.V2_0, Version.V2_01)
    return LoanedItem(
        item_id=result_writer.write_item_id(loan.item_barcode, None, writer),
        reminder_level=1 if older else None,
        date_due=loan.due,
        indeterminate_loan_period_flag=loan.due is None,
        amount=result_writer.write_amount(Money(_ZERO, writer.exchange_context.currency)) if older else None,
        title=result_writer.write_title(loan.title, writer),
    )


def _write_requested_item(hold: Hold, writer: ResultWriter) -> RequestedItem:
    request = result_writer.write_request_id(hold.request_id or hold.id, None, writer)
    return RequestedItem(
        request_id=request,
        item_id=result_writer.write_item_id(hold.item_barcode, None, writer) if hold.item_barcode else None,
        request_type=result_writer.write_request_type(None, hold, writer),
        request_status_type=result_writer.write_request_status(hold.status, writer),
        date_placed=hold.placed,
        pickup_location=result_writer.write_pickup_location(hold.pickup, writer),
        pickup_expiry_date=hold.ready_until,
        hold_queue_position=hold.position or None,
        title=result_writer.write_title(hold.title, writer),
    )


def _write_fiscal_account(result: PatronFound, writer: ResultWriter) -> tuple[UserFiscalAccount, ...]:
    balance = result.patron.balance or Money(_ZERO, writer.exchange_context.currency)
    details = tuple(_write_account_details(charge, writer) for charge in result.charges)
    return (UserFiscalAccount(account_balance=result_writer.write_amount(balance), account_details=details),)


def _write_account_details(charge: Charge, writer: ResultWriter) -> AccountDetails:
    return AccountDetails(
        accrual_date=charge.posted,
        fiscal_transaction_information=FiscalTransactionInformation(
            action_type=Code("Assess"),
            reference_id=FiscalTransactionReferenceId(agency_id=writer.make_agency_code(), value=charge.id),
            transaction_type=writer.make_code("FiscalTransactionType", charge.type),
            amount=result_writer.write_amount(charge.amount),
            description=result_writer.write_title(charge.description, writer),
            request_id=result_writer.write_request_id(charge.request_id, None, writer),
            item_details=_write_charged_item(charge, writer),
        ),
    )


def _write_charged_item(charge: Charge, writer: ResultWriter) -> ItemDetails | None:
    """The schema wants a description beside the id; here it says nothing."""
    if not charge.item_barcode:
        return None
    return ItemDetails(
        item_id=result_writer.write_item_id(charge.item_barcode, None, writer),
        bibliographic_description=BibliographicDescription(),
    )


def read_create_user(message: CreateUser, reader: CommandReader) -> CreatePatron:
    draft = command_reader.build_patron_draft(
        ids=command_reader.read_patron_identifiers(message.user_id, message.authentication_inputs, reader),
        name=message.name_information,
        addresses=message.user_address_information,
        born=message.date_of_birth,
        languages=message.user_languages,
        privileges=message.user_privileges,
        pin=command_reader.read_patron_secret(message.authentication_inputs, reader),
        reader=reader,
    )
    if draft.name is None:
        raise Refused(RefusalReason.DATA_MISSING, "NameInformation is missing or empty.", about=MessagePart.PATRON)
    return CreatePatron(draft, read_item_reference(message.user_id), reader.sender)


def write_create_user_response(created: PatronChanged, message: CreateUser, writer: ResultWriter) -> CreateUserResponse:
    return CreateUserResponse(user_id=result_writer.write_user_id(created.patron, message.user_id, writer))


def read_update_user(message: UpdateUser, reader: CommandReader) -> UpdatePatron:
    if message.add_user_fields is None and message.delete_user_fields is None:
        raise Refused(RefusalReason.DATA_MISSING, "Nothing to add or delete was given.", about=MessagePart.PATRON)
    return UpdatePatron(
        require_patron(message.user_id, message.authentication_inputs),
        add=_read_patron_draft(message.add_user_fields, reader),
        # A privilege that is taken away is no expiry that is.
        remove=replace(_read_patron_draft(message.delete_user_fields, reader), expires=None),
    )


def _read_patron_draft(fields: UserFields | None, reader: CommandReader) -> PatronDraft:
    if fields is None:
        return PatronDraft()
    return command_reader.build_patron_draft(
        ids=command_reader.read_patron_identifiers(None, fields.authentication_inputs, reader),
        name=fields.name_information,
        addresses=fields.user_address_information,
        born=fields.date_of_birth,
        languages=fields.user_languages,
        privileges=fields.user_privileges,
        pin=command_reader.read_patron_secret(fields.authentication_inputs, reader),
        reader=reader,
    )


def write_update_user_response(updated: PatronChanged, message: UpdateUser, writer: ResultWriter) -> UpdateUserResponse:
    return UpdateUserResponse(user_id=result_writer.write_user_id(updated.patron, message.user_id, writer))


def read_delete_user(message: DeleteUser, _reader: CommandReader) -> DeletePatron:
    return DeletePatron(require_patron(message.user_id, message.authentication_inputs))


def write_delete_user_response(deleted: PatronChanged, message: DeleteUser, writer: ResultWriter) -> DeleteUserResponse:
    return DeleteUserResponse(user_id=result_writer.write_user_id(deleted.patron, message.user_id, writer))


def read_create_user_fiscal_transaction(message: CreateUserFiscalTransaction, reader: CommandReader) -> PostFee:
    # CrossLink sends the element empty (facts/ncip.md 2.5): then the profile's default type and amount apply.
    fiscal = message.fiscal_transaction_information or FiscalTransactionInformation()
    return PostFee(
        patron=require_patron(message.user_id, message.authentication_inputs),
        amount=command_reader.read_fee_amount(fiscal, reader),
        action=text_of_code(fiscal.action_type),
        type=text_of_code(fiscal.transaction_type),
        reference=fiscal.reference_id.value if fiscal.reference_id is not None else "",
        description=fiscal.description or "",
        item=read_item_reference(fiscal.item_details.item_id) if fiscal.item_details is not None else None,
        request=read_item_reference(fiscal.request_id),
        title=_read_fee_title(fiscal),
    )


def _read_fee_title(fiscal: FiscalTransactionInformation) -> str:
    details = fiscal.item_details
    described = details.bibliographic_description if details is not None else None
    return (described.title or "") if described is not None else ""


def write_create_user_fiscal_transaction_response(
    posted: FeePosted, message: CreateUserFiscalTransaction, writer: ResultWriter
) -> CreateUserFiscalTransactionResponse:
    fiscal = message.fiscal_transaction_information
    reference_id = fiscal.reference_id if fiscal is not None else None
    reference = reference_id if reference_id is not None and reference_id.value else None
    return CreateUserFiscalTransactionResponse(
        user_id=result_writer.write_user_id(posted.patron, message.user_id, writer),
        fiscal_transaction_reference_id=reference
        or FiscalTransactionReferenceId(agency_id=writer.make_agency_code(), value=posted.charge.id),
    )


def read_lookup_agency(message: LookupAgency, _reader: CommandReader) -> LookUpAgency:
    return LookUpAgency(text_of_code(message.agency_id))


def write_lookup_agency_response(
    result: AgencyFound, message: LookupAgency, writer: ResultWriter
) -> LookupAgencyResponse:
    asked = message.agency_id
    return LookupAgencyResponse(
        agency_id=asked if asked is not None and asked.value else writer.make_agency_code(),
        organization_name_information=(patron_writer.write_organization_name(result.name or result.symbol, writer),),
        agency_address_information=_write_agency_addresses(result, writer),
        ext=()
        if writer.is_version1
        else tuple(_write_pickup_place(n, place) for n, place in enumerate(result.pickup_locations, 1)),
    )


def _write_agency_addresses(result: AgencyFound, writer: ResultWriter) -> tuple[AgencyAddressInformation, ...]:
    rules = writer.dialect.patrons
    role = Code("Official")
    addresses = []
    if result.address:
        lines = UnstructuredAddress(address_type=Code("Newline-Delimited Text"), data=result.address)
        physical = PhysicalAddress(unstructured=lines, address_type=Code(rules.postal_type))
        addresses.append(AgencyAddressInformation(agency_address_role_type=role, physical_address=physical))
    for kind, value in ((rules.email_type, result.email), (rules.phone_type, result.phone)):
        if value:
            electronic = ElectronicAddress(address_type=Code(kind), data=value)
            addresses.append(AgencyAddressInformation(agency_address_role_type=role, electronic_address=electronic))
    return tuple(addresses)


def _write_pickup_place(number: int, place: PickupLocation) -> RawElement:
    inside = (
        f"<LocationNameInstance><LocationNameLevel>{number}</LocationNameLevel>"
        f"<LocationNameValue>{escape(place.code)}</LocationNameValue></LocationNameInstance>"
    )
    return RawElement("LocationName", place.code, f'<LocationName xmlns="{NAMESPACE}">{inside}</LocationName>')
