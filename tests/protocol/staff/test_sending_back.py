"""What lies on the hold shelf or is on loan goes back only after a yes, and its patron hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, Request
from gateway.store.requests import outbox_queries
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    act,
    add_partners,
    hear_partner,
    library_context,
    make_asked,
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


async def bring_to_shelf(gateway: Running) -> Request:
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED)
    return await act(gateway, request, EventKind.RECEIVED, pickup="RS")


async def lend(gateway: Running) -> Request:
    return await act(gateway, await bring_to_shelf(gateway), EventKind.LOANED_TO_PATRON)


async def list_letters(gateway: Running, request: Request) -> list[str]:
    """To the patron, by template."""

    def read(connection: Connection) -> list[str]:
        rows = outbox_queries.list_rows_of_request(connection, "DEMO", request.id, 100).rows
        return [row.target for row in rows if row.kind == "letter"]

    found: list[str] = await library_context(gateway).store.read(read)
    return found


def fill_form(page: Answer, xpath: str) -> tuple[str, dict[str, str]]:
    (form,) = page.tree.xpath(xpath)
    return str(form.get("action")), {
        str(one.get("name")): str(one.get("value") or "") for one in form.xpath(".//input[@name] | .//button[@name]")
    }


@pytest.mark.parametrize(
    ("bring", "question"),
    [
        (bring_to_shelf, "The item is ready for the patron, or on its way to the pickup location. Return it anyway?"),
        (lend, "The item is checked out to the patron. Return it anyway?"),
    ],
)
async def test_the_page_asks_before_it_sends_back(
    gateway: Running, ruth: Colleague, bring: object, question: str
) -> None:
    request = await bring(gateway)  # type: ignore[operator]
    path = f"/requests/{request.number}/act/returned"
    action, fields = fill_form(await ruth.get(path), "//main//form[contains(@action, '/act/returned')]")
    unasked = await ruth.browser.post(action, {**fields, "confirmed": ""})
    assert question in unasked.text
    assert (await reload_request(gateway, request)).state is request.state

    action, fields = fill_form(unasked, "//main//form[contains(@action, '/act/returned')]")
    await ruth.browser.post(action, fields)

    assert (await reload_request(gateway, request)).state is BorrowingState.RETURNED
    assert "gone-back" in await list_letters(gateway, request)


@pytest.mark.parametrize("bring", [bring_to_shelf, lend])
async def test_so_does_a_scan(gateway: Running, ruth: Colleague, bring: object) -> None:
    request = await bring(gateway)  # type: ignore[operator]
    page = await ruth.post("/scan/return", {"code": request.number})
    assert [str(one.get("data-outcome")) for one in page.tree.xpath("//ol[@id='log']/li")] == ["look"]
    assert (await reload_request(gateway, request)).state is request.state

    action, fields = fill_form(page, "//ul[@id='pile']//form[.//button[.='Return anyway']]")
    done = await ruth.browser.post(action, fields)

    assert [str(one.get("data-outcome")) for one in done.tree.xpath("//ol[@id='log']/li")] == ["done"]
    assert (await reload_request(gateway, request)).state is BorrowingState.RETURNED
    assert "gone-back" in await list_letters(gateway, request)


async def test_of_many_those_are_left_that_a_patron_waits_for(gateway: Running, ruth: Colleague) -> None:
    ours = await lend(gateway)
    back = await act(gateway, await lend(gateway), EventKind.RETURNED_BY_PATRON)
    pairs = "&".join(["do=returned", "query=", *(f"one={one.id}" for one in (ours, back))])
    token = await ruth.read_token()

    done = await ruth.browser.post("/staff/borrowing/bulk/do", f"csrf={token}&{pairs}".encode())

    assert "1 done, 1 failed" in done.text
    assert "A patron is waiting for this item or has it." in done.text
    states = [(await reload_request(gateway, one)).state for one in (ours, back)]
    assert states == [BorrowingState.LENT, BorrowingState.RETURNED]


async def test_of_many_to_be_checked_out_those_are_left_that_their_lender_wants_back(
    gateway: Running, ruth: Colleague
) -> None:
    request = await bring_to_shelf(gateway)
    await hear_partner(gateway, request, EventKind.RECALL)
    token = await ruth.read_token()

    done = await ruth.browser.post(
        "/staff/borrowing/bulk/do", f"csrf={token}&do=loaned-to-patron&query=&one={request.id}".encode()
    )

    assert "The lender has recalled this item." in done.text
    assert "A patron is waiting" not in done.text
    assert (await reload_request(gateway, request)).state is not BorrowingState.LENT


async def test_who_brought_it_back_or_does_not_want_it_is_written_no_letter(gateway: Running) -> None:
    brought = await act(gateway, await lend(gateway), EventKind.RETURNED_BY_PATRON)
    unwanted = await bring_to_shelf(gateway)
    await act(gateway, unwanted, EventKind.CANCEL)
    for request in (brought, unwanted):
        await act(gateway, request, EventKind.RETURNED)
        assert "gone-back" not in await list_letters(gateway, request)
