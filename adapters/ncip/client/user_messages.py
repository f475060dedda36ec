"""Messages about users and agencies, and notifications."""

from __future__ import annotations

from datetime import datetime

from adapters.ncip.client.item_messages import (
    build_request_fields,
    build_request_scope,
    build_request_type,
    build_type_unless_numbered,
    drop_records,
)
from adapters.ncip.client.speaker import (
    MessageBuilder,
    MessageValues,
    UnsupportedValueError,
    build_bibliographic_id,
    make_code,
    make_codes,
)
from adapters.ncip.messages import (
    Amount,
    CirculationStatusUpdated,
    Code,
    CreateUser,
    CreateUserFiscalTransaction,
    DeleteUser,
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
from gateway.domain.value import replace

AGENCY_ELEMENTS = ("Organization Name Information", "Agency Address Information")

ADDRESS_TYPE = "Newline-Delimited Text"


def build_lookup_user(v: MessageValues, s: MessageBuilder) -> LookupUser:
    return LookupUser(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        authentication_inputs=s.build_inputs(v),
        user_element_types=make_codes(v.elements),
        loaned_items_desired=v.loans,
        requested_items_desired=v.holds,
        user_fiscal_account_desired=v.fees,
    )


def build_lookup_agency(v: MessageValues, s: MessageBuilder) -> LookupAgency:
    asked = v.agency or v.to_agency or s.parties.to_agency
    return LookupAgency(
        initiation_header=s.build_header(v),
        agency_id=make_code(asked, s.dialect.header.agency_scheme),
        agency_element_types=make_codes(v.elements or AGENCY_ELEMENTS),
    )


def build_lookup_version(v: MessageValues, s: MessageBuilder) -> LookupVersion:
    return LookupVersion(initiation_header=s.build_header(v))


def build_create_user(v: MessageValues, s: MessageBuilder) -> CreateUser:
    return CreateUser(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=() if v.patron else s.build_inputs(v),
        name_information=_build_name(v),
        user_address_information=_build_addresses(v, s),
        date_of_birth=v.birth,
        user_languages=_build_languages(v),
    )


def build_update_user(v: MessageValues, s: MessageBuilder) -> UpdateUser:
    return UpdateUser(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        add_user_fields=UserFields(
            authentication_inputs=s.build_inputs(v),
            name_information=_build_name(v),
            user_address_information=_build_addresses(v, s),
            date_of_birth=v.birth,
            user_languages=_build_languages(v),
        ),
    )


def build_delete_user(v: MessageValues, s: MessageBuilder) -> DeleteUser:
    return DeleteUser(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        authentication_inputs=() if v.patron else s.build_inputs(v),
    )


def _build_languages(v: MessageValues) -> tuple[Code, ...]:
    return make_codes((v.language,) if v.language else ())


def _build_name(v: MessageValues) -> NameInformation | None:
    if v.organisation:
        name = OrganizationNameInformation(name_type=make_code("Full Name"), name=v.organisation)
        return NameInformation(organizations=(name,))
    if not v.surname:
        return None
    structured = StructuredPersonalUserName(surname=v.surname, given_name=v.given or None)
    return NameInformation(personal=PersonalNameInformation(structured=structured))


def _build_addresses(v: MessageValues, s: MessageBuilder) -> tuple[UserAddressInformation, ...]:
    rules = s.dialect.patrons
    role = make_code("home")
    addresses = []
    if v.street or v.city:
        lines = StructuredAddress(
            line1=v.street or v.city,
            locality=v.city or None,
            country=v.country or None,
            postal_code=v.postcode or None,
        )
        postal = PhysicalAddress(structured=lines, address_type=make_code(rules.postal_type))
        addresses.append(UserAddressInformation(user_address_role_type=role, physical_address=postal))
    for kind, value in ((rules.email_type, v.email), (rules.phone_type, v.phone)):
        if value:
            electronic = ElectronicAddress(address_type=make_code(kind), data=value)
            addresses.append(UserAddressInformation(user_address_role_type=role, electronic_address=electronic))
    return tuple(addresses)


def build_create_user_fiscal_transaction(v: MessageValues, s: MessageBuilder) -> CreateUserFiscalTransaction:
    return CreateUserFiscalTransaction(
        initiation_header=s.build_header(v),
        mandated_action=s.build_mandated_action(v),
        user_id=s.build_user_id(v),
        fiscal_transaction_information=FiscalTransactionInformation(
            action_type=make_code(v.fee_action or "Assess"),
            reference_id=_build_reference(v, s),
            transaction_type=make_code(v.fee_type or "Interlibrary Loan Fee"),
            amount=Amount.from_money(v.amount) if v.amount is not None else None,
            description=v.description or None,
            request_id=s.build_request_id(v),
            item_details=_build_item_details(v, s),
        ),
    )


def _build_reference(v: MessageValues, s: MessageBuilder) -> FiscalTransactionReferenceId | None:
    if not v.reference:
        return None
    agency = make_code(v.from_agency or s.parties.from_agency, s.dialect.header.agency_scheme)
    return FiscalTransactionReferenceId(agency_id=agency, value=v.reference)


def _build_item_details(v: MessageValues, s: MessageBuilder) -> ItemDetails | None:
    if not v.item:
        return None
    description = s.build_description(v) or BibliographicDescription()
    return ItemDetails(item_id=s.build_first_item_id(v), bibliographic_description=description)


def build_item_requested(v: MessageValues, s: MessageBuilder) -> ItemRequested:
    record = v.records[0] if v.records and not v.item else None
    return ItemRequested(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        bibliographic_id=build_bibliographic_id(record) if record is not None else None,
        request_id=s.build_request_id(v),
        request_type=build_request_type(v),
        request_scope_type=build_request_scope(v),
        need_before_date=v.need_by,
        pickup_location=s.build_pickup(v),
        item_optional_fields=s.build_item_fields(v if record is None else drop_records(v)),
    )


def build_item_request_updated(v: MessageValues, s: MessageBuilder) -> ItemRequestUpdated:
    return ItemRequestUpdated(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_type=build_type_unless_numbered(v),
        request_id=s.build_request_id(v),
        add_request_fields=build_request_fields(v, s),
    )


def build_item_request_cancelled(v: MessageValues, s: MessageBuilder) -> ItemRequestCancelled:
    return ItemRequestCancelled(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        request_id=s.build_request_id(v),
        item_id=s.build_first_item_id(v),
        request_type=build_request_type(v),
    )


def build_item_shipped(v: MessageValues, s: MessageBuilder) -> ItemShipped:
    """The pickup place is part of the address, as INN-Reach has it (facts/ncip.md 2.9)."""
    return ItemShipped(
        initiation_header=s.build_header(replace(v, pickup="")),
        request_id=s.build_request_id(v),
        item_id=s.build_first_item_id(v),
        user_id=s.build_user_id(v),
        date_shipped=_get_event_moment(v, s),
        shipping_information=ShippingInformation(physical_address=_build_shipping_address(v, s)),
        item_optional_fields=_build_barcode_fields(v, s),
    )


def _build_shipping_address(v: MessageValues, s: MessageBuilder) -> PhysicalAddress:
    """The schema wants an address; only an unstructured one is taken for a pickup place."""
    kind = make_code("Ship To")
    if not v.pickup:
        line = v.to_agency or s.parties.to_agency
        return PhysicalAddress(structured=StructuredAddress(line1=line), address_type=kind)
    lines = UnstructuredAddress(address_type=make_code(ADDRESS_TYPE), data=v.pickup)
    return PhysicalAddress(unstructured=lines, address_type=kind)


def _build_barcode_fields(v: MessageValues, s: MessageBuilder) -> ItemOptionalFields | None:
    """Build fields with the barcode that is on the piece; raises UnsupportedValueError where version 2 has no place for
    it."""
    fields = s.build_item_fields(v)
    if not v.barcode:
        return fields
    if not s.is_version1:
        raise UnsupportedValueError("barcode", "only version 1 has an element for it (VisibleItemId)")
    visible = VisibleItemId(identifier_type=make_code("Barcode"), value=v.barcode)
    description = ItemDescription(visible_item_id=visible, call_number=v.call_number or None)
    return replace(fields or ItemOptionalFields(), item_description=description)


def build_item_received(v: MessageValues, s: MessageBuilder) -> ItemReceived:
    return ItemReceived(
        initiation_header=s.build_header(v),
        item_id=s.build_first_item_id(v),
        user_id=s.build_user_id(v),
        request_id=s.build_request_id(v),
        date_received=_get_event_moment(v, s),
    )


def build_item_checked_out(v: MessageValues, s: MessageBuilder) -> ItemCheckedOut:
    return ItemCheckedOut(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        request_id=s.build_request_id(v),
        date_due=v.due,
    )


def build_item_checked_in(v: MessageValues, s: MessageBuilder) -> ItemCheckedIn:
    return ItemCheckedIn(
        initiation_header=s.build_header(v), user_id=s.build_user_id(v), item_id=s.build_first_item_id(v)
    )


def build_item_renewed(v: MessageValues, s: MessageBuilder) -> ItemRenewed:
    return ItemRenewed(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        date_due=v.due,
    )


def build_item_recalled(v: MessageValues, s: MessageBuilder) -> ItemRecalled:
    return ItemRecalled(
        initiation_header=s.build_header(v),
        user_id=s.build_user_id(v),
        item_id=s.build_first_item_id(v),
        date_due=v.due,
    )


def build_circulation_status_updated(v: MessageValues, s: MessageBuilder) -> CirculationStatusUpdated:
    return CirculationStatusUpdated(
        initiation_header=s.build_header(v), item_id=s.build_first_item_id(v), circulation_status=make_code(v.status)
    )


def _get_event_moment(v: MessageValues, s: MessageBuilder) -> datetime:
    return v.happened or s.now
