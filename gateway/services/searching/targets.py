"""Choice of the catalogue that a profile means; each question asked once and cached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from gateway.domain.clock import Clock
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import strip_full_stop, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import CatalogueQuery, RecordSearch, SearchHits
from gateway.profiles import LibraryPartners
from gateway.profiles.checks import locate_sections
from gateway.services.searching.answer_cache import AnswerCache

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
    sections = tuple(name for name in locate_sections(profile, searches) if by in ("", name))
    if len(sections) != 1:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence(
                "Profile '%(name)s' has several catalogues; set `locate.by` to one of them.", name=profile.name
            )
            if sections
            else write_sentence("Profile '%(name)s' has no searchable catalogue.", name=profile.name),
            about=MessagePart.RECEIVER,
            value=profile.name,
        )
    return CatalogueTarget(profile, sections[0])


def find_catalogue(partner: Profile, profiles: LibraryPartners, searches: Iterable[str]) -> CatalogueTarget:
    """Find the catalogue in which a partner's holdings are looked up. Raises Refused(INVALID_VALUE)."""
    locate = partner.locate
    if locate is None:
        return choose_target(partner, "", searches)
    profile = profiles.find_profile(locate.target) if locate.target else partner
    if profile is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("Profile '%(target)s' not found.", target=locate.target),
            about=MessagePart.RECEIVER,
            value=locate.target,
        )
    return choose_target(profile, locate.by, searches)


class CatalogueClient:
    """`searches` by name of the protocol. `close` ends what is under way and the connections."""

    def __init__(self, searches: Mapping[str, RecordSearch], clock: Clock) -> None:
        self.searches = searches
        self._answers: AnswerCache[_Key, SearchHits] = AnswerCache(clock)

    async def search(
        self, target: CatalogueTarget, query: CatalogueQuery, *, count: int, seconds: float, keep: timedelta
    ) -> SearchHits:
        """Records come without their bytes. An edit of the profile makes earlier answers count no more.

        Raises Unavailable (also: no answer within `seconds`), Refused."""
        return await self._answers.fetch_answer(
            (target.name, target.by, query, count),
            lambda: self._run_search(target, query, count, seconds),
            keep,
            basis=target.profile,
        )

    async def close(self) -> None:
        """Close the searches; never raises."""
        await self._answers.end_questions()
        for search in self.searches.values():
            await search.close()

    async def _run_search(
        self, target: CatalogueTarget, query: CatalogueQuery, count: int, seconds: float
    ) -> SearchHits:
        try:
            async with asyncio.timeout(seconds):
                hits = await self.searches[target.by].search(target.profile, query, count=count)
        except TimeoutError as late:
            raise Unavailable(write_sentence("no answer within %(seconds)s seconds", seconds=seconds)) from late
        return replace(hits, records=tuple(replace(record, raw=b"") for record in hits.records))


def failure_reason(error: Unavailable | Refused) -> str:
    """Return the reason in a few words, for staff."""
    return strip_full_stop(error.detail)
