"""A word in every text of mails, ours and a partner's: nothing of people is left when the requests forget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import ActionRequest
from tests.support.art import ART, ONLY_ART, PASSWORD, answer, art
from tests.support.canaries import Canaries, find_canaries, find_database, find_left, find_places, forget_all
from tests.support.daemon import Installation
from tests.support.mail_house import LIBRARY, PARTNERS, REQUESTS, MailHouse, mail, mail_house

CARD = "21000000000017"
WAYS: Mapping[str, tuple[Mapping[str, dict[str, Any]], Mapping[str, Any]]] = {
    "letters": (PARTNERS, REQUESTS),
    "artemail": ({ART: art(None)}, ONLY_ART),
}


async def act(house: MailHouse, request: Request, kind: EventKind, note: str) -> None:
    said = ActionRequest(kind=kind, details=EventDetails(note=note), actor="staff:ada", version=None)
    await house.managed.libraries[LIBRARY].requests.apply_action(request.id, said)
    await house.managed.drain_due_work()


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_of_people_is_left(installation: Installation, way: str) -> None:
    words = Canaries()
    partners, rules = WAYS[way]
    (installation.folder / "art-password").write_text(PASSWORD, "utf-8")
    citation = Citation(
        title=words.make("title", ""),
        author=words.make("author", ""),
        note=words.make("citation note", ""),
        original=words.make("original", ""),
    )
    async with mail_house(installation, partners, rules) as house:
        request = await house.asked(citation=citation)
        await act(house, request, EventKind.MESSAGE, words.make("our message", ""))
        await act(house, request, EventKind.NOTE, words.make("our note"))
        number = (await house.show(request)).request.attempts[0].transaction
        said = words.make("their words", "")
        if way == "letters":
            await house.comes(house.reply(said, From=f"{words.make('their name')} <fjernlan@ub.bergen.example>"))
        else:
            await house.comes(answer(f"{number} MESSAGE {said}", subject=words.make("their subject", "")))
        sender = words.make("stranger", "@home.example")
        await house.comes(mail(words.make("strange words", ""), sender=sender, Subject=words.make("subject", "")))
        for row in await house.waiting():
            await house.managed.libraries[LIBRARY].mails.assign_mail(row.id, request.number, "staff:ada")
        database = find_database(installation.folder)
        missing = set(words.made.values()) - words.places_of(set(find_canaries(database)))
        assert not missing, "what was said was kept, in the journal if nowhere else"

        (context,) = house.managed.contexts.values()
        await forget_all(context)

        assert find_left(words, database, {"title", "author"}) == {}
        assert not {place for place in find_places(database, CARD) if not place.startswith("embedded_")}


TAGGED = {
    "extends": "relais-gsm",
    "abstract": False,
    "partner": {
        "symbols": ["LOCAL:QMBN"],
        "name": "Bibliothèque du Fjord",
        "email": "peb@fjord.example",
        "channel": "tagged-mail",
        "roles": ["requester", "supplier"],
    },
    "tagged_mail": {"our_symbol": "DEMO", "their_symbol": "QMBN"},
}
TAGS_OF_WORK = ("ARA", "ART", "AUT", "CA#", "DAT", "DN", "EDD", "P/L", "P/M", "PAG", "TIT")
TAGS_OF_PEOPLE = ("ADR", "A#C", "BIL", "NOT", "P/U", "ZZZ")


async def test_nothing_of_people_is_left_of_an_order_in_tags(installation: Installation) -> None:
    words = Canaries()
    tags = "".join(f"{tag}: {words.make(tag, '')}\n" for tag in (*TAGS_OF_WORK, *TAGS_OF_PEOPLE))
    order = f"ILL REQUEST/DEMANDE PEB\n\nLSB: QMBN\nLSP: DEMO\nNUM: Q-2026-0411\n{tags}"
    async with mail_house(installation, {"fjord": TAGGED}, {"copies": {}}) as house:
        await house.comes(mail(order, sender="peb@fjord.example", Subject="ILL REQUEST/DEMANDE PEB Q-2026-0411"))
        (context,) = house.managed.contexts.values()
        request = await house.managed.libraries[LIBRARY].requests.find_request("Q-2026-0411")
        await act(house, request, EventKind.MESSAGE, words.make("our message", ""))
        database = find_database(installation.folder)
        assert not set(words.made.values()) - words.places_of(set(find_canaries(database)))

        await forget_all(context)

        assert find_left(words, database, TAGS_OF_WORK) == {}
