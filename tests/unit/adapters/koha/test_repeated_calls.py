"""A proxy sends a call again whose answer it missed: Koha does it once, or what it did twice is put right."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.domain.library import Money
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import HoldWish
from rehearsal.fakes import koha_state
from rehearsal.fakes.fake_server import FaultKind
from tests.library_contract.koha_world import KNOWN
from tests.unit.adapters.koha.place import ITEM, Place, koha_place


async def lend(place: Place) -> None:
    assert (await place.library.check_out(ITEM, await place.patron_id(), "loan", request_id="REQ-1")).key == "loan"


async def reserve(place: Place) -> None:
    wish = HoldWish(await place.patron_id(), "NORTH", "REQ-1", item_barcode=ITEM)
    assert (await place.library.place_hold(wish, "hold")).request_id == "REQ-1"


async def accept(place: Place) -> None:
    made = await place.library.create_temporary_item(await place.make_wish(), "accept")
    assert made.hold is not None


@pytest.mark.parametrize(
    ("act", "path"),
    [(lend, "/checkouts"), (reserve, "/holds"), (accept, "/biblios"), (accept, "/items"), (accept, "/holds")],
)
async def test_what_is_sent_twice_is_done_once(tmp_path: Path, act: object, path: str) -> None:
    assert callable(act)
    async with koha_place(tmp_path) as place:
        state = place.fake.state
        before = len(state.biblios), len(state.items)
        place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path=path)
        await act(place)
        await act(place)

        more = int(act is accept)
        assert (len(state.biblios), len(state.items)) == (before[0] + more, before[1] + more)
        assert len(state.checkouts) == int(act is lend)
        assert len(state.holds) == int(act is not lend)
        assert all(loan["renewals_count"] == 0 for loan in state.checkouts.values())


async def test_a_refusal_of_what_somebody_else_did_stays_one(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        await place.library.place_hold(HoldWish(await place.patron_id(), "NORTH", item_barcode=ITEM), "hold")
        place.fake.state.max_holds = 0
        wish = HoldWish(await place.patron_id(KNOWN.other), "NORTH", item_barcode=ITEM)
        with pytest.raises(Refused) as refused:
            await place.library.place_hold(wish, "other")

        assert refused.value.reason is RefusalReason.LIMIT_REACHED
        assert len(place.fake.state.holds) == 1


async def charge(place: Place) -> None:
    await place.library.post_fee(await place.patron_id(), Money(Decimal("3.50"), "EUR"), "ill-fee", "fee")


async def renew(place: Place) -> None:
    await place.library.renew_loan(ITEM, "renewal")


@pytest.mark.parametrize("is_repeated", [False, True])
async def test_what_koha_does_twice_is_told_to_operators(tmp_path: Path, is_repeated: bool) -> None:
    """It can't be put right safely."""
    async with koha_place(tmp_path) as place:
        await lend(place)
        if is_repeated:
            place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path="/account/debits")
            place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path="/renewal")
        with capture_logs() as logs:
            await charge(place)
            await renew(place)
            await charge(place)
            await renew(place)
        fees, loans = (
            [str(number) for number in place.fake.state.debits],
            [str(one) for one in place.fake.state.checkouts],
        )

    told = [(one["change"], one["records"]) for one in logs if one["event"] == "library.done_twice"]
    assert len(fees) == 1 + is_repeated
    assert told == ([("fee", fees), ("renewal", loans)] if is_repeated else [])


async def test_a_second_renewal_that_is_refused_leaves_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(koha_state, "RENEWALS_ALLOWED", 1)
    async with koha_place(tmp_path) as place:
        await lend(place)
        place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path="/renewal")

        assert (await place.library.renew_loan(ITEM, "renewal")).renewals == 1
        with pytest.raises(Refused):
            await place.library.renew_loan(ITEM, "another")
