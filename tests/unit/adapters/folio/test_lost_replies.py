"""Each call of each operation goes wrong in turn. After a repeat under the same key FOLIO is as if nothing had gone
wrong: nothing is there twice, and nothing is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from rehearsal.fakes.fake_server import FaultKind
from tests.unit.adapters.folio.operations import OPERATIONS, FolioOperation, FolioScene, open_scene

MAX_REPEATS = 3
DELAY_SECONDS = 0.05

BREAKER_OFF = {"breaker": {"failures": 1000}}


@asynccontextmanager
async def open_arranged(
    context: LibraryAdapterContext, symbol: str, operation: FolioOperation
) -> AsyncIterator[FolioScene]:
    scene = await open_scene(context, symbol, **BREAKER_OFF)
    try:
        if operation.arrange is not None:
            await operation.arrange(scene)
        scene.fake.clear_calls()
        yield scene
    finally:
        await scene.close()


async def repeat_until_done(scene: FolioScene, operation: FolioOperation) -> int:
    """How often it was repeated."""
    for repeats in range(MAX_REPEATS + 1):
        try:
            await operation.act(scene)
        except (Unavailable, OutcomeUnknown):
            continue
        return repeats
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
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name.replace(" ", "-"))
async def test_each_call_may_go_wrong(
    context: LibraryAdapterContext, operation: FolioOperation, kind: FaultKind
) -> None:
    async with open_arranged(context, "CALM", operation) as scene:
        await operation.act(scene)
        wanted, count = scene.describe_state(), len(scene.fake.calls)

    for place in range(count):
        async with open_arranged(context, f"TRY{place}", operation) as scene:
            scene.fake.add_fault(kind, after=place)
            await repeat_until_done(scene, operation)

        assert scene.describe_state() == wanted, f"call {place + 1} of {count}: {scene.fake.calls[place]}"


async def wait_for_call(scene: FolioScene, place: int) -> None:
    for _ in range(2000):
        if len(scene.fake.calls) > place:
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"call {place + 1} never came")


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name.replace(" ", "-"))
async def test_the_gateway_may_be_killed_at_each_call(
    context: LibraryAdapterContext, operation: FolioOperation
) -> None:
    """The call that was under way is carried out after its death."""
    async with open_arranged(context, "CALM", operation) as scene:
        await operation.act(scene)
        wanted, count = scene.describe_state(), len(scene.fake.calls)

    for place in range(count):
        async with open_arranged(context, f"TRY{place}", operation) as scene:
            scene.fake.add_fault(FaultKind.DELAY, after=place, seconds=DELAY_SECONDS)
            work = asyncio.ensure_future(operation.act(scene))
            await wait_for_call(scene, place)
            work.cancel()
            await asyncio.wait([work])
            await asyncio.sleep(2 * DELAY_SECONDS)
            await scene.restart_gateway()
            await operation.act(scene)

        assert scene.describe_state() == wanted, f"killed at call {place + 1} of {count}"
