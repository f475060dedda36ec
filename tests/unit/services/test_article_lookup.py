"""Articles by number: which sources are asked, how often, and what is made of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation, CitationType
from gateway.ports.article_lookup import FoundArticle, FreeVersion
from gateway.services.searching.article_lookup import ArticleLookup

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DOI = RecordId("doi", "10.5555/fog.2021.12")
PMID = RecordId("pmid", "90000017")
FREE = FreeVersion(url="https://archive.nordviken.example/123")

Answer = FoundArticle | None | Exception


def article(**said: object) -> Citation:
    first = {"type": CitationType.ARTICLE, "component_title": "Sea fog", "identifiers": (PMID, DOI)}
    return Citation(**{**first, **said})  # type: ignore[arg-type]


@dataclass
class ScriptedSource:
    name: str
    types: str
    answer: Answer = None
    finds_free_versions: bool = True
    asked: list[RecordId] = field(default_factory=list)
    wait: Callable[[], Awaitable[object]] | None = None
    closed: bool = False

    @property
    def number_types(self) -> frozenset[str]:
        return frozenset(self.types.split())

    async def look_up(self, number: RecordId) -> FoundArticle | None:
        self.asked.append(number)
        if self.wait is not None:
            await self.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close_connections(self) -> None:
        self.closed = True


def lookup(*sources: ScriptedSource, clock: FixedClock | None = None) -> ArticleLookup:
    return ArticleLookup(sources, clock or FixedClock(START), timedelta(hours=24))


async def test_the_first_source_counts_and_others_fill_what_it_lacks() -> None:
    one = ScriptedSource("one", "doi", FoundArticle(citation=article(volume="12", source="One", identifiers=(DOI,))))
    two = ScriptedSource(
        "two",
        "doi",
        FoundArticle(
            citation=article(volume="13", issue="3", identifiers=(RecordId("doi", DOI.value.upper()), PMID)), free=FREE
        ),
    )

    assert await lookup(one, two).find_article(DOI) == FoundArticle(
        citation=article(volume="12", issue="3", source="One", identifiers=(DOI, PMID)), free=FREE
    )


async def test_a_source_is_asked_only_about_its_own_numbers() -> None:
    crossref, pubmed = ScriptedSource("crossref", "doi"), ScriptedSource("pubmed", "pmid")
    articles = lookup(crossref, pubmed)

    assert articles.can_look_up(PMID)
    assert not articles.can_look_up(RecordId("isbn", "9783161484100"))
    assert await articles.find_article(RecordId("isbn", "9783161484100")) is None
    assert await articles.find_article(PMID) is None
    assert (crossref.asked, pubmed.asked) == ([], [PMID])


async def test_of_a_pubmed_id_the_free_version_is_found_by_its_doi() -> None:
    pubmed = ScriptedSource("pubmed", "pmid", FoundArticle(citation=article()))
    crossref = ScriptedSource("crossref", "doi", finds_free_versions=False)
    unpaywall = ScriptedSource("unpaywall", "doi", FoundArticle(free=FREE))
    found = await lookup(crossref, pubmed, unpaywall).find_article(PMID)

    assert found == FoundArticle(citation=article(), free=FREE)
    assert unpaywall.asked == [DOI]
    assert crossref.asked == [], "it knows of no free versions"


async def test_an_answer_counts_for_a_while_and_a_failure_for_a_minute() -> None:
    clock = FixedClock(START)
    source = ScriptedSource("one", "doi", Unavailable("down"))
    articles = lookup(source, clock=clock)
    for passed in (0, 50, 20):  # the last is asked anew
        clock.advance(timedelta(seconds=passed))
        with pytest.raises(Unavailable):
            await articles.find_article(DOI)
    assert len(source.asked) == 2

    source.answer = FoundArticle(citation=article())
    for hours in (1, 22, 2):
        clock.advance(timedelta(hours=hours))
        assert await articles.find_article(DOI) is not None
    assert len(source.asked) == 4


async def test_what_is_not_known_may_be_known_in_an_hour() -> None:
    clock = FixedClock(START)
    source = ScriptedSource("one", "doi")
    articles = lookup(source, clock=clock)
    for minutes in (0, 59, 2):
        clock.advance(timedelta(minutes=minutes))
        assert await articles.find_article(DOI) is None
    assert len(source.asked) == 2


async def test_a_question_of_many_is_asked_once() -> None:
    door = asyncio.Event()
    source = ScriptedSource("one", "doi", FoundArticle(citation=article()), wait=door.wait)
    articles = lookup(source)
    asked = [asyncio.create_task(articles.find_article(DOI)) for _ in range(5)]
    await asyncio.sleep(0)
    asked[0].cancel()
    await asyncio.sleep(0)
    door.set()
    found = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert len([one for one in found if isinstance(one, FoundArticle)]) == 4
    assert len(source.asked) == 1


async def test_one_that_is_away_does_not_hide_what_another_says() -> None:
    away = ScriptedSource("away", "doi", Unavailable("https://api.example: HTTP 500"))
    there = ScriptedSource("there", "doi", FoundArticle(citation=article()))
    with capture_logs() as logs:
        found = await lookup(away, there).find_article(DOI)

    assert found is not None
    assert [(line["event"], line["source"], line["reason"]) for line in logs] == [
        ("articles.source_unreachable", "away", "https://api.example: HTTP 500")
    ]


async def test_nobody_could_say() -> None:
    refusing = ScriptedSource("one", "doi", Refused(RefusalReason.SENDER_AUTH_FAILED, "It doesn't accept our key."))
    with pytest.raises(Unavailable, match="accept our key"):
        await lookup(refusing).find_article(DOI)
    unknown = ScriptedSource("two", "doi")
    assert await lookup(refusing, unknown).find_article(DOI) is None


async def test_a_free_version_is_never_waited_for_in_vain() -> None:
    away = ScriptedSource("away", "doi", Unavailable("down"))
    assert await lookup(away).find_free_version(article()) is None
    assert await lookup().find_free_version(article()) is None


# --- links that say no more than a number ----------------------------------------------------------------


async def test_a_number_alone_becomes_a_citation() -> None:
    source = ScriptedSource("one", "doi", FoundArticle(citation=article(volume="12")))
    link = Citation(identifiers=(DOI,), source="info:sid/example", note="colour please")
    assert await lookup(source).complete_citation(link) == article(
        volume="12", identifiers=(DOI, PMID), source="info:sid/example", note="colour please"
    )


async def test_a_journal_and_a_number_become_the_article() -> None:
    """What the link says itself stays."""
    source = ScriptedSource("one", "doi", FoundArticle(citation=article(title="Annals", pages="1-9")))
    link = Citation(type=CitationType.ARTICLE, title="Ann. North. Med.", identifiers=(DOI,))
    completed = await lookup(source).complete_citation(link)
    assert (completed.title, completed.component_title, completed.pages) == ("Ann. North. Med.", "Sea fog", "1-9")


@pytest.mark.parametrize(
    "link",
    [
        article(component_title="Sea fog and asthma"),
        Citation(type=CitationType.BOOK, title="Clouds", identifiers=(DOI,)),
        Citation(identifiers=(RecordId("isbn", "9783161484100"),)),
        Citation(),
    ],
)
async def test_a_link_that_needs_nothing_asks_nobody(link: Citation) -> None:
    source = ScriptedSource("one", "doi pmid", FoundArticle(citation=article()))
    assert await lookup(source).complete_citation(link) is link
    assert source.asked == []


@pytest.mark.parametrize("answer", [None, Unavailable("down"), FoundArticle(free=FREE)])
async def test_a_link_stays_as_it_is_where_nobody_knows_more(answer: Answer) -> None:
    link = Citation(identifiers=(DOI,))
    assert await lookup(ScriptedSource("one", "doi", answer)).complete_citation(link) is link


async def test_closing_ends_what_is_under_way() -> None:
    source = ScriptedSource("one", "doi", wait=asyncio.Event().wait)
    articles = lookup(source)
    asked = asyncio.create_task(articles.find_article(DOI))
    await asyncio.sleep(0.01)
    await articles.close_connections()

    with pytest.raises(asyncio.CancelledError):
        await asked
    assert source.closed
