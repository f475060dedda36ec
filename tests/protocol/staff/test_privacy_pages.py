"""What is held about a reader: how long it is kept, given out whole, forgotten at once; the password is asked for, and
the audit log says who, not for whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, PatronLink, Request, RequestNote
from gateway.store.requests import requests
from tests.protocol.pages.support import Running
from tests.protocol.staff.request_scenes import act, library_context, make_borrowing, reload_request
from tests.protocol.staff.support import PASSWORD, Colleague, colleague, wait_until_password_is_asked
from tests.unit.store.requests.samples import borrowing, later

CARD = "29-8001"


@pytest.fixture
async def anna(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "a.lindqvist", "manager") as somebody:
        yield somebody


async def store_closed_request(gateway: Running, card: str = CARD, name: str = "p-8001") -> Request:
    """Ended, with a note that names the reader."""
    context = library_context(gateway)
    now = context.now()
    new = borrowing(library="DEMO", created=now, changed=now, patron=PatronLink(name, card, "staff", note="für Нина"))
    ended = later(new, state=BorrowingState.COMPLETED, notes=(RequestNote(now, "staff:x", "Frau Нина rief an"),))

    def write_request(transaction: object) -> None:
        requests.insert_request(transaction, new)  # type: ignore[arg-type]
        requests.save_request(transaction, ended)  # type: ignore[arg-type]

    await context.store.write(write_request)
    return ended


async def test_the_page_says_how_long_what_is_kept(anna: Colleague) -> None:
    page = await anna.get("/privacy")

    rows = [" ".join(" ".join(row.itertext()).split()) for row in page.tree.xpath("//tbody/tr")]
    assert "Patron of a request, notes, and texts written about it 30 days after closing" in rows
    assert "Content of messages exchanged with partners 30 days" in rows
    assert "Staff actions (audit log) 3 years" in rows


async def test_a_reader_gets_all_that_is_held_in_a_file(gateway: Running, anna: Colleague) -> None:
    request = await store_closed_request(gateway)
    await store_closed_request(gateway, "29-80011", "p-9")

    page = await anna.post("/privacy", {"card": CARD, "own_password": PASSWORD})
    assert "1 request contains this patron’s data." in page.text
    file = await anna.post("/privacy/export", {"card": CARD})

    assert file.headers["Content-Disposition"] == 'attachment; filename="reader.json"'
    (exported,) = json.loads(file.text)["requests"]
    assert exported["number"] == request.number
    assert exported["stored"]["patron"]["identifier"] == CARD
    assert exported["stored"]["notes"][0]["text"] == "Frau Нина rief an"


async def test_a_reader_is_forgotten_at_once_in_closed_requests_alone(gateway: Running, anna: Colleague) -> None:
    closed = await store_closed_request(gateway)
    opened = await make_borrowing(gateway)
    await act(gateway, opened, EventKind.NOTE, note="noch da")
    card = (await reload_request(gateway, opened)).patron.identifier
    same_reader = await store_closed_request(gateway, card, "p-other")

    page = await anna.post("/privacy/forget", {"card": CARD, "own_password": PASSWORD})
    assert "1 request has been anonymised." in page.text
    page = await anna.post("/privacy/forget", {"card": card})
    assert "1 request has been anonymised. 1 is open and needs the name until it is closed." in page.text

    for one in (closed, same_reader):
        now = await reload_request(gateway, one)
        assert (now.patron, now.notes) == (PatronLink(category="staff"), ())
    assert (await reload_request(gateway, opened)).patron.identifier == card
    found = await anna.post("/privacy", {"card": CARD})
    assert "No request has this number." in found.text


async def test_the_log_says_who_and_not_for_whom(gateway: Running, anna: Colleague) -> None:
    await store_closed_request(gateway)

    await anna.post("/privacy/export", {"card": CARD, "own_password": PASSWORD})
    await anna.post("/privacy/forget", {"card": CARD})

    log = " ".join(" ".join((await anna.get("/audit")).tree.xpath("//main")[0].itertext()).split())
    assert "a.lindqvist exported a patron’s data (1 request)" in log
    assert "a.lindqvist anonymised a patron’s requests (1 request)" in log
    assert CARD not in log


@pytest.mark.parametrize("act_path", ["/privacy", "/privacy/export", "/privacy/forget"])
async def test_nothing_happens_without_ones_own_password(gateway: Running, anna: Colleague, act_path: str) -> None:
    request = await store_closed_request(gateway)
    await wait_until_password_is_asked(gateway)

    answer = await anna.post(act_path, {"card": CARD, "own_password": "falsch"})

    assert answer.status == 422
    assert "This is not your password." in answer.text
    assert (await reload_request(gateway, request)).patron.identifier == CARD


async def test_half_a_card_number_is_nobody(gateway: Running, anna: Colleague) -> None:
    await store_closed_request(gateway)

    page = await anna.post("/privacy", {"card": CARD[:-1], "own_password": PASSWORD})

    assert "No request has this number." in page.text
