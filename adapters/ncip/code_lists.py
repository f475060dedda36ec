"""The standard's value lists (implementation profile 1), and the URI by which a code names its list.

A toolkit in its default settings knows a code by Scheme and word together and can't read one without (facts/ncip.md 8).
`xml.schemes` of a profile has codes written so.
"""

from __future__ import annotations

import re
from functools import lru_cache

from adapters.ncip.messages.declaration import Code
from adapters.ncip.wire_values import (
    GENERAL_PROCESSING_ERROR_SCHEME,
    RENEW_ALL_ERROR_SCHEME,
    SCHEMES,
    GeneralProblemType,
    processing_error_scheme,
)

_PROFILE_SCHEMES = "http://www.niso.org/ncip/v1_0/imp1/schemes/"

WORDS: dict[str, str] = {
    "AgencyAddressRoleType": "Bill To; Multi-Purpose; Official; Ship From; Ship To",
    "AgencyElementType": "Agency Address Information; Agency User Privilege Type; "
    "Application Profile Supported Type; Authentication Prompt; Consortium Agreement; "
    "Organization Name Information",
    "AuthenticationInputType": "Barcode Id; MD5 Message Digest Algorithm; Password; PIN; "
    "Secondary Confirmation String; User Id; X.509 Certificate",
    "BibliographicItemIdentifierCode": "BICI; CODEN; DOI; Government Publication Number; ISBN; ISMN; ISRC; ISSN; "
    "Legal Deposit Number; PURL; Report Number; SICI; URI",
    "BibliographicLevel": "Collection; Monograph; Monographic Component Part; Serial; Serial Component Part",
    "BibliographicRecordIdentifierCode": "Accession Number; ANBN; BNBN; CN; LCCN; NLM TCN; OCLC; RLIN",
    "CirculationStatus": "Available For Pickup; Available On Shelf; Circulation Status Undefined; "
    "Claimed Returned Or Never Borrowed; In Process; In Transit Between Library Locations; Lost; Missing; "
    "Not Available; On Loan; On Order; Pending Transfer; Recalled; Waiting To Be Reshelved",
    "ComponentIdentifierType": "BICI; SICI",
    "FiscalActionType": "Assess; Cancel; Forgive; Payment; Penalty; Waive; Write Off",
    "FiscalTransactionType": "Book Replacement Charge; Card Replacement Charge; Catalog Search; Day Pass; Fine; "
    "Interlibrary Loan Fee; Purchase; Reminder Charge; Renewal Fee; Rental; Reservation Charge; Service Charge",
    "ItemDescriptionLevel": "Bibliographic Item; Item",
    "ItemElementType": "Bibliographic Description; Circulation Status; Electronic Resource; Hold Queue Length; "
    "Item Description; Item Use Restriction Type; Location; Physical Condition; Security Marker; "
    "Sensitization Flag",
    "ItemIdentifierType": "Accession Number; Barcode",
    "ItemUseRestrictionType": "Available For Supply Without Return; In Library Use Only; "
    "Limited Circulation, Long Loan Period; Limited Circulation, Normal Loan Period; "
    "Limited Circulation, Short Loan Period; No Reproduction; Not For Loan; Overnight Only; "
    "Renewals Not Permitted; Supervision Required; Term Loan; Use Only In Controlled Access; "
    "User Signature Required",
    "LocationType": "Current Location; Permanent Location; Temporary Location",
    "MediumType": "Audio Tape; Book; Book With Audio Tape; Book With Compact Disc; Book With Diskette; "
    "Bound Journal; CD-ROM; Compact Disc (CD); Diskette; Magazine; Microform; Video Tape",
    "OrganizationNameType": "Abbreviation Or Acronym; Alternative Name; Converted Name; Distinguished Name; "
    "Official Name; Translated Name; Transliterated Name",
    "PaymentMethodType": "Bank Draft; Cash; Check; Credit Card; Debit Card; Deposit Account; Direct Debit; "
    "Funds Transfer; Money Order; Traveler's Check",
    "PhysicalAddressType": "Postal Address; Street Address",
    "PhysicalConditionType": "Bad URL; Binding Weak; Color Plates Missing; Corrupt Or Unreadable File; Discolored; "
    "Faded; Markings; Pages Missing; Photocopy Illegible; Special Binding; Water Damage",
    "RequestElementType": "User Id; Request Type; Request Scope Type; Request Status Type; Hold Queue Position; "
    "Shipping Information; Earliest Date Needed; Need Before Date; Pickup Date; Pickup Location; "
    "Pickup Expiry Date; Date Of User Request; Date Available; Acknowledged Fee Amount; Paid Fee Amount",
    "RequestScopeType": "Bibliographic Item; Item",
    "RequestStatusType": "Available For Pickup; Cannot Fulfill Request; Expired; In Process; "
    "Need to Accept Conditions; Requested Via ILL",
    "RequestType": "Estimate; Hold; Loan; Non-returnable Copy; Stack Retrieval",
    "RequestedActionType": "Circulate; Circulate And Notify; Hold For Pickup; Hold For Pickup And Notify",
    "SecurityMarker": "Checkpoint emag; Checkpoint RFID; Gemplus RFID; Guardian emag; Ketec RFID; Knogo emag; "
    "Lib-Chip; None; PGP; Protexit emag; Sensormatic emag; Tag-It; Tattle-Tape Security Strip; Ultra-Max",
    "UnstructuredAddressType": "Carriage-Return, Newline-Delimited Text; HTML; Newline-Delimited Text; XML",
    "UserAddressRoleType": "Bill To; Home; Multi-Purpose; Notice; Ship To; Work",
    "UserElementType": "Authentication Input; Block Or Trap; Date Of Birth; Name Information; "
    "User Address Information; User Language; User Privilege; User Id; Previous User Id",
    "UserIdentifierType": "Barcode; Institution Id Number",
}
"""Element -> the words of its list, with `; ` between."""

