"""The messages of the Generic Script (facts/artemail.md section 3), and which events they carry. Data, no rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.value import value


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


@value
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

ALONE: Mapping[Name, EventKind] = {
    Name.REQUEST: EventKind.REQUEST,
    Name.RENEWAL_REQUEST: EventKind.RENEW,
    Name.CONDITIONAL: EventKind.CONDITIONAL,
    Name.CANCELLATION: EventKind.CANCEL,
    Name.FORWARD: EventKind.FORWARDED,
    Name.SHIPPED: EventKind.SHIPPED,
    Name.OVERDUE: EventKind.OVERDUE,
    Name.RECALL: EventKind.RECALL,
}
"""Messages that say one thing only. What the others say stands in their answer."""

CARRIED: Mapping[EventKind, Name] = {
    **{kind: name for name, kind in ALONE.items()},
    **dict.fromkeys(
        (
            EventKind.ACKNOWLEDGED,
            EventKind.REJECTED,
            EventKind.EXPECT_TO_SUPPLY,
            EventKind.WILL_SUPPLY,
            EventKind.HOLD_PLACED,
            EventKind.RETRY,
            EventKind.UNFILLED,
            EventKind.EXPIRED,
            EventKind.CANCEL_ACCEPTED,
            EventKind.CANCEL_REFUSED,
        ),
        Name.REPLY,
    ),
    **dict.fromkeys((EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED), Name.RENEWAL_ANSWER),
    EventKind.COPY_DELIVERED: Name.SHIPPED,
    **dict.fromkeys(
        (
            EventKind.CONDITION_ACCEPTED,
            EventKind.CONDITION_REFUSED,
            EventKind.RECEIVED,
            EventKind.RETURNED,
            EventKind.CHECKED_IN,
            EventKind.LOST,
            EventKind.DAMAGED,
            EventKind.DUE_DATE_CHANGED,
            EventKind.MESSAGE,
            EventKind.STATUS_QUERY,
            EventKind.STATUS_REPORT,
        ),
        Name.GENERAL,
    ),
}
"""In which message an event is told."""

_REQUESTERS = frozenset(
    {
        EventKind.REQUEST,
        EventKind.RENEW,
        EventKind.CANCEL,
        EventKind.CONDITION_ACCEPTED,
        EventKind.CONDITION_REFUSED,
        EventKind.RECEIVED,
        EventKind.RETURNED,
    }
)


def our_role(kind: EventKind) -> Role:
    """When a partner says this, and no symbol tells who it is: a requester speaks to us as the lender."""
    return Role.LENDING if kind in _REQUESTERS else Role.BORROWING


def plain(text: str) -> str:
    """Capitals without accents, one blank between words: how names and answers are compared."""
    letters = unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare = "".join(one for one in letters if not unicodedata.combining(one))
    return " ".join(re.sub(r"\s*/\s*", "/", bare).upper().split())
