"""Builders of requests and events, and `Story`, which lets a request live through events one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.domain.library import Money, RecordId
from gateway.domain.requests.attempt_updates import start_attempt
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventSignal,
    local_signal,
    partner_signal,
    timer_signal,
)
from gateway.domain.requests.partner_policy import BorrowingWorkflow, LendingWorkflow, Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestCosts,
    RequestedService,
    Role,
    ServiceType,
    State,
    SupplierAttempt,
    Volume,
)
from gateway.domain.requests.state_machine import Denied, Transition, compute_transition
from gateway.domain.requests.state_table import (
    CallLibrary,
    FollowUp,
    LibraryAction,
    RunFollowUp,
    SendPatronLetter,
    StartTimer,
    StopTimer,
    TimerKind,
    expired_timer_signal,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday."""

DUE = date(2026, 4, 10)
"""The day on which lent items are due back at the lender."""

WARSAW = LibraryParty(symbol="ISIL:PL-WaUW", profile="warsaw", name="Biblioteka Uniwersytecka", email="ill@buw.example")
KYOTO = LibraryParty(symbol="ISIL:JP-1003457", profile="kyoto", name="京都図書館", email="ill@kyoto.example")
SUPPLIERS = ("warsaw", "kyoto", "tbilisi")

BOOK = Citation(
    type=CitationType.BOOK,
    title="ვეფხისტყაოსანი",
    author="Rustaveli, Shota",
    published="1966",
    publisher="Mecniereba",
    identifiers=(RecordId("isbn", "5-520-00001-X"),),
    original="Rustaveli: Vepkhistqaosani, 1966",
)
ARTICLE = Citation(
    type=CitationType.ARTICLE,
    title="日本図書館情報学会誌",
    component_title="Zur Geschichte der Fernleihe",
    component_author="Łukasiewicz, Zofia",
    volume="41",
    issue="2",
    pages="77-91",
    identifiers=(RecordId("issn", "1344-8668"),),
)
PATRON = PatronLink(id="p-17", identifier="21000000000017", category="graduate", pickup="MAIN", language="en")


# --- values ----------------------------------------------------------------------------------------------


def borrowing(state: BorrowingState = BorrowingState.NEW, **changes: Any) -> Request:
    """A request of one of our patrons for a book. Every field can be named."""
    return _request(Role.BORROWING, state, {"patron": PATRON, "source": "staff", **changes})


def lending(state: LendingState = LendingState.NEW, **changes: Any) -> Request:
    """Warsaw's request for a book of ours."""
    return _request(
        Role.LENDING, state, {"partner": WARSAW, "transaction": "WAW-2026-77", "source": "partner", **changes}
    )


def _request(role: Role, state: State, changes: Mapping[str, Any]) -> Request:
    made = Request(
        library="main",
        id="r-0001",
        role=role,
        state=state,
        number=f"{'B' if role is Role.BORROWING else 'L'}-2026-0001",
        created=START,
        changed=START,
        citation=BOOK,
        volumes=(Volume("1"),),
        mediated=False,
    )
    return replace(made, **changes)


def copy_of(request: Request) -> Request:
    """The same for an article, as a copy."""
    return replace(
        request, citation=ARTICLE, service=RequestedService(ServiceType.COPY), costs=RequestCosts(money("12.50"))
    )


def in_volumes(request: Request, count: int) -> Request:
    return replace(request, volumes=tuple(Volume(str(n), f"vol. {n}") for n in range(1, count + 1)))


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(Decimal(amount), currency)


def attempt(number: int = 1, partner: str = "warsaw", **changes: Any) -> SupplierAttempt:
    made = SupplierAttempt(
        number=number,
        partner=partner,
        symbol=party(partner).symbol,
        channel="loopback",
        transaction=f"B-2026-0001-{number}",
        asked=START,
    )
    return replace(made, **changes)


def party(profile: str) -> LibraryParty:
    known = {one.profile: one for one in (WARSAW, KYOTO)}
    return known.get(profile, LibraryParty(symbol=f"LOCAL:{profile.upper()}", profile=profile, name=profile.title()))


def workflow(*, borrowing: Mapping[str, Any] | None = None, lending: Mapping[str, Any] | None = None) -> Workflow:
    """The defaults, but for the keys that are named."""
    return Workflow(borrowing=BorrowingWorkflow(**borrowing or {}), lending=LendingWorkflow(**lending or {}))


def event(signal: EventSignal, at: datetime = START, attempt: int = 0, **details: Any) -> Event:
    actors = {"us": "staff:ana", "partner": "partner:ISIL:PL-WaUW", "timer": "timer"}
    return Event(signal, at, actors[signal.origin.value], EventDetails(**details), attempt)


# --- one request lives -----------------------------------------------------------------------------------


