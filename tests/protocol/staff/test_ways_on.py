"""A request says since when its task is there, and what can be done: no list and no state is a dead end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy import Connection

from adapters.library.embedded.sample_catalogue import generate_records
from gateway.domain.requests.events import (
    STRANGER,
    Event,
    EventDetails,
    EventKind,
    local_signal,
    partner_signal,
    timer_signal,
)
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
    book,
    hear_partner,
    library_context,
    make_asked,
    make_lending,
    reload_request,
)
from tests.protocol.staff.support import Colleague
from tests.support.daemon import Installation


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    mail = {"host": "127.0.0.1", "port": 1, "security": "none", "sender": "ill@demo.example"}
    async with running(installation, rules=RULES, mail=mail) as one:
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
    assert "(less than a minute)." in move.text_content()


WORKS = cycle({work.title: work for work in generate_records() if work.language == "eng"}.values())
"""Of the sample catalogue, each title once."""


async def make_next_lending(gateway: Running) -> Request:
    """Of another work than the last: the library has few copies of each."""
    work = next(WORKS)
    citation = book(title=work.title, author=work.author, identifiers=work.identifiers[:1], edition="", original="")
    return await make_lending(gateway, citation=citation, transaction=f"ALT-{work.id}/26")


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
    return await have_trouble(gateway, await make_next_lending(gateway), STRANGER)


async def lent(gateway: Running) -> Request:
    request = await make_asked(gateway)
    due = library_context(gateway).now().date() + timedelta(days=30)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=due)
    await act(gateway, request, EventKind.RECEIVED, pickup="RS")
    return await act(gateway, request, EventKind.LOANED_TO_PATRON)


async def overdue(gateway: Running) -> Request:
    return await hear_partner(gateway, await lent(gateway), EventKind.OVERDUE)


async def overdue_at_the_patron(gateway: Running) -> Request:
    """Our own due date is over; the lender's isn't."""
    request, context = await lent(gateway), library_context(gateway)
    event = Event(timer_signal(EventKind.OVERDUE), context.now(), "timer")
    return (await apply_event(context, EventRequest(request_id=request.id, event=event))).request


async def overdue_on_its_way(gateway: Running) -> Request:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED)
    return await hear_partner(gateway, request, EventKind.OVERDUE)


async def overdue_on_the_shelf(gateway: Running) -> Request:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED, due=library_context(gateway).now().date())
    await act(gateway, request, EventKind.RECEIVED, pickup="RS")
    return await hear_partner(gateway, request, EventKind.OVERDUE)


async def overdue_and_back(gateway: Running) -> Request:
    return await act(gateway, await overdue(gateway), EventKind.RETURNED_BY_PATRON)


async def lost(gateway: Running) -> Request:
    return await act(gateway, await lent(gateway), EventKind.LOST)


async def shipped(gateway: Running) -> Request:
    return await act(gateway, await make_next_lending(gateway), EventKind.SHIPPED)


async def overdue_out(gateway: Running) -> Request:
    return await act(gateway, await shipped(gateway), EventKind.OVERDUE)


async def rejected_by_the_requester(gateway: Running) -> Request:
    return await have_trouble(gateway, await make_next_lending(gateway))


async def returned_and_late(gateway: Running) -> Request:
    request, context = await shipped(gateway), library_context(gateway)
    for signal in (partner_signal(EventKind.RETURNED), timer_signal(EventKind.RETURN_LATE)):
        event = Event(signal, context.now(), "timer")
        request = (await apply_event(context, EventRequest(request_id=request.id, event=event))).request
    return request


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
    "trouble, lending": (rejected_by_the_requester, ("Send a message", "Cannot supply", SETTLE)),
    "overdue": (overdue, ("Ask the patron", "Request renewal", "Send a message", "Mark as lost")),
    "overdue, patron": (overdue_at_the_patron, ("Ask the patron", "Request renewal", "Send a message", "Mark as lost")),
    "overdue, shipped": (overdue_on_its_way, ("Ask for the status", "Send a message", "Mark as lost")),
    "overdue, received": (overdue_on_the_shelf, ("Request renewal", "Ask the patron", "Send a message")),
    "overdue, back": (overdue_and_back, ("Send a message",)),
    "lost": (lost, ("Check in from patron", "Return to lender", "Reopen", "Send a message")),
    "overdue-out": (
        overdue_out,
        ("Send an overdue notice", "Change the due date", "Recall", "Send a message", "Mark as lost"),
    ),
    "return late": (returned_and_late, ("Send a message", "Mark as lost")),
    "lost there": (lost_there, ("Check in", "Send a message")),
}
"""How it comes about, and what is in sight besides the usual act."""


UNTIL = {
    **dict.fromkeys(("no-supplier", "trouble", "lost"), "Needed by"),
    **dict.fromkeys(("overdue", "overdue, back"), "Due at lender"),
    **dict.fromkeys(("overdue-out", "return late"), "Due date"),
    "overdue, patron": "Due from patron",
}
"""The day on which it hangs."""


def list_ways(page: Answer) -> tuple[str, ...]:
    found = page.tree.xpath(
        "//div[@id='ways']//a | //div[@id='ways']//button | //section[@aria-labelledby='move']/form"
        "[contains(@action, '/settled')]//button"
    )
    return tuple(" ".join(one.text_content().split()) for one in found)


def read_form(page: Answer, xpath: str) -> tuple[str, dict[str, str]]:
    """Its address, and its fields as they are filled in; of several ways to do one act those of the first."""
    form, *_ = page.tree.xpath(xpath)
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
    assert UNTIL.get(scene, "") in page.tree.xpath("string(//section[@aria-labelledby='move']/dl)")
    for address in page.tree.xpath("//div[@id='ways']//a/@href"):
        form = await ruth.browser.get(str(address))
        assert form.status == 200
        kinds = form.tree.xpath("//main//form//input[@name='kind']/@value")
        assert len(form.tree.xpath("//main//form")) == max(1, len(kinds))


async def test_who_has_nobody_left_to_ask_is_told_until_when_it_is_wanted(gateway: Running, ruth: Colleague) -> None:
    request = await find_nobody(gateway)
    page = await ruth.get(f"/requests/{request.number}")
    assert "Needed by" in page.tree.xpath("string(//section[@aria-labelledby='move']/dl)")
    (path,) = page.tree.xpath("//*[@id='act']//a[contains(@href, '/act/assign')]/@href")
    choice = await ruth.browser.get(str(path))
    action, fields = read_form(choice, "//main//form[.//input[@name='partner'][@value='vaumarin']]")

    await ruth.browser.post(action, fields)
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

    history = (await gateway.requests().load_view(request.id)).history
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
    action, fields = read_form(await ruth.get(f"/requests/{request.number}"), "//*[@id='act']//form")
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


# --- each is pressed -------------------------------------------------------------------------------------

FILLED = {
    "close": {"ending": "not-available"},
    "edit": {"title": "Handbuch der Gezeitenkunde"},
    "message": {"note": "Bitte klären."},
    "patron-asked": {"reason": "other", "note": "Haben Sie es noch?"},
    "renew": {"due": ""},
    "settled": {"cost": "0"},
    "unfilled": {"reason": "on-loan"},
    "due-date-changed": {"due": "2027-03-01"},
}
"""What is filled in where something has to be said."""

PARTNER, PATRON, SEARCH = "partner", "letter", "work:find-supplier"

PRESSED: Mapping[str, Mapping[str, tuple[B | L, str]]] = {
    "no-supplier": {
        "assign": (B.SOURCING, SEARCH),
        "close": (B.UNFILLED, PATRON),
        "approve": (B.SOURCING, SEARCH),
        "patron-asked": (B.NO_SUPPLIER, PATRON),
        "edit": (B.NO_SUPPLIER, ""),
    },
    "trouble": {
        "message": (B.REQUESTED, PARTNER),
        "next-supplier": (B.SOURCING, SEARCH),
        "cancel": (B.CANCEL_PENDING, PARTNER),
        "patron-asked": (B.REQUESTED, PATRON),
    },
    "trouble, closed": {"message": (B.CANCELLED, PARTNER)},
    "trouble, lending": {
        "shipped": (L.SHIPPED, PARTNER),
        "message": (L.LOCATED, PARTNER),
        "unfilled": (L.UNFILLED, PARTNER),
    },
    "stranger": {"shipped": (L.SHIPPED, PARTNER), "message": (L.LOCATED, PARTNER)},
    "overdue": {
        "returned-by-patron": (B.BACK, ""),
        "patron-asked": (B.LENT, PATRON),
        "renew": (B.LENT, PARTNER),
        "message": (B.LENT, PARTNER),
        "lost": (B.LOST, PARTNER),
    },
    "overdue, shipped": {
        "received": (B.RECEIVED, PARTNER),
        "status-query": (B.SHIPPED, PARTNER),
        "message": (B.SHIPPED, PARTNER),
        "lost": (B.LOST, PARTNER),
    },
    "overdue, received": {
        "loaned-to-patron": (B.LENT, ""),
        "renew": (B.RECEIVED, PARTNER),
        "patron-asked": (B.RECEIVED, PATRON),
        "message": (B.RECEIVED, PARTNER),
    },
    "overdue, back": {"returned": (B.RETURNED, PARTNER), "message": (B.BACK, PARTNER)},
    "lost": {
        "settled": (B.COMPLETED, ""),
        "returned-by-patron": (B.BACK, ""),
        "returned": (B.RETURNED, PARTNER),
        "reopen": (B.REVIEW, ""),
        "message": (B.LOST, PARTNER),
    },
    "overdue-out": {
        "checked-in": (L.COMPLETED, PARTNER),
        "overdue": (L.SHIPPED, PARTNER),
        "due-date-changed": (L.SHIPPED, PARTNER),
        "recall": (L.SHIPPED, PARTNER),
        "message": (L.SHIPPED, PARTNER),
        "lost": (L.LOST, PARTNER),
    },
    "return late": {
        "checked-in": (L.COMPLETED, PARTNER),
        "message": (L.RETURNED, PARTNER),
        "lost": (L.LOST, PARTNER),
    },
    "lost there": {
        "settled": (L.COMPLETED, PARTNER),
        "checked-in": (L.COMPLETED, PARTNER),
        "message": (L.LOST, PARTNER),
    },
}
"""Every way of a scene: the state that it leads to, and what the outbox has of it then: for the partner, a letter to
the patron, a search, nothing of these. Our own patron's overdue item is as that of the lender."""


