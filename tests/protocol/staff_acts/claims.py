"""What each sentence of staff's pages and of letters claims. Written without the code that chooses the sentences: a new
sentence needs a claim here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import RequestFlag as F
from gateway.domain.requests.request import VolumeState as V
from tests.protocol.staff_acts.pages import SAID_NOTE
from tests.protocol.staff_acts.presses import Press
from tests.protocol.staff_acts.world import WITHOUT_MAIL

Claim = Callable[[Press], bool]


def _done(*kinds: str) -> Claim:
    return lambda p: p.was_done(*kinds)


def _sent(*kinds: str) -> Claim:
    return lambda p: p.is_sent(*kinds)


def _silent(*kinds: str) -> Claim:
    return lambda p: not set(kinds) & set(p.sent_kinds)


def _in(*states: str) -> Claim:
    return lambda p: p.state in states


def _all(*claims: Claim) -> Claim:
    return lambda p: all(claim(p) for claim in claims)


def _is_reachable(press: Press) -> bool:
    return press.scene.patron != WITHOUT_MAIL


_NOBODY_WAITS: Claim = lambda p: F.UNWANTED in p.flags and not p.letter_names  # noqa: E731
_GOES_BACK = _all(_NOBODY_WAITS, _silent("cancel"))

BANNERS: Mapping[str, Claim] = {
    "Approved.": _all(_done("approve"), lambda p: p.before.request.state in (B.REVIEW, B.NO_SUPPLIER)),
    "The request is wanted again.": lambda p: F.UNWANTED in p.before.request.flags and F.UNWANTED not in p.flags,
    "Changed.": _done("edit"),
    "The citation has been changed.": _all(
        _done("edit"), lambda p: p.before.request.citation != p.after.request.citation
    ),
    "The suppliers have been set.": _all(
        _done("assign"),
        lambda p: p.before.request.rota != p.after.request.rota or p.after.request.rota[0].standing == "waiting",
    ),
    "{partner} is being asked.": _all(_done("assign"), _sent("request")),
    "{partner} will not be asked.": lambda p: p.after.request.rota != p.before.request.rota,
    "{partner} is now number {place} of the suppliers to be asked.": lambda p: True,
    "The request is closed.": lambda p: not p.after.request.open,
    "The request is open again.": lambda p: p.after.request.open and not p.before.request.open,
    "The request is cancelled.": _all(_in("cancelled"), _silent("cancel")),
    "A cancellation has been requested.": _all(_sent("cancel"), _in("cancel-pending")),
    "The cancellation has been noted.": _all(_silent("cancel"), _in("cancel-pending")),
    "The item is no longer needed. Return it to the lender when it arrives.": _all(_GOES_BACK, _in("shipped")),
    "The item is no longer needed. Return it to the lender.": _all(_GOES_BACK, _in("received", "back")),
    "The next supplier is being chosen.": lambda p: (
        p.after.request.current != p.before.request.current or p.state in ("no-supplier", "unfilled")
    ),
    "The partner is being asked for another supplier.": lambda p: (
        p.is_sent("cancel") and p.after.request.current == p.before.request.current
    ),
    "The condition is accepted.": _sent("condition-accepted"),
    "It has been noted that the condition is accepted.": _all(
        _done("condition-accepted"), _silent("condition-accepted", "request")
    ),
    "The offer is accepted. The supplier is being asked again.": lambda p: (
        p.is_sent("request") or (p.scene.partner == "by-post" and p.state == "requested")
    ),
    "The price is accepted.": lambda p: F.PRICE_OPEN in p.before.request.flags and F.PRICE_OPEN not in p.flags,
    "The condition is declined.": _sent("condition-refused"),
    "It has been noted that the condition is declined.": _all(_done("condition-refused"), _silent("condition-refused")),
    "The offer is declined.": _all(_done("condition-refused"), _silent("condition-refused")),
    "Received.": _all(_done("received"), lambda p: F.IN_TRANSIT not in p.flags or p.state != "received"),
    "Received. Take it to its pickup location.": lambda p: p.is_on("in-transit") and not p.letter_names,
    "Received. Other volumes have not arrived yet.": lambda p: p.volumes(V.SHIPPED, V.EXPECTED) > 0,
    "Received. The item is no longer needed. Return it to the lender.": lambda p: (
        p.state == "back" and F.UNWANTED in p.flags
    ),
    "Received. The lender has recalled the item. Return it to the lender.": lambda p: (
        p.state == "back" and F.RECALLED in p.flags
    ),
    "It has arrived.": lambda p: F.ARRIVED in p.flags and not p.letter_names,
    "The item is at its pickup location.": lambda p: F.IN_TRANSIT not in p.flags and F.ARRIVED not in p.flags,
    "The item is at its pickup location. Other volumes are not there yet.": lambda p: (
        p.volumes(V.SHIPPED, V.EXPECTED) > 0 or any(one.in_transit for one in p.after.request.volumes)
    ),
    "The item is at its pickup location. The lender has recalled it. Return it to the lender.": lambda p: (
        F.RECALLED in p.flags and p.can(K.RETURNED)
    ),
    "The item is at its pickup location. It is no longer needed. Return it to the lender.": lambda p: (
        F.UNWANTED in p.flags and p.can(K.RETURNED)
    ),
    "Checked out to the patron.": lambda p: p.state == "lent" and p.after.loans > p.before.loans,
    "Checked in from the patron.": lambda p: p.was_done("returned-by-patron") and p.after.loans < p.before.loans,
    "Returned.": _all(_done("returned"), _in("returned", "completed", "no-supplier", "requested")),
    "This cannot be undone: the lender is notified and the temporary item is deleted from the library system.": (
        lambda p: p.is_sent("returned") and p.after.items < p.before.items and not p.page.undo
    ),
    "This cannot be undone: the lender is notified.": lambda p: (
        p.is_sent("returned") and p.after.items == p.before.items and not p.page.undo
    ),
    "This cannot be undone: the temporary item is deleted from the library system.": lambda p: (
        not p.is_sent("returned") and p.after.items < p.before.items and not p.page.undo
    ),
    "This cannot be undone: others have already been told.": lambda p: (
        bool(p.sent_kinds or p.letter_names) and not p.page.undo
    ),
    "The item has been marked as lost.": _in("lost"),
    "The damage has been noted.": _done("damaged"),
    "The loss is settled.": _all(_done("settled"), _in("completed")),
    "The note has been saved.": _all(_done("note"), lambda p: not p.sent_kinds and not p.letter_names),
    "The message is being sent.": _sent("message"),
    "The message has been saved.": _all(_done("message"), _silent("message")),
    "Sent to {partner}.": _sent("message"),
    "Saved, but not sent: no channel for messages is configured for {partner}.": _all(
        _done("message"), _silent("message")
    ),
    "The letter is being sent to the patron.": lambda p: p.is_mailed("from-staff"),
    "The letter has been saved, but the patron has no email address. Please print it.": lambda p: (
        not p.letters and not _is_reachable(p) and p.is_on("to-tell")
    ),
    "The question is being sent to the patron.": lambda p: p.is_mailed("query"),
    "The question has been saved, but the patron has no email address. Please ask them in person.": lambda p: (
        not p.letters and not _is_reachable(p)
    ),
    "The patron is being notified by email.": lambda p: p.is_mailed(),
    "The patron has no email address. Please notify them in person.": lambda p: (
        not p.letters and not _is_reachable(p) and p.is_on("to-tell")
    ),
    "The patron’s answer has been recorded.": lambda p: (
        p.after.request.query is not None and bool(p.after.request.query.answer)
    ),
    "The patron has been marked as notified.": lambda p: not p.is_on("to-tell"),
    "The copy has been chosen.": _all(_done("located"), lambda p: bool(p.after.request.item_barcode)),
    "The request has been marked as forwarded.": _in("forwarded"),
    "Other libraries are being asked.": lambda p: p.after.request.other_leg is not None,
    "The copy has been made.": _all(_done("digitised"), _in("clearance", "cleared")),
    "Copyright has been cleared.": _in("cleared"),
    "Copyright clearance has been refused and the request is unfilled.": _in("unfilled"),
    "The cancellation has been accepted.": lambda p: (
        p.state in ("cancelled", "unfilled") and "unfilled" not in p.sent_kinds
    ),
    "The cancellation has been refused.": lambda p: p.was_done("cancel-refused") and p.after.request.open,
    "Shipped.": _in("shipped"),
    "Checked in.": _done("checked-in"),
    "The renewal has been granted.": lambda p: (
        F.RENEWAL_PENDING not in p.flags and p.after.request.terms.lender_due != p.before.request.terms.lender_due
    ),
    "The renewal has been refused.": lambda p: (
        F.RENEWAL_PENDING not in p.flags and p.after.request.terms.lender_due == p.before.request.terms.lender_due
    ),
    "The due date has been changed.": lambda p: p.after.request.terms.lender_due != p.before.request.terms.lender_due,
    "The renewal has been requested.": _all(_sent("renew"), lambda p: F.RENEWAL_PENDING in p.flags),
    "The renewal request has been noted.": _all(_silent("renew"), lambda p: F.RENEWAL_PENDING in p.flags),
    "The partner is being asked for the status.": _sent("status-query"),
    "The question about the status has been noted.": _all(_done("status-query"), _silent("status-query")),
    "The partner is being notified that we will supply.": _sent("will-supply"),
    "It has been noted that we will supply.": _all(_done("will-supply"), _silent("will-supply")),
    "The partner is being notified that the item is on hold. Place the hold itself in the library system.": _all(
        _sent("hold-placed"), lambda p: p.after.holds <= p.before.holds
    ),
    "It has been noted that the item is on hold. Place the hold itself in the library system.": _all(
        _silent("hold-placed"), lambda p: p.after.holds <= p.before.holds
    ),
    "The condition is being sent.": _sent("conditional"),
    "The condition has been noted.": _all(_done("conditional"), _silent("conditional")),
    "The partner is being asked to retry later. The request is closed.": _all(_sent("retry"), _in("unfilled")),
    "The request is closed. The partner may retry later.": _all(_silent("retry"), _in("unfilled")),
    "Answered: cannot supply.": _all(_sent("unfilled"), _in("unfilled")),
    "The request is closed because we cannot supply.": _all(_silent("unfilled"), _in("unfilled")),
    "The copy has been delivered.": _all(_sent("copy-delivered"), _in("completed")),
    "The copy has been marked as delivered.": _all(_silent("copy-delivered"), _in("completed")),
    "The overdue notice is being sent.": _sent("overdue"),
    "The overdue notice has been noted.": _all(_done("overdue"), _silent("overdue")),
    "The item has been recalled.": _all(_sent("recall"), lambda p: F.RECALLED in p.flags),
    "The recall has been noted.": _all(_silent("recall"), lambda p: F.RECALLED in p.flags),
    "{partner} was not told because its profile has no channel. Please write or phone.": lambda p: not p.sent_kinds,
    "{partner} was not told because '{kind}' cannot be sent by {way}. Please write or phone.": lambda p: (
        p.name.split()[0] not in p.sent_kinds
    ),
    "{partner} is told in a message because '{kind}' cannot be sent by {way}.": lambda p: (
        p.is_sent("message") and p.name.split()[0] not in p.sent_kinds
    ),
    "The question has been saved, but it is not sent to the patron.": lambda p: not p.letter_names and not p.letters,
    "1 message marked as read.": lambda p: not any("unread" in task for task in p.after.tasks),
}


HEADINGS: Mapping[str, Claim] = {
    "Action needed: review and approve the request": lambda p: p.can(K.APPROVE),
    "Action needed: choose suppliers or close the request": lambda p: p.can(K.ASSIGN, K.CLOSE),
    "Waiting for {partner}: answer": lambda p: p.state == "requested" and _has_asked(p),
    "Waiting for {partner}: supply when available": _in("hold-placed"),
    "Waiting for {partner}: supply": _in("will-supply"),
    "Action needed: answer {partner}’s condition": lambda p: p.can(K.CONDITION_ACCEPTED, K.CONDITION_REFUSED),
    "Waiting for {partner}: answer the cancellation": _in("cancel-pending"),
    "Waiting for delivery: receive the item when it arrives": lambda p: p.can(K.RECEIVED),
    "Waiting for the patron: collect the item": lambda p: (
        p.can(K.LOANED_TO_PATRON) and not {F.IN_TRANSIT, F.ARRIVED, F.UNWANTED, F.RECALLED} & p.flags
    ),
    "Waiting for the patron: return the item": lambda p: p.after.loans > 0 and p.can(K.RETURNED_BY_PATRON),
    "Waiting for the patron: answer our question": lambda p: p.can(K.PATRON_ANSWERED),
    "Action needed: return the item to {partner}": lambda p: p.can(K.RETURNED),
    "Action needed: return the item, which was not collected": lambda p: (
        p.can(K.RETURNED) and F.NOT_COLLECTED in p.flags
    ),
    "Action needed: return the item, which {partner} has recalled": lambda p: (
        p.can(K.RETURNED) and F.RECALLED in p.flags
    ),
    "Action needed: return the item, which is no longer needed": lambda p: p.can(K.RETURNED) and F.UNWANTED in p.flags,
    "Action needed: take the item to its pickup location": lambda p: p.can(K.AT_PICKUP) and F.ARRIVED not in p.flags,
    "Action needed: shelve the item at its pickup location": lambda p: p.can(K.AT_PICKUP) and F.ARRIVED in p.flags,
    "Waiting for {partner}: check the item in": _in("returned"),
    "Action needed: locate the item and answer {partner}": lambda p: p.can(K.LOCATED, K.UNFILLED),
    "Action needed: pull and ship the item": lambda p: p.can(K.SHIPPED) and p.after.holds > 0,
    "Waiting for the item: ship it when it is available": lambda p: p.can(K.SHIPPED),
    "Action needed: ship the item": lambda p: p.can(K.SHIPPED),
    "Waiting for {partner}: answer our condition": _in("conditional"),
    "Action needed: make the copy": lambda p: p.can(K.DIGITISED),
    "Action needed: clear copyright": lambda p: p.can(K.CLEARED),
    "Action needed: deliver the copy": lambda p: p.can(K.COPY_DELIVERED),
    "Action needed: answer {partner}’s cancellation request": lambda p: p.can(K.CANCEL_ACCEPTED, K.CANCEL_REFUSED),
    "Action needed: answer {partner}’s renewal request": lambda p: p.can(K.RENEW_ACCEPTED, K.RENEW_REFUSED),
    "Waiting for {partner}: return the item by the due date": lambda p: p.after.loans > 0,
    "Waiting for delivery: check the item in when it arrives": lambda p: p.can(K.CHECKED_IN),
    "Action needed: settle the loss with {partner}": lambda p: p.state == "lost" and p.can(K.SETTLED),
    "Action needed: the item is overdue": lambda p: F.OVERDUE in p.flags,
    "Action needed: {partner} has not returned the item in time": lambda p: p.is_on("overdue-out"),
    "Action needed: the item that {partner} returned has not arrived": lambda p: p.is_on("return-late"),
    "Action needed: write or phone {partner}, which was not told": lambda p: p.is_on("untold"),
    "Action needed: check the message from another sender": lambda p: p.is_on("stranger"),
    "No action needed: this request is closed": lambda p: not p.after.request.open,
    "No action needed: this request is closed ({ending})": lambda p: not p.after.request.open,
    "No action needed: we have asked other libraries for {partner}": lambda p: p.after.request.other_leg is not None,
    "No action needed: we have asked {partner} for another library": lambda p: p.after.request.other_leg is not None,
}


def _has_asked(press: Press) -> bool:
    """By post, the letter waits to be printed."""
    if press.after.request.partner.profile == "by-post":
        return not press.after.messages
    return any(one.name == "request" and one.status == "done" for one in press.after.messages.values())


STORIES: Mapping[str, Claim] = {
    "Hold placed in the library system": lambda p: p.after.holds > p.before.holds,
    "Hold cancelled in the library system": lambda p: p.after.holds < p.before.holds,
    "Temporary item created in the library system": lambda p: p.after.items > p.before.items,
    "Temporary item deleted in the library system": lambda p: p.after.items < p.before.items,
    "Checked out to the patron in the library system": lambda p: p.after.loans > p.before.loans,
    "Checked in from the patron in the library system": lambda p: p.after.loans < p.before.loans,
    "Checked out to the requester in the library system": lambda p: p.after.loans > 0,
    "Checked in from the requester in the library system": lambda p: p.after.loans < max(p.before.loans, 1),
    "Letter to the patron: {letter}": lambda p: bool(p.letters),
    "Letter to the patron that could not be emailed: {letter}": lambda p: not p.letters,
    "Sent request to {partner}": _sent("request"),
    "Request to {partner}, to be sent by letter or phone": _silent("request"),
    "Message to {partner}": _sent("message"),
    "Noted a message to {partner}, not sent": _silent("message"),
    "Asked {partner} for the status": _sent("status-query"),
    "Noted a question to {partner} about the status, not sent": _silent("status-query"),
    "Requested a renewal from {partner}": _sent("renew"),
    "Noted a renewal request to {partner}, not sent": _silent("renew"),
    "Sent an overdue notice to {partner}": _sent("overdue"),
    "Noted an overdue notice to {partner}, not sent": _silent("overdue"),
    "Pending: {what}": lambda p: False,
    "Failed: {what}": lambda p: False,
}
"""Lines that say more than that an event happened."""

LETTERS: Mapping[str, Claim] = {
    "The item that you requested is ready to collect": lambda p: (
        p.state == "received" and not {F.IN_TRANSIT, F.ARRIVED} & p.flags and p.can(K.LOANED_TO_PATRON)
    ),
    SAID_NOTE: lambda p: p.was_done("patron-message", "patron-asked", "close", "cancel"),
    "This request has been cancelled": _in("cancelled"),
    "We are sorry. No library was able to supply this item": _in("unfilled", "expired"),
    "We have this item in our library.": lambda p: p.name.endswith("own-stock") and not p.after.request.open,
    "This item could be obtained in another way.": lambda p: p.name.endswith("obtained-elsewhere"),
    "You have requested this item twice.": lambda p: p.name.endswith("duplicate") and not p.after.request.open,
    "We have returned this item to the library that owns it": _done("returned"),
    "You no longer need this item.": lambda p: p.name.endswith("not-needed") and not p.after.request.open,
    "We are sorry. This item was lost before you could have it.": _all(_in("lost"), lambda p: p.before.loans == 0),
    "We are sorry. The library that owns this item needs it back": lambda p: F.RECALLED in p.flags,
    "Your loan has a new due date": lambda p: (
        p.after.request.terms.patron_due != p.before.request.terms.patron_due and p.after.loans > 0
    ),
    "The copy that you requested is ready": _in("completed"),
    "We need an answer from you": lambda p: p.after.request.query is not None and not p.after.request.query.answer,
    "We have not found a library that can supply": _in("no-supplier"),
    "The other library has shipped the item": _in("shipped"),
    "This item from another library was due on": lambda p: F.OVERDUE in p.flags,
}

SUBJECTS: Mapping[str, Claim] = {
    "Renewed: ": lambda p: (p.after.request.terms.patron_due or 0) > (p.before.request.terms.patron_due or 0),  # type: ignore[operator]
}
"""Beginnings that say more than the letter."""

TASKS: Mapping[str, Claim] = {
    "awaiting-review": lambda p: p.can(K.APPROVE),
    "no-supplier": lambda p: p.can(K.ASSIGN),
    "condition-to-answer": lambda p: p.can(K.CONDITION_ACCEPTED),
    "to-receive": lambda p: p.can(K.RECEIVED),
    "in-transit": lambda p: p.can(K.AT_PICKUP),
    "arrived": lambda p: p.can(K.AT_PICKUP),
    "not-collected": lambda p: p.can(K.RETURNED, K.LOANED_TO_PATRON),
    "overdue": lambda p: p.can(K.RETURNED),
    "recalled": lambda p: p.can(K.RETURNED),
    "to-return": lambda p: p.can(K.RETURNED),
    "unwanted": lambda p: p.can(K.RETURNED),
    "patron-question": lambda p: p.can(K.PATRON_ANSWERED),
    "new": lambda p: p.can(K.UNFILLED),
    "to-locate": lambda p: p.can(K.LOCATED),
    "to-pull": lambda p: p.can(K.SHIPPED),
    "to-ship": lambda p: p.can(K.SHIPPED),
    "to-digitise": lambda p: p.can(K.DIGITISED),
    "to-clear": lambda p: p.can(K.CLEARED),
    "to-deliver": lambda p: p.can(K.COPY_DELIVERED),
    "cancel-to-answer": lambda p: p.can(K.CANCEL_ACCEPTED),
    "renewal-to-answer": lambda p: p.can(K.RENEW_ACCEPTED),
    "overdue-out": lambda p: p.can(K.CHECKED_IN) and F.OVERDUE in p.flags,
    "lost": lambda p: p.state == "lost" and p.can(K.SETTLED),
    "lost-out": lambda p: p.state == "lost" and p.can(K.SETTLED),
    "to-check-in": lambda p: p.can(K.CHECKED_IN),
    "return-late": lambda p: p.can(K.CHECKED_IN),
    "to-tell": lambda p: p.can(K.PATRON_TOLD),
    "unread-borrowing": lambda p: p.can(K.MESSAGE),
    "unread-lending": lambda p: p.can(K.MESSAGE),
    "price-to-check": lambda p: p.can(K.CONDITION_ACCEPTED),
    "trouble": lambda p: True,
    "untold": lambda p: True,
    "stranger": lambda p: True,
}
"""Whoever works a list off finds the act that ends it on the request's page."""
