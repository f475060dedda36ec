"""The gateway dies between the work of a POST and its answer: a repeat under the same Idempotency-Key is answered by
what was done, or carried out if nothing was, and nothing is done twice. tests/faults/test_api_kill.py kills a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, func, select, update
from structlog.testing import capture_logs

from gateway.ports.responder import OutcomeClass
from gateway.services.outbox.queue import OutboxQueue
from gateway.store import api_records
from gateway.store.api_access import api_answer
from gateway.store.journal_records import JournalEnding, JournalOpening
from gateway.store.requests.tables import outbox
from gateway.store.schema import metadata
from gateway.web.api.idempotency import IdempotentReplay
from gateway.web.api.operation import RepeatPolicy
from gateway.web.api.operations import ALL
from tests.protocol.api.support import LIBRARY, PATRON, Answered, Client, Running
from tests.protocol.api.test_messages import mail_waits
from tests.protocol.api.test_requests import NOVEL, PDF, act, borrow, find_shelf_item, lend


class NodeDied(Exception):
    """Stands for the end of the process."""


class Post(NamedTuple):
    """`data` instead of `body` where it isn't JSON."""

    path: str
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    data: bytes | None = None

    async def send(self, client: Client, key: str = "k-1") -> Answered:
        return await client("POST", self.path, self.body, self.data, **self.headers, Idempotency_Key=key)


ANY = {"If_Match": "*"}
Prepare = Callable[[Running, Client], Awaitable[Post]]


async def prepare_webhook(_gateway: Running, _client: Client) -> Post:
    return Post("webhooks", {"name": "portal", "url": "https://portal.example/"})


async def prepare_filter(_gateway: Running, _client: Client) -> Post:
    return Post("saved-filters", {"place": "lending", "name": "Eilt", "query": "label=rush", "shared": True})


async def prepare_closure(gateway: Running, _client: Client) -> Post:
    day = (gateway.clock.now() + timedelta(days=30)).date().isoformat()
    return Post("partners/bergen/closures", {"first": day, "last": day, "note": "inventur"})


async def prepare_borrowing(_gateway: Running, _client: Client) -> Post:
    return Post("requests", {"citation": {**NOVEL, "identifiers": []}, "patron": {"identifier": PATRON}})


async def prepare_lending(_gateway: Running, _client: Client) -> Post:
    requester = {"symbol": "ISIL:NO-02030", "profile": "bergen"}
    return Post("lending-requests", {"citation": NOVEL, "requester": requester, "service": {"type": "copy"}})


async def prepare_act(_gateway: Running, client: Client) -> Post:
    request = await borrow(client)
    return Post(f"requests/{request['id']}/actions/note", {"note": "Merk"}, {"If_Match": f'"{request["version"]}"'})


async def prepare_desk_act(gateway: Running, client: Client) -> Post:
    """The library's system must say yes to it."""
    shelf = await find_shelf_item(gateway.managed.libraries["DEMO"].requests.context.system)
    request = await act(client, await lend(client, "BER-77", "loan"), "located", barcode=shelf.barcode)
    return Post(f"requests/{request['id']}/actions/shipped", {}, {"If_Match": f'"{request["version"]}"'})


async def prepare_bulk_act(_gateway: Running, client: Client) -> Post:
    requests = [await borrow(client, title) for title in ("Doppler", "Volvo Lastvagnar")]
    return Post("bulk-actions/cancel", {"requests": [one["id"] for one in requests]})


async def prepare_bulk_marks(_gateway: Running, client: Client) -> Post:
    return Post("bulk-marks", {"requests": [(await borrow(client))["id"]], "assignee": "ada", "add": ["rush"]})


async def prepare_patron_act(_gateway: Running, client: Client) -> Post:
    request = await borrow(client)
    return Post(f"patron/requests/{request['id']}/actions/cancel?patron={PATRON}", {}, ANY)


async def prepare_upload(_gateway: Running, client: Client) -> Post:
    request = await lend(client, "LT-1")
    return Post(
        f"requests/{request['id']}/attachments?name=a.pdf", None, {**ANY, "Content_Type": "application/pdf"}, PDF
    )


