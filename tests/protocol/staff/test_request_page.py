"""One request as staff see it: whose move it is, what can be done, who is asked, what happened."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from demo.world import COPY
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import CitationExtra
from gateway.domain.requests.events import EventKind, RequestEnding, ShippedItem
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestDates, RotaLineStatus
from gateway.domain.requests.state_table import FollowUp
from gateway.domain.requests.views import UnfinishedStep
from gateway.ports.library_system import Capability
from gateway.services.letters.localization import TextCatalogues
from gateway.web.staff import act_forms, request_panels
from gateway.web.staff.actor_names import ActorNames
from gateway.web.staff.request_story import StorySources, tell_story
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    TITLE,
    act,
    add_partners,
    book,
    hear_partner,
    library_context,
    lose_key_of,
    make_asked,
    make_borrowing,
    make_conditional,
    make_lending,
    reload_request,
    write_journal,
)
from tests.protocol.staff.support import Colleague, colleague, make_user, user_service
from tests.support.daemon import Installation


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


def texts(page: Answer, xpath: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in page.tree.xpath(xpath)]


def seen_fields(page: Answer) -> dict[str, str]:
    """What a form carries of the request that it was made for."""
    return {name: page.tree.xpath(f"//main//input[@name='{name}']/@value")[0] for name in ("version", "seen")}


async def open_page(colleague_: Colleague, request: Request) -> Answer:
    page = await colleague_.get(f"/requests/{request.number}")
    assert page.status == 200
    return page


# --- who else is here ------------------------------------------------------------------------------------


async def test_colleagues_see_who_else_has_it_open(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    first = await open_page(ruth, request)
    assert texts(first, "//p[@id='readers']") == [""]
    path = str(first.tree.xpath("//p[@id='readers']/@data-path")[0])
    await make_user(gateway, "m.mori", "staff", shown_name="森 美結")
    async with colleague(gateway) as miyu:
        await miyu.sign_in("m.mori")
        assert texts(await open_page(miyu, request), "//p[@id='readers']") == ["Ruth Okafor also has this open."]
        heard = await ruth.browser.get(path, Accept="application/json")
        assert json.loads(heard.text) == {"text": "森 美結 also has this open."}
        await miyu.get("?ui_language=de")
        german = await open_page(miyu, request)
        assert texts(german, "//p[@id='readers']") == ["Ruth Okafor hat dies gerade offen."]
    async with colleague(gateway, "b.weiss", "patron-services@WEST") as west:
        assert (await west.browser.get(path, Accept="application/json")).status == 404, "of another branch"


# --- whose move it is ------------------------------------------------------------------------------------


async def test_a_condition_is_answered_where_it_is_read(gateway: Running, ruth: Colleague) -> None:
    request = await make_conditional(gateway)
    page = await open_page(ruth, request)

    assert texts(page, "//h1") == [TITLE]
    assert texts(page, "//h2[@id='move']") == ["Action needed: answer Universität Altenried’s condition"]
    assert texts(page, "//section[contains(@class, 'spine')]//blockquote") == [
        "Nur Benutzung im Lesesaal. Gebühr 12,00 EUR."
    ]
    assert "Interpreted as: library use only; cost €12.00." in page.text
    assert texts(page, "//*[@id='act']//label[.//input[@name='act-choice']]") == [
        "Accept the condition",
        "Decline the condition",
    ]
    assert page.tree.xpath("//input[@id='cost']/@value") == ["12.00"]

    done = await ruth.post(
        f"/requests/{request.number}/act",
        {**seen_fields(page), "kind": "condition-accepted", "cost": "12,50", "cost_currency": "eur", "note": "Gern."},
    )
    assert texts(done, "//div[@id='banner']") == ["The condition is accepted."]
    now = await reload_request(gateway, request)
    assert now.state is BorrowingState.WILL_SUPPLY
    assert texts(done, "//ol[@class='timeline']/li/div/p[1]")[0] == (
        "Accepted Universität Altenried’s condition by Ruth Okafor"
    )
    assert done.tree.xpath("//ol[@class='timeline']//bdi[.='Ruth Okafor']/@title") == ["r.okafor"]


async def test_a_request_to_review_has_its_act_open_and_others_folded(gateway: Running, ruth: Colleague) -> None:
    page = await open_page(ruth, await make_borrowing(gateway))

    assert texts(page, "//h2[@id='move']") == ["Action needed: review and approve the request"]
    assert texts(page, "//*[@id='act']//form//button") == ["Approve"]
    folded = texts(page, "//details[@class='acts']//li")
    assert "Cancel the request" in folded
    assert "Receive (not now: nothing is in transit)" in folded
    assert "Renew" not in " ".join(folded[: folded.index("Receive (not now: nothing is in transit)")])


async def test_where_it_is_the_partners_move_nothing_is_pressed_upon_us(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    page = await open_page(ruth, request)

    assert texts(page, "//h2[@id='move']") == ["Waiting for Universität Altenried: answer"]
    (end,) = [timer.at for timer in (await gateway.requests().load_view(request.id)).timers if timer.timer == "answer"]
    moment = TextCatalogues((), "en").choose_language(("en",)).format_moment(end, library_context(gateway).zone)
    assert texts(page, "//dl[@class='limits']/div/*") == ["Answer expected by", moment]
    assert not page.tree.xpath("//*[@id='act']//form")
    assert not page.tree.xpath("//section[contains(@class, 'spine')]")


async def test_a_lending_request_names_our_copy(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    page = await open_page(ruth, request)

    assert texts(page, "//h2[@id='move']") == ["Action needed: pull and ship the item"]
    assert "ALT-88120/26" in page.text
    assert page.tree.xpath("//input[@id='barcode']/@value") == ["39000000000011"]

    done = await ruth.post(
        f"/requests/{request.number}/act", {**seen_fields(page), "kind": "shipped", "barcode": "39000000000011"}
    )
    assert texts(done, "//div[@id='banner']") == ["Shipped. Undo"]
    assert (await reload_request(gateway, request)).state is LendingState.SHIPPED


async def test_an_item_that_is_on_loan_already_is_told_with_what_to_do(gateway: Running, ruth: Colleague) -> None:
    first, second = await make_lending(gateway), await make_lending(gateway, transaction="ALT-88121/26")
    await act(gateway, first, EventKind.SHIPPED, barcode="39000000000011")
    page = await open_page(ruth, second)

    said = await ruth.post(
        f"/requests/{second.number}/act", {**seen_fields(page), "kind": "shipped", "barcode": "39000000000011"}
    )

    assert said.status == 409
    (told,) = texts(said, "//div[@id='summary']//li")
    assert told.startswith(f"39000000000011 is already on loan for request {first.number}. Check it in first")


async def test_what_a_request_brings_besides_is_on_its_page(gateway: Running, ruth: Colleague) -> None:
    extras = (
        CitationExtra("contact-name", "Solveig"),
        CitationExtra("billing-name", "Kassen"),
        CitationExtra("X", "?"),
    )
    dates = RequestDates(start=date(2027, 1, 1), end=date(2027, 1, 12))
    page = await open_page(ruth, await make_lending(gateway, extras=extras, dates=dates))

    details = "//section[@aria-labelledby='extras']"
    assert texts(page, f"{details}//dt") == ["Contact person", "Invoice to"]
    assert texts(page, f"{details}//dd") == ["Solveig", "Kassen"]
    assert {"Wanted from", "Wanted until"} <= set(texts(page, "//dt"))


async def test_what_the_library_system_did_stands_in_the_story(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    await act(gateway, request, EventKind.SHIPPED, barcode="39000000000011")
    await gateway.gateway.managed.drain_due_work()

    page = await open_page(ruth, request)

    story = texts(page, "//ol[@class='timeline']/li/div/p[1]")
    assert "Checked out to the requester in the library system" in story
    assert "Hold placed in the library system" in story
    assert not [line for line in story if line.startswith("Pending")]


async def test_any_number_leads_to_the_request(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    page = await ruth.get("/requests/ALT-88120%2F26")

    assert page.url.endswith(f"/staff/requests/{request.number}")
    assert (await ruth.get("/requests/B1999-00001")).status == 404


# --- acts ------------------------------------------------------------------------------------------------


async def test_staff_say_how_a_request_ends(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    path = f"/requests/{request.number}/act/close"
    form = await ruth.get(path)
    assert texts(form, "//div[@class='option']/label") == [
        "In our own stock",
        "Obtained elsewhere",
        "Duplicate request",
        "No longer needed",
        "Not available from any library",
    ]
    assert texts(form, "//div[@class='option']//button")[3:] == [
        "Close: no longer needed",
        "Close: not available from any library",
    ]
    wrong = await ruth.post(path, {**seen_fields(form), "ending": "", "note": "Signatur DC 611"})
    assert wrong.status == 422
    assert texts(wrong, "//div[@id='summary']//a") == ["Please fill in “How it ends”."]

    done = await ruth.post(path, {**seen_fields(wrong), "ending": "own-stock", "note": "Signatur DC 611"})
    assert texts(done, "//div[@id='banner']") == ["The request is closed."]
    assert "No action needed: this request is closed (in our own stock)" in done.text
    closed = await reload_request(gateway, request)
    assert (closed.state, closed.ending) == (BorrowingState.CANCELLED, RequestEnding.OWN_STOCK)


async def test_a_field_that_is_missing_is_asked_for_and_the_rest_is_kept(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    form = await ruth.get(f"/requests/{request.number}/act/unfilled")
    wrong = await ruth.post(
        f"/requests/{request.number}/act/unfilled", {**seen_fields(form), "reason": "", "note": "Nicht am Platz."}
    )

    assert wrong.status == 422
    assert texts(wrong, "//div[@id='summary']//a") == ["Please fill in “Reason”."]
    assert wrong.tree.xpath("string(//textarea[@id='note'])").strip() == "Nicht am Platz."

    done = await ruth.post(
        f"/requests/{request.number}/act/unfilled",
        {**seen_fields(wrong), "reason": "not-on-shelf", "note": "Nicht am Platz."},
    )
    assert done.tree.xpath("normalize-space(//div[@id='banner'])") == "Answered: cannot supply. Undo"
    assert "not on the shelf" in done.text


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"cost": "zwölf"}, "Cost: Please enter an amount, such as 12.50, and a currency."),
        ({"cost": "-1"}, "Cost: Please enter an amount, such as 12.50, and a currency."),
        ({"cost": "NaN"}, "Cost: Please enter an amount, such as 12.50, and a currency."),
        ({"cost": "12", "cost_currency": "E1R"}, "Cost: Please enter an amount, such as 12.50, and a currency."),
        ({"due": "neulich"}, "Due date: Please enter a date, such as 2026-12-31."),
        ({"conditions": "free-beer"}, "Conditions: Please choose one of the options."),
        ({"renewals_allowed": "perhaps"}, "Renewals allowed? Please choose one of the options."),
    ],
)
async def test_what_cant_be_is_said_at_its_field(
    gateway: Running, ruth: Colleague, fields: dict[str, str], wrong: str
) -> None:
    request = await make_lending(gateway)
    page = await open_page(ruth, request)
    said = await ruth.post(f"/requests/{request.number}/act", {**seen_fields(page), "kind": "shipped", **fields})

    assert said.status == 422
    assert texts(said, "//div[@id='summary']//li") == [wrong]
    assert (await reload_request(gateway, request)).state is LendingState.LOCATED


async def test_an_act_that_does_not_fit_any_more_says_so(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    page = await open_page(ruth, request)

    not_now = await ruth.get(f"/requests/{request.number}/act/received")
    assert not_now.status == 409
    assert f"/staff/requests/{request.number}" in not_now.tree.xpath("//main//a/@href")
    assert (await ruth.get(f"/requests/{request.number}/act/dance")).status == 404
    said = await ruth.post(f"/requests/{request.number}/act", {**seen_fields(page), "kind": "received"})
    assert said.status == 422
    assert "“Receive” is not possible now." in said.text


async def test_two_at_once_the_second_sees_what_the_first_did(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    await make_user(gateway, "j.tanaka", "staff", shown_name="田中 純")
    form = await ruth.get(f"/requests/{request.number}/act/message")
    await hear_partner(gateway, request, EventKind.WILL_SUPPLY, note="Kommt morgen.")
    await act(gateway, request, EventKind.NOTE, actor="staff:j.tanaka", note="Ruft morgen an.")

    path = f"/requests/{request.number}/act/message"
    stopped = await ruth.post(path, {**seen_fields(form), "note": "Ist Band 2 auch da?"})
    assert stopped.status == 409
    assert "Changed by somebody else" in stopped.text
    assert texts(stopped, "//ol[@class='timeline']/li/div/p[1]") == [
        "Note by 田中 純",
        "Universität Altenried will supply",
    ]
    assert stopped.tree.xpath("string(//textarea[@id='note'])").strip() == "Ist Band 2 auch da?"
    assert not [one for one in (await gateway.requests().load_view(request.id)).messages if one.ours]

    done = await ruth.post(path, {**seen_fields(stopped), "note": "Ist Band 2 auch da?"})
    assert texts(done, "//div[@id='banner']") == ["The message is being sent."]
    assert texts(done, "//section[@aria-labelledby='notes']//p/bdi[@title='j.tanaka']") == ["田中 純"]


async def test_what_others_made_impossible_is_not_offered_once_more(gateway: Running, ruth: Colleague) -> None:
    request = await make_conditional(gateway)
    form = await ruth.get(f"/requests/{request.number}")
    await hear_partner(gateway, request, EventKind.UNFILLED, reason="not-on-shelf")

    fields = {**seen_fields(form), "kind": "condition-accepted", "note": "Gern, im Lesesaal."}
    stopped = await ruth.post(f"/requests/{request.number}/act", fields)

    (news,) = texts(stopped, "//section[@aria-labelledby='news-h']/p")
    assert news.endswith("while the form was open, and this is no longer possible.")
    assert not stopped.tree.xpath("//main//button[@type='submit' and not(@name)]")
    assert stopped.tree.xpath("string(//textarea[@id='note'])").strip() == "Gern, im Lesesaal."


async def test_the_citation_is_corrected_and_what_the_form_lacks_stays(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway, citation=book(series="Randmeere, 3"))
    form = await ruth.get(f"/requests/{request.number}/citation")
    assert "Gezeitenkunde, Föhrmann" in texts(form, "//blockquote")
    fields = {str(one.get("name")): str(one.get("value")) for one in form.tree.xpath("//main//form//input[@name]")}
    done = await ruth.post(
        f"/requests/{request.number}/citation", {**fields, "type": "book", "title": "Gezeiten", "published": "1998"}
    )

    assert texts(done, "//div[@id='banner']") == ["The citation has been changed."]
    now = (await reload_request(gateway, request)).citation
    assert (now.title, now.published, now.series, now.original) == (
        "Gezeiten",
        "1998",
        "Randmeere, 3",
        "Gezeitenkunde, Föhrmann",
    )
    assert now.identifier("isbn") == "9783161484100"
    empty = {**fields, **seen_fields(done), "type": "book", "title": "", "isbn": ""}
    assert (await ruth.post(f"/requests/{request.number}/citation", empty)).status == 422
    stale = await ruth.post(
        f"/requests/{request.number}/citation", {**fields, "type": "book", "title": "Ebbe und Flut"}
    )
    assert stale.status == 409
    assert texts(stale, "//section[@role='alert']//ol/li/div/p[1]") == ["Edited by Ruth Okafor"]


# --- who is asked ----------------------------------------------------------------------------------------


def order_of(request: Request) -> list[str]:
    return [line.partner for line in request.rota if line.standing is RotaLineStatus.WAITING]


async def test_the_order_is_changed_by_buttons(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    page = await open_page(ruth, request)
    assert texts(page, "//table//tbody/tr/td[2]") == [
        "Universität Altenried",
        "Bibliothèque de Vaumarin",
        "مكتبة جامعة الساحل",
    ]
    assert page.tree.xpath("//table//button/@aria-label") == [
        "Move Bibliothèque de Vaumarin down",
        "Exclude Bibliothèque de Vaumarin",
        "Move مكتبة جامعة الساحل up",
        "Exclude مكتبة جامعة الساحل",
    ]

    moved = await ruth.post(f"/requests/{request.number}/order", {**seen_fields(page), "move": "up:sahil"})
    assert order_of(await reload_request(gateway, request)) == ["sahil", "vaumarin"]
    assert "is now number 1 of the suppliers to be asked." in moved.text

    stale = await ruth.post(f"/requests/{request.number}/order", {**seen_fields(page), "move": "down:sahil"})
    assert "Somebody else has changed this request." in stale.text
    assert order_of(await reload_request(gateway, request)) == ["sahil", "vaumarin"]

    out = await ruth.post(f"/requests/{request.number}/order", {**seen_fields(stale), "move": "skip:vaumarin"})
    assert "Skipped" in texts(out, "//table//tbody/tr/td[3]")
    assert order_of(await reload_request(gateway, request)) == ["sahil"]
    nobody = await ruth.post(f"/requests/{request.number}/order", {**seen_fields(out), "move": "up:altenried"})
    assert nobody.status == 404


async def test_why_each_was_chosen_or_passed_over(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.UNFILLED, reason="not-on-shelf")
    page = await open_page(ruth, request)
    assert "Reason: not on the shelf." in texts(page, "//table//tbody/tr[1]/td[4]")[0]

    explained = await ruth.get(f"/requests/{request.number}/order")
    assert explained.title == "Why this order"
    assert texts(explained, "//table//tbody/tr/td[2]")[0] == "asked next"


# --- what happened ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lender_day", "reason"),
    [
        (
            date(2099, 1, 16),
            "16 January 2099 for the lender, less 3 days for transport: 13 January 2099 for the patron.",
        ),
        (
            date(2099, 1, 14),
            "14 January 2099 for the lender, less 3 days for transport, moved to a day on which we are open: "
            "9 January 2099 for the patron.",
        ),
    ],
)
async def test_one_story_newest_first_with_the_due_date_explained(
    gateway: Running, ruth: Colleague, lender_day: date, reason: str
) -> None:
    """The second day before is a Sunday."""
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=lender_day)
    page = await open_page(ruth, request)

    assert texts(page, "//ol[@class='timeline']//p[@class='reason']") == [f"Due date: {reason}"]
    first, *_, last = texts(page, "//ol[@class='timeline']/li/div/p[1]")
    assert (first, last) == ("Universität Altenried shipped the item", "Request created")


async def test_a_loan_to_the_reader_is_undone_from_the_page_that_follows(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=date(2099, 1, 16))
    await act(gateway, request, EventKind.RECEIVED)
    page = await open_page(ruth, request)
    done = await ruth.post(f"/requests/{request.number}/act", {**seen_fields(page), "kind": "loaned-to-patron"})
    assert (await reload_request(gateway, request)).state is BorrowingState.LENT
    (word,) = done.tree.xpath("//div[@id='banner']//input[@name='act']/@value")

    undone = await ruth.post("/undo", {"act": word})

    said = undone.tree.xpath("normalize-space(//div[@id='banner'])")
    assert said == f"Undone: {request.number}, but its status is now “To return”."
    assert (await reload_request(gateway, request)).state is BorrowingState.BACK
    sent_back = await ruth.post(f"/requests/{request.number}/act", {**seen_fields(undone), "kind": "returned"})
    assert not sent_back.tree.xpath("//div[@id='banner']//form")
    assert "This cannot be undone: the lender is notified" in sent_back.text


async def test_what_the_library_system_can_not_be_told_stands_at_the_act(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await make_lending(gateway)
    await act(gateway, request, EventKind.SHIPPED)
    system = library_context(gateway).system
    monkeypatch.setattr(type(system), "capabilities", system.capabilities - {Capability.CHECK_IN})
    hint = "First check in the item in the library system."

    page = await open_page(ruth, request)
    folded = await ruth.get(f"/requests/{request.number}/act/checked-in")

    assert texts(page, "//*[@id='act']//form//p[@class='soft small']") == [hint]
    assert texts(folded, "//form//p[@class='note-line']") == [hint]


async def test_after_a_recall_the_due_date_is_explained_by_it(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=date(2099, 1, 16))
    await act(gateway, request, EventKind.RECEIVED)
    await act(gateway, request, EventKind.LOANED_TO_PATRON)
    await hear_partner(gateway, request, EventKind.RECALL)
    page = await open_page(ruth, request)

    (reason,) = texts(page, "//section[@aria-labelledby='loan']//p[contains(@class, 'reason')]")
    assert reason.startswith("Due date: recalled by the lender, so ")
    assert texts(page, "//section[@aria-labelledby='move']//dt") == ["Due at lender", "Due from patron"]
    assert page.tree.xpath("//section[@aria-labelledby='attempts']//tbody/tr[2]")
    assert not page.tree.xpath("//section[@aria-labelledby='attempts']//button[@name='move']")
    assert "Next" not in texts(page, "//section[@aria-labelledby='attempts']//td")


async def test_what_was_sent_back_waits_for_the_lender_to_check_it_in(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=date(2099, 1, 16))
    await act(gateway, request, EventKind.RECEIVED)
    await act(gateway, request, EventKind.RETURNED)
    page = await open_page(ruth, request)
    assert texts(page, "//section[@aria-labelledby='move']//dt") == ["Check-in expected by"]


async def test_the_call_number_of_what_a_supplier_sent_is_shown(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    item = ShippedItem(barcode="30100-88", label="Bd. 1", call_number="QL 737 .C2")
    await hear_partner(gateway, request, EventKind.SHIPPED, items=(item,))
    page = await open_page(ruth, request)
    loan = texts(page, "//section[@aria-labelledby='loan']//dl/*")
    assert loan[loan.index("Call number") + 1] == "QL 737 .C2"

    further = ShippedItem(barcode="30100-89", label="Bd. 2", call_number="QL 737 .C3")
    await hear_partner(gateway, request, EventKind.SHIPPED, items=(item, further))
    page = await open_page(ruth, request)
    assert texts(page, "//section[@aria-labelledby='pieces']//li") == [
        "Bd. 1 QL 737 .C2",
        "Bd. 2 QL 737 .C3",
    ]


async def test_steps_of_our_own_have_words(gateway: Running) -> None:
    request = await make_borrowing(gateway)
    steps = tuple(
        UnfinishedStep("1", "work", step.value, "waiting", datetime(2026, 3, 2, tzinfo=UTC), 0, "") for step in FollowUp
    )
    story = tell_story(
        StorySources(request=request, history=(), unfinished=steps),
        library_context(gateway),
        TextCatalogues((), "en").choose_language(("en",)),
        ActorNames(user_service(gateway)),
    )
    assert "Pending: Choose the next supplier" in [line.text for line in story]
    assert [line.text for line in story if "-" in line.text] == []


async def test_which_copy_may_be_meant_is_asked_until_one_is_chosen(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    assert request.candidates
    page = await open_page(ruth, request)
    assert "Possible copies" not in page.text
    assert "Our copy" in page.text


async def test_what_failed_is_in_the_story_and_can_be_shown_alone(gateway: Running, ruth: Colleague) -> None:
    """No mail server is set up here, so the request could not go out."""
    request = await make_asked(gateway)
    await gateway.gateway.managed.drain_due_work()
    page = await ruth.get(f"/requests/{request.number}?show=failed")

    assert texts(page, "//ol[@class='timeline']/li/div/p[1]") == ["Failed: Message to Universität Altenried"]
    assert page.tree.xpath("//ul[@class='here']//a[@aria-current]")[0].text == "Failed, 1"


async def test_words_from_outside_are_text_everywhere(gateway: Running, ruth: Colleague) -> None:
    harm = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    request = await make_asked(gateway, citation=book(title=harm, author=harm, original=harm), note=harm)
    await hear_partner(gateway, request, EventKind.MESSAGE, note=harm)
    await act(gateway, request, EventKind.NOTE, note=harm)
    reviewed = await make_borrowing(gateway, citation=book(title=harm, author=harm, original=harm))
    for number, path in (
        (request.number, ""),
        (request.number, "/act/message"),
        (request.number, "/order"),
        (reviewed.number, "/citation"),
    ):
        page = await ruth.get(f"/requests/{number}{path}")
        assert page.status == 200
        assert not page.tree.xpath("//main//script | //main//img | //*[@onerror]")
    assert harm in texts(await open_page(ruth, request), "//h1")


# --- the reader ------------------------------------------------------------------------------------------


async def test_staff_see_the_reader_and_managers_ask_first(gateway: Running, ruth: Colleague) -> None:
    request = await make_borrowing(gateway)
    page = await open_page(ruth, request)
    assert "Ana Müller" in page.text
    assert PATRON in page.text
    assert "may borrow" in page.text
    ways = page.tree.xpath("//section[@aria-labelledby='reader']//dd/a/@href")
    assert [one.partition(":")[0] for one in ways] == ["mailto", "tel"]

    async with colleague(gateway, "m.keller", "manager") as manager:
        masked = await open_page(manager, request)
        assert "Ana" not in masked.text
        assert PATRON not in masked.text
        assert not masked.tree.xpath("//section[@aria-labelledby='reader']//dd/a")
        assert "A•••• M••••" in texts(masked, "//section[@aria-labelledby='reader']//dd")
        shown = await manager.post(f"/requests/{request.number}/reader", {})
        assert "Ana Müller" in shown.text
        entries = await user_service(gateway).list_audit_entries(10)
        assert [(one.actor, one.subject) for one in entries if one.action == "patron-shown"] == [
            ("staff:m.keller", request.number)
        ]

    async with colleague(gateway, "o.lind", "operator") as operator:
        assert PATRON not in (await open_page(operator, request)).text
        assert (await operator.post(f"/requests/{request.number}/reader", {})).status == 403


async def test_beside_an_act_stands_what_the_requests_page_says(gateway: Running, ruth: Colleague) -> None:
    request = await make_conditional(gateway)
    page = await open_page(ruth, request)
    form = await ruth.get(f"/requests/{request.number}/act/cancel")

    for panel in ("reader", "partner", "loan", "money"):
        rows = f"//section[@aria-labelledby='{panel}']/dl/*"
        assert texts(form, rows) == texts(page, rows)
        assert texts(form, rows)
    close = await ruth.get(f"/requests/{(await make_borrowing(gateway)).number}/act/close")
    assert texts(close, "//section[@aria-labelledby='own']/h2") == ["Local holdings"]
    async with colleague(gateway, "m.keller", "manager") as manager:
        refused = await manager.get(f"/requests/{request.number}/act/cancel")
        assert refused.status == 403
        assert "A•" not in refused.text


async def test_who_reads_may_not_act(gateway: Running) -> None:
    request = await make_conditional(gateway)
    async with colleague(gateway, "m.keller", "manager") as manager:
        page = await open_page(manager, request)
        assert not page.tree.xpath("//main//*[@id='act']//form | //table//button | //input[@type='file']")
        for path in ("/act", "/act/note", "/citation", "/order", "/files"):
            answer = await manager.post(f"/requests/{request.number}{path}", {"kind": "note", "version": "1"})
            assert answer.status in (403, 409), path
    assert (await reload_request(gateway, request)).state is BorrowingState.CONDITIONAL


async def test_a_branch_sees_its_own_borrowing_alone(gateway: Running) -> None:
    request, lending = await make_borrowing(gateway), await make_lending(gateway)
    branch = (await reload_request(gateway, request)).branch
    async with colleague(gateway, "a.desk", f"patron-services@{branch or 'MAIN'}") as own:
        assert (await own.get(f"/requests/{lending.number}")).status == 403
        if branch:
            assert (await own.get(f"/requests/{request.number}")).status == 200
    async with colleague(gateway, "b.desk", "patron-services@ELSEWHERE") as other:
        assert (await other.get(f"/requests/{request.number}")).status == 404


@pytest.mark.parametrize("silence", ["down", "hanging"])
async def test_the_page_is_there_while_the_library_is_away(
    gateway: Running, ruth: Colleague, monkeypatch: pytest.MonkeyPatch, silence: str
) -> None:
    request = await make_borrowing(gateway)
    system = library_context(gateway).system
    for module in (act_forms, request_panels):
        monkeypatch.setattr(module, "MAX_LOOK_SECONDS", 0.05)

    async def away(*_: object) -> None:
        if silence == "hanging":
            await asyncio.sleep(60)
        raise Unavailable("the library's system is down")

    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(20))
        for name in ("find_patron", "find_bib", "pickup_locations", "search_bibs"):
            if hasattr(system, name):
                setattr(system, name, away)
                stack.callback(delattr, system, name)
        page = await open_page(ruth, request)
    assert "The library system is not responding, so no more is known." in page.text
    assert "our catalogue could not be read" in page.text


# --- lists and files -------------------------------------------------------------------------------------


async def test_from_a_list_to_the_next(gateway: Running, ruth: Colleague) -> None:
    made = [await make_borrowing(gateway) for _ in range(3)]
    page = await ruth.get(f"/requests/{made[1].number}?task=awaiting-review")

    assert "2 of 3" in texts(page, "//nav[@class='trail']")[0]
    assert page.tree.xpath("//a[@rel='prev']/@href") == [f"/staff/requests/{made[0].number}?task=awaiting-review"]
    assert page.tree.xpath("//a[@rel='next']/@href") == [f"/staff/requests/{made[2].number}?task=awaiting-review"]
    other = await ruth.get(f"/requests/{made[1].number}?task=nonsense")
    assert not other.tree.xpath("//a[@rel='next']")


async def send_file(ruth: Colleague, request: Request, name: str, content: bytes) -> Answer:
    token = await ruth.read_token()
    page = await open_page(ruth, request)
    boundary = "b0undary"
    fields = {"csrf": token, **seen_fields(page)}
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    ).encode()
    body += content + f"\r\n--{boundary}--\r\n".encode()
    return await ruth.browser.post(
        f"/staff/requests/{request.number}/files", body, Content_Type=f"multipart/form-data; boundary={boundary}"
    )


async def test_a_file_is_added_and_fetched(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    pdf = COPY
    done = await send_file(ruth, request, "Kapitel 4 – свет.pdf", pdf)

    assert texts(done, "//div[@id='banner']") == ["1 file was added."]
    (link,) = done.tree.xpath("//section[@aria-labelledby='files']//li/a")
    assert link.text_content() == "Kapitel 4 – свет.pdf"
    async with ruth.browser.session.get(
        f"{ruth.browser.base}{link.get('href')}",
        headers={"Cookie": "; ".join(f"{name}={value}" for name, value in ruth.browser.cookies.items())},
    ) as answer:
        assert await answer.read() == pdf
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''Kapitel%204")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


async def test_a_file_that_is_not_wanted_is_refused_with_its_reason(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    said = await send_file(ruth, request, "page.html", b"<html><script>alert(1)</script></html>")

    assert "“page.html” was not added:" in texts(said, "//div[@id='banner']")[0]
    assert (await reload_request(gateway, request)).attachments == ()


async def test_a_pdf_that_nobody_can_read_is_refused_with_its_reason(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    said = await send_file(ruth, request, "kapittel.pdf", COPY[:-20])

    (banner,) = texts(said, "//div[@id='banner']")
    assert "“kapittel.pdf” was not added:" in banner
    assert "The PDF cannot be read" in banner
    assert (await reload_request(gateway, request)).attachments == ()


async def test_a_file_from_elsewhere_is_not_taken(gateway: Running, ruth: Colleague) -> None:
    request = await make_lending(gateway)
    body = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nwrong\r\n--b--\r\n'
    said = await ruth.browser.post(
        f"/staff/requests/{request.number}/files", body, Content_Type="multipart/form-data; boundary=b"
    )
    assert said.status == 403


async def test_in_german(gateway: Running) -> None:
    request = await make_conditional(gateway)
    async with colleague(gateway, "r.okafor", "staff", Accept_Language="de") as ruth:
        page = await open_page(ruth, request)

    assert page.tree.get("lang") == "de"
    assert texts(page, "//h2[@id='move']") == ["Zu erledigen: Bedingung von Universität Altenried beantworten"]
    partner = texts(page, "//section[@aria-labelledby='partner']//dl/*")
    assert partner[partner.index("Kanal") + 1] == "E-Mail"
    headings = texts(page, "//h2")
    assert headings[1:4] == ["Fehlgeschlagene Nachrichten", "Nutzer/in", "Partner"]
    assert headings[-3:] == ["Lieferbibliotheken", "Verlauf", "Nachrichten mit Universität Altenried"]
    assert page.tree.xpath("//input[@id='cost']/@value") == ["12,00"]


# --- the messages themselves -----------------------------------------------------------------------------


async def test_messages_can_be_read_as_they_were_sent(gateway: Running, ruth: Colleague) -> None:
    request, other = await make_lending(gateway), await make_lending(gateway, transaction="ALT-99")
    await write_journal(gateway, request, "<b>Bitte</b> „Свет“".encode())
    await write_journal(gateway, other, b"\x00\x01\xff")
    (link,) = (await open_page(ruth, request)).tree.xpath("//a[text()='Original messages']/@href")
    listed = await ruth.browser.get(link)
    (message,) = listed.tree.xpath("//ul[@class='mails']//a/@href")
    shown = await ruth.browser.get(message)

    assert texts(shown, "//pre") == ["<b>Bitte</b> „Свет“"]
    assert not shown.tree.xpath("//pre/b")
    (foreign,) = (await ruth.get(f"/requests/{other.number}/journal")).tree.xpath("//ul[@class='mails']//a/@href")
    assert texts(await ruth.browser.get(foreign), "//pre") == ["00 01 ff"]
    mixed = f"/staff/requests/{request.number}/journal/{foreign.rpartition('/')[2]}"
    assert (await ruth.browser.get(mixed)).status == 404
    await lose_key_of(gateway, foreign.rpartition("/")[2])
    unreadable = await ruth.browser.get(foreign)
    assert "The content cannot be read: message" in unreadable.tree.xpath("string(//p[@class='note-line'])")
    async with colleague(gateway, "o.lind", "operator") as operator:
        assert (await operator.get(f"/requests/{request.number}/journal")).status == 403
