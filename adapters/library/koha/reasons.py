"""Reasons of Koha's refusals: its codes and words -> our reasons (facts/ils-backends.md section 4).

A code may stand in `error_code`, in the text, or be a key of what an availability question answers. What nobody knows
is kept for staff and never shown to a partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.library.koha.client import KohaRefusalError
from adapters.library.refusals import RENEWAL_REASONS, find_reason, make_refusal
from gateway.domain.problems import MessagePart, RefusalReason, Refused

CHECKOUT_KEYS: Mapping[str, RefusalReason] = {
    "ISSUED_TO_ANOTHER": RefusalReason.ITEM_ON_LOAN,
    "RENEW_ISSUE": RefusalReason.ON_LOAN_SAME_PATRON,
    "NO_MORE_RENEWALS": RefusalReason.ON_LOAN_SAME_PATRON,
    "EXPIRED": RefusalReason.PATRON_EXPIRED,
    "DBARRED": RefusalReason.PATRON_BLOCKED,
    "USERBLOCKEDOVERDUE": RefusalReason.PATRON_BLOCKED,
    "USERBLOCKEDNOENDDATE": RefusalReason.PATRON_BLOCKED,
    "USERBLOCKEDWITHENDDATE": RefusalReason.PATRON_BLOCKED,
    "GNA": RefusalReason.PATRON_BLOCKED,
    "LOST": RefusalReason.PATRON_BLOCKED,
    "DEBT": RefusalReason.PATRON_BLOCKED,
    "DEBT_GUARANTEES": RefusalReason.PATRON_BLOCKED,
    "DEBT_GUARANTORS": RefusalReason.PATRON_BLOCKED,
    "NOT_FOR_LOAN": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "NOT_FOR_LOAN_FORCING": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "WTHDRAWN": RefusalReason.ITEM_NOT_AVAILABLE,
    "RESTRICTED": RefusalReason.ITEM_NOT_AVAILABLE,
    "ITEM_LOST": RefusalReason.ITEM_NOT_AVAILABLE,
    "RESERVED": RefusalReason.REQUESTED_BY_OTHER,
    "RESERVE_WAITING": RefusalReason.REQUESTED_BY_OTHER,
    "TRANSFERRED": RefusalReason.REQUESTED_BY_OTHER,
    "PROCESSING": RefusalReason.REQUESTED_BY_OTHER,
    "BOOKED_TO_ANOTHER": RefusalReason.REQUESTED_BY_OTHER,
    "TOO_MANY": RefusalReason.LIMIT_REACHED,
    "AGE_RESTRICTION": RefusalReason.NOT_ALLOWED,
    "UNKNOWN_BARCODE": RefusalReason.UNKNOWN_ITEM,
}
"""Keys of `blockers` and `confirms`, in the order in which one is named where there are several. Keys in lower case
say more of another."""

WORDS: Mapping[str, RefusalReason] = {
    "itemAlreadyOnHold": RefusalReason.DUPLICATE_REQUEST,
    "item_already_on_hold": RefusalReason.DUPLICATE_REQUEST,
    "alreadyReserved": RefusalReason.DUPLICATE_REQUEST,
    "tooManyHoldsForThisRecord": RefusalReason.DUPLICATE_REQUEST,
    "tooManyReserves": RefusalReason.LIMIT_REACHED,
    "tooManyReservesToday": RefusalReason.LIMIT_REACHED,
    "hold_limit": RefusalReason.LIMIT_REACHED,
    "alreadypossession": RefusalReason.ON_LOAN_SAME_PATRON,
    "already_possession": RefusalReason.ON_LOAN_SAME_PATRON,
    "notReservable": RefusalReason.NOT_ALLOWED,
    "not_reservable": RefusalReason.NOT_ALLOWED,
    "noReservesAllowed": RefusalReason.NOT_ALLOWED,
    "ageRestricted": RefusalReason.NOT_ALLOWED,
    "age_restricted": RefusalReason.NOT_ALLOWED,
    "cannotReserveFromOtherBranches": RefusalReason.NOT_ALLOWED,
    "branchNotInHoldGroup": RefusalReason.NOT_ALLOWED,
    "damaged": RefusalReason.ITEM_NOT_AVAILABLE,
    "pickup location is not valid": RefusalReason.BAD_PICKUP_LOCATION,
    "invalid_pickup_location": RefusalReason.BAD_PICKUP_LOCATION,
    "libraryNotPickupLocation": RefusalReason.BAD_PICKUP_LOCATION,
    "libraryNotFound": RefusalReason.BAD_PICKUP_LOCATION,
    "cannotBeTransferred": RefusalReason.BAD_PICKUP_LOCATION,
    "pickupNotInHoldGroup": RefusalReason.BAD_PICKUP_LOCATION,
    "patron_id not found": RefusalReason.UNKNOWN_PATRON,
    "PATRON_NOT_FOUND": RefusalReason.UNKNOWN_PATRON,
    "Patron not found": RefusalReason.UNKNOWN_PATRON,
    "ITEM_NOT_FOUND": RefusalReason.UNKNOWN_ITEM,
    "item_id not found": RefusalReason.UNKNOWN_ITEM,
    "Item not found": RefusalReason.UNKNOWN_ITEM,
    "Biblio not found": RefusalReason.UNKNOWN_RECORD,
    "Bibliographic record not found": RefusalReason.UNKNOWN_RECORD,
    "Hold not found": RefusalReason.UNKNOWN_REQUEST,
    "Checkout not found": RefusalReason.NOT_CHECKED_OUT,
    "Duplicate barcode": RefusalReason.DUPLICATE_ITEM,
    "Barcode not unique": RefusalReason.DUPLICATE_ITEM,
    "book_on_loan": RefusalReason.IN_USE,
    "book_reserved": RefusalReason.IN_USE,
    "item_has_holds": RefusalReason.IN_USE,
    "last_item_for_hold": RefusalReason.IN_USE,
    "linked_analytics": RefusalReason.IN_USE,
    "not_same_branch": RefusalReason.NOT_ALLOWED,
    "restricted": RefusalReason.PATRON_BLOCKED,
    "card_lost": RefusalReason.PATRON_BLOCKED,
    "bad_address": RefusalReason.PATRON_BLOCKED,
    "debt_limit": RefusalReason.PATRON_BLOCKED,
    "expired": RefusalReason.PATRON_EXPIRED,
    "does not exist": RefusalReason.INVALID_VALUE,
}
"""Part of a text, or a code -> reason; where several fit, the longest says most."""

RENEWAL_WORDS: Mapping[str, RefusalReason] = {
    "too_many": RefusalReason.RENEWAL_LIMIT_REACHED,
    "too_unseen": RefusalReason.RENEWAL_LIMIT_REACHED,
    "on_reserve": RefusalReason.RENEWAL_HAS_REQUESTS,
    "recalled": RefusalReason.RENEWAL_HAS_REQUESTS,
    "booked": RefusalReason.RENEWAL_HAS_REQUESTS,
    "too_soon": RefusalReason.NOT_RENEWABLE,
    "auto_renew": RefusalReason.NOT_RENEWABLE,
    "auto_too_soon": RefusalReason.NOT_RENEWABLE,
    "item_denied_renewal": RefusalReason.NOT_RENEWABLE,
    "item_issued_to_other_patron": RefusalReason.NOT_CHECKED_OUT,
    "no_checkout": RefusalReason.NOT_CHECKED_OUT,
    "overdue": RefusalReason.PATRON_BLOCKED,
    "restriction": RefusalReason.PATRON_BLOCKED,
    "too_much_owing": RefusalReason.PATRON_BLOCKED,
    "onsite_checkout": RefusalReason.NOT_RENEWABLE,
}


def refusal_of_answer(
    refusal: KohaRefusalError, own_words: Mapping[str, RefusalReason], *more: Mapping[str, RefusalReason]
) -> Refused:
    """The code first, then the text; the library's own words before all others; OTHER where nobody knows them."""
    tables = (own_words, *more, WORDS)
    reason = find_reason(refusal.code, *tables) if refusal.code else None
    reason = reason or find_reason(refusal.error, *tables)
    if reason is None and refusal.status == 409 and refusal.body.get("conflict"):
        reason = RefusalReason.DUPLICATE_PATRON
    return make_refusal(reason or RefusalReason.OTHER, describe_refusal(refusal))


