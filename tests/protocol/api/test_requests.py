"""Requests through the API: made, found, acted on, without lost updates."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from demo.world import COPY
from gateway.domain.library import Item, ItemStatus
from gateway.domain.problems import UnfinishedWork
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import PatronLink
from gateway.ports.guarded_library import LibrarySystem
from gateway.services.people.api_keys import KeyScope
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.web.api.request_handler import problem_of_error
from tests.protocol.api.support import PATRON, Client, Running, running
from tests.support.daemon import Installation

NOVEL = {
    "type": "book",
    "title": "Naiv. Super",
    "author": "Loe, Erlend",
    "identifiers": [{"type": "isbn", "value": "9788202160906"}],
}
PDF = COPY


async def borrow(client: Client, title: str = "Naiv. Super", **more: Any) -> Any:
    body = {"citation": {**NOVEL, "title": title, "identifiers": []}, "patron": {"identifier": PATRON}, **more}
    made = await client("POST", "requests", body)
    assert made.status == 201, made.body
    return made.json


async def lend(client: Client, transaction: str, service: str = "copy", partner: str = "bergen") -> Any:
    body = {
        "citation": NOVEL,
        "requester": {"symbol": "ISIL:NO-02030", "profile": partner},
        "transaction": transaction,
        "service": {"type": service},
    }
    made = await client("POST", "lending-requests", body)
    assert made.status == 201, made.body
    return made.json


async def test_a_reader_of_another_library_is_lent_to_where_its_profile_says_so(client: Client) -> None:
    body = {
        "citation": NOVEL,
        "requester": {"symbol": "ISIL:NO-02030", "profile": "bergen"},
        "patron": {"identifier": "B-0042", "surname": "Åsen", "given": "Ivar"},
    }
    made = await client("POST", "lending-requests", body)
    assert made.status >= 400
    assert "Items are lent to the requesting library" in str(made.body)


async def act(client: Client, request: Any, kind: str, **details: Any) -> Any:
    """With whatever version it has."""
    answered = await client("POST", f"requests/{request['id']}/actions/{kind}", details, If_Match="*")
    assert answered.status == 200, answered.body
    return answered.json


async def test_a_request_of_several_volumes_has_them_by_name(client: Client) -> None:
    borrowed = await borrow(client, "Kristin Lavransdatter", volumes=["Kransen", "Husfrue", "Korset"])
    assert [(one["id"], one["label"], one["state"]) for one in borrowed["volumes"]] == [
        ("1", "Kransen", "expected"),
        ("2", "Husfrue", "expected"),
        ("3", "Korset", "expected"),
    ]
    body = {
        "citation": NOVEL,
        "requester": {"symbol": "ISIL:NO-02030", "profile": "bergen"},
        "volumes": ["I", "II"],
    }
    lent = await client("POST", "lending-requests", body)
    assert [one["label"] for one in lent.json["volumes"]] == ["I", "II"]


async def test_a_volume_without_a_name_is_refused(client: Client) -> None:
    body = {"citation": NOVEL, "patron": {"identifier": PATRON}, "volumes": ["I", ""]}
    made = await client("POST", "requests", body)
    assert made.status == 422
    assert made.json["mistakes"][0]["place"] == "body.volumes.1"


async def test_a_request_is_made_and_shown_with_what_may_be_done(client: Client) -> None:
    body = {
        "citation": {**NOVEL, "extras": [{"name": "shelf-mark", "value": "نسخة", "kind": "text"}]},
        "patron": {"identifier": PATRON, "pickup": "MAIN"},
        "dates": {"need_by": "2190-03-01"},
        "maximum_cost": {"amount": "12.50", "currency": "EUR"},
    }
    made = await client("POST", "requests", body)
    assert made.status == 201, made.body
    assert made.headers["Location"] == f"/api/v1/requests/{made.json['id']}"
    assert made.headers["ETag"] == f'"{made.json["version"]}"'

    shown = await client("GET", made.headers["Location"])
    request = shown.json["request"]
    assert request == made.json
    assert request["citation"]["extras"] == body["citation"]["extras"]
    assert request["costs"]["maximum"] == {"amount": "12.50", "currency": "EUR"}
    assert request["dates"]["need_by"] == "2190-03-01"
    assert shown.headers["ETag"] == made.headers["ETag"]
    assert [line["event"] for line in shown.json["history"]] == ["submit"]
    assert [one["timer"] for one in shown.json["timers"]] == ["need-by"]
    assert shown.json["unfinished"] == []
    actions = {one["kind"]: one for one in shown.json["actions"]}
    assert {"approve", "assign", "edit", "cancel", "note"} <= set(actions)
    assert not {"request", "no-supplier", "submit", "shipped"} & set(actions)
    assert actions["note"]["href"] == f"{made.headers['Location']}/actions/note"
    assert [field["name"] for field in actions["note"]["required"]] == ["note"]
    assert actions["assign"]["one_of"] == ["partner", "rota"]


async def test_every_act_that_is_offered_is_taken(client: Client) -> None:
    """Nothing is offered that is then refused for the state."""
    first = await borrow(client)
    offered = (await client("GET", f"requests/{first['id']}")).json["actions"]
    fill = {"note": "Merk", "answer": "yes", "reason": "other", "partner": "bergen"}
    for number, action in enumerate(offered):
        request = await borrow(client, f"Bind {number}")
        names = [field["name"] for field in action["required"]] + action["one_of"][:1]
        body = {name: fill.get(name) or {"type": "book", "title": "Doppler"} for name in names}
        answered = await client("POST", f"requests/{request['id']}/actions/{action['kind']}", body, If_Match="*")
        assert answered.status == 200, (action["kind"], answered.body)


async def test_an_act_changes_the_request_and_stands_in_its_history(client: Client) -> None:
    request = await borrow(client)
    after = await act(client, request, "assign", partner="bergen", note="по телефону")
    assert after["version"] > request["version"]
    history = (await client("GET", f"requests/{request['id']}")).json["history"]
    assert history[-1]["event"] == "assign"
    assert history[-1]["actor"] == "staff:Åse at the desk"
    assert history[-1]["details"]["partner"] == "bergen"


async def test_an_edit_of_one_field_leaves_the_others(client: Client) -> None:
    request = await borrow(client)
    edited = await act(client, request, "edit", citation={"edition": "2. oppl."})
    assert edited["citation"] == {**request["citation"], "edition": "2. oppl."}

    emptied = await act(client, edited, "edit", citation={"edition": "", "volume": "2"})
    assert emptied["citation"] == {**request["citation"], "volume": "2"}


async def test_a_lost_update_is_refused(client: Client) -> None:
    request = await borrow(client)
    seen = f'"{request["version"]}"'
    path = f"requests/{request['id']}/actions/note"
    assert (await client("POST", path, {"note": "first"}, If_Match=seen)).status == 200
    answered = await client("POST", path, {"note": "second"}, If_Match=seen)
    assert (answered.status, answered.problem) == (412, "outdated")
    assert answered.json["version"] == request["version"] + 1
    notes = (await client("GET", f"requests/{request['id']}")).json["request"]["notes"]
    assert [one["text"] for one in notes] == ["first"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "version-required"),
        ("7", "malformed"),
        ('W/"2"', "outdated"),
        ('"2", "3"', "outdated"),
        ('"x"', "outdated"),
    ],
)
async def test_a_change_needs_the_version(client: Client, said: str, problem: str) -> None:
    request = await borrow(client)
    headers = {"If_Match": said} if said else {}
    answered = await client("POST", f"requests/{request['id']}/actions/note", {"note": "x"}, **headers)
    assert answered.problem == problem


async def find_shelf_item(system: LibrarySystem) -> Item:
    for bib in await system.search_bibs("a", 60):
        for item in (await system.holdings(bib.id)).items:
            if item.status is ItemStatus.AVAILABLE and item.circulates and not item.hold_count:
                return item
    raise AssertionError("the sample has nothing to lend")


async def test_what_happens_while_an_act_at_the_desk_begins_is_not_lost(gateway: Running, client: Client) -> None:
    """The partner's message comes after the version was compared first, while the library is asked about the item."""
    context = gateway.managed.libraries["DEMO"].requests.context
    system: Any = context.system
    shelf = await find_shelf_item(context.system)
    request = await act(client, await lend(client, "BER-77", "loan"), "located", barcode=shelf.barcode)
    look_up = system.item_by_barcode

    async def hear_partner_first(barcode: str) -> Item:
        system.item_by_barcode = look_up
        word = Event(partner_signal(EventKind.MESSAGE), context.now(), "partner:bergen", EventDetails(note="Wait!"))
        await apply_event(context, EventRequest(request_id=request["id"], event=word))
        item: Item = await look_up(barcode)
        return item

    system.item_by_barcode = hear_partner_first

    path = f"requests/{request['id']}/actions/shipped"
    answered = await client("POST", path, {}, If_Match=f'"{request["version"]}"')

    assert (answered.status, answered.problem) == (412, "outdated")
    assert await system.item_loan(shelf.id) is None, "nothing was asked of the library"
    seen = await client("GET", f"requests/{request['id']}")
    again = await client("POST", path, {}, If_Match=seen.headers["ETag"])
    assert (again.status, again.json["state"]) == (200, "shipped")


