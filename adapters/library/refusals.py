"""Refusals of library systems outside the gateway, in the words that all of them share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.domain.library import BlockScope, Patron
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence

DETAILS: Mapping[RefusalReason, str] = {
    RefusalReason.UNKNOWN_PATRON: write_sentence("Patron not found in the library system."),
    RefusalReason.AMBIGUOUS_PATRON: write_sentence("Several patrons have this number."),
    RefusalReason.PATRON_AUTH_FAILED: write_sentence("the patron's PIN or password is incorrect"),
    RefusalReason.PATRON_EXPIRED: write_sentence("The patron's membership has expired."),
    RefusalReason.PATRON_BLOCKED: write_sentence("The patron is blocked."),
    RefusalReason.DUPLICATE_PATRON: write_sentence("Another patron has this number."),
    RefusalReason.UNKNOWN_ITEM: write_sentence("Item not found in the library system."),
    RefusalReason.AMBIGUOUS_ITEM: write_sentence("Several items match."),
    RefusalReason.UNKNOWN_RECORD: write_sentence("Record not found in the library system."),
    RefusalReason.DUPLICATE_ITEM: write_sentence("An item with this barcode already exists."),
    RefusalReason.ON_LOAN_SAME_PATRON: write_sentence("The item is already on loan to this patron."),
    RefusalReason.ITEM_ON_LOAN: write_sentence("The item is on loan to another patron."),
    RefusalReason.ITEM_NOT_AVAILABLE: write_sentence("The item is not available."),
    RefusalReason.REQUESTED_BY_OTHER: write_sentence("Another patron is waiting for the item."),
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: write_sentence("The item cannot be lent."),
    RefusalReason.IN_USE: write_sentence("The item is in use."),
    RefusalReason.LIMIT_REACHED: write_sentence("The patron has reached the limit."),
    RefusalReason.DUPLICATE_REQUEST: write_sentence("The patron already has a hold on this."),
    RefusalReason.BAD_PICKUP_LOCATION: write_sentence("Holds cannot be picked up at this location."),
    RefusalReason.NOT_ALLOWED: write_sentence("The library's rules do not allow this."),
    RefusalReason.NOT_RENEWABLE: write_sentence("The loan cannot be renewed."),
    RefusalReason.RENEWAL_LIMIT_REACHED: write_sentence("The loan has reached its renewal limit."),
    RefusalReason.RENEWAL_HAS_REQUESTS: write_sentence("The loan cannot be renewed because another patron is waiting."),
    RefusalReason.NOT_CHECKED_OUT: write_sentence("The item is not on loan."),
    RefusalReason.UNKNOWN_REQUEST: write_sentence("Hold not found."),
    RefusalReason.AMBIGUOUS_REQUEST: write_sentence("Several holds have this request number."),
    RefusalReason.REQUEST_CLOSED: write_sentence("The hold has already ended."),
    RefusalReason.INVALID_AMOUNT: write_sentence("This amount cannot be charged."),
    RefusalReason.CALL_NOT_ACCEPTED: write_sentence(
        "The library system does not accept the gateway's call. The library's operators must act; "
        "sending the message again does not help."
    ),
}

_PARTS: Mapping[RefusalReason, MessagePart] = {
    RefusalReason.UNKNOWN_PATRON: MessagePart.PATRON,
    RefusalReason.AMBIGUOUS_PATRON: MessagePart.PATRON,
    RefusalReason.PATRON_AUTH_FAILED: MessagePart.CREDENTIALS,
    RefusalReason.PATRON_EXPIRED: MessagePart.PATRON,
    RefusalReason.PATRON_BLOCKED: MessagePart.PATRON,
    RefusalReason.DUPLICATE_PATRON: MessagePart.PATRON,
    RefusalReason.LIMIT_REACHED: MessagePart.PATRON,
    RefusalReason.UNKNOWN_RECORD: MessagePart.RECORD,
    RefusalReason.BAD_PICKUP_LOCATION: MessagePart.PICKUP_LOCATION,
    RefusalReason.UNKNOWN_REQUEST: MessagePart.REQUEST,
    RefusalReason.AMBIGUOUS_REQUEST: MessagePart.REQUEST,
    RefusalReason.REQUEST_CLOSED: MessagePart.REQUEST,
    RefusalReason.INVALID_AMOUNT: MessagePart.AMOUNT,
}
"""What isn't here is about the item."""

RENEWAL_REASONS: Mapping[RefusalReason, RefusalReason] = {
    RefusalReason.REQUESTED_BY_OTHER: RefusalReason.RENEWAL_HAS_REQUESTS,
    RefusalReason.LIMIT_REACHED: RefusalReason.RENEWAL_LIMIT_REACHED,
    RefusalReason.NOT_ALLOWED: RefusalReason.NOT_RENEWABLE,
}
"""What the same words mean where a loan is renewed."""


def make_refusal(
    reason: RefusalReason, words: str = "", *, about: MessagePart | None = None, detail: str = ""
) -> Refused:
    """`said`: the system's own words, for staff. `detail`: where there is more to say than the reason does."""
    sentence = detail or DETAILS.get(reason, write_sentence("The library system refused this."))
    return Refused(reason, sentence, about=about or _PARTS.get(reason, MessagePart.ITEM), internal=words)


def find_reason(message: str, *words: Mapping[str, RefusalReason]) -> RefusalReason | None:
    """None: nobody knows these words. Without case; the longest part that fits counts, the first table's before that of
    the others."""
    text = message.casefold()
    for table in words:
        fitting = [part for part in table if part.casefold() in text]
        if fitting:
            return table[max(fitting, key=len)]
    return None


def refuse_blocked(patron: Patron, scope: BlockScope, today: date) -> None:
    """Raise Refused(PATRON_EXPIRED | PATRON_BLOCKED). `today`: in the library's zone."""
    if patron.expires is not None and patron.expires < today:
        raise make_refusal(RefusalReason.PATRON_EXPIRED)
    if (block := patron.find_block(scope)) is not None:
        raise make_refusal(RefusalReason.PATRON_BLOCKED, f"{block.reason}. {patron.notes}".strip())
