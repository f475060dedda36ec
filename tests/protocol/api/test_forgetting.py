"""A word in every text of the API's bodies: nothing of people is left when the requests forget, but for a day the
answers that are kept for repeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.store import api_records
from tests.protocol.api.support import LIBRARY, PATRON, Client, Running
from tests.protocol.api.test_requests import PDF
from tests.support.canaries import Canaries, find_canaries, find_database, find_left, find_places, forget_all
from tests.support.daemon import Installation

WORK = (
    *("title", "subtitle", "author", "component_title", "component_author", "series", "edition", "publisher", "place"),
    *("published", "volume", "issue", "pages", "call_number", "source"),
)


def write_citation(words: Canaries) -> dict[str, Any]:
    said: dict[str, Any] = {name: words.make(name) for name in (*WORK, "note")}
    return {**said, "type": "book", "extras": [{"name": "seen", "value": words.make("citation extra")}]}


async def test_nothing_of_people_is_left(gateway: Running, client: Client, installation: Installation) -> None:
    words = Canaries()
    extras = [{"name": "form-field", "value": words.make("extra")}]
    borrowing = {
        "citation": write_citation(words),
        "patron": {"identifier": PATRON, "note": words.make("patron note")},
        "note": words.make("note of the request"),
        "extras": extras,
        "external": [words.make("external", "")],
    }
    lending = {
        "citation": write_citation(words),
        "requester": {
            "symbol": "ISIL:NO-02030",
            "profile": "bergen",
            "name": words.make("requester name"),
            "email": words.make("requester email", "@x.example"),
            "address": words.make("requester address"),
        },
        "transaction": "N-1",
        "note": words.make("lending note"),
        "extras": [{"name": "form-field", "value": words.make("lending extra")}],
    }
    for path, body in (("requests", borrowing), ("lending-requests", lending)):
        made = await client("POST", path, body, Idempotency_Key=f"key-{path}")
        assert made.status == 201, made.body
        acts = f"requests/{made.json['id']}"
        said = {"note": words.make(f"{path} act")}
        done = await client("POST", f"{acts}/actions/note", said, If_Match="*", Idempotency_Key=f"act-{path}")
        assert done.status == 200, done.body
        name = f"{words.make(f'{path} file', '')}.pdf"
        headers = {"If_Match": "*", "Content_Type": "application/pdf"}
        sent = await client("POST", f"{acts}/attachments?name={name}", data=PDF, **headers)
        assert sent.status in (200, 201), sent.body
    database = find_database(installation.folder)
    assert not set(words.made.values()) - words.places_of(set(find_canaries(database)))
    (context,) = gateway.managed.contexts.values()

    await forget_all(context)

    stays = {*WORK, "external", "requester name"}
    left = find_left(words, database, stays)
    assert {place for places in left.values() for place in places} <= {"api_answer.body"}
    tomorrow = gateway.clock.now() + timedelta(days=2)
    await gateway.store.write(lambda c: api_records.prune_answers(c, LIBRARY, tomorrow))
    assert find_left(words, database, stays) == {}
    assert not {place for place in find_places(database, PATRON) if not place.startswith("embedded_")}
