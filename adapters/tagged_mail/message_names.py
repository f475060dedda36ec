"""The messages of the Generic Script (facts/artemail.md section 3), and which events they carry. Data, no rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.requests.events import Kind
from gateway.domain.requests.request import Role
from gateway.domain.value import frozen


class Name(StrEnum):
    REQUEST = "request"
    REPLY = "reply"
    RENEWAL_REQUEST = "renewal-request"
    RENEWAL_ANSWER = "renewal-answer"
    GENERAL = "general"
    CONDITIONAL = "conditional"
    CANCELLATION = "cancellation"
    FORWARD = "forward"
    SHIPPED = "shipped"
    OVERDUE = "overdue"
    RECALL = "recall"


@frozen
class Words:
    english: str
    french: str

    @property
    def both(self) -> str:
        return f"{self.english}/{self.french}"


NAMES: Mapping[Name, Words] = {
    Name.REQUEST: Words("ILL REQUEST", "DEMANDE PEB"),
    Name.REPLY: Words("REPLY TO AN ILL REQUEST", "REPONSE A UNE DEMANDE DE PEB"),
    Name.RENEWAL_REQUEST: Words("RENEWAL REQUEST", "DEMANDE DE RENOUVELLEMENT"),
    Name.RENEWAL_ANSWER: Words("RENEWAL ANSWER", "REPONSE RENOUVELLEMENT"),
    Name.GENERAL: Words("GENERAL MESSAGE", "MESSAGE GENERAL"),
    Name.CONDITIONAL: Words("CONDITIONAL REPLY", "REPONSE CONDITIONELLE"),
    Name.CANCELLATION: Words("CANCELLATION", "ANNULATION"),
    Name.FORWARD: Words("FORWARD NOTIFICATION", "NOTE DE RENVOI"),
    Name.SHIPPED: Words("ITEM SHIPPED", "MESSAGE D'ENVOI"),
    Name.OVERDUE: Words("OVERDUE MESSAGE", "AVIS DE RETARD"),
    Name.RECALL: Words("RECALL MESSAGE", "MESSAGE DE RAPPEL"),
}

ALONE: Mapping[Name, Kind] = {
    Name.REQUEST: Kind.REQUEST,
    Name.RENEWAL_REQUEST: Kind.RENEW,
    Name.CONDITIONAL: Kind.CONDITIONAL,
    Name.CANCELLATION: Kind.CANCEL,
    Name.FORWARD: Kind.FORWARDED,
    Name.SHIPPED: Kind.SHIPPED,
    Name.OVERDUE: Kind.OVERDUE,
    Name.RECALL: Kind.RECALL,
}
"""Messages that say one thing only. What the others say stands in their answer."""

CARRIED: Mapping[Kind, Name] = {
    **{kind: name for name, kind in ALONE.items()},
    **dict.fromkeys(
        (
            Kind.ACKNOWLEDGED,
            Kind.REJECTED,
            Kind.EXPECT_TO_SUPPLY,
            Kind.WILL_SUPPLY,
            Kind.HOLD_PLACED,
            Kind.RETRY,
            Kind.UNFILLED,
            Kind.EXPIRED,
            Kind.CANCEL_ACCEPTED,
            Kind.CANCEL_REFUSED,
        ),
        Name.REPLY,
    ),
    **dict.fromkeys((Kind.RENEW_ACCEPTED, Kind.RENEW_REFUSED), Name.RENEWAL_ANSWER),
    Kind.COPY_DELIVERED: Name.SHIPPED,
    **dict.fromkeys(
        (
            Kind.CONDITION_ACCEPTED,
            Kind.CONDITION_REFUSED,
            Kind.RECEIVED,
            Kind.RETURNED,
            Kind.CHECKED_IN,
            Kind.LOST,
            Kind.DAMAGED,
            Kind.DUE_DATE_CHANGED,
            Kind.MESSAGE,
            Kind.STATUS_QUERY,
            Kind.STATUS_REPORT,
        ),
        Name.GENERAL,
    ),
}
"""In which message an event is told."""

_REQUESTERS = frozenset(
    {
        Kind.REQUEST,
        Kind.RENEW,
        Kind.CANCEL,
        Kind.CONDITION_ACCEPTED,
        Kind.CONDITION_REFUSED,
        Kind.RECEIVED,
        Kind.RETURNED,
    }
)


def our_role(kind: Kind) -> Role:
    """When a partner says this, and no symbol tells who it is: a requester speaks to us as the lender."""
    return Role.LENDING if kind in _REQUESTERS else Role.BORROWING


def plain(text: str) -> str:
    """Capitals without accents, one blank between words: how names and answers are compared."""
    letters = unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare = "".join(one for one in letters if not unicodedata.combining(one))
    return " ".join(re.sub(r"\s*/\s*", "/", bare).upper().split())
