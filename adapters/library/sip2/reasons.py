"""Why a SIP2 system refuses. It says so only in the words that it shows to people (AF), which differ from system to
system and from language to language: facts/ils-backends.md section 4.

The words below were seen in Koha, Evergreen and edge-sip2, or are those of the standard; a library adds its own
(`reasons`), which are looked for first. What nobody knows is kept for staff and never shown to a partner.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.problems import MessagePart, RefusalReason, Refused

KNOWN_WORDS: Mapping[str, RefusalReason] = {
    "invalid patron": RefusalReason.UNKNOWN_PATRON,
    "unknown patron": RefusalReason.UNKNOWN_PATRON,
    "no such patron": RefusalReason.UNKNOWN_PATRON,
    "patron not found": RefusalReason.UNKNOWN_PATRON,
    "expired": RefusalReason.PATRON_EXPIRED,
    "patron blocked": RefusalReason.PATRON_BLOCKED,
    "patron is blocked": RefusalReason.PATRON_BLOCKED,
    "invalid item": RefusalReason.UNKNOWN_ITEM,
    "unknown item": RefusalReason.UNKNOWN_ITEM,
    "no such item": RefusalReason.UNKNOWN_ITEM,
    "item not found": RefusalReason.UNKNOWN_ITEM,
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
}
"""Part of a message in lower case -> reason; where several fit, the longest says most."""

RENEWAL_WORDS: Mapping[RefusalReason, RefusalReason] = {
    RefusalReason.REQUESTED_BY_OTHER: RefusalReason.RENEWAL_HAS_REQUESTS,
    RefusalReason.LIMIT_REACHED: RefusalReason.RENEWAL_LIMIT_REACHED,
    RefusalReason.NOT_ALLOWED: RefusalReason.NOT_RENEWABLE,
}
"""What the same words mean where a loan is renewed."""

_DETAILS: Mapping[RefusalReason, str] = {
    RefusalReason.UNKNOWN_PATRON: "The library knows no such patron.",
    RefusalReason.PATRON_EXPIRED: "The patron's membership has expired.",
    RefusalReason.PATRON_BLOCKED: "The patron is blocked.",
    RefusalReason.UNKNOWN_ITEM: "The library knows no such item.",
    RefusalReason.ON_LOAN_SAME_PATRON: "The item is on loan to this patron already.",
    RefusalReason.ITEM_ON_LOAN: "The item is on loan to another patron.",
    RefusalReason.REQUESTED_BY_OTHER: "Another patron waits for the item.",
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: "The item is not lent.",
    RefusalReason.LIMIT_REACHED: "The patron has as many as are allowed.",
    RefusalReason.DUPLICATE_REQUEST: "The patron has reserved this already.",
    RefusalReason.BAD_PICKUP_LOCATION: "Reservations are not collected there.",
    RefusalReason.NOT_ALLOWED: "The library's rules do not allow this.",
    RefusalReason.NOT_RENEWABLE: "The loan can't be renewed.",
    RefusalReason.RENEWAL_LIMIT_REACHED: "The loan has been renewed as often as is allowed.",
    RefusalReason.RENEWAL_HAS_REQUESTS: "Another patron waits for the item, so the loan can't be renewed.",
    RefusalReason.NOT_CHECKED_OUT: "The item is not on loan.",
    RefusalReason.UNKNOWN_REQUEST: "There is no such reservation.",
}

PATRON_REASONS = frozenset(
    {
        RefusalReason.UNKNOWN_PATRON,
        RefusalReason.PATRON_EXPIRED,
        RefusalReason.PATRON_BLOCKED,
        RefusalReason.LIMIT_REACHED,
    }
)


def find_reason(message: str, own_words: Mapping[str, RefusalReason]) -> RefusalReason | None:
    """None: nobody knows these words. Without case; the longest part that fits counts, the library's own first."""
    text = message.casefold()
    for words in (own_words, KNOWN_WORDS):
        fitting = [part for part in words if part.casefold() in text]
        if fitting:
            return words[max(fitting, key=len)]
    return None


def make_refusal(reason: RefusalReason, said: str = "", *, about: MessagePart | None = None) -> Refused:
    """`said`: the system's own words, for staff."""
    detail = _DETAILS.get(reason, "The library's system refused this.")
    part = about or (MessagePart.PATRON if reason in PATRON_REASONS else MessagePart.ITEM)
    return Refused(reason, detail, about=part, internal=said)


def refusal_of_message(message: str, own_words: Mapping[str, RefusalReason]) -> Refused:
    """Of what the system shows; `OTHER` where nobody knows the words."""
    return make_refusal(find_reason(message, own_words) or RefusalReason.OTHER, message)
