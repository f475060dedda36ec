"""A word in every text of a request and of what follows: nothing of people is left when the request forgets."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from pathlib import Path

from adapters.iso_ill.messages import Cancel, Message
from adapters.iso_ill.messages.request_phase import ThirdPartyInfo
from adapters.iso_ill.messages.structures import (
    Client,
    CostInfo,
    DeliveryAddress,
    ItemId,
    Name,
    PostalAddress,
    SystemAddress,
)
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.views import ActionRequest
from tests.protocol.iso_ill.house import asked, header, running
from tests.support.canaries import Canaries, fill_value, find_canaries, find_database, find_left, forget_all

ITEM = (
    *("title", "author", "sub_title", "sponsoring_body", "place_of_publication", "publisher", "series_title_number"),
    *("volume_issue", "edition", "publication_date", "publication_date_of_component", "author_of_article"),
    *("title_of_article", "pagination", "call_number", "verification_reference_source"),
)


def fill_address(words: Canaries, name: Name) -> DeliveryAddress:
    full = fill_value(PostalAddress, words)
    return DeliveryAddress(postal=replace(full, name=name), electronic=fill_value(SystemAddress, words))


async def test_nothing_of_people_is_left(template: Path, tmp_path: Path) -> None:
    words = Canaries()
    full = replace(
        asked("G-1"),
        item=ItemId(**{name: words.make(name) for name in ITEM}),
        delivery_address=fill_address(words, Name(institution=words.make("library"))),
        billing_address=fill_address(words, Name(person=words.make("billed person"))),
        client=fill_value(Client, words),
        cost_info=replace(fill_value(CostInfo, words), maximum_cost=None),
        third_party_info=replace(fill_value(ThirdPartyInfo, words), send_to_list=(), already_tried_list=()),
        physical_delivery=words.make("physical delivery"),
        copyright_compliance=words.make("copyright compliance"),
        note=words.make("requester note"),
        forward_note=words.make("forward note"),
    )
    words.keep_those_in(full)
    async with running(template, tmp_path) as house, house.partner() as partner:
        assert (await partner.ask(full)).error_report is None
        said = Message(**header("G-1", clock=time(8, 1)), note=words.make("message note"))
        assert (await partner.ask(said)).error_report is None
        request = (await house.requests())["G-1"]
        note = ActionRequest(
            kind=EventKind.NOTE, details=EventDetails(note=words.make("our note")), actor="staff:ada", version=None
        )
        await house.town.act(request, note)
        cancelled = Cancel(**header("G-1", clock=time(8, 2)), note=words.make("cancel note"))
        assert (await partner.ask(cancelled)).error_report is None
        database = find_database(tmp_path)
        missing = set(words.made.values()) - words.places_of(set(find_canaries(database)))
        assert not missing, "what was said was kept, in the journal if nowhere else"

        await forget_all(house.town.context)

    assert find_left(words, database, {*ITEM, "library"}) == {}
    assert {"title", "author"} <= words.places_of(set(find_canaries(database)))
