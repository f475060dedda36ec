"""Why a message of the journal was refused, not understood or not finished: its code in words."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.problems import MalformationKind, RefusalReason
from gateway.services.exchange.recovery import INTERRUPTED, SET_ASIDE
from gateway.services.localization import Localization, mark_text

JOURNAL_REASONS: Mapping[str, str] = {
    RefusalReason.UNKNOWN_PATRON: mark_text("the reader is not known"),
    RefusalReason.AMBIGUOUS_PATRON: mark_text("more than one reader may be meant"),
    RefusalReason.PATRON_AUTH_FAILED: mark_text("the reader’s password or PIN is wrong"),
    RefusalReason.PATRON_BLOCKED: mark_text("the reader is blocked"),
    RefusalReason.PATRON_EXPIRED: mark_text("the reader’s card has expired"),
    RefusalReason.LIMIT_REACHED: mark_text("the reader has as much as is allowed"),
    RefusalReason.DUPLICATE_PATRON: mark_text("there is such a reader already"),
    RefusalReason.UNKNOWN_ITEM: mark_text("the item is not known"),
    RefusalReason.AMBIGUOUS_ITEM: mark_text("more than one item may be meant"),
    RefusalReason.UNKNOWN_RECORD: mark_text("the title is not known"),
    RefusalReason.DUPLICATE_ITEM: mark_text("there is such an item already"),
    RefusalReason.ITEM_NOT_AVAILABLE: mark_text("the item is not available"),
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: mark_text("the item is not lent"),
    RefusalReason.ITEM_ON_LOAN: mark_text("the item is on loan"),
    RefusalReason.ON_LOAN_SAME_PATRON: mark_text("this reader has the item already"),
    RefusalReason.REQUESTED_BY_OTHER: mark_text("somebody else waits for the item"),
    RefusalReason.NOT_CHECKED_OUT: mark_text("the item is not on loan"),
    RefusalReason.IN_USE: mark_text("it is in use"),
    RefusalReason.UNKNOWN_REQUEST: mark_text("the request is not known"),
    RefusalReason.AMBIGUOUS_REQUEST: mark_text("more than one request may be meant"),
    RefusalReason.REQUEST_CLOSED: mark_text("the request has ended"),
    RefusalReason.DUPLICATE_REQUEST: mark_text("there is such a request already"),
    RefusalReason.BAD_PICKUP_LOCATION: mark_text("it can’t be collected at this place"),
    RefusalReason.NOT_ALLOWED: mark_text("this is not allowed"),
    RefusalReason.NOT_AVAILABLE_IN_TIME: mark_text("it would not be there in time"),
    RefusalReason.NOT_RENEWABLE: mark_text("it can’t be kept longer"),
    RefusalReason.RENEWAL_LIMIT_REACHED: mark_text("it was renewed as often as is allowed"),
    RefusalReason.RENEWAL_HAS_REQUESTS: mark_text("somebody waits for it, so it can’t be renewed"),
    RefusalReason.CANNOT_BE_RECALLED: mark_text("it can’t be recalled"),
    RefusalReason.DUPLICATE_CHARGE: mark_text("it was charged already"),
    RefusalReason.INVALID_AMOUNT: mark_text("this is no amount"),
    RefusalReason.DATA_MISSING: mark_text("something that is needed is missing"),
    RefusalReason.INVALID_DATE: mark_text("a date can’t be right"),
    RefusalReason.INVALID_VALUE: mark_text("a value can’t be right"),
    RefusalReason.UNSUPPORTED_SERVICE: mark_text("the gateway doesn’t know this service"),
    RefusalReason.UNAUTHORIZED_SERVICE: mark_text("the sender may not ask for this"),
    RefusalReason.UNKNOWN_SENDER: mark_text("the sender is not known"),
    RefusalReason.SENDER_AUTH_FAILED: mark_text("the sender could not prove who it is"),
    RefusalReason.UNKNOWN_AGENCY: mark_text("the library that is named is not known"),
    RefusalReason.TEMPORARY_FAILURE: mark_text("it could not be done at that time"),
    RefusalReason.OTHER: mark_text("another reason"),
    MalformationKind.SYNTAX: mark_text("it is not written as its format asks"),
    MalformationKind.TOO_LARGE: mark_text("it is too large"),
    MalformationKind.PROTOCOL: mark_text("it is no message of this format"),
    MalformationKind.UNKNOWN_SERVICE: mark_text("it asks for a service that the format doesn’t have"),
    MalformationKind.UNKNOWN_ELEMENT: mark_text("it has an element that the format doesn’t have"),
    MalformationKind.UNSUPPORTED_VERSION: mark_text("its version of the format is not understood"),
    INTERRUPTED: mark_text("the gateway was interrupted and could not finish it"),
    SET_ASIDE: mark_text("the gateway stopped each time it was tried"),
}
"""`data-missing`, `invalid-value` and `invalid-date` are in both lists of codes, and mean the same."""


def describe_journal_reason(reason: str, localization: Localization) -> str:
    """Of a mail it is a sentence."""
    return localization.translate_sentence(JOURNAL_REASONS.get(reason, reason))
