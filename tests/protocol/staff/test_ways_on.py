"""A request says since when its task is there, and what can be done: no list and no state is a dead end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from gateway.domain.requests.events import STRANGER, Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import Request, RequestFlag
from gateway.domain.requests.task_lists import list_task_names
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests.tables import request_event
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    act,
    add_partners,
    hear_partner,
    library_context,
    make_asked,
    make_lending,
    reload_request,
)
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


@pytest.fixture
async def ruth(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as one:
        yield one


async def test_a_task_waits_since_it_came(gateway: Running, ruth: Colleague) -> None:
    """Received a month ago, on its way to a branch since, and recalled just now."""
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED)
    await act(gateway, request, EventKind.RECEIVED)
    await hear_partner(gateway, request, EventKind.RECALL)
    context = library_context(gateway)
    before = context.now() - timedelta(days=30)

    def make_older(connection: Connection) -> None:
        c = request_event.c
        connection.execute(
            request_event.update().where(c.request_id == request.id, c.after == "received").values(at=before)
        )

    await context.store.write(make_older)

    page = await ruth.get(f"/requests/{request.number}")

    (move,) = page.tree.xpath("//section[@aria-labelledby='move']")
    assert "which Universität Altenried has recalled" in move.text_content()
    assert "For less than a minute." in move.text_content()


# --- no dead ends ----------------------------------------------------------------------------------------


async def find_nobody(gateway: Running) -> Request:
    """Nobody is left to ask."""
    request = await make_asked(gateway)
    for attempt in range(1, 10):
        request = await reload_request(gateway, request)
        if request.state is B.NO_SUPPLIER:
            return request
        await hear_partner(gateway, request, EventKind.UNFILLED, attempt)
        await gateway.gateway.managed.drain_due_work()
    raise AssertionError(request.state)


async def have_trouble(gateway: Running, request: Request, reason: str = "") -> Request:
    context = library_context(gateway)
    event = Event(local_signal(EventKind.TROUBLE), context.now(), details=EventDetails(reason=reason, note="nei"))
    return (await apply_event(context, EventRequest(request_id=request.id, event=event))).request


async def rejected(gateway: Running) -> Request:
    return await have_trouble(gateway, await make_asked(gateway))


async def rejected_at_the_end(gateway: Running) -> Request:
    request = await make_asked(gateway)
    await act(gateway, request, EventKind.CANCEL)
    await hear_partner(gateway, request, EventKind.CANCEL_ACCEPTED)
    return await have_trouble(gateway, request)


async def heard_of_by_a_stranger(gateway: Running) -> Request:
    return await have_trouble(gateway, await make_lending(gateway), STRANGER)


async def lent(gateway: Running) -> Request:
    request = await make_asked(gateway)
    due = library_context(gateway).now().date() + timedelta(days=30)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=due)
    await act(gateway, request, EventKind.RECEIVED, pickup="RS")
    return await act(gateway, request, EventKind.LOANED_TO_PATRON)


async def overdue(gateway: Running) -> Request:
    return await hear_partner(gateway, await lent(gateway), EventKind.OVERDUE)


async def lost(gateway: Running) -> Request:
    return await act(gateway, await lent(gateway), EventKind.LOST)


async def shipped(gateway: Running) -> Request:
    return await act(gateway, await make_lending(gateway), EventKind.SHIPPED)


async def overdue_out(gateway: Running) -> Request:
    return await act(gateway, await shipped(gateway), EventKind.OVERDUE)


async def lost_there(gateway: Running) -> Request:
    return await act(gateway, await shipped(gateway), EventKind.LOST)


SETTLE = "Settled another way"
SCENES = {
    "no-supplier": (find_nobody, ("Search for suppliers again", "Ask the patron", "Edit the request")),
    "trouble": (
        rejected,
        ("Send a message", "Move to the next supplier", "Cancel the request", "Ask the patron", SETTLE),
    ),
    "trouble, closed": (rejected_at_the_end, ("Send a message", SETTLE)),
    "stranger": (heard_of_by_a_stranger, ("Send a message", SETTLE)),
    "overdue": (overdue, ("Ask the patron", "Request renewal", "Send a message", "Mark as lost")),
    "lost": (lost, ("Check in from patron", "Return to lender", "Reopen", "Send a message")),
    "overdue-out": (
        overdue_out,
        ("Send an overdue notice", "Change the due date", "Recall", "Send a message", "Mark as lost"),
    ),
    "lost there": (lost_there, ("Check in", "Send a message")),
}
"""How it comes about, and what is in sight besides the usual act."""


def list_ways(page: Answer) -> tuple[str, ...]:
    found = page.tree.xpath(
        "//section[@aria-labelledby='move']/p[@class='go']/a | //section[@aria-labelledby='move']/form"
        "[contains(@action, '/settled')]//button"
    )
    return tuple(" ".join(one.text_content().split()) for one in found)


def read_form(page: Answer, xpath: str) -> tuple[str, dict[str, str]]:
    """Its address, and its fields as they are filled in."""
    (form,) = page.tree.xpath(xpath)
    fields = {str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input[@name]")}
    for one in form.xpath(".//select"):
        chosen = one.xpath("./option[@selected]/@value") or [one.xpath("./option/@value")[-1]]
        fields[str(one.get("name"))] = str(chosen[0])
    return str(form.get("action")), fields


@pytest.mark.parametrize("scene", SCENES)
async def test_what_can_be_done_stands_there(gateway: Running, ruth: Colleague, scene: str) -> None:
    bring, ways = SCENES[scene]
    request = await bring(gateway)

    page = await ruth.get(f"/requests/{request.number}")

    assert "Action needed" in page.tree.xpath("string(//h2[@id='move'])")
    assert list_ways(page) == ways
    for address in page.tree.xpath("//section[@aria-labelledby='move']/p[@class='go']/a/@href"):
        form = await ruth.browser.get(str(address))
        assert form.status == 200
        assert len(form.tree.xpath("//main//form//button[@type='submit']")) == 1


async def test_who_has_nobody_left_to_ask_is_told_until_when_it_is_wanted(gateway: Running, ruth: Colleague) -> None:
    request = await find_nobody(gateway)
    page = await ruth.get(f"/requests/{request.number}")
    assert "Needed by" in page.tree.xpath("string(//section[@aria-labelledby='move']/dl)")
    action, fields = read_form(page, "//form[@id='act']")

    await ruth.browser.post(action, {**fields, "kind": "assign", "partner": "vaumarin", "rota": ""})
    await gateway.gateway.managed.drain_due_work()

    assert (await reload_request(gateway, request)).state is B.REQUESTED
    assert (await reload_request(gateway, request)).partner.profile == "vaumarin"


async def test_a_patron_is_asked_whether_it_is_still_wanted(gateway: Running, ruth: Colleague) -> None:
    request = await find_nobody(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/patron-asked")
    action, fields = read_form(page, "//main//form[contains(@action, 'patron-asked')]")

    await ruth.browser.post(action, {**fields, "reason": "wanted", "note": "Brauchen Sie es noch?"})

    query = (await reload_request(gateway, request)).query
    assert query is not None
    assert (query.about, query.text) == ("wanted", "Brauchen Sie es noch?")


async def test_it_is_looked_for_again(gateway: Running, ruth: Colleague) -> None:
    request = await find_nobody(gateway)
    page = await ruth.get(f"/requests/{request.number}/act/approve")
    assert page.title == "Search for suppliers again"
    action, fields = read_form(page, "//main//form[contains(@action, '/approve')]")

    await ruth.browser.post(action, fields)

    history = (await gateway.requests().load_view("DEMO", request.id)).history
    assert EventKind.APPROVE in [line.event.kind for line in history[-3:]]


@pytest.mark.parametrize("bring", [rejected, rejected_at_the_end, heard_of_by_a_stranger])
async def test_what_was_settled_is_off_its_list(gateway: Running, ruth: Colleague, bring: object) -> None:
    request = await bring(gateway)  # type: ignore[operator]
    assert {"trouble", "stranger"} & set(list_task_names(request))
    action, fields = read_form(await ruth.get(f"/requests/{request.number}"), "//form[contains(@action, '/settled')]")

    done = await ruth.browser.post(action, {**fields, "note": "am Telefon geklärt"})

    after = await reload_request(gateway, request)
    assert after.state is request.state
    assert not after.flags & {RequestFlag.TROUBLE, RequestFlag.STRANGER}
    assert not {"trouble", "stranger"} & set(list_task_names(after))
    assert "Marked as settled. Nothing was sent." in done.text
    assert "Settled another way: am Telefon geklärt" in done.text
    again = await ruth.browser.post(action, {**fields, "note": ""})
    assert "Nothing was changed." in again.text


@pytest.mark.parametrize(("bring", "state"), [(lost, B.COMPLETED), (lost_there, L.COMPLETED)])
async def test_a_loss_is_settled(gateway: Running, ruth: Colleague, bring: object, state: B | L) -> None:
    request = await bring(gateway)  # type: ignore[operator]
    action, fields = read_form(await ruth.get(f"/requests/{request.number}"), "//form[@id='act']")
    assert fields["kind"] == "settled"

    done = await ruth.browser.post(action, {**fields, "cost": "0"})

    assert "The loss is settled." in done.text
    assert (await reload_request(gateway, request)).state is state


async def test_who_is_overdue_asks_for_a_renewal(gateway: Running, ruth: Colleague) -> None:
    request = await overdue(gateway)
    page = await ruth.get(f"/requests/{request.number}")
    assert "Due at lender" in page.text
    action, fields = read_form(
        await ruth.get(f"/requests/{request.number}/act/renew"), "//main//form[contains(@action, '/renew')]"
    )

    await ruth.browser.post(action, {**fields, "due": ""})

    assert RequestFlag.RENEWAL_PENDING in (await reload_request(gateway, request)).flags


async def test_who_was_only_asked_to_cancel_has_not_cancelled(gateway: Running, ruth: Colleague) -> None:
    request = await make_asked(gateway)
    await act(gateway, request, EventKind.CANCEL)

    page = await ruth.get(f"/requests/{request.number}")

    lines = [one.text_content() for one in page.tree.xpath("//ol[@class='timeline']/li/div/p[1]/bdi")]
    assert "Asked Universität Altenried to cancel" in lines
    assert "Cancelled" not in lines