async def prepare_skipped_line(_gateway: Running, client: Client) -> Post:
    request = await borrow(client)
    await client("PUT", f"requests/{request['id']}/rota", {"partners": ["bergen"]}, If_Match="*")
    return Post(f"requests/{request['id']}/rota/bergen/skip", {"why": "stengt"}, ANY)


async def prepare_assignment(gateway: Running, client: Client) -> Post:
    request = await borrow(client)
    mail = await mail_waits(gateway, "Boka er hos bokbinderen.")
    return Post(f"unmatched-mails/{mail}/assign", {"request": request["number"]})


async def prepare_mail_answer(gateway: Running, _client: Client) -> Post:
    return Post(f"unmatched-mails/{await mail_waits(gateway, 'Hvilken bok?')}/answer", {"text": "Doppler."})


async def prepare_dismissal(gateway: Running, _client: Client) -> Post:
    return Post(f"unmatched-mails/{await mail_waits(gateway, 'Tilbud!')}/dismiss")


async def find_dead_letter(gateway: Running, client: Client) -> str:
    request = await borrow(client)
    await act(client, request, "assign", partner="bergen")
    await act(client, request, "approve")
    await gateway.managed.drain_due_work()
    letters = (await client("GET", "dead-letters")).json["items"]
    return str(next(one["id"] for one in letters if one["kind"] == "partner"))


async def prepare_release(gateway: Running, client: Client) -> Post:
    return Post(f"dead-letters/{await find_dead_letter(gateway, client)}/release")


async def prepare_skipped_letter(gateway: Running, client: Client) -> Post:
    return Post(f"dead-letters/{await find_dead_letter(gateway, client)}/skip", {"reason": "ringt i stedet"})


async def prepare_replay_job(gateway: Running, _client: Client) -> Post:
    now = gateway.clock.now()
    opening = JournalOpening(LIBRARY, now, b"<NCIPMessage/>", "ncip", "http", profile="bergen", service="AcceptItem")
    await gateway.managed.libraries["DEMO"].journaled.journal.record_exchange(
        opening, JournalEnding(now, OutcomeClass.REFUSED)
    )
    return Post("replay-jobs", {"profile": "bergen", "outcome": "refused", "agreed": 1})


POSTS: dict[str, tuple[Prepare, ...]] = {
    "saveFilter": (prepare_filter,),
    "addClosure": (prepare_closure,),
    "createBorrowingRequest": (prepare_borrowing,),
    "createLendingRequest": (prepare_lending,),
    "actOnRequest": (prepare_act, prepare_desk_act),
    "actOnRequests": (prepare_bulk_act,),
    "markRequests": (prepare_bulk_marks,),
    "actForPatron": (prepare_patron_act,),
    "uploadAttachment": (prepare_upload,),
    "skipRotaLine": (prepare_skipped_line,),
    "assignUnmatchedMail": (prepare_assignment,),
    "answerUnmatchedMail": (prepare_mail_answer,),
    "dismissUnmatchedMail": (prepare_dismissal,),
    "releaseDeadLetter": (prepare_release,),
    "skipDeadLetter": (prepare_skipped_letter,),
    "beginReplayJob": (prepare_replay_job,),
    "createWebhook": (prepare_webhook,),  # last: what happens then would be told to it
}


def test_every_operation_that_is_told_apart_by_its_key_is_tried() -> None:
    assert set(POSTS) == {one.id for one in ALL if one.repeats is RepeatPolicy.BY_KEY}


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, place: object, name: str) -> Iterator[None]:
    def die(*_arguments: object) -> None:
        raise NodeDied

    with monkeypatch.context() as patched, capture_logs():  # tracebacks take seconds to be rendered
        patched.setattr(place, name, die)
        yield


async def contents(gateway: Running) -> dict[str, int]:
    """How many rows there are of what could be done twice."""
    tables = (
        *("request", "request_event", "outbox", "webhook", "saved_filter"),
        *("partner_closure", "request_file", "replay_job"),
    )

    def count_rows(connection: Connection) -> dict[str, int]:
        return {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in tables
        }

    found: dict[str, int] = await gateway.store.read(count_rows)
    return found


