"""Answers that a partner may give a letter by a link, as data: which answers, to which letter, with what fields.

An answer becomes the partner's event of its kind. Answers to the same question of a letter (`about`) exclude one
another; a letter may ask several: whether it can be supplied, and later, whether it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, ReasonCodes, partner_signal
from gateway.domain.requests.note_terms import read_note_terms
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import Request, Role, ServiceType
from gateway.domain.requests.state_machine import Transition, compute_transition
from gateway.domain.sums import read_sum
from gateway.domain.value import replace, value_object


class AnswerFieldRule(StrEnum):
    DUE = "due"
    EXPECTED = "expected"
    REASON = "reason"
    CONDITION = "condition"
    NOTE = "note"


MAX_NOTE_CHARS = 1_000
"""Characters."""

MAX_TIME_AHEAD = timedelta(days=3 * 366)
"""From today to a date that is believed."""


@value_object(kw_only=True)
class PartnerAnswer:
    """`name`: as links and the history call it; `about`: which of a letter's questions it answers; `needed`: fields
    that can't be empty, of `fields`. `news`: worth hearing even where it changes nothing."""

    name: str
    kind: EventKind
    about: str
    fields: tuple[AnswerFieldRule, ...] = (AnswerFieldRule.NOTE,)
    needed: tuple[AnswerFieldRule, ...] = ()
    news: bool = False


_REASON = (AnswerFieldRule.REASON, AnswerFieldRule.NOTE)
_DATED = (AnswerFieldRule.DUE, AnswerFieldRule.NOTE)
_LIST = (
    # of a supplier
    PartnerAnswer(
        name="will-supply",
        kind=EventKind.WILL_SUPPLY,
        about="request",
        fields=(AnswerFieldRule.EXPECTED, AnswerFieldRule.NOTE),
    ),
    PartnerAnswer(
        name="conditional",
        kind=EventKind.CONDITIONAL,
        about="request",
        fields=(AnswerFieldRule.CONDITION, AnswerFieldRule.NOTE),
        needed=(AnswerFieldRule.CONDITION, AnswerFieldRule.NOTE),
    ),
    PartnerAnswer(
        name="unfilled", kind=EventKind.UNFILLED, about="request", fields=_REASON, needed=(AnswerFieldRule.REASON,)
    ),
    PartnerAnswer(name="shipped", kind=EventKind.SHIPPED, about="sent", fields=_DATED, needed=(AnswerFieldRule.DUE,)),
    PartnerAnswer(
        name="renew-accepted",
        kind=EventKind.RENEW_ACCEPTED,
        about="renewal",
        fields=_DATED,
        needed=(AnswerFieldRule.DUE,),
    ),
    PartnerAnswer(name="renew-refused", kind=EventKind.RENEW_REFUSED, about="renewal", fields=_REASON),
    PartnerAnswer(name="cancel-accepted", kind=EventKind.CANCEL_ACCEPTED, about="cancel", news=True),
    PartnerAnswer(name="cancel-refused", kind=EventKind.CANCEL_REFUSED, about="cancel", news=True),
    PartnerAnswer(name="checked-in", kind=EventKind.CHECKED_IN, about="back"),
    # of a borrower
    PartnerAnswer(name="condition-accepted", kind=EventKind.CONDITION_ACCEPTED, about="condition"),
    PartnerAnswer(name="condition-refused", kind=EventKind.CONDITION_REFUSED, about="condition"),
    PartnerAnswer(name="cancel", kind=EventKind.CANCEL, about="cancel"),
    PartnerAnswer(name="received", kind=EventKind.RECEIVED, about="arrival"),
    PartnerAnswer(name="renew", kind=EventKind.RENEW, about="renewal"),
    PartnerAnswer(
        name="will-return",
        kind=EventKind.MESSAGE,
        about="recall",
        fields=(AnswerFieldRule.EXPECTED, AnswerFieldRule.NOTE),
        news=True,
    ),
    PartnerAnswer(name="returned", kind=EventKind.RETURNED, about="return"),
)

ANSWERS: Mapping[str, PartnerAnswer] = {answer.name: answer for answer in _LIST}

LETTERS: Mapping[tuple[Role, EventKind], tuple[str, ...]] = {
    (Role.BORROWING, EventKind.REQUEST): ("will-supply", "shipped", "conditional", "unfilled"),
    (Role.BORROWING, EventKind.CONDITION_ACCEPTED): ("shipped", "unfilled"),
    (Role.BORROWING, EventKind.STATUS_QUERY): ("will-supply", "shipped", "unfilled", "checked-in"),
    (Role.BORROWING, EventKind.CANCEL): ("cancel-accepted", "cancel-refused"),
    (Role.BORROWING, EventKind.RENEW): ("renew-accepted", "renew-refused"),
    (Role.BORROWING, EventKind.RETURNED): ("checked-in",),
    (Role.LENDING, EventKind.CONDITIONAL): ("condition-accepted", "condition-refused"),
    (Role.LENDING, EventKind.WILL_SUPPLY): ("cancel",),
    (Role.LENDING, EventKind.HOLD_PLACED): ("cancel",),
    (Role.LENDING, EventKind.SHIPPED): ("received", "renew", "returned"),
    (Role.LENDING, EventKind.RENEW_ACCEPTED): ("renew", "returned"),
    (Role.LENDING, EventKind.RENEW_REFUSED): ("returned",),
    (Role.LENDING, EventKind.DUE_DATE_CHANGED): ("renew", "returned"),
    (Role.LENDING, EventKind.OVERDUE): ("renew", "returned"),
    (Role.LENDING, EventKind.RECALL): ("will-return", "returned"),
}
"""By our role and the kind of the letter: what may be answered, where the request's state lets it."""

