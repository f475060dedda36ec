"""Messages about users, their accounts, and agencies, made of values."""

from __future__ import annotations

from adapters.ncip.client.speaking import Speaker, code, codes
from adapters.ncip.client.values import Values
from adapters.ncip.messages import (
    Amount,
    Code,
    CreateUser,
    CreateUserFiscalTransaction,
    ElectronicAddress,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
    ItemDetails,
    LookupAgency,
    LookupUser,
    LookupVersion,
    NameInformation,
    OrganizationNameInformation,
    PersonalNameInformation,
    PhysicalAddress,
    StructuredAddress,
    StructuredPersonalUserName,
    UpdateUser,
    UserAddressInformation,
    UserFields,
)
from adapters.ncip.messages.bibliographic import BibliographicDescription

AGENCY_ELEMENTS = ("Organization Name Information", "Agency Address Information")


def lookup_user(v: Values, s: Speaker) -> LookupUser:
    return LookupUser(
        initiation_header=s.header(v),
        user_id=s.user(v),
        authentication_inputs=s.inputs(v),
        user_element_types=codes(v.elements),
        loaned_items_desired=v.loans,
        requested_items_desired=v.holds,
        user_fiscal_account_desired=v.fees,
    )


def lookup_agency(v: Values, s: Speaker) -> LookupAgency:
    asked = v.agency or v.to_agency or s.parties.to_agency
    return LookupAgency(
        initiation_header=s.header(v),
        agency_id=code(asked, s.dialect.header.agency_scheme),
        agency_element_types=codes(v.elements or AGENCY_ELEMENTS),
    )


def lookup_version(v: Values, s: Speaker) -> LookupVersion:
    return LookupVersion(initiation_header=s.header(v))


def create_user(v: Values, s: Speaker) -> CreateUser:
    return CreateUser(
        initiation_header=s.header(v),
        mandated_action=s.mandated(v),
        user_id=s.user(v),
        authentication_inputs=() if v.patron else s.inputs(v),
        name_information=_name(v),
        user_address_information=_addresses(v, s),
        date_of_birth=v.birth,
        user_languages=_languages(v),
    )


def update_user(v: Values, s: Speaker) -> UpdateUser:
    return UpdateUser(
        initiation_header=s.header(v),
        mandated_action=s.mandated(v),
        user_id=s.user(v),
        add_user_fields=UserFields(
            authentication_inputs=s.inputs(v),
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
        initiation_header=s.header(v),
        mandated_action=s.mandated(v),
        user_id=s.user(v),
        fiscal_transaction_information=FiscalTransactionInformation(
            action_type=code(v.fee_action or "Assess"),
            reference_id=_reference(v, s),
            transaction_type=code(v.fee_type or "Interlibrary Loan Fee"),
            amount=Amount.of(v.amount) if v.amount is not None else None,
            description=v.description or None,
            request_id=s.request(v),
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
    description = s.description(v) or BibliographicDescription()
    return ItemDetails(item_id=s.item(v), bibliographic_description=description)
