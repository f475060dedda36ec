"""Reasons of FOLIO's refusals. It answers with a list of errors, each with a code in some cases and words in all, or
with plain text: facts/ils-backends.md 1.3 and section 4. The code is looked at first, then the library's own words,
then ours.

What nobody knows is kept for staff and never shown to a partner.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from adapters.library.refusals import RENEWAL_REASONS, find_reason, make_refusal
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import value_object

MAX_KEPT_CHARS = 500

KNOWN_CODES: Mapping[str, RefusalReason] = {
    "USER_BARCODE_NOT_FOUND": RefusalReason.UNKNOWN_PATRON,
    "USER_IS_BLOCKED_MANUALLY": RefusalReason.PATRON_BLOCKED,
    "USER_IS_BLOCKED_AUTOMATICALLY": RefusalReason.PATRON_BLOCKED,
    "USER_IS_INACTIVE_OR_EXPIRED": RefusalReason.PATRON_EXPIRED,
    "ITEM_LIMIT_IS_REACHED": RefusalReason.LIMIT_REACHED,
    "ITEM_LIMIT_PATRON_GROUP": RefusalReason.LIMIT_REACHED,
    "ITEM_LIMIT_MATERIAL_TYPE": RefusalReason.LIMIT_REACHED,
    "ITEM_LIMIT_LOAN_TYPE": RefusalReason.LIMIT_REACHED,
    "ITEM_LIMIT_MATERIAL_TYPE_AND_LOAN_TYPE": RefusalReason.LIMIT_REACHED,
    "ITEM_BARCODE_NOT_FOUND": RefusalReason.UNKNOWN_ITEM,
    "INSTANCE_DOES_NOT_EXIST": RefusalReason.UNKNOWN_RECORD,
    "ITEM_NOT_LOANABLE": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "ITEM_HAS_OPEN_LOAN": RefusalReason.ITEM_ON_LOAN,
    "ITEM_CHECKED_OUT_TO_DIFFERENT_USER": RefusalReason.ITEM_ON_LOAN,
    "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN": RefusalReason.ON_LOAN_SAME_PATRON,
    "REQUESTER_ALREADY_HAS_LOAN_FOR_ONE_OF_INSTANCES_ITEMS": RefusalReason.ON_LOAN_SAME_PATRON,
    "ITEM_REQUESTED_BY_ANOTHER_PATRON": RefusalReason.REQUESTED_BY_OTHER,
    "ITEM_ALREADY_REQUESTED": RefusalReason.DUPLICATE_REQUEST,
    "INSTANCE_ALREADY_REQUESTED": RefusalReason.DUPLICATE_REQUEST,
    "ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED": RefusalReason.DUPLICATE_REQUEST,
    "REQUEST_ALREADY_CLOSED": RefusalReason.REQUEST_CLOSED,
    "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED": RefusalReason.BAD_PICKUP_LOCATION,
    "SERVICE_POINT_IS_NOT_PICKUP_LOCATION": RefusalReason.BAD_PICKUP_LOCATION,
    "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT": RefusalReason.BAD_PICKUP_LOCATION,
    "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION": RefusalReason.NOT_ALLOWED,
    "REQUEST_NOT_ALLOWED_FOR_PATRON_TITLE_COMBINATION": RefusalReason.NOT_ALLOWED,
    "FULFILLMENT_PREFERENCE_IS_NOT_ALLOWED": RefusalReason.NOT_ALLOWED,
    "LOAN_RENEWAL_LIMIT_REACHED": RefusalReason.RENEWAL_LIMIT_REACHED,
    "LOAN_NOT_RENEWABLE": RefusalReason.NOT_RENEWABLE,
    "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE": RefusalReason.NOT_RENEWABLE,
    "RENEWAL_BLOCKED_BY_ACTIVE_RECALL": RefusalReason.RENEWAL_HAS_REQUESTS,
    "RENEWAL_BLOCKED_BY_ACTIVE_REQUEST": RefusalReason.RENEWAL_HAS_REQUESTS,
}

KNOWN_WORDS: Mapping[str, RefusalReason] = {
    "could not find user with matching barcode": RefusalReason.UNKNOWN_PATRON,
    "a valid user and patron group are required": RefusalReason.UNKNOWN_PATRON,
    "user not found": RefusalReason.UNKNOWN_PATRON,
    "cannot check out to inactive user": RefusalReason.PATRON_EXPIRED,
    "inactive users cannot make requests": RefusalReason.PATRON_EXPIRED,
    "blocked from borrowing": RefusalReason.PATRON_BLOCKED,
    "blocked from requesting": RefusalReason.PATRON_BLOCKED,
    "blocked from renewing": RefusalReason.PATRON_BLOCKED,
    "patron has reached maximum": RefusalReason.LIMIT_REACHED,
    "no item with barcode": RefusalReason.UNKNOWN_ITEM,
    "item is not loanable": RefusalReason.ITEM_DOES_NOT_CIRCULATE,
    "has the item status": RefusalReason.ITEM_NOT_AVAILABLE,
    "already checked out": RefusalReason.ITEM_ON_LOAN,
    "requested by another patron": RefusalReason.REQUESTED_BY_OTHER,
    "requester currently has this item on loan": RefusalReason.ON_LOAN_SAME_PATRON,
    "already has an open request": RefusalReason.DUPLICATE_REQUEST,
    "already requested": RefusalReason.DUPLICATE_REQUEST,
    "already been closed": RefusalReason.REQUEST_CLOSED,
    "not a pickup location": RefusalReason.BAD_PICKUP_LOCATION,
    "pickup service point": RefusalReason.BAD_PICKUP_LOCATION,
    "requests are not allowed": RefusalReason.NOT_ALLOWED,
    "are not allowed for this patron": RefusalReason.NOT_ALLOWED,
    "barcode must be unique": RefusalReason.DUPLICATE_ITEM,
    "user with this username already exists": RefusalReason.DUPLICATE_PATRON,
    "user with this barcode already exists": RefusalReason.DUPLICATE_PATRON,
    "user with this external system id already exists": RefusalReason.DUPLICATE_PATRON,
    "maximum renewal number": RefusalReason.RENEWAL_LIMIT_REACHED,
    "loan is not renewable": RefusalReason.NOT_RENEWABLE,
    "would not change the due date": RefusalReason.NOT_RENEWABLE,
    "items cannot be renewed when there is an active": RefusalReason.RENEWAL_HAS_REQUESTS,
    "more than one open loan": RefusalReason.NOT_CHECKED_OUT,  # its way to say that there is none
}
"""Part of a message in lower case -> reason; where several fit, the longest says most."""


@value_object
class FolioProblem:
    """One error of an answer."""

    message: str
    code: str = ""


class FolioRefusal(Refused):
    """A refusal of FOLIO's, with what a caller may have to look at itself."""

    def __init__(self, refused: Refused, status: int, problems: tuple[FolioProblem, ...]) -> None:
        super().__init__(refused.reason, refused.detail, about=refused.about, internal=refused.internal)
        self.status = status
        self.problems = problems

    def has_code(self, code: str) -> bool:
        return any(problem.code == code for problem in self.problems)


