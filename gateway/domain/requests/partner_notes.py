"""Events as a partner's staff are told of them, where its system takes no message of their kind.

Only what changes nothing there by itself: who doesn't hear of a shipment or a return misses more than words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.note_terms import LOSS_SETTLED, write_cost_term, write_due_term
from gateway.domain.requests.request import Request, Role
from gateway.domain.sentences import Sentence, join_sentences, write_sentence

_WORDS: Mapping[tuple[Role, K], Sentence] = {
    (Role.LENDING, K.ACKNOWLEDGED): write_sentence("request received"),
    (Role.LENDING, K.EXPECT_TO_SUPPLY): write_sentence("we expect to supply the item"),
    (Role.LENDING, K.HOLD_PLACED): write_sentence("we have placed a hold on the item"),
    (Role.LENDING, K.OVERDUE): write_sentence("overdue, please return the item"),
    (Role.LENDING, K.RECALL): write_sentence("recalled, please return the item"),
    (Role.LENDING, K.LOST): write_sentence("we count the item as lost"),
    (Role.LENDING, K.SETTLED): LOSS_SETTLED,
    (Role.LENDING, K.RENEW_ACCEPTED): write_sentence("the loan is renewed"),
    (Role.LENDING, K.RENEW_REFUSED): write_sentence("the loan cannot be renewed"),
    (Role.LENDING, K.STATUS_REPORT): write_sentence("status of the request"),
    (Role.BORROWING, K.LOST): write_sentence("item lost"),
    (Role.BORROWING, K.STATUS_QUERY): write_sentence("please tell us the status of the request"),
}
_HOLD_WORDS: Mapping[tuple[Role, bool], Sentence] = {
    (Role.LENDING, True): write_sentence("please do not return the item yet"),
    (Role.LENDING, False): write_sentence("the item may be returned now"),
    (Role.BORROWING, True): write_sentence("we cannot return the item for now"),
    (Role.BORROWING, False): write_sentence("we can return the item now"),
}
"""By role, and whether the item is to stay where it is."""

_WITH_DUE = frozenset({K.OVERDUE, K.RECALL, K.RENEW_ACCEPTED, K.RENEW_REFUSED, K.STATUS_REPORT})


def write_partner_note(kind: K, details: EventDetails, request: Request, zone: tzinfo) -> str:
    """Empty: it can't be told in words. `details`: of the message about `request`."""
    if kind is K.MESSAGE and details.return_on_hold is not None:
        words: Sentence | None = _HOLD_WORDS[request.role, details.return_on_hold]
    else:
        words = _WORDS.get((request.role, kind))
    if words is None:
        return ""
    due = details.due or (request.terms.lender_due if kind in _WITH_DUE else None)
    terms = (
        words,
        details.status.replace("-", " "),
        write_due_term(due, zone),
        write_cost_term(details.cost),
        write_sentence("expected: %(day)s", day=details.expected) if details.expected is not None else "",
        details.note,
    )
    return join_sentences("; ", terms)
