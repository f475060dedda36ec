"""A word in every text that OpenRS says, to the supplier and to the borrower: nothing of people is left when the
requests forget. Cards are numbers of patrons that exist."""

from __future__ import annotations

from pathlib import Path

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from tests.protocol.openrs.test_member import BOOK, PATRON, make_profile, run_member
from tests.support.canaries import Canaries, find_canaries, find_database, find_left, find_places, forget_all
from tests.support.openrs_hub import (
    AUTHOR,
    ELM,
    OAK,
    TITLE,
    PlayedHub,
    write_accept_item,
    write_lookup_user,
    write_request_item,
)


async def test_nothing_of_people_is_left_at_the_supplier(template: Path, tmp_path: Path, hub: PlayedHub) -> None:
    words = Canaries()
    body = write_request_item(barcode=BOOK)
    for text in ("Elmwood Library", "Elmwood Central", "4 Mill Lane, Elmwood", TITLE, AUTHOR):
        assert text in body
        body = body.replace(text, words.make(text, " łódź"))
    card = words.make("card", "")
    body = body.replace("9001", card)
    async with run_member(template, tmp_path / "oak", make_profile(OAK, hub)) as oak:
        answer = await hub.declare(oak.url, body)
        assert not answer.find_text("ProblemDetail"), answer.octets
        await oak.settle()
        await oak.act(Role.LENDING, EventKind.NOTE, note=words.make("our note"))
        await oak.act(Role.LENDING, EventKind.UNFILLED, note=words.make("our refusal"))
        database = find_database(tmp_path)
        assert not set(words.made.values()) - words.places_of(set(find_canaries(database)))

        await forget_all(oak.town.context)

    assert find_left(words, database, {TITLE, AUTHOR, "Elmwood Library"}) == {}


async def test_nothing_of_people_is_left_at_the_borrower(template: Path, tmp_path: Path, hub: PlayedHub) -> None:
    """Whose card it is says OpenRS alone, in a message about the request and in one about none."""
    words = Canaries()
    async with run_member(template, tmp_path / "elm", make_profile(ELM, hub)) as elm:
        await hub.declare(elm.url, write_lookup_user(PATRON).replace(">OAK<", ">ELM<").replace("APPL-OAK", "APPL-ELM"))
        await hub.declare(elm.url, write_accept_item(patron=PATRON, barcode=BOOK))
        await elm.settle()
        await elm.act(Role.BORROWING, EventKind.NOTE, note=words.make("our note"))
        database = find_database(tmp_path)
        assert "message.body" in find_places(database, PATRON)

        await forget_all(elm.town.context)

    assert find_left(words, database, ()) == {}
    assert not {place for place in find_places(database, PATRON) if not place.startswith("embedded_")}
