"""A borrowing library, up to three suppliers and the wires between them, in memory; and the items on their way.

A wire may delay, repeat and reorder messages. Each message has an id and is applied once, as the store does it; what
a receiver denies is told to its sender, whose request then has trouble. An item is a thing of its own: nobody
receives or checks in what isn't there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from gateway.domain.requests.attempt_updates import start_attempt
from gateway.domain.requests.events import Event, EventDetails, EventKind, EventSignal, local_signal, partner_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestedService, Role, ServiceType
from gateway.domain.requests.state_machine import Denied, Transition, compute_transition
from gateway.domain.requests.state_table import FollowUp, RunFollowUp, TimerKind
from gateway.domain.requests.status_reports import find_event_of_state
from tests.support.requests import (
    START,
    SUPPLIERS,
    attempt,
    borrowing,
    lending,
    party,
    timers_after,
)


class Place(Enum):
    SHELF = "never left the lender"
    THERE = "on its way to the borrower"
    HERE = "at the borrower"
    BACK = "on its way to the lender"
    HOME = "at the lender again"
    GONE = "lost"


@dataclass
class Side:
    request: Request
    workflow: Workflow
    running: set[TimerKind] = field(default_factory=set)
    trouble: int = 0


@dataclass(frozen=True)
class Message:
    """`attempt`: between the borrower and the supplier of this attempt."""

    id: int
    to: Role
    attempt: int
    kind: EventKind
    details: EventDetails


@dataclass
class World:
    """`borrower` asks the suppliers one after another; `lenders` by the number of the attempt."""

    borrower: Side
    lending_workflow: Workflow
    at: datetime = START
    lenders: dict[int, Side] = field(default_factory=dict)
    wire: list[Message] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    sent: int = 0
    items: dict[int, Place] = field(default_factory=dict)
    work: set[FollowUp] = field(default_factory=set)
    denied: list[Denied] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    @classmethod
    def begun(
        cls, service: ServiceType, mediated: bool, borrowing_workflow: Workflow, lending_workflow: Workflow
    ) -> World:
        request = borrowing(service=RequestedService(service), mediated=mediated)
        return cls(Side(request, borrowing_workflow), lending_workflow)

    # --- events --------------------------------------------------------------------------------------------

    def us(
        self, number: int, kind: EventKind, attempt: int = 0, details: EventDetails | None = None
    ) -> Transition | Denied | None:
        """Staff or a rule on the borrower's side (number 0) or on the supplier's of that attempt. None: the thing that
        it takes isn't there."""
        if not self.possible(number, kind, attempt):
            return None
        outcome = self.happens(number, local_signal(kind), attempt, details or EventDetails())
        if isinstance(outcome, Transition):
            self._moves(number, kind, attempt)
        return outcome

    def happens(
        self, number: int, signal: EventSignal, attempt: int = 0, details: EventDetails | None = None
    ) -> Transition | Denied:
        side = self.side(number)
        before = side.request
        self.at += timedelta(minutes=10)
        happened = Event(signal, self.at, "staff:ana", details or EventDetails(), attempt)
        outcome = compute_transition(before, happened, side.workflow)
        if isinstance(outcome, Denied):
            assert outcome.detail
            self.denied.append(outcome)
            return outcome
        self.story.append(f"{number or 'borrower'}: {signal} → {outcome.request.state.value}")
        assert outcome.request.version == before.version + 1
        assert outcome.request.changed == self.at
        side.request = outcome.request
        side.running = timers_after(side.running, outcome)
        self._follow(number, outcome)
        return outcome

    def side(self, number: int) -> Side:
        return self.lenders[number] if number else self.borrower

    def _follow(self, number: int, outcome: Transition) -> None:
        for one in outcome.told:
            details = outcome.event.details if one.kind is outcome.event.kind else EventDetails()
            if one.kind is EventKind.STATUS_REPORT:  # as of now; it may come before the message that it tells of
                details = EventDetails(reported=find_event_of_state(outcome.request))
            self._send(Role.BORROWING if number else Role.LENDING, number or one.attempt, one.kind, details)
        for effect in outcome.effects:
            if isinstance(effect, RunFollowUp) and effect.work is FollowUp.REPORT_STATUS:
                self.happens(number, local_signal(EventKind.STATUS_REPORT))
            elif isinstance(effect, RunFollowUp):
                self.work.add(effect.work)

    def _send(self, to: Role, attempt: int, kind: EventKind, details: EventDetails) -> None:
        assert attempt, f"nobody to tell {kind}"
        self.sent += 1
        self.wire.append(Message(self.sent, to, attempt, kind, details))

    # --- wires ---------------------------------------------------------------------------------------------

    def deliver(self, index: int) -> None:
        """The acknowledgement may get lost: a message stays on the wire until `acknowledge`."""
        message = self.wire[index % len(self.wire)]
        if message.id in self.seen:
            return
        self.seen.add(message.id)
        if message.kind is EventKind.REQUEST:
            self._asks(message)
            return
        number = message.attempt if message.to is Role.LENDING else 0
        if number and number not in self.lenders:
            self._refused(message)  # it overtook the request itself
            return
        inner = 0 if number else message.attempt
        if isinstance(self.happens(number, partner_signal(message.kind), inner, message.details), Denied):
            self._refused(message)

    def acknowledge(self, index: int) -> None:
        message = self.wire[index % len(self.wire)]
        if message.id in self.seen:
            self.wire.remove(message)

    def _asks(self, message: Message) -> None:
        service = self.borrower.request.service
        self.lenders[message.attempt] = Side(lending(service=service), self.lending_workflow)
        self.items[message.attempt] = Place.SHELF

    def _refused(self, message: Message) -> None:
        """Told to the sender, who has trouble then."""
        number = message.attempt if message.to is Role.BORROWING else 0
        trouble = self.happens(number, local_signal(EventKind.TROUBLE), 0 if number else message.attempt)
        assert isinstance(trouble, Transition)
        self.side(number).trouble += 1

    def drain(self) -> None:
        while self.wire:
            self.deliver(0)
            self.acknowledge(0)

    # --- the rota ------------------------------------------------------------------------------------------

    def find_supplier(self) -> None:
        self.work.discard(FollowUp.FIND_SUPPLIER)
        request = self.borrower.request
        if request.state is not BorrowingState.SOURCING:
            return
        number = len(request.attempts) + 1
        if number > len(SUPPLIERS):
            self.happens(0, local_signal(EventKind.NO_SUPPLIER))
            return
        partner = SUPPLIERS[number - 1]
        self.borrower.request = start_attempt(request, attempt(number, partner, asked=self.at), party(partner))
        assert isinstance(self.happens(0, local_signal(EventKind.REQUEST)), Transition)

    # --- things --------------------------------------------------------------------------------------------

    def possible(self, number: int, kind: EventKind, attempt: int) -> bool:
        """Whether staff have in hand what the act is about."""
        side, about = self.side(number), number or attempt or self.borrower.request.current
        place = self.items.get(about, Place.SHELF)
        is_copy = side.request.service.type is ServiceType.COPY
        if number:
            again = kind is EventKind.SHIPPED and side.request.state is LendingState.SHIPPED
            needed = {EventKind.SHIPPED: {Place.SHELF}, EventKind.CHECKED_IN: {Place.BACK}}.get(kind)
            return needed is None or again or place in needed
        if is_copy and kind is EventKind.RECEIVED:
            lender = self.lenders.get(about)
            return lender is not None and lender.request.state is LendingState.COMPLETED
        if is_copy:
            return True
        here = {Place.HERE}
        needed = {
            EventKind.RECEIVED: {Place.THERE},
            EventKind.RETURNED: {Place.THERE, Place.HERE},
            EventKind.LOANED_TO_PATRON: here,
            EventKind.RETURNED_BY_PATRON: here,
        }.get(kind)
        return needed is None or place in needed

    def _moves(self, number: int, kind: EventKind, attempt: int) -> None:
        about = number or attempt or self.borrower.request.current
        place = self.items.get(about, Place.SHELF)
        match number, kind, place:
            case n, EventKind.SHIPPED, Place.SHELF if n:
                self.items[about] = Place.THERE
            case n, EventKind.CHECKED_IN, _ if n:
                self.items[about] = Place.HOME
            case 0, EventKind.RECEIVED, Place.THERE:
                self.items[about] = Place.HERE
            case 0, EventKind.RETURNED, (Place.THERE | Place.HERE):
                self.items[about] = Place.BACK

    def lose(self, number: int) -> None:
        if self.items.get(number) in (Place.THERE, Place.HERE, Place.BACK):
            self.items[number] = Place.GONE
            self.story.append(f"the item of {number} is lost")