_URIS: dict[str, str] = {
    "AgencyElementType": f"{SCHEMES}agencyelementtype/agencyelementtype.scm",
    "ItemElementType": f"{SCHEMES}itemelementtype/itemelementtype.scm",
    "RequestElementType": f"{SCHEMES}requestelementtype/requestelementtype.scm",
    "UserElementType": f"{SCHEMES}userelementtype/userelementtype.scm",
    "ItemIdentifierType": f"{_PROFILE_SCHEMES}visibleitemidentifiertype/visibleitemidentifiertype.scm",
    "UserIdentifierType": f"{_PROFILE_SCHEMES}visibleuseridentifiertype/visibleuseridentifiertype.scm",
    "UserAddressRoleType": "http://www.niso.org/ncip/v2_0/imp1/schemes/useraddressroletype/useraddressroletype.scm",
}
"""Of lists that don't have the usual one."""

_LANGUAGES = "http://lcweb.loc.gov/standards/iso639-2/bibcodes.html"
_MEDIA_TYPES = "http://www.iana.org/assignments/media-types"

FOREIGN_LISTS: dict[str, tuple[str, str]] = {
    "AuthenticationDataFormatType": (_MEDIA_TYPES, r"[a-z]+/[\w.+-]+"),
    "CurrencyCode": (
        "http://www.bsi-global.com/Technical+Information/Publications/_Publications/tig90x.doc",
        "[A-Z]{3}",
    ),
    "ElectronicAddressType": ("http://www.iana.org/assignments/uri-schemes", "[a-z][a-z0-9+.-]*"),
    "ElectronicDataFormatType": (_MEDIA_TYPES, r"[a-z]+/[\w.+-]+"),
    "Language": (_LANGUAGES, "[a-z]{3}"),
    "UserLanguage": (_LANGUAGES, "[a-z]{3}"),
}
"""Element -> URI of another standard's list, and what its words look like."""

