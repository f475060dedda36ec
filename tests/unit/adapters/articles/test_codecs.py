"""What the services answer, made into citations."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from adapters.articles.crossref_codec import read_crossref_work
from adapters.articles.names import MAX_AUTHORS_CHARS
from adapters.articles.pubmed_codec import read_pubmed_summary
from adapters.articles.unpaywall_codec import read_unpaywall_answer
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.citation import Citation, CitationType
from gateway.ports.article_lookup import FoundArticle, FreeVersion
from tests.support.article_services import (
    CROSSREF_ARTICLE,
    DOI,
    PMID,
    PUBMED_SUMMARY,
    UNPAYWALL_ANSWER,
    as_json,
    esummary,
)


def crossref_work(**changes: Any) -> Citation:
    answer = deepcopy(CROSSREF_ARTICLE)
    answer["message"] |= {name.replace("_", "-"): value for name, value in changes.items()}
    return read_crossref_work(as_json(answer))


def pubmed_article(**changes: Any) -> FoundArticle:
    found = read_pubmed_summary(as_json(esummary({**PUBMED_SUMMARY, **changes})), PMID)
    assert found is not None
    return found


def pubmed_citation(**changes: Any) -> Citation:
    citation = pubmed_article(**changes).citation
    assert citation is not None
    return citation


def unpaywall(**changes: Any) -> FoundArticle:
    return read_unpaywall_answer(as_json({**UNPAYWALL_ANSWER, **changes}))


def best_place(**changes: Any) -> FreeVersion | None:
    return unpaywall(best_oa_location={**UNPAYWALL_ANSWER["best_oa_location"], **changes}).free


# --- Crossref --------------------------------------------------------------------------------------------


def test_an_article_of_crossref() -> None:
    assert crossref_work() == Citation(
        type=CitationType.ARTICLE,
        component_title="On the formation of clouds & fog over the <cold> sea: Измерения",
        component_author="Bjørnsdóttir, Åse; حداد, ليلى; Seeberg Weather Group",
        title="Annals of Northern Meteorology",
        publisher="Nordviken University Press",
        published="2019-04",
        volume="27",
        issue="4",
        pages="301-317",
        language="en",
        identifiers=(RecordId("doi", DOI), RecordId("issn", "1234-5679"), RecordId("issn", "2434-561X")),
        source="Crossref",
    )


def test_a_book_of_crossref_has_its_title_as_title() -> None:
    book = crossref_work(
        type="edited-book",
        title=["Clouds"],
        subtitle=[],
        author=[],
        editor=[{"given": "N.", "family": "Okafor"}],
        ISBN=["http://id.crossref.org/isbn/9783161484100"],
        publisher_location="Seeberg",
    )

    assert (book.type, book.title, book.author, book.place) == (CitationType.BOOK, "Clouds", "Okafor, N.", "Seeberg")
    assert book.identifier("isbn") == "9783161484100"
    assert book.component_title == ""


def test_a_chapter_of_crossref_has_the_editors_of_its_book() -> None:
    chapter = crossref_work(
        type="book-chapter", container_title=["Handbook of fog"], editor=[{"family": "Okafor", "given": "N."}]
    )

    assert (chapter.type, chapter.title, chapter.author) == (CitationType.CHAPTER, "Handbook of fog", "Okafor, N.")


@pytest.mark.parametrize(
    ("dates", "published"),
    [
        ({"published-print": {"date-parts": [[2019, 4, 7]]}}, "2019-04-07"),
        ({"published-print": {"date-parts": [[2019]]}}, "2019"),
        ({"published-print": {"date-parts": [[None]]}, "issued": {"date-parts": [[2018, 12]]}}, "2018-12"),
        ({"published-print": None, "issued": {"date-parts": []}}, ""),
        ({"published-print": {"date-parts": [["2019", True]]}, "issued": "2018"}, ""),
    ],
)
def test_dates_of_crossref(dates: dict[str, Any], published: str) -> None:
    answer = deepcopy(CROSSREF_ARTICLE)
    answer["message"] |= dates
    assert read_crossref_work(as_json(answer)).published == published


def test_an_article_number_stands_for_pages() -> None:
    assert crossref_work(page=None, article_number="e1042").pages == "e1042"


def test_thousands_of_authors_become_a_line() -> None:
    authors = [{"family": f"Forscherin{number}", "given": "A."} for number in range(3000)]
    named = crossref_work(author=authors).component_author

    assert len(named) < MAX_AUTHORS_CHARS + 20
    assert named.startswith("Forscherin0, A.; Forscherin1, A.; ")
    assert named.endswith("; et al.")


def test_a_less_than_sign_is_no_markup() -> None:
    assert (
        crossref_work(title=["Fog at p < 0.05 and x > 3"], subtitle=[]).component_title == "Fog at p < 0.05 and x > 3"
    )


# --- PubMed ----------------------------------------------------------------------------------------------


def test_an_article_of_pubmed() -> None:
    assert pubmed_article() == FoundArticle(
        citation=Citation(
            type=CitationType.ARTICLE,
            component_title="Sea fog and asthma: a cohort study",
            component_author="Ødegård A; Tanaka M",
            title="Annals of northern medicine",
            published="2021-03-09",
            volume="12",
            issue="3",
            pages="1244-1249",
            language="eng",
            identifiers=(
                RecordId("pmid", PMID),
                RecordId("doi", "10.5555/fog.2021.12"),
                RecordId("pmcid", "PMC9999017"),
                RecordId("issn", "1234-5679"),
                RecordId("issn", "2434-561X"),
            ),
            source="PubMed",
        ),
        free=FreeVersion(url="https://pmc.ncbi.nlm.nih.gov/articles/PMC9999017/", host="repository"),
    )


@pytest.mark.parametrize(
    ("said", "published"),
    [("2014 Jun", "2014-06"), ("2014", "2014"), ("2015 Mar-Apr", "2015"), ("2003 Spring", "2003"), ("n.d.", "n.d.")],
)
def test_dates_of_pubmed(said: str, published: str) -> None:
    assert pubmed_citation(pubdate=said).published == published


@pytest.mark.parametrize(
    ("said", "pages"),
    [("82-93", "82-93"), ("1234-6", "1234-1236"), ("e12", "e12"), ("S12-5", "S12-5"), ("99-101", "99-101")],
)
def test_pages_of_pubmed(said: str, pages: str) -> None:
    assert pubmed_citation(pages=said).pages == pages


def test_a_title_that_pubmed_has_translated() -> None:
    assert pubmed_citation(title="[Fog and the heart].").component_title == "Fog and the heart"


def test_a_chapter_and_a_book_of_pubmed() -> None:
    chapter = pubmed_citation(booktitle="StatBooks", title="Fog.", publishername="Sea Press")
    book = pubmed_citation(booktitle="Fog for nurses", title="")

    assert (chapter.type, chapter.title, chapter.component_title) == (CitationType.CHAPTER, "StatBooks", "Fog")
    assert (book.type, book.title, book.author) == (CitationType.BOOK, "Fog for nurses", "Ødegård A; Tanaka M")


def test_an_article_under_embargo_is_not_free_yet() -> None:
    ids = [
        {"idtype": "pmc", "value": "PMC9999017"},
        {"idtype": "pmcid", "value": "pmc-id: PMC9999017;embargo-date: 2027/01/01;"},
    ]
    assert pubmed_article(articleids=ids).free is None


def test_a_number_that_pubmed_does_not_know() -> None:
    answer = esummary({"uid": PMID, "error": "cannot get document summary"})
    assert read_pubmed_summary(as_json(answer), PMID) is None


# --- Unpaywall -------------------------------------------------------------------------------------------


def test_a_free_version_of_unpaywall() -> None:
    found = unpaywall()

    assert found.free == FreeVersion(
        url="https://archive.nordviken.example/123/fog.pdf",
        version="acceptedVersion",
        host="repository",
        license="cc-by",
    )
    assert found.citation is not None
    assert (found.citation.component_title, found.citation.published) == (
        "On the formation of clouds and fog over the cold sea",
        "2019",
    )
    assert found.citation.component_author == "Åse Bjørnsdóttir"


def test_one_that_is_nowhere_free() -> None:
    assert unpaywall(best_oa_location=None, is_oa=False).free is None


def test_only_addresses_of_the_web_are_followed() -> None:
    harmful = best_place(url_for_pdf="javascript:alert(1)", url_for_landing_page="data:text/html,x", url="//x.example")
    landing = best_place(url_for_pdf="javascript:alert(1)")

    assert harmful is None
    assert landing is not None
    assert landing.url == "https://archive.nordviken.example/123"


# --- what is no answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Busy</body></html>",
        b"[]",
        b'{"status": "ok"}',
        b'{"error": "API rate limit exceeded", "count": "11"}',
        b"[" * 200_000,
        b"\xff\xfe{}",
    ],
)
def test_what_cant_be_read_is_said(body: bytes) -> None:
    for read in (read_crossref_work, read_unpaywall_answer, lambda body: read_pubmed_summary(body, PMID)):
        with pytest.raises(MalformedMessage):
            read(body)


def test_values_of_other_types_are_left_out() -> None:
    odd = crossref_work(title={"a": 1}, author="Okafor", ISSN="1234-5679", page=301, volume=None, issue=True)
    assert (odd.component_title, odd.component_author, odd.pages, odd.volume, odd.issue) == (
        "Измерения",
        "",
        "301",
        "",
        "",
    )
    assert odd.identifiers == (RecordId("doi", DOI),)
    assert pubmed_citation(authors=[None, "x", {"name": ["Ødegård A"]}]).component_author == "Ødegård A"
