"""Slips and labels of what was just sent: from the run of scans, and from the request, whatever has become of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.domain.library import PickupLocation
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import PatronLink, Request
from gateway.domain.requests.views import ActionRequest
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.schema import make_exchange_id
from gateway.web.staff import app
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

PARTNER = """
partner:
  symbols: [ISIL:NO-02030]
  name: Universitetsbiblioteket i Bergen
  address: |
    Haakon Sheteligs plass 7
    5015 Bergen
  email: fjernlan@ub.bergen.example
  channel: mail
  workflow:
    borrowing: {expects_check_in: false}
"""
"""As with every partner reached by mail: returned is the end."""


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    (installation.folder / "profiles" / "bergen.yml").write_text(PARTNER, encoding="utf-8")
    async with running(installation, rules={"intake": {"duplicates": {"action": "allow"}}}) as served:
        yield served


async def receive(gateway: Running, title: str = "Om fargen på snø", **patron: str) -> Request:
    """An item of Bergen lies here."""
    requests = gateway.requests()
    link = PatronLink(identifier=PATRON, **patron)
    draft = BorrowingDraft(citation=Citation(title=title), patron=link, partner="bergen", mediated=False)
    made = await requests.create_borrowing(draft)
    await gateway.gateway.managed.drain_due_work()
    asked = await requests.find_request(made.id)
    context = requests.context
    due = EventDetails(due=date(2027, 1, 11))
    event = Event(partner_signal(EventKind.SHIPPED), context.now(), "partner:test", due, attempt=asked.current)
    await apply_event(context, EventRequest(request_id=made.id, event=event))
    return await act(gateway, made, EventKind.RECEIVED)


async def act(gateway: Running, request: Request, kind: EventKind) -> Request:
    action = ActionRequest(kind=kind, actor="staff:test", version=None)
    return await gateway.requests().apply_action(request.id, action)


async def press(ruth: Colleague, page: Answer, form: str, word: str) -> Answer:
    """A button of a form on the page, with all that the form holds. `form`: its XPath."""
    (found,) = page.tree.xpath(form)
    (button,) = [one for one in found.xpath(".//button") if word in one.text_content()]
    pairs = [(str(one.get("name")), str(one.get("value") or "")) for one in found.xpath(".//input")]
    if button.get("name"):
        pairs.append((str(button.get("name")), str(button.get("value"))))
    return await ruth.browser.post(str(found.get("action")), dict(pairs))


def count_at(index: Answer, work: str) -> str:
    return str(index.tree.xpath(f"string(//li[a[@href='/staff/scan/{work}']]/span[1])"))


async def test_slip_and_label_of_what_a_run_sent_back_are_printed_though_the_request_is_over(gateway: Running) -> None:
    request = await receive(gateway)
    await act(gateway, request, EventKind.LOANED_TO_PATRON)
    await act(gateway, request, EventKind.RETURNED_BY_PATRON)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/return", {"code": request.number})
        assert (await gateway.requests().find_request(request.id)).state.value == "completed"
        slip = await press(ruth, page, "//form[@id='print-run']", "Print return slips")
        label = await press(ruth, page, "//form[@id='print-run']", "Print address labels")

    assert (slip.title, len(slip.tree.xpath("//article"))) == ("Return slips, batch 1", 1)
    assert label.title == "Address labels, batch 2"
    assert "Haakon Sheteligs plass 7" in label.tree.xpath("string(//address)")


async def test_paper_of_a_request_is_printed_from_its_page_and_again(gateway: Running) -> None:
    request = await receive(gateway)
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        path = f"/requests/{request.number}"
        await act(gateway, request, EventKind.LOANED_TO_PATRON)
        await act(gateway, request, EventKind.RETURNED_BY_PATRON)
        before = await ruth.get(path)
        offered = before.tree.xpath("//details[@id='paper']//button/text()")
        refused = [one.text_content() for one in before.tree.xpath("//details[@id='paper']//span")]
        await act(gateway, request, EventKind.RETURNED)
        over = await ruth.get(path)
        form = "//form[contains(@action, '/print')][input[@name='kind' and @value='return-slips']]"
        slip = await press(ruth, over, form, "Print: Return slip")
        await ruth.post("/print/1/printed", {})
        after = await ruth.get(path)
        (line,) = after.tree.xpath("//details[@id='paper']//li[a]")
        again = await ruth.browser.get(str(line.xpath("a/@href")[0]))

    assert offered == ["Print: Book strap", "Print: Return slip", "Print: Address label"]
    assert "Hold slip (No item is on the hold shelf.)" in refused
    assert slip.title == "Return slips, batch 1"
    assert "Your number" not in slip.text
    assert slip.tree.xpath("//article//dt[.='Due date']/following-sibling::dd/bdi/text()") == ["11\xa0January 2027"]
    ticks = [line.text_content() for line in slip.tree.xpath("//article//li[span[@class='box']]")]
    assert ticks[1:] == ["Condition as received", "Damaged", "Book strap removed"]
    assert "Return slip again" in line.text_content()
    assert "Printed by Ruth Okafor" in line.text_content()
    assert len(again.tree.xpath("//article")) == 1


async def test_the_paper_of_a_whole_day_of_scans_is_printed(gateway: Running) -> None:
    request = await receive(gateway)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.post("/scan/arrive", {"code": request.number})
        (form,) = page.tree.xpath("//form[@id='print-run']")
        (run,) = form.xpath(".//input[@name='run']/@value")
        ids = " ".join([*(make_exchange_id(datetime.now(UTC)) for _ in range(2_000)), run])
        slips = await ruth.post("/print", {"kind": "hold-slips", "run": ids})

    assert run == request.id
    assert (slips.title, print_titles(slips)) == ("Hold slips, batch 1", {"Om fargen på snø"})


async def test_nothing_to_print_says_why(gateway: Running) -> None:
    request = await receive(gateway)
    await act(gateway, request, EventKind.AT_PICKUP)
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        never = await ruth.post("/print", {"kind": "return-slips"})
        await ruth.post("/print", {"kind": "hold-slips", "run": request.id})
        printed = await ruth.post("/print", {"kind": "hold-slips"})
        wrong = await ruth.post("/print", {"kind": "return-slips", "run": "no-such-request"})
        other = await ruth.post(f"/requests/{request.number}/print", {"kind": "pull-slips"})

    assert "Nothing to print. No item is to be returned." in never.text
    assert "Nothing to print: all is in batch 1, which Ruth Okafor created " in printed.text
    assert "Nothing to print. No item is to be returned." in wrong.text
    assert "No item is to be pulled from the shelf." in other.text


@pytest.mark.parametrize("at_home", [False, True], ids=["branch", "home"])
async def test_a_branch_desk_counts_lists_shelves_and_prints_the_same(gateway: Running, at_home: bool) -> None:
    """Readers of the main library collect two items at a branch and one at home: a desk has its own items everywhere,
    and nothing of the other desk's."""
    places = [one.code for one in await gateway.requests().context.system.pickup_locations()]
    home = (await receive(gateway, "Om regn", pickup=places[2])).branch
    branch = next(one for one in places[:2] if one != home)
    items = {
        branch: [await receive(gateway, title, pickup=branch) for title in ("Om tidevann", "Om torden")],
        home: [await receive(gateway, "Om vind", pickup=home)],
    }
    desk, other = (home, branch) if at_home else (branch, home)
    own, theirs = items[desk], items[other]
    numbers, titles = {one.number for one in own}, {one.citation.title for one in own}
    everything = [*own, *theirs]
    async with colleague(gateway, "b.branch", f"patron-services@{desk}") as beth:
        queue = await beth.get()
        live = json.loads((await beth.browser.get("/staff/live/counts", Accept="application/json")).text)
        on_list = [
            list_numbers(await beth.get(f"/borrowing?{query}")) for query in ("task=in-transit", f"branch={other}")
        ]
        in_file = (await beth.get("/borrowing.csv?task=in-transit")).text
        to_unpack = count_at(await beth.get("/scan"), "unpack")
        opened = {one.number for one in everything if (await beth.get(f"/requests/{one.number}")).status == 200}
        found = {one.number for one in everything if f"requests/{one.number}" in await look_for(beth, one.number)}
        waiting = await count_waiting(beth, "Transit slips")
        transit = await beth.post("/print", {"kind": "transit-slips"})
        shelved = await beth.post("/scan/arrive", {"code": "\r\n".join(one.number for one in everything)})
        lines = [str(one.get("data-outcome")) for one in shelved.tree.xpath("//ol[@id='log']/li")][::-1]
        hold = await press(beth, shelved, "//form[@id='print-run']", "Print hold slips")
        batches = [
            str(one) for one in (await beth.get("/print")).tree.xpath("//main//a[contains(@href, '/print/')]/@href")
        ]
        closed = [(await beth.get(path)).status for path in ("/lending", "/copies", "/scan/check-in")]
        lending = await beth.post("/print", {"kind": "pull-slips"})

    count = str(len(own))
    assert str(queue.tree.xpath("string(//li[@data-task='in-transit']//*[@data-count])")) == count
    assert (live["lists"]["in-transit"]["count"], to_unpack, waiting) == (count, count, count)
    assert [set(one) for one in on_list] == [numbers, numbers]
    assert {one.number for one in everything if one.number in in_file} == opened == found == numbers
    assert print_titles(transit) == print_titles(hold) == titles
    assert lines == ["done"] * len(own) + ["failed"] * len(theirs)
    assert "another branch" in shelved.text
    assert sorted(set(batches)) == ["/staff/print/1", "/staff/print/2"]
    assert (closed, lending.status) == ([403] * 3, 403)
    async with colleague(gateway, "o.other", f"patron-services@{other}") as oda:
        assert [(await oda.get(f"/print/{number}")).status for number in (1, 2)] == [404, 404]
        assert (await oda.get("/print")).tree.xpath("//main//a[contains(@href, '/print/')]/@href") == []
        assert count_at(await oda.get("/scan"), "unpack") == str(len(theirs))


