"""The port `ArticleSource`, for each of the three services."""

from __future__ import annotations

from adapters.articles.crossref_codec import read_crossref_work
from adapters.articles.pubmed_codec import read_pubmed_summary
from adapters.articles.transport import ServiceEndpoint, ServiceHttp, ServiceLimits
from adapters.articles.unpaywall_codec import read_unpaywall_answer
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage, Unavailable
from gateway.domain.requests.citation import normalize_number
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.article_lookup import ArticleSourceContext, FoundArticle

TOOL = "illgate"

CROSSREF_LIMITS = ServiceLimits(per_second=8, at_once=3)
"""The polite pool, for single records: 10 a second, 3 at once (facts/article-services.md 1)."""

PUBMED_LIMITS = ServiceLimits(per_second=2.5, at_once=2)
PUBMED_KEY_LIMITS = ServiceLimits(per_second=8, at_once=3)
"""3 a second, with a key 10 (facts/article-services.md 2)."""

UNPAYWALL_LIMITS = ServiceLimits(per_second=5, at_once=3)
"""100,000 a day (facts/article-services.md 3)."""


class CrossrefSource:
    name = "crossref"
    number_types = frozenset({"doi"})
    finds_free_versions = False

    def __init__(self, context: ArticleSourceContext) -> None:
        headers = {"Crossref-Plus-API-Token": f"Bearer {context.key}"} if context.key else {}
        self._email = context.email
        self._http = _make_http(context, CROSSREF_LIMITS, headers)

    async def look_up(self, number: RecordId) -> FoundArticle | None:
        body = await self._http.fetch_json(("works", _plain_doi(number)), {"mailto": self._email})
        if body is None:
            return None
        try:
            return FoundArticle(citation=read_crossref_work(body))
        except MalformedMessage as malformed:
            raise _unreadable_answer("Crossref", malformed) from malformed

    async def close_connections(self) -> None:
        await self._http.close_connections()


class PubMedSource:
    name = "pubmed"
    number_types = frozenset({"pmid"})
    finds_free_versions = True

    def __init__(self, context: ArticleSourceContext) -> None:
        self._parameters = {"db": "pubmed", "retmode": "json", "tool": TOOL, "email": context.email}
        if context.key:
            self._parameters["api_key"] = context.key
        self._http = _make_http(context, PUBMED_KEY_LIMITS if context.key else PUBMED_LIMITS, {})

    async def look_up(self, number: RecordId) -> FoundArticle | None:
        asked = normalize_number("pmid", number.value).partition(":")[2].lstrip("0")
        if not asked.isdecimal():
            return None
        body = await self._http.fetch_json(("esummary.fcgi",), {**self._parameters, "id": asked})
        if body is None:
            raise Unavailable(write_sentence("PubMed: HTTP 404. Check the configured address"))
        try:
            return read_pubmed_summary(body, asked)
        except MalformedMessage as malformed:
            raise _unreadable_answer("PubMed", malformed) from malformed

    async def close_connections(self) -> None:
        await self._http.close_connections()


class UnpaywallSource:
    name = "unpaywall"
    number_types = frozenset({"doi"})
    finds_free_versions = True

    def __init__(self, context: ArticleSourceContext) -> None:
        self._email = context.email
        self._http = _make_http(context, UNPAYWALL_LIMITS, {})

    async def look_up(self, number: RecordId) -> FoundArticle | None:
        body = await self._http.fetch_json((_plain_doi(number),), {"email": self._email})
        if body is None:
            return None
        try:
            return read_unpaywall_answer(body)
        except MalformedMessage as malformed:
            raise _unreadable_answer("Unpaywall", malformed) from malformed

    async def close_connections(self) -> None:
        await self._http.close_connections()


def _plain_doi(number: RecordId) -> str:
    return normalize_number("doi", number.value).partition(":")[2]


def _unreadable_answer(service: str, malformed: MalformedMessage) -> Unavailable:
    return Unavailable(write_about(service, write_sentence("invalid answer: %(report)s", report=malformed)))


def _make_http(context: ArticleSourceContext, limits: ServiceLimits, headers: dict[str, str]) -> ServiceHttp:
    agent = f"{TOOL} (mailto:{context.email})"
    place = ServiceEndpoint(url=context.url, agent=agent, seconds=context.seconds, limits=limits, headers=headers)
    return ServiceHttp(place, context.clock)
