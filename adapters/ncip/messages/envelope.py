"""Root, headers, problems, identifiers, names and addresses."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from adapters.ncip.messages.declaration import (
    Code,
    RawElement,
    Structure,
    When,
    optional_element,
    repeated_element,
    required_choice,
    required_element,
    required_text,
    secret_text,
)
from adapters.ncip.wire_values import NamespaceStyle, Version
from gateway.domain.value import value_object


@value_object(kw_only=True)
class VisibleItemId(Structure):
    """The number on an item's label, as version 1 carries it inside ItemDescription."""

    identifier_type: Code | None = required_element("VisibleItemIdentifierType")
    value: str = required_text("VisibleItemIdentifier")


@value_object(kw_only=True)
class UserId(Structure):
    """A user, in the agency's own numbering. Version 1: UniqueUserId, or VisibleUserId when it has a type."""

    agency_id: Code | None = optional_element("AgencyId")
    identifier_type: Code | None = optional_element("UserIdentifierType")
    value: str = required_text("UserIdentifierValue")


@value_object(kw_only=True)
class ItemId(Structure):
    """An item. Version 1: UniqueItemId."""

    agency_id: Code | None = optional_element("AgencyId")
    identifier_type: Code | None = optional_element("ItemIdentifierType")
    value: str = required_text("ItemIdentifierValue")


@value_object(kw_only=True)
class RequestId(Structure):
    """A request. Version 1: UniqueRequestId."""

    agency_id: Code | None = optional_element("AgencyId")
    identifier_type: Code | None = optional_element("RequestIdentifierType")
    value: str = required_text("RequestIdentifierValue")


@value_object(kw_only=True)
class PreviousUserId(Structure):
    """An id that the user had before."""

    agency_id: Code | None = required_element("AgencyId")
    value: str = required_text("UserIdentifierValue")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")


@value_object(kw_only=True)
class AuthenticationInput(Structure):
    """One thing a user says to be recognised: a barcode, a PIN."""

    data: str = secret_text("AuthenticationInputData", required=True)
    format_type: Code | None = required_element("AuthenticationDataFormatType")
    input_type: Code | None = required_element("AuthenticationInputType")


@value_object(kw_only=True)
class Problem(Structure):
    """The reason why something was not done. `element` is a name or a path such as `InitiationHeader/FromAgencyId`.

    Version 1 nests it: Problem/ProcessingError/ProcessingErrorType and so on, and has no detail.
    """

    type: Code | None = required_element("ProblemType")
    detail: str | None = optional_element("ProblemDetail")
    element: str | None = optional_element("ProblemElement")
    value: str | None = optional_element("ProblemValue")


@value_object(kw_only=True)
class MandatedAction(Structure):
    """The thing has already happened, at this moment: do it whatever your rules say (STD 5.3)."""

    date_event_occurred: When | None = required_element("DateEventOccurred")


@value_object(kw_only=True)
class InitiationHeader(Structure):
    """The parties of a question, and the application profile."""

    from_system_id: Code | None = optional_element("FromSystemId")
    from_system_authentication: str | None = secret_text("FromSystemAuthentication")
    from_agency_id: Code | None = required_element("FromAgencyId", inside="AgencyId")
    from_agency_authentication: str | None = secret_text("FromAgencyAuthentication")
    on_behalf_of_agency: Code | None = optional_element("OnBehalfOfAgency", inside="AgencyId")
    to_system_id: Code | None = optional_element("ToSystemId")
    to_agency_id: Code | None = required_element("ToAgencyId", inside="AgencyId")
    application_profile_type: Code | None = optional_element("ApplicationProfileType")


@value_object(kw_only=True)
class ResponseHeader(Structure):
    """The parties of an answer: from and to are those of the answer."""

    from_system_id: Code | None = optional_element("FromSystemId")
    from_system_authentication: str | None = secret_text("FromSystemAuthentication")
    from_agency_id: Code | None = required_element("FromAgencyId", inside="AgencyId")
    from_agency_authentication: str | None = secret_text("FromAgencyAuthentication")
    to_system_id: Code | None = optional_element("ToSystemId")
    to_agency_id: Code | None = required_element("ToAgencyId", inside="AgencyId")


@value_object(kw_only=True)
class Initiation(Structure):
    """A message that asks for something or tells of it."""

    initiation_header: InitiationHeader | None = optional_element("InitiationHeader")


@value_object(kw_only=True)
class MandatableInitiation(Initiation):
    """A message that may say that the thing has already happened."""

    mandated_action: MandatedAction | None = optional_element("MandatedAction")


@value_object(kw_only=True)
class Notification(Initiation):
    """A message that tells what has happened at the sender."""


@value_object(kw_only=True)
class Response(Structure):
    """An answer. Where `problems` stand, the rest is absent."""

    response_header: ResponseHeader | None = optional_element("ResponseHeader", beside_problems=True)
    problems: tuple[Problem, ...] = repeated_element("Problem", beside_problems=True)


@value_object(kw_only=True)
class Problems(Structure):
    """NCIPMessage/Problem: the whole message could not be dealt with."""

    problems: tuple[Problem, ...] = ()


@value_object(kw_only=True)
class Extension(Structure):
    """NCIPMessage/Ext: a message that the partners have agreed on between themselves; its content is `ext`."""


@value_object(kw_only=True)
class LookupVersion(Initiation):
    """Ask which versions are spoken. Stands in NCIPVersionMessage, or in a plain NCIPMessage (KOHA)."""


@value_object(kw_only=True)
class LookupVersionResponse(Response):
    """Answer to LookupVersion: namespaces in NCIPVersionMessage (OCLC), XSD and DTD URLs in NCIPMessage (KOHA)."""

    versions_supported: tuple[str, ...] = repeated_element("VersionSupported")


