"""What a letter to a partner may be answered with by a link, as data: which answers, to which letter, with what fields.

An answer becomes the partner's event of its kind. Answers to the same question of a letter (`about`) exclude one
another; a letter may ask several: whether it can be supplied, and later, whether it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from gateway.domain.requests.events import Condition, Details, Event, Kind, Reasons, by_partner
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import Request, Role, ServiceType
from gateway.domain.requests.state_machine import Transition, apply
from gateway.domain.value import frozen, frozen_by_name


class Field(StrEnum):
    DUE = "due"
    EXPECTED = "expected"
    REASON = "reason"
    CONDITION = "condition"
    NOTE = "note"


MOST_NOTE = 1_000
"""Characters."""

FARTHEST = timedelta(days=3 * 366)
"""From today to a date that is believed."""


@frozen_by_name
class PartnerAnswer:
    """`name`: as links and the history call it; `about`: which of a letter's questions it answers; `needed`: fields
    that can't be empty, of `fields`. `news`: worth hearing even where it changes nothing."""

    name: str
    kind: Kind
    about: str
    fields: tuple[Field, ...] = (Field.NOTE,)
    needed: tuple[Field, ...] = ()
    news: bool = False


_REASON = (Field.REASON, Field.NOTE)
_DATED = (Field.DUE, Field.NOTE)
_LIST = (
    # of a supplier
    PartnerAnswer(name="will-supply", kind=Kind.WILL_SUPPLY, about="request", fields=(Field.EXPECTED, Field.NOTE)),
    PartnerAnswer(
        name="conditional",
        kind=Kind.CONDITIONAL,
        about="request",
        fields=(Field.CONDITION, Field.NOTE),
        needed=(Field.CONDITION, Field.NOTE),
    ),
    PartnerAnswer(name="unfilled", kind=Kind.UNFILLED, about="request", fields=_REASON, needed=(Field.REASON,)),
    PartnerAnswer(name="shipped", kind=Kind.SHIPPED, about="sent", fields=_DATED, needed=(Field.DUE,)),
    PartnerAnswer(name="renew-accepted", kind=Kind.RENEW_ACCEPTED, about="renewal", fields=_DATED, needed=(Field.DUE,)),
    PartnerAnswer(name="renew-refused", kind=Kind.RENEW_REFUSED, about="renewal", fields=_REASON),
    PartnerAnswer(name="cancel-accepted", kind=Kind.CANCEL_ACCEPTED, about="cancel", news=True),
    PartnerAnswer(name="cancel-refused", kind=Kind.CANCEL_REFUSED, about="cancel", news=True),
    PartnerAnswer(name="checked-in", kind=Kind.CHECKED_IN, about="back"),
    # of a borrower
    PartnerAnswer(name="condition-accepted", kind=Kind.CONDITION_ACCEPTED, about="condition"),
    PartnerAnswer(name="condition-refused", kind=Kind.CONDITION_REFUSED, about="condition"),
    PartnerAnswer(name="cancel", kind=Kind.CANCEL, about="cancel"),
    PartnerAnswer(name="received", kind=Kind.RECEIVED, about="arrival"),
    PartnerAnswer(name="renew", kind=Kind.RENEW, about="renewal"),
    PartnerAnswer(
        name="will-return", kind=Kind.MESSAGE, about="recall", fields=(Field.EXPECTED, Field.NOTE), news=True
    ),
    PartnerAnswer(name="returned", kind=Kind.RETURNED, about="return"),
)

ANSWERS: Mapping[str, PartnerAnswer] = {one.name: one for one in _LIST}

LETTERS: Mapping[tuple[Role, Kind], tuple[str, ...]] = {
    (Role.BORROWING, Kind.REQUEST): ("will-supply", "shipped", "conditional", "unfilled"),
    (Role.BORROWING, Kind.CONDITION_ACCEPTED): ("shipped", "unfilled"),
    (Role.BORROWING, Kind.STATUS_QUERY): ("will-supply", "shipped", "unfilled", "checked-in"),
    (Role.BORROWING, Kind.CANCEL): ("cancel-accepted", "cancel-refused"),
    (Role.BORROWING, Kind.RENEW): ("renew-accepted", "renew-refused"),
    (Role.BORROWING, Kind.RETURNED): ("checked-in",),
    (Role.LENDING, Kind.CONDITIONAL): ("condition-accepted", "condition-refused"),
    (Role.LENDING, Kind.WILL_SUPPLY): ("cancel",),
    (Role.LENDING, Kind.HOLD_PLACED): ("cancel",),
    (Role.LENDING, Kind.SHIPPED): ("received", "renew", "returned"),
    (Role.LENDING, Kind.RENEW_ACCEPTED): ("renew", "returned"),
    (Role.LENDING, Kind.RENEW_REFUSED): ("returned",),
    (Role.LENDING, Kind.DUE_DATE_CHANGED): ("renew", "returned"),
    (Role.LENDING, Kind.OVERDUE): ("renew", "returned"),
    (Role.LENDING, Kind.RECALL): ("will-return", "returned"),
}
"""By our role and the kind of the letter: what may be answered, where the request's state lets it."""

