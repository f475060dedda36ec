"""The answer of each message of each operation is lost in turn: the same key again does it once and no more.

The calls of an operation are counted here too; docs/library-systems/ncip.md lists them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.library import Bib, Money
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import KNOWN
from tests.library_contract.ncip_world import NcipWorld, ncip_world
from tests.support.paths import ROOT

WHO, ITEM = KNOWN.good.value, KNOWN.shelf_item
TEMPORARY = "ILL-880001"
KEY = "the-key"
COUNTED = {
    "find_patron": 1,
    "item_by_barcode": 1,
    "create_temporary_item": 3,
    "check_out": 3,
    "renew_loan": 2,
    "check_in": 4,
    "place_hold": 4,
    "cancel_hold": 2,
    "delete_temporary_item": 2,
    "post_fee": 1,
}
"""Messages of each operation where nothing goes wrong."""

LOOK_UPS = {"cancel_hold": 2}
"""Messages that come before those of the operation here: its hold is looked up."""


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """On SQLite alone, as `OnSqliteAlone` says."""
    return f"sqlite:///{tmp_path / 'illgate.db'}"


@pytest.fixture
async def world(store: Store) -> AsyncIterator[NcipWorld]:
    async with ncip_world(store, {"breaker": {"failures": 1000}}) as world:
        yield world


def partners_item() -> TemporaryItem:
    bib = Bib(title="Über die Brücke — за мостом", author="Söhnlein, Grete")
    return TemporaryItem(
        TEMPORARY, bib, "REQ-1", KNOWN.ill, KNOWN.ill_policy, hold=TemporaryHold(WHO, KNOWN.ill.library)
    )


async def lend(world: NcipWorld) -> None:
    await world.library.check_out(ITEM, WHO, "lent-before")


async def accept(world: NcipWorld) -> None:
    await world.library.create_temporary_item(partners_item(), "accepted-before")


async def reserve(world: NcipWorld) -> None:
    await world.library.place_hold(HoldWish(WHO, KNOWN.desk, "REQ-7", item_barcode=ITEM), "reserved-before")


async def prepare_nothing(world: NcipWorld) -> None:
    """The library as it is."""


Act = Callable[[NcipWorld], Awaitable[Any]]


async def cancel(world: NcipWorld) -> Any:
    return await world.library.cancel_hold((await world.library.find_hold("REQ-7")).id, KEY)


def later(world: NcipWorld) -> Any:
    return world.now().replace(microsecond=0) + timedelta(days=60)


OPERATIONS: dict[str, tuple[Act, Act]] = {
    "create_temporary_item": (prepare_nothing, lambda w: w.library.create_temporary_item(partners_item(), KEY)),
    "check_out": (prepare_nothing, lambda w: w.library.check_out(ITEM, WHO, KEY)),
    "renew_loan": (lend, lambda w: w.library.renew_loan(ITEM, KEY, due=later(w))),
    "check_in": (lend, lambda w: w.library.check_in(ITEM, KEY, at=KNOWN.desk)),
    "place_hold": (
        prepare_nothing,
        lambda w: w.library.place_hold(HoldWish(WHO, KNOWN.desk, "REQ-7", item_barcode=ITEM), KEY),
    ),
    "cancel_hold": (reserve, cancel),
    "delete_temporary_item": (accept, lambda w: w.library.delete_temporary_item(TEMPORARY, KEY)),
    "post_fee": (
        prepare_nothing,
        lambda w: w.library.post_fee(WHO, Money(Decimal("3.50"), "EUR"), "ill-fee", KEY, description="за доставку"),
    ),
}


async def describe_library(world: NcipWorld) -> dict[str, object]:
    """What is in the library behind NCIP, asked at the library itself."""
    peer = world.peer.library
    patron = await peer.find_patron(KNOWN.good)
    loans = await peer.patron_loans(patron.id)
    item = await peer.item_by_barcode(ITEM)
    return {
        "loans": sorted((loan.item_barcode, loan.renewals) for loan in loans),
        "holds": sorted(hold.item_barcode for hold in await peer.patron_holds(patron.id)),
        "fees": [charge.amount.amount for charge in await peer.patron_charges(patron.id)],
        "item": item.status,
        "temporary": [bib.title for bib in await peer.search_bibs("Brücke")],
    }


async def act_until_known(world: NcipWorld, act: Act) -> Any:
    """As the gateway's workers do: an unknown outcome is asked for again under the same key."""
    for _ in range(4):
        try:
            return await act(world)
        except (OutcomeUnknown, Unavailable):
            continue
    pytest.fail("the outcome was never known")


@pytest.mark.parametrize("name", OPERATIONS)
async def test_the_messages_of_an_operation_are_counted(name: str, world: NcipWorld) -> None:
    prepare, act = OPERATIONS[name]
    await prepare(world)
    sent = len(world.server.seen)
    await act(world)
    calls = len(world.server.seen) - sent
    assert calls == COUNTED[name] + LOOK_UPS.get(name, 0), world.server.seen[sent:]


@pytest.mark.parametrize(
    ("name", "lost"),
    [(name, lost) for name in OPERATIONS for lost in range(1, COUNTED[name] + LOOK_UPS.get(name, 0) + 1)],
)
async def test_a_lost_answer_changes_nothing_in_the_end(name: str, lost: int, world: NcipWorld) -> None:
    prepare, act = OPERATIONS[name]
    await prepare(world)
    begun = len(world.server.seen)
    world.server.lose = {begun + lost}
    await act_until_known(world, act)
    world.server.lose = set()
    after = await describe_library(world)

    expected: dict[str, tuple[str, object]] = {
        "create_temporary_item": ("holds", [TEMPORARY]),
        "check_out": ("loans", [(ITEM, 0)]),
        "renew_loan": ("loans", [(ITEM, 1)]),
        "check_in": ("loans", []),
        "place_hold": ("holds", [ITEM]),
        "cancel_hold": ("holds", []),
        "delete_temporary_item": ("holds", []),
        "post_fee": ("fees", [Decimal("3.50")]),
    }
    what, wanted = expected[name]
    assert after[what] == wanted
    again = await act(world)
    assert await describe_library(world) == after, "the same key once more"
    assert again is not None


async def test_look_ups_take_as_many_messages_as_are_counted(world: NcipWorld) -> None:
    for name, act in (
        ("find_patron", lambda: world.library.find_patron(KNOWN.good)),
        ("item_by_barcode", lambda: world.library.item_by_barcode(ITEM)),
    ):
        sent = len(world.server.seen)
        await act()
        assert len(world.server.seen) - sent == COUNTED[name]


def test_the_guide_lists_the_calls() -> None:
    page = (ROOT / "docs" / "library-systems" / "ncip.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) ", page, flags=re.MULTILINE))

    assert {name: int(number) for name, number in rows.items()} == COUNTED
