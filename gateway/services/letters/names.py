"""Which letters there are. A template's name is the letter's: `patron/available`, `partner/request`."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.requests.events import Kind
from gateway.domain.requests.workflow import LETTERS


class To(StrEnum):
    PATRON = "patron"
    PARTNER = "partner"
    SLIP = "slip"


PATRON_LETTERS = LETTERS

PARTNER_LETTERS = (
    Kind.SUBMIT,
    Kind.REQUEST,
    Kind.ACKNOWLEDGED,
    Kind.REJECTED,
    Kind.EXPECT_TO_SUPPLY,
    Kind.WILL_SUPPLY,
    Kind.HOLD_PLACED,
    Kind.CONDITIONAL,
    Kind.CONDITION_ACCEPTED,
    Kind.CONDITION_REFUSED,
    Kind.RETRY,
    Kind.UNFILLED,
    Kind.FORWARDED,
    Kind.EXPIRED,
    Kind.CANCEL,
    Kind.CANCEL_ACCEPTED,
    Kind.CANCEL_REFUSED,
    Kind.SHIPPED,
    Kind.COPY_DELIVERED,
    Kind.RECEIVED,
    Kind.RETURNED,
    Kind.CHECKED_IN,
    Kind.LOST,
    Kind.DAMAGED,
    Kind.RENEW,
    Kind.RENEW_ACCEPTED,
    Kind.RENEW_REFUSED,
    Kind.DUE_DATE_CHANGED,
    Kind.OVERDUE,
    Kind.RECALL,
    Kind.MESSAGE,
    Kind.STATUS_QUERY,
    Kind.STATUS_REPORT,
)
"""All that one library may have to tell another; `submit` tells a system of our own of a new request."""

SLIPS = ("return", "hold")
"""What is put into an item: it goes back to its owner, it waits for its reader."""

ALL = (
    *(f"{To.PATRON.value}/{name}" for name in PATRON_LETTERS),
    *(f"{To.PARTNER.value}/{kind.value}" for kind in PARTNER_LETTERS),
    *(f"{To.SLIP.value}/{name}" for name in SLIPS),
)


def named(name: str) -> tuple[str, ...]:
    """Full names that a name may mean: itself, or what follows the stroke."""
    return (name,) if name in ALL else tuple(one for one in ALL if one.partition("/")[2] == name)
