"""Crossref, PubMed and Unpaywall as one scripted server, with made-up records whose shape is that of the services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.articles import crossref, pubmed, unpaywall
from gateway.adapter_registry import AdapterRegistry

DOI = "10.5555/wolken.2019.4"
PMID = "90000017"

CROSSREF_ARTICLE: dict[str, Any] = {
    "status": "ok",
    "message-type": "work",
    "message-version": "1.0.0",
    "message": {
        "indexed": {"date-parts": [[2024, 3, 1]], "date-time": "2024-03-01T10:00:00Z", "timestamp": 1709287200000},
        "reference-count": 12,
        "publisher": "Nordviken University Press",
        "issue": "4",
        "content-domain": {"domain": [], "crossmark-restriction": False},
        "DOI": DOI,
        "type": "journal-article",
        "created": {"date-parts": [[2019, 2, 2]]},
        "page": "301-317",
        "source": "Crossref",
        "title": ["On the <i>formation</i> of clouds &amp; fog over the &lt;cold&gt; sea"],
        "subtitle": ["Измерения"],
        "prefix": "10.5555",
        "volume": "27",
        "author": [
            {"given": "Åse", "family": "Bjørnsdóttir", "sequence": "first", "affiliation": []},
            {"given": "ليلى", "family": "حداد", "sequence": "additional", "affiliation": []},
            {"name": "Seeberg Weather Group", "sequence": "additional", "affiliation": []},
        ],
        "container-title": ["Annals of Northern Meteorology"],
        "language": "en",
        "issued": {"date-parts": [[2019, 1, 28]]},
        "published-print": {"date-parts": [[2019, 4]]},
        "ISSN": ["1234-5679", "2434-561X"],
        "URL": "http://dx.doi.org/10.5555/wolken.2019.4",
        "relation": {},
    },
}

PUBMED_SUMMARY: dict[str, Any] = {
    "uid": PMID,
    "pubdate": "2021 Mar 9",
    "epubdate": "2021 Jan 30",
    "source": "Ann North Med",
    "authors": [
        {"name": "Ødegård A", "authtype": "Author", "clusterid": ""},
        {"name": "Tanaka M", "authtype": "Author", "clusterid": ""},
    ],
    "lastauthor": "Tanaka M",
    "title": "Sea fog and asthma: a cohort study.",
    "sorttitle": "sea fog and asthma",
    "volume": "12",
    "issue": "3",
    "pages": "1244-9",
    "lang": ["eng"],
    "nlmuniqueid": "0000000",
    "issn": "1234-5679",
    "essn": "2434-561X",
    "pubtype": ["Journal Article"],
    "recordstatus": "PubMed - indexed for MEDLINE",
    "articleids": [
        {"idtype": "pubmed", "idtypen": 1, "value": PMID},
        {"idtype": "doi", "idtypen": 3, "value": "10.5555/fog.2021.12"},
        {"idtype": "pmc", "idtypen": 8, "value": "PMC9999017"},
        {"idtype": "pmcid", "idtypen": 5, "value": "pmc-id: PMC9999017;"},
    ],
    "fulljournalname": "Annals of northern medicine",
    "elocationid": "doi: 10.5555/fog.2021.12",
    "doctype": "citation",
    "booktitle": "",
    "edition": "",
    "publisherlocation": "",
    "publishername": "",
    "sortpubdate": "2021/03/09 00:00",
}

UNPAYWALL_ANSWER: dict[str, Any] = {
    "doi": DOI,
    "doi_url": f"https://doi.org/{DOI}",
    "title": "On the formation of clouds and fog over the cold sea",
    "genre": "journal-article",
    "is_paratext": False,
    "published_date": "2019-01-28",
    "year": 2019,
    "journal_name": "Annals of Northern Meteorology",
    "journal_issns": "1234-5679,2434-561X",
    "journal_issn_l": "1234-5679",
    "journal_is_oa": False,
    "publisher": "Nordviken University Press",
    "is_oa": True,
    "oa_status": "green",
    "has_repository_copy": True,
    "best_oa_location": {
        "updated": "2024-01-01T00:00:00.000000",
        "url": "https://archive.nordviken.example/123/fog.pdf",
        "url_for_pdf": "https://archive.nordviken.example/123/fog.pdf",
        "url_for_landing_page": "https://archive.nordviken.example/123",
        "evidence": "oa repository (via OAI-PMH doi match)",
        "license": "cc-by",
        "version": "acceptedVersion",
        "host_type": "repository",
        "is_best": True,
    },
    "oa_locations": [],
    "updated": "2024-01-01T00:00:00.000000",
    "data_standard": 2,
    "z_authors": [{"raw_author_name": "Åse Bjørnsdóttir", "author_position": "first"}],
}


def esummary(summary: Mapping[str, Any], number: str = PMID) -> dict[str, Any]:
    return {"header": {"type": "esummary", "version": "0.3"}, "result": {"uids": [number], number: dict(summary)}}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def with_articles(adapters: AdapterRegistry) -> AdapterRegistry:
    """Whatever of it is installed."""
    sources = {one.name: one for one in (crossref, pubmed, unpaywall)}
    return replace(adapters, article_sources=sources)


class ArticleServer:
    """Answers each path as it was told, else 404. `asked` holds path, query and headers of each question."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []
        self.answers: dict[str, web.Response | Exception] = {}
        self.seconds = 0.0
        self.busiest = 0
        self._now = 0
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._server = TestServer(app)

    async def start(self) -> None:
        await self._server.start_server()

    async def close(self) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def say(self, path: str, value: object, status: int = 200, **headers: str) -> None:
        """`value`: bytes as they are, else JSON."""
        body = value if isinstance(value, bytes) else as_json(value)
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        named.setdefault("Content-Type", "application/json")
        self.answers[path] = web.Response(body=body, status=status, headers=named)

    def know_everything(self) -> None:
        """Each service at its own path: crossref, pubmed, unpaywall."""
        self.say(f"/crossref/works/{DOI}", CROSSREF_ARTICLE)
        self.say("/pubmed/esummary.fcgi", esummary(PUBMED_SUMMARY))
        self.say(f"/unpaywall/{DOI}", UNPAYWALL_ANSWER)

    def settings(self, *sources: str) -> dict[str, Any]:
        """Section `article_lookup` of gateway.yml."""
        return {
            "sources": list(sources or ("crossref", "pubmed", "unpaywall")),
            "email": "ill@seeberg.example",
            "urls": {name: f"{self.url}/{name}" for name in ("crossref", "pubmed", "unpaywall")},
            "seconds": 3,
        }

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        self.asked.append((path, dict(request.query), dict(request.headers)))
        self._now += 1
        self.busiest = max(self.busiest, self._now)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self._now -= 1
        told = self.answers.get(path)
        if told is None:
            return web.Response(status=404, text="Resource not found.")
        if isinstance(told, Exception):
            raise told
        return web.Response(body=told.body, status=told.status, headers=told.headers)
