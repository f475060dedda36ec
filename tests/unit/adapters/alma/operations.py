"""Everything that the gateway does in Alma, each as one operation, with what has to be there before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from gateway.domain.library import Bib, IdentifierType, Money, PatronDraft, PatronIdentifier, PersonName
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from tests.library_contract.alma_world import KNOWN
from tests.unit.adapters.alma.place import ITEM, NOW, USER, Place

OTHER = "P2"
TEMPORARY = "ILL-880001"
KEY = "test/operation"
DUE = NOW + timedelta(days=60)

Act = Callable[[Place], Awaitable[Any]]


@dataclass(frozen=True)
class AlmaOperation:
    """`arrange` brings about what has to be there; `act` is the operation, under one key."""

    name: str
    act: Act
    arrange: Act | None = None


def make_temporary_item(pickup: str = "RS", *, on_shelf: bool = True) -> TemporaryItem:
    return TemporaryItem(
        barcode=TEMPORARY,
        bib=Bib(title="Über die Brücke — за мостом", author="Söhnlein, Grete"),
        request_id="REQ-1",
        location=KNOWN.ill,
        policy="ILL",
        call_number="LB 42",
        hold=TemporaryHold(USER, pickup, on_shelf),
    )


def make_draft() -> PatronDraft:
    return PatronDraft(
        identifiers=(PatronIdentifier(IdentifierType.BARCODE.value, "TMP-4711"),),
        name=PersonName("Løvås", "Ægir"),
        category=KNOWN.visitor_category,
        expires=date(2026, 12, 31),
        secret="4321",
    )


async def _accept(place: Place) -> None:
    await place.library.create_temporary_item(make_temporary_item(), "before/accept")


async def _lend(place: Place) -> None:
    place.loan = (await place.library.check_out(ITEM, USER, "before/lend", request_id="REQ-2")).id


async def _lend_and_hold(place: Place) -> None:
    await _lend(place)
    await place.library.place_hold(HoldWish(OTHER, "NORTH", item_barcode=ITEM), "before/hold")


async def _hold(place: Place) -> None:
    wish = HoldWish(USER, "MAIN", "REQ-3", item_barcode=ITEM)
    place.hold = (await place.library.place_hold(wish, "before/hold")).id


async def _move(place: Place) -> None:
    await place.library.move_to_ill(ITEM, KNOWN.ill, "before/move")


OPERATIONS: tuple[AlmaOperation, ...] = (
    AlmaOperation("find_patron", lambda place: place.library.find_patron(KNOWN.good)),
    AlmaOperation("authenticate", lambda place: place.library.authenticate(KNOWN.good, KNOWN.good_secret)),
    AlmaOperation("patron_loans", lambda place: place.library.patron_loans(USER), _lend),
    AlmaOperation("patron_holds", lambda place: place.library.patron_holds(USER), _hold),
    AlmaOperation("patron_charges", lambda place: place.library.patron_charges(USER)),
    AlmaOperation("find_bib", lambda place: place.library.find_bib(KNOWN.record)),
    AlmaOperation("item_by_barcode", lambda place: place.library.item_by_barcode(ITEM)),
    AlmaOperation("item_by_barcode of a loan", lambda place: place.library.item_by_barcode(ITEM), _lend),
    AlmaOperation("check_out", lambda place: place.library.check_out(ITEM, USER, KEY, request_id="REQ-2")),
    AlmaOperation("check_out with a due date", lambda place: place.library.check_out(ITEM, USER, KEY, due=DUE)),
    AlmaOperation("set_due_date", lambda place: place.library.set_due_date(place.loan, DUE, KEY), _lend),
    AlmaOperation("check_in", lambda place: place.library.check_in(ITEM, KEY, at="MAIN"), _lend),
    AlmaOperation("check_in for who waits", lambda place: place.library.check_in(ITEM, KEY, at="MAIN"), _lend_and_hold),
    AlmaOperation("renew_loan", lambda place: place.library.renew_loan(ITEM, KEY), _lend),
    AlmaOperation("renew_loan with a due date", lambda place: place.library.renew_loan(ITEM, KEY, due=DUE), _lend),
    AlmaOperation(
        "place_hold",
        lambda place: place.library.place_hold(
            HoldWish(USER, "NORTH", "R", item_barcode=ITEM, need_by=date(2026, 4, 1), expires=date(2026, 5, 4)), KEY
        ),
    ),
    AlmaOperation("find_hold", lambda place: place.library.find_hold("REQ-3"), _hold),
    AlmaOperation("cancel_hold", lambda place: place.library.cancel_hold(place.hold, KEY), _hold),
    AlmaOperation(
        "update_hold",
        lambda place: place.library.update_hold(place.hold, KEY, pickup="NORTH", expires=date(2026, 5, 4)),
        _hold,
    ),
    AlmaOperation(
        "create_temporary_item", lambda place: place.library.create_temporary_item(make_temporary_item(), KEY)
    ),
    AlmaOperation("delete_temporary_item", lambda place: place.library.delete_temporary_item(TEMPORARY, KEY), _accept),
    AlmaOperation("change_barcode", lambda place: place.library.change_barcode(TEMPORARY, "399", KEY), _accept),
    AlmaOperation("move_to_ill", lambda place: place.library.move_to_ill(ITEM, KNOWN.ill, KEY)),
    AlmaOperation("return_home", lambda place: place.library.return_home(ITEM, KEY), _move),
    AlmaOperation(
        "post_fee",
        lambda place: place.library.post_fee(USER, Money(Decimal("3.50"), "EUR"), "ill-fee", KEY, request_id="REQ-4"),
    ),
    AlmaOperation("create_patron", lambda place: place.library.create_patron(make_draft(), KEY)),
    AlmaOperation(
        "update_patron",
        lambda place: place.library.update_patron(USER, PatronDraft(name=PersonName("Ζωγράφου")), KEY),
    ),
    AlmaOperation("expire_patron", lambda place: place.library.expire_patron(USER, date(2026, 3, 1), KEY)),
)
