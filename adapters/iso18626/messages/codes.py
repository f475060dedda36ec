"""The closed lists of ISO 18626, and the names of the open ones (docs/facts/iso-18626.md 4)."""

from __future__ import annotations

from enum import StrEnum

from adapters.iso18626.messages.declaration import SchemaVersion


class RequestType(StrEnum):
    NEW = "New"
    RETRY = "Retry"
    REMINDER = "Reminder"


class RequestSubType(StrEnum):
    BOOKING_REQUEST = "BookingRequest"
    MULTIPLE_ITEM_REQUEST = "MultipleItemRequest"
    PATRON_REQUEST = "PatronRequest"
    TRANSFER_REQUEST = "TransferRequest"
    SUPPLYING_LIBRARYS_CHOICE = "SupplyingLibrarysChoice"


class ServiceType(StrEnum):
    COPY = "Copy"
    LOAN = "Loan"
    COPY_OR_LOAN = "CopyOrLoan"


class PreferredEdition(StrEnum):
    MOST_RECENT_EDITION = "MostRecentEdition"
    THIS_EDITION = "ThisEdition"
    ANY_EDITION = "AnyEdition"


class ReasonForMessage(StrEnum):
    REQUEST_RESPONSE = "RequestResponse"
    STATUS_REQUEST_RESPONSE = "StatusRequestResponse"
    RENEW_RESPONSE = "RenewResponse"
    CANCEL_RESPONSE = "CancelResponse"
    STATUS_CHANGE = "StatusChange"
    NOTIFICATION = "Notification"


class Action(StrEnum):
    STATUS_REQUEST = "StatusRequest"
    RECEIVED = "Received"
    CANCEL = "Cancel"
    RENEW = "Renew"
    SHIPPED_RETURN = "ShippedReturn"
    SHIPPED_FORWARD = "ShippedForward"
    NOTIFICATION = "Notification"
    HOLD_RETURN = "HoldReturn"
    LOST = "Lost"


class Status(StrEnum):
    REQUEST_RECEIVED = "RequestReceived"
    EXPECT_TO_SUPPLY = "ExpectToSupply"
    WILL_SUPPLY = "WillSupply"
    LOANED = "Loaned"
    OVERDUE = "Overdue"
    RECALLED = "Recalled"
    RETRY_POSSIBLE = "RetryPossible"
    UNFILLED = "Unfilled"
    COPY_COMPLETED = "CopyCompleted"
    LOAN_COMPLETED = "LoanCompleted"
    COMPLETED_WITHOUT_RETURN = "CompletedWithoutReturn"
    CANCELLED = "Cancelled"
    HOLD_RETURN = "HoldReturn"
    RELEASE_HOLD_RETURN = "ReleaseHoldReturn"


class MessageStatus(StrEnum):
    OK = "OK"
    ERROR = "ERROR"


class ErrorType(StrEnum):
    UNSUPPORTED_ACTION_TYPE = "UnsupportedActionType"
    UNSUPPORTED_REASON_FOR_MESSAGE_TYPE = "UnsupportedReasonForMessageType"
    UNRECOGNISED_DATA_ELEMENT = "UnrecognisedDataElement"
    UNRECOGNISED_DATA_VALUE = "UnrecognisedDataValue"
    BADLY_FORMED_MESSAGE = "BadlyFormedMessage"


WORDS_SINCE_2021: frozenset[StrEnum] = frozenset(
    {Action.HOLD_RETURN, Action.LOST, Status.HOLD_RETURN, Status.RELEASE_HOLD_RETURN}
)
"""Words of closed lists that no version before 2021 has."""

LIST_URI = "http://illtransactions.org/ISO18626/OpenCodeList/"

_RENAMED_LISTS = {
    "BibliographicItemIdentifierCode": "BibliographicItemIdCode",
    "BibliographicRecordIdentifierCode": "BibliographicRecordIdCode",
    "DeliveryMethod": "SentVia",
}
"""Open lists that versions before 2021 call otherwise."""

_SECOND_EDITIONS = frozenset({"AgencyIdType", "BibliographicItemIdentifierCode", "ReasonRetry"})
"""Open lists of which 2021 has a second edition."""


_LISTS_OF_OTHERS = {
    "Currency": "http://www.bsi-global.com/Technical+Information/Publications/_Publications/tig90x.doc",
    "Country": "https://www.iso.org/iso-3166-country-codes.html",
    "Region": "https://www.iso.org/iso-3166-country-codes.html#2012_iso3166-2",
}
"""Lists that ISO 18626 takes from elsewhere, as OCLC's toolkit names them (docs/facts/iso-18626.md 4.2)."""


def build_list_uri(open_list: str, version: SchemaVersion) -> str:
    """`http://illtransactions.org/ISO18626/OpenCodeList/ReasonRetryList-V2.0`."""
    if open_list in _LISTS_OF_OTHERS:
        return _LISTS_OF_OTHERS[open_list]
    if open_list == "ElectronicAddressType":  # the one without the word List
        return f"{LIST_URI}{open_list}-V1.0"
    if version < SchemaVersion.V2021:
        return f"{LIST_URI}{_RENAMED_LISTS.get(open_list, open_list)}List-V1.0"
    return f"{LIST_URI}{open_list}List-V{'2.0' if open_list in _SECOND_EDITIONS else '1.0'}"
