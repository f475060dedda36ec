"""The catalogue of events: a row for each kind, with all that its name stands for besides states and protocols.

What an event does in each state is in `borrowing_table` and `lending_table`, what it leaves on a request in
`request_updates`, how a message of a protocol tells it in that protocol's mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gateway.domain.requests.action_fields import (
    ATTACHMENT,
    BARCODE,
    CONDITIONS,
    COST,
    DESCRIPTION,
    DUE,
    ENDING,
    EXPECTED,
    LINK,
    MISSING,
    NOTE,
    OWN_NOTE,
    PICKUP,
    REASON,
    RENEWABLE,
    RETRY,
    SUBJECT,
    VOLUMES,
    ActionField,
    ActionFieldSet,
    FieldType,
)
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import EventOrigin
from gateway.domain.requests.note_terms import LOSS_SETTLED
from gateway.domain.requests.request import Role, VolumeState
from gateway.domain.roles import Right
from gateway.domain.sentences import Sentence, mark_template, write_sentence
from gateway.domain.value import value_object


@value_object
class EventEntry:
    """A kind of event.

    `words`: its name in words. As an act of ours: `fields` (None: it is none), `is_by_rule` (never by hand: the
    gateway's own work makes it, with all that belongs to it), `label` of its button, `right` where others may do it
    than those who act on such requests in general, `usual_of`: task lists that offer it for several requests.

    As it is told: `done` after the act, `noted` instead where no message goes out with it; `ours`, `theirs` and `timed`
    in the story of a request by origin, with the tint of the dot; `unsent` there instead, where the partner has no
    channel: staff write or telephone; `said_with`: what a partner did with its words.

    To partners: `has_letter`, with the details that its sample has (`letter_fields`); `note_words` by our role, where
    the partner's system takes no message of the kind; `wish`: key of the partner's workflow that says whether it wants
    the message; `is_courtesy`: nobody waits to hear of it, so staff don't telephone about it; `stays`: why a broker
    doesn't carry it from the leg that it came on.

    `undoable`: roles in which it can be undone while what follows from it outside still waits. All others have changed
    what the library's system knows of the item in a way that nothing changes back, or are none that are made by
    mistake. `inverse`: takes it back, where no partner is told and it happens in this house alone. `volume`: where a
    piece is after it; `ends_transit`: it has come to where it is collected.
    """

    kind: K
    words: Sentence
    fields: ActionFieldSet | None = None
    is_by_rule: bool = False
    label: str = ""
    right: Right | None = None
    usual_of: tuple[str, ...] = ()
    done: str = ""
    noted: str = ""
    ours: tuple[str, str] | None = None
    theirs: tuple[str, str] | None = None
    timed: tuple[str, str] | None = None
    unsent: str = ""
    said_with: str = ""
    has_letter: bool = False
    letter_fields: tuple[str, ...] = ()
    note_words: Mapping[Role, Sentence] = field(default_factory=dict)
    wish: Mapping[Role, str] = field(default_factory=dict)
    is_courtesy: bool = False
    stays: Mapping[Role, str] = field(default_factory=dict)
    undoable: tuple[Role, ...] = ()
    inverse: K | None = None
    volume: VolumeState | None = None
    ends_transit: bool = False

    def find_story(self, origin: EventOrigin) -> tuple[str, str] | None:
        return {EventOrigin.US: self.ours, EventOrigin.PARTNER: self.theirs, EventOrigin.TIMER: self.timed}[origin]


def _list_fields(
    *optional: ActionField, required: tuple[ActionField, ...] = (), one_of: tuple[str, ...] = ()
) -> ActionFieldSet:
    return ActionFieldSet(required, optional, one_of)


_ENTRIES = (
    EventEntry(
        K.SUBMIT, write_sentence("submit"), fields=_list_fields(), is_by_rule=True,
        ours=("todo", mark_template("Request created")), has_letter=True,
    ),
    EventEntry(
        K.APPROVE, write_sentence("approve"), label=mark_template("Approve"), fields=_list_fields(OWN_NOTE),
        usual_of=("awaiting-review",), ours=("todo", mark_template("Reviewed and approved")),
    ),
    EventEntry(
        K.EDIT, write_sentence("edit"), label=mark_template("Edit the request"),
        fields=_list_fields(
            ActionField("citation", FieldType.CITATION, "The complete corrected citation."),
            ActionField("need_by", FieldType.DAY, "Needed-by date."),
            ActionField("maximum_cost", FieldType.MONEY, "Maximum cost."), PICKUP,
            ActionField("further_volume", FieldType.TEXT, "Name of an additional volume, such as Vol. 2."), OWN_NOTE,
            one_of=("citation", "need_by", "maximum_cost", "pickup", "further_volume", "note"),
        ),
        done=mark_template("Changed."), ours=("todo", mark_template("Edited")),
    ),
    EventEntry(
        K.ASSIGN, write_sentence("assign"), label=mark_template("Choose the supplier"),
        fields=_list_fields(
            ActionField("partner", FieldType.PARTNER, "Next supplier."),
            ActionField("rota", FieldType.ROTA, "Rota to use."), OWN_NOTE, one_of=("partner", "rota"),
        ),
        done=mark_template("The suppliers have been set."), ours=("todo", mark_template("Suppliers chosen manually")),
    ),
    EventEntry(
        K.NO_SUPPLIER, write_sentence("no supplier"), fields=_list_fields(OWN_NOTE), is_by_rule=True,
        ours=("look", mark_template("No suppliers left")),
    ),
    EventEntry(
        K.CLOSE, write_sentence("close"), label=mark_template("Close the request"),
        fields=_list_fields(
            ENDING, REASON, OWN_NOTE,
        ),
        done=mark_template("The request is closed."), ours=("closed", mark_template("Closed")),
    ),
    EventEntry(
        K.REOPEN, write_sentence("reopen"), label=mark_template("Reopen"), fields=_list_fields(OWN_NOTE),
        done=mark_template("The request is open again."), ours=("todo", mark_template("Reopened")),
    ),
    EventEntry(
        K.NEXT_SUPPLIER, write_sentence("next supplier"), label=mark_template("Move to the next supplier"),
        fields=_list_fields(REASON, NOTE), ours=("way", mark_template("Moved to the next supplier")),
    ),
    EventEntry(
        K.REQUEST, write_sentence("request"),
        fields=_list_fields(NOTE, required=(ActionField("partner", FieldType.PARTNER, "Supplier."),)), is_by_rule=True,
        ours=("way", mark_template("Sent request to %(partner)s")),
        unsent=mark_template("Request to %(partner)s, to be sent by letter or phone"),
        theirs=("todo", mark_template("%(partner)s requested the item")), has_letter=True,
        stays={Role.LENDING: "it is refused as a second one"},
    ),
    EventEntry(
        K.ACKNOWLEDGED, write_sentence("acknowledged"),
        theirs=("waiting", mark_template("%(partner)s acknowledged our request")),
        note_words={Role.LENDING: write_sentence("request received")}, has_letter=True,
        stays={Role.BORROWING: "says nothing of the item"},
    ),
    EventEntry(
        K.REJECTED, write_sentence("rejected"), theirs=("closed", mark_template("%(partner)s rejected our request")),
        has_letter=True, letter_fields=("reason",), stays={Role.BORROWING: "the next supplier is asked"},
    ),
    EventEntry(
        K.EXPECT_TO_SUPPLY, write_sentence("expect to supply"),
        theirs=("waiting", mark_template("%(partner)s expects to supply")),
        said_with=mark_template("expects to supply"),
        note_words={Role.LENDING: write_sentence("we expect to supply the item")}, has_letter=True,
        letter_fields=("expected",), stays={Role.BORROWING: "says nothing for certain"},
    ),
    EventEntry(
        K.CONDITION_ACCEPTED, write_sentence("condition accepted"), label=mark_template("Accept the condition"),
        fields=_list_fields(COST, NOTE), usual_of=("condition-to-answer",),
        ours=("way", mark_template("Accepted %(partner)s’s condition")),
        theirs=("good", mark_template("%(partner)s accepted our condition")),
        said_with=mark_template("accepted the condition"), has_letter=True,
    ),
    EventEntry(
        K.CONDITION_REFUSED, write_sentence("condition refused"), label=mark_template("Decline the condition"),
        fields=_list_fields(REASON, NOTE), ours=("way", mark_template("Declined %(partner)s’s condition")),
        theirs=("closed", mark_template("%(partner)s declined our condition")),
        said_with=mark_template("declined the condition"), has_letter=True,
    ),
    EventEntry(
        K.CANCEL, write_sentence("cancel"), label=mark_template("Cancel the request"),
        fields=_list_fields(REASON, NOTE), ours=("closed", mark_template("Cancelled")),
        theirs=("look", mark_template("%(partner)s asked to cancel")), said_with=mark_template("asked to cancel"),
        wish={Role.BORROWING: "cancel"}, has_letter=True,
    ),
    EventEntry(
        K.RECEIVED, write_sentence("received"), label=mark_template("Receive"),
        fields=_list_fields(
            ActionField("barcode", FieldType.TEXT, "Barcode during the loan. Default: created from the template."),
            DESCRIPTION, DUE, CONDITIONS, PICKUP, VOLUMES, MISSING, NOTE,
        ),
        undoable=(Role.BORROWING,), usual_of=("to-receive",), ours=("good", mark_template("Received")),
        theirs=("good", mark_template("%(partner)s received the item")), said_with=mark_template("received the item"),
        wish={Role.BORROWING: "tell_received"}, is_courtesy=True, has_letter=True, volume=VolumeState.RECEIVED,
    ),
    EventEntry(
        K.ARRIVED_AT_BRANCH, write_sentence("arrived at branch"), label=mark_template("Mark as arrived at branch"),
        fields=_list_fields(OWN_NOTE), right=Right.BRANCH_ACT, undoable=(Role.BORROWING,),
        done=mark_template("It has arrived."),
        ours=("way", mark_template("Arrived at the pickup branch, not yet shelved")),
    ),
    EventEntry(
        K.AT_PICKUP, write_sentence("at pickup"), label=mark_template("Mark as ready for pickup"),
        fields=_list_fields(VOLUMES, OWN_NOTE), right=Right.BRANCH_ACT, undoable=(Role.BORROWING,),
        usual_of=("in-transit", "arrived"), ours=("good", mark_template("Ready at the pickup location")),
        wish={Role.BORROWING: "tell_on_shelf"}, is_courtesy=True, has_letter=True,
        stays={Role.LENDING: "the requester's own affair"},
        ends_transit=True,
    ),
    EventEntry(
        K.LOANED_TO_PATRON, write_sentence("loaned to patron"), label=mark_template("Check out to patron"),
        fields=_list_fields(VOLUMES, OWN_NOTE), right=Right.BRANCH_ACT, inverse=K.RETURNED_BY_PATRON,
        done=mark_template("Checked out to the patron."), ours=("good", mark_template("Checked out to the patron")),
        wish={Role.BORROWING: "tell_lent"}, is_courtesy=True, has_letter=True,
        stays={Role.LENDING: "the requester's own affair"}, volume=VolumeState.LENT,
    ),
    EventEntry(
        K.RETURNED_BY_PATRON, write_sentence("returned by patron"), label=mark_template("Check in from patron"),
        fields=_list_fields(VOLUMES, OWN_NOTE), right=Right.BRANCH_ACT, inverse=K.LOANED_TO_PATRON,
        done=mark_template("Checked in from the patron."), ours=("good", mark_template("Checked in from the patron")),
        volume=VolumeState.BACK,
    ),
    EventEntry(
        K.RETURNED, write_sentence("returned"), label=mark_template("Return to lender"),
        fields=_list_fields(VOLUMES, NOTE), usual_of=("to-return", "unwanted"), done=mark_template("Returned."),
        ours=("way", mark_template("Returned to %(partner)s")),
        theirs=("way", mark_template("%(partner)s returned the item")), said_with=mark_template("returned the item"),
        wish={Role.BORROWING: "tell_returned"}, has_letter=True, volume=VolumeState.RETURNED,
    ),
    EventEntry(
        K.RENEW, write_sentence("renew"), label=mark_template("Request renewal"),
        fields=_list_fields(ActionField("due", FieldType.DUE, "Requested due date."), NOTE),
        done=mark_template("The renewal has been requested."),
        noted=mark_template("The renewal request has been noted."),
        ours=("way", mark_template("Requested a renewal from %(partner)s")),
        unsent=mark_template("Noted a renewal request to %(partner)s, not sent"),
        theirs=("look", mark_template("%(partner)s requested a renewal")),
        said_with=mark_template("requested a renewal"), has_letter=True,
    ),
    EventEntry(
        K.LOST, write_sentence("lost"), label=mark_template("Mark as lost"), fields=_list_fields(VOLUMES, COST, NOTE),
        done=mark_template("The item has been marked as lost."), ours=("late", mark_template("Lost")),
        theirs=("late", mark_template("%(partner)s reported the item lost")),
        said_with=mark_template("reported the item lost"),
        note_words={
            Role.LENDING: write_sentence("we count the item as lost"), Role.BORROWING: write_sentence("item lost"),
        },
        has_letter=True, volume=VolumeState.LOST,
    ),
    EventEntry(
        K.DAMAGED, write_sentence("damaged"), label=mark_template("Report damage"),
        fields=_list_fields(VOLUMES, COST, NOTE), done=mark_template("The damage has been noted."),
        ours=("late", mark_template("Damaged")), theirs=("late", mark_template("%(partner)s reported damage")),
        said_with=mark_template("reported damage"), has_letter=True,
    ),
    EventEntry(
        K.SETTLED, LOSS_SETTLED, label=mark_template("Settle the loss"),
        fields=_list_fields(ActionField("cost", FieldType.MONEY, "Amount to be paid; 0: nothing."), OWN_NOTE),
        done=mark_template("The loss is settled."), note_words={Role.LENDING: LOSS_SETTLED}, has_letter=True,
    ),
    EventEntry(
        K.SHELF_EXPIRED, write_sentence("hold expired"), timed=("look", mark_template("The hold-shelf period ended")),
    ),
    EventEntry(
        K.RETURN_LATE, write_sentence("return late"),
        timed=("late", mark_template("%(partner)s returned the item, but it has not arrived in time")),
    ),
    EventEntry(
        K.STATUS_QUERY, write_sentence("status query"), label=mark_template("Ask for the status"),
        fields=_list_fields(NOTE), done=mark_template("The partner is being asked for the status."),
        noted=mark_template("The question about the status has been noted."),
        ours=("way", mark_template("Asked %(partner)s for the status")),
        unsent=mark_template("Noted a question to %(partner)s about the status, not sent"),
        theirs=("waiting", mark_template("%(partner)s asked for the status")),
        timed=("waiting", mark_template("Asked %(partner)s for the status because nothing had arrived")),
        said_with=mark_template("asked for the status"),
        note_words={Role.BORROWING: write_sentence("please tell us the status of the request")},
        wish={Role.BORROWING: "status_query"}, is_courtesy=True, has_letter=True,
        stays={Role.BORROWING: "we answer it", Role.LENDING: "we answer it"},
    ),
    EventEntry(
        K.STATUS_REPORT, write_sentence("status report"), fields=_list_fields(NOTE), is_by_rule=True,
        ours=("way", mark_template("Reported the status to %(partner)s")),
        unsent=mark_template("Noted a status report to %(partner)s, not sent"),
        theirs=("waiting", mark_template("%(partner)s reported the status")),
        said_with=mark_template("reported the status"),
        note_words={Role.LENDING: write_sentence("status of the request")}, is_courtesy=True, has_letter=True,
        letter_fields=("status",),
        stays={Role.BORROWING: "the answer to a question of ours", Role.LENDING: "the answer to a question of ours"},
    ),
    EventEntry(
        K.TROUBLE, write_sentence("message rejected"), fields=_list_fields(REASON, OWN_NOTE), is_by_rule=True,
        ours=("late", mark_template("%(partner)s rejected our message")),
        theirs=("late", mark_template("%(partner)s rejected our message")),
    ),
    EventEntry(
        K.UNDONE, write_sentence("undone"), fields=_list_fields(), is_by_rule=True,
        ours=("todo", mark_template("Undone: %(act)s")),
    ),
    EventEntry(
        K.ANONYMISED, write_sentence("anonymised"), ours=("closed", mark_template("The request was anonymised")),
        timed=("closed", mark_template("The request was anonymised")),
    ),
    EventEntry(
        K.MESSAGE, write_sentence("message"), label=mark_template("Send a message"),
        fields=_list_fields(
            ActionField("return_on_hold", FieldType.TRUTH, "Whether to postpone the return."),
            required=(ActionField("note", FieldType.TEXT, "Message to the partner."),),
        ),
        done=mark_template("The message is being sent."), noted=mark_template("The message has been saved."),
        ours=("way", mark_template("Message to %(partner)s")),
        unsent=mark_template("Noted a message to %(partner)s, not sent"),
        theirs=("look", mark_template("Message from %(partner)s")), has_letter=True, letter_fields=("note",),
    ),
    EventEntry(
        K.NOTE, write_sentence("note"), label=mark_template("Add an internal note"),
        fields=_list_fields(required=(ActionField("note", FieldType.TEXT, "Internal note, visible to staff only."),)),
        done=mark_template("The note has been saved."), ours=("todo", mark_template("Note")),
    ),
    EventEntry(
        K.PATRON_MESSAGE, write_sentence("message to patron"), label=mark_template("Write to the patron"),
        fields=_list_fields(
            required=(
                ActionField("reason", FieldType.TEXT, "Subject of the letter."),
                ActionField("note", FieldType.TEXT, "Text of the letter, without greeting; a paragraph a line."),
            ),
        ),
        ours=("way", mark_template("Wrote to the patron")),
    ),
    EventEntry(
        K.PATRON_ASKED, write_sentence("patron asked"), label=mark_template("Ask the patron"),
        fields=_list_fields(
            required=(SUBJECT, ActionField("note", FieldType.TEXT, "Question to the patron.")),
        ),
        ours=("look", mark_template("Asked the patron")),
    ),
    EventEntry(
        K.PATRON_ANSWERED, write_sentence("patron answered"), label=mark_template("Record the patron’s answer"),
        fields=_list_fields(
            ActionField("query", FieldType.TEXT, "ID of the question. Default: the open question."), OWN_NOTE,
            required=(ActionField("answer", FieldType.YES_NO, "The patron's answer."),),
        ),
        done=mark_template("The patron’s answer has been recorded."),
        ours=("good", mark_template("The patron answered")),
    ),
    EventEntry(
        K.PATRON_NOT_TOLD, write_sentence("patron not notified"), fields=_list_fields(REASON, OWN_NOTE),
        is_by_rule=True, ours=("look", mark_template("The patron could not be notified by email")),
    ),
    EventEntry(
        K.PATRON_TOLD, write_sentence("patron notified"), label=mark_template("Mark the patron as notified"),
        fields=_list_fields(ActionField("note", FieldType.TEXT, "How the patron was notified, and by whom.")),
        usual_of=("to-tell",), done=mark_template("The patron has been marked as notified."),
        ours=("good", mark_template("The patron was notified")),
    ),
    EventEntry(
        K.LOCATED, write_sentence("located"), label=mark_template("Use this copy"),
        fields=_list_fields(DESCRIPTION, OWN_NOTE, required=(BARCODE,)), undoable=(Role.LENDING,),
        done=mark_template("The copy has been chosen."), ours=("todo", mark_template("Found our copy")),
    ),
    EventEntry(
        K.WILL_SUPPLY, write_sentence("will supply"), label=mark_template("Confirm supply"),
        fields=_list_fields(EXPECTED, COST, CONDITIONS, NOTE), undoable=(Role.LENDING,),
        done=mark_template("The partner is being notified that we will supply."),
        noted=mark_template("It has been noted that we will supply."), ours=("way", mark_template("Confirmed supply")),
        theirs=("waiting", mark_template("%(partner)s will supply")), said_with=mark_template("will supply"),
        wish={Role.LENDING: "will_supply"}, is_courtesy=True, has_letter=True, letter_fields=("expected",),
    ),
    EventEntry(
        K.HOLD_PLACED, write_sentence("hold placed"), label=mark_template("Place a hold"),
        fields=_list_fields(EXPECTED, NOTE),
        done=mark_template(
            "The partner is being notified that the item is on hold. Place the hold itself in the library system."
        ),
        noted=mark_template("It has been noted that the item is on hold. Place the hold itself in the library system."),
        ours=("waiting", mark_template("Placed a hold for %(partner)s")),
        theirs=("waiting", mark_template("%(partner)s placed a hold for us")), said_with=mark_template("placed a hold"),
        note_words={Role.LENDING: write_sentence("we have placed a hold on the item")}, has_letter=True,
        letter_fields=("expected",),
    ),
    EventEntry(
        K.CONDITIONAL, write_sentence("conditional"), label=mark_template("Set a condition"),
        fields=_list_fields(CONDITIONS, COST, EXPECTED, NOTE, one_of=("conditions", "cost", "note")),
        done=mark_template("The condition is being sent."), noted=mark_template("The condition has been noted."),
        ours=("way", mark_template("Set a condition")), theirs=("look", mark_template("%(partner)s set a condition")),
        said_with=mark_template("with a condition"), has_letter=True, letter_fields=("conditions", "cost", "note"),
    ),
    EventEntry(
        K.UNFILLED, write_sentence("unfilled"), label=mark_template("Cannot supply"),
        fields=_list_fields(NOTE, required=(REASON,)), undoable=(Role.LENDING,),
        done=mark_template("Answered: cannot supply."),
        noted=mark_template("The request is closed because we cannot supply."),
        ours=("closed", mark_template("Unfilled")), theirs=("closed", mark_template("%(partner)s cannot supply")),
        said_with=mark_template("cannot supply"), has_letter=True, letter_fields=("reason", "note"),
        stays={Role.BORROWING: "the next supplier is asked"},
    ),
    EventEntry(
        K.RETRY, write_sentence("retry"), label=mark_template("Ask to retry later"),
        fields=_list_fields(REASON, NOTE, required=(RETRY,)), undoable=(Role.LENDING,),
        done=mark_template("The partner is being asked to retry later. The request is closed."),
        noted=mark_template("The request is closed. The partner may retry later."),
        ours=("way", mark_template("Asked %(partner)s to retry later")),
        theirs=("waiting", mark_template("%(partner)s asked us to retry later")),
        timed=("waiting", mark_template("The date to ask %(partner)s again was reached")),
        said_with=mark_template("asked to retry later"), has_letter=True, letter_fields=("reason", "retry_after"),
    ),
    EventEntry(
        K.FORWARDED, write_sentence("forwarded"), label=mark_template("Mark as forwarded"),
        fields=_list_fields(ActionField("note", FieldType.TEXT, "To whom.")),
        done=mark_template("The request has been marked as forwarded."), ours=("closed", mark_template("Forwarded")),
        theirs=("waiting", mark_template("%(partner)s forwarded the request")),
        said_with=mark_template("forwarded the request"), has_letter=True,
    ),
    EventEntry(
        K.BROKERED, write_sentence("brokered"), label=mark_template("Request from other libraries"),
        fields=_list_fields(REASON, OWN_NOTE), done=mark_template("Other libraries are being asked."),
        ours=("way", mark_template("Requested from other libraries")),
    ),
    EventEntry(
        K.EXPIRED, write_sentence("expired"),
        theirs=("closed", mark_template("%(partner)s reported that the request expired")),
        timed=("closed", mark_template("The needed-by date passed")), has_letter=True,
        stays={Role.BORROWING: "the next supplier is asked"},
    ),
    EventEntry(
        K.NO_ANSWER, write_sentence("no answer"), timed=("closed", mark_template("%(partner)s did not answer in time")),
    ),
    EventEntry(
        K.DIGITISED, write_sentence("digitised"), label=mark_template("Mark the copy as made"),
        fields=_list_fields(ATTACHMENT, OWN_NOTE), right=Right.COPIES_ACT, usual_of=("to-digitise",),
        done=mark_template("The copy has been made."), ours=("todo", mark_template("The copy was made")),
    ),
    EventEntry(
        K.CLEARED, write_sentence("cleared"), label=mark_template("Clear copyright"),
        fields=_list_fields(
            OWN_NOTE, required=(ActionField("reason", FieldType.TEXT, "Rule or statement relied on."),),
        ),
        right=Right.CLEARANCE_SIGN, done=mark_template("Copyright has been cleared."),
        ours=("good", mark_template("Copyright cleared")),
    ),
    EventEntry(
        K.CLEARANCE_REFUSED, write_sentence("clearance refused"), label=mark_template("Refuse copyright clearance"),
        fields=_list_fields(NOTE, required=(ActionField("reason", FieldType.TEXT, "Rule that prevents copying."),)),
        right=Right.CLEARANCE_SIGN,
        done=mark_template("Copyright clearance has been refused and the request is unfilled."),
        ours=("closed", mark_template("Copyright clearance refused")),
    ),
    EventEntry(
        K.COPY_DELIVERED, write_sentence("copy delivered"), label=mark_template("Deliver the copy"),
        fields=_list_fields(ATTACHMENT, LINK, COST, NOTE), right=Right.COPIES_ACT, usual_of=("to-deliver",),
        done=mark_template("The copy has been delivered."),
        noted=mark_template("The copy has been marked as delivered."),
        ours=("good", mark_template("The copy was delivered")),
        theirs=("good", mark_template("%(partner)s delivered the copy")), said_with=mark_template("delivered the copy"),
        has_letter=True, letter_fields=("link", "cost"),
    ),
    EventEntry(
        K.CANCEL_ACCEPTED, write_sentence("cancel accepted"), label=mark_template("Accept the cancellation"),
        fields=_list_fields(NOTE), usual_of=("cancel-to-answer",),
        done=mark_template("The cancellation has been accepted."),
        ours=("closed", mark_template("Accepted the cancellation")),
        theirs=("closed", mark_template("%(partner)s accepted the cancellation")),
        said_with=mark_template("accepted the cancellation"), has_letter=True,
        stays={Role.BORROWING: "the end of the leg is carried"},
    ),
    EventEntry(
        K.CANCEL_REFUSED, write_sentence("cancel refused"), label=mark_template("Refuse the cancellation"),
        fields=_list_fields(REASON, NOTE), done=mark_template("The cancellation has been refused."),
        ours=("look", mark_template("Refused the cancellation")),
        theirs=("look", mark_template("%(partner)s refused the cancellation")),
        said_with=mark_template("refused the cancellation"), has_letter=True, letter_fields=("reason",),
    ),
    EventEntry(
        K.SHIPPED, write_sentence("shipped"), label=mark_template("Ship"),
        fields=_list_fields(
            BARCODE, ActionField("due", FieldType.DUE, "Due date here. Default: by rule."), COST, CONDITIONS, RENEWABLE,
            DESCRIPTION, VOLUMES, NOTE,
        ),
        undoable=(Role.LENDING,), usual_of=("to-ship",), done=mark_template("Shipped."),
        ours=("way", mark_template("Shipped to %(partner)s")),
        theirs=("way", mark_template("%(partner)s shipped the item")), said_with=mark_template("shipped the item"),
        has_letter=True, letter_fields=("due", "conditions", "cost", "barcode", "note"), volume=VolumeState.SHIPPED,
    ),
    EventEntry(
        K.CHECKED_IN, write_sentence("checked in"), label=mark_template("Check in"),
        fields=_list_fields(VOLUMES, MISSING, NOTE), undoable=(Role.LENDING,), usual_of=("to-check-in",),
        done=mark_template("Checked in."), ours=("good", mark_template("Checked in")),
        theirs=("good", mark_template("%(partner)s checked the item in")),
        said_with=mark_template("checked the item in"), wish={Role.LENDING: "tell_checked_in"}, is_courtesy=True,
        has_letter=True, volume=VolumeState.CHECKED_IN,
    ),
    EventEntry(
        K.RENEW_ACCEPTED, write_sentence("renew accepted"), label=mark_template("Grant renewal"),
        fields=_list_fields(ActionField("due", FieldType.DUE, "New due date. Default: by rule."), NOTE),
        usual_of=("renewal-to-answer",), done=mark_template("The renewal has been granted."),
        ours=("way", mark_template("Granted the renewal to %(partner)s")),
        theirs=("good", mark_template("%(partner)s granted our renewal")),
        said_with=mark_template("granted the renewal"),
        note_words={Role.LENDING: write_sentence("the loan is renewed")}, has_letter=True, letter_fields=("due",),
    ),
    EventEntry(
        K.RENEW_REFUSED, write_sentence("renew refused"), label=mark_template("Refuse renewal"),
        fields=_list_fields(REASON, NOTE), done=mark_template("The renewal has been refused."),
        ours=("way", mark_template("Refused the renewal to %(partner)s")),
        theirs=("look", mark_template("%(partner)s refused our renewal")),
        timed=("look", mark_template("%(partner)s did not answer our renewal request")),
        said_with=mark_template("refused the renewal"),
        note_words={Role.LENDING: write_sentence("the loan cannot be renewed")}, has_letter=True,
        letter_fields=("reason", "due"),
    ),
    EventEntry(
        K.DUE_DATE_CHANGED, write_sentence("due date changed"), label=mark_template("Change the due date"),
        fields=_list_fields(NOTE, required=(DUE,)), done=mark_template("The due date has been changed."),
        ours=("way", mark_template("Changed the due date")),
        theirs=("look", mark_template("%(partner)s changed the due date")),
        said_with=mark_template("changed the due date"), has_letter=True, letter_fields=("due",),
    ),
    EventEntry(K.DUE_SOON, write_sentence("due soon"), timed=("waiting", mark_template("Due soon"))),
    EventEntry(
        K.OVERDUE, write_sentence("overdue"), label=mark_template("Send an overdue notice"), fields=_list_fields(NOTE),
        usual_of=("overdue-out",), done=mark_template("The overdue notice is being sent."),
        noted=mark_template("The overdue notice has been noted."),
        ours=("late", mark_template("Sent an overdue notice to %(partner)s")),
        unsent=mark_template("Noted an overdue notice to %(partner)s, not sent"),
        theirs=("late", mark_template("%(partner)s sent an overdue notice")), timed=("late", mark_template("Overdue")),
        said_with=mark_template("sent an overdue notice"),
        note_words={Role.LENDING: write_sentence("overdue, please return the item")},
        wish={Role.LENDING: "overdue_notices"}, has_letter=True, letter_fields=("due",),
    ),
    EventEntry(
        K.RECALL, write_sentence("recall"), label=mark_template("Recall"),
        fields=_list_fields(ActionField("due", FieldType.DUE, "Date by which the item must be returned."), NOTE),
        done=mark_template("The item has been recalled."), noted=mark_template("The recall has been noted."),
        ours=("late", mark_template("Recalled")), theirs=("late", mark_template("%(partner)s recalled the item")),
        said_with=mark_template("recalled the item"),
        note_words={Role.LENDING: write_sentence("recalled, please return the item")}, has_letter=True,
        letter_fields=("due", "note"),
    ),
)  # fmt: skip

EVENT_CATALOGUE: Mapping[K, EventEntry] = {entry.kind: entry for entry in _ENTRIES}

ACTS: Mapping[K, ActionFieldSet] = {entry.kind: entry.fields for entry in _ENTRIES if entry.fields is not None}
"""Every kind that the tables know as an event of ours."""

BY_HAND = tuple(kind for kind in ACTS if not EVENT_CATALOGUE[kind].is_by_rule)
"""What people and programs can do, in the order of the catalogue."""

BULK_KINDS = tuple(kind for kind in BY_HAND if not ACTS[kind].required and not ACTS[kind].one_of)
"""What can be done without being told anything of the single request."""

USUAL_ACTS: Mapping[str, K] = {task: entry.kind for entry in _ENTRIES for task in entry.usual_of}
"""What is done with most requests of a task list."""

PARTNER_LETTERS = tuple(kind for kind in K if EVENT_CATALOGUE[kind].has_letter)
"""All that one library may have to tell another; `submit` tells a system of our own of a new request."""
