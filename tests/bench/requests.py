"""What must not grow with the number of open requests: a task list, an event, a due timer (issue: managed requests).

Two stores with the same mix of requests, few and many, on SQLite as it runs in production (every change durable).
They take turns act by act, so that whatever else the machine does meets both; of a round the median times count, of
the rounds the median ratio. Requests are picked over the whole store, so that nothing is quick only because it was
looked at just now.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestDates,
    RequestFlag,
    Role,
    RotaLine,
    SupplierAttempt,
    Volume,
)
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.views import RequestFilter, RequestOrder
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from gateway.store.requests import (
    history,
    outbox,
    outbox_queries,
    request_counts,
    request_facets,
    request_lists,
    requests,
    timers,
)
from gateway.store.requests.request_rows import dump_event
from gateway.store.schema import make_exchange_id

FEW, MANY = 1_000, 100_000
ROUNDS = 9
LISTS, EVENTS, TIMERS = 80, 200, 100  # in a round
SLICE = 2_000  # requests in one transaction of filling
LIBRARY = "EX"
BEGUN = datetime(2026, 1, 5, 8, tzinfo=UTC)
WORKFLOW = Workflow()
TASK_LISTS = ("to-receive", "awaiting-review", "new", "overdue")

Row = tuple[str, float, str, bool]
Act = Callable[[], Awaitable[object]]


def rows(folder: Path) -> list[Row]:
    return asyncio.run(_rows(folder))


async def _rows(folder: Path) -> list[Row]:
    few, many = await _filled(folder / "few.db", FEW), await _filled(folder / "many.db", MANY)
    measures: dict[str, Callable[[_Filled], Awaitable[list[Act]]]] = {
        "a page of a task list, and all counts": _lists,
        "the work queue of staff, all lists with count and age": _queues,
        "a page of staff's list with its counts": _staff_lists,
        "a search by number or words": _searches,
        "one event: request, history, outbox, timer": _events,
        "one due timer": _timers,
    }
    found = []
    for name, acts in measures.items():
        await _round(await acts(few), await acts(many))  # to warm up
        times = [await _round(await acts(few), await acts(many)) for _ in range(ROUNDS)]
        ratio = statistics.median(large / small for small, large in times)
        small, large = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
        print(f"{name}: {small:.2f} ms with {FEW:,} open requests, {large:.2f} ms with {MANY:,}")
        found.append((f"{name}, {MANY:,} / {FEW:,}", ratio, "≤ 1.2", ratio <= 1.2))
    await few.store.close()
    await many.store.close()
    return found


async def _round(few: list[Act], many: list[Act]) -> tuple[float, float]:
    """The median seconds of each, one act after the other."""
    times: tuple[list[float], list[float]] = ([], [])
    for pair in zip(few, many, strict=True):
        for act, column in zip(pair, times, strict=True):
            begun = time.perf_counter()
            await act()
            column.append(time.perf_counter() - begun)
    return statistics.median(times[0]), statistics.median(times[1])


class _Filled:
    def __init__(self, store: Store, ids: list[str]) -> None:
        self.store = store
        self.ids = ids
        self.lent = ids[::3]  # the third of them that is with patrons
        self.chance = random.Random(7)
        self.now = BEGUN + timedelta(days=400)

    def later(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


async def _filled(file: Path, count: int) -> _Filled:
    store = open_store(f"sqlite:///{file}")
    await migrate_store(store, OWN)
    begun = time.perf_counter()
    ids: list[str] = []
    for start in range(0, count, SLICE):
        made = [make_request(number) for number in range(start, min(count, start + SLICE))]
        ids += [one.id for one in made]
        await store.write(lambda connection, made=made: insert_requests(connection, made))
    print(f"{count:,} open requests made in {time.perf_counter() - begun:.0f} s")
    return _Filled(store, ids)


def insert_requests(connection: Connection, made: Iterable[Request]) -> None:
    for one in made:
        requests.insert_request(connection, one)
        event = Event(partner_signal(EventKind.SHIPPED), one.changed, attempt=one.current)
        history.add_history_event(connection, _told(one, event, one.changed))
        timers.start_timer(connection, one.library, one.id, TimerKind.NEED_BY, BEGUN + timedelta(days=3650))


def make_request(number: int) -> Request:
    """A third is with patrons, the others wait for staff or a partner. Changed in another order than made."""
    made = BEGUN + timedelta(minutes=number)
    changed = made + timedelta(seconds=number * 7919 % 86_400)
    partner = f"partner-{number % 300:03}"
    plain = Request(
        library=LIBRARY,
        id=make_exchange_id(made),
        role=Role.BORROWING,
        state=(BorrowingState.LENT, BorrowingState.SHIPPED, BorrowingState.REVIEW)[number % 3],
        number=f"B-2026-{number:06}",
        created=made,
        changed=changed,
        citation=Citation(
            type=CitationType.BOOK,
            title=f"История города {number}, том второй",
            author=f"Writer, Number {number % 5_000}",
            publisher="Example Press",
            published="1987",
            identifiers=(RecordId("oclc", str(10_000 + number)),),
            original="rft.genre=book&rft.btitle=%D0%98%D1%81%D1%82%D0%BE%D1%80%D0%B8%D1%8F&rft.date=1987" * 3,
        ),
        dates=RequestDates(need_by=date(2027, 1, 1)),
        partner=LibraryParty(partner.upper(), partner, "A library", "ill@library.example"),
        patron=PatronLink(f"p-{number % 20_000}", f"21{number % 20_000:05}", "staff", "desk"),
        rota=tuple(RotaLine(f"partner-{(number + n) % 300:03}") for n in range(5)),
        attempts=(
            SupplierAttempt(
                number=1,
                partner=partner,
                symbol=partner.upper(),
                channel="mail",
                transaction=f"B-{number}.1",
                asked=made,
                status=AttemptStatus.SHIPPED,
            ),
        ),
        current=1,
        volumes=(Volume("1", "v. 2"),),
    )
    if number % 6 == 5:
        return replace(plain, role=Role.LENDING, state=LendingState.NEW, attempts=(), current=0, rota=())
    return plain


# --- what is measured ------------------------------------------------------------------------------------


async def _lists(filled: _Filled) -> list[Act]:
    """The first page, the one after it by its cursor, and the counts of all lists."""

    def look(task: str, cursor: str) -> Callable[[Connection], request_lists.RequestListPage]:
        return lambda c: request_lists.list_requests(c, LIBRARY, RequestFilter(task=task), 50, cursor)

    async def one(task: str) -> None:
        page = await filled.store.read(look(task, ""))
        await filled.store.read(look(task, page.cursor))
        await filled.store.read(lambda c: request_counts.read_task_counts(c, LIBRARY))

    return [partial(one, TASK_LISTS[number % len(TASK_LISTS)]) for number in range(LISTS)]


async def _queues(filled: _Filled) -> list[Act]:
    """What /staff asks of the store: counts and oldest of all lists, and partners that don't answer."""

    async def one() -> None:
        await filled.store.read(lambda c: request_counts.read_task_counts(c, LIBRARY))
        await filled.store.read(lambda c: request_counts.read_oldest_of_tasks(c, LIBRARY))
        await filled.store.read(lambda c: outbox_queries.list_retried_targets(c, LIBRARY, "partner", 3))

    return [one] * LISTS


