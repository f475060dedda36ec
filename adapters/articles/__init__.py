"""Articles by DOI and PubMed ID, from Crossref, PubMed and Unpaywall. README.md says what is asked of them.

What asks them is loaded where the settings name one.
"""

from __future__ import annotations

from gateway.domain.library import RecordId
from gateway.ports.adapter import ArticleSourceAdapter
from gateway.ports.article_lookup import ArticleSource, ArticleSourceContext


def make_crossref_source(context: ArticleSourceContext) -> ArticleSource:
    from adapters.articles.client import CrossrefSource

    return CrossrefSource(context)


def make_pubmed_source(context: ArticleSourceContext) -> ArticleSource:
    from adapters.articles.client import PubMedSource

    return PubMedSource(context)


def make_unpaywall_source(context: ArticleSourceContext) -> ArticleSource:
    from adapters.articles.client import UnpaywallSource

    return UnpaywallSource(context)


crossref = ArticleSourceAdapter(
    name="crossref",
    url="https://api.crossref.org",
    make=make_crossref_source,
    probe=RecordId("doi", "10.5555/12345678"),
)
pubmed = ArticleSourceAdapter(
    name="pubmed",
    url="https://eutils.ncbi.nlm.nih.gov/entrez/eutils",
    make=make_pubmed_source,
    probe=RecordId("pmid", "1"),
)
unpaywall = ArticleSourceAdapter(
    name="unpaywall",
    url="https://api.unpaywall.org/v2",
    make=make_unpaywall_source,
    probe=RecordId("doi", "10.5555/12345678"),
)
