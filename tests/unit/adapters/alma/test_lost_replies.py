"""Each call of each operation goes wrong in turn. After a repeat under the same key Alma is as if nothing had gone
wrong: nothing is there twice, and nothing is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from rehearsal.fakes.fake_server import FaultKind
from tests.unit.adapters.alma.operations import OPERATIONS, AlmaOperation
from tests.unit.adapters.alma.place import Place, alma_place

MAX_REPEATS = 3
DELAY_SECONDS = 0.05

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name.replace(" ", "-"))


@asynccontextmanager
async def open_arranged(context: LibraryAdapterContext, symbol: str, operation: AlmaOperation) -> AsyncIterator[Place]:
    async with alma_place(context, symbol) as place:
        if operation.arrange is not None:
            await operation.arrange(place)
        await place.restart()
        place.fake.clear_calls()
        yield place


async def repeat_until_done(place: Place, operation: AlmaOperation) -> None:
    for _ in range(MAX_REPEATS + 1):
        try:
            await operation.act(place)
        except (Unavailable, OutcomeUnknown):
            continue
        return
    pytest.fail(f"{operation.name} was not done after {MAX_REPEATS} repeats")


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.LOSE_REPLY,
        pytest.param(FaultKind.LOSE_CALL, marks=pytest.mark.long),
        pytest.param(FaultKind.ERROR_500, marks=pytest.mark.long),
        pytest.param(FaultKind.HTML_PAGE, marks=pytest.mark.long),
    ],
)
@each_operation
async def test_each_call_may_go_wrong(
    context: LibraryAdapterContext, operation: AlmaOperation, kind: FaultKind
) -> None:
    async with open_arranged(context, "CALM", operation) as place:
        await operation.act(place)
        wanted, count = place.describe_state(), len(place.fake.calls)

    for number in range(count):
        async with open_arranged(context, f"TRY{number}", operation) as place:
            place.fake.add_fault(kind, after=number)
            await repeat_until_done(place, operation)
            assert place.describe_state() == wanted, f"call {number + 1} of {count}: {place.fake.calls[number]}"
            await operation.act(place)

        assert place.describe_state() == wanted, f"once more after call {number + 1} of {count}"


async def wait_for_call(place: Place, number: int) -> None:
    for _ in range(2000):
        if len(place.fake.calls) > number:
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"call {number + 1} never came")


@pytest.mark.parametrize(
    "operation",
    [pytest.param(one, marks=() if one.name == "check_out" else pytest.mark.long) for one in OPERATIONS],
    ids=lambda one: one.name.replace(" ", "-"),
)
async def test_the_gateway_may_be_killed_at_each_call(context: LibraryAdapterContext, operation: AlmaOperation) -> None:
    """The call that was under way is carried out after its death."""
    async with open_arranged(context, "CALM", operation) as place:
        await operation.act(place)
        wanted, count = place.describe_state(), len(place.fake.calls)

    for number in range(count):
        async with open_arranged(context, f"TRY{number}", operation) as place:
            place.fake.add_fault(FaultKind.DELAY, after=number, seconds=DELAY_SECONDS)
            work = asyncio.ensure_future(operation.act(place))
            await wait_for_call(place, number)
            work.cancel()
            await asyncio.wait([work])
            await asyncio.sleep(2 * DELAY_SECONDS)
            await place.restart()
            await operation.act(place)

        assert place.describe_state() == wanted, f"killed at call {number + 1} of {count}"