async def test_an_item_that_is_on_loan_is_a_conflict_with_its_remedy(gateway: Running, client: Client) -> None:
    system = gateway.managed.libraries["DEMO"].requests.context.system
    shelf = await find_shelf_item(system)
    first, second = await lend(client, "BER-78", "loan"), await lend(client, "BER-79", "loan")
    await act(client, first, "shipped", barcode=shelf.barcode)

    path = f"requests/{second['id']}/actions/shipped"
    answered = await client("POST", path, {"barcode": shelf.barcode}, If_Match="*")

    assert (answered.status, answered.problem) == (409, "not-now")
    assert answered.json["reason"] == "on-loan-same-patron"
    assert answered.json["detail"] == (
        f"{shelf.barcode} is already on loan for request {first['number']}. "
        "Check it in first, or scan the item at hand."
    )


async def test_what_its_lender_has_recalled_is_lent_only_when_that_is_confirmed(
    gateway: Running, client: Client
) -> None:
    requests, context = gateway.managed.libraries["DEMO"].requests, gateway.managed.libraries["DEMO"].requests.context
    draft = BorrowingDraft(
        citation=Citation(title="Naiv. Super"),
        patron=PatronLink(identifier=PATRON),
        partner="bergen",
        mediated=False,
    )
    made = await requests.create_borrowing(draft)
    await gateway.managed.drain_due_work()
    attempt = (await requests.find_request(made.id)).current

    async def hear(kind: EventKind) -> None:
        said = Event(partner_signal(kind), context.now(), "partner:bergen", EventDetails(), attempt)
        await apply_event(context, EventRequest(request_id=made.id, event=said))

    await hear(EventKind.SHIPPED)
    await act(client, {"id": made.id}, "received")
    await hear(EventKind.RECALL)
    lend_path = f"requests/{made.id}/actions/loaned-to-patron"
    refused = await client("POST", lend_path, {}, If_Match="*")
    in_bulk = await client("POST", "bulk-actions/loaned-to-patron", {"requests": [made.id]})
    before = await requests.find_request(made.id)
    confirmed = await client("POST", lend_path, {"confirmed": True}, If_Match="*")

    assert (refused.status, refused.problem, refused.json["reason"]) == (422, "refused", "not-allowed")
    assert refused.json["detail"].startswith("The lender has recalled this item. Confirm")
    assert (in_bulk.json["done"], len(in_bulk.json["failed"])) == ([], 1)
    assert before.state.value == "received", "nothing was lent"
    assert (confirmed.status, confirmed.json["state"]) == (200, "lent"), confirmed.body


