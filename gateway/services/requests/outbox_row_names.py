"""What waits in the outbox, in words: letters to readers by what they say, steps by what they do."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests.state_table import FollowUp
from gateway.domain.sentences import Sentence, mark_template, sentence_of_text, write_sentence
from gateway.services.library_context import LibraryContext
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER, WORK
from gateway.services.requests.lending import LOCATE
from gateway.services.webhooks import KIND as WEBHOOK
from gateway.store.requests.order_batches import FILE, GATHER, ORDER

PATRON_LETTERS: Mapping[str, Sentence] = {
    "available": write_sentence("it can be collected"),
    "cancelled": write_sentence("it is cancelled"),
    "copy-ready": write_sentence("the copy is ready"),
    "due-soon": write_sentence("it is due soon"),
    "not-supplied": write_sentence("it can't be had"),
    "not-supplied-yet": write_sentence("it can't be had yet"),
    "overdue": write_sentence("it is overdue"),
    "placed": write_sentence("the request has been made"),
    "query": write_sentence("a question"),
    "recalled": write_sentence("it is wanted back"),
    "renewal-refused": write_sentence("it can't be kept longer"),
    "renewed": write_sentence("it may be kept longer"),
    "sent": write_sentence("it is on its way"),
}
"""Letters to readers, by the names of their templates."""

LIBRARY_STEPS: Mapping[str, Sentence] = {
    "place-hold": write_sentence("Reserve the copy in the library system"),
    "release-hold": write_sentence("Give up the reservation in the library system"),
    "delete-temporary": write_sentence("Remove the partner's item from the library system"),
    "set-due-date": write_sentence("Set the reader's due date in the library system"),
    "recall-patron": write_sentence("Recall it from the reader in the library system"),
    "set-lender-due": write_sentence("Set the other library's due date in the library system"),
    "recall-loan": write_sentence("Recall the loan in the library system"),
    "return-home": write_sentence("Bring the copy back to its shelf in the library system"),
    "mark-lost": write_sentence("Mark the copy as lost in the library system"),
    "desk:received": write_sentence("Make the item in the library system"),
    "desk:loaned-to-patron": write_sentence("Lend it to the reader in the library system"),
    "desk:returned-by-patron": write_sentence("End the reader's loan in the library system"),
    "desk:returned": write_sentence("Take the item out of the library system"),
    "desk:shipped": write_sentence("Lend it to the other library in the library system"),
    "desk:checked-in": write_sentence("End the other library's loan in the library system"),
    "desk:undone": write_sentence("Take back what the library system had done"),
    "desk:settled": write_sentence("Settle the loss in the library system"),
}

"""By target of a row."""

OWN_STEPS: Mapping[str, Sentence] = {
    LOCATE: write_sentence("Look for our copy"),
    FollowUp.FIND_SUPPLIER: write_sentence("Choose the next library"),
    FollowUp.DECIDE_CONDITION: write_sentence("Decide about the condition by rule"),
    FollowUp.DECIDE_RENEWAL: write_sentence("Decide about the renewal by rule"),
    FollowUp.REPORT_STATUS: write_sentence("Tell the partner how it stands"),
    FollowUp.PATRON_ANSWER: write_sentence("Do as the reader has answered"),
}

RELEASED = mark_template("Tried again: %(what)s")
CHANGED = mark_template("Changed, and tried again: %(what)s")
LEFT_OUT = mark_template("Left out: %(what)s (%(words)s)")
"""What staff decided about a row; `words`: why."""

_TO_SOMEBODY: Mapping[str, str] = {
    PARTNER: mark_template("Message to %(target)s"),
    ORDER: mark_template("Order to %(target)s"),
    GATHER: mark_template("Orders to %(target)s"),
    FILE: mark_template("File of orders to %(target)s"),
    WEBHOOK: mark_template("News to a program (%(target)s)"),
}


def name_outbox_row(kind: str, target: str, context: LibraryContext) -> Sentence:
    if kind == LETTER:
        return write_sentence("Letter to a reader (%(target)s)", target=name_patron_letter(target))
    if kind == LIBRARY:
        unknown = write_sentence("Step in the library's own system (%(target)s)", target=target)
        return LIBRARY_STEPS.get(target, unknown)
    if kind == WORK:
        return OWN_STEPS.get(target, write_sentence("Step of a request (%(target)s)", target=target))
    return write_sentence(_TO_SOMEBODY.get(kind, _TO_SOMEBODY[PARTNER]), target=context.name_of_partner(target))


def name_patron_letter(letter: str) -> Sentence:
    """By the name of its template."""
    return PATRON_LETTERS.get(letter, sentence_of_text(letter))
