"""What statistics are counted from, with every change of a request, and summed up by months."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Connection, text

from gateway.domain.library import Money
from gateway.domain.requests.events import NamedSupplier, ReasonCodes
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    FormerSupplier,
    LendingState,
    PatronLink,
    Request,
    RequestCosts,
    RequestedService,
    Role,
    ServiceType,
)
from gateway.domain.requests.request_figures import (
    CostSum,
    FigureFilter,
    HoursCount,
    PartnerHours,
    ReasonCount,
    RequestOutcome,
)
from gateway.ports.shared_store import Store
from gateway.store.requests import request_counts, request_figures, requests
from tests.unit.store.requests.samples import LIBRARY, borrowing, later, lending, with_attempt

SPRING = FigureFilter(library=LIBRARY, first=202603, last=202605)


async def store_changes(store: Store, *versions: Request, reason: str = "") -> None:
    """The first is new; `reason` came with the last change."""

    def write_versions(connection: Connection) -> None:
        requests.insert_request(connection, versions[0])
        for version in versions[1:]:
            requests.save_request(connection, version, reason if version is versions[-1] else "")

    await store.write(write_versions)


def ship(request: Request, days: float) -> Request:
    shipped = with_attempt(request, status=AttemptStatus.SHIPPED)
    return later(shipped, state=BorrowingState.SHIPPED, changed=request.created + timedelta(days=days))


async def test_a_request_counts_as_filled_once_it_has_come_and_stays_so(migrated: Store) -> None:
    asked = borrowing()
    shipped = ship(asked, 3)
    received = later(shipped, state=BorrowingState.RECEIVED, changed=asked.created + timedelta(days=5, hours=2))
    lost = later(received, state=BorrowingState.LOST, changed=asked.created + timedelta(days=60))

    await store_changes(migrated, asked, shipped, received, lost)

    counted = await migrated.read(lambda c: request_figures.count_figures(c, SPRING))
    assert [(one.attempt, one.partner, one.outcome, one.count) for one in counted if one.month == 202603] == [
        (0, "utrecht", RequestOutcome.FILLED, 1)
    ]
    sent = await migrated.read(lambda c: request_figures.count_hours_taken(c, SPRING, "sent"))
    came = await migrated.read(lambda c: request_figures.count_hours_taken(c, SPRING, "came"))
    assert (sent, came) == (
        (HoursCount(Role.BORROWING, False, 72, 1),),
        (HoursCount(Role.BORROWING, False, 122, 1),),
    )
    since_asked = replace(SPRING, first=202602)  # two days before the request's making as it stands
    supplies = await migrated.read(lambda c: request_figures.count_partner_hours(c, since_asked))
    assert supplies == (PartnerHours("utrecht", 120, 1),)


async def test_days_to_supply_begin_when_that_partner_was_asked_and_are_the_same_for_lists_and_statistics(
    migrated: Store,
) -> None:
    """Another one had been asked for five days before."""
    made = borrowing()
    asked = with_attempt(made, asked=made.created)
    first = replace(asked.attempts[0], status=AttemptStatus.UNFILLED)
    later_moment = first.asked + timedelta(days=5)
    second = replace(first, number=2, partner="visby", status=AttemptStatus.ASKED, asked=later_moment)
    moved = later(asked, attempts=(first, second), current=2, changed=second.asked)
    sent = later(
        moved,
        attempts=(first, replace(second, status=AttemptStatus.SHIPPED)),
        state=BorrowingState.SHIPPED,
        changed=second.asked + timedelta(days=3),
    )

    await store_changes(migrated, asked, moved, sent)

    (supply,) = await migrated.read(lambda c: request_figures.count_partner_hours(c, SPRING))
    times = await migrated.read(lambda c: request_counts.read_supply_times(c, sent.library, asked.created))
    assert (supply.partner, supply.hours / 24) == ("visby", 3.0)
    assert times["visby"].mean_days == 3.0


async def test_what_is_lost_on_the_way_to_us_was_not_filled(migrated: Store) -> None:
    async def read_outcomes() -> list[RequestOutcome]:
        counted = await migrated.read(lambda c: request_figures.count_figures(c, SPRING))
        return [one.outcome for one in counted if not one.attempt]

    asked = borrowing()
    shipped = ship(asked, 3)
    await store_changes(migrated, asked, shipped)
    assert await read_outcomes() == [RequestOutcome.OPEN]

    await migrated.write(lambda c: requests.save_request(c, later(shipped, state=BorrowingState.LOST)))

    assert await read_outcomes() == [RequestOutcome.UNFILLED]


async def test_each_partner_that_was_asked_counts_with_its_reason(migrated: Store) -> None:
    asked = borrowing()
    refused = replace(asked.attempts[0], status=AttemptStatus.UNFILLED, reason=ReasonCodes.ON_LOAN.value)
    silent = replace(asked.attempts[0], number=2, partner="kyoto", status=AttemptStatus.NO_ANSWER)
    ended = later(asked, state=BorrowingState.UNFILLED, attempts=(refused, silent), current=0)
    no = later(lending_request := lending(), state=LendingState.UNFILLED)

    await store_changes(migrated, asked, ended)
    await store_changes(migrated, lending_request, no, reason=ReasonCodes.NOT_ON_SHELF.value)

    wanted = replace(SPRING, first=202602)  # the partners were asked two days before
    found = await migrated.read(lambda c: request_figures.count_reasons(c, wanted))
    assert set(found) == {
        ReasonCount(Role.BORROWING, "on-loan", 1),
        ReasonCount(Role.BORROWING, "no-answer", 1),
        ReasonCount(Role.LENDING, "not-on-shelf", 1),
    }


async def test_words_that_were_written_in_place_of_a_reason_are_forgotten(migrated: Store) -> None:
    """A code tells nothing of people, and stays."""
    for number, reason in enumerate(("lost-in-the-post", "für Нина Берг, sie ist krank")):
        new = lending(transaction=f"T-{number}")
        refused = later(new, state=LendingState.UNFILLED)
        await store_changes(migrated, new, refused, reason=reason)
        await migrated.write(lambda c, refused=refused: request_figures.forget_words_of_reasons(c, refused))

    found = await migrated.read(lambda c: request_figures.count_reasons(c, SPRING))
    assert {one.reason for one in found} - {""} == {"lost-in-the-post"}


async def test_a_later_change_keeps_the_reason_and_a_reopened_request_is_open_again(migrated: Store) -> None:
    new = lending()
    refused = later(new, state=LendingState.UNFILLED)
    await store_changes(migrated, new, refused, reason="lost-in-the-post")
    await migrated.write(lambda c: requests.save_request(c, later(refused)))
    assert [one.reason for one in await migrated.read(lambda c: request_figures.count_reasons(c, SPRING))] == [
        "lost-in-the-post"
    ]

    reopened = later(later(refused), state=LendingState.NEW)
    await migrated.write(lambda c: requests.save_request(c, reopened))

    (counted,) = await migrated.read(lambda c: request_figures.count_figures(c, SPRING))
    assert counted.outcome is RequestOutcome.OPEN
    assert await migrated.read(lambda c: request_figures.count_reasons(c, SPRING)) == ()


async def test_costs_are_summed_by_currency_and_never_across(migrated: Store) -> None:
    for amount, currency in (("12.50", "EUR"), ("7.25", "EUR"), ("1.250", "KWD")):
        costs = RequestCosts(charged=Money(Decimal(amount), currency))
        asked = borrowing(costs=costs)
        shipped = ship(asked, 1)
        await store_changes(migrated, asked, shipped, later(shipped, state=BorrowingState.RECEIVED))
    await store_changes(migrated, borrowing(costs=RequestCosts(agreed=Money(Decimal(99), "EUR"))))  # not filled

    found = await migrated.read(lambda c: request_figures.sum_costs(c, SPRING))

    assert found == (CostSum(Role.BORROWING, "EUR", 2, 19_750), CostSum(Role.BORROWING, "KWD", 1, 1_250))


async def test_branch_partner_and_months_narrow(migrated: Store) -> None:
    await store_changes(migrated, borrowing(branch="فرع الساحل"))
    await store_changes(migrated, borrowing(service=RequestedService(ServiceType.COPY)))

    def count_whole(wanted: FigureFilter) -> list[bool]:
        return [one.is_copy for one in counted[wanted] if not one.attempt]

    filters = (
        replace(SPRING, branch="فرع الساحل"),
        replace(SPRING, partner="utrecht"),
        replace(SPRING, partner="nobody"),
        replace(SPRING, first=202604),
        replace(SPRING, library="OTHER"),
    )
    counted = {one: await migrated.read(lambda c, one=one: request_figures.count_figures(c, one)) for one in filters}

    assert list(map(count_whole, filters)) == [[False], [False, True], [], [], []]


async def test_a_request_that_forgets_its_patron_counts_on(migrated: Store) -> None:
    asked = borrowing()
    await store_changes(migrated, asked, later(asked, state=BorrowingState.EXPIRED, patron=PatronLink()))

    kept = await migrated.read(lambda c: c.execute(text("SELECT * FROM request_figure")).all())

    assert len(kept) == 2
    assert not any("2100017" in str(value) or "p-17" in str(value) for one in kept for value in one)


async def test_libraries_behind_a_broker_count_by_their_symbols_and_reasons(migrated: Store) -> None:
    asked = borrowing()
    elm = FormerSupplier(symbol="ELM", at=asked.created, reason="not-on-shelf")
    ivy = FormerSupplier(symbol="IVY", at=asked.created, status=AttemptStatus.NO_ANSWER)
    one = with_attempt(asked, former=(elm,), supplier=NamedSupplier(symbol="IVY"))
    one = later(one)
    two = with_attempt(one, former=(elm, ivy), supplier=NamedSupplier(symbol="OAK"), status=AttemptStatus.SHIPPED)
    await store_changes(migrated, asked, one, later(two, state=BorrowingState.SHIPPED))
    ended = borrowing()
    last = with_attempt(ended, former=(elm,), status=AttemptStatus.UNFILLED, reason="not-on-shelf")
    await store_changes(migrated, ended, later(last, state=BorrowingState.UNFILLED))

    spring = replace(SPRING, first=202602)
    counts = await migrated.read(lambda c: request_figures.count_figures(c, spring))
    found: Counter[tuple[str, RequestOutcome]] = Counter()
    for count in counts:
        found[count.partner, count.outcome] += count.count if count.attempt else 0
    found = +found
    assert found == {
        ("utrecht", RequestOutcome.FILLED): 1,
        ("utrecht", RequestOutcome.UNFILLED): 1,
        ("ELM", RequestOutcome.UNFILLED): 2,
        ("IVY", RequestOutcome.UNFILLED): 1,
        ("OAK", RequestOutcome.FILLED): 1,
    }
    reasons = await migrated.read(lambda c: request_figures.count_reasons(c, spring))
    assert [(one.reason, one.count) for one in reasons] == [("not-on-shelf", 2), ("no-answer", 1)]