def test_what_another_request_has_not_let_go_of_is_a_conflict() -> None:
    """It is no outage: nobody needs to look at the library's system."""
    problem = problem_of_error(UnfinishedWork("39000000000011 is still linked to request L2026-00002"))
    assert problem is not None
    assert (problem.type.status, problem.type.slug) == (409, "not-now")
    assert problem.detail == "39000000000011 is still linked to request L2026-00002. It will be retried."


async def test_what_the_state_does_not_allow_is_a_conflict(client: Client) -> None:
    request = await borrow(client)
    answered = await client("POST", f"requests/{request['id']}/actions/renew", {}, If_Match="*")
    assert (answered.status, answered.problem) == (409, "not-now")
    assert answered.json["state"] == request["state"]
    assert "renew" in answered.json["detail"]


@pytest.mark.parametrize(
    ("kind", "details", "places"),
    [
        ("note", {}, ["body.note"]),
        ("assign", {}, ["body.partner"]),
        ("cancel", {"barcode": "1"}, ["body.barcode"]),
        ("due-date-changed", {"note": "ny frist"}, ["body.due"]),
    ],
)
async def test_an_act_needs_its_fields_and_no_others(
    client: Client, kind: str, details: dict[str, Any], places: list[str]
) -> None:
    request = await borrow(client)
    answered = await client("POST", f"requests/{request['id']}/actions/{kind}", details, If_Match="*")
    assert answered.problem == "invalid"
    assert [one["place"] for one in answered.json["mistakes"]] == places


