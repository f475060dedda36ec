"""Made-up requests of two years, for a demonstration of statistics and lists.

Each goes its way by the same state tables as real ones, as far as its story has come by now. Nothing is sent, no
library system is asked and no patron is in them: their partners exist by name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventSignal,
    ReasonCodes,
    RequestEnding,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    Request,
    RequestCosts,
    RequestedService,
    Role,
    ServiceType,
    SupplierAttempt,
)
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.requests.views import RequestFilter
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import history, request_lists, requests
from gateway.store.schema import make_exchange_id

SEED = 20_261
"""So that they are the same in each demonstration, but for the moments."""

SAMPLE_DAYS = 2 * 365
BORROWED_A_DAY, LENT_A_DAY = 0.7, 0.5
"""Requests on an average day, in the last days; there were fewer before."""

PARTNERS = tuple(
    LibraryParty(symbol=name.split()[-1].upper(), profile=name.split()[-1].lower(), name=name)
    for name in ("Universität Altenried", "Bibliothèque de Vaumarin", "Biblioteka Fjordby", "University of Northgate")
)
TITLES = (
    ("Salt Roads", "Whitlow, A."),
    ("Die Karten des Nordens", "Brandt, Ilse"),
    ("Les jardins d’hiver", "Morel, Claire"),
    ("Тихие воды", "Орлова, Н."),
    ("河と雨の話", "森田 京"),
    ("حكايات الساحل", "سلمى الحداد"),
    ("Weights and Measures of the Old Coast", "Tamm, K."),
    ("A History of Small Bridges", "Okoro, B."),
)
REASONS = (ReasonCodes.ON_LOAN, ReasonCodes.ON_LOAN, ReasonCodes.NOT_HELD, ReasonCodes.NON_CIRCULATING)
ENDINGS = (RequestEnding.NOT_AVAILABLE, RequestEnding.NOT_AVAILABLE, RequestEnding.OBTAINED_ELSEWHERE)


@value_object
class StoryStep:
    """An event so long after the step before."""

    after: timedelta
    signal: EventSignal
    details: EventDetails = EventDetails()


async def create_sample_requests(context: LibraryContext) -> int:
    """Create the requests, those of a day in one transaction; return their number. The library must not have any yet:
    0 where it has."""
    if (
        await context.store.read(lambda c: request_lists.list_requests(c, context.symbol, RequestFilter(), 1))
    ).requests:
        return 0
    chance, number, now = Random(SEED), 0, context.now()
    for day in range(SAMPLE_DAYS, 0, -1):
        share = 1.2 - 0.6 * day / SAMPLE_DAYS
        made = []
        for role, mean in ((Role.BORROWING, BORROWED_A_DAY), (Role.LENDING, LENT_A_DAY)):
            for _ in range(int(mean * share + chance.random())):
                number += 1
                created = now - timedelta(days=day, minutes=-chance.randrange(600))
                made.append(_make_request(context, chance, number, role, created))
        await context.store.write(lambda connection, made=made: _store_requests(connection, made, chance, now))  # type: ignore[misc]
    return number


def _make_request(context: LibraryContext, chance: Random, number: int, role: Role, created: datetime) -> Request:
    title, author = chance.choice(TITLES)
    is_copy, partner = chance.random() < 0.35, chance.choice(PARTNERS)
    price = Money(Decimal(chance.choice(("0", "0", "5", "8", "12"))), context.currency)
    letter = "B" if role is Role.BORROWING else "L"
    request = Request(
        library=context.symbol,
        id=make_exchange_id(created),
        role=role,
        state=LendingState.NEW,
        number=f"SAMPLE-{letter}{number:05}",
        created=created,
        changed=created,
        citation=Citation(type=CitationType.ARTICLE if is_copy else CitationType.BOOK, title=title, author=author),
        service=RequestedService(ServiceType.COPY if is_copy else ServiceType.LOAN),
        costs=RequestCosts(agreed=price) if price.amount else RequestCosts(),
        partner=partner,
        source="sample",
    )
    if role is Role.LENDING:
        return replace(request, transaction=f"{partner.symbol}-{number}")
    attempt = SupplierAttempt(
        number=1,
        partner=partner.profile,
        symbol=partner.symbol,
        channel="mail",
        transaction=f"{request.number}.1",
        asked=created + timedelta(hours=chance.randrange(1, 30)),
        status=AttemptStatus.ASKED,
    )
    return replace(request, state=BorrowingState.REQUESTED, attempts=(attempt,), current=1)


def _store_requests(connection: Transaction, made: Sequence[Request], chance: Random, now: datetime) -> None:
    for request in made:
        requests.insert_request(connection, request)
        steps = _tell_borrowing(chance, request) if request.role is Role.BORROWING else _tell_lending(chance, request)
        _follow_story(connection, request, steps, now)


def _follow_story(connection: Transaction, request: Request, steps: Iterator[StoryStep], now: datetime) -> None:
    moment = request.created
    for step in steps:
        moment += step.after
        if moment > now:
            return
        event = Event(step.signal, moment, details=step.details, attempt=request.current)
        transition = compute_transition(request, event, Workflow())
        if isinstance(transition, Denied):
            raise ValueError(f"{request.number}: {transition.detail}")
        before, request = request, transition.request
        requests.save_request(connection, request, step.details.reason)
        row = history.EventRow(
            make_exchange_id(moment), request.library, request.id, moment, event, before.state, request.state
        )
        history.add_history_event(connection, row)


def _tell_borrowing(chance: Random, request: Request) -> Iterator[StoryStep]:
    if chance.random() < 0.15:
        yield StoryStep(
            _choose_days(chance, 2, 6),
            partner_signal(EventKind.UNFILLED),
            EventDetails(reason=chance.choice(REASONS)),
        )
        yield StoryStep(
            _choose_days(chance, 0, 2), local_signal(EventKind.CLOSE), EventDetails(ending=chance.choice(ENDINGS))
        )
        return
    yield StoryStep(_choose_days(chance, 1, 4), partner_signal(EventKind.WILL_SUPPLY))
    yield StoryStep(_choose_days(chance, 1, 5), partner_signal(EventKind.SHIPPED))
    yield StoryStep(_choose_days(chance, 1, 6), local_signal(EventKind.RECEIVED))
    if request.service.type is ServiceType.LOAN:
        yield StoryStep(_choose_days(chance, 0, 3), local_signal(EventKind.LOANED_TO_PATRON))
        yield StoryStep(_choose_days(chance, 7, 28), local_signal(EventKind.RETURNED_BY_PATRON))
        yield StoryStep(_choose_days(chance, 0, 2), local_signal(EventKind.RETURNED))
        yield StoryStep(_choose_days(chance, 2, 6), partner_signal(EventKind.CHECKED_IN))


def _tell_lending(chance: Random, request: Request) -> Iterator[StoryStep]:
    if chance.random() < 0.12:
        reason = chance.choice((ReasonCodes.NOT_ON_SHELF, ReasonCodes.ON_LOAN, ReasonCodes.POLICY))
        yield StoryStep(_choose_days(chance, 0, 3), local_signal(EventKind.UNFILLED), EventDetails(reason=reason))
        return
    if request.service.type is ServiceType.COPY:
        yield StoryStep(_choose_days(chance, 0, 4), local_signal(EventKind.DIGITISED))
        yield StoryStep(_choose_days(chance, 0, 1), local_signal(EventKind.CLEARED))
        yield StoryStep(_choose_days(chance, 0, 1), local_signal(EventKind.COPY_DELIVERED))
        return
    yield StoryStep(_choose_days(chance, 0, 4), local_signal(EventKind.SHIPPED))
    yield StoryStep(_choose_days(chance, 2, 6), partner_signal(EventKind.RECEIVED))
    yield StoryStep(_choose_days(chance, 14, 40), partner_signal(EventKind.RETURNED))
    yield StoryStep(_choose_days(chance, 2, 6), local_signal(EventKind.CHECKED_IN))


def _choose_days(chance: Random, least: int, most: int) -> timedelta:
    return timedelta(hours=chance.randrange(least * 24 + 1, most * 24 + 1))
