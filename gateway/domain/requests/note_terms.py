"""Terms that a protocol has no field for (a recall's date, the cost of damage, a further condition), said in the note
by rule; and a changed due date, for which a protocol may have no message at all.

Written first, so that a note that is cut keeps them: `due: 2026-04-01; cost: 45.00 EUR; in their own words`. Read only
in exactly this form: other words stay words, for people. A price is read in any form that is beyond doubt; a supplier's
that isn't is a condition, so that its promise doesn't go on as if it cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from decimal import Decimal

from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.volume_notes import read_named_volumes
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.sums import read_sum
from gateway.domain.value import replace

_DUE = re.compile(r"due: (\d{4}-\d{2}-\d{2})")
_COST = re.compile(r"cost: (\d{1,9}(?:\.\d{1,4})?) ([A-Z]{3})")
_ANY_COST = re.compile(r"(?:costs?|price|kosten|preis):(.*)", re.IGNORECASE | re.DOTALL)

_CONDITIONS = re.compile(r"conditions: ([a-z, -]+)")
_DUE_CHANGED = re.compile(r"The due date is now (\d{4}-\d{2}-\d{2})\.")

LOSS_SETTLED = write_sentence("loss settled")
"""How a note begins that says that a lender asks for nothing more, where a protocol has no message for that."""

_PARTS = re.compile(r";\s+|\n")

_CONDITION_OF_WORDS = {condition.value.replace("-", " "): condition for condition in LoanCondition}

_WITH_DUE = frozenset({EventKind.RECALL})
_OF_SUPPLIER = frozenset(
    {
        EventKind.ACKNOWLEDGED,
        EventKind.EXPECT_TO_SUPPLY,
        EventKind.HOLD_PLACED,
        EventKind.WILL_SUPPLY,
        EventKind.CONDITIONAL,
        EventKind.RETRY,
        EventKind.SHIPPED,
        EventKind.COPY_DELIVERED,
    }
)
_WITH_COST = frozenset(
    {
        EventKind.DAMAGED,
        EventKind.LOST,
        EventKind.SETTLED,
        EventKind.CONDITION_ACCEPTED,
        *_OF_SUPPLIER,
    }
)
_WITH_CONDITIONS = frozenset({EventKind.CONDITIONAL, EventKind.SHIPPED})
"""Events that may bring it though their messages may have no such field."""


def write_due_term(due: date | datetime | None, zone: tzinfo) -> str:
    """The day in `zone`; empty where none is known."""
    if due is None:
        return ""
    day = due.astimezone(zone).date() if isinstance(due, datetime) else due
    return write_sentence("due: %(day)s", day=day)


def write_cost_term(cost: Money | None) -> str:
    return write_sentence("cost: %(money)s", money=cost) if cost is not None else ""


def write_conditions_term(conditions: Iterable[LoanCondition]) -> str:
    """Empty where none of them has words of its own."""
    words = [condition.value.replace("-", " ") for condition in conditions if condition is not LoanCondition.OTHER]
    return f"conditions: {', '.join(words)}" if words else ""


def write_changed_due(due: date) -> Sentence:
    return write_sentence("The due date is now %(day)s.", day=due)


def write_changed_item(barcode: str) -> Sentence:
    return write_sentence("the item is now %(barcode)s", barcode=barcode)


def read_told_event(kind: EventKind, details: EventDetails) -> tuple[EventKind, EventDetails]:
    """A lender's message that says, before all else and in exactly these words, until when the item may be kept now, or
    that its loss is settled."""
    if kind is EventKind.MESSAGE and _PARTS.split(details.note)[0].strip() == LOSS_SETTLED:
        return EventKind.SETTLED, read_note_terms(EventKind.SETTLED, details)
    match = _DUE_CHANGED.match(details.note) if kind is EventKind.MESSAGE else None
    due = _parse_day(match[1]) if match is not None else None
    return (EventKind.DUE_DATE_CHANGED, replace(details, due=due)) if due is not None else (kind, details)


def read_note_terms(kind: EventKind, details: EventDetails) -> EventDetails:
    """Add the terms of the note, where the event may bring them and no field has said them. The note stays whole."""
    details = read_named_volumes(kind, details)
    parts = _PARTS.split(details.note)
    if kind in _WITH_DUE and details.due is None:
        details = replace(details, due=next(filter(None, map(_read_due_term, parts)), None))
    if kind in _WITH_COST and details.cost is None:
        details = replace(details, cost=next(filter(None, map(_read_cost_term, parts)), None))
    if kind in _WITH_CONDITIONS and (unsaid := [term for part in parts for term in _read_conditions_term(part)]):
        conditions = (condition for condition in details.conditions if condition is not LoanCondition.OTHER)
        details = replace(details, conditions=tuple(dict.fromkeys((*conditions, *unsaid))))
    is_unread = details.cost is None and any(map(is_cost_term, parts))
    return add_unread_cost(kind, details) if is_unread else details


def add_unread_cost(kind: EventKind, details: EventDetails) -> EventDetails:
    """Add the condition that something is to be paid, where a supplier names a price that is no sum."""
    if kind not in _OF_SUPPLIER:
        return details
    return replace(details, conditions=tuple(dict.fromkeys((*details.conditions, LoanCondition.COST))))


def remove_terms(note: str, link: str = "") -> str:
    """Return what a person wrote of a note: without terms in their exact form and the `link`, which is told elsewhere
    too."""
    return "; ".join(part for part in _PARTS.split(note) if part.strip() and not _is_term(part.strip(), link))


def is_cost_term(part: str) -> bool:
    """Return whether it says a price, readable or not."""
    return _ANY_COST.match(part.strip()) is not None


def _is_term(part: str, link: str) -> bool:
    is_link = bool(link) and part.removeprefix("URL: ") == link
    return is_link or any(read(part) for read in (_read_due_term, _COST.fullmatch, _read_conditions_term))


def _read_due_term(part: str) -> date | None:
    match = _DUE.fullmatch(part.strip())
    return _parse_day(match[1]) if match is not None else None


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # no such day: it stays words
        return None


def _read_conditions_term(part: str) -> tuple[LoanCondition, ...]:
    match = _CONDITIONS.fullmatch(part.strip())
    return read_condition_words(match[1]) if match is not None else ()


def read_condition_words(text: str) -> tuple[LoanCondition, ...]:
    """`no reproduction, signature required`. Nothing where one of them is none of ours: then all of them stay
    words."""
    conditions = [_CONDITION_OF_WORDS.get(words) for words in text.split(", ")]
    return tuple(condition for condition in conditions if condition is not None) if None not in conditions else ()


def _read_cost_term(part: str) -> Money | None:
    ours = _COST.fullmatch(part.strip())
    if ours is not None:
        return Money(Decimal(ours[1]), ours[2])
    theirs = _ANY_COST.fullmatch(part.strip())
    return read_sum(theirs[1]) if theirs is not None else None


def write_recall_note(due: datetime, zone: tzinfo) -> Sentence:
    """Write the note that is kept when a library gives a loan that is recalled its own end, in the minute of `zone`."""
    return write_sentence("The library has recalled the loan. It now ends on %(moment)s.", moment=due.astimezone(zone))