async def test_what_only_rules_do_nobody_does_by_hand(client: Client) -> None:
    request = await borrow(client)
    answered = await client("POST", f"requests/{request['id']}/actions/request", {"partner": "bergen"}, If_Match="*")
    assert answered.problem == "invalid"


async def test_a_key_for_one_side_does_not_change_the_other(gateway: Running, client: Client) -> None:
    loan, copy = await borrow(client), await lend(client, "LT-1")
    borrower = client.with_key(await gateway.key(KeyScope.REQUESTS_WRITE))
    lender = client.with_key(await gateway.key(KeyScope.LENDING))
    for mine, other, one in ((loan, copy, borrower), (copy, loan, lender)):
        done = await one("POST", f"requests/{mine['id']}/actions/note", {"note": "x"}, If_Match="*")
        assert done.status == 200
        refused = await one("POST", f"requests/{other['id']}/actions/note", {"note": "x"}, If_Match="*")
        assert refused.problem == "forbidden"


async def test_an_unknown_patron_is_refused_with_a_reason(client: Client) -> None:
    answered = await client("POST", "requests", {"citation": NOVEL, "patron": {"identifier": "nobody"}})
    assert (answered.status, answered.problem) == (422, "refused")
    assert answered.json["reason"] == "unknown-patron"


async def test_lists_come_in_pages_with_a_link_to_the_next(client: Client) -> None:
    titles = [f"Bind {number}" for number in range(5)]
    for title in titles:
        await borrow(client, title)
    found: list[str] = []
    path = "/api/v1/requests?limit=2&role=borrowing"
    while path:
        page = await client("GET", path)
        assert page.status == 200, page.body
        found += [one["title"] for one in page.json["items"]]
        link = page.headers.get("Link", "")
        match = re.fullmatch(r'<(.+)>; rel="next"', link)
        assert page.json["next"] == (match[1] if match else "")
        path = match[1] if match else ""
    assert found == [f"{title} / Loe, Erlend" for title in reversed(titles)]


async def test_lists_are_filtered(client: Client) -> None:
    request = await borrow(client, "Шум времени")
    await lend(client, "LT-1")

    async def ids(query: str) -> list[str]:
        return [one["id"] for one in (await client("GET", f"requests?{query}")).json["items"]]

    assert await ids("role=borrowing&task=awaiting-review") == [request["id"]]
    assert await ids(f"patron={request['patron']['id']}") == [request["id"]]
    assert await ids(f"text={request['number']}") == [request["id"]]
    assert await ids("open=false") == []
    assert await ids("state=cancelled&state=review") == [request["id"]]
    assert len(await ids("")) == 2


