"""The answer to each single call of each change is lost in turn, and the gateway is killed there: asked again under the
same key, nothing is done twice and nothing is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.library import Location, Money, PatronDraft, PatronIdentifier, PersonName
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.library_system import HoldWish
from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.koha_state import KohaState
from tests.library_contract.koha_world import KNOWN
from tests.unit.adapters.koha.place import ITEM, Place, koha_place

Act = Callable[[Place], Awaitable[object]]


async def nothing(_place: Place) -> None:
    return None


async def lend(place: Place) -> None:
    await place.library.check_out(ITEM, await place.patron_id(), "loan")


async def hold(place: Place) -> None:
    wish = HoldWish(await place.patron_id(), "NORTH", "REQ-7", item_barcode=ITEM)
    await place.library.place_hold(wish, "hold")


async def hold_title(place: Place) -> None:
    bib = (await place.library.item_by_barcode(KNOWN.copies[0])).bib_id
    await place.library.place_hold(HoldWish(await place.patron_id(), "NORTH", "REQ-8", bib_id=bib), "hold")


async def accept(place: Place) -> None:
    await place.library.create_temporary_item(await place.make_wish(), "accept")


async def only_hold(place: Place) -> str:
    (one,) = place.fake.state.holds
    return str(one)


async def cancel(place: Place) -> None:
    found = await place.library.find_hold("REQ-7")
    await place.library.cancel_hold(found.id, "cancel")


async def move_hold(place: Place) -> None:
    await place.library.update_hold(await only_hold(place), "update", pickup="MAIN")


async def fee(place: Place) -> None:
    amount = Money(Decimal("3.50"), "EUR")
    await place.library.post_fee(await place.patron_id(), amount, "ill-fee", "fee", request_id="REQ-9")


async def make_patron(place: Place) -> None:
    number = PatronIdentifier("barcode", "TMP-1")
    draft = PatronDraft((number,), PersonName("Løvås", "Ægir"), "VISITOR", "MAIN", secret="4321")
    await place.library.create_patron(draft, "patron")


async def expire_patron(place: Place) -> None:
    await place.library.expire_patron(await place.patron_id(), place.clock.now().date(), "expire")


def is_lent_once(state: KohaState) -> bool:
    return len(state.checkouts) == 1 and not state.old_checkouts


def is_accepted_once(state: KohaState) -> bool:
    made = [row for row in state.items.values() if row["external_id"] == "ILL-1"]
    records = [row for row in state.biblios.values() if row["title"] == "Über Brücken"]
    return (len(made), len(records), len(state.holds)) == (1, 1, 1)


def is_gone(state: KohaState) -> bool:
    return not state.holds and len(state.items) == 4 and len(state.biblios) == 3


@dataclass(frozen=True)
class Case:
    """`calls`: how many there are in all, none of which could be left out (docs/library-systems/koha.md)."""

    before: Act
    act: Act
    holds: Callable[[KohaState], bool]
    calls: int


CASES = {
    "check-out": Case(nothing, lend, is_lent_once, 6),
    "renewal": Case(
        lend,
        lambda place: place.library.renew_loan(ITEM, "renew"),
        lambda state: [row["renewals_count"] for row in state.checkouts.values()] == [1],
        3,
    ),
    "hold": Case(nothing, hold, lambda state: len(state.holds) == 1, 7),
    "title hold": Case(nothing, hold_title, lambda state: len(state.holds) == 1, 8),
    "cancellation": Case(hold, cancel, lambda state: not state.holds, 4),
    "hold update": Case(
        hold, move_hold, lambda state: [row["pickup_library_id"] for row in state.holds.values()] == ["MAIN"], 3
    ),
    "temporary item": Case(nothing, accept, is_accepted_once, 10),
    "deletion": Case(accept, lambda place: place.library.delete_temporary_item("ILL-1", "delete"), is_gone, 5),
    "barcode": Case(
        accept,
        lambda place: place.library.change_barcode("ILL-1", "39999000000018", "barcode"),
        lambda state: [row["external_id"] for row in state.items.values()][-1] == "39999000000018",
        4,
    ),
    "move": Case(
        nothing,
        lambda place: place.library.move_to_ill(ITEM, Location("RS"), "move"),
        lambda state: [row["holding_library_id"] for row in state.items.values()].count("RS") == 1,
        3,
    ),
    "fee": Case(nothing, fee, lambda state: [row["amount"] for row in state.debits.values()] == [3.5], 5),
    "patron": Case(nothing, make_patron, lambda state: "4321" in state.passwords.values(), 3),
    "expiry": Case(
        nothing,
        expire_patron,
        lambda state: [row["expiry_date"] for row in state.patrons.values()].count("2026-03-02") == 1,
        5,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_change_takes_so_many_calls(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    async with koha_place(tmp_path) as place:
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
        async with koha_place(folder) as place:
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
