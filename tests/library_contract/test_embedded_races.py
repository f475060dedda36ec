"""Messages that come at the same moment: what one of them does, the others see."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from gateway.domain.library import Bib, ItemStatus, PatronDraft, PatronIdentifier, PersonName
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import KNOWN, EmbeddedWorld, embedded_world

MANY = 8


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def world(store: Store) -> EmbeddedWorld:
    return await embedded_world(store)


async def outcomes(*calls: Awaitable[Any]) -> Counter[str]:
    """How often each refusal came, 'done' for successes. Anything else is an error."""
    found: Counter[str] = Counter()
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, Refused):
            found[result.reason.value] += 1
        elif isinstance(result, BaseException):
            raise result
        else:
            found["done"] += 1
    return found


async def test_one_item_is_lent_once(world: EmbeddedWorld) -> None:
    people = [(await world.library.find_patron(who)).id for who in (KNOWN.good, KNOWN.other, KNOWN.third)]
    calls = [world.library.check_out(KNOWN.shelf_item, people[n % 3], f"k{n}") for n in range(MANY)]
    found = await outcomes(*calls)

    assert found["done"] == 1
    assert set(found) <= {"done", RefusalReason.ITEM_ON_LOAN.value, RefusalReason.ON_LOAN_SAME_PATRON.value}


async def test_one_message_repeated_at_once_makes_one_item_and_one_hold(world: EmbeddedWorld) -> None:
    patron = (await world.library.find_patron(KNOWN.good)).id
    wish = TemporaryItem(
        "ILL-1", Bib(title="Ἰλιάς"), "R", KNOWN.ill, KNOWN.ill_policy, hold=TemporaryHold(patron, KNOWN.desk)
    )
    made = await asyncio.gather(*(world.library.create_temporary_item(wish, "same") for _ in range(MANY)))

    assert len({received.item.id for received in made}) == 1
    assert sum(not received.repeated for received in made) == 1
    assert len(await world.library.patron_holds(patron)) == 1


async def test_one_barcode_under_different_keys_makes_one_item(world: EmbeddedWorld) -> None:
    wish = TemporaryItem("ILL-1", Bib(title="Ἰλιάς"), "R", KNOWN.ill, KNOWN.ill_policy)
    found = await outcomes(*(world.library.create_temporary_item(wish, f"k{n}") for n in range(MANY)))

    assert found == {"done": 1, RefusalReason.DUPLICATE_ITEM.value: MANY - 1}


async def test_one_hold_one_patron_one_fine(world: EmbeddedWorld) -> None:
    patron = (await world.library.find_patron(KNOWN.good)).id
    wish = HoldWish(patron, KNOWN.desk, item_barcode=KNOWN.shelf_item)
    held = await asyncio.gather(*(world.library.place_hold(wish, "same") for _ in range(MANY)))
    assert len({hold.id for hold in held}) == 1

    draft = PatronDraft((PatronIdentifier("barcode", "2999"),), PersonName("Проба"), "visitor", KNOWN.desk)
    created = await asyncio.gather(*(world.library.create_patron(draft, "same") for _ in range(MANY)))
    assert len({new.id for new in created}) == 1


async def test_returned_and_deleted_at_once(world: EmbeddedWorld) -> None:
    patron = (await world.library.find_patron(KNOWN.good)).id
    wish = TemporaryItem("ILL-1", Bib(title="Ἰλιάς"), "R", KNOWN.ill, KNOWN.ill_policy)
    await world.library.create_temporary_item(wish, "made")
    await world.library.check_out("ILL-1", patron, "lent")
    back = [world.library.check_in("ILL-1", "back", at=KNOWN.ill.library) for _ in range(MANY)]
    assert await outcomes(*back) == {"done": MANY}
    gone = [world.library.delete_temporary_item("ILL-1", "gone") for _ in range(MANY)]
    assert await outcomes(*gone) == {"done": MANY}


async def test_a_hold_limit_is_not_passed_by_two_at_once(world: EmbeddedWorld) -> None:
    """Visitors may have three holds."""
    draft = PatronDraft((PatronIdentifier("barcode", "2999"),), PersonName("Δοκιμή"), "visitor", KNOWN.desk)
    visitor = (await world.library.create_patron(draft, "new")).id
    for n in range(6):
        wish = TemporaryItem(f"B{n}", Bib(title="t"), "", KNOWN.ill, KNOWN.ill_policy, suppressed=False)
        await world.library.create_item(wish, f"item{n}")
    wishes = [HoldWish(visitor, KNOWN.desk, item_barcode=f"B{n}") for n in range(6)]
    found = await outcomes(*(world.library.place_hold(wish, wish.item_barcode) for wish in wishes))

    assert found == {"done": 3, RefusalReason.LIMIT_REACHED.value: 3}
    assert (await world.library.item_by_barcode("B0")).status is ItemStatus.AVAILABLE