async def test_a_search_finds_by_any_number_and_by_words(client: Client) -> None:
    request = await borrow(client, "Шум времени")
    theirs = await lend(client, "LT-1")

    async def ids(text: str) -> list[str]:
        answer = await client("GET", f"requests?{urlencode({'q': text})}")
        return [one["id"] for one in answer.json["items"]]

    assert await ids(request["number"].lower()) == [request["id"]]
    assert await ids(request["patron"]["identifier"]) == [request["id"]]
    assert await ids("шум врем") == [request["id"]]
    assert await ids("lt 1") == [theirs["id"]]
    assert await ids("LT-2") == []
    assert len(await ids("")) == 2


async def test_a_task_list_says_since_when_its_oldest_waits_and_begins_with_it(client: Client) -> None:
    first, second = await borrow(client), await borrow(client, "Шум времени")
    tasks = {one["name"]: one for one in (await client("GET", "tasks")).json["items"]}
    assert (tasks["awaiting-review"]["count"], tasks["awaiting-review"]["oldest"]) == (2, first["changed"])
    assert tasks["overdue"]["oldest"] is None

    listed = await client("GET", f"{tasks['awaiting-review']['href'].removeprefix('/api/v1/')}&order=longest")
    assert [one["id"] for one in listed.json["items"]] == [first["id"], second["id"]]


async def test_requests_are_listed_by_number_and_by_title_page_by_page(client: Client) -> None:
    made = [await borrow(client, title) for title in ("Шум времени", "Äpfel", "аист")]
    expected = [made[1]["id"], made[2]["id"], made[0]["id"]]
    first = await client("GET", "requests?order=title&limit=2")
    path = first.headers["Link"].partition("<")[2].partition(">")[0].removeprefix("/api/v1/")
    second = await client("GET", path)
    assert [one["id"] for page in (first, second) for one in page.json["items"]] == expected
    by_number = await client("GET", "requests?order=number-down")
    assert [one["id"] for one in by_number.json["items"]] == [one["id"] for one in made[::-1]]


async def test_requests_are_assigned_labelled_and_counted(client: Client) -> None:
    request, other = await borrow(client), await borrow(client, "Шум времени")
    await lend(client, "LT-1")
    path = f"requests/{request['id']}"

    assigned = await client("PUT", f"{path}/assignee", {"assignee": "Ruth Okafor"})
    assert (assigned.json["assignee"], assigned.json["version"]) == ("Ruth Okafor", request["version"])
    labelled = await client("POST", f"{path}/labels", {"add": ["rush", "Raum B"]})
    assert labelled.json["labels"] == ["rush", "Raum B"]
    assert (await client("POST", f"{path}/labels", {"remove": ["rush"]})).json["labels"] == ["Raum B"]
    assert (await client("POST", f"{path}/labels", {"add": ["x" * 41]})).problem == "refused"
    assert (await client("PUT", "requests/none/assignee", {"assignee": ""})).problem == "not-found"

    async def ids(query: str) -> list[str]:
        return [one["id"] for one in (await client("GET", f"requests?{query}")).json["items"]]

    assert await ids("assignee=Ruth+Okafor&label=Raum+B") == [request["id"]]
    assert await ids("role=borrowing&unassigned=true") == [other["id"]]
    counted = (await client("GET", "request-counts?role=borrowing&open=true")).json
    assert counted["total"] == 2
    assert counted["counts"]["assignee"] == {"": 1, "Ruth Okafor": 1}
    assert counted["counts"]["label"] == {"Raum B": 1}
    assert counted["counts"]["task"] == {"awaiting-review": 2}


async def test_marks_need_the_right_to_change_that_side(gateway: Running, client: Client) -> None:
    request = await borrow(client)
    lender = client.with_key(await gateway.key(KeyScope.LENDING, KeyScope.REQUESTS_READ))
    assert (await lender("PUT", f"requests/{request['id']}/assignee", {"assignee": "x"})).problem == "forbidden"
    assert (await lender("POST", f"requests/{request['id']}/labels", {"add": ["x"]})).problem == "forbidden"


