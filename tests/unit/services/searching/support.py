"""Catalogues that answer as they are told, and profiles that say how they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import BaseModel

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.catalogue_policy import LocatePolicy
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.catalogue import CatalogueQuery, FoundRecord, HeldItem, SearchHits, SearchTerm
from gateway.profiles import ProfileSet
from gateway.services.requests.library_context import LibraryContext
from gateway.services.searching.targets import CatalogueClient

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIBRARY = "NORTH"

KOBZAR = Citation(
    type=CitationType.BOOK,
    title="Кобзар: вибрані поезії",
    author="Шевченко, Тарас",
    published="1984",
    identifiers=(RecordId("isbn", "978-3-16-148410-0"),),
)
JOURNAL = Citation(
    type=CitationType.ARTICLE,
    title="日本図書館情報学会誌",
    component_title="Zur Geschichte der Fernleihe",
    published="1995",
    volume="41",
    identifiers=(RecordId("issn", "1344-8668"),),
)

Answer = SearchHits | Exception
Answers = Callable[[str, CatalogueQuery], Answer]


class Catalogue(ProfileSection):
    """The section of a target in these tests."""

    address: str = "catalogue.example:210"


class ScriptedSearch:
    """`answers` gives what the target of this name says to a query. `asked`: what it was asked, in order; `counts`: for
    how many records. Where a name is in `waits`, its answer comes after that event; `seconds` by name: after so
    long."""

    name = "z3950"

    def __init__(self, answers: Answers, seconds: Mapping[str, float] | None = None) -> None:
        self._answers = answers
        self._seconds = seconds or {}
        self.asked: list[tuple[str, CatalogueQuery]] = []
        self.counts: list[int] = []
        self.waits: dict[str, asyncio.Event] = {}
        self.began = asyncio.Event()
        self.under_way = 0
        self.most_under_way = 0
        self.closed = False

    async def search(self, target: Profile, query: CatalogueQuery, *, start: int = 1, count: int = 10) -> SearchHits:
        self.asked.append((target.name, query))
        self.counts.append(count)
        self.began.set()
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if target.name in self.waits:
                await self.waits[target.name].wait()
            await asyncio.sleep(self._seconds.get(target.name, 0))
        finally:
            self.under_way -= 1
        answer = self._answers(target.name, query)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def terms(self, target: Profile, term: SearchTerm, *, count: int = 10) -> tuple[tuple[str, int], ...]:
        raise NotImplementedError

    async def close(self) -> None:
        self.closed = True

    def targets(self) -> list[str]:
        return [name for name, _ in self.asked]


def nothing(_name: str, _query: CatalogueQuery) -> Answer:
    return SearchHits(total=0)


def down(_name: str, _query: CatalogueQuery) -> Answer:
    return Unavailable("connection refused")


def record(citation: Citation = KOBZAR, *held: HeldItem, position: int = 1, shows: bool = True) -> FoundRecord:
    """`shows` False: it says nothing of holdings."""
    return FoundRecord(position=position, citation=citation, holdings=held if shows else None, syntax="opac")


def hits(*records: FoundRecord, total: int | None = None) -> SearchHits:
    return SearchHits(total=len(records) if total is None else total, records=records, asked="@attr 1=7 …")


def profile(name: str, locate: Mapping[str, Any] | None = None, *, catalogue: bool = True, **more: Any) -> Profile:
    dialects: dict[str, BaseModel] = {"z3950": Catalogue()} if catalogue else {}
    policy = LocatePolicy.model_validate(locate) if locate is not None else None
    return Profile.model_validate({"name": name, "locate": policy, "dialects": dialects, **more})


def asker(search: ScriptedSearch, clock: FixedClock | None = None) -> CatalogueClient:
    return CatalogueClient({search.name: search}, clock or FixedClock(START))


def house(known: ProfileSet, catalogues: Mapping[str, Any] | None = None) -> LibraryContext:
    """As much of one as a search needs."""
    policy = RequestPolicy.model_validate({"catalogues": catalogues or {}})
    nothing_there = cast(Any, None)
    return LibraryContext(
        symbol=LIBRARY,
        info=nothing_there,
        system=nothing_there,
        zone=UTC,
        currency="EUR",
        store=nothing_there,
        clock=FixedClock(START),
        profiles=lambda: known,
        policy=lambda: policy,
        channels={},
        catalogue=nothing_there,
        wake_outbox=lambda: None,
    )
