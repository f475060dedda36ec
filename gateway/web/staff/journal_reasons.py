"""Words for why a message of the journal was refused, not understood or not finished."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.problems import MalformationKind, RefusalReason
from gateway.domain.sentences import mark_template, recognize_sentence
from gateway.services.exchange.recovery import INTERRUPTED, INTERRUPTION_NOTE, SET_ASIDE, WHY_INTERRUPTED, WHY_SET_ASIDE
from gateway.services.letters.localization import Localization, mark_text

JOURNAL_REASONS: Mapping[str, str] = {
    RefusalReason.UNKNOWN_PATRON: mark_text("unknown patron"),
    RefusalReason.AMBIGUOUS_PATRON: mark_text("several patrons match"),
    RefusalReason.PATRON_AUTH_FAILED: mark_text("wrong password or PIN"),
    RefusalReason.PATRON_BLOCKED: mark_text("the patron is blocked"),
    RefusalReason.PATRON_EXPIRED: mark_text("the patron’s card has expired"),
    RefusalReason.LIMIT_REACHED: mark_text("the patron has reached the limit"),
    RefusalReason.DUPLICATE_PATRON: mark_text("the patron already exists"),
    RefusalReason.UNKNOWN_ITEM: mark_text("unknown item"),
    RefusalReason.AMBIGUOUS_ITEM: mark_text("several items match"),
    RefusalReason.UNKNOWN_RECORD: mark_text("unknown title"),
    RefusalReason.DUPLICATE_ITEM: mark_text("the item already exists"),
    RefusalReason.ITEM_NOT_AVAILABLE: mark_text("the item is not available"),
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: mark_text("the item cannot be lent"),
    RefusalReason.ITEM_ON_LOAN: mark_text("the item is on loan"),
    RefusalReason.ON_LOAN_SAME_PATRON: mark_text("the patron already has the item"),
    RefusalReason.REQUESTED_BY_OTHER: mark_text("another patron is waiting for the item"),
    RefusalReason.NOT_CHECKED_OUT: mark_text("the item is not on loan"),
    RefusalReason.IN_USE: mark_text("the item is in use"),
    RefusalReason.UNKNOWN_REQUEST: mark_text("unknown request"),
    RefusalReason.AMBIGUOUS_REQUEST: mark_text("several requests match"),
    RefusalReason.REQUEST_CLOSED: mark_text("the request is closed"),
    RefusalReason.DUPLICATE_REQUEST: mark_text("the request already exists"),
    RefusalReason.BAD_PICKUP_LOCATION: mark_text("it cannot be picked up at this location"),
    RefusalReason.NOT_ALLOWED: mark_text("not allowed"),
    RefusalReason.NOT_AVAILABLE_IN_TIME: mark_text("it would not arrive in time"),
    RefusalReason.NOT_RENEWABLE: mark_text("it cannot be renewed"),
    RefusalReason.RENEWAL_LIMIT_REACHED: mark_text("renewal limit reached"),
    RefusalReason.RENEWAL_HAS_REQUESTS: mark_text("it cannot be renewed because another patron is waiting"),
    RefusalReason.CANNOT_BE_RECALLED: mark_text("it cannot be recalled"),
    RefusalReason.DUPLICATE_CHARGE: mark_text("it has already been charged"),
    RefusalReason.INVALID_AMOUNT: mark_text("not a valid amount"),
    RefusalReason.DATA_MISSING: mark_text("required data is missing"),
    RefusalReason.INVALID_DATE: mark_text("invalid date"),
    RefusalReason.INVALID_VALUE: mark_text("invalid value"),
    RefusalReason.UNSUPPORTED_SERVICE: mark_text("unsupported service"),
    RefusalReason.UNAUTHORIZED_SERVICE: mark_text("the sender is not allowed to request this"),
    RefusalReason.UNKNOWN_SENDER: mark_text("unknown sender"),
    RefusalReason.SENDER_AUTH_FAILED: mark_text("the sender could not be authenticated"),
    RefusalReason.UNKNOWN_AGENCY: mark_text("unknown library"),
    RefusalReason.TEMPORARY_FAILURE: mark_text("temporarily not possible"),
    RefusalReason.CALL_NOT_ACCEPTED: mark_text("the library system does not accept the gateway's call"),
    RefusalReason.OTHER: mark_text("other reason"),
    MalformationKind.SYNTAX: mark_text("the message does not follow its format"),
    MalformationKind.TOO_LARGE: mark_text("too large"),
    MalformationKind.PROTOCOL: mark_text("not a message in this format"),
    MalformationKind.UNKNOWN_SERVICE: mark_text("the service is not part of the format"),
    MalformationKind.UNKNOWN_ELEMENT: mark_text("the element is not part of the format"),
    MalformationKind.UNSUPPORTED_VERSION: mark_text("unsupported version of the format"),
    INTERRUPTED: mark_text("the gateway was interrupted before it finished"),
    SET_ASIDE: mark_text("the gateway stopped at every attempt"),
}
"""`data-missing`, `invalid-value` and `invalid-date` are in both lists of codes, and mean the same."""


def describe_journal_reason(reason: str, localization: Localization) -> str:
    """Describe a reason; of a mail it is a sentence."""
    return localization.translate_sentence(JOURNAL_REASONS.get(reason, reason))


_RECOVERY_NOTES = {
    INTERRUPTION_NOTE: mark_template("The gateway was interrupted while it processed this message: %(why)s."),
    WHY_SET_ASIDE: mark_template(
        "%(starts)s starts ended while they processed it, so it is set aside. First check what is wrong with it, then "
        "run illgate replay %(message)s"
    ),
    WHY_INTERRUPTED: mark_template("it cannot be finished: %(why)s"),
}


def describe_journal_note(note: str, localization: Localization) -> str:
    """The journal keeps notes as texts, and its commands read them in English."""
    return localization.translate_sentence(recognize_sentence(note, _RECOVERY_NOTES))
