"""Requests in the middle of their lives, for staff to look at: made by the services, moved on by events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import LibraryParty, PatronLink, Request
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.views import ActionRequest
from gateway.ports.responder import ExchangeContext, OutcomeClass, RawMessage, TransportKind
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store import schema
from gateway.store.journal_records import (
    JournalEnding,
    JournalFilter,
    JournalMessage,
    JournalOpening,
    MessageDirection,
)
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.protocol.pages.support import PATRON, Running
from tests.support.daemon import Installation

TITLE = "Handbuch der Gezeitenkunde: Beobachtung, Berechnung und Vorhersage der Gezeiten in flachen Randmeeren"

RULES: dict[str, Any] = {
    "intake": {"duplicates": {"action": "allow"}},
    "rotas": {
        "coast": {
            "lines": [{"partner": "altenried"}, {"partner": "vaumarin"}, {"partner": "sahil"}],
            "only_owning": "no",
        }
    },
    "default_rota": "coast",
}

PARTNERS = {
    "altenried": "Universität Altenried",
    "vaumarin": "Bibliothèque de Vaumarin",
    "sahil": "مكتبة جامعة الساحل",
}

_PROFILE = """
partner:
  symbols: [{symbol}]
  name: {name}
  email: ill@{profile}.example
  channel: mail
  owns: everything
  address: Am Speicher 4, 99310 Hafen
circulation:
  due_dates: {{policy: lender, transit_days: 3}}
"""


def add_partners(installation: Installation) -> None:
    for profile, name in PARTNERS.items():
        text = _PROFILE.format(profile=profile, name=name, symbol=f"XX-{profile.upper()}")
        (installation.folder / "profiles" / f"{profile}.yml").write_text(text, encoding="utf-8")


def library_context(gateway: Running) -> LibraryContext:
    context: LibraryContext = gateway.requests().context
    return context


def book(**more: Any) -> Citation:
    said: dict[str, Any] = {
        "type": CitationType.BOOK,
        "title": TITLE,
        "author": "Hinrich Föhrmann; רחל ברקת",
        "published": "2011",
        "edition": "3rd",
        "identifiers": (RecordId("isbn", "9783161484100"),),
        "original": "Gezeitenkunde, Föhrmann",
    }
    return Citation(**{**said, **more})


async def make_borrowing(gateway: Running, **more: Any) -> Request:
    """In review, for a reader of the sample library."""
    draft = BorrowingDraft(
        **{"citation": book(), "patron": PatronLink(identifier=PATRON), "mediated": True, "override": True, **more}
    )
    made: Request = await gateway.requests().create_borrowing(draft)
    return made


async def make_lending(gateway: Running, **more: Any) -> Request:
    draft = LendingDraft(
        **{
            "citation": book(title="The Three-Body Problem", identifiers=(RecordId("isbn", "9780000010018"),)),
            "requester": LibraryParty(symbol="XX-ALTENRIED", profile="altenried"),
            "transaction": "ALT-88120/26",
            **more,
        }
    )
    made: Request = await gateway.requests().create_lending(draft)
    return await _wait_until(gateway, made, lambda request: bool(request.item_barcode))


async def act(
    gateway: Running, request: Request, kind: EventKind, actor: str = "staff:j.tanaka", **said: Any
) -> Request:
    action = ActionRequest(kind=kind, details=EventDetails(**said), actor=actor, version=None)
    done: Request = await gateway.requests().apply_action(request.id, action)
    return done


async def hear_partner(gateway: Running, request: Request, kind: EventKind, attempt: int = 1, **said: Any) -> Request:
    """A message of the supplier, as its protocol brings it."""
    context = library_context(gateway)
    event = Event(partner_signal(kind), context.now(), "partner:XX", EventDetails(**said), attempt)
    return (await apply_event(context, EventRequest(request_id=request.id, event=event, prepare=keep_request))).request


async def make_asked(gateway: Running, **more: Any) -> Request:
    """The first library of the rota is asked."""
    request = await make_borrowing(gateway, **more)
    await act(gateway, request, EventKind.APPROVE)
    return await _wait_until(gateway, request, lambda request: bool(request.attempts))


async def _wait_until(gateway: Running, request: Request, is_so: Callable[[Request], bool]) -> Request:
    """The daemon works in the background, too."""
    for _ in range(200):
        await gateway.gateway.managed.drain_due_work()
        found = await reload_request(gateway, request)
        if is_so(found):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{found.number} stays {found.state}")


async def make_conditional(gateway: Running, **more: Any) -> Request:
    request = await make_asked(gateway, **more)
    return await hear_partner(
        gateway,
        request,
        EventKind.CONDITIONAL,
        note="Nur Benutzung im Lesesaal. Gebühr 12,00 EUR.",
        conditions=(LoanCondition.LIBRARY_USE_ONLY,),
        cost=Money(Decimal("12.00"), "EUR"),
    )


async def reload_request(gateway: Running, request: Request) -> Request:
    found: Request = await gateway.requests().find_request(request.id)
    return found


async def write_journal(gateway: Running, request: Request, body: bytes) -> None:
    """As the channel of a partner that asks for this request does."""
    now = library_context(gateway).now()
    opening = JournalOpening(
        library="DEMO",
        at=now,
        body=body,
        protocol="tagged-mail",
        transport="mail",
        profile="altenried",
        service="request",
        request_id=request.transaction,
    )
    await gateway.gateway.managed.libraries["DEMO"].journaled.journal.record_exchange(
        opening, JournalEnding(at=now, outcome=OutcomeClass.OK)
    )


async def hear_program(gateway: Running, service: str, **values: str) -> JournalMessage:
    """A message by NCIP, as the journal has it. `values`: the parameters of `illgate send`, with _ for -."""
    pages, context = gateway.gateway._staff_pages, library_context(gateway)
    profile = gateway.gateway._profiles.current.find_profile("ncip2")
    assert pages is not None
    assert profile is not None
    now = context.now()
    said = {name.replace("_", "-"): (value,) for name, value in values.items()}
    talk = ExchangeContext(profile, context.symbol, context.zone, "EUR", now)
    body = NcipPartnerSimulator(lambda reference: reference).build(service, said, talk)
    arrival = RawMessage(body, now, TransportKind.HTTP, "ncip", peer="127.0.0.1", profile="ncip2")
    await pages._parts.replays["DEMO"].exchange.handle(arrival)
    return (await list_heard_messages(gateway))[0]


async def list_heard_messages(gateway: Running) -> list[JournalMessage]:
    """Those of the journal that came in, newest first."""
    journal = gateway.gateway.managed.libraries["DEMO"].journaled.journal
    return list((await journal.list_messages(JournalFilter("DEMO", direction=MessageDirection.IN))).messages)


async def lose_key_of(gateway: Running, message_id: str) -> None:
    """As where it was taken out of gateway.yml."""
    await library_context(gateway).store.write(
        lambda c: c.execute(schema.message.update().values(body_key="k1").where(schema.message.c.id == message_id))
    )
