"""A proxy sends a call again whose answer it missed: what Alma refuses the second time was done the first time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from gateway.domain.library import Bib, Money
from gateway.domain.problems import Refused
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from rehearsal.fakes import alma_state
from rehearsal.fakes.fake_server import FaultKind
from tests.library_contract.alma_world import KNOWN
from tests.unit.adapters.alma.place import ITEM, USER, Place, alma_place


async def lend(place: Place) -> None:
    await place.library.check_out(ITEM, USER, "loan")


async def reserve(place: Place) -> None:
    await place.library.place_hold(HoldWish(USER, "NORTH", "REQ-1", item_barcode=ITEM), "hold")


async def accept(place: Place) -> None:
    hold = TemporaryHold(USER, "NORTH")
    wish = TemporaryItem("ILL-1", Bib(title="Über Brücken"), "REQ-1", KNOWN.ill, "ILL", hold=hold)
    await place.library.create_temporary_item(wish, "accept")


@pytest.mark.parametrize("path", ["/loans", "/requests", "/items"])
async def test_what_is_sent_twice_is_done_once(context: LibraryAdapterContext, path: str) -> None:
    act = {"/loans": lend, "/requests": reserve, "/items": accept}[path]
    async with alma_place(context) as place:
        await act(place)
        wanted = place.describe_state()
    async with alma_place(context, "OTHER") as place:
        place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path=path)
        await act(place)
        await act(place)

        assert place.describe_state() == wanted


@pytest.mark.parametrize("is_repeated", [False, True])
async def test_a_fee_that_is_there_twice_is_told_to_operators(
    context: LibraryAdapterContext, is_repeated: bool
) -> None:
    """It can't be put right safely."""
    async with alma_place(context) as place:
        if is_repeated:
            place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path="/fees")
        with capture_logs() as logs:
            for _ in range(2):
                await place.library.post_fee(USER, Money(Decimal("3.50"), "EUR"), "ill-fee", "fee")
        fees = list(place.fake.state.fees)

    told = [(one["change"], one["records"]) for one in logs if one["event"] == "library.done_twice"]
    assert len(fees) == 1 + is_repeated
    assert told == ([("fee", fees)] if is_repeated else [])


async def test_a_second_renewal_that_is_refused_leaves_the_first(
    context: LibraryAdapterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alma_state, "MAX_RENEWALS", 1)
    async with alma_place(context) as place:
        loan = await place.library.check_out(ITEM, USER, "loan")
        place.fake.add_fault(FaultKind.REPEAT_CALL, method="POST", path="/loans/")

        assert (await place.library.renew_loan(ITEM, "renewal")).known_due > loan.known_due
        with pytest.raises(Refused):
            await place.library.renew_loan(ITEM, "another")