@dataclass
class Story:
    """Events happen to `request` an hour after each other. Each of `us`, `partner`, `timer` gives the transition and
    fails when the event is denied; `no_…` gives the denial and fails when it isn't."""

    request: Request
    workflow: Workflow = field(default_factory=Workflow)
    at: datetime = START
    running: set[TimerKind] = field(default_factory=set)

    def us(self, kind: EventKind, attempt: int = 0, **details: Any) -> Transition:
        return self._happens(local_signal(kind), attempt, details)

    def partner(self, kind: EventKind, attempt: int = 0, **details: Any) -> Transition:
        return self._happens(partner_signal(kind), attempt, details)

    def timer(self, timer: TimerKind, **details: Any) -> Transition:
        """A running timer is over."""
        assert timer in self.running, f"{timer} does not run; running: {sorted(self.running)}"
        self.running.discard(timer)
        return self._happens(expired_timer_signal(timer, self.workflow), 0, details)

    def late_timer(self, kind: EventKind, **details: Any) -> Transition:
        return self._happens(timer_signal(kind), 0, details)

    def ask(self, partner: str = "warsaw") -> Transition:
        """The rota's next supplier is asked."""
        number = len(self.request.attempts) + 1
        self.request = start_attempt(self.request, attempt(number, partner, asked=self.at), party(partner))
        return self.us(EventKind.REQUEST)

    def no_us(self, kind: EventKind, attempt: int = 0, **details: Any) -> Denied:
        return self._denied(local_signal(kind), attempt, details)

    def no_partner(self, kind: EventKind, attempt: int = 0, **details: Any) -> Denied:
        return self._denied(partner_signal(kind), attempt, details)

    @property
    def state(self) -> State:
        return self.request.state

    @property
    def statuses(self) -> tuple[AttemptStatus, ...]:
        return tuple(one.status for one in self.request.attempts)

    def _next(self, signal: EventSignal, attempt: int, details: Mapping[str, Any]) -> Transition | Denied:
        self.at += timedelta(hours=1)
        return compute_transition(self.request, event(signal, self.at, attempt, **details), self.workflow)

    def _happens(self, signal: EventSignal, attempt: int, details: Mapping[str, Any]) -> Transition:
        outcome = self._next(signal, attempt, details)
        assert isinstance(outcome, Transition), outcome.detail
        self.request = outcome.request
        self.running = timers_after(self.running, outcome)
        return outcome

    def _denied(self, signal: EventSignal, attempt: int, details: Mapping[str, Any]) -> Denied:
        outcome = self._next(signal, attempt, details)
        assert isinstance(outcome, Denied), f"{signal} was not denied: {self.state} → {outcome.request.state}"
        return outcome


def timers_after(running: set[TimerKind], transition: Transition) -> set[TimerKind]:
    left = set(running)
    for effect in transition.effects:
        match effect:
            case StartTimer(timer):
                left.add(timer)
            case StopTimer(timer):
                left.discard(timer)
    return left


# --- what a transition asks for --------------------------------------------------------------------------


def told(transition: Transition) -> tuple[tuple[EventKind, int], ...]:
    """Messages to partners: kind and number of the attempt."""
    return tuple((one.kind, one.attempt) for one in transition.told)


def letters(transition: Transition) -> tuple[str, ...]:
    return tuple(one.name for one in transition.effects if isinstance(one, SendPatronLetter))


def library_calls(transition: Transition) -> tuple[LibraryAction, ...]:
    return tuple(one.act for one in transition.effects if isinstance(one, CallLibrary))


def timers_set(transition: Transition) -> set[TimerKind]:
    """Timers that it sets, anew where they run already."""
    return {one.timer for one in transition.effects if isinstance(one, StartTimer)}


def follow_ups(transition: Transition) -> tuple[FollowUp, ...]:
    return tuple(one.work for one in transition.effects if isinstance(one, RunFollowUp))


# --- on the way ------------------------------------------------------------------------------------------


def asked_story(request: Request | None = None, workflow: Workflow | None = None) -> Story:
    """Submitted, and Warsaw asked."""
    story = Story(request or borrowing(), workflow or Workflow())
    story.us(EventKind.SUBMIT)
    story.ask("warsaw")
    return story


def shipped_story(request: Request | None = None, workflow: Workflow | None = None) -> Story:
    """Warsaw has shipped it, due on DUE."""
    story = asked_story(request, workflow)
    story.partner(EventKind.WILL_SUPPLY, 1)
    story.partner(EventKind.SHIPPED, 1, due=DUE)
    return story


def lent_story(request: Request | None = None, workflow: Workflow | None = None) -> Story:
    """With the patron."""
    story = shipped_story(request, workflow)
    story.us(EventKind.RECEIVED)
    story.us(EventKind.LOANED_TO_PATRON)
    return story


def sent_story(request: Request | None = None, workflow: Workflow | None = None) -> Story:
    """Ours: located and shipped to Warsaw."""
    story = Story(request or lending(), workflow or Workflow())
    story.us(EventKind.LOCATED, barcode="31000000000042")
    story.us(EventKind.WILL_SUPPLY)
    story.us(EventKind.SHIPPED, due=DUE)
    return story