def refusal_of_renewal(refusal: KohaRefusalError, own_words: Mapping[str, RefusalReason]) -> Refused:
    refused = refusal_of_answer(refusal, own_words, RENEWAL_WORDS)
    reason = RENEWAL_REASONS.get(refused.reason, refused.reason)
    if reason is RefusalReason.OTHER and refusal.status == 403:
        reason = RefusalReason.NOT_RENEWABLE
    return make_refusal(reason, describe_refusal(refusal))


def refusal_of_keys(keys: Iterable[str], own_words: Mapping[str, RefusalReason]) -> Refused:
    """Make the refusal of what an availability question answers."""
    named = sorted(key for key in keys if key.isupper())
    words = "Checkout not authorized: " + " ".join(named)
    for key in named:
        if (own := find_reason(key, own_words)) is not None:
            return make_refusal(own, words)
    for key, reason in CHECKOUT_KEYS.items():
        if key in named:
            return make_refusal(reason, words)
    return make_refusal(RefusalReason.OTHER, words)


def describe_refusal(refusal: KohaRefusalError) -> str:
    return f"HTTP {refusal.status}: {refusal.error} {refusal.code}".strip()


def refuse_ambiguous_patron() -> Refused:
    return make_refusal(RefusalReason.AMBIGUOUS_PATRON, "Koha finds several patrons", about=MessagePart.PATRON)
