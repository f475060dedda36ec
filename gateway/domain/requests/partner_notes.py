"""Events as a partner's staff are told of them, where its system takes no message of their kind.

Only what changes nothing there by itself: who doesn't hear of a shipment or a return misses more than words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.note_terms import write_cost_term, write_due_term
from gateway.domain.requests.request import Request, Role
from gateway.domain.sentences import Sentence, join_sentences, write_sentence

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
        words = EVENT_CATALOGUE[kind].note_words.get(request.role)
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
