"""A line of a request's story leads to the message that it came from, for those who may read it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import Request
from gateway.ports.responder import OutcomeClass
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.journal_records import JournalEnding, JournalOpening
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import RULES, act, add_partners, library_context, make_lending
from tests.protocol.staff.support import colleague
from tests.support.daemon import Installation


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


BODY = "<supplyingAgencyMessage>Wir brauchen es bis Freitag. – Нина</supplyingAgencyMessage>"


async def hear_message(gateway: Running, request: Request) -> None:
    """As a protocol brings it: event and journal in one transaction."""
    context = library_context(gateway)
    now = context.now()
    event = Event(partner_signal(EventKind.MESSAGE), now, "partner:XX", EventDetails(note="bis Freitag"))

    def receive_and_describe(connection: object) -> tuple[None, JournalOpening, JournalEnding]:
        apply_event_in(connection, context, EventRequest(request_id=request.id, event=event))  # type: ignore[arg-type]
        opening = JournalOpening(
            library="DEMO",
            at=now,
            body=BODY.encode(),
            protocol="iso18626",
            transport="http",
            profile="altenried",
            service="message",
        )
        return None, opening, JournalEnding(at=now, outcome=OutcomeClass.OK, managed_requests=(request.id,))

    await gateway.gateway.managed.libraries["DEMO"].journaled.journal.record_in_transaction(receive_and_describe)


def list_links(page: Answer) -> list[str]:
    links = page.tree.xpath("//ol[@class='timeline']//a[starts-with(normalize-space(), 'The message itself')]/@href")
    return [str(link) for link in links]


async def test_what_a_partner_said_leads_to_its_message_and_what_we_did_to_none(gateway: Running) -> None:
    request = await make_lending(gateway)
    await hear_message(gateway, request)
    await act(gateway, request, EventKind.NOTE, note="angerufen")

    async with colleague(gateway, "r.okafor", "staff") as ruth:
        (link,) = list_links(await ruth.get(f"/requests/{request.number}"))
        message = await ruth.browser.get(link)

    assert "Wir brauchen es bis Freitag. – Нина" in message.text


async def test_operators_are_led_to_the_journal_and_managers_nowhere(gateway: Running) -> None:
    request = await make_lending(gateway)
    await hear_message(gateway, request)

    async with colleague(gateway, "o.brandt", "operator") as olga:
        (link,) = list_links(await olga.get(f"/requests/{request.number}"))
        assert link.startswith("/staff/operation/journal/")
        assert "Нина" not in (await olga.browser.get(link)).text, "the content is asked for"
    async with colleague(gateway, "a.lindqvist", "manager") as anna:
        assert list_links(await anna.get(f"/requests/{request.number}")) == []
