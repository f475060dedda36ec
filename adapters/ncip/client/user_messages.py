"""Messages about users and agencies, and notifications."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.ncip.client.item_messages import (
    request_fields,
    request_scope,
    request_type,
    type_unless_numbered,
    without_records,
)
from adapters.ncip.client.speaker import CannotSay, Speaker, Values, bibliographic_id, code, codes
from adapters.ncip.messages import (
    Amount,
    CirculationStatusUpdated,
    Code,
    CreateUser,
    CreateUserFiscalTransaction,
    ElectronicAddress,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
    ItemCheckedIn,
    ItemCheckedOut,
    ItemDescription,
    ItemDetails,
    ItemOptionalFields,
    ItemRecalled,
    ItemReceived,
    ItemRenewed,
    ItemRequestCancelled,
    ItemRequested,
    ItemRequestUpdated,
    ItemShipped,
    LookupAgency,
    LookupUser,
    LookupVersion,
    NameInformation,
    OrganizationNameInformation,
    PersonalNameInformation,
    PhysicalAddress,
    ShippingInformation,
    StructuredAddress,
    StructuredPersonalUserName,
    UnstructuredAddress,
    UpdateUser,
    UserAddressInformation,
    UserFields,
    VisibleItemId,
)
from adapters.ncip.messages.items import BibliographicDescription

AGENCY_ELEMENTS = ("Organization Name Information", "Agency Address Information")

ADDRESS_TYPE = "Newline-Delimited Text"


def lookup_user(v: Values, s: Speaker) -> LookupUser:
    return LookupUser(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        user_element_types=codes(v.elements),
        loaned_items_desired=v.loans,
        requested_items_desired=v.holds,
        user_fiscal_account_desired=v.fees,
    )


def lookup_agency(v: Values, s: Speaker) -> LookupAgency:
    asked = v.agency or v.to_agency or s.parties.to_agency
    return LookupAgency(
        initiation_header=s.build_header(v),
        agency_id=code(asked, s.dialect.header.agency_scheme),
        agency_element_types=codes(v.elements or AGENCY_ELEMENTS),
    )


def lookup_version(v: Values, s: Speaker) -> LookupVersion:
    return LookupVersion(initiation_header=s.build_header(v))


def create_user(v: Values, s: Speaker) -> CreateUser:
    return CreateUser(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=() if v.patron else s.build_inputs(v),
        name_information=_name(v),
        user_address_information=_addresses(v, s),
        date_of_birth=v.birth,
        user_languages=_languages(v),
    )


def update_user(v: Values, s: Speaker) -> UpdateUser:
    return UpdateUser(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        add_user_fields=UserFields(
            authentication_inputs=s.build_inputs(v),
            name_information=_name(v),
            user_address_information=_addresses(v, s),
            date_of_birth=v.birth,
            user_languages=_languages(v),
        ),
    )


def _languages(v: Values) -> tuple[Code, ...]:
    return codes((v.language,) if v.language else ())


def _name(v: Values) -> NameInformation | None:
    if v.organisation:
        name = OrganizationNameInformation(name_type=code("Full Name"), name=v.organisation)
        return NameInformation(organizations=(name,))
    if not v.surname:
        return None
    structured = StructuredPersonalUserName(surname=v.surname, given_name=v.given or None)
    return NameInformation(personal=PersonalNameInformation(structured=structured))


def _addresses(v: Values, s: Speaker) -> tuple[UserAddressInformation, ...]:
    rules = s.dialect.patrons
    role = code("home")
    found = []
    if v.street or v.city:
        lines = StructuredAddress(
            line1=v.street or v.city,
            locality=v.city or None,
            country=v.country or None,
            postal_code=v.postcode or None,
        )
        postal = PhysicalAddress(structured=lines, address_type=code(rules.postal_type))
        found.append(UserAddressInformation(user_address_role_type=role, physical_address=postal))
    for kind, value in ((rules.email_type, v.email), (rules.phone_type, v.phone)):
        if value:
            electronic = ElectronicAddress(address_type=code(kind), data=value)
            found.append(UserAddressInformation(user_address_role_type=role, electronic_address=electronic))
    return tuple(found)


def create_user_fiscal_transaction(v: Values, s: Speaker) -> CreateUserFiscalTransaction:
    return CreateUserFiscalTransaction(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        fiscal_transaction_information=FiscalTransactionInformation(
            action_type=code(v.fee_action or "Assess"),
            reference_id=_reference(v, s),
            transaction_type=code(v.fee_type or "Interlibrary Loan Fee"),
            amount=Amount.from_money(v.amount) if v.amount is not None else None,
            description=v.description or None,
            request_id=s.build_request_id(v),
            item_details=_details(v, s),
        ),
    )


def _reference(v: Values, s: Speaker) -> FiscalTransactionReferenceId | None:
    if not v.reference:
        return None
    agency = code(v.from_agency or s.parties.from_agency, s.dialect.header.agency_scheme)
    return FiscalTransactionReferenceId(agency_id=agency, value=v.reference)


def _details(v: Values, s: Speaker) -> ItemDetails | None:
    if not v.item:
        return None
    description = s.build_description(v) or BibliographicDescription()
    return ItemDetails(item_id=s.build_first_item_id(v), bibliographic_description=description)


def item_requested(v: Values, s: Speaker) -> ItemRequested:
    record = v.records[0] if v.records and not v.item else None
    return ItemRequested(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        bibliographic_id=bibliographic_id(record) if record is not None else None,
        request_id=s.build_request_id(v),
        request_type=request_type(v),
        request_scope_type=request_scope(v),
        need_before_date=v.need_by,
        pickup_location=s.build_pickup(v),
        item_optional_fields=s.build_item_fields(v if record is None else without_records(v)),
    )


def item_request_updated(v: Values, s: Speaker) -> ItemRequestUpdated:
    return ItemRequestUpdated(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_type=type_unless_numbered(v),
        request_id=s.build_request_id(v),
        add_request_fields=request_fields(v, s),
    )


def item_request_cancelled(v: Values, s: Speaker) -> ItemRequestCancelled:
    return ItemRequestCancelled(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        request_id=s.build_request_id(v),
        item_id=s.build_first_item_id(v),
        request_type=request_type(v),
    )


def item_shipped(v: Values, s: Speaker) -> ItemShipped:
    """The pickup place is part of the address, as INN-Reach has it (facts/ncip.md 2.9)."""
    return ItemShipped(
        initiation_header=s.build_header(replace(v, pickup="")),
        request_id=s.build_request_id(v),
        item_id=s.build_first_item_id(v),
        user_id=s.build_user_id(v),
        date_shipped=_when(v, s),
        shipping_information=ShippingInformation(physical_address=_ship_to(v, s)),
        item_optional_fields=_fields(v, s),
    )


def _ship_to(v: Values, s: Speaker) -> PhysicalAddress:
    """The schema wants an address; only an unstructured one is taken for a pickup place."""
    kind = code("Ship To")
    if not v.pickup:
        line = v.to_agency or s.parties.to_agency
        return PhysicalAddress(structured=StructuredAddress(line1=line), address_type=kind)
    lines = UnstructuredAddress(address_type=code(ADDRESS_TYPE), data=v.pickup)
    return PhysicalAddress(unstructured=lines, address_type=kind)


def _fields(v: Values, s: Speaker) -> ItemOptionalFields | None:
    """With the barcode that is on the piece; raises CannotSay where version 2 has no place for it."""
    fields = s.build_item_fields(v)
    if not v.barcode:
        return fields
    if not s.is_version1:
        raise CannotSay("barcode", "only version 1 has an element for it (VisibleItemId)")
    visible = VisibleItemId(identifier_type=code("Barcode"), value=v.barcode)
    description = ItemDescription(visible_item_id=visible, call_number=v.call_number or None)
    return replace(fields or ItemOptionalFields(), item_description=description)


def item_received(v: Values, s: Speaker) -> ItemReceived:
    return ItemReceived(
        initiation_header=s.build_header(v),
        item_id=s.build_first_item_id(v),
        user_id=s.build_user_id(v),
        request_id=s.build_request_id(v),
        date_received=_when(v, s),
    )


def item_checked_out(v: Values, s: Speaker) -> ItemCheckedOut:
    return ItemCheckedOut(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        date_due=v.due,
    )


def item_checked_in(v: Values, s: Speaker) -> ItemCheckedIn:
    return ItemCheckedIn(
        initiation_header=s.build_header(v), user_id=s.build_user_id(v), item_id=s.build_first_item_id(v)
    )


def item_renewed(v: Values, s: Speaker) -> ItemRenewed:
    return ItemRenewed(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        date_due=v.due,
    )


def item_recalled(v: Values, s: Speaker) -> ItemRecalled:
    return ItemRecalled(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        date_due=v.due,
    )


def circulation_status_updated(v: Values, s: Speaker) -> CirculationStatusUpdated:
    return CirculationStatusUpdated(
        initiation_header=s.build_header(v), item_id=s.build_first_item_id(v), circulation_status=code(v.status)
    )


def _when(v: Values, s: Speaker) -> datetime:
    return v.happened or s.now