async def test_a_state_of_both_sides_finds_both_unless_a_side_is_named(client: Client) -> None:
    ours, theirs = await borrow(client), await lend(client, "LT-1")
    await act(client, ours, "cancel")
    await act(client, theirs, "unfilled", reason="not-held")
    other = await borrow(client, "Шум времени")
    closed = await act(client, other, "close", ending="not-available")
    assert (closed["state"], closed["ending"], ours["ending"]) == ("unfilled", "not-available", None)

    async def found(query: str) -> set[str]:
        return {one["id"] for one in (await client("GET", f"requests?{query}")).json["items"]}

    assert await found("state=unfilled") == {theirs["id"], other["id"]}
    assert await found("state=unfilled&state=cancelled") == {ours["id"], theirs["id"], other["id"]}
    assert await found("state=unfilled&role=lending") == {theirs["id"]}
    assert await found("state=unfilled&open=true") == set()


async def test_tasks_count_and_lead_to_their_lists(client: Client) -> None:
    request = await borrow(client)
    tasks = {one["name"]: one for one in (await client("GET", "tasks")).json["items"]}
    assert tasks["awaiting-review"]["count"] == 1
    assert tasks["dead-letters"]["count"] == 0
    for task in tasks.values():
        page = await client("GET", task["href"])
        assert page.status == 200, task
        assert [one["id"] for one in page.json["items"]] == ([request["id"]] if task["count"] else [])


async def test_files_go_up_and_come_down_as_they_are(client: Client) -> None:
    request = await lend(client, "LT-1")
    place = f"requests/{request['id']}/attachments"
    version = f'"{request["version"]}"'
    made = await client(
        "POST", f"{place}?name=%E6%96%87.pdf&pages=3", data=PDF, Content_Type="application/pdf", If_Match=version
    )
    assert made.status == 201, made.body
    assert (made.json["name"], made.json["pages"], made.json["size"]) == ("文.pdf", 1, len(PDF))
    fetched = await client("GET", made.headers["Location"])
    assert fetched.body == PDF
    assert fetched.headers["Content-Type"] == "application/pdf"
    assert fetched.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E6%96%87.pdf"
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"
    shown = (await client("GET", f"requests/{request['id']}")).json["request"]
    assert [one["id"] for one in shown["attachments"]] == [made.json["id"]]
    assert f'"{shown["version"]}"' == made.headers["ETag"]


@pytest.mark.parametrize(
    ("kind", "content", "problem"),
    [
        ("application/pdf", b"<html><script>", "unsupported-media-type"),
        ("image/png", PDF, "unsupported-media-type"),
        ("text/html", b"<html>", "unsupported-media-type"),
        ("application/octet-stream", b"<html>", "refused"),
        ("application/pdf", PDF + bytes(60_000), "too-large"),
    ],
)
async def test_files_are_what_they_say(client: Client, kind: str, content: bytes, problem: str) -> None:
    request = await lend(client, "LT-1")
    answered = await client(
        "POST", f"requests/{request['id']}/attachments?name=a.pdf", data=content, Content_Type=kind, If_Match="*"
    )
    assert answered.problem == problem


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..%2F..%2Fa.pdf", "a.pdf"),
        ("C:%5CScans%5Ca.pdf", "a.pdf"),
        ("a%0D%0AX: y.pdf", "a X_ y.pdf"),
        ("a%E2%80%AEfdp.exe", "afdp.pdf"),
        ("%E6%96%87.png", "文.pdf"),
        ("..%2F", "file.pdf"),
    ],
)
async def test_names_of_files_are_names(client: Client, name: str, kept: str) -> None:
    request = await lend(client, "LT-1")
    path = f"requests/{request['id']}/attachments?name={name}"
    answered = await client("POST", path, data=PDF, Content_Type="application/pdf", If_Match="*")
    assert answered.json["name"] == kept
    file = await client("GET", f"requests/{request['id']}/attachments/{answered.json['id']}")
    assert file.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quote(kept, safe='')}"


