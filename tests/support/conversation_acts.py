"""What staff do on our side of a recorded conversation: what our messages in it imply, or what a table says instead."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import Request, Role
from tests.support.conversation_profiles import find_profile
from tests.support.recorded_conversations import RecordedConversation, RecordedMessage, SpokenMessage

ITEMS = {"39000000000011": "ITEM", "39000000000035": "ITEM2"}
"""What is typed or scanned when something is lent, and what tables call it."""

_CONDITIONS = {
    "LibraryUseOnly": LoanCondition.LIBRARY_USE_ONLY,
    "NoReproduction": LoanCondition.NO_REPRODUCTION,
    "SignatureRequired": LoanCondition.SIGNATURE_REQUIRED,
    "SpecCollSupervReq": LoanCondition.SUPERVISED,
    "WatchLibraryUseOnly": LoanCondition.WATCHED,
    "Other": LoanCondition.OTHER,
}
_TERMS = re.compile(r"(?:^|(?<=; ))(?:cost|[cC]onditions?|Cost|retryInfo|loanCondition|URL|item \w+):? ?[^;]*(?:; |$)")
_MARKERS = re.compile(
    r"#ReShare\w+#(?:; )?|\bcondition (?:accepted|refused)(?:; |$)"
    r"|#(?:RETURN_TO#.*#RT_END|MultipleItems#.*#MultipleItemsEnd)#",
    re.DOTALL,
)


def choose_acts(
    conversation: RecordedConversation, message: RecordedMessage, request: Request, act: str
) -> list[tuple[EventKind, EventDetails]]:
    if act:
        return [read_act(one) for one in act.split("; ")]
    if request.role is Role.BORROWING:
        return [choose_borrower_act(conversation, message.spoken, request)]
    if is_said_with_the_next(conversation, message):
        return []
    kind, details = choose_lender_act(message.spoken)
    if kind is EventKind.COPY_DELIVERED:
        steps = (EventKind.LOCATED, EventKind.DIGITISED, EventKind.CLEARED, kind)
        return [(one, details if one in (EventKind.DIGITISED, kind) else EventDetails()) for one in steps]
    return [(kind, details)]


def is_said_with_the_next(conversation: RecordedConversation, message: RecordedMessage) -> bool:
    """A Notification that repeats the note of a message of ours beside it."""
    spoken = message.spoken
    ours = [one.spoken for one in conversation.messages if one.is_ours and one is not message]
    return spoken.word.startswith("Notification ") and any(
        one.status == spoken.status and one.note == spoken.note and not one.word.startswith("Notification")
        for one in ours
    )


def choose_borrower_act(
    conversation: RecordedConversation, spoken: SpokenMessage, request: Request
) -> tuple[EventKind, EventDetails]:
    note = EventDetails(note=spoken.note)
    is_open = request.state.value == "conditional"
    if spoken.element == "request" and is_open:
        return EventKind.CONDITION_ACCEPTED, EventDetails()
    if spoken.element == "request":
        return EventKind.REQUEST, EventDetails(partner=find_profile(conversation).name)
    if spoken.word == "Cancel":
        return (EventKind.CONDITION_REFUSED if is_open else EventKind.CANCEL), EventDetails(
            note=strip_terms(spoken.note)
        )
    if spoken.word == "Notification":
        kind = EventKind.CONDITION_ACCEPTED if is_open else EventKind.MESSAGE
        kind = {"item lost": EventKind.LOST, "item dama": EventKind.DAMAGED}.get(spoken.note[:9], kind)
        return kind, EventDetails(note=strip_terms(spoken.note))
    return {
        "Received": EventKind.RECEIVED,
        "ShippedReturn": EventKind.RETURNED,
        "Renew": EventKind.RENEW,
        "StatusRequest": EventKind.STATUS_QUERY,
    }.get(spoken.word, EventKind.NOTE), note


def read_act(act: str) -> tuple[EventKind, EventDetails]:
    """`shipped barcode=ITEM note="two words"`."""
    kind, _, rest = act.partition(" ")
    details = EventDetails()
    for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', rest):
        value: Any = {name: barcode for barcode, name in ITEMS.items()}.get(plain, quoted or plain)
        if name == "cost":
            amount, _, currency = value.partition(":")
            value = Money(Decimal(amount), currency)
        elif name == "conditions":
            value = tuple(LoanCondition(one) for one in value.split(","))
        elif name in ("due", "retry_after", "expected"):
            value = date.fromisoformat(value)
        elif name in ("volumes",):
            value = tuple(value.split(","))
        details = replace(details, **{name: value})
    return EventKind(kind), details


def strip_terms(note: str) -> str:
    """What a person wrote of it: the rest is said again by itself."""
    return _TERMS.sub("", _MARKERS.sub("", note)).strip("; ")


def choose_lender_act(spoken: SpokenMessage) -> tuple[EventKind, EventDetails]:
    """What staff do for what was sent in the recording, with the terms that stand in it."""
    reason, _, status = spoken.word.partition(" ")
    words = strip_terms(spoken.note)
    details = EventDetails(note=words)
    answer = spoken.text("answerYesNo")
    if reason in ("CancelResponse", "RenewResponse"):
        kinds = {
            ("CancelResponse", "Y"): EventKind.CANCEL_ACCEPTED,
            ("CancelResponse", "N"): EventKind.CANCEL_REFUSED,
            ("RenewResponse", "Y"): EventKind.RENEW_ACCEPTED,
            ("RenewResponse", "N"): EventKind.RENEW_REFUSED,
        }
        return kinds[reason, answer], replace(details, due=_read_day(spoken))
    if reason == "Notification":
        return EventKind.MESSAGE, details
    if reason == "StatusRequestResponse":
        return EventKind.STATUS_REPORT, details
    condition, cost = spoken.text("loanCondition"), _read_cost(spoken)
    if status == "WillSupply" and (condition or cost is not None):
        conditions = (_CONDITIONS[condition],) if condition else ()
        return EventKind.CONDITIONAL, replace(details, conditions=conditions, cost=cost)
    if status in ("Unfilled", "RetryPossible"):
        why = spoken.text("reasonUnfilled") or spoken.text("reasonRetry")
        reasons = {
            "NotHeld": "not-held",
            "NotOnShelf": "not-on-shelf",
            "PolicyProblem": "policy",
            "OnLoan": "on-loan",
            "CostExceedsMaxCost": "cost-exceeds-maximum",
            "NotFoundAsCited": "not-found-as-cited",
        }
        kind = EventKind.UNFILLED if status == "Unfilled" else EventKind.RETRY
        after = _read_day(spoken, "retryAfter")
        return kind, replace(details, reason=reasons.get(why, ""), cost=cost, retry_after=after)
    if status == "Loaned":
        return EventKind.SHIPPED, replace(details, barcode=next(iter(ITEMS)), due=_read_day(spoken), cost=cost)
    if status == "CopyCompleted":
        return EventKind.COPY_DELIVERED, replace(details, link=spoken.note.partition("URL: ")[2], note="")
    return {
        "ExpectToSupply": EventKind.EXPECT_TO_SUPPLY,
        "WillSupply": EventKind.WILL_SUPPLY,
        "Overdue": EventKind.OVERDUE,
        "Recalled": EventKind.RECALL,
        "LoanCompleted": EventKind.CHECKED_IN,
        "CompletedWithoutReturn": EventKind.LOST,
    }[status], replace(details, cost=cost if status == "CompletedWithoutReturn" else None)


def _read_cost(spoken: SpokenMessage) -> Money | None:
    for name in ("offeredCosts", "deliveryCosts"):
        if amount := spoken.text(f"{name}/monetaryValue"):
            return Money(Decimal(amount), spoken.text(f"{name}/currencyCode"))
    if match := re.search(r"cost: ([\d.]+) ([A-Z]{3})", spoken.note):
        return Money(Decimal(match[1]), match[2])
    return None


def _read_day(spoken: SpokenMessage, name: str = "statusInfo/dueDate") -> date | None:
    said = spoken.text(name)
    return datetime.fromisoformat(said).date() if said else None
