"""From request to request in the list that one came from; the supplier and the item that staff choose themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind, ReasonCodes, RequestEnding
from gateway.domain.requests.request import BorrowingState, LibraryParty, Request
from gateway.web.staff import supplier_choice
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import (
    PARTNERS,
    RULES,
    act,
    add_partners,
    book,
    hear_partner,
    make_asked,
    make_borrowing,
    make_conditional,
    make_lending,
    reload_request,
)
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation
from tests.support.yaml_files import read_yaml_file, write_yaml_file

FILTER = "task=awaiting-review&q=Watt"


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


def text(page: Answer, xpath: str) -> str:
    return " ".join(page.tree.xpath(f"string({xpath})").split())


def texts(page: Answer, xpath: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in page.tree.xpath(xpath)]


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
    done = await ruth.browser.post(action, {**fields, "send": "yes"})
    await gateway.gateway.managed.drain_due_work()

    assert "is being asked." in text(done, "//div[@id='banner']")
    now = await reload_request(gateway, request)
    assert (now.state, now.partner.profile) == (BorrowingState.REQUESTED, "vaumarin")
    kinds = [line.event.kind for line in (await gateway.requests().load_view(request.id)).history]
    assert kinds[-3:] == [EventKind.ASSIGN, EventKind.APPROVE, EventKind.REQUEST]


@pytest.fixture
async def silent_catalogue() -> AsyncIterator[tuple[int, list[str]]]:
    """Port of a catalogue that takes connections and answers nothing, and who has asked."""
    asked: list[str] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(repr(await reader.read(1000)))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], asked
    server.close()


async def test_the_suppliers_are_shown_without_waiting_for_their_catalogues(
    installation: Installation, silent_catalogue: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = silent_catalogue
    add_partners(installation)
    catalogue = f"sru: {{url: 'http://127.0.0.1:{port}/sru'}}\nlocate: {{}}\n"
    with (installation.folder / "profiles" / "vaumarin.yml").open("a", encoding="utf-8") as profile:
        profile.write(catalogue)
    rota = {**RULES["rotas"]["coast"], "only_owning": "yes"}
    async with running(installation, rules={**RULES, "rotas": {"coast": rota}}) as gateway:
        request = await make_borrowing(gateway)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            page = await ruth.get(f"/requests/{request.number}/act/assign")
            row = "//tr[@class='option'][contains(., 'Bibliothèque de Vaumarin')]"
            assert text(page, f"{row}/td[5]") == "not asked"
            assert text(page, f"{row}/td[7]") == "asked after that: in rota order"
            assert asked == []

            monkeypatch.setattr(supplier_choice, "MAX_CATALOGUE_SECONDS", 0.5)
            (path,) = page.tree.xpath("//a[contains(@href, 'catalogues=ask')]/@href")
            late = await ruth.browser.get(str(path))
            assert len(asked) == 1
            assert "The catalogues have not answered in time." in late.text
            assert late.tree.xpath(f"{row}//input[@type='radio']") != []


async def test_where_there_is_no_supplier_the_pages_say_so(installation: Installation) -> None:
    """In review nobody is announced to be asked, and there is no form without anything to choose."""
    nobody = "There is no supplier to choose"
    async with running(installation, rules={"intake": {"duplicates": {"action": "allow"}}}) as gateway:
        request = await make_borrowing(gateway)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            page = await ruth.get(f"/requests/{request.number}")
            assert text(page, "//*[@id='act']//p[@class='told']").startswith(
                "Notified: No supplier: none is left that the rules would ask."
            )
            choice = await ruth.get(f"/requests/{request.number}/act/assign")
            assert nobody in choice.text
            assert choice.tree.xpath("//main//form") == []

            await act(gateway, request, EventKind.APPROVE)
            await gateway.gateway.managed.drain_due_work()
            assert (await reload_request(gateway, request)).state is BorrowingState.NO_SUPPLIER
            page = await ruth.get(f"/requests/{request.number}")
            (assign,) = page.tree.xpath("//div[@class='option'][.//input[@value='assign']]")
            assert nobody in assign.text_content()
            assert assign.xpath(".//form | .//a") == []


async def test_with_nobody_left_the_suppliers_are_compared_not_listed(installation: Installation) -> None:
    """No rota fits, but there are suppliers."""
    add_partners(installation)
    async with running(installation, rules={"intake": {"duplicates": {"action": "allow"}}}) as gateway:
        request = await make_borrowing(gateway)
        await act(gateway, request, EventKind.APPROVE)
        await gateway.gateway.managed.drain_due_work()
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            page = await ruth.get(f"/requests/{request.number}")
            assert page.tree.xpath("//select[@name='partner' or @name='rota']") == []
            (path,) = page.tree.xpath("//div[@class='option']//a[contains(@href, '/act/assign')]/@href")
            choice = await ruth.browser.get(str(path))
            assert len(choice.tree.xpath("//table[@class='lenders']//input[@type='radio']")) == len(PARTNERS)
            assert choice.tree.xpath("//select[@name='partner']") == []


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
    reasons = decline.xpath(".//input[@name='reason']/@value")
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
    rows = page.tree.xpath("//table[@class='items candidates']//tr")
    assert len(rows) > 1
    assert all("Pride and Prejudice, Austen, Jane, " in " ".join(row.text_content().split()) for row in rows)
    barcode = str(rows[1].xpath(".//input[@name='barcode']/@value")[0])

    action, fields = read_act_form(page, f"//form[.//input[@name='barcode'][@value='{barcode}']]")
    await ruth.browser.post(action, fields)

    now = await reload_request(gateway, request)
    assert now.item_barcode == barcode
    assert (await ruth.get(f"/requests/{request.number}")).tree.xpath("//table[@class='items candidates']") == []


async def test_a_price_is_beside_its_limit_and_the_next_suppliers_price(gateway: Running, ruth: Colleague) -> None:
    """12.00 EUR are asked, 10.00 allowed; who would be asked next takes nothing."""
    request = await make_conditional(gateway, maximum_cost=Money(Decimal("10.00"), "EUR"))
    page = await ruth.get(f"/requests/{request.number}")
    limits = [tuple(one.itertext()) for one in page.tree.xpath("//dl[@class='limits']/div")]
    assert limits[1:] == [
        ("Offered by Universität Altenried", "€12.00"),
        ("Maximum cost", "€10.00", "€2.00 too little"),
        ("Next: Bibliothèque de Vaumarin", "free"),
    ]


async def test_a_cancellation_is_refused_in_words_not_by_reasons_of_not_supplying(installation: Installation) -> None:
    add_partners(installation)
    file = installation.folder / "profiles" / "altenried.yml"
    profile = read_yaml_file(file)
    profile["partner"]["workflow"] = {"lending": {"cancel": "staff"}}
    write_yaml_file(file, profile)
    async with running(installation, rules=RULES) as gateway:
        request = await make_lending(gateway)
        await hear_partner(gateway, request, EventKind.CANCEL)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            page = await ruth.get(f"/requests/{request.number}")
    (refuse,) = page.tree.xpath("//div[@class='option'][.//input[@value='cancel-refused']]")
    assert refuse.xpath(".//*[@name='reason']") == []
    assert refuse.xpath("string(.//label[@for='cancel-refused-note'])").startswith("Why it is too late")


async def test_every_reason_not_to_supply_has_a_button_of_its_own(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/unfilled")
    buttons = page.tree.xpath("//div[@class='reasons']//button/@value")
    assert sorted(buttons) == sorted(set(ReasonCodes) - {ReasonCodes.CONDITION_REFUSED, ReasonCodes.RENEWAL_LIMIT})
    action, fields = read_act_form(page, "//form[.//div[@class='reasons']]")
    done = await ruth.browser.post(action, {**fields, "reason": "at-bindery", "note": "Zurück im März."})
    assert "Answered: cannot supply." in text(done, "//div[@id='banner']")
    last = (await gateway.requests().load_view(request.id)).history[-1]
    assert (last.event.details.reason, last.event.details.note) == ("at-bindery", "Zurück im März.")


async def test_reasons_not_to_supply_have_the_counts_of_this_year_and_the_most_frequent_first(
    gateway: Running, ruth: Colleague
) -> None:
    first = await ruth.get(f"/requests/{(await make_lending(gateway)).number}/act/unfilled")
    assert "this year" not in first.text
    for number, reason in enumerate(("at-bindery", "at-bindery", "not-on-shelf", "other")):
        refused = await make_lending(gateway, transaction=f"ALT-{number}")
        await act(gateway, refused, EventKind.UNFILLED, reason=reason)

    page = await ruth.get(f"/requests/{(await make_lending(gateway, transaction='ALT-9')).number}/act/unfilled")

    buttons = [" ".join(button.text_content().split()) for button in page.tree.xpath("//div[@class='reasons']//button")]
    assert buttons[:3] == ["At the bindery, this year: 2", "Not on the shelf, this year: 1", "On loan"]
    assert buttons[-1] == "Other reason, this year: 1"


async def test_closing_as_a_duplicate_names_the_other_request(gateway: Running, ruth: Colleague) -> None:
    other, request = await make_borrowing(gateway), await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/close")
    duplicate = "//form[input[@name='ending'][@value='duplicate']]"
    assert text(page, f"{duplicate}//li") == f"Open request for the same item: {other.number} To review"
    (path,) = page.tree.xpath(f"{duplicate}//li/a/@href")
    assert path == f"/staff/requests/{other.number}"
    assert text(page, f"{duplicate}//button") == f"Close: duplicate of {other.number}"
    action, fields = read_act_form(page, duplicate)
    note = page.tree.xpath(f"string({duplicate}//textarea[@name='note'])")

    await ruth.browser.post(action, {**fields, "note": note})

    closed = (await gateway.requests().load_view(request.id)).history[-1].event.details
    assert (closed.ending, closed.note) == (RequestEnding.DUPLICATE, f"Duplicate of {other.number}")
    left = await ruth.get(f"/requests/{other.number}/act/close")
    assert text(left, f"{duplicate}//button") == "Close: duplicate request", "that one is closed"
    assert not left.tree.xpath(f"{duplicate}//li")


async def test_each_ending_has_a_form_of_its_own_and_a_reason_belongs_to_one_of_them(
    gateway: Running, ruth: Colleague
) -> None:
    request = await make_borrowing(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/close")
    own_stock, unfilled = (
        f"//form[input[@name='ending'][@value='{ending}']]" for ending in ("own-stock", "not-available")
    )
    assert page.tree.xpath(f"{own_stock}//*[@name='reason']") == []
    assert page.tree.xpath(f"{unfilled}//input[@name='reason'][@checked]/@value") == [""]
    assert text(page, f"{own_stock}//label[.='Internal note (optional)']")
    assert text(page, f"{unfilled}//label[.='Message to the patron (optional)']")
    assert text(page, f"{own_stock}//p[@class='soft small']") == "Counts as cancelled."
    assert text(page, f"{unfilled}//p[@class='soft small']") == "Counts as unfilled."

    action, fields = read_act_form(page, own_stock)
    await ruth.browser.post(action, {**fields, "reason": "duplicate"})

    assert (await reload_request(gateway, request)).state is BorrowingState.CANCELLED
    closed = (await gateway.requests().load_view(request.id)).history[-1].event.details
    assert (closed.ending, closed.reason) == (RequestEnding.OWN_STOCK, "")


async def make_shipped(gateway: Running, **said: Any) -> Request:
    request = await make_asked(gateway, volumes=("Band 1", "Band 2", "Band 3"))
    return await hear_partner(gateway, request, EventKind.SHIPPED, **said)


async def test_each_volume_that_should_come_is_said_to_be_here_missing_or_still_to_come(
    gateway: Running, ruth: Colleague
) -> None:
    request = await make_shipped(gateway)
    page = await ruth.get(f"/requests/{request.number}")
    (form,) = page.tree.xpath("//form[.//input[@name='kind'][@value='received']]")
    rows = form.xpath(".//table[contains(@class, 'volumes')]/tbody/tr")
    assert [row.xpath("string(./td[1])") for row in rows] == ["Band 1", "Band 2", "Band 3"]
    assert form.xpath(".//tbody//input[@checked]/@value") == ["arrived"] * 3
    (button,) = form.xpath(".//button[@data-counts]")
    assert json.loads(button.get("data-counts"))[2] == "Receive: 2 of 3 volumes"

    action, fields = read_act_form(page, "//form[.//input[@name='kind'][@value='received']]")
    first, second, third = (volume.id for volume in request.volumes)
    none = {f"volume-{volume}": "later" for volume in (first, second, third)}
    nothing = await ruth.browser.post(action, {**fields, **none})
    assert "Please choose at least one volume that has arrived." in text(nothing, "//div[@id='summary']")
    await ruth.browser.post(action, {**fields, **none, f"volume-{first}": "arrived", f"volume-{second}": "missing"})

    received = (await gateway.requests().load_view(request.id)).history[-1].event.details
    assert (received.volumes, received.missing) == ((first,), (second,))
    still_open = await ruth.get(f"/requests/{request.number}/act/received")
    assert texts(still_open, "//tbody/tr/td[1]") == ["Band 2", "Band 3"]


async def test_a_renewal_is_asked_for_as_long_as_the_loan_was_given(gateway: Running, ruth: Colleague) -> None:
    today = gateway.requests().context.today()
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=today + timedelta(days=28))
    await act(gateway, request, EventKind.RECEIVED)

    page = await ruth.get(f"/requests/{request.number}/act/renew")

    (filled_in,) = page.tree.xpath("//input[@name='due']/@value")
    assert date.fromisoformat(filled_in) - today >= timedelta(days=56)
    assert date.fromisoformat(filled_in) - today < timedelta(days=63)


async def test_the_day_until_which_we_renew_is_filled_in_by_our_rule(installation: Installation) -> None:
    add_partners(installation)
    file = installation.folder / "profiles" / "altenried.yml"
    profile = read_yaml_file(file)
    profile["partner"]["workflow"] = {"lending": {"renew": "staff", "renewal_days": 21}}
    write_yaml_file(file, profile)
    async with running(installation, rules=RULES) as gateway:
        request = await make_lending(gateway)
        await act(gateway, request, EventKind.SHIPPED, barcode="39000000000011")
        wish = gateway.requests().context.today() + timedelta(days=90)
        await hear_partner(gateway, request, EventKind.RENEW, attempt=0, due=wish)
        lent_until = (await reload_request(gateway, request)).terms.lender_due
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            page = await ruth.get(f"/requests/{request.number}")

    form = "//form[.//input[@name='kind'][@value='renew-accepted']]"
    (filled_in,) = page.tree.xpath(f"{form}//input[@name='due']/@value")
    assert 21 <= (date.fromisoformat(filled_in) - lent_until).days < 28
    assert text(page, f"{form}//*[@class='hint']").startswith("By rule: 21 days more. Requested until ")


async def test_lost_and_damaged_are_two_answers_to_one_question(gateway: Running, ruth: Colleague) -> None:
    request = await make_shipped(gateway)
    await act(gateway, request, EventKind.RECEIVED)
    page = await ruth.get(f"/requests/{request.number}/act/damaged")

    assert text(page, "//h1") == "Lost or damaged"
    assert texts(page, "//div[@class='option']//button") == [
        "Mark as lost and notify Universität Altenried",
        "Report damage to Universität Altenried",
    ]
    assert page.tree.xpath("//input[@name='act-choice'][@checked]/@value") == ["damaged"]
    action, fields = read_act_form(page, "//form[.//input[@value='damaged'][@name='kind']]")
    done = await ruth.browser.post(action, {**fields, "note": "Einband gebrochen"})
    assert "The damage has been noted." in text(done, "//div[@id='banner']")


async def test_an_act_with_many_says_who_is_notified(gateway: Running, ruth: Colleague) -> None:
    made = [await make_asked(gateway), await make_borrowing(gateway), await make_borrowing(gateway)]
    token = await ruth.read_token()
    pairs = [("csrf", token), ("do", "cancel"), *(("one", one.id) for one in made)]
    confirm = await ruth.browser.post(
        "/staff/borrowing/bulk", urlencode(pairs).encode(), Content_Type="application/x-www-form-urlencoded"
    )
    told = text(confirm, "//p[@class='told']")
    assert "Universität Altenried, by email: 1 request." in told
    assert "No letter to the patron, as no mail server is set up: 2 requests." in told


async def test_the_rule_that_asked_for_review_is_named(installation: Installation) -> None:
    add_partners(installation)
    mediation = [{"services": ["copy"], "then": "straight-through"}, {"services": ["loan"], "then": "review"}]
    rules = {**RULES, "intake": {**RULES["intake"], "mediation": mediation}}
    async with running(installation, rules=rules) as gateway:
        by_rule = await make_borrowing(gateway, mediated=None)
        by_hand = await make_borrowing(gateway, mediated=True)
        async with colleague(gateway, "r.okafor", "staff") as ruth:
            pages = [await ruth.get(f"/requests/{request.number}") for request in (by_rule, by_hand)]
    named = [text(page, "//section[@aria-labelledby='move']/ul") for page in pages]
    assert named[0].endswith("Rule 2 of intake.mediation requires staff review.")
    assert "intake.mediation" not in named[1]


async def test_why_this_order_waits_for_catalogues_only_on_demand_and_not_for_good(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await make_borrowing(gateway)
    partners = gateway.gateway.managed.libraries["DEMO"].partners

    async def never_answer(_self: object, _request_id: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(type(partners), "explain", never_answer)
    monkeypatch.setattr(supplier_choice, "MAX_CATALOGUE_SECONDS", 0.05)
    monkeypatch.setattr(supplier_choice, "_has_catalogue", lambda _page, _name: True)

    page = await ruth.get(f"/requests/{request.number}/order")
    (ask,) = page.tree.xpath("//main//a[.='Ask their catalogues who holds it']/@href")
    late = await ruth.browser.get(str(ask))

    assert "The catalogues have not answered in time." in late.text
    assert texts(late, "//tbody/tr/td[1]") == texts(page, "//tbody/tr/td[1]")
    assert len(texts(late, "//tbody/tr")) == len(PARTNERS)


async def test_the_form_of_an_act_names_who_reads_its_note(gateway: Running, ruth: Colleague) -> None:
    """A note of moving on is for the history alone: the cancellation that follows goes without it."""
    request = await make_conditional(gateway)
    cancel = await ruth.get(f"/requests/{request.number}/act/cancel")
    move = await ruth.get(f"/requests/{request.number}/act/next-supplier")
    assert text(cancel, "//main//label[@for='note']") == "Message to Universität Altenried (optional)"
    assert text(cancel, "//main//form//button") == "Ask Universität Altenried to cancel"
    assert text(move, "//main//label[@for='note']") == "Internal note (optional)"
    assert "Universität Altenried is asked to cancel. Its condition is not accepted." in text(move, "//main")


async def test_without_a_mail_server_no_letter_is_offered_to_be_sent(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    for kind, button in (("patron-message", "Save the letter"), ("patron-asked", "Save the question")):
        page = await ruth.get(f"/requests/{request.number}/act/{kind}")
        assert text(page, "//main//form//button") == button
        assert "as no mail server is set up. Please notify the patron" in text(page, "//p[@class='told']")
