"""Reasons of a SIP2 system's refusals. It says so only in the words that it shows to people (AF), which differ from
system to system and from language to language: facts/ils-backends.md section 4.

The words below were seen in Koha, Evergreen and edge-sip2, or are those of the standard; a library adds its own
(`reasons`), which are looked for first. What nobody knows is kept for staff and never shown to a partner.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.library.refusals import find_reason, make_refusal
from gateway.domain.problems import RefusalReason, Refused

KNOWN_WORDS: Mapping[str, RefusalReason] = {
    "expired": RefusalReason.PATRON_EXPIRED,
    "patron blocked": RefusalReason.PATRON_BLOCKED,
    "patron is blocked": RefusalReason.PATRON_BLOCKED,
    "invalid item": RefusalReason.UNKNOWN_ITEM,
    "unknown item": RefusalReason.UNKNOWN_ITEM,
    "no such item": RefusalReason.UNKNOWN_ITEM,
    "item not found": RefusalReason.UNKNOWN_ITEM,
    "item does not exist": RefusalReason.UNKNOWN_ITEM,
    "already checked out to you": RefusalReason.ON_LOAN_SAME_PATRON,
    "checked out to another": RefusalReason.ITEM_ON_LOAN,
    "already checked out": RefusalReason.ITEM_ON_LOAN,
    "item is on hold": RefusalReason.REQUESTED_BY_OTHER,
    "on hold for another": RefusalReason.REQUESTED_BY_OTHER,
    "requested by another": RefusalReason.REQUESTED_BY_OTHER,
    "outstanding hold": RefusalReason.REQUESTED_BY_OTHER,
    "not for loan": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "does not circulate": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "reference item": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "too many": RefusalReason.LIMIT_REACHED,
    "limit reached": RefusalReason.LIMIT_REACHED,
    "hold exists": RefusalReason.DUPLICATE_REQUEST,
    "already on hold": RefusalReason.DUPLICATE_REQUEST,
    "already reserved": RefusalReason.DUPLICATE_REQUEST,
    "pickup location": RefusalReason.BAD_PICKUP_LOCATION,
    "cannot be reserved": RefusalReason.NOT_ALLOWED,
    "not allowed": RefusalReason.NOT_ALLOWED,
    "not renewable": RefusalReason.NOT_RENEWABLE,
    "cannot be renewed": RefusalReason.NOT_RENEWABLE,
    "renewal limit": RefusalReason.RENEWAL_LIMIT_REACHED,
    "too many renewals": RefusalReason.RENEWAL_LIMIT_REACHED,
    "not checked out": RefusalReason.NOT_CHECKED_OUT,
    "no active hold": RefusalReason.UNKNOWN_REQUEST,
    "no such hold": RefusalReason.UNKNOWN_REQUEST,
    "no such outstanding hold": RefusalReason.UNKNOWN_REQUEST,
}
"""Part of a message in lower case -> reason; where several fit, the longest says most."""


def find_reason_of_message(message: str, own_words: Mapping[str, RefusalReason]) -> RefusalReason:
    """Find the reason of what the system shows; `OTHER` where nobody knows the words.

    Never that the patron is unknown: whoever asks for a change has found the patron (63) just before, and "Invalid
    Patron." then means something else, such as a PIN.
    """
    reason = find_reason(message, own_words, KNOWN_WORDS)
    return RefusalReason.OTHER if reason in (None, RefusalReason.UNKNOWN_PATRON) else reason


def refusal_of_message(message: str, own_words: Mapping[str, RefusalReason]) -> Refused:
    """Make the refusal of a change, in the words that the system shows."""
    return make_refusal(find_reason_of_message(message, own_words), message)


def is_unknown_item(message: str, own_words: Mapping[str, RefusalReason]) -> bool:
    """Return whether the system says that it has no such item."""
    return find_reason(message, own_words, KNOWN_WORDS) is RefusalReason.UNKNOWN_ITEM
