"""Slips and labels of what was just sent: from the run of scans, and from the request, whatever has become of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.request import PatronLink, Request
from gateway.domain.requests.views import ActionRequest, BorrowingDraft
from gateway.services.requests.transitions import EventRequest, apply_event
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
    made = await requests.create_borrowing("DEMO", draft)
    await gateway.gateway.managed.drain_due_work()
    asked = await requests.find_request("DEMO", made.id)
    context = requests.library_context("DEMO")
    event = Event(partner_signal(EventKind.SHIPPED), context.now(), "partner:test", attempt=asked.current)
    await apply_event(context, EventRequest(request_id=made.id, event=event))
    return await act(gateway, made, EventKind.RECEIVED)


async def act(gateway: Running, request: Request, kind: EventKind) -> Request:
    action = ActionRequest(kind=kind, actor="staff:test", version=None)
    return await gateway.requests().apply_action("DEMO", request.id, action)


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
        assert (await gateway.requests().find_request("DEMO", request.id)).state.value == "completed"
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
        offered = before.tree.xpath("//section[@aria-labelledby='paper']//button/text()")
        refused = [one.text_content() for one in before.tree.xpath("//section[@aria-labelledby='paper']//span")]
        await act(gateway, request, EventKind.RETURNED)
        over = await ruth.get(path)
        form = "//form[contains(@action, '/print')][input[@name='kind' and @value='return-slips']]"
        slip = await press(ruth, over, form, "Print: Return slip")
        await ruth.post("/print/1/printed", {})
        after = await ruth.get(path)
        (line,) = after.tree.xpath("//section[@aria-labelledby='paper']//li[a]")
        again = await ruth.browser.get(str(line.xpath("a/@href")[0]))

    assert offered == ["Print: Book strap", "Print: Return slip", "Print: Address label"]
    assert "Hold slip (No item is on the hold shelf.)" in refused
    assert slip.title == "Return slips, batch 1"
    assert "Return slip again" in line.text_content()
    assert "Printed by Ruth Okafor" in line.text_content()
    assert len(again.tree.xpath("//article")) == 1


async def test_nothing_to_print_says_why(gateway: Running) -> None:
    request = await receive(gateway)
    await act(gateway, request, EventKind.AT_PICKUP)
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        never = await ruth.post("/print", {"kind": "return-slips"})
        await ruth.post("/print", {"kind": "hold-slips", "one": request.id})
        printed = await ruth.post("/print", {"kind": "hold-slips"})
        wrong = await ruth.post("/print", {"kind": "return-slips", "one": "no-such-request"})
        other = await ruth.post(f"/requests/{request.number}/print", {"kind": "pull-slips"})

    assert "Nothing to print. No item is to be returned." in never.text
    assert "Nothing to print: all is in batch 1, which Ruth Okafor created " in printed.text
    assert "Nothing to print. No item is to be returned." in wrong.text
    assert "No item is to be pulled from the shelf." in other.text


async def test_a_branch_desk_counts_shelves_and_prints_for_its_branch_alone(gateway: Running) -> None:
    """Two items come in: the one is collected at a branch, the other at the main library by a reader of that branch."""
    places = [one.code for one in await gateway.requests().library_context("DEMO").system.pickup_locations()]
    assert len(places) > 2
    home = (await receive(gateway)).branch
    branch, third = [one for one in places if one != home][:2]
    ours = await receive(gateway, "Om tidevann", pickup=branch)
    theirs = await receive(gateway, "Om vind", pickup=home)
    async with colleague(gateway, "b.branch", f"patron-services@{branch}") as beth:
        page = await beth.post("/scan/arrive", {"code": f"{ours.number}\r\n{theirs.number}"})
        lines = [str(one.get("data-outcome")) for one in page.tree.xpath("//ol[@id='log']/li")][::-1]
        slips = await press(beth, page, "//form[@id='print-run']", "Print hold slips")
        kinds = [one.text_content() for one in (await beth.get("/print")).tree.xpath("//tr/td[1]/b")]
        lending = await beth.post("/print", {"kind": "pull-slips"})
    async with colleague(gateway, "h.home", f"patron-services@{home}") as home_desk:
        shelved = await home_desk.post("/scan/arrive", {"code": ours.number})
        elsewhere = (await home_desk.get("/print/1")).status
        unpacking = count_at(await home_desk.get("/scan"), "unpack")
    async with colleague(gateway, "t.third", f"patron-services@{third}") as third_desk:
        counts = [count_at(await third_desk.get("/scan"), "unpack"), (await third_desk.get("/print/1")).status]

    assert lines == ["done", "failed"]
    assert "another branch" in page.text
    assert slips.title == "Hold slips, batch 1"
    assert [one.text_content() for one in slips.tree.xpath("//p[@class='slip-work']")] == ["Om tidevann"]
    assert kinds == ["Hold slips", "Transit slips", "Book straps", "Letters to patrons"]
    assert lending.status == 403
    assert "another branch" in shelved.text
    assert elsewhere == 200, "it is of a reader of this library"
    assert (unpacking, counts) == ("2", ["0", 404]), "of its readers; none of a third branch"
