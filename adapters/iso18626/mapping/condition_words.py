"""Conditions in notes, and the yes or no to them: each vendor's words are read from every partner, and written as the
profile says (docs/facts/iso-18626.md 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest

from adapters.iso18626.dialect import ConditionWords, NoteHabits
from adapters.iso18626.mapping.codes import CONDITION_IN
from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.volume_notes import SEPARATOR
from gateway.domain.sums import read_sum
from gateway.domain.value import value_object

CONDITION_MARKER = "#ReShareAddLoanCondition#"
AGREEMENT_MARKER = "#ReShareLoanConditionAgreeResponse#"
REFUSAL_MARKER = "#ReShareLoanConditionRejectResponse#"

CONDITION_PREFIX = "Condition: "
COST_PREFIX = "Cost: "

_OUR_WORDS = ConditionWords()
_FOR_PROGRAMS = re.compile(r"#(?:lastSeq|seq):\d{1,9}#|#ReShare[A-Za-z]{1,60}#")
_BARE_WORD = re.compile(r"\W*(accept|reject)\W*", re.IGNORECASE)
_TERM_END = re.compile(r"(;|\n|, (?=[A-Z]))")
_CONDITIONS = {
    **CONDITION_IN,
    **{condition.value: condition for condition in LoanCondition},
    **{condition.value.replace("-", " "): condition for condition in LoanCondition},
}


@value_object
class NotedTerms:
    """Conditions and price that a note names. `text`: the note without them. A price that can't be read stays in it."""

    text: str
    conditions: tuple[LoanCondition, ...] = ()
    cost: Money | None = None
    has_unread_cost: bool = False


def has_condition_marker(note: str, habits: NoteHabits) -> bool:
    """Return whether a supplier asks for a yes."""
    return CONDITION_MARKER in note or (bool(habits.condition_marker) and habits.condition_marker in note)


def remove_markers(note: str, habits: NoteHabits) -> str:
    """Return a note without what is for programs alone."""
    if habits.condition_marker:
        note = note.replace(habits.condition_marker, "")
    return _FOR_PROGRAMS.sub("", note)


def read_noted_terms(note: str, habits: NoteHabits) -> NotedTerms:
    """Read the terms of a supplier's note. A condition that has no word of ours stays one, in its own words."""
    conditions: list[LoanCondition] = []
    cost: Money | None = None
    kept: list[str] = []
    names_cost = False
    pieces = _TERM_END.split(note)
    for term, end in zip_longest(pieces[::2], pieces[1::2], fillvalue=""):
        condition = _find_prefixed_value(term, habits.condition_prefix, CONDITION_PREFIX)
        price = _find_prefixed_value(term, habits.cost_prefix, COST_PREFIX)
        if condition is not None:
            loan_condition = _CONDITIONS.get(condition.casefold(), LoanCondition.OTHER)
            conditions.append(loan_condition)
            kept += [term.replace(term.strip(), condition), end] if loan_condition is LoanCondition.OTHER else []
            continue
        names_cost = names_cost or price is not None
        money = read_sum(price) if price is not None and cost is None else None
        cost = cost or money
        kept += [term, end] if money is None else []
    return NotedTerms(
        _clean_note("".join(kept)), tuple(dict.fromkeys(conditions)), cost, has_unread_cost=names_cost and cost is None
    )


def _find_prefixed_value(term: str, *prefixes: str) -> str | None:
    """Find what stands behind the prefix of a term; None: it has none."""
    text = term.strip()
    known = (prefix.strip() for prefix in prefixes)
    prefix = next((sign for sign in known if sign and text.startswith(sign)), None)
    return text.removeprefix(prefix).strip() if prefix is not None else None


def write_noted_terms(
    conditions: Iterable[LoanCondition], codes: Iterable[str], cost: Money | None, habits: NoteHabits
) -> str:
    """Write the terms of a conditional answer, in the partner's words; empty where it has none."""
    parts = []
    if habits.condition_prefix:
        words = [*codes, *(condition.value.replace("-", " ") for condition in conditions)]
        parts += [f"{habits.condition_prefix}{word}" for word in words]
    if habits.cost_prefix and cost is not None:
        parts.append(f"{habits.cost_prefix}{cost.amount:f} {cost.currency}")
    if habits.condition_marker:
        parts.append(habits.condition_marker)
    return SEPARATOR.join(parts)


def read_condition_answer(note: str, shown: str, words: ConditionWords) -> tuple[EventKind | None, str]:
    """Read what a requester's note answers to a condition, and the rest of it as people are to see it (`shown`: the
    note without what is for programs); None: nothing. Markers count wherever they stand, words only as the first term,
    and what people write to Alma only where nothing stands beside it."""
    kind, rest = _read_answer_words(shown, words)
    folded = note.casefold()
    if AGREEMENT_MARKER.casefold() in folded:
        return EventKind.CONDITION_ACCEPTED, rest
    if REFUSAL_MARKER.casefold() in folded:
        return EventKind.CONDITION_REFUSED, rest
    return kind, rest


def _read_answer_words(note: str, words: ConditionWords) -> tuple[EventKind | None, str]:
    bare = _BARE_WORD.fullmatch(note)
    if bare is not None:
        yes = bare[1].casefold() == "accept"
        return EventKind.CONDITION_ACCEPTED if yes else EventKind.CONDITION_REFUSED, ""
    first, _, rest = note.strip().partition(SEPARATOR)
    answers = {
        words.accepted.casefold(): EventKind.CONDITION_ACCEPTED,
        words.refused.casefold(): EventKind.CONDITION_REFUSED,
        _OUR_WORDS.accepted: EventKind.CONDITION_ACCEPTED,
        _OUR_WORDS.refused: EventKind.CONDITION_REFUSED,
    }
    kind_of_words = answers.get(first.strip().casefold())
    return (kind_of_words, _clean_note(rest)) if kind_of_words is not None else (None, note)


def _clean_note(note: str) -> str:
    return note.strip().strip(";,").strip()
