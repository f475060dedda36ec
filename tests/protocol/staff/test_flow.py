"""From request to request in the list that one came from; the supplier and the item that staff choose themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LibraryParty, Request
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    add_partners,
    book,
    make_borrowing,
    make_conditional,
    reload_request,
)
from tests.protocol.staff.support import Colleague
from tests.support.daemon import Installation

FILTER = "task=awaiting-review&q=Watt"


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


def text(page: Answer, xpath: str) -> str:
    return " ".join(page.tree.xpath(f"string({xpath})").split())


def read_act_form(page: Answer, xpath: str) -> tuple[str, dict[str, str]]:
    """The address of a form and its hidden fields."""
    (form,) = page.tree.xpath(xpath)
    hidden = form.xpath(".//input[@type='hidden']")
    return str(form.get("action")), {str(one.get("name")): str(one.get("value")) for one in hidden}


async def make_three(gateway: Running) -> list[Request]:
    return [await make_borrowing(gateway, citation=book(title=f"Watt {n}")) for n in range(3)]


async def open_listed(ruth: Colleague, query: str, number: str) -> Answer:
    """By the link of its row."""
    page = await ruth.get(f"/borrowing?{query}")
    (path,) = page.tree.xpath(f"//tr[@data-request='{number}']//a[contains(@class, 'work')]/@href")
    return await ruth.browser.get(str(path))


async def test_the_list_and_its_filter_outlast_an_act(gateway: Running, ruth: Colleague) -> None:
    await make_borrowing(gateway, citation=book(title="Something else"))
    _, second, _ = await make_three(gateway)
    page = await open_listed(ruth, FILTER, second.number)
    assert text(page, "//nav[@class='trail']/span") == "2 of 3"
    assert page.tree.xpath("//nav[@class='trail']/a[2]/@href") == [f"/staff/borrowing?{FILTER}"]

    action, fields = read_act_form(page, "//*[@id='act']//form")
    done = await ruth.browser.post(action, fields)

    assert (await reload_request(gateway, second)).state is not BorrowingState.REVIEW
    assert text(done, "//nav[@class='trail']/span") == "Done; 2 left"
    assert done.tree.xpath("//nav[@class='trail']/a[2]/@href") == [f"/staff/borrowing?{FILTER}"]
    assert "Approved." in text(done, "//div[@id='banner']")
    assert "Next of 2: Watt 2" in text(done, "//div[@id='banner']")
    (following,) = done.tree.xpath("//a[@id='next'][@autofocus]/@href")
    following_page = await ruth.browser.get(str(following))
    assert text(following_page, "//h1") == "Watt 2"
    assert text(following_page, "//nav[@class='trail']/span") == "2 of 2"
    (before,) = following_page.tree.xpath("//a[@rel='prev']/@href")
    assert text(await ruth.browser.get(str(before)), "//h1") == "Watt 0"


async def test_what_stays_on_the_list_keeps_its_place(gateway: Running, ruth: Colleague) -> None:
    first, *_ = await make_three(gateway)
    page = await open_listed(ruth, FILTER, first.number)
    path, *_ = page.tree.xpath("//a[contains(@href, '/act/note')]/@href")
    action, fields = read_act_form(await ruth.browser.get(str(path)), "//main//form[@data-once]")
    done = await ruth.browser.post(action, {**fields, "note": "Ring i morgen."})
    assert text(done, "//nav[@class='trail']/span") == "1 of 3"
    assert done.tree.xpath("//a[@id='next']") != []
    assert done.tree.xpath("//a[@id='next'][@autofocus]") == []


@pytest.mark.parametrize(
    "query", ["list=borrowing", "list=nowhere%3Ftask%3Dx", "list=borrowing%3Ftask%3Dto-ship", "at=2"]
)
async def test_an_address_of_no_list_leads_to_none(gateway: Running, ruth: Colleague, query: str) -> None:
    request = await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}?{query}")
    assert page.status == 200
    assert page.tree.xpath("//nav[@class='trail']/span | //a[@rel='next']") == []


async def test_a_supplier_is_chosen_and_asked_in_one_step(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/assign")
    row = "//table[@class='lenders']//tr[contains(., 'Bibliothèque de Vaumarin')]"
    assert text(page, f"{row}/td[4]") == "even"
    assert "Vaumarin, by email." in text(page, "//tr[@class='then'][.//input[@value='vaumarin']]//p[@class='told']")

    action, fields = read_act_form(page, "//form[.//input[@name='partner'][@value='vaumarin']]")
    done = await ruth.browser.post(action, fields)
    await gateway.gateway.managed.drain_due_work()

    assert "is being asked." in text(done, "//div[@id='banner']")
    now = await reload_request(gateway, request)
    assert (now.state, now.partner.profile) == (BorrowingState.REQUESTED, "vaumarin")
    kinds = [line.event.kind for line in (await gateway.requests().load_view(request.id)).history]
    assert kinds[-3:] == [EventKind.ASSIGN, EventKind.APPROVE, EventKind.REQUEST]


async def test_only_what_is_chosen_has_its_fields_and_its_button(gateway: Running, ruth: Colleague) -> None:
    request = await make_conditional(gateway)
    page = await ruth.get(f"/requests/{request.number}")
    (accept, decline) = page.tree.xpath("//div[@class='option']")
    assert accept.xpath(".//input[@type='radio']/@checked") == ["checked"]
    assert accept.xpath("string(.//button[@type='submit'])") == "Accept Universität Altenried’s condition"
    assert decline.xpath("string(.//button[@type='submit'])") == "Decline Universität Altenried’s condition"
    assert accept.xpath(".//*[@name='cost']") != []
    assert accept.xpath(".//*[@name='reason']") == []
    assert decline.xpath(".//*[@name='cost']") == []
    reasons = decline.xpath(".//select[@name='reason']/option/@value")
    assert "cost-exceeds-maximum" in reasons
    assert "not-on-shelf" not in reasons
    assert decline.xpath("string(.//p[@class='told'])").split(":")[0] == "Notified"


async def test_one_of_several_items_of_ours_is_chosen_by_its_button(gateway: Running, ruth: Colleague) -> None:
    draft = LendingDraft(
        citation=Citation(title="Pride and Prejudice", author="Austen, Jane"),
        requester=LibraryParty(symbol="XX-ALTENRIED", profile="altenried"),
        transaction="ALT-77",
    )
    request = await gateway.requests().create_lending(draft)
    await gateway.gateway.managed.drain_due_work()
    page = await ruth.get(f"/requests/{request.number}")
    rows = page.tree.xpath("//table[@class='items']//tr")
    assert len(rows) > 1
    assert all("Pride and Prejudice, Austen, Jane, " in " ".join(row.text_content().split()) for row in rows)
    barcode = str(rows[1].xpath(".//input[@name='barcode']/@value")[0])

    action, fields = read_act_form(page, f"//form[.//input[@name='barcode'][@value='{barcode}']]")
    await ruth.browser.post(action, fields)

    now = await reload_request(gateway, request)
    assert now.item_barcode == barcode
    assert (await ruth.get(f"/requests/{request.number}")).tree.xpath("//table[@class='items']") == []
