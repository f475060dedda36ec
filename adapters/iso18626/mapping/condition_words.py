"""How conditions, and the yes or no to them, are said in notes: each vendor's words are read from every partner, and
written as the profile says (docs/facts/iso-18626.md 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import zip_longest

from adapters.iso18626.dialect import ConditionWords, NoteHabits
from adapters.iso18626.mapping.codes import CONDITION_IN
from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.volume_notes import SEPARATOR
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
_AMOUNT = r"([0-9]{1,9}(?:\.[0-9]{1,4}|,[0-9]{1,2})?|[.,][0-9]{1,4})"
_COST = re.compile(
    rf"(?<![0-9A-Za-z.,])(?:{_AMOUNT}\s{{0,3}}([A-Za-z]{{3}})(?![A-Za-z])|([A-Za-z]{{3}})\s{{0,3}}{_AMOUNT}(?![.,]?[0-9]))"
)
"""Whole or not at all: of 1.234,50 no part is the price."""
_DIGIT = re.compile(r"[0-9]")
_CONDITIONS = {
    **CONDITION_IN,
    **{one.value: one for one in LoanCondition},
    **{one.value.replace("-", " "): one for one in LoanCondition},
}


@value_object
class NotedTerms:
    """Conditions and price that a note names. `text`: the note without them."""

    text: str
    conditions: tuple[LoanCondition, ...] = ()
    cost: Money | None = None


def has_condition_marker(note: str, habits: NoteHabits) -> bool:
    """Whether a supplier asks for a yes."""
    return CONDITION_MARKER in note or (bool(habits.condition_marker) and habits.condition_marker in note)


def remove_markers(note: str, habits: NoteHabits) -> str:
    """Without what is for programs alone."""
    if habits.condition_marker:
        note = note.replace(habits.condition_marker, "")
    return _FOR_PROGRAMS.sub("", note)


def read_noted_terms(note: str, habits: NoteHabits) -> NotedTerms:
    """Of a supplier's note. A condition that has no word of ours stays one, in its own words; so do words beside a
    price."""
    conditions: list[LoanCondition] = []
    cost: Money | None = None
    kept: list[str] = []
    pieces = _TERM_END.split(note)
    for term, end in zip_longest(pieces[::2], pieces[1::2], fillvalue=""):
        condition = _find_prefixed_value(term, habits.condition_prefix, CONDITION_PREFIX)
        price = _find_prefixed_value(term, habits.cost_prefix, COST_PREFIX)
        if condition is not None:
            known = _CONDITIONS.get(condition.casefold(), LoanCondition.OTHER)
            conditions.append(known)
            kept += [term.replace(term.strip(), condition), end] if known is LoanCondition.OTHER else []
            continue
        match = _find_sum(price) if price is not None and cost is None else None
        cost = cost if match is None else _read_money(match)
        if match is None or match[0] != price:
            kept += [term, end]
    return NotedTerms(_clean_note("".join(kept)), tuple(dict.fromkeys(conditions)), cost)


def _find_prefixed_value(term: str, *prefixes: str) -> str | None:
    """What stands behind the prefix of a term; None: it has none."""
    said = term.strip()
    known = (prefix.strip() for prefix in prefixes)
    found = next((one for one in known if one and said.startswith(one)), None)
    return said.removeprefix(found).strip() if found is not None else None


def _find_sum(price: str) -> re.Match[str] | None:
    """The only number of the words: of 1 234.50, of 20-30 and of two sums no part is the price either."""
    match = _COST.search(price)
    is_alone = match is not None and not _DIGIT.search(price[: match.start()] + price[match.end() :])
    return match if is_alone else None


def _read_money(match: re.Match[str]) -> Money:
    amount, currency = (match[1], match[2]) if match[2] else (match[4], match[3])
    return Money(Decimal(amount.replace(",", ".")), currency.upper())


def write_noted_terms(
    conditions: Iterable[LoanCondition], codes: Iterable[str], cost: Money | None, habits: NoteHabits
) -> str:
    """Of a conditional answer, in the partner's words; empty where it has none."""
    parts = []
    if habits.condition_prefix:
        words = [*codes, *(one.value.replace("-", " ") for one in conditions)]
        parts += [f"{habits.condition_prefix}{word}" for word in words]
    if habits.cost_prefix and cost is not None:
        parts.append(f"{habits.cost_prefix}{cost.amount:f} {cost.currency}")
    if habits.condition_marker:
        parts.append(habits.condition_marker)
    return SEPARATOR.join(parts)


def read_condition_answer(note: str, shown: str, words: ConditionWords) -> tuple[EventKind | None, str]:
    """What a requester's note answers to a condition, and the rest of it as people are to see it (`shown`: the note
    without what is for programs); None: nothing. Markers count wherever they stand, words only as the first term, and
    what people write to Alma only where nothing stands beside it."""
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
