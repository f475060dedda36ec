"""Problems: why something was not done, in the standard's words and a partner's.

Problem types and their schemes: facts/ncip.md 3.6.
"""

from __future__ import annotations

from adapters.ncip.code_lists import make_problem_type
from adapters.ncip.dialect import Errors, NcipDialect, Wording
from adapters.ncip.messages import Code, Problem
from adapters.ncip.problem_elements import element_of_malformation, element_of_refusal
from adapters.ncip.wire_values import (
    GENERAL_PROCESSING_ERROR_SCHEME,
    MESSAGING_ERROR_SCHEME,
    GeneralProblemType,
    MessagingProblem,
    Version,
    processing_error_scheme,
)
from adapters.ncip.xml_parser import ParsedDocument
from gateway.domain.problems import MalformationKind, MalformedMessage, Refusal, RefusalReason

_GENERAL = frozenset(GeneralProblemType)
_MESSAGING = frozenset(MessagingProblem)

TYPES: dict[RefusalReason, str] = {
    RefusalReason.UNKNOWN_PATRON: "Unknown User",
    RefusalReason.AMBIGUOUS_PATRON: "Non-Unique User",
    RefusalReason.PATRON_AUTH_FAILED: "User Authentication Failed",
    RefusalReason.PATRON_BLOCKED: "User Blocked",
    RefusalReason.PATRON_EXPIRED: "User Blocked",
    RefusalReason.LIMIT_REACHED: "Maximum Check Outs Exceeded",
    RefusalReason.DUPLICATE_PATRON: "Duplicate User",
    RefusalReason.UNKNOWN_ITEM: "Unknown Item",
    RefusalReason.AMBIGUOUS_ITEM: "Non-Unique Item",
    RefusalReason.UNKNOWN_RECORD: "Unknown Item",
    RefusalReason.DUPLICATE_ITEM: "Duplicate Item",
    RefusalReason.ITEM_NOT_AVAILABLE: "Resource Cannot Be Provided",
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: "Item Does Not Circulate",
    RefusalReason.ITEM_ON_LOAN: "Resource Cannot Be Provided",
    RefusalReason.ON_LOAN_SAME_PATRON: "User Ineligible To Check Out This Item",
    RefusalReason.REQUESTED_BY_OTHER: "Resource Cannot Be Provided",
    RefusalReason.NOT_CHECKED_OUT: "Item Not Checked Out",
    RefusalReason.IN_USE: "Element Rule Violated",
    RefusalReason.UNKNOWN_REQUEST: "Unknown Request",
    RefusalReason.AMBIGUOUS_REQUEST: "Non-Unique Request",
    RefusalReason.REQUEST_CLOSED: "Request Already Processed",
    RefusalReason.DUPLICATE_REQUEST: "Duplicate Request",
    RefusalReason.BAD_PICKUP_LOCATION: "Element Rule Violated",
    RefusalReason.NOT_ALLOWED: "Element Rule Violated",
    RefusalReason.NOT_AVAILABLE_IN_TIME: "Item Not Available By Need Before Date",
    RefusalReason.NOT_RENEWABLE: "Item Not Renewable",
    RefusalReason.RENEWAL_LIMIT_REACHED: "Maximum Renewals Exceeded",
    RefusalReason.RENEWAL_HAS_REQUESTS: "Renewal Not Allowed - Item Has Outstanding Requests",
    RefusalReason.CANNOT_BE_RECALLED: "Item Cannot Be Recalled",
    RefusalReason.DUPLICATE_CHARGE: "Duplicate Fiscal Transaction",
    RefusalReason.INVALID_AMOUNT: "Invalid Amount",
    RefusalReason.DATA_MISSING: "Needed Data Missing",
    RefusalReason.INVALID_DATE: "Invalid Date",
    RefusalReason.INVALID_VALUE: "Unknown Value From Known Scheme",
    RefusalReason.UNSUPPORTED_SERVICE: "Unsupported Service",
    RefusalReason.UNAUTHORIZED_SERVICE: "Unauthorized Service For Agency",
    RefusalReason.UNKNOWN_SENDER: "Unknown Agency",
    RefusalReason.SENDER_AUTH_FAILED: "Agency Authentication Failed",
    RefusalReason.UNKNOWN_AGENCY: "Unknown Agency",
    RefusalReason.TEMPORARY_FAILURE: "Temporary Processing Failure",
    RefusalReason.CALL_NOT_ACCEPTED: "Unsupported Service",  # to send it again is no use
    RefusalReason.OTHER: "Temporary Processing Failure",
}