Body = Initiation | Response | Problems | Extension


class Root(StrEnum):
    MESSAGE = "NCIPMessage"
    VERSION_MESSAGE = "NCIPVersionMessage"


@value_object(kw_only=True)
class Message:
    """A whole message.

    Only `version`, `root` and `body` count when messages are compared. The rest tells how it was written:
    `version_string`, `namespace_style` (never STANDARD when decoded) and `prefix` as seen; `unknown`, what the
    model has no place for, as paths below the message; `notes`, what was repaired to be able to read it; `in_ext`,
    whether the body stands in NCIPMessage/Ext.
    """

    body: Body
    version: Version = Version.V2_02
    root: Root = Root.MESSAGE
    version_string: str = field(default="", compare=False)
    namespace_style: NamespaceStyle = field(default=NamespaceStyle.STANDARD, compare=False)
    prefix: str = field(default="", compare=False)
    unknown: tuple[RawElement, ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    in_ext: bool = field(default=False, compare=False)

    @property
    def service(self) -> str:
        """The name of the message's element: `LookupUser`, `LookupUserResponse`, `Problem`, `Ext`."""
        if isinstance(self.body, Problems):
            return "Problem"
        return "Ext" if isinstance(self.body, Extension) else type(self.body).__name__


@value_object(kw_only=True)
class StructuredPersonalUserName(Structure):
    """A person's name in parts."""

    prefix: str | None = optional_element("Prefix")
    given_name: str | None = optional_element("GivenName")
    initials: str | None = optional_element("Initials")
    surname: str = required_text("Surname")
    suffix: str | None = optional_element("Suffix")


@value_object(kw_only=True)
class PersonalNameInformation(Structure):
    """A person's name, in parts or as one text."""

    choices = (required_choice("unstructured", "structured unstructured?"),)

    structured: StructuredPersonalUserName | None = optional_element("StructuredPersonalUserName")
    unstructured: str | None = optional_element("UnstructuredPersonalUserName")


@value_object(kw_only=True)
class OrganizationNameInformation(Structure):
    """The name of an organisation."""

    name_type: Code | None = required_element("OrganizationNameType")
    name: str = required_text("OrganizationName")


@value_object(kw_only=True)
class NameInformation(Structure):
    """The name of a person or an organisation."""

    choices = (required_choice("personal", "organizations"),)

    personal: PersonalNameInformation | None = optional_element("PersonalNameInformation")
    organizations: tuple[OrganizationNameInformation, ...] = repeated_element("OrganizationNameInformation")


@value_object(kw_only=True)
class StructuredAddress(Structure):
    """A postal address in parts: lines, or street parts."""

    choices = (
        required_choice(
            "line1 line2?",
            "location_within_building? house_name? street post_office_box? district?",
            "location_within_building? house_name? post_office_box district?",
            "location_within_building? house_name? district",
        ),
    )

    line1: str | None = optional_element("Line1")
    line2: str | None = optional_element("Line2")
    location_within_building: str | None = optional_element("LocationWithinBuilding")
    house_name: str | None = optional_element("HouseName")
    street: str | None = optional_element("Street")
    post_office_box: str | None = optional_element("PostOfficeBox")
    district: str | None = optional_element("District")
    locality: str | None = optional_element("Locality")
    region: str | None = optional_element("Region")
    country: str | None = optional_element("Country")
    postal_code: str | None = optional_element("PostalCode")
    care_of: str | None = optional_element("CareOf")


@value_object(kw_only=True)
class UnstructuredAddress(Structure):
    """A postal address as one text."""

    address_type: Code | None = required_element("UnstructuredAddressType")
    data: str = required_text("UnstructuredAddressData")


@value_object(kw_only=True)
class PhysicalAddress(Structure):
    """A postal address."""

    choices = (required_choice("structured", "unstructured"),)

    structured: StructuredAddress | None = optional_element("StructuredAddress")
    unstructured: UnstructuredAddress | None = optional_element("UnstructuredAddress")
    address_type: Code | None = required_element("PhysicalAddressType")


@value_object(kw_only=True)
class ElectronicAddress(Structure):
    """An e-mail address or telephone number."""

    address_type: Code | None = required_element("ElectronicAddressType")
    data: str = required_text("ElectronicAddressData")


@value_object(kw_only=True)
class UserAddressInformation(Structure):
    """One way to reach a user: postal, e-mail (`mailto`), telephone (`tel`)."""

    choices = (required_choice("physical_address", "electronic_address"),)

    user_address_role_type: Code | None = required_element("UserAddressRoleType")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")
    physical_address: PhysicalAddress | None = optional_element("PhysicalAddress")
    electronic_address: ElectronicAddress | None = optional_element("ElectronicAddress")


@value_object(kw_only=True)
class AgencyAddressInformation(Structure):
    """One way to reach an agency."""

    choices = (required_choice("physical_address", "electronic_address"),)

    agency_address_role_type: Code | None = required_element("AgencyAddressRoleType")
    valid_from_date: When | None = optional_element("ValidFromDate")
    valid_to_date: When | None = optional_element("ValidToDate")
    physical_address: PhysicalAddress | None = optional_element("PhysicalAddress")
    electronic_address: ElectronicAddress | None = optional_element("ElectronicAddress")


@value_object(kw_only=True)
class ShippingInformation(Structure):
    """The place and way to send an item."""

    choices = (required_choice("physical_address", "electronic_address"),)

    shipping_instructions: str | None = optional_element("ShippingInstructions")
    shipping_note: str | None = optional_element("ShippingNote")
    physical_address: PhysicalAddress | None = optional_element("PhysicalAddress")
    electronic_address: ElectronicAddress | None = optional_element("ElectronicAddress")
