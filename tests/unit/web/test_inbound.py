"""How many messages are carried out at once."""

from __future__ import annotations

import asyncio

import pytest

from gateway.web.inbound import AdmissionQueue, QueueFullError


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
