"""What patrons see of their own requests and do with them, by a portal that has signed them in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.requests.request import PatronLink
from gateway.services.people.api_keys import KeyScope
from gateway.store.requests import requests
from tests.protocol.api.support import PATRON, Client, Running
from tests.protocol.api.test_requests import act, borrow


@pytest.fixture
async def portal(gateway: Running, client: Client) -> Client:
    """With a key that is good for patrons alone."""
    return client.with_key(await gateway.key(KeyScope.PATRON, name="Portal"))


def place(request: Any, part: str = "", patron: str = "") -> str:
    return f"patron/requests/{request['id']}{part}?patron={patron or request['patron']['id']}"


async def events(client: Client, request: Any) -> list[tuple[str, str]]:
    history = (await client("GET", f"requests/{request['id']}")).json["history"]
    return [(one["event"], one["actor"]) for one in history]


async def test_patrons_see_their_own_in_plain_words(client: Client, portal: Client) -> None:
    request = await borrow(client)
    patron = request["patron"]["id"]
    (mine,) = (await portal("GET", f"patron/requests?patron={patron}")).json["items"]
    assert (mine["status"], mine["text"]) == ("prepared", "Das Bibliothekspersonal prüft Ihre Bestellung."), (
        "in the patron's language"
    )
    shown = await portal("GET", place(request))
    assert shown.json == mine
    assert shown.headers["ETag"] == f'"{request["version"]}"'
    assert (await portal("GET", place(request, patron="other"))).problem == "not-found"
    assert (await portal("GET", "patron/requests?patron=other")).problem == "not-found"
    assert (await portal("GET", "patron/requests")).problem == "invalid"


async def test_a_patron_is_named_by_the_card_with_which_the_request_was_made(client: Client, portal: Client) -> None:
    request = await borrow(client)
    path = f"patron/requests/{request['id']}"
    assert [one["id"] for one in (await portal("GET", f"patron/requests?patron={PATRON}")).json["items"]] == [
        request["id"]
    ]
    assert (await portal("GET", f"{path}?patron={PATRON}&by=identifier")).json["id"] == request["id"]
    assert (await portal("GET", f"{path}?patron={PATRON}&by=id")).problem == "not-found"
    assert (await portal("GET", f"{path}?patron={request['patron']['id']}&by=id")).json["id"] == request["id"]
    done = await portal("POST", f"{path}/actions/cancel?patron={PATRON}", {}, If_Match="*")
    assert done.json["status"] == "ended"


async def test_a_patron_without_requests_is_known_by_the_card(portal: Client) -> None:
    assert (await portal("GET", f"patron/requests?patron={PATRON}")).json["items"] == []
    unknown = await portal("GET", "patron/requests?patron=21000000099999")
    assert (unknown.status, unknown.json["detail"]) == (404, "There is no such patron.")


async def test_one_patrons_id_that_is_anothers_card_is_refused(
    gateway: Running, client: Client, portal: Client
) -> None:
    """As in systems that number their patrons: nobody may see the requests of another by that."""
    request = await borrow(client)
    context = gateway.managed.contexts["DEMO"]
    stored = await context.store.read(lambda c: requests.load_request(c, "DEMO", request["id"]))
    assert stored is not None
    other = replace(stored, patron=PatronLink("21000000000025", PATRON), version=stored.version + 1)
    await context.store.write(lambda c: requests.save_request(c, other))

    answer = await portal("GET", "patron/requests?patron=21000000000025")
    assert (answer.problem, answer.json["reason"]) == ("refused", "ambiguous-patron")
    by_id = (await portal("GET", "patron/requests?patron=21000000000025&by=id")).json["items"]
    assert [one["id"] for one in by_id] == [request["id"]]
    assert (await portal("GET", "patron/requests?patron=21000000000025&by=identifier")).json["items"] == []


async def test_the_words_are_in_the_language_that_is_asked_for(client: Client, portal: Client) -> None:
    request = await borrow(client)
    english = (await portal("GET", f"{place(request)}&language=en-GB")).json
    assert (english["language"], english["text"]) == ("en", "Library staff are reviewing your request.")
    other = (await portal("GET", f"{place(request)}&language=fi")).json
    assert other["language"] == "en", "another language stands in, and says so"
    assert (await portal("GET", f"{place(request)}&language=nonsense!")).problem == "invalid"


async def test_a_patron_cancels(client: Client, portal: Client) -> None:
    request = await borrow(client)
    shown = await portal("GET", place(request))
    (cancel,) = shown.json["actions"]
    assert cancel["act"] == "cancel"
    path = f"{cancel['href']}?patron={request['patron']['id']}"
    done = await portal("POST", path, {}, If_Match=shown.headers["ETag"])
    assert (done.status, done.json["status"], done.json["actions"]) == (200, "ended", [])
    assert await events(client, request) == [("submit", "staff:Åse at the desk"), ("cancel", "patron")]


async def test_nobody_cancels_for_another(client: Client, portal: Client) -> None:
    request = await borrow(client)
    path = place(request, "/actions/cancel", patron="other")
    assert (await portal("POST", path, {}, If_Match="*")).problem == "not-found"
    assert [one for one, _ in await events(client, request)] == ["submit"]


async def test_lost_updates_and_other_keys_are_refused(gateway: Running, client: Client, portal: Client) -> None:
    request = await borrow(client)
    path = place(request, "/actions/cancel")
    assert (await portal("POST", path, {})).problem == "version-required"
    assert (await portal("POST", path, {}, If_Match='"77"')).problem == "outdated"
    reader = client.with_key(await gateway.key(KeyScope.REQUESTS_WRITE))
    assert (await reader("POST", path, {}, If_Match="*")).problem == "forbidden"


async def test_a_question_is_answered_once(client: Client, portal: Client) -> None:
    request = await borrow(client)
    answer = place(request, "/actions/answer")
    early = await portal("POST", answer, {"answer": "yes"}, If_Match="*")
    assert early.problem == "not-now"
    await act(client, request, "patron-asked", reason="edition", note="Utgaven fra 1999?")
    shown = (await portal("GET", place(request))).json
    assert shown["question"] == "Utgaven fra 1999?"
    assert shown["text"].startswith("Wir haben eine Frage zu Ihrer Bestellung")
    assert shown["answer_by"] > shown["created"]
    assert [one["act"] for one in shown["actions"]] == ["cancel", "answer"]
    assert (await portal("POST", answer, {}, If_Match="*")).problem == "invalid"
    assert (
        await portal("POST", place(request, "/actions/cancel"), {"answer": "no"}, If_Match="*")
    ).problem == "invalid"
    done = await portal("POST", answer, {"answer": "yes"}, If_Match="*")
    assert (done.status, done.json["question"]) == (200, "")
    assert (await portal("POST", answer, {"answer": "no"}, If_Match="*")).problem == "not-now"
    assert (await events(client, request))[-1] == ("patron-answered", "patron")


async def test_what_the_partners_workflow_keeps_for_staff_is_refused(client: Client, portal: Client) -> None:
    request = await borrow(client)
    await act(client, request, "assign", partner="bergen")
    await act(client, request, "approve")
    renewed = await portal("POST", place(request, "/actions/renew"), {}, If_Match="*")
    assert renewed.problem == "not-now", "it is not on loan"
    assert (await portal("POST", place(request, "/actions/approve"), {}, If_Match="*")).problem == "invalid"