async def test_each_is_done_once_and_answered_however_the_node_dies(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First before key and work are committed, then before the answer is kept."""
    for number, prepare in enumerate(one for prepares in POSTS.values() for one in prepares):
        name, key = prepare.__name__, f"k-{number}"
        post = await prepare(gateway, client)
        before = await contents(gateway)
        if prepare is not prepare_bulk_marks:  # the same as often as it is asked for, so that its parts have no key
            with dying(monkeypatch, api_records, "note_reference"):
                assert (await post.send(client, key)).status == 500, name
            assert await contents(gateway) == before, f"{name}: nothing was done"
        with dying(monkeypatch, IdempotentReplay, "store_response"):
            assert (await post.send(client, key)).status == 500, name
        done = await contents(gateway)

        repeated, again = await post.send(client, key), await post.send(client, key)

        assert repeated.status in (200, 201, 204), (name, repeated.body)
        assert (again.status, again.body) == (repeated.status, repeated.body), name
        assert again.headers["Idempotency-Replayed"] == "true", name
        assert await contents(gateway) == done, f"{name}: nothing was done twice"


async def test_a_library_that_was_in_the_midst_is_asked_again(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node dies when the act is kept and the library has not said yes."""
    post = await prepare_desk_act(gateway, client)
    with dying(monkeypatch, OutboxQueue, "claim_row"):
        assert (await post.send(client)).status == 500

    repeated = await post.send(client)

    assert (repeated.status, repeated.json["state"]) == (200, "shipped")
    assert repeated.headers["Idempotency-Replayed"] == "true"


async def test_of_an_act_that_the_library_refused_the_key_is_free(gateway: Running, client: Client) -> None:
    system = gateway.managed.libraries["DEMO"].requests.context.system
    shelf = await find_shelf_item(system)
    await act(client, await lend(client, "BER-78", "loan"), "shipped", barcode=shelf.barcode)
    second = await lend(client, "BER-79", "loan")
    post = Post(f"requests/{second['id']}/actions/shipped", {"barcode": shelf.barcode}, ANY)

    refused = [await post.send(client) for _ in range(2)]

    assert [(one.status, one.problem) for one in refused] == [(409, "not-now")] * 2
    assert all("Idempotency-Replayed" not in one.headers for one in refused)


async def test_a_key_that_an_older_release_has_in_hand_is_left_to_it(gateway: Running, client: Client) -> None:
    """Its row has no reference: whether the work was done isn't known."""
    post = await prepare_webhook(gateway, client)
    await post.send(client)
    await gateway.store.write(lambda c: c.execute(update(api_answer).values(status=0, reference="", body=b"")))

    assert (await post.send(client)).problem == "in-progress"


async def test_of_thirty_presses_one_is_carried_out_and_the_others_join_it_or_are_conflicts(
    gateway: Running, client: Client
) -> None:
    """A press that comes before the first one's yes is the same step, whose end it may live to see."""
    post = await prepare_desk_act(gateway, client)
    before = await contents(gateway)

    async def press() -> Answered:
        return await client("POST", post.path, post.body, **post.headers)

    pressed = await asyncio.gather(*(press() for _ in range(30)))

    done = [one.json for one in pressed if one.status == 200]
    assert {(one["state"], one["version"]) for one in done} == {("shipped", done[0]["version"])}
    assert {one.status for one in pressed} <= {200, 409, 412}, [one.status for one in pressed]
    after = await contents(gateway)
    assert after["request_event"] == before["request_event"] + 1
    desk_rows = await gateway.store.read(
        lambda c: c.execute(select(func.count()).where(outbox.c.target == "desk:shipped")).scalar_one()
    )
    assert desk_rows == 1


async def test_of_thirty_presses_under_one_key_all_that_are_answered_have_the_same_answer(
    gateway: Running, client: Client
) -> None:
    post = await prepare_desk_act(gateway, client)

    pressed = await asyncio.gather(*(post.send(client) for _ in range(30)))

    assert {one.status for one in pressed} <= {200, 409}
    assert len({one.body for one in pressed if one.status == 200}) == 1
    assert {one.problem for one in pressed if one.status == 409} <= {"in-progress"}
