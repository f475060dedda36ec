"""How many calls each operation takes, as docs/library-systems/koha.md lists them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.domain.library import Location, Money, PatronDraft, PatronIdentifier, PersonName
from gateway.ports.library_system import HoldWish
from rehearsal.fakes.fake_server import FakeCall
from tests.library_contract.koha_world import KNOWN
from tests.support.golden_calls import find_changed_calls
from tests.support.paths import ROOT
from tests.unit.adapters.koha.place import ITEM, Place, koha_place

PAGE = (ROOT / "docs" / "library-systems" / "koha.md").read_text("utf-8")
KEPT_LISTS = ("/api/v1/libraries", "/api/v1/item_types", "/api/v1/patron_categories")
BARCODE = "ILL-1"
PATRON = KNOWN.good.value

Act = Callable[[Place, str], Awaitable[Any]]


async def do_nothing(_place: Place, _who: str) -> None:
    """The library as it is."""


async def lend(place: Place, who: str) -> None:
    await place.library.check_out(ITEM, who, "before/lend")


async def reserve(place: Place, who: str) -> None:
    await place.library.place_hold(HoldWish(who, "MAIN", "REQ-7", item_barcode=ITEM), "before/hold")


async def accept(place: Place, _who: str) -> None:
    await place.library.create_temporary_item(await place.make_wish(BARCODE), "before/accept")


async def find_hold_number(place: Place) -> str:
    (number,) = place.fake.state.holds
    return str(number)


async def create_item(place: Place, _who: str) -> Any:
    wish = await place.make_wish(BARCODE)
    place.fake.clear_calls()
    return await place.library.create_temporary_item(wish, "accept")


def draft() -> PatronDraft:
    return PatronDraft((PatronIdentifier("barcode", "TMP-1"),), PersonName("Løvås", "Ægir"), "VISITOR", "MAIN")


async def cancel(place: Place, _who: str) -> Any:
    return await place.library.cancel_hold(await find_hold_number(place), "cancel")


async def change_pickup(place: Place, _who: str) -> Any:
    return await place.library.update_hold(await find_hold_number(place), "update", pickup="NORTH")


async def place_dated_hold(place: Place, who: str) -> Any:
    """It is needed by one day, and ends on another."""
    wish = HoldWish(
        who, "NORTH", "REQ-7", item_barcode=ITEM, need_by=date(2026, 4, 1), expires=date(2026, 5, 1), note="Einband!"
    )
    return await place.library.place_hold(wish, "hold")


OPERATIONS: dict[str, tuple[Act, Act]] = {
    "find_patron": (do_nothing, lambda place, _who: place.library.find_patron(KNOWN.good)),
    "authenticate": (do_nothing, lambda place, _who: place.library.authenticate(KNOWN.good, KNOWN.good_secret)),
    "patron_loans": (lend, lambda place, who: place.library.patron_loans(who)),
    "patron_holds": (reserve, lambda place, who: place.library.patron_holds(who)),
    "find_bib": (do_nothing, lambda place, _who: place.library.find_bib(KNOWN.record)),
    "item_by_barcode": (do_nothing, lambda place, _who: place.library.item_by_barcode(ITEM)),
    "item_by_barcode of a loan": (lend, lambda place, _who: place.library.item_by_barcode(ITEM)),
    "check_out": (do_nothing, lambda place, who: place.library.check_out(ITEM, who, "loan")),
    "renew_loan": (lend, lambda place, _who: place.library.renew_loan(ITEM, "renew")),
    "place_hold": (do_nothing, place_dated_hold),
    "find_hold": (reserve, lambda place, _who: place.library.find_hold("REQ-7")),
    "cancel_hold": (reserve, cancel),
    "update_hold": (reserve, change_pickup),
    "create_temporary_item": (do_nothing, create_item),
    "delete_temporary_item": (accept, lambda place, _who: place.library.delete_temporary_item(BARCODE, "delete")),
    "change_barcode": (accept, lambda place, _who: place.library.change_barcode(BARCODE, "399", "barcode")),
    "move_to_ill": (do_nothing, lambda place, _who: place.library.move_to_ill(ITEM, Location("RS"), "move")),
    "post_fee": (
        do_nothing,
        lambda place, who: place.library.post_fee(who, Money(Decimal("3.50"), "EUR"), "ill-fee", "fee"),
    ),
    "create_patron": (do_nothing, lambda place, _who: place.library.create_patron(draft(), "patron")),
    "expire_patron": (do_nothing, lambda place, who: place.library.expire_patron(who, date(2026, 3, 1), "expire")),
}


async def test_the_calls_of_each_operation_are_those_of_the_page(tmp_path: Path) -> None:
    """Lists of codes are kept for an hour; their calls aren't counted."""
    wrong = []
    calls_of: dict[str, list[FakeCall]] = {}
    for name, (arrange, act) in OPERATIONS.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        async with koha_place(folder) as place:
            who = await place.patron_id()
            await arrange(place, who)
            place.fake.clear_calls()
            await act(place, who)
            calls = [one for one in place.fake.calls if one.path not in KEPT_LISTS]
        calls_of[name] = calls
        if f"| `{name}` | {len(calls)} |" not in PAGE:
            wrong.append(f"{name} takes {len(calls)}: {[f'{one.method} {one.path}' for one in calls]}")

    assert wrong == []
    assert find_changed_calls("koha", calls_of) == []
