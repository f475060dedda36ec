"""A supplier that is named by hand comes first; the rota that the rules give follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.request import BorrowingState, PatronLink, Request, RotaLineStatus
from gateway.domain.requests.rota import SupplierVerdict
from gateway.domain.requests.views import ActionRequest
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from gateway.services.requests.transitions import EventRequest, apply_event
from tests.unit.services.requests.support import EASY, PATRON, SOUTH, STAFF, NcipTown, make_template

PROFILES = {
    "south": SOUTH,
    "hill": {"partner": {**SOUTH["partner"], "symbols": ["HILL"], "name": "Hill Library"}},
    "port": {"partner": {**SOUTH["partner"], "symbols": ["PORT"], "name": "Port Library"}},
}
ROTAS = {
    "rotas": {"usual": {"lines": [{"partner": "hill"}, {"partner": "south"}]}, "sea": {"lines": [{"partner": "port"}]}},
    "default_rota": "usual",
}


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[NcipTown]:
    template = await make_template(tmp_path / "template", PROFILES, {**EASY, **ROTAS})
    async with NcipTown(template, tmp_path) as town:
        yield town


async def hear_no(north: NcipTown, request: Request) -> Request:
    """From the supplier that is asked now."""
    event = Event(partner_signal(EventKind.UNFILLED), north.clock.now(), "partner:test", attempt=request.current)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))
    await north.quiet()
    return await north.see(request)


async def test_the_named_supplier_is_asked_and_then_the_rota(north: NcipTown) -> None:
    request = await north.asked()
    explained = await north.town.gateway.managed.libraries["NORTH"].partners.explain(request.id)
    assert (request.rota_name, [one.partner for one in request.attempts]) == ("usual", ["south"])
    assert [(line.partner, line.verdict) for line in explained.lines] == [
        ("hill", SupplierVerdict.NEXT),
        ("south", SupplierVerdict.ASKED),
    ]

    second = await hear_no(north, request)
    ended = await hear_no(north, second)

    assert [one.partner for one in second.attempts] == ["south", "hill"]
    assert ended.state is BorrowingState.NO_SUPPLIER
    assert [(line.partner, line.standing) for line in ended.rota] == [
        ("south", RotaLineStatus.ASKED),
        ("hill", RotaLineStatus.ASKED),
    ]


async def test_the_named_supplier_comes_before_the_rota_that_was_named_with_it(north: NcipTown) -> None:
    draft = BorrowingDraft(
        citation=Citation(title="Λιμάνια"), patron=PatronLink(identifier=PATRON), partner="south", rota="sea"
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
    await north.quiet()

    asked = await north.see(request)
    assert (asked.rota_name, [line.partner for line in asked.rota]) == ("sea", ["south", "port"])


async def test_a_supplier_named_at_the_desk_comes_before_the_rota(north: NcipTown) -> None:
    draft = BorrowingDraft(citation=Citation(title="Λιμάνια"), patron=PatronLink(identifier=PATRON), mediated=True)
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)
    details = EventDetails(partner="port")
    await north.town.act(request, ActionRequest(kind=EventKind.ASSIGN, details=details, actor=STAFF, version=None))
    explained = await north.town.gateway.managed.libraries["NORTH"].partners.explain(request.id)
    await north.act(request, EventKind.APPROVE)
    await north.quiet()

    asked = await north.see(request)
    assert explained.by_rule
    assert [(line.partner, line.verdict) for line in explained.lines] == [
        ("port", SupplierVerdict.NEXT),
        ("hill", SupplierVerdict.AFTER),
        ("south", SupplierVerdict.AFTER),
    ]
    assert [one.partner for one in asked.attempts] == ["port"]
    assert [line.partner for line in asked.rota] == ["port", "hill", "south"]


async def test_who_was_asked_hears_the_end_where_the_next_one_never_heard_of_it(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await north.asked()
    sent: list[tuple[str, EventKind]] = []
    is_up = False

    async def send(_channel: object, message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        if not is_up:
            raise Unavailable("no connection")
        sent.append((message.receiver.profile, message.kind))
        return DeliveryResult("taken")

    monkeypatch.setattr(type(north.town.context.channels["mail"]), "send", send)
    for _ in range(2):
        await north.act(request, EventKind.NEXT_SUPPLIER)
        await north.quiet()
    is_up = True
    north.clock.advance(timedelta(days=1))
    await north.quiet()

    assert sent == [("south", EventKind.CANCEL)]
