"""A word in every key of a link and every field of a form: nothing of people is left when the request forgets."""

from __future__ import annotations

from gateway.domain.requests.events import EventKind
from gateway.store.patron_sessions import end_patron_sessions
from tests.protocol.pages.support import PATRON, PIN, Running, Visitor
from tests.protocol.pages.test_own_requests import act_as_staff
from tests.support.canaries import Canaries, find_canaries, find_database, find_left, find_places, forget_all
from tests.support.daemon import Installation

WORK = ("title", "aulast", "aufirst", "date", "place", "pub", "edition", "series", "pages", "rfr_id")
OTHERS = ("pid", "req_id", "req_dat", "rfe_dat", "svc_dat", "notes", "email", "username", "lib", "sid")


async def test_nothing_of_people_is_left(gateway: Running, anna: Visitor, installation: Installation) -> None:
    words = Canaries()
    keys = "&".join(f"{key}={words.make(key, '')}" for key in (*WORK, *OTHERS))
    link = f"genre=book&{keys}"
    await anna.sign_in(PATRON, PIN)
    form = await anna.form(link=link)
    note = words.make("form note")
    done = await anna.post("/openurl/DEMO/request", {**form, "service": "loan", "pickup": "SCI", "note": note})
    assert done.title == "Request received"
    request = await gateway.requests().find_request(done.tree.xpath("string(//*[contains(@class, 'number')])"))
    await act_as_staff(gateway, request.id, EventKind.PATRON_ASKED, reason="edition", note=words.make("question"))
    await act_as_staff(gateway, request.id, EventKind.NOTE, note=words.make("staff note"))
    database = find_database(installation.folder)
    assert {"title", "form note", "question"} <= words.places_of(set(find_canaries(database)))
    context = gateway.requests().context

    await forget_all(context)
    await context.store.write(lambda c: end_patron_sessions(c, "DEMO", {request.patron.id}))

    assert find_left(words, database, WORK) == {}
    assert not {place for place in find_places(database, PATRON) if not place.startswith("embedded_")}
