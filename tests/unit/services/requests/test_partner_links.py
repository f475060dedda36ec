"""The links by which a library that reads letters answers: to whom, for how long, and for which answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.signed_links import QuestionLink
from gateway.ports.outgoing_mail import AnswerLink
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.request_work.questions import make_partner_links
from gateway.store.api_access import read_question_link
from tests.unit.services.requests.support import SOUTH, KeptChannel, NcipTown
from tests.unit.services.requests.test_messages_of_others import WEST, hear, lend

PROFILES = {"south": SOUTH, "east": WEST}
URL = "https://ill.example/"


async def make_links(
    north: NcipTown, message: PartnerMessage, days: int = 30, url: str = URL
) -> tuple[AnswerLink, ...]:
    return await make_partner_links(replace(north.town.context, public_url=url), message, days)


async def read_links(north: NcipTown, links: tuple[AnswerLink, ...]) -> list[QuestionLink]:
    tokens = [link.address.removeprefix("https://ill.example/q/") for link in links]
    return await north.town.context.store.read(lambda c: [read_question_link(c, token) for token in tokens])


async def test_a_supplier_gets_a_link_for_each_answer_to_the_request(north: NcipTown, channel: KeptChannel) -> None:
    request = await north.asked()
    (message,) = channel.sent
    north.clock.advance(timedelta(hours=5))

    links = await make_links(north, message)

    read = await read_links(north, links)
    assert [link.answer for link in links] == [link.answer for link in read]
    assert {"will-supply", "unfilled"} <= {link.answer for link in read}
    assert {(link.library, link.request_id, link.attempt) for link in read} == {("NORTH", request.id, 1)}
    assert {link.expires for link in read} == {message.at.replace(microsecond=0) + timedelta(days=30)}
    assert all(link.query.startswith(f"{message.id}/") for link in read)
    assert await make_links(north, message) == links, "the same at every try"


async def test_a_borrower_gets_links_that_are_about_no_supplier(north: NcipTown, channel: KeptChannel) -> None:
    request: Request = await lend(north, "south", "S-1")
    await north.act(request, EventKind.SHIPPED, barcode=(await north.free_item()).barcode)
    north.clock.advance(timedelta(minutes=5))
    await north.quiet()
    message = channel.sent[-1]

    read = await read_links(north, await make_links(north, message))

    assert message.role is Role.LENDING
    assert {(link.request_id, link.attempt) for link in read} == {(request.id, 0)}


async def test_there_are_no_links_where_they_could_not_be_used(north: NcipTown, channel: KeptChannel) -> None:
    await north.asked()
    (message,) = channel.sent

    assert len(await make_links(north, message, days=1)) > 1
    assert await make_links(north, message, days=0) == ()
    assert await make_links(north, message, url="") == (), "nobody reaches us from outside"
    assert await make_links(north, replace(message, transaction="another")) == (), "nobody was asked by it"
    assert await make_links(north, replace(message, kind=EventKind.NOTE)) == (), "there is nothing to answer"


async def test_a_supplier_of_whom_nothing_is_wanted_any_more_can_answer_less(
    north: NcipTown, channel: KeptChannel
) -> None:
    request = await north.asked()
    (message,) = channel.sent
    first = {link.answer for link in await make_links(north, message)}
    number = request.attempts[-1].transaction
    await hear(north, "south", EventKind.UNFILLED, Role.BORROWING, number, "no", reason="not-held")
    await north.act(request, EventKind.ASSIGN, partner="east")
    await north.act(request, EventKind.APPROVE)
    await north.quiet()
    later = replace(message, request=await north.see(request))

    assert later.request.current == 2, "another is asked, who may still answer anything"
    assert {link.answer for link in await make_links(north, later)} < first
