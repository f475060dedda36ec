"""Each question to the outside asked once at a time, and its answer kept for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from gateway.domain.clock import Clock

MAX_CACHED_ANSWERS = 1000
"""Answers that are kept."""

MAX_FAILURE_AGE = timedelta(minutes=1)
"""So long a failure counts: those who ask next must not wait for it one after the other."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class _CachedAnswer(Generic[V]):
    basis: object
    task: asyncio.Task[V]
    until: datetime | None = None  # None: no answer yet


class AnswerCache(Generic[K, V]):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: OrderedDict[K, _CachedAnswer[V]] = OrderedDict()
        self._tasks: set[asyncio.Task[V]] = set()

    async def fetch_answer(
        self,
        key: K,
        ask: Callable[[], Coroutine[Any, Any, V]],
        keep: timedelta,
        *,
        keep_missing: timedelta | None = None,
        basis: object = None,
    ) -> V:
        """Fetch what is kept, else what `ask` gives, whose errors it raises. `keep`: so long an answer counts; 0: for
        nobody but who asks meanwhile. `keep_missing`: the same of the answer None. `basis`: what the answer rests on;
        with another one it counts no more. Who is cancelled doesn't stop the question: its answer may be wanted by
        others, or soon."""
        known = self._asked.get(key)
        if known is None or not self._is_still_valid(known, basis):
            known = self._start_question(key, ask, (keep, keep if keep_missing is None else keep_missing), basis)
        return await asyncio.shield(known.task)

    async def end_questions(self) -> None:
        """Ends what is under way. Never raises."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_still_valid(self, known: _CachedAnswer[V], basis: object) -> bool:
        fresh = known.until is None or self._clock.now() < known.until
        return fresh and (known.basis is basis or known.basis == basis)

    def _start_question(
        self, key: K, ask: Callable[[], Coroutine[Any, Any, V]], keep: tuple[timedelta, timedelta], basis: object
    ) -> _CachedAnswer[V]:
        task = asyncio.create_task(ask(), name="question to the outside")
        asked = _CachedAnswer(basis, task)

        def record_end(task: asyncio.Task[V]) -> None:
            self._tasks.discard(task)
            lifetime = _choose_lifetime(task, *keep)
            asked.until = self._clock.now() + lifetime
            if not lifetime and self._asked.get(key) is asked:
                del self._asked[key]

        self._tasks.add(task)
        task.add_done_callback(record_end)
        self._asked[key] = asked
        self._asked.move_to_end(key)
        while len(self._asked) > MAX_CACHED_ANSWERS:
            self._asked.popitem(last=False)
        return asked


def _choose_lifetime(task: asyncio.Task[V], keep: timedelta, keep_missing: timedelta) -> timedelta:
    if task.cancelled() or task.exception() is not None:
        return min(MAX_FAILURE_AGE, keep)
    return keep_missing if task.result() is None else keep
