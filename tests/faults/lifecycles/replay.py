"""A request's life lived once more, by its history alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gateway.domain.requests.attempt_updates import start_attempt
from gateway.domain.requests.events import EventKind, LoanCondition, local_signal
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    LoanTerms,
    PatronLoan,
    Request,
    RequestCosts,
    RequestFlag,
    Role,
    Volume,
    VolumeState,
)
from gateway.domain.requests.state_machine import Denied, Transition, compute_transition
from gateway.store.requests.history import EventRow
from tests.faults.lifecycles.place import Wish, workflow

OUTBOX = "outbox"
"""Actor of notes about steps that were not done, because they no longer applied."""


@dataclass
class Life:
    """What came out. `moves`: how often volumes came to a state; `shipped`: how often we lent something out."""

    request: Request
    moves: Counter[VolumeState] = field(default_factory=Counter)
    shipped: int = 0
    problems: list[str] = field(default_factory=list)


def lived(stored: Request, rows: Sequence[EventRow]) -> Life:
    life = Life(_newborn(stored))
    for row in rows[1:] if stored.role is Role.LENDING else rows:  # the first of lending: how it came
        _happens(life, stored, row)
    life.problems += _differences(stored, life.request)
    return life


def _happens(life: Life, stored: Request, row: EventRow) -> None:
    before = life.request
    event = row.event
    if event.signal == local_signal(EventKind.NOTE) and event.actor == OUTBOX:  # stands in the history alone
        if (row.before, row.after) != (before.state.value, before.state.value):
            life.problems.append(f"{stored.number}: a note of the outbox in {before.state.value} says {row.before}")
        return
    prepared = before
    if event.signal == local_signal(EventKind.REQUEST):
        prepared = _asked(before, stored, event.attempt)
    outcome = compute_transition(prepared, event, workflow(prepared.partner.profile))
    where = f"{stored.number}: {event.signal} in {before.state.value}"
    if row.before != before.state.value:
        life.problems.append(f"{where}: the history says it was {row.before}")
    if isinstance(outcome, Denied):
        if outcome.detail != row.denied:
            life.problems.append(f"{where}: denied ({outcome.detail}), the history says '{row.denied or row.after}'")
        return
    if row.denied or row.after != outcome.request.state.value:
        life.problems.append(f"{where}: to {outcome.request.state.value}, history: {row.after} {row.denied}")
    _count(life, prepared, outcome)
    life.request = outcome.request


def _count(life: Life, before: Request, outcome: Transition) -> None:
    for old, new in zip(before.volumes, outcome.request.volumes, strict=True):
        if old.state is not new.state:
            life.moves[new.state] += 1
    if outcome.changes_state and outcome.request.state is LendingState.SHIPPED:
        life.shipped += 1


NOT_IN_HISTORY = frozenset({RequestFlag.UNREAD, RequestFlag.IN_TRANSIT})
"""What staff have read yet, and where the library has the item, stand beside the history."""


def _newborn(stored: Request) -> Request:
    """As it was when it was stored for the first time."""
    copy_or_loan = Wish(int(stored.citation.title[-4:])).service
    return replace(
        stored,
        state=BorrowingState.NEW if stored.role is Role.BORROWING else LendingState.NEW,
        version=1,
        changed=stored.created,
        service=replace(stored.service, type=copy_or_loan),
        flags=frozenset(),
        terms=LoanTerms(),
        costs=RequestCosts(maximum=stored.costs.maximum),
        volumes=tuple(Volume(one.id, one.label) for one in stored.volumes),
        partner=LibraryParty() if stored.role is Role.BORROWING else stored.partner,
        attempts=(),
        current=0,
        item_barcode="",
        sign_offs=(),
    )


def _asked(before: Request, stored: Request, number: int) -> Request:
    attempt = stored.find_attempt(number)
    assert attempt is not None
    fresh = replace(
        attempt,
        status=AttemptStatus.ASKED,
        theirs="",
        answered=None,
        reason="",
        note="",
        retry_after=None,
        expected=None,
        cost=None,
        conditions=_find_offered_conditions(before, attempt.partner),
    )
    return start_attempt(before, fresh, LibraryParty(symbol=attempt.symbol, profile=attempt.partner))


def _find_offered_conditions(before: Request, partner: str) -> tuple[LoanCondition, ...]:
    """On which this supplier is asked again, where it has said last that it may be."""
    last = before.attempts[-1] if before.attempts else None
    is_again = last is not None and last.partner == partner and last.status is AttemptStatus.RETRY
    return last.conditions if last is not None and is_again else ()


def _keep_told_terms(terms: LoanTerms) -> LoanTerms:
    """Without what follows from where the library has the item: whether it stood ready for its patron, and until when
    the patron has it."""
    is_with_patron = terms.patron_loan is PatronLoan.NOW
    return replace(terms, patron_due=None, patron_loan=PatronLoan.NOW if is_with_patron else PatronLoan.NEVER)


def _differences(stored: Request, found: Request) -> Iterator[str]:
    for name, ours, theirs in (
        ("state", found.state, stored.state),
        ("version", found.version, stored.version),
        ("flags", sorted(found.flags - NOT_IN_HISTORY), sorted(stored.flags - NOT_IN_HISTORY)),
        ("service", found.service, stored.service),
        ("terms", _keep_told_terms(found.terms), _keep_told_terms(stored.terms)),
        ("costs", found.costs, stored.costs),
        ("volumes", [(v.id, v.state) for v in found.volumes], [(v.id, v.state) for v in stored.volumes]),
        ("attempts", found.attempts, stored.attempts),
        ("current", found.current, stored.current),
        ("sign-offs", found.sign_offs, stored.sign_offs),
    ):
        if ours != theirs:
            yield f"{stored.number}: {name} by its history {ours}, stored {theirs}"
