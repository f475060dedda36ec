"""Questions that are asked at once, and what becomes of the others when one fails."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from adapters.library.parallel_questions import ask_together
from gateway.domain.problems import Unavailable


async def answer(value: int, seconds: float = 0) -> int:
    await asyncio.sleep(seconds)
    return value


async def test_answers_come_in_the_order_of_the_questions() -> None:
    assert await ask_together(answer(1, 0.01), answer(2)) == (1, 2)
    assert await ask_together(*map(answer, range(9))) == tuple(range(9))
    assert await ask_together(*()) == ()


async def test_the_others_are_over_when_one_has_failed() -> None:
    ended = []

    async def fail() -> int:
        await asyncio.sleep(0)
        raise Unavailable("down")

    async def wait() -> int:
        try:
            return await answer(1, 60)
        finally:
            await asyncio.sleep(0)
            ended.append("given up")

    with pytest.raises(Unavailable, match="down"):
        await ask_together(wait(), fail(), wait())
    assert ended == ["given up", "given up"]


@pytest.mark.parametrize("turns", range(1, 6))
async def test_who_is_stopped_leaves_no_question_that_never_began(turns: int) -> None:
    begun: list[int] = []

    async def begin(value: int) -> int:
        begun.append(value)
        return await answer(value, 60)

    asking = asyncio.ensure_future(ask_together(ask_together(begin(1), begin(2)), begin(3)))
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    del asking
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        gc.collect()

    assert not warned, "a coroutine that was never awaited"
    assert sorted(begun) == [1, 2, 3]
