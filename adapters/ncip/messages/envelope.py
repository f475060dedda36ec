"""Root, headers, problems, identifiers, names and addresses."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from adapters.ncip.messages.declaration import Code, RawElement, Structure, When, many, maybe, one, one_of, secret, text
from adapters.ncip.wire_values import Version
from gateway.domain.value import keyword_value


@keyword_value
class VisibleItemId(Structure):
    """The number on an item's label, as version 1 carries it inside ItemDescription."""

    identifier_type: Code | None = one("VisibleItemIdentifierType")
    value: str = text("VisibleItemIdentifier")


@keyword_value
class UserId(Structure):
    """A user, in the agency's own numbering. Version 1: UniqueUserId, or VisibleUserId when it has a type."""

    agency_id: Code | None = maybe("AgencyId")
    identifier_type: Code | None = maybe("UserIdentifierType")
    value: str = text("UserIdentifierValue")


@keyword_value
class ItemId(Structure):
    """An item. Version 1: UniqueItemId."""

    agency_id: Code | None = maybe("AgencyId")
    identifier_type: Code | None = maybe("ItemIdentifierType")
    value: str = text("ItemIdentifierValue")


@keyword_value
class RequestId(Structure):
    """A request. Version 1: UniqueRequestId."""

    agency_id: Code | None = maybe("AgencyId")
    identifier_type: Code | None = maybe("RequestIdentifierType")
    value: str = text("RequestIdentifierValue")


@keyword_value
class PreviousUserId(Structure):
    """An id that the user had before."""

    agency_id: Code | None = one("AgencyId")
    value: str = text("UserIdentifierValue")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")


@keyword_value
class AuthenticationInput(Structure):
    """One thing a user says to be recognised: a barcode, a PIN."""

    data: str = secret("AuthenticationInputData", required=True)
    format_type: Code | None = one("AuthenticationDataFormatType")
    input_type: Code | None = one("AuthenticationInputType")


@keyword_value
class Problem(Structure):
    """Why something was not done. `element` is a name or a path such as `InitiationHeader/FromAgencyId`.

    Version 1 nests it: Problem/ProcessingError/ProcessingErrorType and so on, and has no detail.
    """

    type: Code | None = one("ProblemType")
    detail: str | None = maybe("ProblemDetail")
    element: str | None = maybe("ProblemElement")
    value: str | None = maybe("ProblemValue")


@keyword_value
class MandatedAction(Structure):
    """The thing has already happened, at this moment: do it whatever your rules say (STD 5.3)."""

    date_event_occurred: When | None = one("DateEventOccurred")


@keyword_value
class InitiationHeader(Structure):
    """Who asks whom, and under which application profile."""

    from_system_id: Code | None = maybe("FromSystemId")
    from_system_authentication: str | None = secret("FromSystemAuthentication")
    from_agency_id: Code | None = one("FromAgencyId", inside="AgencyId")
    from_agency_authentication: str | None = secret("FromAgencyAuthentication")
    on_behalf_of_agency: Code | None = maybe("OnBehalfOfAgency", inside="AgencyId")
    to_system_id: Code | None = maybe("ToSystemId")
    to_agency_id: Code | None = one("ToAgencyId", inside="AgencyId")
    application_profile_type: Code | None = maybe("ApplicationProfileType")


@keyword_value
class ResponseHeader(Structure):
    """Who answers whom: from and to are those of the answer."""

    from_system_id: Code | None = maybe("FromSystemId")
    from_system_authentication: str | None = secret("FromSystemAuthentication")
    from_agency_id: Code | None = one("FromAgencyId", inside="AgencyId")
    from_agency_authentication: str | None = secret("FromAgencyAuthentication")
    to_system_id: Code | None = maybe("ToSystemId")
    to_agency_id: Code | None = one("ToAgencyId", inside="AgencyId")


@keyword_value
class Initiation(Structure):
    """A message that asks for something or tells of it."""

    initiation_header: InitiationHeader | None = maybe("InitiationHeader")


@keyword_value
class MandatableInitiation(Initiation):
    """A message that may say that the thing has already happened."""

    mandated_action: MandatedAction | None = maybe("MandatedAction")


@keyword_value
class Notification(Initiation):
    """A message that tells what has happened at the sender."""


@keyword_value
class Response(Structure):
    """An answer. Where `problems` stand, the rest is absent."""

    response_header: ResponseHeader | None = maybe("ResponseHeader", beside_problems=True)
    problems: tuple[Problem, ...] = many("Problem", beside_problems=True)


@keyword_value
class Problems(Structure):
    """NCIPMessage/Problem: the whole message could not be dealt with."""

    problems: tuple[Problem, ...] = ()


@keyword_value
class Extension(Structure):
    """NCIPMessage/Ext: a message that the partners have agreed on between themselves; its content is `ext`."""


