"""One request with a partner that is played: how it stands, and what has happened to it.

The state tables of the gateway say what follows from an event. What they don't allow a scenario may say all the same:
then the request stays as it is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta

from gateway.domain.library import Money
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    EventSignal,
)
from gateway.domain.requests.partner_policy import LendingWorkflow, Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestedService,
    Role,
    State,
    SupplierAttempt,
)
from gateway.domain.requests.request_messages import FIRST_ANSWERS
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.requests.volume_updates import make_volumes
from gateway.domain.value import replace
from gateway.ports.partner_channel import IncomingPartnerMessage, PartnerMessage
from rehearsal.mock.mock_log import MockParties
from rehearsal.scenarios.scenario import MockReaction, MockScenario, SaidEvent

_WORKFLOW = Workflow(lending=LendingWorkflow(cancel="staff"))
"""A scenario says what becomes of a cancellation, and no rule."""

_ENDS = frozenset({EventKind.CHECKED_IN, EventKind.COPY_DELIVERED, EventKind.UNFILLED, EventKind.CANCEL_ACCEPTED})
"""What is said last of a request; a supplier that can be asked again says the last of this one."""

_SAID_OF_OTHERS = frozenset({EventKind.ACKNOWLEDGED, EventKind.EXPECT_TO_SUPPLY})


class MockConversation:
    """`request`: as the partner has it. `is_taken`: the other side has a whole answer to it. `is_over`: the last word
    about it has been said."""

    def __init__(self, request: Request, scenario: MockScenario, parties: MockParties, currency: str) -> None:
        self.request = request
        self.scenario = scenario
        self.parties = parties
        self.is_taken = False
        self.is_over = False
        self.speaking = asyncio.Lock()
        self._currency = currency
        self._counts: Counter[EventKind] = Counter()
        self._said = 0
        self._first_answer = 0
        self._before_cancel: State | None = None

    @property
    def transaction(self) -> str:
        return self.request.transaction

    @property
    def is_forgotten(self) -> bool:
        return self.scenario.forgets_ended and self.is_over

    def choose_reaction(self, kind: EventKind, note: str = "") -> MockReaction:
        """Choose the reaction to an event that has come now, with this note; it counts. What comes about a request that
        was forgotten has none."""
        if self.is_forgotten:
            return MockReaction(when=kind)
        self._counts[kind] += 1
        reaction = self.scenario.choose_reaction(kind, self._counts[kind])
        named = self.scenario.find_named_event(note)
        return reaction.model_copy(update={"say": (*reaction.say, named)}) if named is not None else reaction

    def continue_conversation(self, request: Request) -> MockConversation:
        """One about the same, which is asked again under another number: the scenario goes on."""
        other = MockConversation(request, self.scenario, self.parties, self._currency)
        other._counts = self._counts.copy()
        return other

    def ask_again(self, number: str, at: datetime) -> None:
        """A requester that may ask again does so under this number, which may be the same."""
        attempt = self.request.attempts[-1]
        again = SupplierAttempt(
            number=attempt.number + 1,
            partner=attempt.partner,
            symbol=attempt.symbol,
            channel=attempt.channel,
            transaction=number,
            asked=at,
            record=attempt.record,
        )
        self.request = replace(
            self.request,
            state=BorrowingState.REQUESTED,
            transaction=number,
            attempts=(*self.request.attempts[:-1], replace(attempt, status=AttemptStatus.RETRY, conditions=()), again),
            current=again.number,
        )
        self.is_over = False

    @property
    def has_asked(self) -> bool:
        """True if a requester's request has gone out."""
        return self._said > 0 and self.request.role is Role.BORROWING

    def note_event(self, message: IncomingPartnerMessage, at: datetime) -> str:
        """Change the request by what has come. Why it doesn't fit, in words; empty: it does."""
        if self.is_forgotten:
            return "it was forgotten"
        if message.kind is EventKind.CANCEL and self.request.state is not LendingState.CANCEL_PENDING:
            self._before_cancel = self.request.state
        self.is_over = self.is_over or (self.request.role is Role.BORROWING and message.kind in _ENDS)
        return self._apply_event(EventSignal(EventOrigin.PARTNER, message.kind), message.details, at)

    def build_message(self, event: SaidEvent, at: datetime) -> tuple[PartnerMessage, str]:
        """Build what is to be sent, and say why it doesn't fit (empty: it does)."""
        self._said += 1
        details = self._build_details(event, at)
        oddity = "" if event.event is EventKind.REQUEST else self._note_own_event(event.event, details, at)
        request = self._build_request(event, details) if self.request.role is Role.LENDING else self.request
        message = PartnerMessage(
            id=f"mock-{self.transaction}-{self._said}",
            kind=event.event,
            at=at,
            sender=self.parties.ours,
            receiver=self.parties.theirs,
            role=request.role,
            transaction=self.transaction,
            details=details,
            request=request,
        )
        return message, oddity

    def _build_request(self, said_event: SaidEvent, details: EventDetails) -> Request:
        """A supplier's, as its message tells of it: without a date that it doesn't say."""
        self.is_over = self.is_over or said_event.event in _ENDS or said_event.event is EventKind.RETRY
        if said_event.event in FIRST_ANSWERS and not self._first_answer:
            self._first_answer = self._said
        terms = replace(self.request.terms, lender_due=details.due)
        return replace(self.request, terms=terms, version=self._said, answered_in=self._first_answer)

    def _note_own_event(self, kind: EventKind, details: EventDetails, at: datetime) -> str:
        """A cancellation that is refused changes nothing of how the request stood, nor does what brokers say of
        others; a copy needs no clearance here."""
        if kind is EventKind.COPY_DELIVERED and self.request.open:
            self.request = replace(self.request, state=LendingState.COMPLETED)
            return ""
        was_pending = self.request.state is LendingState.CANCEL_PENDING
        if kind in _SAID_OF_OTHERS or (kind is EventKind.CANCEL_REFUSED and not was_pending):
            return ""
        oddity = self._apply_event(EventSignal(EventOrigin.US, kind), details, at)
        if kind is EventKind.CANCEL_REFUSED and self._before_cancel is not None:
            self.request = replace(self.request, state=self._before_cancel)
        return oddity

    def _apply_event(self, signal: EventSignal, details: EventDetails, at: datetime) -> str:
        attempt = self.request.current if self.request.role is Role.BORROWING else 0
        event = Event(signal, at, "mock", details, attempt)
        outcome = compute_transition(self.request, event, _WORKFLOW)
        if isinstance(outcome, Denied):
            return outcome.detail
        self.request = outcome.request
        return ""

    def _build_details(self, event: SaidEvent, at: datetime) -> EventDetails:
        return EventDetails(
            due=_add_days(at, event.due_days),
            expected=_add_days(at, event.expected_days),
            retry_after=_add_days(at, event.retry_days),
            reason=event.reason,
            conditions=event.conditions,
            cost=Money(event.cost, self._currency) if event.cost is not None else None,
            barcode=event.barcode,
            volumes=event.volumes,
            link=event.link,
            note=event.note,
        )


def compose_request(scenario: MockScenario, parties: MockParties, channel: str, number: str, at: datetime) -> Request:
    """The request of a requester, asked of one supplier."""
    theirs = parties.theirs
    attempt = SupplierAttempt(
        number=1,
        partner=theirs.profile,
        symbol=theirs.symbol,
        channel=channel,
        transaction=number,
        asked=at,
        record=scenario.work.record,
    )
    return Request(
        library=parties.ours.symbol,
        id=number,
        role=Role.BORROWING,
        state=BorrowingState.REQUESTED,
        number=number,
        created=at,
        changed=at,
        citation=scenario.work.citation,
        service=RequestedService(scenario.work.service),
        partner=theirs,
        transaction=number,
        attempts=(attempt,),
        current=1,
        volumes=make_volumes(scenario.work.volumes),
        source="api",
    )


def _add_days(at: datetime, days: int | None) -> date | None:
    return (at + timedelta(days=days)).date() if days is not None else None
