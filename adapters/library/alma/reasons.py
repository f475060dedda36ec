"""Reasons of Alma's refusals: its codes and words -> our reasons (facts/ils-backends.md section 4). Pure.

What nobody knows is kept for staff and never shown to a partner.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.library.alma.client import AlmaRefusalError
from adapters.library.refusals import RENEWAL_REASONS, find_reason, make_refusal
from gateway.domain.problems import RefusalReason, Refused

CODES: Mapping[str, RefusalReason] = {
    "401861": RefusalReason.UNKNOWN_PATRON,
    "401890": RefusalReason.UNKNOWN_PATRON,
    "401866": RefusalReason.PATRON_AUTH_FAILED,
    "401689": RefusalReason.UNKNOWN_ITEM,
    "402203": RefusalReason.UNKNOWN_RECORD,
    "402204": RefusalReason.UNKNOWN_RECORD,
    "401129": RefusalReason.ITEM_NOT_AVAILABLE,
    "401651": RefusalReason.ITEM_NOT_AVAILABLE,
    "401136": RefusalReason.DUPLICATE_REQUEST,
    "402362": RefusalReason.DUPLICATE_REQUEST,
    "401694": RefusalReason.UNKNOWN_REQUEST,
    "401895": RefusalReason.BAD_PICKUP_LOCATION,
    "401153": RefusalReason.NOT_ALLOWED,
    "401822": RefusalReason.NOT_RENEWABLE,
    "401823": RefusalReason.NOT_CHECKED_OUT,
    "401681": RefusalReason.INVALID_VALUE,
    "401824": RefusalReason.INVALID_VALUE,
    "401664": RefusalReason.DATA_MISSING,
    "401851": RefusalReason.DUPLICATE_PATRON,
    "401852": RefusalReason.INVALID_VALUE,
    "4019991": RefusalReason.INVALID_VALUE,
    "4019994": RefusalReason.INVALID_AMOUNT,
}

WORDS: Mapping[str, RefusalReason] = {
    "requested by another": RefusalReason.REQUESTED_BY_OTHER,
    "on hold shelf": RefusalReason.REQUESTED_BY_OTHER,
    "hold shelf of another": RefusalReason.REQUESTED_BY_OTHER,
    "patron has expired": RefusalReason.PATRON_EXPIRED,
    "patron is blocked": RefusalReason.PATRON_BLOCKED,
    "loan limit": RefusalReason.LIMIT_REACHED,
    "renewal limit": RefusalReason.LIMIT_REACHED,
    "maximum renew": RefusalReason.LIMIT_REACHED,
    "barcode already exists": RefusalReason.DUPLICATE_ITEM,
    "barcode must be unique": RefusalReason.DUPLICATE_ITEM,
}
"""Some codes have many meanings: where the words are known, they count before the code."""


def refusal_of_answer(refusal: AlmaRefusalError, own: Mapping[str, RefusalReason]) -> Refused:
    """`own`: what the library has taught us; it counts before all else."""
    words = f"{refusal.code} {refusal.error}".strip()
    reason = find_reason(words, own, WORDS) or CODES.get(refusal.code, RefusalReason.OTHER)
    return make_refusal(reason, words)


def refusal_of_renewal(refusal: AlmaRefusalError, own: Mapping[str, RefusalReason]) -> Refused:
    refused = refusal_of_answer(refusal, own)
    return make_refusal(RENEWAL_REASONS.get(refused.reason, refused.reason), refused.internal)
