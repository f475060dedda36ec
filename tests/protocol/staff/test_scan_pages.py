"""Scan pages without script: codes one a line, what became of each, and the pile of what needs a hand."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from gateway.domain.library import Money
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import LibraryParty, PatronLink, Request
from gateway.domain.requests.views import ActionRequest
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests import outbox_decisions, outbox_queries
from gateway.web.staff.scan_pages import DESKS
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

PARTNER = """
partner:
  symbols: [ISIL:NO-02030]
  name: Universitetsbiblioteket i Bergen
  email: fjernlan@ub.bergen.example
  channel: mail
"""

TITLE = "تاريخ الملاحة في البحر الأحمر"


FJORD = """
partner:
  symbols: [ISIL:NO-FJORD]
  name: Fjord Library
  channel: iso18626
iso18626:
  http:
    url: http://127.0.0.1:9/iso18626
"""


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    """With a partner who is written letters, and one who says by messages what becomes of a request."""
    (installation.folder / "profiles" / "fjord.yml").write_text(FJORD, encoding="utf-8")
    (installation.folder / "profiles" / "bergen.yml").write_text(PARTNER, encoding="utf-8")
    async with running(installation, rules={"intake": {"duplicates": {"action": "allow"}}}) as served:
        yield served


async def shipped_to_us(gateway: Running, title: str = TITLE, pickup: str = "", **details: object) -> Request:
    requests = gateway.requests()
    patron = PatronLink(identifier=PATRON, pickup=pickup)
    draft = BorrowingDraft(citation=Citation(title=title), patron=patron, partner="bergen", mediated=False)
    made = await requests.create_borrowing(draft)
    assert gateway.gateway.managed is not None
    await gateway.gateway.managed.drain_due_work()
    asked = await requests.find_request(made.id)
    context = requests.context
    event = Event(
        partner_signal(EventKind.SHIPPED), context.now(), "partner:test", EventDetails(**details), asked.current
    )  # type: ignore[arg-type]
    await apply_event(context, EventRequest(request_id=made.id, event=event))
    return await requests.find_request(made.id)


async def scan(ruth: Colleague, work: str, *codes: str, **more: str) -> list[tuple[str, str]]:
    """Code and outcome of each, in the order in which they were scanned."""
    page = await ruth.post(f"/scan/{work}", {"code": "\r\n".join(codes), **more})
    assert page.status == 200, page.text
    lines = page.tree.xpath("//ol[@id='log']/li")
    return [
        (str(line.xpath("string(span[contains(@class, 'code')])")), str(line.get("data-outcome"))) for line in lines
    ][::-1]


async def test_many_codes_are_received_in_one_form(gateway: Running) -> None:
    first, second = await shipped_to_us(gateway), await shipped_to_us(gateway, "海东方言词典")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post(
            "/scan/receive", {"code": f"{first.number}\r\n\r\n {second.number} \r\n{PATRON}\r\nnonsense"}
        )

    lines = page.tree.xpath("//ol[@id='log']/li")
    assert [str(line.get("data-outcome")) for line in lines] == ["failed", "failed", "done", "done"]
    assert "This is a patron’s card" in page.text
    assert "No request or item has this number" in page.text
    assert page.tree.xpath("//ol[@id='log']//bdi/text()") == ["海东方言词典", TITLE]
    assert [str(one) for one in page.tree.xpath("//ul[@class='counters']//b/text()")] == ["2", "0", "2", "0"]
    assert {(await gateway.requests().find_request(one.id)).state.value for one in (first, second)} == {"received"}


async def test_a_condition_stands_on_the_pile(gateway: Running) -> None:
    request = await shipped_to_us(gateway, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/receive", {"code": request.number})

    assert "Library use only" in page.tree.xpath("string(//ul[@id='pile']/li)")
    assert page.tree.xpath("//ul[@id='pile']//a/@href") == [f"/staff/requests/{request.number}"]


async def test_requests_with_one_code_are_told_apart_by_their_titles(gateway: Running) -> None:
    long = "Fahrten und Abenteuer auf den Halligen " * 10
    first, second = [await shipped_to_us(gateway, title, barcode="39000000000944") for title in (TITLE, long)]
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/receive", {"code": "39000000000944"})
        choices = {
            str(button.get("value")): " ".join(button.text_content().split())
            for button in page.tree.xpath("//ul[@id='pile']//button[@name='request']")
        }
        chosen = await ruth.post("/scan/receive", {"code": "39000000000944", "request": second.id})

    assert choices[first.id] == f"{first.number} {TITLE}"
    assert choices[second.id].startswith(f"{second.number} Fahrten und Abenteuer")
    assert choices[second.id].endswith("…"), "a title of several lines is cut"
    assert chosen.tree.xpath("//ol[@id='log']/li/@data-outcome") == ["done"]


async def test_what_comes_too_early_says_how_the_request_stands(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/lend", {"code": request.number})
        opened = await ruth.browser.get(str(page.tree.xpath("//ul[@id='pile']//a/@href")[0]))

    assert page.tree.xpath("//ol[@id='log']/li/@data-outcome") == ["look"]
    assert "In transit" in page.tree.xpath("string(//ul[@id='pile']//span[contains(@class, 'tag')])")
    assert (opened.status, TITLE in opened.text) == (200, True)


async def test_the_whole_way_of_an_item_by_scans(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        ways = [
            await scan(ruth, work, request.number)
            for work in ("receive", "unpack", "arrive", "lend", "lend", "take-back", "return")
        ]

    assert [way[0][1] for way in ways] == ["done"] * 7
    assert (await gateway.requests().find_request(request.id)).state.value == "returned"


async def recall(gateway: Running, request: Request) -> None:
    context = gateway.requests().context
    event = Event(partner_signal(EventKind.RECALL), context.now(), "partner:test", EventDetails(), request.current)
    await apply_event(context, EventRequest(request_id=request.id, event=event))


async def find_state(gateway: Running, request: Request) -> str:
    return (await gateway.requests().find_request(request.id)).state.value


async def test_what_its_lender_has_recalled_is_lent_only_after_a_question(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert [await scan(ruth, work, request.number) for work in ("receive", "unpack", "arrive")]
        await recall(gateway, request)
        asked = await ruth.post("/scan/lend", {"code": request.number})

        assert asked.tree.xpath("//ol[@id='log']/li/@data-outcome") == ["look"]
        assert "The lender has recalled this item" in asked.tree.xpath("string(//ul[@id='pile']/li)")
        assert await find_state(gateway, request) == "received"

        (form,) = asked.tree.xpath("//ul[@id='pile']//form")
        fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input|.//button")}
        lent = await ruth.post("/scan/lend", fields, token=fields.pop("csrf"))

    assert lent.tree.xpath("//ol[@id='log']/li/@data-outcome") == ["done"]
    assert await find_state(gateway, request) == "lent"


async def test_a_renewal_without_a_date_is_shown_as_one_and_the_date_can_be_entered(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert [await scan(ruth, work, request.number) for work in ("receive", "unpack", "arrive", "lend")]
        renew = ActionRequest(kind=EventKind.RENEW, details=EventDetails(), actor="staff:ana", version=None)
        await gateway.requests().apply_action(request.id, renew)
        context = gateway.requests().context
        granted = Event(partner_signal(EventKind.RENEW_ACCEPTED), context.now(), "partner:test", EventDetails(), 1)
        await apply_event(context, EventRequest(request_id=request.id, event=granted))

        messages, opened = await ruth.get("/messages"), await ruth.get(f"/requests/{request.number}")
        asked = await ruth.get(f"/requests/{request.number}/act/due-date-changed")

    assert "granted the renewal without a new due date" in messages.text
    assert "granted our renewal without a new due date" in opened.text
    assert asked.tree.xpath("//input[@name='due'][@type='date']")


async def test_a_failed_scan_waits_on_the_pile_with_a_way_out(gateway: Running) -> None:
    draft = LendingDraft(citation=Citation(title="Wetterleuchten"), requester=LibraryParty(profile="bergen"))
    lending = await gateway.requests().create_lending(draft)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/receive", {"code": "\r\n".join([PATRON, lending.number, "X-001"])})
        ways = {
            str(hand.xpath("string(p/span[@class='code'])")): hand.xpath(".//a/@href")
            for hand in page.tree.xpath("//ul[@id='pile']/li[@data-outcome='failed']")
        }
        opened = await ruth.get(ways[lending.number][0].removeprefix("/staff"))
        found = await ruth.get(ways["X-001"][0].removeprefix("/staff"))

    assert list(ways) == ["X-001", lending.number, PATRON]
    assert not ways[PATRON], "a card isn't looked for by an address, which would be kept in the browser"
    assert lending.number in opened.text
    assert "X-001" in found.text


async def test_a_scan_that_the_library_system_refused_can_be_scanned_again(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await shipped_to_us(gateway)
    context = gateway.requests().context

    async def refuse(*_arguments: object, **_more: object) -> None:
        raise Refused(RefusalReason.NOT_ALLOWED, "An item with this barcode exists already.")

    async with colleague(gateway, "r.okafor", "staff") as ruth:
        with monkeypatch.context() as patched:
            patched.setattr(type(context.system), "create_temporary_item", refuse)
            refused = await ruth.post("/scan/receive", {"code": one.number})
        (form,) = refused.tree.xpath("//ul[@id='pile']/li[@data-outcome='failed']//form")
        fields = {str(field.get("name")): str(field.get("value") or "") for field in form.xpath(".//input")}
        again = await ruth.post("/scan/receive", fields)

    assert "An item with this barcode exists already." in refused.text
    assert [line.get("data-outcome") for line in again.tree.xpath("//ol[@id='log']/li")] == ["done"]
    assert (await gateway.requests().find_request(one.number)).state.value == "received"


async def test_what_its_lender_has_not_sent_is_received_only_after_a_question(gateway: Running) -> None:
    draft = BorrowingDraft(
        citation=Citation(title=TITLE), patron=PatronLink(identifier=PATRON), partner="fjord", mediated=False
    )
    made = await gateway.requests().create_borrowing(draft)
    assert gateway.gateway.managed is not None
    await gateway.gateway.managed.drain_due_work()
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        asked = await ruth.post("/scan/receive", {"code": made.number})
        meanwhile = await gateway.requests().find_request(made.number)
        (form,) = asked.tree.xpath("//ul[@id='pile']//form")
        fields = {str(field.get("name")): str(field.get("value") or "") for field in form.xpath(".//input | .//button")}
        await ruth.post("/scan/receive", fields)

    assert "The lender has not reported that this was shipped, so it was not received." in asked.text
    assert meanwhile.state.value == "requested"
    assert (await gateway.requests().find_request(made.number)).state.value == "received"


async def test_the_page_of_a_request_asks_before_it_lends_what_is_recalled(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert [await scan(ruth, work, request.number) for work in ("receive", "unpack", "arrive")]
        await recall(gateway, request)
        path = f"/requests/{request.number}/act"
        opened = await ruth.get(f"/requests/{request.number}")
        version = str(opened.tree.xpath("//input[@name='version']/@value")[0])
        asked = await ruth.post(path, {"version": version, "seen": "", "kind": "loaned-to-patron"})

        assert "Action needed: return the item" in opened.text
        assert "The lender has recalled this item. Check it out anyway?" in asked.text
        assert await find_state(gateway, request) == "received"

        (form,) = asked.tree.xpath("//form[contains(@action, '/act/loaned-to-patron')]")
        fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input[@type='hidden']")}
        await ruth.post(f"{path}/loaned-to-patron", fields, token=fields.pop("csrf"))
        assert await find_state(gateway, request) == "lent"

        back = ActionRequest(kind=EventKind.RETURNED_BY_PATRON, details=EventDetails(), actor="staff:ana", version=None)
        await gateway.requests().apply_action(request.id, back)
        opened = await ruth.get(f"/requests/{request.number}")

    assert "Action needed: return the item, which" in opened.text
    assert "has recalled" in opened.text


async def test_an_item_of_ours_is_pulled_shipped_and_checked_in(gateway: Running) -> None:
    requests = gateway.requests()
    draft = LendingDraft(citation=Citation(title="Wetterleuchten"), requester=LibraryParty(profile="bergen"))
    made = await requests.create_lending(draft)
    item = "39000000000019"
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        unclear = await ruth.post("/scan/locate", {"code": made.number})
        (form,) = unclear.tree.xpath("//ul[@id='pile']//form")
        fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input")}
        located = await ruth.post("/scan/locate", {**fields, "item": item}, token=fields.pop("csrf"))
        rest = [await scan(ruth, work, item) for work in ("locate", "ship", "check-in")]

    assert located.tree.xpath("//ol[@id='log']/li/@data-outcome") == ["done"]
    assert [way[0][1] for way in rest] == ["done"] * 3
    assert (await requests.find_request(made.id)).state.value == "completed"


async def test_what_comes_back_after_its_loss_was_settled_says_what_was_to_be_paid(gateway: Running) -> None:
    requests = gateway.requests()
    draft = LendingDraft(citation=Citation(title="Wetterleuchten"), requester=LibraryParty(profile="bergen"))
    made = await requests.create_lending(draft)
    item, cost = "39000000000019", Money(Decimal("38.50"), "EUR")
    for kind, details in (
        (EventKind.LOCATED, EventDetails(barcode=item)),
        (EventKind.SHIPPED, EventDetails()),
        (EventKind.LOST, EventDetails()),
        (EventKind.SETTLED, EventDetails(cost=cost)),
    ):
        await requests.apply_action(made.id, ActionRequest(kind=kind, details=details, actor="staff:ana", version=None))
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        scanned = await ruth.post("/scan/check-in", {"code": item})
        again = await scan(ruth, "check-in", item)
        opened = await ruth.browser.get(f"/staff/requests/{made.number}")

    (line,) = scanned.tree.xpath("//ul[@id='pile']/li")
    assert again == [(item, "done")]
    for shown in (line.xpath("string()"), opened.text):
        assert "The item was returned after its loss had been settled on" in shown
        assert "€38.50 was to be paid for it" in shown


async def test_a_number_and_the_item_behind_it_are_one_line(gateway: Running) -> None:
    requests = gateway.requests()
    draft = LendingDraft(citation=Citation(title="Wetterleuchten"), requester=LibraryParty(profile="bergen"))
    first, second = [await requests.create_lending(draft) for _ in range(2)]
    item = "39000000000019"
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/ship", {"code": "\r\n".join([first.number, item, second.number, "X-001"])})

    lines = page.tree.xpath("//ol[@id='log']/li")
    assert [
        (line.xpath("string(span[contains(@class, 'code')])"), line.get("data-outcome")) for line in lines[::-1]
    ] == [
        (item, "done"),
        (second.number, "look"),
        ("X-001", "failed"),
    ]
    assert [line.get("data-outcome") for line in page.tree.xpath("//ul[@id='pile']/li")] == ["failed", "look"]
    assert (await requests.find_request(first.id)).state.value == "shipped"


def undo_fields(page: Answer) -> dict[str, str]:
    """Of the newest line."""
    form = page.tree.xpath("//ol[@id='log']//form[contains(@action, '/undo')]")[0]
    return {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input")}


async def let_go_out(gateway: Running, request: Request) -> None:
    """A colleague has told the partner by telephone, and leaves out what waits."""
    context = gateway.requests().context

    def skip_waiting_rows(connection: Connection) -> None:
        for row in outbox_queries.unfinished_of_request(connection, "DEMO", request.id):
            outbox_decisions.skip_row(connection, "DEMO", row.id, "by telephone", "staff:m.mori", context.now())

    await context.store.write(skip_waiting_rows)


async def test_what_was_scanned_by_mistake_is_taken_back(gateway: Running) -> None:
    """As long as nobody has been told; then the page says so."""
    requests = gateway.requests()
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        received = await ruth.post("/scan/receive", {"code": request.number})
        undone = await ruth.post("/undo", undo_fields(received))
        assert f"Undone: {request.number}." in undone.text
        assert undone.title == "Receive", "the page that it was done on"
        assert (await requests.find_request(request.id)).state.value == "shipped"

        again = await ruth.post("/scan/receive", {"code": request.number})
        await let_go_out(gateway, request)
        told = await ruth.post("/undo", undo_fields(again))
        assert told.tree.xpath("normalize-space(//div[@id='banner'])") == (
            "1 was not undone because others have already been told."
        )
        assert (await requests.find_request(request.id)).state.value == "received"

        await ruth.post("/scan/arrive", {"code": request.number})
        lent = await ruth.post("/scan/lend", {"code": request.number})
        await ruth.post("/undo", undo_fields(lent))
        assert (await requests.find_request(request.id)).state.value == "back"
        sent_back = await ruth.post("/scan/return", {"code": request.number})
        assert not sent_back.tree.xpath("//ol[@id='log']//form")
        assert "This cannot be undone: the lender is notified" in sent_back.text


async def test_a_script_gets_a_line_and_the_same_line_for_the_same_key(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff", Accept="application/json") as ruth:
        token = (await ruth.browser.get("/staff/account")).tree.xpath("//input[@name='csrf']/@value")[0]
        fields = {"code": request.number, "key": "0123456789abcdef", "csrf": str(token)}
        answers = [await ruth.browser.post("/staff/scan/receive", fields) for _ in range(2)]

    first, again = (json.loads(one.text) for one in answers)
    assert first["outcome"] == again["outcome"] == "done"
    assert "forward to Central Library" in first["line"]
    assert "forward to Central Library" in again["line"], "not: already done"
    assert answers[0].headers["Cache-Control"] == "no-store"


async def test_a_script_is_told_of_a_wrong_due_date_in_the_line(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff", Accept="application/json") as ruth:
        token = (await ruth.browser.get("/staff/account")).tree.xpath("//input[@name='csrf']/@value")[0]
        fields = {"code": request.number, "due": "2020-01-01", "csrf": str(token)}
        answer = json.loads((await ruth.browser.post("/staff/scan/receive", fields)).text)

    assert answer["outcome"] == "failed"
    assert "or a later date" in answer["line"]
    assert (await gateway.requests().find_request(request.id)).state.value == "shipped"


async def test_what_comes_from_outside_is_text(gateway: Running) -> None:
    request = await shipped_to_us(gateway, "<script>alert(1)</script>")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/receive", {"code": f"{request.number}\r\n<img src=x onerror=alert(2)>"})

    assert not page.tree.xpath("//script[not(@src)] | //img")
    assert "<script>alert(1)</script>" in page.tree.xpath("string(//ol[@id='log'])")


async def test_an_empty_form_and_too_many_codes_are_said(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        empty = await ruth.post("/scan/receive", {"code": " \r\n"})
        many = await ruth.post("/scan/receive", {"code": "\r\n".join(["B2026-00001"] * 201)})

    assert (empty.status, many.status) == (422, 422)
    assert "Please fill in “Code”." in empty.text
    assert "You can scan up to 200 codes at once." in many.text


async def test_desks_are_grouped_by_borrowing_and_lending(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        index = await ruth.get("/scan")

    sections = {section.findtext(".//h2"): section.xpath(".//li/a/text()") for section in index.tree.iter("section")}
    assert list(sections) == ["Borrowing", "Lending"]
    assert sections["Lending"] == ["Pull", "Ship", "Check in"]
    assert len(sections["Borrowing"]) == len(DESKS) - 3


async def test_who_works_at_a_branch_sees_the_desks_of_branches_alone(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "b.branch", "patron-services@EAST") as beth:
        index = await beth.get("/scan")
        closed = await beth.get("/scan/receive")
        elsewhere = await scan(beth, "lend", request.number)

    assert [str(one) for one in index.tree.xpath("//main//a/@href")] == [
        "/staff/scan/unpack",
        "/staff/scan/arrive",
        "/staff/scan/lend",
        "/staff/scan/take-back",
    ]
    assert index.tree.xpath("//main//h2/text()") == ["Borrowing"]
    assert closed.status == 403
    assert elsewhere == [(request.number, "failed")]


async def test_the_slips_of_a_run_are_printed_by_one_button(gateway: Running) -> None:
    request = await shipped_to_us(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        await scan(ruth, "receive", request.number)
        page = await ruth.post("/scan/arrive", {"code": request.number})
        (form,) = page.tree.xpath("//form[@action='/staff/print']")
        fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input | .//button")}
        batch = await ruth.post("/print", fields, token=fields.pop("csrf"))
        nothing = await ruth.get("/scan/lend")

    assert batch.status == 200
    assert "Hold slips" in batch.title
    assert request.number in batch.text
    assert not nothing.tree.xpath("//form[@action='/staff/print']")


async def test_sounds_are_kept_for_the_browser(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        before = await ruth.get("/scan/ship")
        kept = await ruth.post("/scan/settings", {"work": "ship"})
        strange = await ruth.post("/scan/settings", {"work": "../../evil", "sound": "yes"})

    assert before.tree.xpath("//input[@id='sound']/@checked")
    assert (kept.url.rpartition("/staff")[2], strange.url.rpartition("/staff")[2]) == ("/scan/ship", "/scan")
    assert not kept.tree.xpath("//input[@id='sound']/@checked")


async def test_each_scan_has_its_slip_in_a_batch_of_the_run(gateway: Running) -> None:
    """Without script: a link beside each line, and one for all."""
    first, second, third = [await shipped_to_us(gateway, title) for title in (TITLE, "海东方言词典", "Шум дождя")]
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        await scan(ruth, "receive", first.number, second.number, third.number)
        kept = await ruth.post("/scan/settings", {"work": "arrive", "slips": "each"})
        assert kept.tree.xpath("//input[@name='slips'][@checked]/@value") == ["each"]
        page = await ruth.post("/scan/arrive", {"code": "\r\n".join([first.number, "X-001", second.number])})
        links = [str(one) for one in page.tree.xpath("//ol[@id='log']//a[@class='slip-link']/@href")]
        slip = await ruth.browser.get(links[0])
        batch = await ruth.browser.get(str(page.tree.xpath("//*[@id='run-slips']/a[not(@hidden)]/@href")[0]))

    assert links == [f"/staff/print/1/slips/{one.id}" for one in (second, first)]
    assert (slip.title, len(slip.tree.xpath("//article"))) == (f"Hold slips, batch 1: {second.number}", 1)
    assert len(batch.tree.xpath("//article")) == 2
    policies = [one.headers["Content-Security-Policy"] for one in (slip, batch, page)]
    assert ["frame-ancestors 'self'" in one for one in policies] == [True, False, False], "of the one slip alone"
    assert ["frame-src 'self'" in one for one in policies] == [False, False, True]


async def test_slips_that_a_script_asks_for_come_one_by_one_into_the_same_batch(gateway: Running) -> None:
    first, second = await shipped_to_us(gateway), await shipped_to_us(gateway, "海东方言词典")
    async with colleague(gateway, "r.okafor", "staff", Accept="application/json") as ruth:
        token = str((await ruth.browser.get("/staff/account")).tree.xpath("//input[@name='csrf']/@value")[0])

        async def scan_slip(work: str, code: str, key: str, **more: str) -> dict[str, object]:
            fields = {"code": code, "key": key * 16, "csrf": token, **more}
            return json.loads((await ruth.browser.post(f"/staff/scan/{work}", fields)).text)["slip"]

        sent_on = await scan_slip("receive", first.number, "a", slips="each")
        await scan_slip("receive", second.number, "b", slips="never")
        made = await scan_slip("arrive", first.number, "c", slips="each")
        lost = await scan_slip("arrive", first.number, "c", slips="each")
        added = await scan_slip("arrive", second.number, "d", slips="each", batches="1 2")
        twice = await scan_slip("arrive", second.number, "e", slips="each", batches="1 2")

    def on(batch: int, kind: str, request: Request) -> dict[str, object]:
        return {"path": f"/staff/print/{batch}/slips/{request.id}", "kind": kind, "batch": batch, "print": True}

    assert sent_on == on(1, "transit-slips", first), "it goes on to its pickup location"
    assert made == lost == on(2, "hold-slips", first), "an answer that got lost is no second batch"
    assert added == on(2, "hold-slips", second)
    assert twice is None, "what was done already is printed already"


async def test_what_goes_on_to_branches_has_their_names_on_its_slips_in_their_order(gateway: Running) -> None:
    east, central, also_east = [
        await shipped_to_us(gateway, title, pickup=pickup)
        for title, pickup in ((TITLE, "EAST"), ("海东方言词典", "MAIN"), ("Шум дождя", "EAST"))
    ]
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        received = await ruth.post(
            "/scan/receive", {"code": "\r\n".join(one.number for one in (east, central, also_east)), "slips": "each"}
        )
        batch = await ruth.browser.get(
            str(received.tree.xpath("//a[@data-kind='transit-slips'][not(@hidden)]/@href")[0])
        )

    slips = batch.tree.xpath("//article")
    assert [str(slip.xpath("string(.//p[starts-with(@class, 'branch')])")) for slip in slips] == [
        "Central Library",
        "East Branch and Children's Library",
        "East Branch and Children's Library",
    ]
    assert {str(slip.xpath("string(.//div[@class='then-do']/b)")) for slip in slips} == {"Scan there: Shelve at branch"}
    marks = {str(slip.xpath("string(.//dt[.='Hold shelf']/following-sibling::dd)")) for slip in slips}
    assert re.fullmatch(r"\w{3} \d{4}", " ".join(marks)), "of the one patron"
    assert [str(slip.xpath("string(.//p[@class='slip-work'])")) for slip in slips] == [
        "海东方言词典",
        TITLE,
        "Шум дождя",
    ]
    assert not received.tree.xpath("//a[@data-kind='hold-slips'][not(@hidden)]")


async def test_nobody_is_given_a_slip_of_another_batch(gateway: Running) -> None:
    first, second = await shipped_to_us(gateway), await shipped_to_us(gateway, "海东方言词典")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        await scan(ruth, "receive", first.number, second.number)
        await ruth.post("/scan/arrive", {"code": first.number, "slips": "each"})

        assert (await ruth.get(f"/print/1/slips/{second.id}")).status == 404
        assert (await ruth.get(f"/print/2/slips/{first.id}")).status == 404
