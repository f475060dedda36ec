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