async def test_a_generated_client_sends_a_file_of_any_type(client: Client) -> None:
    place = f"requests/{(await lend(client, 'LT-1'))['id']}/attachments"
    sent = {"Content_Type": "application/octet-stream", "If_Match": "*"}
    made = await client("POST", f"{place}?name=a&pages=100000", data=PDF, **sent)
    assert (made.json["name"], made.json["media_type"]) == ("a.pdf", "application/pdf")
    assert (await client("POST", f"{place}?name=a&pages=100001", data=PDF, **sent)).problem == "invalid"


@pytest.mark.parametrize("name", ["", "a" * 1_001, "a%00.pdf"])
async def test_a_file_has_a_name_and_no_endless_one(client: Client, name: str) -> None:
    request = await lend(client, "LT-1")
    path = f"requests/{request['id']}/attachments?name={name}"
    answered = await client("POST", path, data=PDF, Content_Type="application/pdf", If_Match="*")
    assert answered.problem == "invalid"


async def test_the_rota_is_ordered_and_lines_are_skipped(client: Client) -> None:
    request = await borrow(client)
    ordered = await client("PUT", f"requests/{request['id']}/rota", {"partners": ["bergen"]}, If_Match="*")
    assert ordered.status == 200, ordered.body
    assert [(one["partner"], one["standing"]) for one in ordered.json["rota"]] == [("bergen", "waiting")]
    unknown = await client("PUT", f"requests/{request['id']}/rota", {"partners": ["atlantis"]}, If_Match="*")
    assert unknown.problem == "refused"
    skipped = await client("POST", f"requests/{request['id']}/rota/bergen/skip", {"why": "stengt"}, If_Match="*")
    assert [(one["standing"], one["why"]) for one in skipped.json["rota"]] == [("skipped", "stengt")]
    again = await client("POST", f"requests/{request['id']}/rota/bergen/skip", {}, If_Match="*")
    assert again.problem == "not-found"


async def test_partners_and_rotas(client: Client) -> None:
    bergen = (await client("GET", "partners/bergen")).json
    assert bergen["symbols"] == ["ISIL:NO-02030"]
    assert bergen in (await client("GET", "partners")).json["items"]
    assert (await client("GET", "partners/atlantis")).problem == "not-found"
    assert (await client("GET", "rotas/atlantis")).problem == "not-found"
    for rota in (await client("GET", "rotas")).json["items"]:
        assert (await client("GET", f"rotas/{rota['name']}")).json == rota


async def test_load_is_told_to_the_network(gateway: Running, client: Client) -> None:
    request = await borrow(client)
    await act(client, request, "assign", partner="bergen")
    await act(client, request, "approve")
    await gateway.managed.drain_due_work()
    network = client.with_key(await gateway.key(KeyScope.NETWORK_READ))
    assert (await network("GET", "network/load")).json["items"] == [{"symbol": "ISIL:NO-02030", "open": 1}]


async def test_what_could_not_be_sent_is_seen_released_and_skipped(gateway: Running, client: Client) -> None:
    request = await borrow(client)
    await act(client, request, "assign", partner="bergen")
    await act(client, request, "approve")
    await gateway.managed.drain_due_work()
    letters = (await client("GET", "dead-letters")).json["items"]
    (letter,) = (one for one in letters if one["kind"] == "partner")
    assert (letter["request_id"], letter["target"]) == (request["id"], "bergen")
    assert "payload" not in letter
    whole = (await client("GET", f"dead-letters/{letter['id']}")).json
    too_long = await client("PUT", f"dead-letters/{letter['id']}/payload", {"payload": "x" * 100_001})
    assert (too_long.status, too_long.problem) == (413, "too-large")
    edited = await client("PUT", f"dead-letters/{letter['id']}/payload", {"payload": whole["payload"]})
    assert edited.status == 204, edited.body
    assert (await client("POST", f"dead-letters/{letter['id']}/release")).problem == "not-found", "it waits again"
    assert (await client("GET", f"dead-letters/{letter['id']}")).problem == "not-found"
    await gateway.managed.drain_due_work()
    assert (await client("POST", f"dead-letters/{letter['id']}/release")).status == 204
    assert (await client("POST", f"dead-letters/{letter['id']}/skip", {"reason": "x"})).problem == "not-found"
    await gateway.managed.drain_due_work()
    assert (await client("POST", f"dead-letters/{letter['id']}/skip", {"reason": "ringt i stedet"})).status == 204
    assert letter["id"] not in [one["id"] for one in (await client("GET", "dead-letters")).json["items"]]
    history = (await client("GET", f"requests/{request['id']}")).json["history"]
    assert [(one["actor"], one["details"]["note"]) for one in history if one["event"] == "note"] == [
        ("staff:Åse at the desk", "Edited and retried: Message to Universitetsbiblioteket i Bergen"),
        ("staff:Åse at the desk", "Retried: Message to Universitetsbiblioteket i Bergen"),
        ("staff:Åse at the desk", "Skipped: Message to Universitetsbiblioteket i Bergen (ringt i stedet)"),
    ]


