"""Which catalogue a profile means; each question asked once and cached."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.clock import Clock
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.catalogue import CatalogueQuery, RecordSearch, SearchHits
from gateway.profiles import ProfileSet
from gateway.profiles.checks import locate_sections

MAX_CACHED_ANSWERS = 1000
"""Answers that are kept."""

FAILED = timedelta(minutes=1)
"""So long a failure counts: several suppliers of one catalogue must not wait for it one after the other."""

_Key = tuple[str, str, CatalogueQuery, int]


@value_object
class CatalogueTarget:
    """`by`: the protocol, by the name of the profile's section."""

    profile: Profile
    by: str

    @property
    def name(self) -> str:
        return self.profile.name


def choose_target(profile: Profile, by: str, searches: Iterable[str]) -> CatalogueTarget:
    """`by` empty: the profile's only section of that kind, or the one that its `locate` names.

    Raises Refused(INVALID_VALUE) where there is none, or it isn't clear which.
    """
    found = tuple(name for name in locate_sections(profile, searches) if by in ("", name))
    if len(found) != 1:
        how = "has several catalogues; `locate.by` must say which" if found else "has no catalogue that can be searched"
        raise Refused(
            RefusalReason.INVALID_VALUE,
            f"Profile '{profile.name}' {how}.",
            about=MessagePart.RECEIVER,
            value=profile.name,
        )
    return CatalogueTarget(profile, found[0])


def find_catalogue(partner: Profile, profiles: ProfileSet, searches: Iterable[str]) -> CatalogueTarget:
    """Where a partner's holdings are looked up. Raises Refused(INVALID_VALUE)."""
    locate = partner.locate
    if locate is None:
        return choose_target(partner, "", searches)
    profile = profiles.find_profile(locate.target) if locate.target else partner
    if profile is None or profile.abstract:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            f"There is no profile '{locate.target}'.",
            about=MessagePart.RECEIVER,
            value=locate.target,
        )
    return choose_target(profile, locate.by, searches)


@dataclass
class _CachedSearch:
    target: CatalogueTarget
    task: asyncio.Task[SearchHits]
    until: datetime | None = None  # None: no answer yet


class CatalogueClient:
    """`searches` by name of the protocol. `close` ends what is under way and the connections."""

    def __init__(self, searches: Mapping[str, RecordSearch], clock: Clock) -> None:
        self.searches = searches
        self._clock = clock
        self._asked: OrderedDict[_Key, _CachedSearch] = OrderedDict()
        self._tasks: set[asyncio.Task[SearchHits]] = set()

    async def search(
        self, target: CatalogueTarget, query: CatalogueQuery, *, count: int, seconds: float, keep: timedelta
    ) -> SearchHits:
        """Records come without their bytes. Who is cancelled doesn't stop the question: its answer may be wanted by
        others, or soon. Raises Unavailable (also: no answer within `seconds`), Refused."""
        key = (target.name, target.by, query, count)
        known = self._asked.get(key)
        if known is None or not self._is_still_valid(known, target):
            known = self._start_search(key, target, query, count, seconds, keep)
        return await asyncio.shield(known.task)

    async def close(self) -> None:
        """Never raises."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for search in self.searches.values():
            await search.close()

    def _is_still_valid(self, known: _CachedSearch, target: CatalogueTarget) -> bool:
        """Not after an edit of the profile."""
        fresh = known.until is None or self._clock.now() < known.until
        return fresh and (known.target.profile is target.profile or known.target == target)

    def _start_search(
        self, key: _Key, target: CatalogueTarget, query: CatalogueQuery, count: int, seconds: float, keep: timedelta
    ) -> _CachedSearch:
        task = asyncio.create_task(self._run_search(target, query, count, seconds), name=f"search {target.name}")
        asked = _CachedSearch(target, task)

        def record_search_end(task: asyncio.Task[SearchHits]) -> None:
            self._tasks.discard(task)
            failed = task.cancelled() or task.exception() is not None
            asked.until = self._clock.now() + (min(FAILED, keep) if failed else keep)
            if not keep and self._asked.get(key) is asked:
                del self._asked[key]

        self._tasks.add(task)
        task.add_done_callback(record_search_end)
        self._asked[key] = asked
        self._asked.move_to_end(key)
        while len(self._asked) > MAX_CACHED_ANSWERS:
            self._asked.popitem(last=False)
        return asked

    async def _run_search(
        self, target: CatalogueTarget, query: CatalogueQuery, count: int, seconds: float
    ) -> SearchHits:
        try:
            async with asyncio.timeout(seconds):
                hits = await self.searches[target.by].search(target.profile, query, count=count)
        except TimeoutError as late:
            raise Unavailable(f"no answer within {seconds:g} seconds") from late
        return replace(hits, records=tuple(replace(record, raw=b"") for record in hits.records))


def failure_reason(error: Unavailable | Refused) -> str:
    """In a few words, for staff."""
    return error.detail.rstrip(".") if isinstance(error, Refused) else str(error).rstrip(".")
