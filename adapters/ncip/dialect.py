"""Section `ncip` of a profile: what messages say.

Sources and evidence for every key: facts/ncip.md sections 5 and 6, named in the shipped profiles where used.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from adapters.ncip.wire_dialect import HttpDialect, TcpDialect, XmlDialect
from adapters.ncip.wire_values import Version
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import HoldStatus, ItemStatus
from gateway.domain.problems import RefusalReason
from gateway.domain.requests.events import LoanCondition
from gateway.domain.secret_reference import SecretReference

Part = Literal["item-id", "request-id", "user-id", "due-date", "renewal-count", "routing", "user-fields", "item-fields"]

STANDARD_PARTS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {
        "AcceptItem": ("item-id",),
        "CheckInItem": ("user-id", "routing"),
        "RenewItem": ("user-id", "due-date", "renewal-count"),
        "CheckOutItem": ("renewal-count",),
        "RequestItem": ("request-id", "item-id"),
        "CancelRequestItem": ("request-id", "item-id"),
        "RecallItem": ("user-id", "due-date"),
    }
)

Shape = Literal["service", "message", "item-requested"]


def _merge_standard_parts(parts: dict[str, tuple[Part, ...]]) -> dict[str, tuple[Part, ...]]:
    """A profile that names one service leaves the others as they are."""
    return {**STANDARD_PARTS, **parts}


class Answers(ProfileSection):
    include: Annotated[dict[str, tuple[Part, ...]], AfterValidator(_merge_standard_parts)] = Field(
        dict(STANDARD_PARTS),
        description="per service, optional parts that are written when known; services that aren't named keep the "
        "standard. ReShare needs ItemId and RequestId in AcceptItem and CancelRequestItem, Auto-Graphics wants an "
        "empty UserOptionalFields (`user-fields`)",
    )
    echo_titles: bool = Field(
        True, description="answers may contain title, author and notes; ILLiad addons search the text for Problem"
    )
    failure_words: tuple[str, ...] = Field(
        (),
        description="words by which this client recognises failure anywhere in the text: a success answer that would "
        "hold one loses its optional parts",
    )


def _check_placeholders(text: str) -> str:
    try:
        text.format(value="")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"can't be filled in ({error}); it may contain {{value}}") from error
    return text


Text = Annotated[str, AfterValidator(_check_placeholders)]
"""{value} in it is what was sent."""


class Wording(ProfileSection):
    """What one refusal becomes; what is left out is as the standard has it. {value} is what the partner sent."""

    type: Text | None = Field(
        None,
        description="ProblemType text (VCU's addon looks for `User Unknown`); {value} is what was sent, as in "
        "INN-Reach's `PATRON_NOT_FOUND : {value}`",
    )
    scheme: str | None = Field(None, description="scheme URL on ProblemType; '' for none")
    detail: Text | None = Field(None, description="ProblemDetail (OCLC: a constant such as UNKNOWN_ITEM)")
    element: str | None = Field(None, description="ProblemElement")
    value: Text | None = Field(None, description="ProblemValue (OCLC: `12345/{value}` with a registry id)")


class Errors(ProfileSection):
    map: dict[RefusalReason, Wording] = Field({}, description="per refusal")
    services: dict[str, dict[RefusalReason, Wording]] = Field({}, description="per service, before `map`")
    detail: Literal["always", "never"] = Field(
        "always", description="ProblemDetail: Cornell's addon reads nothing else, OCLC cannot read it in version 1"
    )
    value: Literal["as-sent", "never"] = Field("as-sent", description="ProblemValue with what was sent")
    scheme: Literal["standard", "none"] = Field("standard", description="scheme URL on ProblemType")
    shape: Shape = Field(
        "service",
        description="Problem in the service's own answer, at message level, or (INN-Reach) an ItemRequestedResponse "
        "with the text in ToAgencyId",
    )
    shape_of: dict[str, Shape] = Field(
        {}, description="the same for single services, such as LookupUser (INC answers it with its own Problem)"
    )
    failed_as: str = Field("Temporary Processing Failure", description="ProblemType of technical failures")


class ItemElement(StrEnum):
    """ItemElementType values that can be asked for (facts/ncip.md 3.6)."""

    BIBLIOGRAPHIC = "Bibliographic Description"
    STATUS = "Circulation Status"
    QUEUE = "Hold Queue Length"
    DESCRIPTION = "Item Description"
    RESTRICTION = "Item Use Restriction Type"
    LOCATION = "Location"


class Items(ProfileSection):
    id_type: str = Field(
        "", description="ItemIdentifierType that we write (CrossLink needs `Item Barcode`); empty: as sent"
    )
    default_elements: tuple[ItemElement, ...] = Field((), description="returned when no element types are asked for")
    always_elements: tuple[ItemElement, ...] = Field((), description="returned even when not asked for")
    never_elements: tuple[ItemElement, ...] = ()
    statuses: dict[ItemStatus, str] = Field({}, description="our item status -> CirculationStatus, beside the standard")
    status_words: dict[str, ItemStatus] = Field({}, description="their words, lower case -> our item status")
    location_type: str = Field("Permanent Location", description="LocationType that we write")
    location_levels: tuple[Literal["library", "branch", "shelf", "name"], ...] = Field(
        ("library", "branch", "shelf"), description="what LocationNameLevel 1, 2, 3 … hold (ReShare reads 3 and 4)"
    )
    record_codes: dict[str, str] = Field(
        {"local": "Accession Number", "oclc": "OCLC", "lccn": "LCCN", "isbn": "ISBN", "issn": "ISSN"},
        description="our record id types -> BibliographicRecordIdentifierCode that we write",
    )
    restrictions: dict[str, LoanCondition] = Field(
        {},
        description="their ItemUseRestrictionType, lower case -> condition of the loan, beside the standard's; "
        "an unknown one is `other`, and staff read it as it was sent",
    )
    restriction_library_use: str = Field(
        "In Library Use Only", description="ItemUseRestrictionType for items that don't circulate"
    )


class UserElement(StrEnum):
    """UserElementType values that can be asked for (facts/ncip.md 3.6)."""

    NAME = "Name Information"
    ADDRESS = "User Address Information"
    PRIVILEGE = "User Privilege"
    BLOCK = "Block Or Trap"
    USER_ID = "User Id"
    DATE_OF_BIRTH = "Date Of Birth"
    LANGUAGE = "User Language"


class Privilege(ProfileSection):
    """One UserPrivilege of the answer; the ILL convention is STATUS, PROFILE and LIBRARY (facts/ncip.md 3.4)."""

    type: str = Field("", description="AgencyUserPrivilegeType; empty: the value itself (INN-Reach)")
    value: Literal["status", "category", "library", "institution", "text"] = Field(
        description="where UserPrivilegeStatusType comes from"
    )
    text: str = Field("", description="for value: text")
    valid_to: bool = Field(False, description="with the patron's expiry as ValidToDate (INN-Reach)")


class Patrons(ProfileSection):
    id_returned: Literal["as-sent", "barcode", "username", "external", "internal"] = "as-sent"
    id_type: str = Field("", description="UserIdentifierType that we write; empty: as sent, none if none was sent")
    id_types: dict[str, str] = Field(
        {"barcode": "Barcode", "username": "Username", "external": "Institution Id Number"},
        description="our identifier types -> UserIdentifierType, where several ids are listed",
    )
    default_elements: tuple[UserElement, ...] = Field((), description="returned when no element types are asked for")
    always_elements: tuple[UserElement, ...] = Field((), description="returned even when not asked for")
    never_elements: tuple[UserElement, ...] = Field((), description="never returned")
    omit: tuple[Literal["email", "phone", "postal", "internal-id"], ...] = Field(
        ("internal-id",), description="never given, whatever is asked"
    )
    name_format: Literal["structured", "unstructured", "both"] = Field(
        "both", description="ReShare and VuFind read the structured form, INN-Reach the other"
    )
    unstructured_name: Literal["inverted", "direct"] = Field("inverted", description="'Last, First' or 'First Last'")
    privileges: tuple[Privilege, ...] = Field(
        (
            Privilege(type="STATUS", value="status"),
            Privilege(type="PROFILE", value="category"),
            Privilege(type="LIBRARY", value="library"),
        ),
        description="UserPrivilege list, in this order",
    )
    status_ok: str = Field("ACTIVE", description="status word of a patron who may borrow")
    status_blocked: str = Field("BLOCKED", description="status word of one who may not")
    status_expired: str = Field("EXPIRED", description="status word after expiry")
    categories: dict[str, str] = Field({}, description="our patron category -> the partner's word")
    libraries: dict[str, str] = Field({}, description="our branch -> the partner's word")
    blocks: Literal["asked", "always"] = Field(
        "asked", description="Navigator stops restricted patrons only by BlockOrTrap"
    )
    block_words: dict[Literal["borrow", "request", "renew"], str] = Field(
        {"borrow": "Block Check Out", "request": "Block Request Item", "renew": "Block Renewal"},
        description="what a block forbids -> BlockOrTrapType; INN-Reach expects Block Hold",
    )
    email_type: str = Field("mailto", description="ElectronicAddressType of email addresses")
    phone_type: str = Field("tel", description="ElectronicAddressType of phone numbers")
    address_roles: dict[str, str] = Field({}, description="our role of a contact -> UserAddressRoleType")
    postal_type: str = Field("Postal Address", description="PhysicalAddressType")


class Requests(ProfileSection):
    id_type: str = Field("", description="RequestIdentifierType that we write; empty: as sent")
    types: dict[str, Literal["hold", "loan", "page", "recall"]] = Field(
        {
            "hold": "hold",
            "loan": "loan",
            "page": "page",
            "callslip": "page",
            "stack retrieval": "page",
            "recall": "recall",
            "physical": "loan",
        },
        description="RequestType as sent, lower case -> what is placed; an unlisted one is refused",
    )
    type_words: dict[Literal["hold", "loan", "page", "recall"], str] = Field(
        {"hold": "Hold", "loan": "Loan", "page": "Stack Retrieval", "recall": "Recall"},
        description="what was placed -> RequestType that we write where none was sent",
    )
    scopes: dict[str, Literal["item", "title"]] = Field(
        {"item": "item", "bibliographic item": "title", "title": "title"},
        description="RequestScopeType as sent, lower case",
    )
    scope_words: dict[Literal["item", "title"], str] = Field({"item": "Item", "title": "Bibliographic Item"})
    statuses: dict[HoldStatus, str] = Field({}, description="our hold status -> RequestStatusType, beside the standard")
    cancel_type: str = Field(
        "Hold",
        description="RequestType of a CancelRequestItem that we send; the schema needs one, ReShare leaves it out",
    )
    pickup_scheme: str = Field("", description="scheme URL of PickupLocation that we write (OCLC branchid.scm)")
    due_from: Literal["desired-date-due", "date-due", "either"] = Field(
        "either", description="element with the due date of a CheckOutItem request (INN-Reach: DateDue)"
    )


class AgencySource(StrEnum):
    FROM_AGENCY = "from-agency"
    PROFILE_TYPE = "profile-type"
    REQUEST_AGENCY = "request-agency"
    AGENCY_AUTHENTICATION = "agency-authentication"


class Header(ProfileSection):
    """What stands in headers, read and written."""

    answer: Literal["always", "when-sent", "never"] = Field(
        "always", description="ResponseHeader: OCLC requires it, Koha left it out for Auto-Graphics"
    )
    agencies: Literal["swapped", "copied"] = Field(
        "swapped", description="from and to of the answer; INN-Reach responders copy them"
    )
    agencies_of: dict[str, Literal["swapped", "copied"]] = Field(
        {}, description="the same for single services, such as LookupUser (INC swaps them there alone)"
    )
    require: tuple[Literal["header", "from-agency", "to-agency", "profile-type"], ...] = Field(
        (), description="parts whose absence is answered with Needed Data Missing (OCLC profile 2.00)"
    )
    agency_from: tuple[AgencySource, ...] = Field(
        (AgencySource.FROM_AGENCY, AgencySource.REQUEST_AGENCY),
        description="where the sender's agency is read, tried in order (FOLIO falls back to RequestId, Alma uses the "
        "partner code in ApplicationProfileType)",
    )
    our_agency: str = Field("", description="our agency id when a message has none; empty: the library's symbol")
    partner_agency: str = Field("", description="the partner's agency id, for messages that we send")
    agency_scheme: str = Field("", description="scheme URL of agency ids that we write; empty: as sent, or none")
    profile_type: str = Field("", description="ApplicationProfileType of messages that we send")
    profile_type_scheme: str = ""
    our_system: str = Field("", description="FromSystemId that we send (ALMA_NCIP_ILL, WMS Circ …)")
    partner_system: str = Field("", description="ToSystemId that we send")
    system_scheme: str = ""
    agency_authentication: SecretReference = Field(
        "", description="FromAgencyAuthentication that we send (NCSU, CrossLink): env:NAME or file:PATH"
    )
    ids_agency: Literal["as-sent", "always", "never"] = Field(
        "as-sent", description="AgencyId on user, item and request ids that we write; version 1 always has one"
    )


ServiceName = Literal[
    "AcceptItem",
    "CancelRequestItem",
    "CheckInItem",
    "CheckOutItem",
    "CirculationStatusUpdated",
    "CreateItem",
    "CreateUser",
    "CreateUserFiscalTransaction",
    "DeleteItem",
    "DeleteUser",
    "ItemCheckedIn",
    "ItemCheckedOut",
    "ItemRecalled",
    "ItemReceived",
    "ItemRenewed",
    "ItemRequestCancelled",
    "ItemRequestUpdated",
    "ItemRequested",
    "ItemShipped",
    "LookupAgency",
    "LookupItem",
    "LookupItemSet",
    "LookupRequest",
    "LookupUser",
    "LookupVersion",
    "RecallItem",
    "RenewAllItem",
    "RenewItem",
    "RequestItem",
    "UpdateCirculationStatus",
    "UpdateRequestItem",
    "UpdateUser",
]
"""What can be offered to a partner: the services of `adapters.ncip.services` and LookupVersion."""


class NcipDialect(ProfileSection):
    xml: XmlDialect = XmlDialect.model_construct()
    http: HttpDialect = HttpDialect.model_construct()
    tcp: TcpDialect = TcpDialect.model_construct()
    header: Header = Header.model_construct()
    patrons: Patrons = Patrons.model_construct()
    items: Items = Items.model_construct()
    requests: Requests = Requests.model_construct()
    answers: Answers = Answers.model_construct()
    errors: Errors = Errors.model_construct()
    services: tuple[ServiceName, ...] = Field(
        (),
        description="services offered to this partner, such as LookupUser; others are answered Unsupported Service. "
        "Empty: all that we know",
    )
    withheld: tuple[ServiceName, ...] = Field((), description="services that are refused though `services` has them")
    extensions: tuple[Literal["LookupItemSet", "RenewAllItem"], ...] = Field(
        (),
        description="services answered beyond the standard, if they are offered: LookupItemSet also in 2.0 and 2.01 "
        "and inside Ext (older VuFind and XC clients), RenewAllItem inside Ext (OCLC)",
    )

    def is_service_offered(self, service: str) -> bool:
        return service not in self.withheld and (not self.services or service in self.services)

    def is_form_answered(self, service: str, version: Version, *, in_ext: bool) -> bool:
        """Return whether a service is answered in this version, and in the place where it stands."""
        if service in self.extensions and not version.is_v1:
            return True
        return version.has_service(service) and not in_ext
