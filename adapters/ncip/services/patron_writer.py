"""A patron in answers: only what was asked for, in the profile's words."""

from __future__ import annotations

from adapters.ncip.dialect import UserElement
from adapters.ncip.messages import (
    BlockOrTrap,
    Code,
    ElectronicAddress,
    NameInformation,
    OrganizationNameInformation,
    PersonalNameInformation,
    PhysicalAddress,
    StructuredAddress,
    StructuredPersonalUserName,
    UserAddressInformation,
    UserId,
    UserOptionalFields,
    UserPrivilege,
    UserPrivilegeStatus,
)
from adapters.ncip.services import result_writer
from adapters.ncip.services.result_writer import ResultWriter
from gateway.domain.library import (
    BlockScope,
    Contact,
    ContactKind,
    Patron,
    PersonName,
)

_USER_ELEMENTS = {element.value.lower(): element for element in UserElement} | {
    "visible user id": UserElement.USER_ID,  # version 1
}


def select_user_elements(codes: tuple[Code, ...], writer: ResultWriter) -> frozenset[UserElement]:
    rules = writer.dialect.patrons
    words = (code.value.strip().lower() for code in codes)
    elements = {_USER_ELEMENTS[word] for word in words if word in _USER_ELEMENTS}
    if not codes:
        elements = set(rules.default_elements)
    return frozenset((elements | set(rules.always_elements)) - set(rules.never_elements))


def write_user_fields(
    patron: Patron, elements: frozenset[UserElement], writer: ResultWriter
) -> UserOptionalFields | None:
    """None when nothing is wanted."""
    rules = writer.dialect.patrons
    blocks = UserElement.BLOCK in elements or (
        rules.blocks == "always" and bool(patron.blocks) and UserElement.BLOCK not in rules.never_elements
    )
    if not elements and not blocks:
        return None
    return UserOptionalFields(
        name_information=_write_name(patron.name, writer) if UserElement.NAME in elements else None,
        user_address_information=_write_addresses(patron, writer) if UserElement.ADDRESS in elements else (),
        date_of_birth=patron.date_of_birth if UserElement.DATE_OF_BIRTH in elements else None,
        user_languages=(Code(patron.language),) if UserElement.LANGUAGE in elements and patron.language else (),
        user_privileges=_write_privileges(patron, writer) if UserElement.PRIVILEGE in elements else (),
        block_or_traps=_write_blocks(patron, writer) if blocks else (),
        user_ids=_write_user_ids(patron, writer) if UserElement.USER_ID in elements else (),
    )


def _write_name(name: PersonName, writer: ResultWriter) -> NameInformation:
    if name.is_organisation:
        return NameInformation(organizations=(write_organization_name(name.surname, writer),))
    rules = writer.dialect.patrons
    flat = name.inverted if rules.unstructured_name == "inverted" else name.direct
    structured = StructuredPersonalUserName(
        prefix=name.prefix or None,
        given_name=name.given or None,
        initials=name.initials or None,
        surname=name.surname,
        suffix=name.suffix or None,
    )
    return NameInformation(
        personal=PersonalNameInformation(
            structured=None if rules.name_format == "unstructured" else structured,
            unstructured=None if rules.name_format == "structured" else flat,
        )
    )


def write_organization_name(name: str, writer: ResultWriter) -> OrganizationNameInformation:
    return OrganizationNameInformation(name_type=writer.make_code("OrganizationNameType", "Full Name"), name=name)


def _write_addresses(patron: Patron, writer: ResultWriter) -> tuple[UserAddressInformation, ...]:
    return tuple(
        _write_address(contact, writer)
        for contact in patron.contacts
        if str(contact.kind) not in writer.dialect.patrons.omit
    )


def _write_address(contact: Contact, writer: ResultWriter) -> UserAddressInformation:
    rules = writer.dialect.patrons
    role = writer.make_code("UserAddressRoleType", rules.address_roles.get(contact.role, contact.role))
    valid_from, valid_to = contact.valid_from, contact.valid_to
    if contact.kind is ContactKind.POSTAL:
        postal = contact.postal
        lines = StructuredAddress(
            line1=(postal.line1 if postal else "") or contact.value or "-",
            line2=(postal.line2 or None) if postal else None,
            locality=(postal.locality or None) if postal else None,
            region=(postal.region or None) if postal else None,
            country=(postal.country or None) if postal else None,
            postal_code=(postal.postal_code or None) if postal else None,
        )
        physical = PhysicalAddress(structured=lines, address_type=Code(rules.postal_type))
        return UserAddressInformation(
            user_address_role_type=role, valid_from_date=valid_from, valid_to_date=valid_to, physical_address=physical
        )
    kind = rules.email_type if contact.kind is ContactKind.EMAIL else rules.phone_type
    return UserAddressInformation(
        user_address_role_type=role,
        valid_from_date=valid_from,
        valid_to_date=valid_to,
        electronic_address=ElectronicAddress(address_type=Code(kind), data=contact.value),
    )


def _write_privileges(patron: Patron, writer: ResultWriter) -> tuple[UserPrivilege, ...]:
    rules = writer.dialect.patrons
    values = {
        "status": _choose_status_word(patron, writer),
        "category": rules.categories.get(patron.category, patron.category),
        "library": rules.libraries.get(patron.home_library, patron.home_library),
        "institution": patron.home_institution,
    }
    privileges = []
    for privilege in rules.privileges:
        value = privilege.text if privilege.value == "text" else values[privilege.value]
        if not value:
            continue
        privileges.append(
            UserPrivilege(
                agency_id=writer.make_agency_code(),
                agency_user_privilege_type=Code(privilege.type or value),
                valid_to_date=patron.expires if privilege.valid_to else None,
                status=UserPrivilegeStatus(status_type=Code(value)) if privilege.type else None,
            )
        )
    return tuple(privileges)


def _choose_status_word(patron: Patron, writer: ResultWriter) -> str:
    rules = writer.dialect.patrons
    if (
        patron.expires is not None
        and patron.expires < writer.exchange_context.now.astimezone(writer.exchange_context.zone).date()
    ):
        return rules.status_expired
    return rules.status_blocked if patron.find_block(BlockScope.BORROW) else rules.status_ok


def _write_blocks(patron: Patron, writer: ResultWriter) -> tuple[BlockOrTrap, ...]:
    words = writer.dialect.patrons.block_words
    forbidden = {scope for block in patron.blocks for scope in block.scopes}
    texts = dict.fromkeys(words[scope.value] for scope in BlockScope if scope in forbidden and words.get(scope.value))
    return tuple(BlockOrTrap(agency_id=writer.make_agency_code(), block_or_trap_type=Code(text)) for text in texts)


def _write_user_ids(patron: Patron, writer: ResultWriter) -> tuple[UserId, ...]:
    rules = writer.dialect.patrons
    ids = [
        UserId(
            agency_id=writer.write_agency(None),
            identifier_type=result_writer.write_code(rules.id_types.get(identifier.type, identifier.type)),
            value=identifier.value,
        )
        for identifier in patron.identifiers
    ]
    if "internal-id" not in rules.omit:
        ids.append(UserId(agency_id=writer.write_agency(None), identifier_type=Code("Primary Key"), value=patron.id))
    return tuple(ids)


def write_user_fields_if_asked(
    patron: Patron, codes: tuple[Code, ...], writer: ResultWriter
) -> UserOptionalFields | None:
    """Circulation answers carry user data only when asked for: few partners read it, and it is personal."""
    return write_user_fields(patron, select_user_elements(codes, writer), writer) if codes else None
