"""The answer to each single call of each change is lost in turn, and the gateway is killed there: asked again under the
same key, nothing is done twice and nothing is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.library.fakes.alma_state import AlmaState
from adapters.library.fakes.fake_server import FaultKind
from gateway.domain.library import Money
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.library_system import HoldWish
from tests.unit.adapters.alma.place import ITEM, USER, Place, alma_place

Act = Callable[[Place], Awaitable[object]]
DUE = datetime(2026, 5, 1, 21, 59, tzinfo=UTC)


async def nothing(_place: Place) -> None:
    return None


async def lend(place: Place) -> None:
    await place.library.check_out(ITEM, USER, "loan")


async def lend_until(place: Place) -> None:
    await place.library.check_out(ITEM, USER, "loan", due=DUE)


async def take_back(place: Place) -> None:
    await place.library.check_in(ITEM, "return", at="MAIN")


async def renew(place: Place) -> None:
    await place.library.renew_loan(ITEM, "renew")


async def hold(place: Place) -> None:
    await place.library.place_hold(HoldWish(USER, "NORTH", "REQ-7", item_barcode=ITEM), "hold")


async def cancel(place: Place) -> None:
    await place.library.cancel_hold((await place.library.find_hold("REQ-7")).id, "cancel")


async def fee(place: Place) -> None:
    await place.library.post_fee(USER, Money(Decimal("3.50"), "EUR"), "ill-fee", "fee", request_id="REQ-9")


def list_due_dates(state: AlmaState) -> list[str]:
    return [row["due_date"] for row in state.loans.values()]


@dataclass(frozen=True)
class Case:
    """`calls`: how many there are in all (docs/library-systems/alma.md), redirects included."""

    before: Act
    act: Act
    holds: Callable[[AlmaState], bool]
    calls: int


CASES = {
    "check-out": Case(nothing, lend, lambda state: len(state.loans) == 1, 6),
    "check-out until": Case(nothing, lend_until, lambda state: list_due_dates(state) == ["2026-05-01T21:59:00Z"], 7),
    "check-in": Case(lend, take_back, lambda state: not state.loans, 9),
    "renewal": Case(lend, renew, lambda state: list(state.renewals.values()) == [1], 6),
    "hold": Case(nothing, hold, lambda state: len(state.requests) == 1, 7),
    "cancellation": Case(hold, cancel, lambda state: not state.requests, 3),
    "fee": Case(nothing, fee, lambda state: [row["balance"] for row in state.fees.values()] == [3.5], 2),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_change_takes_so_many_calls(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    async with alma_place(tmp_path) as place:
        await case.before(place)
        place.fake.clear_calls()
        await case.act(place)

        assert case.holds(place.fake.state)
        assert len(place.fake.calls) == case.calls, [f"{one.method} {one.path}" for one in place.fake.calls]


@pytest.mark.parametrize(
    "fault",
    [
        FaultKind.LOSE_REPLY,
        pytest.param(FaultKind.ERROR_500, marks=pytest.mark.long),
        pytest.param(FaultKind.HTML_PAGE, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", CASES)
async def test_each_lost_answer_is_mended(tmp_path: Path, name: str, fault: FaultKind) -> None:
    case = CASES[name]
    for lost in range(case.calls):
        folder = tmp_path / str(lost)
        folder.mkdir()
        async with alma_place(folder) as place:
            await case.before(place)
            place.fake.add_fault(fault, after=lost)
            try:
                await case.act(place)
            except (Unavailable, OutcomeUnknown):
                place.fake.clear_faults()
                await place.restart()
                await case.act(place)

            assert case.holds(place.fake.state), f"after call {lost}"
            await case.act(place)
            assert case.holds(place.fake.state), f"once more after call {lost}"
