"""Words for why not: of the codes that protocols have for it."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests.events import EventDetails, ReasonCodes, RequestEnding
from gateway.domain.sentences import Sentence, join_sentences, write_sentence

REASON_WORDS: Mapping[str, Sentence] = {
    ReasonCodes.NOT_ON_SHELF: write_sentence("not on the shelf"),
    ReasonCodes.ON_LOAN: write_sentence("on loan"),
    ReasonCodes.NOT_HELD: write_sentence("not held"),
    ReasonCodes.NON_CIRCULATING: write_sentence("does not circulate"),
    ReasonCodes.NOT_AVAILABLE: write_sentence("not available"),
    ReasonCodes.POLICY: write_sentence("not allowed by the lending rules"),
    ReasonCodes.POOR_CONDITION: write_sentence("in poor condition"),
    ReasonCodes.ON_ORDER: write_sentence("on order"),
    ReasonCodes.AT_BINDERY: write_sentence("at the bindery"),
    ReasonCodes.COST: write_sentence("exceeds maximum cost"),
    ReasonCodes.NOT_FOUND_AS_CITED: write_sentence("not found as cited"),
    ReasonCodes.CONDITION_REFUSED: write_sentence("condition declined"),
    ReasonCodes.COPYRIGHT: write_sentence("copyright restrictions"),
    ReasonCodes.OVERLOADED: write_sentence("too many open requests"),
    ReasonCodes.CLOSED: write_sentence("library closed"),
    ReasonCodes.NEED_BY_NOT_MET: write_sentence("would arrive too late"),
    ReasonCodes.HAS_REQUESTS: write_sentence("other patrons are waiting"),
    ReasonCodes.DUPLICATE: write_sentence("already requested"),
    ReasonCodes.RENEWAL_LIMIT: write_sentence("renewal limit reached"),
    ReasonCodes.OTHER: write_sentence("other reason"),
}
"""In the order in which they are offered: the most usual ones first."""


ENDING_WORDS: Mapping[RequestEnding, Sentence] = {
    RequestEnding.OWN_STOCK: write_sentence("in our own stock"),
    RequestEnding.OBTAINED_ELSEWHERE: write_sentence("obtained elsewhere"),
    RequestEnding.DUPLICATE: write_sentence("duplicate request"),
    RequestEnding.NOT_NEEDED: write_sentence("no longer needed"),
    RequestEnding.NOT_AVAILABLE: write_sentence("not available from any library"),
}
"""In the order in which they are offered."""

UNDELIVERABLE = "undeliverable"
"""No partner says so: a mail to it came back."""


def find_reason_words(reason: str) -> str:
    """Those of a partner as they are."""
    if reason == UNDELIVERABLE:
        return write_sentence("could not be delivered")
    return REASON_WORDS.get(reason, reason)


def describe_refused_clearance(details: EventDetails) -> EventDetails:
    """A refused copyright clearance as its requester is told of it: the rule that prevents the copy has no code."""
    return EventDetails(reason=ReasonCodes.COPYRIGHT.value, note=join_sentences("; ", (details.reason, details.note)))
