"""Catalogues searched for people: one, or a group at once, the answers of all made into one list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import zip_longest

from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId
from gateway.domain.problems import Reason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.identifiers import normals
from gateway.domain.requests.views import NotThere
from gateway.ports.search import FoundRecord, Hits, Query
from gateway.profiles.locating import sections
from gateway.services.requests.front import house_of
from gateway.services.requests.house import House
from gateway.services.searching.asking import Asker, why
from gateway.services.searching.merging import merged
from gateway.services.searching.plan import by_number
from gateway.services.searching.results import Answered, Found, Searchable
from gateway.services.searching.targets import Target, catalogue_of

LookUp = Callable[[str, RecordId], Awaitable[Citation | None]]
"""What is known about a number: symbol of the library, number. None: no catalogue knows it. Raises Unavailable when
none of them could say so."""

AT_ONCE = timedelta(0)
"""Staff see what is there now; an answer is kept for nobody but who asks meanwhile."""

KNOWN_FOR = timedelta(hours=1)
"""A number's description hardly changes."""


@frozen
class Finder:
    """`houses` by symbol of the library."""

    houses: Mapping[str, House]
    asker: Asker

    def targets(self, library: str) -> tuple[Searchable, ...]:
        """Groups first. Raises NotThere."""
        house = house_of(self.houses, library)
        groups = [Searchable(name=name, members=said) for name, said in house.policy().catalogues.groups.items()]
        found = [
            Searchable(name=one.name, description=one.description, by=by[0])
            for one in house.profiles()
            if not one.abstract and house.profile(one.name) and (by := sections(one, self.asker.searches))
        ]
        return (*groups, *sorted(found, key=lambda one: one.name))

    async def search(self, library: str, where: str, query: Query, records: int = 0) -> Found:
        """`where`: a profile or a group; `records` of each target at most, 0: as requests.yml says. One that gives no
        answer is named, and the others are shown. Raises NotThere."""
        house = house_of(self.houses, library)
        rules = house.policy().catalogues
        turn = asyncio.Semaphore(rules.at_once)

        async def ask(name: str) -> tuple[Answered, tuple[FoundRecord, ...]]:
            async with turn:
                return await self._ask(house, name, query, records or rules.records)

        names = _members(house, where)
        came = await asyncio.gather(*map(ask, names))
        ranked = _by_place((name, found) for name, (_, found) in zip(names, came, strict=True))
        return Found(tuple(answer for answer, _ in came), merged(ranked))

    async def by_identifier(self, library: str, number: RecordId) -> Citation | None:
        """See `LookUp`. The catalogues of `catalogues.look_up` are asked at once; the first that knows it counts."""
        house = house_of(self.houses, library)
        where = house.policy().catalogues.look_up
        if not where or not by_number(number):
            return None
        asked = [asyncio.create_task(self._know(house, name, number)) for name in _members(house, where)]
        try:
            return await _first(asked)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self, house: House, name: str, query: Query, count: int) -> tuple[Answered, tuple[FoundRecord, ...]]:
        seconds, clock = house.policy().catalogues.seconds, asyncio.get_running_loop().time
        begun = clock()
        try:
            target = self._target(house, name)
            hits = await self.asker.ask(target, query, count=count, seconds=seconds, keep=AT_ONCE)
        except (Unavailable, Refused) as error:
            return Answered(target=name, seconds=clock() - begun, problem=why(error)), ()
        return _answered(name, hits, clock() - begun), hits.records

    async def _know(self, house: House, name: str, number: RecordId) -> Citation | None:
        """Raises Unavailable, also for a target that refused."""
        seconds = house.policy().catalogues.seconds
        try:
            target = self._target(house, name)
            for query in by_number(number):
                hits = await self.asker.ask(target, query, count=5, seconds=seconds, keep=KNOWN_FOR)
                for record in hits.records:
                    if _is_it(record, number, hits):
                        return record.citation
        except Refused as refused:
            raise Unavailable(why(refused)) from refused
        return None

    def _target(self, house: House, name: str) -> Target:
        """A partner that shares a catalogue is searched there. Raises Refused(INVALID_VALUE)."""
        profile = house.profile(name)
        if profile is None or profile.abstract:
            raise Refused(Reason.INVALID_VALUE, f"There is no profile '{name}'.", value=name)
        return catalogue_of(profile, house.profiles(), self.asker.searches)


def _members(house: House, where: str) -> tuple[str, ...]:
    """Raises NotThere."""
    groups = house.policy().catalogues.groups
    if where in groups:
        return groups[where]
    profile = house.profile(where)
    if profile is None or profile.abstract:
        raise NotThere("target")
    return (profile.name,)


def _is_it(record: FoundRecord, number: RecordId, hits: Hits) -> bool:
    """It has the number; or it is the only hit, and shows no number of that kind."""
    wanted, there = normals([number]), normals(record.citation.identifiers)
    shows = {one.partition(":")[0] for one in there}
    alone = hits.total == 1 and not record.problem and not any(one.partition(":")[0] in shows for one in wanted)
    return bool(wanted & there) or alone


def _answered(name: str, hits: Hits, seconds: float) -> Answered:
    unread = tuple(f"record {one.position}: {one.problem}" for one in hits.records if one.problem)
    return Answered(
        target=name,
        total=hits.total,
        shown=len(hits.records),
        seconds=seconds,
        asked=hits.asked,
        notes=(*hits.notes, *unread),
    )


def _by_place(found: Iterable[tuple[str, tuple[FoundRecord, ...]]]) -> Iterator[tuple[str, FoundRecord]]:
    """The first of each target, then the second of each …"""
    columns = [[(name, record) for record in records] for name, records in found]
    for row in zip_longest(*columns):
        yield from filter(None, row)


async def _first(asked: list[asyncio.Task[Citation | None]]) -> Citation | None:
    """Of the answers that come, the first that is one. Raises Unavailable when all fail."""
    failures: list[Unavailable] = []
    for answer in asyncio.as_completed(asked):
        try:
            if (citation := await answer) is not None:
                return citation
        except Unavailable as error:
            failures.append(error)
    if failures and len(failures) == len(asked):
        raise failures[0]
    return None
