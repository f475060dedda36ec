"""Articles by DOI or PubMed ID: their citation, and a version that anybody may read.

Public services are asked about numbers, never about people. Of two answers that disagree the source that the settings
name first counts; what it leaves out is taken from the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import timedelta

import structlog

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.library import RecordId
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.citation import Citation, CitationType, canonical_type, normalize_number
from gateway.domain.value import replace, value_object
from gateway.ports.article_lookup import ArticleSource, ArticleSourceContext, FoundArticle, FreeVersion
from gateway.services.searching.answer_cache import AnswerCache
from gateway.settings import Settings

log = structlog.stdlib.get_logger()

MAX_MISSING_AGE = timedelta(hours=1)
"""So long a number stays unknown: it may have been registered today."""

Secrets = Callable[[str], str]
"""What a reference such as env:NAME stands for. Raises ConfigurationError."""

_Key = tuple[str, str]


def make_article_lookup(settings: Settings, adapters: AdapterRegistry, secrets: Secrets, clock: Clock) -> ArticleLookup:
    """Make a look-up of the services that the settings name. Raises ConfigurationError when a key isn't where they
    say."""
    lookup_settings = settings.article_lookup
    sources = [make_article_source(name, settings, adapters, secrets, clock) for name in lookup_settings.sources]
    return ArticleLookup(sources, clock, timedelta(hours=lookup_settings.cache_hours))


def make_article_source(
    name: str, settings: Settings, adapters: AdapterRegistry, secrets: Secrets, clock: Clock
) -> ArticleSource:
    """Make a source; raises ConfigurationError."""
    wanted, adapter = settings.article_lookup, adapters.article_sources[name]
    reference = wanted.keys.get(name, "")
    return adapter.make(
        ArticleSourceContext(
            url=wanted.urls.get(name) or adapter.url,
            email=settings.article_lookup_email,
            key=secrets(reference) if reference else "",
            seconds=wanted.seconds,
            clock=clock,
        )
    )


class ArticleLookup:
    """`sources` in the order of the settings; empty: nobody is asked."""

    def __init__(self, sources: Sequence[ArticleSource], clock: Clock, keep: timedelta) -> None:
        self._sources = tuple(sources)
        self._keep = keep
        self._answers: AnswerCache[_Key, FoundArticle | None] = AnswerCache(clock)

    @property
    def is_on(self) -> bool:
        return bool(self._sources)

    def can_look_up(self, number: RecordId) -> bool:
        """Return whether a source knows works by such numbers."""
        return any(canonical_type(number.type) in source.number_types for source in self._sources)

    async def find_article(self, number: RecordId) -> FoundArticle | None:
        """None: no source knows the number. Raises Unavailable when none of them could say so."""
        sources = [source for source in self._sources if canonical_type(number.type) in source.number_types]
        outcome = await self._ask_sources(sources, number)
        if not outcome.found:
            if outcome.failures and len(outcome.failures) == len(sources):
                raise outcome.failures[0]
            return None
        citation = _merge_citations(article.citation for article in outcome.found if article.citation is not None)
        free = next((article.free for article in outcome.found if article.free is not None), None)
        if free is None and citation is not None:
            free = await self.find_free_version(citation)
        return FoundArticle(citation=citation, free=free)

    async def find_free_version(self, citation: Citation) -> FreeVersion | None:
        """Find a free version by the citation's numbers. None: there is none, or nobody could say so: it is offered
        beside other ways to get the work, which can be had all the same."""
        for number in citation.identifiers:
            sources = [
                source
                for source in self._sources
                if source.finds_free_versions and canonical_type(number.type) in source.number_types
            ]
            for article in (await self._ask_sources(sources, number)).found:
                if article.free is not None:
                    return article.free
        return None

    async def complete_citation(self, citation: Citation) -> Citation:
        """Complete a citation with what a source knows, where it names a number and lacks its title. What it says
        already stays; unchanged where nobody knows more."""
        if not _lacks_title(citation):
            return citation
        for number in citation.identifiers:
            if not self.can_look_up(number):
                continue
            try:
                article = await self.find_article(number)
            except Unavailable:  # logged where it was asked
                continue
            if article is not None and article.citation is not None:
                return _fill_gaps(citation, article.citation)
        return citation

    async def close_connections(self) -> None:
        """Ends what is under way, too. Never raises."""
        await self._answers.end_questions()
        for source in self._sources:
            await source.close_connections()

    async def _ask_sources(self, sources: Sequence[ArticleSource], number: RecordId) -> _LookupOutcome:
        """All at once; answers in the order of the sources."""
        came = await asyncio.gather(*(self._ask_source(source, number) for source in sources))
        return _LookupOutcome(
            tuple(article for article in came if isinstance(article, FoundArticle)),
            tuple(failure for failure in came if isinstance(failure, Unavailable)),
        )

    async def _ask_source(self, source: ArticleSource, number: RecordId) -> FoundArticle | Unavailable | None:
        plain = normalize_number(number.type, number.value)
        if not plain:
            return None
        type_, _, value = plain.partition(":")
        try:
            return await self._answers.fetch_answer(
                (source.name, plain),
                lambda: _ask_now(source, RecordId(type_, value)),
                self._keep,
                keep_missing=min(self._keep, MAX_MISSING_AGE),
            )
        except Unavailable as error:
            return error


async def _ask_now(source: ArticleSource, number: RecordId) -> FoundArticle | None:
    """Ask a source; raises Unavailable, also for a source that refuses us: others may know it."""
    try:
        return await source.look_up(number)
    except Unavailable as error:
        log.warning("articles.source_unreachable", source=source.name, reason=str(error))
        raise
    except Refused as refused:
        log.warning("articles.source_refused", source=source.name, reason=refused.detail)
        raise Unavailable(refused.detail) from refused


@value_object
class _LookupOutcome:
    found: tuple[FoundArticle, ...]
    failures: tuple[Unavailable, ...]


def _lacks_title(citation: Citation) -> bool:
    return not citation.component_title and (citation.is_part or not citation.title)


def _merge_citations(citations: Iterable[Citation]) -> Citation | None:
    """The first, and what it lacks from the next of the same kind."""
    merged: Citation | None = None
    for citation in citations:
        if merged is None:
            merged = citation
        elif citation.is_part == merged.is_part:
            merged = _fill_gaps(merged, citation)
    return merged


def _fill_gaps(citation: Citation, more: Citation) -> Citation:
    """Fill the gaps of a citation; what it says itself stays. A kind that isn't said, or a whole whose part the other
    describes, becomes the other's."""
    empty = {
        field.name: getattr(more, field.name)
        for field in fields(Citation)
        if field.name not in ("type", "identifiers", "extras", "original") and not getattr(citation, field.name)
    }
    known = {normalize_number(identifier.type, identifier.value) for identifier in citation.identifiers}
    added = tuple(number for number in more.identifiers if normalize_number(number.type, number.value) not in known)
    vague = citation.type is CitationType.OTHER or (more.is_part and not citation.is_part)
    return replace(
        citation,
        **empty,
        type=more.type if vague else citation.type,
        identifiers=(*citation.identifiers, *added),
    )