def list_numbers(page: Answer) -> list[str]:
    path = "//table[contains(@class, 'list')]//td[contains(@class, 'number')]/span[1]/text()"
    return [str(text) for text in page.tree.xpath(path)]


async def look_for(colleague: Colleague, number: str) -> str:
    """Where the search for a number leads."""
    answer = await colleague.get(f"/find?q={number}", follow=False)
    return str(answer.headers.get("Location", ""))


async def count_waiting(colleague: Colleague, title: str) -> str:
    """Sheets of a kind that wait, as the page for printing says."""
    (row,) = (await colleague.get("/print")).tree.xpath(f"//tr[td/b[. = '{title}']]")
    return str(row.xpath("string(td[3])")).strip()


def print_titles(sheets: Answer) -> set[str]:
    return {str(one.text_content()) for one in sheets.tree.xpath("//p[@class='slip-work']")}


async def test_a_place_at_a_branch_belongs_to_its_desk(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library's system has places within a branch, whose codes are others than the branch's."""
    system = gateway.requests().context.system
    places = await system.pickup_locations()
    on_hill = replace(places[1], library="HILL")

    async def list_places(*_: object) -> tuple[PickupLocation, ...]:
        return (places[0], on_hill, *places[2:])

    monkeypatch.setattr(type(system), "pickup_locations", list_places)
    ours, theirs = await receive(gateway, pickup=on_hill.code), await receive(gateway, "Om vind", pickup=places[0].code)
    async with colleague(gateway, "h.hill", "patron-services@HILL") as hilde:
        assert list_numbers(await hilde.get("/borrowing")) == [ours.number]
        assert count_at(await hilde.get("/scan"), "unpack") == "1"
        page = await hilde.post("/scan/arrive", {"code": f"{ours.number}\r\n{theirs.number}"})
        assert [str(one.get("data-outcome")) for one in page.tree.xpath("//ol[@id='log']/li")][::-1] == [
            "done",
            "failed",
        ]


@pytest.mark.parametrize("silence", ["down", "unable", "hanging"])
async def test_a_branch_works_while_the_library_names_no_places(
    gateway: Running, monkeypatch: pytest.MonkeyPatch, silence: str
) -> None:
    system, over = gateway.requests().context.system, asyncio.Event()
    (_, branch, *_) = [one.code for one in await system.pickup_locations()]
    ours = await receive(gateway, pickup=branch)

    async def list_no_places(*_: object) -> tuple[PickupLocation, ...]:
        if silence == "unable":
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, "It cannot list pickup locations.")
        if silence == "hanging":
            await over.wait()
        raise Unavailable("the library's system is down")

    monkeypatch.setattr(type(system), "pickup_locations", list_no_places)
    monkeypatch.setattr(app, "MAX_PLACES_SECONDS", 0.05)
    try:
        async with asyncio.timeout(20), colleague(gateway, "b.branch", f"patron-services@{branch}") as beth:
            assert list_numbers(await beth.get("/borrowing")) == [ours.number]
            assert count_at(await beth.get("/scan"), "unpack") == "1"
    finally:
        over.set()