class _Error(BaseModel):
    message: str = ""
    code: str = ""


class _ErrorList(BaseModel):
    errors: list[_Error]


def read_problems(text: str) -> tuple[FolioProblem, ...]:
    """All three shapes of errors; plain text is one problem without a code."""
    try:
        errors = _ErrorList.model_validate(json.loads(text))
    except (ValueError, ValidationError):
        return (FolioProblem(text.strip()[:MAX_KEPT_CHARS]),)
    return tuple(FolioProblem(error.message[:MAX_KEPT_CHARS], error.code) for error in errors.errors)


def find_problem_reason(problem: FolioProblem, own_words: Mapping[str, RefusalReason]) -> RefusalReason | None:
    if own := find_reason(problem.message, own_words):
        return own
    return KNOWN_CODES.get(problem.code) or find_reason(problem.message, KNOWN_WORDS)


def refusal_of_answer(
    status: int, text: str, own_words: Mapping[str, RefusalReason], *, renews: bool = False
) -> FolioRefusal:
    """`renews`: whether a loan was to be renewed, where some words mean something else."""
    problems = read_problems(text)
    reasons = [reason for problem in problems if (reason := find_problem_reason(problem, own_words)) is not None]
    reason = reasons[0] if reasons else RefusalReason.OTHER
    if renews:
        reason = RENEWAL_REASONS.get(reason, reason)
    words = "; ".join(f"{problem.code} {problem.message}".strip() for problem in problems)
    return FolioRefusal(make_refusal(reason, words[:MAX_KEPT_CHARS]), status, problems)
