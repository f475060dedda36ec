"""Names of what waits in the outbox: letters to readers by what they say, steps by what they do."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.requests.state_table import FollowUp
from gateway.domain.sentences import Sentence, mark_template, sentence_of_text, write_sentence
from gateway.services.outbox.webhooks import KIND as WEBHOOK
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER, WORK
from gateway.services.requests.lending import LOCATE
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests.order_batches import FILE, GATHER, ORDER

PATRON_LETTERS: Mapping[str, Sentence] = {
    "available": write_sentence("ready to collect"),
    "cancel-refused": write_sentence("cancellation refused"),
    "cancelled": write_sentence("cancelled"),
    "closed": write_sentence("closed"),
    "copy-ready": write_sentence("copy ready"),
    "due-soon": write_sentence("due soon"),
    STAFF_LETTER: write_sentence("written by staff"),
    "gone-back": write_sentence("returned to its library"),
    "not-supplied": write_sentence("unfilled"),
    "not-coming": write_sentence("not coming"),
    "not-supplied-yet": write_sentence("still searching"),
    "overdue": write_sentence("overdue"),
    "placed": write_sentence("request received"),
    "query": write_sentence("question"),
    "recalled": write_sentence("recalled"),
    "renewal-refused": write_sentence("renewal refused"),
    "renewed": write_sentence("renewed"),
    "sent": write_sentence("on its way"),
}
"""Letters to readers, by the names of their templates."""

LIBRARY_STEPS: Mapping[str, Sentence] = {
    "place-hold": write_sentence("Place the hold in the library system"),
    "release-hold": write_sentence("Cancel the hold in the library system"),
    "delete-temporary": write_sentence("Delete the temporary item in the library system"),
    "set-due-date": write_sentence("Set the patron's due date in the library system"),
    "recall-patron": write_sentence("Recall the patron's loan in the library system"),
    "set-lender-due": write_sentence("Set the requester's due date in the library system"),
    "recall-loan": write_sentence("Recall the loan in the library system"),
    "return-home": write_sentence("Return the copy to its shelf in the library system"),
    "mark-lost": write_sentence("Mark the copy as lost in the library system"),
    "end-lost-loans": write_sentence("End the loan of the lost item in the library system"),
    "desk:received": write_sentence("Create the temporary item in the library system"),
    "desk:loaned-to-patron": write_sentence("Check the item out to the patron in the library system"),
    "desk:returned-by-patron": write_sentence("Check the item in from the patron in the library system"),
    "desk:returned": write_sentence("Remove the item from the library system"),
    "desk:shipped": write_sentence("Check the item out to the requester in the library system"),
    "desk:checked-in": write_sentence("Check the item in from the requester in the library system"),
    "desk:undone": write_sentence("Undo the changes in the library system"),
    "desk:settled": write_sentence("Settle the loss in the library system"),
}

"""By target of a row."""

OWN_STEPS: Mapping[str, Sentence] = {
    LOCATE: write_sentence("Search for our copy"),
    FollowUp.FIND_SUPPLIER: write_sentence("Choose the next supplier"),
    FollowUp.DECIDE_CONDITION: write_sentence("Decide on the condition by rule"),
    FollowUp.DECIDE_RENEWAL: write_sentence("Decide on the renewal by rule"),
    FollowUp.REPORT_STATUS: write_sentence("Report the status to the partner"),
    FollowUp.PATRON_ANSWER: write_sentence("Apply the patron's answer"),
}

RELEASED = mark_template("Retried: %(what)s")
CHANGED = mark_template("Edited and retried: %(what)s")
LEFT_OUT = mark_template("Skipped: %(what)s (%(words)s)")
"""What staff decided about a row; `words`: why."""

_TO_SOMEBODY: Mapping[str, str] = {
    PARTNER: mark_template("Message to %(target)s"),
    ORDER: mark_template("Order to %(target)s"),
    GATHER: mark_template("Orders to %(target)s"),
    FILE: mark_template("Order file to %(target)s"),
    WEBHOOK: mark_template("Webhook (%(target)s)"),
}


def name_outbox_row(kind: str, target: str, context: LibraryContext) -> Sentence:
    if kind == LETTER:
        return write_sentence("Letter to a patron (%(target)s)", target=name_patron_letter(target))
    if kind == LIBRARY:
        unknown = write_sentence("Library system call (%(target)s)", target=target)
        return LIBRARY_STEPS.get(target, unknown)
    if kind == WORK:
        return OWN_STEPS.get(target, write_sentence("Step of a request (%(target)s)", target=target))
    return write_sentence(_TO_SOMEBODY.get(kind, _TO_SOMEBODY[PARTNER]), target=context.name_of_partner(target))


def name_patron_letter(letter: str) -> Sentence:
    """Name a letter by the name of its template."""
    return PATRON_LETTERS.get(letter, sentence_of_text(letter))