REASONS: Mapping[str, tuple[Reasons, ...]] = {
    "unfilled": (
        Reasons.NOT_HELD,
        Reasons.NOT_ON_SHELF,
        Reasons.ON_LOAN,
        Reasons.NON_CIRCULATING,
        Reasons.POLICY,
        Reasons.POOR_CONDITION,
        Reasons.ON_ORDER,
        Reasons.AT_BINDERY,
        Reasons.NOT_FOUND_AS_CITED,
        Reasons.COST,
        Reasons.COPYRIGHT,
        Reasons.NEED_BY_NOT_MET,
        Reasons.OTHER,
    ),
    "renew-refused": (Reasons.HAS_REQUESTS, Reasons.RENEWAL_LIMIT, Reasons.POLICY, Reasons.OTHER),
}
"""From which a partner chooses, by the name of the answer."""


def offered(role: Role, letter: Kind, request: Request, attempt: int, workflow: Workflow, at: datetime) -> list[str]:
    """Names of the answers to a letter of ours, as the request stands. `attempt`: to which supplier it goes; 0: to
    the borrower."""
    names = LETTERS.get((role, letter), ())
    return [name for name in names if fits(ANSWERS[name], request, attempt, workflow, at)]


def fits(answer: PartnerAnswer, request: Request, attempt: int, workflow: Workflow, at: datetime) -> bool:
    """Whether the answer would change anything now."""
    if answer.kind is Kind.RENEW and request.terms.renewals_allowed is False:
        return False
    outcome = apply(request, Event(by_partner(answer.kind), at, attempt=attempt), workflow)
    return isinstance(outcome, Transition) and (answer.news or not outcome.kept)


def fields_of(answer: PartnerAnswer, request: Request) -> tuple[Field, ...]:
    """A copy that was sent is not due back."""
    to_stay = answer.kind is Kind.SHIPPED and request.service.type is ServiceType.COPY
    return tuple(one for one in answer.fields if not (to_stay and one is Field.DUE))


# --- what was filled in ----------------------------------------------------------------------------------


class Fault(StrEnum):
    MISSING = "missing"
    NO_DATE = "no-date"
    PAST = "past"
    FAR = "far"


@frozen
class Filled:
    """`faults` by field; where there are any, `details` lacks those fields."""

    details: Details
    faults: Mapping[Field, Fault]


def filled(answer: PartnerAnswer, request: Request, form: Mapping[str, str], today: date) -> Filled:
    """What the partner said in a form. Fields that the answer doesn't have, and words that nobody could choose, are
    as if they were not there. `today`: in the library's zone."""
    details, faults = Details(answer=answer.name), dict[Field, Fault]()
    for field in fields_of(answer, request):
        text = form.get(field.value, "").strip()
        if not text:
            if field in answer.needed:
                faults[field] = Fault.MISSING
        elif field in (Field.DUE, Field.EXPECTED):
            day = _day(text, today)
            if isinstance(day, Fault):
                faults[field] = day
            elif field is Field.DUE:
                details = replace(details, due=day)
            else:
                details = replace(details, expected=day)
        elif field is Field.NOTE:
            details = replace(details, note=_clean(text)[:MOST_NOTE])
        elif field is Field.REASON:
            chosen = text in REASONS.get(answer.name, ())
            details = replace(details, reason=text if chosen else Reasons.OTHER.value)
        else:
            known = text in tuple(Condition)
            details = replace(details, conditions=(Condition(text) if known else Condition.OTHER,))
    return Filled(details, faults)


def _day(text: str, today: date) -> date | Fault:
    """Browsers send 2026-03-31, whatever they show; those that don't know dates send what was typed."""
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, without a time
        except ValueError:
            continue
        if day < today:
            return Fault.PAST
        return Fault.FAR if day > today + FARTHEST else day
    return Fault.NO_DATE


def _clean(text: str) -> str:
    """Without control characters; lines are kept."""
    lines = (" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
