"""Port ArticleSource: public services that know articles by DOI or PubMed ID, and where they can be read for free.

A source is asked about one number at a time. Which ones are asked, and what is made of their answers, is the gateway's
(`services.article_lookup`).
"""

from __future__ import annotations

from typing import Protocol

from gateway.domain.clock import Clock
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.value import value_object


@value_object(kw_only=True)
class FreeVersion:
    """The place where anybody may read an article. `url` is http or https. `version`: publishedVersion, acceptedVersion
    or submittedVersion (the words of the DRIVER guidelines), `host`: publisher or repository, `license` such as cc-by;
    each empty where it isn't said."""

    url: str
    version: str = ""
    host: str = ""
    license: str = ""


@value_object(kw_only=True)
class FoundArticle:
    """The facts that a source knows of a number. `citation` None: the source says nothing that describes the work."""

    citation: Citation | None = None
    free: FreeVersion | None = None


@value_object(kw_only=True)
class ArticleSourceContext:
    """The parts that a source is given. `email`: whom the service may write to about our questions; `key`: what it
    knows us by, empty where it needs none; `seconds`: longest wait for a whole answer."""

    url: str
    email: str
    key: str
    seconds: float
    clock: Clock


class ArticleSource(Protocol):
    @property
    def name(self) -> str:
        """The name in settings: crossref, pubmed, unpaywall."""
        ...

    @property
    def number_types(self) -> frozenset[str]:
        """The types of the numbers that it knows works by: doi, pmid."""
        ...

    @property
    def finds_free_versions(self) -> bool: ...

    async def look_up(self, number: RecordId) -> FoundArticle | None:
        """None: it doesn't know the number. Raises Unavailable (no answer in time, too many questions, or one that
        can't be read), Refused (it doesn't accept our address or key)."""
        ...

    async def close_connections(self) -> None:
        """Connections that are kept. Never raises."""
        ...
