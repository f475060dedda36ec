"""Names of patrons: for lists of requests, asked of the library's system and kept in memory for a few minutes, and in
the search of staff, who know a name and no number.

A request holds the number by which its library's system knows the patron, and no name. Names are read side by side,
for a list that doesn't wait: what isn't there in time is a number.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.request import PatronLink
from gateway.domain.sentences import write_sentence
from gateway.ports.library_system import FindsPatronsByName, NamedPatron, PatronKey
from gateway.services.requests.library_context import LibraryContext

KEPT_FOR = timedelta(minutes=10)

MAX_NAMES = 5_000
"""Those that were read longest ago are forgotten first."""

MAX_AT_ONCE = 8
"""Questions to one library's system."""

MAX_WAIT = timedelta(seconds=1)
"""Of one list for all its names."""


MAX_FOUND = 20
"""Patrons of one name."""

MAX_SEARCH = timedelta(seconds=3)
"""Staff wait for it."""


async def search_names(context: LibraryContext, text: str) -> tuple[NamedPatron, ...]:
    """Patrons whose name has all of these words, at most MAX_FOUND; none where the library's system can't say. Raises
    Unavailable (also where it takes longer than MAX_SEARCH)."""
    system = context.system
    if not isinstance(system, FindsPatronsByName):
        return ()
    try:
        async with asyncio.timeout(MAX_SEARCH.total_seconds()):
            return await system.find_patrons_by_name(text.split(), MAX_FOUND)
    except TimeoutError as error:
        raise Unavailable(write_sentence("the library system did not answer in time")) from error


def make_patron_key(link: PatronLink) -> PatronKey:
    """Make a key of the library's internal id, where it is known."""
    return PatronKey(link.id, ("internal",)) if link.id else PatronKey(link.identifier)


class PatronNames:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._names: OrderedDict[tuple[str, PatronKey], tuple[datetime, str]] = OrderedDict()

    async def find_names(self, context: LibraryContext, links: Iterable[PatronLink]) -> Mapping[PatronLink, str]:
        """Find the names that the library's system tells in time; it has none of a patron whom it doesn't know."""
        wanted = {link: make_patron_key(link) for link in links if link.id or link.identifier}
        missing = [key for key in dict.fromkeys(wanted.values()) if self._find_kept(context, key) is None]
        if missing:
            await self._read_names(context, missing)
        names = {link: self._find_kept(context, key) for link, key in wanted.items()}
        return {link: name for link, name in names.items() if name}

    async def _read_names(self, context: LibraryContext, keys: Iterable[PatronKey]) -> None:
        waiting = iter(keys)

        async def read_one_after_another() -> None:
            for key in waiting:
                try:
                    self._keep(context, key, (await context.system.find_patron(key)).name.direct)
                except Refused:
                    self._keep(context, key, "")
                except (Unavailable, OutcomeUnknown):  # the others would wait for it too
                    return

        try:
            async with asyncio.timeout(MAX_WAIT.total_seconds()), asyncio.TaskGroup() as readers:
                for _ in range(MAX_AT_ONCE):
                    readers.create_task(read_one_after_another())
        except TimeoutError:
            pass  # the list shows the numbers of those whose names are missing

    def _find_kept(self, context: LibraryContext, key: PatronKey) -> str | None:
        """Empty: the library's system doesn't know the patron. None: it has to be asked."""
        at, name = self._names.get((context.symbol, key), (None, ""))
        return name if at is not None and self._clock.now() - at <= KEPT_FOR else None

    def _keep(self, context: LibraryContext, key: PatronKey, name: str) -> None:
        self._names[context.symbol, key] = self._clock.now(), name
        self._names.move_to_end((context.symbol, key))
        while len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)