BY_SERVICE: dict[str, dict[RefusalReason, str]] = {
    "AcceptItem": {
        RefusalReason.DUPLICATE_ITEM: "Cannot Accept Item",
        RefusalReason.PATRON_BLOCKED: "User Ineligible To Check Out This Item",
        RefusalReason.PATRON_EXPIRED: "User Ineligible To Check Out This Item",
        RefusalReason.LIMIT_REACHED: "User Ineligible To Check Out This Item",
        RefusalReason.BAD_PICKUP_LOCATION: "Cannot Accept Item",
        RefusalReason.NOT_ALLOWED: "Cannot Accept Item",
        RefusalReason.ITEM_NOT_AVAILABLE: "Cannot Accept Item",
        RefusalReason.ITEM_ON_LOAN: "Cannot Accept Item",
        RefusalReason.DUPLICATE_REQUEST: "Cannot Accept Item",
        RefusalReason.IN_USE: "Cannot Accept Item",
    },
    "RequestItem": {
        RefusalReason.NOT_ALLOWED: "User Ineligible To Request This Item",
        RefusalReason.LIMIT_REACHED: "User Ineligible To Request This Item",
        RefusalReason.ON_LOAN_SAME_PATRON: "User Ineligible To Request This Item",
        RefusalReason.ITEM_NOT_AVAILABLE: "Item Does Not Circulate",
        RefusalReason.UNKNOWN_REQUEST: "Element Rule Violated",
    },
    "CheckOutItem": {RefusalReason.NOT_ALLOWED: "User Ineligible To Check Out This Item"},
    "RenewItem": {
        RefusalReason.NOT_ALLOWED: "User Ineligible To Renew This Item",
        RefusalReason.LIMIT_REACHED: "User Ineligible To Renew This Item",
    },
    "RenewAllItem": {
        RefusalReason.NOT_CHECKED_OUT: "No Items Checked Out",  # OCLC
        RefusalReason.NOT_ALLOWED: "User Ineligible To Renew This Item",
        RefusalReason.LIMIT_REACHED: "User Ineligible To Renew This Item",
    },
    "CancelRequestItem": {RefusalReason.NOT_ALLOWED: "Element Rule Violated"},
}
"""Where a service has a word of its own for a refusal."""

FAULTS: dict[MalformationKind, str] = {
    MalformationKind.SYNTAX: "Invalid Message Syntax Error",
    MalformationKind.TOO_LARGE: "Invalid Message Syntax Error",
    MalformationKind.PROTOCOL: "Protocol Error",
    MalformationKind.UNSUPPORTED_VERSION: "Protocol Error",
    MalformationKind.UNKNOWN_SERVICE: "Unknown Service",
    MalformationKind.UNKNOWN_ELEMENT: "Unknown Element",
    MalformationKind.DATA_MISSING: "Needed Data Missing",
    MalformationKind.INVALID_VALUE: "Unknown Value From Known Scheme",
    MalformationKind.INVALID_DATE: "Invalid Date",
}


def problem_of_refusal(
    refusal: Refusal, service: str, dialect: NcipDialect, version: Version, parsed: ParsedDocument | None
) -> Problem:
    """`parsed`: the message that was refused, as far as it could be read."""
    errors = dialect.errors
    wording = errors.services.get(service, {}).get(refusal.reason) or errors.map.get(refusal.reason) or Wording()
    standard = BY_SERVICE.get(service, {}).get(refusal.reason) or TYPES[refusal.reason]
    if dialect.xml.schemes and refusal.reason is RefusalReason.INVALID_VALUE:
        standard = "Element Rule Violated"  # the word for it is of a list that toolkits don't have
    if refusal.reason in (RefusalReason.TEMPORARY_FAILURE, RefusalReason.OTHER):
        standard = errors.failed_as
    element = element_of_refusal(refusal, service, version, parsed)
    value = refusal.value if errors.value == "as-sent" else ""
    return _build_problem(wording, standard, refusal.detail, element, value, service, dialect)


def problem_of_malformation(
    error: MalformedMessage, service: str, dialect: NcipDialect, parsed: ParsedDocument | None
) -> Problem:
    element = element_of_malformation(error, parsed)
    return _build_problem(Wording(), FAULTS[error.fault], str(error), element, "", service, dialect)


def _build_problem(
    wording: Wording,
    type_: str,
    detail: str,
    element: str,
    value: str,
    service: str,
    dialect: NcipDialect,
) -> Problem:
    errors = dialect.errors
    text = _fill_wording(wording.type, type_, value)
    is_ours = wording.type is None and wording.scheme is None and errors.scheme == "standard"
    is_listed = dialect.xml.schemes and is_ours and text not in _MESSAGING
    return Problem(
        type=make_problem_type(text, service)
        if is_listed
        else Code(text, _choose_problem_scheme(wording, text, service, errors)),
        detail=_fill_wording(wording.detail, detail, value) if errors.detail == "always" else None,
        element=wording.element if wording.element is not None else element,
        value=_fill_wording(wording.value, value, value) or None,
    )


def _fill_wording(worded: str | None, standard: str, value: str) -> str:
    """The profile's text with what was sent in it, or the standard's."""
    return worded.format(value=value) if worded is not None else standard


def _choose_problem_scheme(wording: Wording, text: str, service: str, errors: Errors) -> str | None:
    if wording.scheme is not None:
        return wording.scheme or None
    if errors.scheme == "none":
        return None
    if text in _GENERAL:
        return GENERAL_PROCESSING_ERROR_SCHEME
    if text in _MESSAGING or not service:
        return MESSAGING_ERROR_SCHEME
    return processing_error_scheme(service)