async def test_dead_letters_come_oldest_first_page_by_page(gateway: Running, client: Client) -> None:
    for title in ("Naiv. Super", "Шум времени", "Doppler"):
        request = await borrow(client, title)
        await act(client, request, "assign", partner="bergen")
        await act(client, request, "approve")
        await gateway.managed.drain_due_work()
    first = await client("GET", "dead-letters?limit=2")
    second = await client("GET", first.json["next"])
    found = [one["created"] for one in (*first.json["items"], *second.json["items"])]
    assert len(found) == 3
    assert found == sorted(found)
    assert second.json["next"] == ""


async def test_notices_are_listed_without_their_text(installation: Installation) -> None:
    """With a mail server set up; nobody is asked whether it is there."""
    installation.change(mail={"host": "127.0.0.1", "port": 9, "security": "none", "sender": "ill@library.example"})
    async with running(installation) as gateway, aiohttp.ClientSession() as session:
        client = Client(session, gateway.url, await gateway.key())
        request = await borrow(client)
        (notice,) = (await client("GET", f"notices?request={request['id']}")).json["items"]
    assert (notice["letter"], notice["status"]) == ("placed", "waiting")
    assert set(notice) == {"id", "request_id", "letter", "status", "created", "sent", "error"}


async def test_a_notice_is_printed_for_keys_that_may_act(installation: Installation) -> None:
    installation.change(mail={"host": "127.0.0.1", "port": 9, "security": "none", "sender": "ill@library.example"})
    async with running(installation) as gateway, aiohttp.ClientSession() as session:
        client = Client(session, gateway.url, await gateway.key())
        request = await borrow(client)
        (notice,) = (await client("GET", f"notices?request={request['id']}")).json["items"]
        letter = (await client("GET", f"notices/{notice['id']}")).json
        reader = Client(session, gateway.url, await gateway.key(KeyScope.TASKS_READ))
        forbidden = await reader("GET", f"notices/{notice['id']}")
        missing = await client("GET", "notices/0006430d0c7a1b0000a1b2c3")
    assert letter["notice"] == notice
    assert letter["name"] in letter["text"]
    assert letter["html"].startswith("<!DOCTYPE html>")
    assert (forbidden.status, missing.status) == (403, 404)


async def test_what_no_message_can_tell_for_a_program_is_for_staff_to_tell(installation: Installation) -> None:
    """It may never have read the hints."""
    silent = "partner: {symbols: [ISLE], channel: openurl}\nopenurl: {url: 'http://127.0.0.1:9/', push: [submit]}"
    (installation.folder / "profiles" / "isle.yml").write_text(silent, encoding="utf-8")
    async with running(installation) as gateway, aiohttp.ClientSession(auto_decompress=False) as session:
        client = Client(session, gateway.url, await gateway.key())
        first, second = await lend(client, "T-1", partner="isle"), await lend(client, "T-2", partner="isle")

        alone = await act(client, first, "unfilled", reason="not-on-shelf")
        await client("POST", "bulk-actions/forwarded", {"requests": [second["id"]]})
        in_bulk = (await client("GET", f"requests/{second['id']}")).json["request"]

    assert [(one["state"], "untold" in one["flags"]) for one in (alone, in_bulk)] == [
        ("unfilled", True),
        ("forwarded", True),
    ]
