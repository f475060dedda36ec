"""Articles by number on the patrons' pages: a form that fills itself, and what everybody may read without ordering."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest

from gateway.adapter_registry import load_adapters
from gateway.services.people.api_keys import ApiKeyService, KeyScope
from gateway.store.library_store import LibraryStore
from tests.protocol.pages.support import BLOCKED, Answer, Running, Visitor, running, visitor
from tests.support.article_services import (
    DOI,
    PMID,
    PUBMED_SUMMARY,
    UNPAYWALL_ANSWER,
    ArticleServer,
    esummary,
    with_articles,
)
from tests.support.daemon import Installation

TITLE = "On the formation of clouds & fog over the <cold> sea: Измерения"
FREE = "https://archive.nordviken.example/123/fog.pdf"


@pytest.fixture
async def services() -> AsyncIterator[ArticleServer]:
    one = ArticleServer()
    await one.start()
    one.know_everything()
    yield one
    await one.close()


@contextlib.asynccontextmanager
async def library(installation: Installation, services: ArticleServer, *sources: str) -> AsyncIterator[Running]:
    adapters = with_articles(load_adapters())
    async with running(installation, adapters, article_lookup=services.settings(*sources)) as gateway:
        yield gateway


@pytest.fixture
async def gateway(installation: Installation, services: ArticleServer) -> AsyncIterator[Running]:
    async with library(installation, services) as one:
        yield one


async def look_up(anna: Visitor, number: str) -> Answer:
    return await anna.post("/openurl/DEMO/citation", {"do": "look-up", "type": "book", "number": number})


def field(page: Answer, name: str) -> str:
    (found,) = page.tree.xpath(f"//input[@id='{name}']/@value | //select[@id='{name}']/option[@selected]/@value")
    return str(found)


def offers(page: Answer) -> list[tuple[str, str]]:
    """Title and address of each."""
    found = page.tree.xpath("//ol[@class='offers']/li")
    return [(one.findtext("h3"), next(iter(one.xpath(".//a/@href")), "")) for one in found]


# --- the blank form --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [DOI, f"https://doi.org/{DOI}", f"doi:{DOI.upper()}"])
async def test_a_doi_alone_fills_the_form(anna: Visitor, number: str) -> None:
    page = await look_up(anna, number)

    assert page.status == 200
    assert field(page, "type") == "article"
    assert field(page, "component_title") == TITLE
    assert field(page, "component_author") == "Bjørnsdóttir, Åse; حداد, ليلى; Seeberg Weather Group"
    assert [field(page, name) for name in ("title", "volume", "issue", "pages", "published")] == [
        "Annals of Northern Meteorology",
        "27",
        "4",
        "301-317",
        "2019-04",
    ]
    assert "Found these details" in page.text


@pytest.mark.parametrize("number", [PMID, f"PMID {PMID}", f"https://pubmed.ncbi.nlm.nih.gov/{PMID}/"])
async def test_a_pubmed_id_alone_fills_the_form(anna: Visitor, number: str) -> None:
    page = await look_up(anna, number)

    assert page.status == 200
    assert field(page, "component_title") == "Sea fog and asthma: a cohort study"
    assert (field(page, "pmid"), field(page, "doi")) == (PMID, "10.5555/fog.2021.12")


async def test_a_number_that_no_service_knows(anna: Visitor) -> None:
    page = await look_up(anna, "10.5555/nobody")

    assert page.status == 422
    assert field(page, "doi") == "10.5555/nobody"


async def test_services_that_do_not_answer(anna: Visitor, services: ArticleServer) -> None:
    for path in (f"/crossref/works/{DOI}", f"/unpaywall/{DOI}"):
        services.say(path, b"<html>Bad gateway</html>", 502, Content_Type="text/html")
    page = await look_up(anna, DOI)

    assert page.status == 422
    assert "are not responding" in page.tree.xpath("string(//div[@role='alert'])")


async def test_a_book_of_our_own_asks_nobody_outside(anna: Visitor, services: ArticleServer) -> None:
    page = await look_up(anna, "9780000010018")

    assert field(page, "title") == "The Three-Body Problem"
    assert services.asked == []


# --- the services page -----------------------------------------------------------------------------------


async def test_a_free_version_stands_before_what_must_be_ordered(anna: Visitor) -> None:
    page = await anna.get(f"/openurl/DEMO?genre=article&atitle=Fog&jtitle=Annals&rft_id=info:doi/{DOI}")

    assert offers(page)[0] == ("Read now", FREE)
    assert [title for title, _ in offers(page)][1:] == ["Request it from another library"]
    assert "The author’s accepted version" in page.tree.text_content()
    (link,) = page.tree.xpath("//li[contains(@class, 'free')]//a")
    assert link.get("rel") == "noreferrer"


async def test_a_link_of_a_number_alone_shows_and_orders_the_article(anna: Visitor) -> None:
    page = await anna.get(f"/openurl/DEMO?rft_id=info:doi/{DOI}")

    assert page.title == TITLE
    (order,) = [url for title, url in offers(page) if title == "Request it from another library"]
    form = await anna.sign_in(back=order.removeprefix("/openurl/DEMO/"))
    assert form.title == "Request from another library"
    assert field(form, "component_title") == TITLE
    assert form.tree.xpath("//input[@name='service' and @checked]/@value") == ["copy"]
    assert FREE in form.tree.xpath("//div[@class='banner']//a/@href")


async def test_a_blocked_patron_is_led_to_the_free_version(anna: Visitor) -> None:
    page = await anna.sign_in(user=BLOCKED, back=f"request?rft_id=info:doi/{DOI}")
    assert page.tree.xpath("//h2[text()='In the meantime']/following-sibling::section//a/@href") == [FREE]
    assert page.tree.xpath("//main//form") == []


async def test_a_preprint_is_called_one(anna: Visitor, services: ArticleServer) -> None:
    best = {**UNPAYWALL_ANSWER["best_oa_location"], "version": "submittedVersion"}
    services.say(f"/unpaywall/{DOI}", {**UNPAYWALL_ANSWER, "best_oa_location": best})
    english = await anna.get(f"/openurl/DEMO?rft_id=info:doi/{DOI}")
    german = await anna.get(f"/openurl/DEMO?rft_id=info:doi/{DOI}", Accept_Language="de")

    assert "A preprint is free online" in english.text
    assert "Ein Preprint ist kostenlos online verfügbar" in german.text


async def test_a_pubmed_id_leads_to_pubmed_central(anna: Visitor) -> None:
    page = await anna.get(f"/openurl/DEMO?rft_id=info:pmid/{PMID}")
    assert offers(page)[0] == ("Read now", "https://pmc.ncbi.nlm.nih.gov/articles/PMC9999017/")


async def test_titles_from_outside_are_text(anna: Visitor, services: ArticleServer) -> None:
    harmful = {**PUBMED_SUMMARY, "title": "&lt;script&gt;alert(1)&lt;/script&gt; fog", "articleids": []}
    services.say("/pubmed/esummary.fcgi", esummary(harmful))
    page = await anna.get(f"/openurl/DEMO?rft_id=info:pmid/{PMID}")

    assert page.title == "<script>alert(1)</script> fog"
    assert not page.tree.xpath("//main//script")


async def test_the_page_comes_without_them_when_services_are_down(anna: Visitor, services: ArticleServer) -> None:
    services.answers.clear()
    services.say(f"/unpaywall/{DOI}", b"", 500)
    services.say(f"/crossref/works/{DOI}", b"", 500)
    page = await anna.get(f"/openurl/DEMO?genre=article&atitle=Fog&jtitle=Annals&rft_id=info:doi/{DOI}")

    assert page.status == 200
    assert offers(page)[0][0] == "Request it from another library"


async def test_each_number_is_asked_about_once(anna: Visitor, services: ArticleServer) -> None:
    for _ in range(3):
        await anna.get(f"/openurl/DEMO?rft_id=info:doi/{DOI}")
    assert sorted(services.paths) == [f"/crossref/works/{DOI}", f"/unpaywall/{DOI}"]


async def test_who_looks_is_not_told(anna: Visitor, services: ArticleServer) -> None:
    await anna.sign_in()
    link = urlencode({"rft_id": f"info:doi/{DOI}", "req_id": "mailto:ana@library.example", "sid": "discovery"})
    await anna.get(f"/openurl/DEMO?{link}")

    assert services.asked
    for path, query, headers in services.asked:
        assert "ana@library" not in f"{path}{query}{headers}"
        assert not {"Referer", "Cookie", "X-Forwarded-For"} & set(headers)


async def test_nobody_is_asked_as_shipped(installation: Installation, services: ArticleServer) -> None:
    async with running(installation) as gateway, visitor(gateway) as anna:
        page = await anna.get(f"/openurl/DEMO?rft_id=info:doi/{DOI}")
        assert page.status == 200
        assert services.asked == []


# --- programs --------------------------------------------------------------------------------------------


async def test_the_api_tells_of_it(gateway: Running) -> None:
    pages = gateway.gateway._pages
    assert pages is not None
    keys = ApiKeyService(LibraryStore(symbol="DEMO", store=pages._parts.store, clock=pages._parts.clock))
    key = (await keys.create_key("Discovery", (KeyScope.REQUESTS_READ,))).key
    url = f"{gateway.url}/api/v1/openurl/resolve?rft_id=info:doi/{DOI}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Authorization": f"Bearer {key}"}) as answer,
    ):
        found = await answer.json()

    assert found["citation"]["component_title"] == TITLE
    assert found["service"] == "copy"
    assert found["free_version"] == {
        "url": FREE,
        "version": "acceptedVersion",
        "host": "repository",
        "license": "cc-by",
    }
