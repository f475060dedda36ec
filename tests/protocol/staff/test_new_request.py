"""A new request: found by a number, a link or a search, or typed in; sent by one form, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from urllib.parse import quote

import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.request import Request, Role, ServiceType
from gateway.domain.requests.views import RequestFilter
from gateway.domain.sentences import write_sentence
from gateway.services.searching.search import ResultHolder, SearchOutcome, SearchResult, TargetAnswer
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.request_scenes import RULES, add_partners, make_borrowing
from tests.protocol.staff.support import Colleague, colleague
from tests.support.article_services import DOI, PMID, ArticleServer, with_articles
from tests.support.daemon import Installation
from tests.support.shipped_profiles import copy_shipped_profiles

NEW = "/requests/new?role=borrowing"


@pytest.fixture
async def services() -> AsyncIterator[ArticleServer]:
    one = ArticleServer()
    await one.start()
    one.know_everything()
    yield one
    await one.close()


@pytest.fixture
async def gateway(installation: Installation, services: ArticleServer) -> AsyncIterator[Running]:
    copy_shipped_profiles(installation.folder, "bnf-sru", "dnb-sru")
    add_partners(installation)
    adapters = with_articles(load_adapters())
    rules = {**RULES, "intake": {"duplicates": {"action": "allow"}, "locally_owned": "refuse"}}
    async with running(installation, adapters, rules=rules, article_lookup=services.settings()) as one:
        yield one


@pytest.fixture
async def ruth(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "r.okafor", "staff") as one:
        yield one


def fields_of(page: Answer) -> dict[str, str]:
    """What the form would send as it stands."""
    form = page.tree.xpath("//main//form[@method='post'][.//textarea[@id='note']]")[0]
    return {str(name): str(value) for name, value in form.form_values()}


def value_of(page: Answer, name: str) -> str:
    return fields_of(page).get(name, "")


async def list_requests(gateway: Running, role: Role = Role.BORROWING) -> list[Request]:
    return list(await gateway.requests().list_requests(RequestFilter(role=role), 50, ""))


@pytest.mark.parametrize("wish", [DOI, f"https://doi.org/{DOI}", f"doi:{DOI}"])
async def test_a_doi_fills_the_form_and_what_is_free_is_shown(ruth: Colleague, wish: str) -> None:
    page = await ruth.get(f"{NEW}&find={quote(wish, safe='')}")

    assert value_of(page, "component_title").startswith("On the formation of clouds")
    assert (value_of(page, "type"), value_of(page, "service")) == ("article", "copy")
    assert page.tree.xpath("//p[@class='note-line']/a/@href") == ["https://archive.nordviken.example/123/fog.pdf"]


async def test_a_pubmed_id_and_an_isbn_of_our_own(ruth: Colleague) -> None:
    article = await ruth.get(f"{NEW}&find={PMID}")
    book = await ruth.get(f"{NEW}&find=978-0-00-001001-8")

    assert value_of(article, "component_title") == "Sea fog and asthma: a cohort study"
    assert (value_of(book, "title"), value_of(book, "service")) == ("The Three-Body Problem", "loan")


async def test_a_number_that_nobody_knows_stands_in_the_form(ruth: Colleague, services: ArticleServer) -> None:
    unknown = await ruth.get(f"{NEW}&find=10.5555/nobody")
    assert value_of(unknown, "doi") == "10.5555/nobody"
    assert "No service knows this number." in unknown.text

    services.say("/crossref/works/10.5555/away", b"", 500)
    services.say("/unpaywall/10.5555/away", b"", 500)
    away = await ruth.get(f"{NEW}&find=10.5555/away")
    assert "No service could look up this number now." in away.text
    assert value_of(away, "doi") == "10.5555/away"


@pytest.mark.parametrize(
    "link",
    [
        "https://resolver.example/openurl?genre=article&atitle=Nebel&title=Annalen&volume=3&issn=1234-5679",
        "genre=article&atitle=Nebel&title=Annalen&volume=3&issn=1234-5679",
        "?rft.genre=article&rft.atitle=Nebel&rft.jtitle=Annalen&rft.volume=3&rft_val_fmt=info:ofi/fmt:kev:mtx:journal",
    ],
)
async def test_an_openurl_is_read(ruth: Colleague, link: str) -> None:
    page = await ruth.get(f"{NEW}&find={quote(link, safe='')}")
    assert (value_of(page, "component_title"), value_of(page, "title"), value_of(page, "volume")) == (
        "Nebel",
        "Annalen",
        "3",
    )


async def test_words_become_the_title_where_no_catalogue_can_be_searched(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(gateway.gateway.managed.libraries["DEMO"].search), "targets", lambda _self: ())
    page = await ruth.get(f"{NEW}&find={quote('Шум дождя = Regen')}")

    assert value_of(page, "title") == "Шум дождя = Regen"
    assert "No catalogue is configured for searching" in page.text


async def test_a_request_is_made_once(gateway: Running, ruth: Colleague) -> None:
    form = await ruth.get(f"{NEW}&find={PMID}")
    fields = {**fields_of(form), "patron": PATRON, "need_by": "", "maximum_cost": "12,50", "note": "Eilig, bitte."}
    done, again = await asyncio.gather(*(ruth.post("/requests/new?role=borrowing", fields) for _ in range(2)))
    late = await ruth.post("/requests/new?role=borrowing", fields)

    (made,) = await list_requests(gateway)
    assert {done.url, again.url, late.url} == {f"{ruth.browser.base}/staff/requests/{made.number}"}
    assert made.service.type is ServiceType.COPY
    assert made.citation.component_title == "Sea fog and asthma: a cohort study"
    assert str(made.costs.maximum.amount if made.costs.maximum else "") == "12.50"
    assert made.patron.identifier == PATRON
    assert (await gateway.requests().load_view(made.id)).history[0].event.actor == "staff:r.okafor"


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(gateway: Running, ruth: Colleague) -> None:
    form = await ruth.get(NEW)
    path = "/requests/new?role=borrowing"
    empty = await ruth.post(path, {**fields_of(form), "title": "", "note": "Für den Lesesaal"})
    assert empty.status == 422
    assert empty.tree.xpath("//div[@id='summary']//a/@href") == ["#title"]
    assert value_of(empty, "note").strip() == "Für den Lesesaal"

    unknown = await ruth.post(path, {**fields_of(empty), "title": "Nebel", "patron": "99999"})
    assert unknown.status == 422
    assert unknown.tree.xpath("//div[@id='summary']//a/@href") == ["#patron"]
    costly = await ruth.post(path, {**fields_of(unknown), "patron": "", "maximum_cost": "viel"})
    assert "Maximum cost: Please enter an amount, such as 12.50" in costly.text
    assert await list_requests(gateway) == []


async def test_what_stands_against_it_can_be_overruled(gateway: Running, ruth: Colleague) -> None:
    """We have the book ourselves."""
    form = await ruth.get(f"{NEW}&find=9780000010018")
    path = "/requests/new?role=borrowing"
    refused = await ruth.post(path, {**fields_of(form), "patron": PATRON})
    assert refused.status == 422
    (box,) = refused.tree.xpath("//input[@name='override']")
    assert box.get("checked") is None

    done = await ruth.post(path, {**fields_of(refused), "override": "yes"})
    assert done.status == 200
    (made,) = await list_requests(gateway)
    assert made.warnings


async def test_a_library_that_telephoned(gateway: Running, ruth: Colleague) -> None:
    form = await ruth.get("/requests/new?role=lending&find=9780000010018")
    path = "/requests/new?role=lending"
    nobody = await ruth.post(path, {**fields_of(form), "partner": ""})
    assert nobody.tree.xpath("//div[@id='summary']//a/@href") == ["#partner"]

    fields = {**fields_of(nobody), "partner": "altenried", "transaction": "ALT-7", "volumes": "Bd. 1\nBd. 2\n"}
    done = await ruth.post(path, fields)
    (made,) = await list_requests(gateway, Role.LENDING)
    assert done.url.endswith(f"/staff/requests/{made.number}")
    assert (made.transaction, [one.label for one in made.volumes]) == ("ALT-7", ["Bd. 1", "Bd. 2"])

    twice = await ruth.get("/requests/new?role=lending&find=9780000010018")
    taken = await ruth.post(path, {**fields_of(twice), "partner": "altenried", "transaction": "ALT-7"})
    assert taken.status == 422
    assert "already has a request with this number" in taken.text


async def test_who_may_not_make_one(gateway: Running) -> None:
    async with colleague(gateway, "m.keller", "manager") as manager:
        assert (await manager.get(NEW)).status == 403
        assert (await manager.post("/requests/new?role=lending", {"form": "x", "title": "Nebel"})).status == 403
    assert await list_requests(gateway) == []


async def test_words_from_outside_are_text(ruth: Colleague) -> None:
    harm = quote("<script>alert(1)</script>", safe="")
    for path in (f"{NEW}&find={harm}", f"{NEW}&link=title%3D{harm}", f"{NEW}&find=title%3D{harm}%26isbn%3D1"):
        page = await ruth.get(path)
        assert page.status == 200
        assert not page.tree.xpath("//main//script")


async def test_words_are_looked_for_in_a_catalogue(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    kobzar = Citation(type=CitationType.BOOK, title="Кобзар", author="Шевченко, Тарас", published="1840")
    late = write_sentence("no answer within %(seconds)s seconds", seconds=4)

    async def search(_self: object, where: str, _query: object, _records: int = 0) -> SearchOutcome:
        answers = (TargetAnswer(target=where, total=1, shown=1), TargetAnswer(target="coast", problem=late))
        return SearchOutcome(answers, (SearchResult(citation=kobzar, holders=(ResultHolder("bnf-sru"),)),))

    monkeypatch.setattr(type(gateway.gateway.managed.libraries["DEMO"].search), "search", search)
    page = await ruth.get(f"{NEW}&find={quote('кобзар шевченко')}")
    assert page.title == "Choose an item"
    assert ">no answer within 4 seconds<" in page.text
    async with colleague(gateway, "o.klein", "staff", Accept_Language="de") as german:
        assert ">keine Antwort innerhalb von 4 Sekunden<" in (await german.get(f"{NEW}&find=kobzar")).text
    names = {str(one.get("value")): one.text for one in page.tree.xpath("//select[@id='where']/option")}
    assert names["bnf-sru"] == "Bibliothèque nationale de France, catalogue by SRU"
    assert page.tree.xpath("//table//td[3]")[0].text == names["bnf-sru"]
    (link,) = page.tree.xpath("//table//a/@href")

    form = await ruth.browser.get(link)
    assert (value_of(form, "title"), value_of(form, "author"), value_of(form, "published")) == (
        "Кобзар",
        "Шевченко, Тарас",
        "1840",
    )


async def test_a_request_is_made_once_more_from_its_page(gateway: Running, ruth: Colleague) -> None:
    """Its work, patron, service and limit; not its note, nor the day by which it was needed."""
    made = await make_borrowing(
        gateway,
        citation=Citation(title="Wattenmeer im Wandel", author="Föhrmann, Hinrich", published="1998"),
        maximum_cost=Money(Decimal("15.00"), "EUR"),
        note="für das Seminar",
        volumes=("Band 1", "Band 2"),
    )
    page = await ruth.get(f"/requests/{made.number}")
    (path,) = page.tree.xpath("//a[text()='Copy this request']/@href")
    form = await ruth.browser.get(str(path))
    names = ("title", "author", "published", "patron", "maximum_cost", "maximum_cost_currency", "volumes", "note")
    assert [value_of(form, name).replace("\r\n", "\n") for name in names] == [
        *("Wattenmeer im Wandel", "Föhrmann, Hinrich", "1998", PATRON, "15.00", "EUR", "Band 1\nBand 2", ""),
    ]
    assert (await ruth.get(f"/requests/new?role=lending&copy={made.number}")).status == 404
    sent = await ruth.browser.post(str(path), fields_of(form))
    assert " created." in sent.text
    assert len(await list_requests(gateway)) == 2
