"""Articles by DOI and PubMed ID, from Crossref, PubMed and Unpaywall. README.md says what is asked of them."""

from __future__ import annotations

from adapters.articles.client import CrossrefSource, PubMedSource, UnpaywallSource
from gateway.domain.library import RecordId
from gateway.ports.adapter import ArticleSourceAdapter

crossref = ArticleSourceAdapter(
    name="crossref",
    url="https://api.crossref.org",
    make=CrossrefSource,
    probe=RecordId("doi", "10.5555/12345678"),
)
pubmed = ArticleSourceAdapter(
    name="pubmed",
    url="https://eutils.ncbi.nlm.nih.gov/entrez/eutils",
    make=PubMedSource,
    probe=RecordId("pmid", "1"),
)
unpaywall = ArticleSourceAdapter(
    name="unpaywall",
    url="https://api.unpaywall.org/v2",
    make=UnpaywallSource,
    probe=RecordId("doi", "10.5555/12345678"),
)
