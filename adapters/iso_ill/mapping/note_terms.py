"""Terms that APDUs have no field for (a recall's date, the cost of damage), said in the note by rule.

Written first, so that a note that is cut keeps them: `due: 2026-04-01; cost: 45.00 EUR; in their own words`. Read only
in exactly this form: other words stay words, for people.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from adapters.iso_ill.mapping.identities import MappingContext, day_in_zone
from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.volume_notes import SEPARATOR, read_named_volumes

_DUE = re.compile(r"due: (\d{4}-\d{2}-\d{2})")
_COST = re.compile(r"cost: (\d{1,9}(?:\.\d{1,4})?) ([A-Z]{3})")

_WITH_DUE = frozenset({EventKind.RECALL})
_WITH_COST = frozenset({EventKind.DAMAGED, EventKind.LOST, EventKind.CONDITIONAL})
"""Events whose APDUs have no such field, though they may bring it."""


def write_due_term(due: date | None, context: MappingContext) -> str:
    """The day in the library's zone; empty where none is known."""
    return f"due: {day_in_zone(due, context.zone).isoformat()}" if due is not None else ""


def write_cost_term(cost: Money | None) -> str:
    return f"cost: {cost.amount:f} {cost.currency}" if cost is not None else ""


def read_note_terms(kind: EventKind, details: EventDetails) -> EventDetails:
    """With the terms of its note, where the event may bring them and no field has said them. The note stays whole."""
    details = read_named_volumes(kind, details)
    parts = details.note.split(SEPARATOR)
    if kind in _WITH_DUE and details.due is None:
        details = replace(details, due=next(filter(None, map(_read_due_term, parts)), None))
    if kind in _WITH_COST and details.cost is None:
        details = replace(details, cost=next(filter(None, map(_read_cost_term, parts)), None))
    return details


def _read_due_term(part: str) -> date | None:
    match = _DUE.fullmatch(part.strip())
    if match is None:
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:  # no such day: it stays words
        return None


def _read_cost_term(part: str) -> Money | None:
    match = _COST.fullmatch(part.strip())
    return Money(Decimal(match[1]), match[2]) if match is not None else None
