"""What other responders' problems mean: their words -> our reasons (facts/ncip.md 2.11, 3.6).

Words are compared without case, and with `_` and `-` as blanks: OCLC sends `UNKNOWN_ITEM`, INC `PATRON_NOT_FOUND`.
"""

from __future__ import annotations

import re

from adapters.ncip.dialect import Errors
from adapters.ncip.messages import Problem
from adapters.ncip.problems import ELEMENTS, V1_ELEMENTS
from gateway.domain.problems import About, Reason

WORDS: dict[str, Reason] = {
    # the patron
    "unknown user": Reason.UNKNOWN_PATRON,
    "unkown user": Reason.UNKNOWN_PATRON,  # Koha, in LookupUser
    "user unknown": Reason.UNKNOWN_PATRON,  # Alma as VCU's addon knows it
    "patron not found": Reason.UNKNOWN_PATRON,  # INC
    "no user identifier provided": Reason.DATA_MISSING,  # Koha
    "non unique user": Reason.AMBIGUOUS_PATRON,
    "user authentication failed": Reason.PATRON_AUTH_FAILED,
    "user blocked": Reason.PATRON_BLOCKED,
    "user access denied": Reason.NOT_ALLOWED,
    "duplicate user": Reason.DUPLICATE_PATRON,
    "maximum check outs exceeded": Reason.LIMIT_REACHED,
    "user ineligible to check out this item": Reason.NOT_ALLOWED,
    "user ineligible to request this item": Reason.NOT_ALLOWED,
    "user ineligible to renew this item": Reason.NOT_ALLOWED,
    # the item or record
    "unknown item": Reason.UNKNOWN_ITEM,
    "unknown record": Reason.UNKNOWN_RECORD,  # Koha
    "non unique item": Reason.AMBIGUOUS_ITEM,
    "duplicate item": Reason.DUPLICATE_ITEM,
    "item access denied": Reason.NOT_ALLOWED,
    "item does not circulate": Reason.ITEM_DOES_NOT_CIRCULATE,
    "resource cannot be provided": Reason.ITEM_NOT_AVAILABLE,
    "check out not allowed item has outstanding requests": Reason.REQUESTED_BY_OTHER,  # Koha
    "check out not allowed item is already checked out": Reason.ITEM_ON_LOAN,  # Koha
    "item not checked out": Reason.NOT_CHECKED_OUT,
    "not on loan": Reason.NOT_CHECKED_OUT,  # by ReShare's list
    "9022": Reason.NOT_CHECKED_OUT,  # by ReShare's list
    # the request
    "unknown request": Reason.UNKNOWN_REQUEST,
    "non unique request": Reason.AMBIGUOUS_REQUEST,
    "request already processed": Reason.REQUEST_CLOSED,
    "duplicate request": Reason.DUPLICATE_REQUEST,
    "cannot accept item": Reason.NOT_ALLOWED,
    "cannot guarantee restrictions on use": Reason.NOT_ALLOWED,
    "element rule violated": Reason.NOT_ALLOWED,
    "pickup library invalid": Reason.BAD_PICKUP_LOCATION,  # Koha
    "pickup library not specified": Reason.BAD_PICKUP_LOCATION,  # Koha
    "item not available by need before date": Reason.NOT_AVAILABLE_IN_TIME,
    # the loan
    "item not renewable": Reason.NOT_RENEWABLE,
    "apply to circulation desk loan cannot be renewed (no change in due date)": Reason.NOT_RENEWABLE,  # Alma
    "maximum renewals exceeded": Reason.RENEWAL_LIMIT_REACHED,
    "renewal not allowed item has outstanding requests": Reason.RENEWAL_HAS_REQUESTS,
    "item cannot be recalled": Reason.CANNOT_BE_RECALLED,
    # money
    "duplicate fiscal transaction": Reason.DUPLICATE_CHARGE,
    "account access denied": Reason.NOT_ALLOWED,
    "invalid amount": Reason.INVALID_AMOUNT,
    # the message and its sender
    "needed data missing": Reason.DATA_MISSING,
    "invalid date": Reason.INVALID_DATE,
    "invalid message syntax error": Reason.INVALID_VALUE,
    "protocol error": Reason.INVALID_VALUE,
    "unknown element": Reason.INVALID_VALUE,
    "unknown scheme": Reason.INVALID_VALUE,
    "unknown value from known scheme": Reason.INVALID_VALUE,
    "unsupported shipping address type": Reason.INVALID_VALUE,
    "unable to add element": Reason.INVALID_VALUE,
    "unable to delete element": Reason.INVALID_VALUE,
    "unsupported service": Reason.UNSUPPORTED_SERVICE,
    "unknown service": Reason.UNSUPPORTED_SERVICE,
    "service is not known": Reason.UNSUPPORTED_SERVICE,  # Alma, also when it can't read umlauts
    "unauthorized service for agency": Reason.UNAUTHORIZED_SERVICE,
    "unauthorized service for system": Reason.UNAUTHORIZED_SERVICE,
    "unauthorized combination of element values for agency": Reason.INVALID_VALUE,
    "unauthorized combination of element values for system": Reason.INVALID_VALUE,
    "unknown agency": Reason.UNKNOWN_AGENCY,
    "unknown system": Reason.UNKNOWN_SENDER,
    "agency authentication failed": Reason.SENDER_AUTH_FAILED,
    "system authentication failed": Reason.SENDER_AUTH_FAILED,
    "temporary processing failure": Reason.TEMPORARY_FAILURE,
    "patron record is busy": Reason.TEMPORARY_FAILURE,  # Relais D2D
    "unknown error": Reason.OTHER,  # Koha
}

