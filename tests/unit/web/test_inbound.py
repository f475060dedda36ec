"""How many messages are carried out at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.web import inbound
from gateway.web.inbound import TURN_SECONDS, AdmissionQueue, QueueFullError


async def test_first_come_first_served() -> None:
    gate = AdmissionQueue(places=1, queue=10, seconds=5)
    order: list[int] = []

    async def caller(number: int) -> None:
        await gate.enter()
        order.append(number)
        await asyncio.sleep(0)
        gate.leave()

    await asyncio.gather(*(caller(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert (gate.in_hand, gate.waiting) == (0, 0)


async def test_full_queue_and_lost_patience() -> None:
    gate = AdmissionQueue(places=1, queue=1, seconds=0.05)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await gate.enter()
    with pytest.raises(QueueFullError):
        await waiting
    assert gate.waiting == 0
    patient = asyncio.create_task(gate.enter_or_wait())
    await asyncio.sleep(0.1)
    gate.leave()
    await patient
    assert gate.in_hand == 1


async def test_a_place_is_not_lost_when_its_taker_is_cancelled() -> None:
    gate = AdmissionQueue(places=1, queue=5, seconds=5)
    await gate.enter()
    given = asyncio.create_task(gate.enter())
    left = asyncio.create_task(gate.enter())
    next_one = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    left.cancel()
    gate.leave()  # given to the first, which is cancelled before it can take it
    given.cancel()
    await asyncio.wait_for(next_one, 1)
    assert gate.in_hand == 1
    gate.leave()
    assert (gate.in_hand, gate.waiting) == (0, 0)
    await asyncio.wait_for(gate.enter(), 1)


# --- shares of libraries ---------------------------------------------------------------------------------


class Desk:
    """Messages in work at a gate of ten places, of which four are a share; `take` begins one."""

    def __init__(self, messages: ExitStack) -> None:
        self.refused: list[str] = []
        self.gate = AdmissionQueue(places=10, queue=0, seconds=5, count_full_share=self.refused.append)
        self._messages = messages

    def take(self, library: str) -> bool:
        return self._messages.enter_context(self.gate.count_by_library())(library)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with ExitStack() as messages:
        yield Desk(messages)


async def test_a_library_alone_may_take_all_places(desk: Desk) -> None:
    assert [desk.take("FLOOD") for _ in range(10)] == [True] * 10
    assert desk.refused == []


async def test_while_others_want_places_a_library_has_its_share(desk: Desk) -> None:
    desk.take("OTHER")

    assert [desk.take("FLOOD") for _ in range(6)] == [True] * 4 + [False] * 2
    assert not desk.gate.has_share_left("FLOOD")
    assert desk.gate.has_share_left("OTHER")
    assert desk.refused == ["FLOOD"] * 3


async def test_a_share_is_given_back_when_a_message_has_been_dealt_with(desk: Desk) -> None:
    desk.take("OTHER")
    with ExitStack() as first:
        for _ in range(4):
            assert first.enter_context(desk.gate.count_by_library())("FLOOD")
        assert not desk.take("FLOOD")
    assert [desk.take("FLOOD") for _ in range(5)] == [True] * 4 + [False]


async def test_who_asked_for_nothing_for_long_wants_no_places(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "WANTED_SECONDS", 0.01)
    with desk.gate.count_by_library() as take_share:
        take_share("OTHER")
        await asyncio.sleep(0.02)
        assert [desk.take("FLOOD") for _ in range(5)] == [True] * 4 + [False], "it still has one in work"
    assert desk.take("FLOOD")


# --- turns of one library's messages --------------------------------------------------------------------


async def begin_at_once(desk: Desk, number: int) -> list[float]:
    """Seconds after which so many messages of FLOOD begin."""
    clock = asyncio.get_running_loop().time
    began = clock()

    async def begin() -> float:
        await desk.gate.wait_for_turn("FLOOD")
        return clock() - began

    return sorted(await asyncio.gather(*(begin() for _ in range(number))))


async def test_messages_of_one_library_begin_one_after_the_other(desk: Desk) -> None:
    desk.take("OTHER")

    first, *others = await begin_at_once(desk, 4)

    assert first < TURN_SECONDS
    assert all(after >= number * TURN_SECONDS for number, after in enumerate(others, 1)), others


async def test_a_turn_of_one_library_is_none_of_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "TURN_SECONDS", 60)
    desk.take("OTHER")
    await desk.gate.wait_for_turn("FLOOD")
    desk.take("FLOOD")

    async with asyncio.timeout(5):
        await desk.gate.wait_for_turn("OTHER")


async def test_a_library_alone_waits_for_no_turn(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "TURN_SECONDS", 60)

    async with asyncio.timeout(5):
        await begin_at_once(desk, 4)