@keyword_value
class LookupVersion(Initiation):
    """Ask which versions are spoken. Stands in NCIPVersionMessage, or in a plain NCIPMessage (KOHA)."""


@keyword_value
class LookupVersionResponse(Response):
    """Answer to LookupVersion: namespaces in NCIPVersionMessage (OCLC), XSD and DTD URLs in NCIPMessage (KOHA)."""

    versions_supported: tuple[str, ...] = many("VersionSupported")


Body = Initiation | Response | Problems | Extension


class NamespaceStyle(StrEnum):
    """How elements are named."""

    STANDARD = "standard"  # what the version's standard shows: prefix in version 2, none in version 1
    PREFIX = "prefix"
    DEFAULT = "default"
    NONE = "none"


class Root(StrEnum):
    MESSAGE = "NCIPMessage"
    VERSION_MESSAGE = "NCIPVersionMessage"


@keyword_value
class Message:
    """A whole message.

    Only `version`, `root` and `body` count when messages are compared. The rest tells how it was written:
    `version_string`, `namespace_style` (never STANDARD when decoded) and `prefix` as seen; `unknown`, what the
    model has no place for, as paths below the message; `notes`, what was repaired to be able to read it.
    """

    body: Body
    version: Version = Version.V2_02
    root: Root = Root.MESSAGE
    version_string: str = field(default="", compare=False)
    namespace_style: NamespaceStyle = field(default=NamespaceStyle.STANDARD, compare=False)
    prefix: str = field(default="", compare=False)
    unknown: tuple[RawElement, ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def service(self) -> str:
        """The name of the message's element: `LookupUser`, `LookupUserResponse`, `Problem`, `Ext`."""
        if isinstance(self.body, Problems):
            return "Problem"
        return "Ext" if isinstance(self.body, Extension) else type(self.body).__name__


@keyword_value
class StructuredPersonalUserName(Structure):
    """A person's name in parts."""

    prefix: str | None = maybe("Prefix")
    given_name: str | None = maybe("GivenName")
    initials: str | None = maybe("Initials")
    surname: str = text("Surname")
    suffix: str | None = maybe("Suffix")


@keyword_value
class PersonalNameInformation(Structure):
    """A person's name, in parts or as one text."""

    choices = (one_of("unstructured", "structured unstructured?"),)

    structured: StructuredPersonalUserName | None = maybe("StructuredPersonalUserName")
    unstructured: str | None = maybe("UnstructuredPersonalUserName")


@keyword_value
class OrganizationNameInformation(Structure):
    """The name of an organisation."""

    name_type: Code | None = one("OrganizationNameType")
    name: str = text("OrganizationName")


@keyword_value
class NameInformation(Structure):
    """The name of a person or an organisation."""

    choices = (one_of("personal", "organizations"),)

    personal: PersonalNameInformation | None = maybe("PersonalNameInformation")
    organizations: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")


@keyword_value
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


@keyword_value
class UnstructuredAddress(Structure):
    """A postal address as one text."""

    address_type: Code | None = one("UnstructuredAddressType")
    data: str = text("UnstructuredAddressData")


@keyword_value
class PhysicalAddress(Structure):
    """A postal address."""

    choices = (one_of("structured", "unstructured"),)

    structured: StructuredAddress | None = maybe("StructuredAddress")
    unstructured: UnstructuredAddress | None = maybe("UnstructuredAddress")
    address_type: Code | None = one("PhysicalAddressType")


@keyword_value
class ElectronicAddress(Structure):
    """An e-mail address or telephone number."""

    address_type: Code | None = one("ElectronicAddressType")
    data: str = text("ElectronicAddressData")


@keyword_value
class UserAddressInformation(Structure):
    """One way to reach a user: postal, e-mail (`mailto`), telephone (`tel`)."""

    choices = (one_of("physical_address", "electronic_address"),)

    user_address_role_type: Code | None = one("UserAddressRoleType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    physical_address: PhysicalAddress | None = maybe("PhysicalAddress")
    electronic_address: ElectronicAddress | None = maybe("ElectronicAddress")


@keyword_value
class AgencyAddressInformation(Structure):
    """One way to reach an agency."""

    choices = (one_of("physical_address", "electronic_address"),)

    agency_address_role_type: Code | None = one("AgencyAddressRoleType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    physical_address: PhysicalAddress | None = maybe("PhysicalAddress")
    electronic_address: ElectronicAddress | None = maybe("ElectronicAddress")


@keyword_value
class ShippingInformation(Structure):
    """Where and how to send an item."""

    choices = (one_of("physical_address", "electronic_address"),)

    shipping_instructions: str | None = maybe("ShippingInstructions")
    shipping_note: str | None = maybe("ShippingNote")
    physical_address: PhysicalAddress | None = maybe("PhysicalAddress")
    electronic_address: ElectronicAddress | None = maybe("ElectronicAddress")