@pytest.mark.parametrize("scene", SCENES)
async def test_what_stands_there_works(gateway: Running, ruth: Colleague, scene: str) -> None:
    expected = PRESSED["overdue" if scene == "overdue, patron" else scene]
    offered = list_kinds(await ruth.get(f"/requests/{(await SCENES[scene][0](gateway)).number}"))
    assert offered == list(expected)

    for kind, (state, sent) in expected.items():
        request = await SCENES[scene][0](gateway)
        before = {one.id for one in (await gateway.requests().load_view(request.id)).unfinished}
        page = await ruth.get(f"/requests/{request.number}")
        button = f"//div[@id='ways']//form[contains(@action, '/{kind}?') or contains(@action, '/{kind}')]"
        own = f"//*[@id='act']//form[.//input[@name='kind'][@value='{kind}']]"
        chosen = "//main//form[.//input[@name='partner'][@value='sahil']]"
        if not page.tree.xpath(f"{button} | {own}"):
            page = await ruth.get(f"/requests/{request.number}/act/{kind}")
        elsewhere = chosen if kind == "assign" else f"//main//form[contains(@action, '/{kind}')]"
        action, fields = read_form(page, f"{button} | {own} | {elsewhere}")

        done = await ruth.browser.post(action, {**fields, "kind": kind, **FILLED.get(kind, {})})

        view = await gateway.requests().load_view(request.id)
        rows = {f"{one.kind}:{one.target}" for one in view.unfinished if one.id not in before}
        assert done.url.endswith(f"/requests/{request.number}"), (kind, done.title)
        assert view.history[-1].event.kind == kind
        assert view.history[-1].event.actor == "staff:r.okafor"
        assert (kind, view.request.state) == (kind, state)
        assert any(sent in row for row in rows) if sent else not any(PARTNER in row for row in rows), (kind, rows)