STAFF_LISTS = (
    RequestFilter(role=Role.BORROWING, open=True),
    RequestFilter(role=Role.BORROWING, open=True, order=RequestOrder.LONGEST),
    RequestFilter(role=Role.BORROWING, task="awaiting-review", order=RequestOrder.LONGEST),
    RequestFilter(role=Role.BORROWING, states=(BorrowingState.LENT,)),
    RequestFilter(role=Role.LENDING, states=(LendingState.DIGITISING, LendingState.CLEARANCE, LendingState.CLEARED)),
    RequestFilter(role=Role.BORROWING, order=RequestOrder.NEED_BY),
    RequestFilter(role=Role.BORROWING, open=True, order=RequestOrder.NUMBER),
    RequestFilter(role=Role.BORROWING, open=True, order=RequestOrder.TITLE_DOWN),
)


async def _staff_lists(filled: _Filled) -> list[Act]:
    """Rows, how many there are, and how many of each kind."""

    async def one(wanted: RequestFilter) -> None:
        await filled.store.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 50))
        await filled.store.read(lambda c: request_facets.count_list(c, LIBRARY, wanted))

    return [partial(one, STAFF_LISTS[number % len(STAFF_LISTS)]) for number in range(LISTS)]


async def _searches(filled: _Filled) -> list[Act]:
    """Numbers and words that lead to one, whatever there is beside it, and words that all have."""

    async def one(text: str) -> None:
        wanted = RequestFilter(search=text)
        page = await filled.store.read(lambda c: request_lists.list_requests(c, LIBRARY, wanted, 50))
        if not page.requests:
            raise RuntimeError(f"nothing was found by {text}")

    texts = []
    count = len(filled.ids)
    for number in filled.chance.sample(range(count // 10, count), LISTS // 4):  # no other number begins with it
        texts += [f"b-2026-{number:06}", f"{number} том", f"история {number} writer", "история города"]
    return [partial(one, text) for text in texts]


async def _events(filled: _Filled) -> list[Act]:
    async def one(id_: str) -> None:
        await filled.store.write(lambda c: _happen(c, id_, filled.later()))

    return [partial(one, id_) for id_ in filled.chance.sample(filled.lent, EVENTS)]


async def _timers(filled: _Filled) -> list[Act]:
    """Found in one look each time and fired in a transaction of its own, as the timer worker does."""
    now = filled.later()

    def start(connection: Connection) -> None:
        for id_ in filled.chance.sample(filled.lent, TIMERS):
            timers.start_timer(connection, LIBRARY, id_, TimerKind.DUE_SOON, now)

    async def one() -> None:
        (row,) = await filled.store.read(lambda c: timers.due_timers(c, now, 1))
        await filled.store.write(lambda c: _fire(c, row, filled.later()))

    await filled.store.write(start)
    return [one] * TIMERS


def _fire(connection: Connection, row: timers.TimerRow, at: datetime) -> None:
    if not timers.take_timer(connection, row):
        raise RuntimeError("a timer that was due is gone")
    _happen(connection, row.request_id, at)


def _happen(connection: Connection, id_: str, at: datetime) -> None:
    """An overdue notice, or a new due date where one was there: both move the request from list to list."""
    request = requests.lock_request(connection, LIBRARY, id_)
    if request is None:
        raise RuntimeError("a request is gone")
    kind = EventKind.DUE_DATE_CHANGED if RequestFlag.OVERDUE in request.flags else EventKind.OVERDUE
    event = Event(partner_signal(kind), at, "partner:X", EventDetails(due=at.date()), attempt=request.current)
    transition = compute_transition(request, event, WORKFLOW)
    if isinstance(transition, Denied):
        raise RuntimeError(transition.detail)
    requests.save_request(connection, transition.request)
    history.add_history_event(connection, _told(transition.request, event, at))
    outbox.add_outbox_row(
        connection,
        outbox.OutboxRow(
            library=LIBRARY,
            id=make_exchange_id(at),
            lane=id_,
            kind="letter",
            request_id=id_,
            payload=dump_event(event),
            created=at,
            next_at=at,
        ),
    )
    timers.start_timer(connection, LIBRARY, id_, TimerKind.PATRON_DUE, at + timedelta(days=3650))


def _told(request: Request, event: Event, at: datetime) -> history.EventRow:
    state = request.state.value
    return history.EventRow(make_exchange_id(at), request.library, request.id, at, event, state, state)