PROBLEMS: dict[str, str] = {
    "AcceptItem": "Cannot Accept Item; Cannot Guarantee Restrictions On Use; Element Rule Violated; Unknown Item; "
    "Unknown Request; Unknown User; User Ineligible To Check Out This Item",
    "CancelRequestItem": "Element Rule Violated; Request Already Processed; Unknown Item; Unknown Request; "
    "Unknown User; User Authentication Failed",
    "CheckInItem": "Item Not Checked Out; Unknown Item",
    "CheckOutItem": "Item Does Not Circulate; Maximum Check Outs Exceeded; Resource Cannot Be Provided; "
    "Unknown Item; Unknown Request; Unknown User; Unsupported Shipping Address Type; "
    "User Authentication Failed; User Blocked; User Ineligible To Check Out This Item",
    "LookupItem": "Element Rule Violated; Item Access Denied; Non-Unique Item; Unknown Item",
    "LookupRequest": "Element Rule Violated; Unknown Request",
    "LookupUser": "Element Rule Violated; Non-Unique User; Unknown User; User Access Denied; "
    "User Authentication Failed",
    "RenewItem": "Item Not Checked Out; Item Not Renewable; Maximum Renewals Exceeded; "
    "Renewal Not Allowed - Item Has Outstanding Requests; Unknown Item; Unknown User; "
    "User Authentication Failed; User Blocked; User Ineligible To Renew This Item",
    "RequestItem": "Duplicate Request; Element Rule Violated; Item Does Not Circulate; "
    "Item Not Available By Need Before Date; Unknown Item; Unknown User; User Authentication Failed; "
    "User Blocked; User Ineligible To Request This Item",
    "UpdateRequestItem": "Element Rule Violated; Item Access Denied; Unable To Add Element; "
    "Unable To Delete Element; Unknown Item; Unknown Request; Unknown User; User Authentication Failed",
}
"""Service -> its problem types; other services have no list."""

SUBSTITUTES: dict[str, dict[str, str]] = {
    "FiscalTransactionType": {"ill-fee": "Interlibrary Loan Fee", "overdue": "Fine", "": "Service Charge"},
    "OrganizationNameType": {"full name": "Official Name"},
    "RequestScopeType": {"title": "Bibliographic Item"},
    "RequestType": {"page": "Stack Retrieval", "callslip": "Stack Retrieval", "recall": "Hold"},
    "UserAddressRoleType": {"": "Multi-Purpose"},
}
"""Element that an answer can't do without -> its list's word for one of ours, in lower case; `''`: for any."""

_ELEMENT_RULE = "Element Rule Violated"


def has_list(element: str) -> bool:
    return element in WORDS or element in FOREIGN_LISTS


@lru_cache(maxsize=4096)
def find_listed_code(element: str, word: str) -> Code | None:
    """The word as its list spells it, with the list's URI. None: no list of this element has it."""
    if element in FOREIGN_LISTS:
        uri, pattern = FOREIGN_LISTS[element]
        return Code(word, uri) if re.fullmatch(pattern, word) else None
    folded = word.strip().casefold()
    listed = next((part for part in WORDS.get(element, "").split("; ") if part.casefold() == folded), "")
    if not listed:
        return None
    name = element.lower()
    return Code(listed, _URIS.get(element, f"{_PROFILE_SCHEMES}{name}/{name}.scm"))


def substitute_word(element: str, word: str) -> str:
    """A word of the element's list for one that it doesn't have; the same word where there is none."""
    if find_listed_code(element, word) is not None:
        return word
    known = SUBSTITUTES.get(element, {})
    return known.get(word.strip().casefold(), known.get("", word))


def make_problem_type(word: str, service: str) -> Code:
    """Make a type of the service's list, else of the general one, else of another service's; a word that none has is an
    element rule that was violated. OCLC's own service has a list of its own."""
    if service == "RenewAllItem":
        return Code(word, RENEW_ALL_ERROR_SCHEME)
    if word in PROBLEMS.get(service, "").split("; "):
        return Code(word, processing_error_scheme(service))
    if word in frozenset(GeneralProblemType):
        return Code(word, GENERAL_PROCESSING_ERROR_SCHEME)
    other = next((name for name, words in PROBLEMS.items() if word in words.split("; ")), "")
    return Code(word, processing_error_scheme(other)) if other else make_problem_type(_ELEMENT_RULE, service)