def list_kinds(page: Answer) -> list[str]:
    """The acts that are in sight: those of the open form first."""
    addresses = page.tree.xpath("//div[@id='ways']//form/@action | //div[@id='ways']//a/@href")
    acts = dict.fromkeys(page.tree.xpath("//*[@id='act']//form//input[@name='kind']/@value | //*[@id='act']//a/@href"))
    return [
        *(str(one).partition("?")[0].rpartition("/")[2] for one in acts),
        *(str(one).partition("?")[0].rpartition("/")[2] for one in addresses),
    ]


async def test_an_overdue_notice_is_sent_from_the_request_and_from_the_list(gateway: Running, ruth: Colleague) -> None:
    """By one button each, once what it is about is in sight."""
    first, second = await overdue_out(gateway), await overdue_out(gateway)
    page = await ruth.get(f"/requests/{first.number}")
    action, fields = read_form(page, "//div[@id='ways']//form")
    done = await ruth.browser.post(action, fields)
    listed = await ruth.get("/lending?task=overdue-out")
    (button,) = listed.tree.xpath("//button[@name='do'][@value='overdue']")
    form, fields = read_form(listed, "//form[contains(@action, '/lending/bulk')]")
    confirm = await ruth.browser.post(form, {**fields, "one": second.id, "do": "overdue"})
    form, fields = read_form(confirm, "//form[contains(@action, '/lending/bulk/do')]")
    await ruth.browser.post(form, {**fields, "one": second.id, "do": "overdue"})

    assert "overdue notice" in " ".join(done.tree.text_content().split())
    for request in (first, second):
        history = (await gateway.requests().load_view(request.id)).history
        notices = [line for line in history if line.event.kind is EventKind.OVERDUE]
        assert len(notices) == 2, "that which made it overdue, and that of staff"
        assert notices[-1].event.actor == "staff:r.okafor"
    assert "Send an overdue notice" in button.text_content()


@pytest.mark.parametrize(("bring", "place", "task"), [(lost, "borrowing", "lost"), (lost_there, "lending", "lost-out")])
async def test_a_loss_stands_on_a_list_until_it_is_settled(
    gateway: Running, ruth: Colleague, bring: object, place: str, task: str
) -> None:
    request = await bring(gateway)  # type: ignore[operator]
    (count,) = (await ruth.get()).tree.xpath(f"//li[@data-task='{task}']//*[@data-count]/text()")
    listed = await ruth.get(f"/{place}?task={task}")
    action, fields = read_form(await ruth.get(f"/requests/{request.number}?task={task}"), "//*[@id='act']//form")
    await ruth.browser.post(action, {**fields, "cost": "0"})

    assert count == "1"
    assert request.number in listed.text
    assert request.number not in (await ruth.get(f"/{place}?task={task}")).tree.xpath("string(//main)")
    assert list_task_names(await reload_request(gateway, request)) == ()
