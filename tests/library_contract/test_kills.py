"""The gateway is killed while a message or call is under way, at each of them in turn: asked again under the same key
after its start, nothing is done twice and nothing is missing. What was under way is carried out after its death.

Here for NCIP and for a pair; for FOLIO and Alma in their own folders. One operation of each runs always, the others are
long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.library import Bib
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from gateway.store.engine import open_store
from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.koha import FakeKoha
from rehearsal.fakes.koha_state import KohaState
from tests.library_contract import koha_world
from tests.library_contract.ncip_world import NcipWorld, ncip_world
from tests.library_contract.paired_world import PairedWorld, koha_and_sip2
from tests.library_contract.test_ncip_lost_replies import OPERATIONS, act_until_known, describe_library

DELAY_SECONDS = 0.05
KEY = "the-key"
ITEM = koha_world.KNOWN.shelf_item
TEMPORARY = "ILL-880001"


def mark_long(names: Iterable[str], short: str) -> list[Any]:
    return [name if name == short else pytest.param(name, marks=pytest.mark.long) for name in names]


# --- NCIP ------------------------------------------------------------------------------------------------


async def kill_at_message(world: NcipWorld, act: Callable[[NcipWorld], Awaitable[Any]], number: int) -> bool:
    """Whether there was such a message."""
    pause = world.server.pause_at(len(world.server.seen) + number)
    work = asyncio.ensure_future(act(world))
    reached = asyncio.ensure_future(pause.reached.wait())
    await asyncio.wait([work, reached], return_when=asyncio.FIRST_COMPLETED)
    was_reached = pause.reached.is_set()
    reached.cancel()
    work.cancel()
    await asyncio.wait([work, reached])
    pause.may_go_on.set()
    if was_reached:
        await asyncio.wait_for(pause.is_over.wait(), 10)
    await world.restart_gateway()
    return was_reached


@pytest.mark.parametrize("name", mark_long(OPERATIONS, "check_out"))
async def test_ncip_the_gateway_may_be_killed_at_each_message(tmp_path: Path, name: str) -> None:
    prepare, act = OPERATIONS[name]
    wanted: dict[str, object] = {}
    for number in range(10):
        async with contextlib.AsyncExitStack() as stack:
            store = open_store(f"sqlite:///{tmp_path / f'{number}.db'}")
            stack.push_async_callback(store.close)
            world = await stack.enter_async_context(ncip_world(store, {"breaker": {"failures": 1000}}))
            await prepare(world)
            was_killed = number == 0 or await kill_at_message(world, act, number)
            await act_until_known(world, act)
            state = await describe_library(world)
        wanted = wanted or state
        assert state == wanted, f"killed at message {number}"
        if not was_killed:
            return
    pytest.fail("there were more messages than expected")


# --- a pair: Koha by REST, with SIP2 for what it lacks ----------------------------------------------------


async def _lend(world: PairedWorld) -> None:
    patron = await world.library.find_patron(world.known.good)
    await world.library.check_out(ITEM, patron.id, "before/lend", request_id="REQ-2")


async def _do_nothing(_world: PairedWorld) -> None:
    """The library as it is."""


async def _check_out(world: PairedWorld) -> Any:
    patron = await world.library.find_patron(world.known.good)
    return await world.library.check_out(ITEM, patron.id, KEY, request_id="REQ-2")


async def _check_in(world: PairedWorld) -> Any:
    return await world.library.check_in(ITEM, KEY, at="MAIN")


async def _place_hold(world: PairedWorld) -> Any:
    patron = await world.library.find_patron(world.known.good)
    return await world.library.place_hold(HoldWish(patron.id, "NORTH", "REQ-3", item_barcode=ITEM), KEY)


async def _accept(world: PairedWorld, key: str = KEY) -> Any:
    patron = await world.library.find_patron(world.known.good)
    bib = Bib(title="Über die Brücke — за мостом")
    hold = TemporaryHold(patron.id, "NORTH")
    wish = TemporaryItem(TEMPORARY, bib, "REQ-1", world.known.ill, world.known.ill_policy, hold=hold)
    return await world.library.create_temporary_item(wish, key)


async def _accept_before(world: PairedWorld) -> None:
    await _accept(world, "before/accept")


async def _delete(world: PairedWorld) -> Any:
    return await world.library.delete_temporary_item(TEMPORARY, KEY)


PairAct = Callable[[PairedWorld], Awaitable[Any]]
PAIR_OPERATIONS: dict[str, tuple[PairAct, PairAct]] = {
    "check_out": (_do_nothing, _check_out),
    "check_in": (_lend, _check_in),
    "place_hold": (_do_nothing, _place_hold),
    "create_temporary_item": (_do_nothing, _accept),
    "delete_temporary_item": (_accept_before, _delete),
}


async def wait_for_call(koha: FakeKoha, number: int, work: asyncio.Future[Any]) -> None:
    for _ in range(2000):
        if len(koha.calls) > number or work.done():
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"call {number + 1} never came")


def describe_koha(state: KohaState) -> dict[str, Any]:
    return {
        "records": sorted(row["title"] for row in state.biblios.values()),
        "items": sorted(row["external_id"] for row in state.items.values()),
        "loans": (len(state.checkouts), len(state.old_checkouts)),
        "holds": len(state.holds),
    }


@pytest.mark.parametrize("name", mark_long(PAIR_OPERATIONS, "check_in"))
async def test_a_pair_the_gateway_may_be_killed_at_each_call(tmp_path: Path, name: str) -> None:
    prepare, act = PAIR_OPERATIONS[name]
    wanted: dict[str, Any] = {}
    count = 0
    number = -1
    while number < count:
        async with contextlib.AsyncExitStack() as stack:
            store = open_store(f"sqlite:///{tmp_path / f'{number}.db'}")
            stack.push_async_callback(store.close)
            world = await stack.enter_async_context(koha_and_sip2(store, ["check-in"]))
            assert world.koha is not None
            await prepare(world)
            world.koha.clear_calls()
            if number >= 0:
                world.koha.add_fault(FaultKind.DELAY, after=number, seconds=DELAY_SECONDS)
                work = asyncio.ensure_future(act(world))
                await wait_for_call(world.koha, number, work)
                work.cancel()
                await asyncio.wait([work])
                await asyncio.sleep(2 * DELAY_SECONDS)
                await world.restart_gateway()
            await act(world)
            if number < 0:
                wanted, count = describe_koha(world.koha.state), len(world.koha.calls)
            assert describe_koha(world.koha.state) == wanted, f"killed at call {number + 1} of {count}"
        number += 1