REASONS: Mapping[str, tuple[ReasonCodes, ...]] = {
    "unfilled": (
        ReasonCodes.NOT_HELD,
        ReasonCodes.NOT_ON_SHELF,
        ReasonCodes.ON_LOAN,
        ReasonCodes.NON_CIRCULATING,
        ReasonCodes.POLICY,
        ReasonCodes.POOR_CONDITION,
        ReasonCodes.ON_ORDER,
        ReasonCodes.AT_BINDERY,
        ReasonCodes.NOT_FOUND_AS_CITED,
        ReasonCodes.COST,
        ReasonCodes.COPYRIGHT,
        ReasonCodes.NEED_BY_NOT_MET,
        ReasonCodes.OTHER,
    ),
    "renew-refused": (ReasonCodes.HAS_REQUESTS, ReasonCodes.RENEWAL_LIMIT, ReasonCodes.POLICY, ReasonCodes.OTHER),
}
"""From which a partner chooses, by the name of the answer."""


def list_answers(
    role: Role, letter: EventKind, request: Request, attempt: int, workflow: Workflow, at: datetime
) -> list[str]:
    """Names of the answers to a letter of ours, as the request stands. `attempt`: to which supplier it goes; 0: to
    the borrower."""
    names = LETTERS.get((role, letter), ())
    return [name for name in names if is_answer_applicable(ANSWERS[name], request, attempt, workflow, at)]


def is_answer_applicable(
    answer: PartnerAnswer, request: Request, attempt: int, workflow: Workflow, at: datetime
) -> bool:
    """Return whether the answer would change anything now."""
    if answer.kind is EventKind.RENEW and request.terms.renewals_allowed is False:
        return False
    outcome = compute_transition(request, Event(partner_signal(answer.kind), at, attempt=attempt), workflow)
    return isinstance(outcome, Transition) and (answer.news or not outcome.kept)


def list_answer_fields(answer: PartnerAnswer, request: Request) -> tuple[AnswerFieldRule, ...]:
    """A copy that was sent is not due back."""
    to_stay = answer.kind is EventKind.SHIPPED and request.service.type is ServiceType.COPY
    return tuple(field for field in answer.fields if not (to_stay and field is AnswerFieldRule.DUE))


# --- what was filled in ----------------------------------------------------------------------------------


class FieldFault(StrEnum):
    MISSING = "missing"
    NO_DATE = "no-date"
    PAST = "past"
    FAR = "far"


@value_object
class FilledAnswer:
    """`faults` by field; where there are any, `details` lacks those fields."""

    details: EventDetails
    faults: Mapping[AnswerFieldRule, FieldFault]


def parse_answer_form(answer: PartnerAnswer, request: Request, form: Mapping[str, str], today: date) -> FilledAnswer:
    """Parse the partner's words in a form. Fields that the answer doesn't have, and words that nobody could choose, are
    as if they were not there. `today`: in the library's zone."""
    details, faults = EventDetails(answer=answer.name), dict[AnswerFieldRule, FieldFault]()
    for field in list_answer_fields(answer, request):
        text = form.get(field.value, "").strip()
        if not text:
            if field in answer.needed:
                faults[field] = FieldFault.MISSING
        elif field in (AnswerFieldRule.DUE, AnswerFieldRule.EXPECTED):
            day = _parse_answer_date(text, today)
            if isinstance(day, FieldFault):
                faults[field] = day
            elif field is AnswerFieldRule.DUE:
                details = replace(details, due=day)
            else:
                details = replace(details, expected=day)
        elif field is AnswerFieldRule.NOTE:
            details = replace(details, note=_clean_answer_note(text)[:MAX_NOTE_CHARS])
        elif field is AnswerFieldRule.REASON:
            chosen = text in REASONS.get(answer.name, ())
            details = replace(details, reason=text if chosen else ReasonCodes.OTHER.value)
        else:
            known = text in tuple(LoanCondition)
            details = replace(details, conditions=(LoanCondition(text) if known else LoanCondition.OTHER,))
    if LoanCondition.COST in details.conditions:
        details = replace(details, cost=read_sum(details.note))
    return FilledAnswer(read_note_terms(answer.kind, details), faults)


def _parse_answer_date(text: str, today: date) -> date | FieldFault:
    """Browsers send 2026-03-31, whatever they show; those that don't know dates send what was typed."""
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, without a time
        except ValueError:
            continue
        if day < today:
            return FieldFault.PAST
        return FieldFault.FAR if day > today + MAX_TIME_AHEAD else day
    return FieldFault.NO_DATE


def _clean_answer_note(text: str) -> str:
    """Return a note without control characters; lines are kept."""
    lines = (" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
