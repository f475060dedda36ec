"""What is kept about a reader: told, given out as a file and erased, for nobody else, and not without the PIN."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import PatronLink, Request
from gateway.domain.requests.views import ActionRequest
from gateway.store import audit
from gateway.store.patron_sessions import page_session
from gateway.store.requests import requests
from gateway.web.pages.own_data import MAX_PROOF_AGE
from gateway.web.pages.sign_in import SignInMethod
from tests.protocol.pages.support import PATRON, PIN, Answer, Running, Visitor
from tests.protocol.pages.test_own_requests import send_request
from tests.unit.store.requests.samples import borrowing, lending

PAGE = "/openurl/DEMO/privacy"
MINUTE = timedelta(minutes=1)


async def cancel_request(gateway: Running, id_: str) -> Request:
    """With a note of staff."""
    for kind, note in ((EventKind.NOTE, "Frau Müller rief an"), (EventKind.CANCEL, "")):
        action = ActionRequest(kind=kind, actor="staff:Åse", version=None)
        details = replace(action.details, note=note)
        await gateway.requests().apply_action(id_, replace(action, details=details))
    return await gateway.requests().find_request(id_)


async def store_request(gateway: Running, request: Request) -> None:
    context = gateway.requests().context
    await context.store.write(lambda c: requests.insert_request(c, request))


async def post_proof(anna: Visitor, place: str, pin: str) -> Answer:
    token = str((await anna.get(PAGE)).tree.xpath("//main//input[@name='csrf']/@value")[0])
    return await anna.post(f"{PAGE}/{place}", {"csrf": token, "pin": pin})


async def test_a_reader_sees_what_is_kept_and_how_long(anna: Visitor) -> None:
    asked = await anna.get(PAGE)
    assert asked.title == "Sign in"
    page = await anna.sign_in(back="privacy")

    assert page.title == "Your data"
    assert "No request contains your data." in page.text
    rows = [" ".join(" ".join(row.itertext()).split()) for row in page.tree.xpath("//tbody/tr")]
    assert rows[0].endswith("notes and messages 30 days after the request is closed")
    assert not page.tree.xpath("//main//form"), "nothing to give out, nothing to erase"
    listed = await anna.get("/openurl/DEMO/requests")
    assert listed.tree.xpath("//main//a[.='Your data']/@href") == [PAGE]


async def test_the_file_is_all_of_it_and_of_nobody_else(gateway: Running, anna: Visitor) -> None:
    """Neither of somebody whose card is written as this reader's id, nor of another library's reader with that id."""
    id_ = await send_request(anna)
    mine = (await gateway.requests().find_request(id_)).patron
    await store_request(gateway, borrowing(library="DEMO", number="B-1", patron=PatronLink("p-9", mine.id, "staff")))
    other = lending(library="DEMO", number="L-1", transaction="N-1", direct_patron=PatronLink(mine.id, "77"))
    await store_request(gateway, other)

    file = await post_proof(anna, "file", PIN)

    assert file.headers["Content-Disposition"] == 'attachment; filename="reader.json"'
    assert file.headers["Cache-Control"] == "no-store"
    (exported,) = json.loads(file.text)["requests"]
    assert exported["stored"]["id"] == id_
    assert exported["stored"]["patron"]["identifier"] == PATRON
    assert len(exported["history"]) == 1


async def test_what_is_finished_is_erased_and_open_requests_stay(gateway: Running, anna: Visitor) -> None:
    opened = await send_request(anna)
    assert "1 request contains your data. It is still open." in " ".join((await anna.get(PAGE)).text.split())
    finished = await cancel_request(gateway, await send_request(anna))
    page = await anna.get(PAGE)
    assert "2 requests contain your data. 1 of them is still open." in " ".join(page.text.split())
    assert "1 request is still open." in page.text

    done = await post_proof(anna, "erase", PIN)

    said = " ".join(" ".join(done.tree.xpath("//main")[0].itertext()).split())
    assert "Your data was erased from 1 closed request." in said
    assert "1 request is still open and needs your name until it is closed. You are signed out." in said
    forgotten = await gateway.requests().find_request(finished.id)
    assert (forgotten.patron.id, forgotten.patron.identifier, forgotten.notes) == ("", "", ())
    assert (await gateway.requests().find_request(opened)).patron.identifier == PATRON
    assert (await anna.get(PAGE)).title == "Sign in"


@pytest.mark.parametrize(("place", "pin"), [("file", ""), ("file", "0000"), ("erase", ""), ("erase", "0000")])
async def test_nothing_happens_without_the_pin(gateway: Running, anna: Visitor, place: str, pin: str) -> None:
    request = await cancel_request(gateway, await send_request(anna))

    answer = await post_proof(anna, place, pin)

    assert answer.status == 422
    assert answer.tree.xpath("//p[@class='wrong']/@id") == [f"wrong-{place}"]
    assert "card number" not in answer.tree.xpath("string(//p[@class='wrong'])").casefold()  # it has no field here
    assert PATRON not in answer.text
    assert (await gateway.requests().find_request(request.id)).patron.identifier == PATRON


@pytest.mark.parametrize(("age", "status"), [(MAX_PROOF_AGE - MINUTE, 200), (MAX_PROOF_AGE + MINUTE, 422)])
async def test_who_signs_in_elsewhere_has_done_so_just_now(
    gateway: Running, anna: Visitor, age: timedelta, status: int
) -> None:
    """Else whoever finds a terminal at which a reader is signed in erases all."""
    request = await cancel_request(gateway, await send_request(anna))
    started = datetime.now(UTC) - age
    signed_in = update(page_session).values(method=SignInMethod.OIDC.value, started=started)
    context = gateway.requests().context
    await context.store.write(lambda c: c.execute(signed_in))

    answers = [await post_proof(anna, place, "") for place in ("file", "erase")]

    assert [answer.status for answer in answers] == [status] * 2
    kept = (await gateway.requests().find_request(request.id)).patron.identifier
    assert kept == ("" if status == 200 else PATRON)


async def test_a_form_from_elsewhere_is_not_taken(anna: Visitor) -> None:
    await anna.sign_in()
    assert (await anna.post(f"{PAGE}/file", {"csrf": "0" * 64, "pin": PIN})).status == 403


async def test_the_log_says_that_a_reader_did_it_and_not_who(gateway: Running, anna: Visitor) -> None:
    await cancel_request(gateway, await send_request(anna))
    await post_proof(anna, "file", PIN)
    await post_proof(anna, "erase", PIN)

    context = gateway.requests().context
    rows = await context.store.read(lambda c: audit.list_audit_entries(c, "DEMO", 10))
    assert [(one.actor, one.action, one.subject, one.detail, one.peer) for one in rows] == [
        ("patron", "own-data-forgotten", "", "1 request", ""),
        ("patron", "own-data-exported", "", "1 request", ""),
    ]