PHRASES: tuple[tuple[str, Reason], ...] = (
    ("patron not found", Reason.UNKNOWN_PATRON),  # INC: `PATRON_NOT_FOUND : id`
    ("did not find a user", Reason.UNKNOWN_PATRON),  # FOLIO: `Did not find a user with that id`
    ("patron record is busy", Reason.TEMPORARY_FAILURE),  # Relais D2D
)
"""Within longer texts, where a responder adds an id or a sentence."""

_ABOUT: dict[str, About] = {
    **{element.rpartition("/")[2].lower(): about for about, element in ELEMENTS.items()},
    **{V1_ELEMENTS[element].lower(): about for about, element in ELEMENTS.items() if element in V1_ELEMENTS},
    "useridentifiervalue": About.PATRON,
    "itemidentifiervalue": About.ITEM,
    "requestidentifiervalue": About.REQUEST,
    "authenticationinputdata": About.CREDENTIALS,
}


def reason_of(problem: Problem, service: str, errors: Errors) -> Reason:
    """What a problem means; the profile's own wordings come first, OTHER last."""
    type_ = problem.type.value if problem.type is not None else ""
    for words in (errors.services.get(service, {}), errors.map):
        for reason, wording in words.items():
            if wording.type and _could_be(wording.type, type_):
                return reason
    texts = [_plain(text) for text in (type_, problem.value, problem.detail) if text]
    found = next((WORDS[text] for text in texts if text in WORDS), None)
    if found is None:
        found = next((reason for text in texts for phrase, reason in PHRASES if phrase in text), Reason.OTHER)
    about_record = found is Reason.UNKNOWN_ITEM and about_of(problem) is About.RECORD
    return Reason.UNKNOWN_RECORD if about_record else found


def _could_be(wording: str, text: str) -> bool:
    """Whether a text is this wording with its {value} filled in."""
    before, value, after = wording.partition("{value}")
    if not value:
        return text == wording
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)


def about_of(problem: Problem) -> About | None:
    element = (problem.element or "").strip().lower()
    return _ABOUT.get(element.rpartition("/")[2])


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-–]+", " ", text).strip().lower()
