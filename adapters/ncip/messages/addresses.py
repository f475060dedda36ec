"""Names and addresses of people and organisations."""

from __future__ import annotations

from adapters.ncip.messages.base import Code, Structure, When, many, maybe, one, one_of, text
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class StructuredPersonalUserName(Structure):
    """A person's name in parts."""

    prefix: str | None = maybe("Prefix")
    given_name: str | None = maybe("GivenName")
    initials: str | None = maybe("Initials")
    surname: str = text("Surname")
    suffix: str | None = maybe("Suffix")


@frozen_by_name
class PersonalNameInformation(Structure):
    """A person's name, in parts or as one text."""

    choices = (one_of("unstructured", "structured unstructured?"),)

    structured: StructuredPersonalUserName | None = maybe("StructuredPersonalUserName")
    unstructured: str | None = maybe("UnstructuredPersonalUserName")


@frozen_by_name
class OrganizationNameInformation(Structure):
    """The name of an organisation."""

    name_type: Code | None = one("OrganizationNameType")
    name: str = text("OrganizationName")


@frozen_by_name
class NameInformation(Structure):
    """The name of a person or an organisation."""

    choices = (one_of("personal", "organizations"),)

    personal: PersonalNameInformation | None = maybe("PersonalNameInformation")
    organizations: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")


@frozen_by_name
class StructuredAddress(Structure):
    """A postal address in parts: lines, or street parts."""

    choices = (
        one_of(
            "line1 line2?",
            "location_within_building? house_name? street post_office_box? district?",
            "location_within_building? house_name? post_office_box district?",
            "location_within_building? house_name? district",
        ),
    )

    line1: str | None = maybe("Line1")
    line2: str | None = maybe("Line2")
    location_within_building: str | None = maybe("LocationWithinBuilding")
    house_name: str | None = maybe("HouseName")
    street: str | None = maybe("Street")
    post_office_box: str | None = maybe("PostOfficeBox")
    district: str | None = maybe("District")
    locality: str | None = maybe("Locality")
    region: str | None = maybe("Region")
    country: str | None = maybe("Country")
    postal_code: str | None = maybe("PostalCode")
    care_of: str | None = maybe("CareOf")


@frozen_by_name
class UnstructuredAddress(Structure):
    """A postal address as one text."""

    address_type: Code | None = one("UnstructuredAddressType")
    data: str = text("UnstructuredAddressData")


@frozen_by_name
class PhysicalAddress(Structure):
    """A postal address."""

    choices = (one_of("structured", "unstructured"),)

    structured: StructuredAddress | None = maybe("StructuredAddress")
    unstructured: UnstructuredAddress | None = maybe("UnstructuredAddress")
    address_type: Code | None = one("PhysicalAddressType")


@frozen_by_name
class ElectronicAddress(Structure):
    """An e-mail address or telephone number."""

    address_type: Code | None = one("ElectronicAddressType")
    data: str = text("ElectronicAddressData")


@frozen_by_name
class UserAddressInformation(Structure):
    """One way to reach a user: postal, e-mail (`mailto`), telephone (`tel`)."""

    choices = (one_of("physical_address", "electronic_address"),)

    user_address_role_type: Code | None = one("UserAddressRoleType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    physical_address: PhysicalAddress | None = maybe("PhysicalAddress")
    electronic_address: ElectronicAddress | None = maybe("ElectronicAddress")


@frozen_by_name
class AgencyAddressInformation(Structure):
    """One way to reach an agency."""

    choices = (one_of("physical_address", "electronic_address"),)

    agency_address_role_type: Code | None = one("AgencyAddressRoleType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    physical_address: PhysicalAddress | None = maybe("PhysicalAddress")
    electronic_address: ElectronicAddress | None = maybe("ElectronicAddress")


@frozen_by_name
class ShippingInformation(Structure):
    """Where and how to send an item."""

    choices = (one_of("physical_address", "electronic_address"),)

    shipping_instructions: str | None = maybe("ShippingInstructions")
    shipping_note: str | None = maybe("ShippingNote")
    physical_address: PhysicalAddress | None = maybe("PhysicalAddress")
    electronic_address: ElectronicAddress | None = maybe("ElectronicAddress")
