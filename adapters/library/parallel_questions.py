"""Independent questions at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")

Question = Coroutine[Any, Any, A]


@overload
async def ask_together(first: Question[A], second: Question[B], /) -> tuple[A, B]: ...
@overload
async def ask_together(first: Question[A], second: Question[B], third: Question[C], /) -> tuple[A, B, C]: ...
@overload
async def ask_together(
    first: Question[A], second: Question[B], third: Question[C], fourth: Question[D], /
) -> tuple[A, B, C, D]: ...
@overload
async def ask_together(
    first: Question[A], second: Question[B], third: Question[C], fourth: Question[D], fifth: Question[E], /
) -> tuple[A, B, C, D, E]: ...
@overload
async def ask_together(*questions: Question[A]) -> tuple[A, ...]: ...


async def ask_together(*questions: Question[Any]) -> tuple[Any, ...]:
    """The answers, in the order of the questions. Where one fails, the others are given up, and are over when its error
    is raised. Not for changes: to give one up is to lose its answer."""
    if not questions:
        return ()
    tasks = [asyncio.ensure_future(question) for question in questions]
    try:
        await asyncio.sleep(0)  # all begin: what is given up before that leaves its own questions unawaited
        return tuple(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
