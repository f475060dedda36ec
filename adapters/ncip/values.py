"""The standard's value lists that we write from (facts/ncip.md 3.6).

The lists are open: partners send words of their own, so messages hold plain `Code`s. Words that aren't the
standard's carry the short name of the source where they were seen. Lists that a profile may tailor stand in the
dialect.
"""

from __future__ import annotations

from enum import StrEnum

SCHEMES = "http://www.niso.org/ncip/v1_0/schemes/"


def processing_error_scheme(service: str) -> str:
    """The scheme of a service's problem types: `AcceptItem` -> …/acceptitemprocessingerror.scm."""
    return f"{SCHEMES}processingerrortype/{service.lower()}processingerror.scm"


GENERAL_PROCESSING_ERROR_SCHEME = processing_error_scheme("general")
MESSAGING_ERROR_SCHEME = f"{SCHEMES}messagingerrortype/messagingerrortype.scm"


class GeneralProblem(StrEnum):
    """Problem types that any service may answer with."""

    AGENCY_AUTHENTICATION_FAILED = "Agency Authentication Failed"
    INVALID_AMOUNT = "Invalid Amount"
    INVALID_DATE = "Invalid Date"
    NEEDED_DATA_MISSING = "Needed Data Missing"
    SYSTEM_AUTHENTICATION_FAILED = "System Authentication Failed"
    TEMPORARY_PROCESSING_FAILURE = "Temporary Processing Failure"
    UNAUTHORIZED_COMBINATION_FOR_AGENCY = "Unauthorized Combination Of Element Values For Agency"
    UNAUTHORIZED_COMBINATION_FOR_SYSTEM = "Unauthorized Combination Of Element Values For System"
    UNAUTHORIZED_SERVICE_FOR_AGENCY = "Unauthorized Service For Agency"
    UNAUTHORIZED_SERVICE_FOR_SYSTEM = "Unauthorized Service For System"
    UNKNOWN_AGENCY = "Unknown Agency"
    UNKNOWN_SYSTEM = "Unknown System"
    UNSUPPORTED_SERVICE = "Unsupported Service"


class MessagingProblem(StrEnum):
    """Problem types for messages that can't be dealt with as a whole."""

    INVALID_MESSAGE_SYNTAX = "Invalid Message Syntax Error"
    PROTOCOL_ERROR = "Protocol Error"
    UNKNOWN_ELEMENT = "Unknown Element"
    UNKNOWN_SCHEME = "Unknown Scheme"
    UNKNOWN_SERVICE = "Unknown Service"
    UNKNOWN_VALUE = "Unknown Value From Known Scheme"


PROBLEM_TYPES: dict[str, frozenset[str]] = {
    service: frozenset(types)
    for service, types in {
        "AcceptItem": (
            "Cannot Accept Item",
            "Cannot Guarantee Restrictions On Use",
            "Element Rule Violated",
            "Unknown Item",
            "Unknown Request",
            "Unknown User",
            "User Ineligible To Check Out This Item",
        ),
        "CancelRequestItem": (
            "Element Rule Violated",
            "Request Already Processed",
            "Unknown Item",
            "Unknown Request",
            "Unknown User",
            "User Authentication Failed",
        ),
        "CheckInItem": ("Item Not Checked Out", "Unknown Item"),
        "CheckOutItem": (
            "Item Does Not Circulate",
            "Maximum Check Outs Exceeded",
            "Resource Cannot Be Provided",
            "Unknown Item",
            "Unknown Request",
            "Unknown User",
            "Unsupported Shipping Address Type",
            "User Authentication Failed",
            "User Blocked",
            "User Ineligible To Check Out This Item",
        ),
        "RenewItem": (
            "Item Not Checked Out",
            "Item Not Renewable",
            "Maximum Renewals Exceeded",
            "Renewal Not Allowed - Item Has Outstanding Requests",
            "Unknown Item",
            "Unknown User",
            "User Authentication Failed",
            "User Blocked",
            "User Ineligible To Renew This Item",
        ),
        "RequestItem": (
            "Duplicate Request",
            "Element Rule Violated",
            "Item Does Not Circulate",
            "Item Not Available By Need Before Date",
            "Unknown Item",
            "Unknown User",
            "User Authentication Failed",
            "User Blocked",
            "User Ineligible To Request This Item",
        ),
        "RecallItem": (
            "Item Cannot Be Recalled",
            "Item Not Checked Out",
            "Unknown Item",
            "Unsupported Shipping Address Type",
        ),
        "LookupUser": (
            "Element Rule Violated",
            "Non-Unique User",
            "Unknown User",
            "User Access Denied",
            "User Authentication Failed",
        ),
        "LookupItem": ("Element Rule Violated", "Item Access Denied", "Non-Unique Item", "Unknown Item"),
        "LookupRequest": ("Element Rule Violated", "Item Access Denied", "Non-Unique Request", "Unknown Request"),
        "CreateUser": ("Duplicate User", "Element Rule Violated", "User Authentication Failed"),
        "UpdateUser": (
            "Element Rule Violated",
            "Unable To Add Element",
            "Unable To Delete Element",
            "Unknown User",
            "User Access Denied",
        ),
        "CreateItem": ("Duplicate Item", "Element Rule Violated"),
        "CreateUserFiscalTransaction": (
            "Account Access Denied",
            "Duplicate Fiscal Transaction",
            "Element Rule Violated",
            "Unable To Add Element",
            "Unknown Item",
            "Unknown Request",
            "Unknown User",
            "User Access Denied",
            "User Authentication Failed",
        ),
    }.items()
}
"""Service -> its own problem types. Services that aren't here have none listed, only the general ones."""


class RequestStatus(StrEnum):
    """RequestStatusType."""

    AVAILABLE_FOR_PICKUP = "Available For Pickup"
    CANNOT_FULFILL_REQUEST = "Cannot Fulfill Request"
    EXPIRED = "Expired"
    IN_PROCESS = "In Process"
    NEED_TO_ACCEPT_CONDITIONS = "Need to Accept Conditions"
    REQUESTED_VIA_ILL = "Requested Via ILL"


class CirculationState(StrEnum):
    """CirculationStatus."""

    AVAILABLE_FOR_PICKUP = "Available For Pickup"
    AVAILABLE_ON_SHELF = "Available On Shelf"
    UNDEFINED = "Circulation Status Undefined"
    CLAIMED_RETURNED = "Claimed Returned Or Never Borrowed"
    IN_PROCESS = "In Process"
    IN_TRANSIT = "In Transit Between Library Locations"
    LOST = "Lost"
    MISSING = "Missing"
    NOT_AVAILABLE = "Not Available"
    ON_LOAN = "On Loan"
    ON_ORDER = "On Order"
    PENDING_TRANSFER = "Pending Transfer"
    RECALLED = "Recalled"
    WAITING_TO_BE_RESHELVED = "Waiting To Be Reshelved"
    CHECKED_IN = "Checked In"  # KOHA
    ON_HOLD = "On Hold"  # OCLC
