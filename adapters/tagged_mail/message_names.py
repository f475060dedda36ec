"""The messages of the Generic Script (facts/artemail.md section 3), and which events they carry. Data, no rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object


class MessageName(StrEnum):
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


@value_object
class BilingualTitle:
    english: str
    french: str

    @property
    def both(self) -> str:
        return f"{self.english}/{self.french}"


NAMES: Mapping[MessageName, BilingualTitle] = {
    MessageName.REQUEST: BilingualTitle("ILL REQUEST", "DEMANDE PEB"),
    MessageName.REPLY: BilingualTitle("REPLY TO AN ILL REQUEST", "REPONSE A UNE DEMANDE DE PEB"),
    MessageName.RENEWAL_REQUEST: BilingualTitle("RENEWAL REQUEST", "DEMANDE DE RENOUVELLEMENT"),
    MessageName.RENEWAL_ANSWER: BilingualTitle("RENEWAL ANSWER", "REPONSE RENOUVELLEMENT"),
    MessageName.GENERAL: BilingualTitle("GENERAL MESSAGE", "MESSAGE GENERAL"),
    MessageName.CONDITIONAL: BilingualTitle("CONDITIONAL REPLY", "REPONSE CONDITIONELLE"),
    MessageName.CANCELLATION: BilingualTitle("CANCELLATION", "ANNULATION"),
    MessageName.FORWARD: BilingualTitle("FORWARD NOTIFICATION", "NOTE DE RENVOI"),
    MessageName.SHIPPED: BilingualTitle("ITEM SHIPPED", "MESSAGE D'ENVOI"),
    MessageName.OVERDUE: BilingualTitle("OVERDUE MESSAGE", "AVIS DE RETARD"),
    MessageName.RECALL: BilingualTitle("RECALL MESSAGE", "MESSAGE DE RAPPEL"),
}

ALONE: Mapping[MessageName, EventKind] = {
    MessageName.REQUEST: EventKind.REQUEST,
    MessageName.RENEWAL_REQUEST: EventKind.RENEW,
    MessageName.CONDITIONAL: EventKind.CONDITIONAL,
    MessageName.CANCELLATION: EventKind.CANCEL,
    MessageName.FORWARD: EventKind.FORWARDED,
    MessageName.SHIPPED: EventKind.SHIPPED,
    MessageName.OVERDUE: EventKind.OVERDUE,
    MessageName.RECALL: EventKind.RECALL,
}
"""Messages that say one thing only. What the others say stands in their answer."""

CARRIED: Mapping[EventKind, MessageName] = {
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
        MessageName.REPLY,
    ),
    **dict.fromkeys((EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED), MessageName.RENEWAL_ANSWER),
    EventKind.COPY_DELIVERED: MessageName.SHIPPED,
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
        MessageName.GENERAL,
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


def guess_our_role(kind: EventKind) -> Role:
    """Guess our role when a partner says this, and no symbol tells who it is: a requester speaks to us as the
    lender."""
    return Role.LENDING if kind in _REQUESTERS else Role.BORROWING


def normalise_text(text: str) -> str:
    """Capitals without accents, one blank between words: how names and answers are compared."""
    letters = unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"\s*/\s*", "/", bare).upper().split())
