"""A system of the library's own is told of every new request (`partner.push_new`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from demo.two import NORTH, PATRON, SOUTH
from demo.world import World
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.request import PatronLink

DESK = {
    "partner": {
        "symbols": ["LOCAL:DESK"],
        "name": "Request desk",
        "email": "desk@north.example",
        "channel": "mail",
        "roles": [],
        "push_new": True,
    }
}


async def test_a_new_request_is_told_with_its_reader_and_to_nobody_else(tmp_path: Path) -> None:
    north = replace(NORTH, profiles={**NORTH.profiles, "request-desk": DESK})
    async with World(tmp_path, north, SOUTH) as world:
        draft = BorrowingDraft(
            citation=Citation(type=CitationType.BOOK, title="Шум времени", author="Мандельштам, Осип"),
            patron=PatronLink(identifier=PATRON),
            partner="busy",
            mediated=False,
            actor="staff:ada",
        )
        request = await world.borrower.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
        await world.quiet()

        (told,) = [mail for mail in world.mail.mails if "desk@north.example" in str(mail["To"])]
        (asked,) = [mail for mail in world.mail.mails if "ill@busy.example" in str(mail["To"])]

    assert str(told["Subject"]) == f"New request {request.number}: Шум времени / Мандельштам, Осип"
    text = told.get_body(("plain",))
    assert text is not None
    assert PATRON in text.get_content()
    assert "Мандельштам" in text.get_content()
    assert PATRON not in asked.as_string()
