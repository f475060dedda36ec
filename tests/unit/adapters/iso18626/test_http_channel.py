"""What a message by HTTP shows of us besides itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from adapters.iso18626 import http_channel
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.http_channel import Iso18626Channel, judge_confirmation
from adapters.iso18626.messages import Request, RequestingAgencyMessage
from gateway.domain.clock import FixedClock
from gateway.domain.peer_authentication import OwnPeerIdentity, PeerAuthentication
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Role
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_http import HttpLimits, HttpReply, HttpRequest
from gateway.ports.outgoing_mail import LetterSender
from gateway.ports.partner_channel import ChannelMessage, PartnerMessage
from gateway.ports.peer_headers import refuse_peer_headers
from gateway.ports.tls import ClientTls
from gateway.runtime.partner_channels import NoMailServer
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from tests.support.requests import borrowing
from tests.unit.adapters.iso18626.test_mapping import BORROWER, LENDER, NOW, OSLO

OURS = OwnPeerIdentity(issuer="https://ill.river.example", subject="RIVER", audience="fjord")
SIGNED = PeerAuthentication(ours=OURS)


async def sign_for_partner(profile: Profile) -> Mapping[str, str]:
    assert profile.peer_authentication.ours == OURS
    return {"Authorization": "Bearer h.c.s"}


def make_channel(recorded: list[ChannelMessage], **more: Any) -> Iso18626Channel:
    request = borrowing()
    library = ChannelLibrary(LibraryInfo(request.library, "Clarens"), OSLO, "NOK")
    unused: Any = None
    return Iso18626Channel(
        ChannelContext(
            libraries={request.library: library},
            clock=FixedClock(datetime(2026, 11, 27, tzinfo=UTC)),
            secrets=str,
            folder=Path(),
            mailer=NoMailServer(),
            sender=LetterSender("", ""),
            letters=LetterRenderer(LetterPlace((), "en")),
            read_file=unused,
            receive=unused,
            record=recorded.append,
            **more,
        )
    )


def ask_for_loan() -> PartnerMessage:
    request = borrowing()
    return PartnerMessage(
        id="1",
        kind=EventKind.REQUEST,
        at=NOW,
        sender=BORROWER,
        receiver=LENDER,
        role=Role.BORROWING,
        transaction="B-17",
        details=EventDetails(),
        request=request,
    )


async def test_a_token_goes_along_and_is_not_kept() -> None:
    seen: list[str] = []
    recorded: list[ChannelMessage] = []

    async def take_message(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/iso18626", take_message)
    async with TestServer(app) as server:
        dialect = Iso18626Dialect.model_validate({"http": {"url": str(server.make_url("/iso18626"))}})
        profile = Profile(name="fjord", dialects={"iso18626": dialect}, peer_authentication=SIGNED)
        with pytest.raises(Unavailable, match="HTTP 503"):
            await make_channel(recorded, make_peer_headers=sign_for_partner).send(ask_for_loan(), profile)

    assert seen == ["Bearer h.c.s"]
    assert len(recorded) == 1
    assert "h.c.s" not in repr(recorded)


async def test_a_message_goes_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[HttpRequest, HttpLimits, ClientTls]] = []

    async def keep(request: HttpRequest, limits: HttpLimits, tls: ClientTls) -> HttpReply:
        sent.append((request, limits, tls))
        return HttpReply(503, b"")

    monkeypatch.setattr(http_channel, "exchange_http", keep)
    http = {
        "url": "https://ill.fjord.example",
        "headers": {"X-Site": "north"},
        "ca": "tls/ca.pem",
        "secret_header": "X-Key",
        "secret": "env:KEY",
        "connect_seconds": 1.5,
        "reply_seconds": 2.5,
    }
    for more in ({}, {"form": {"wrapped": False}, "symbols": {"default_type": "LOCAL"}}):
        dialect = Iso18626Dialect.model_validate({"http": http, **more})
        profile = Profile(name="fjord", dialects={"iso18626": dialect})
        with pytest.raises(Unavailable):
            await make_channel([]).send(ask_for_loan(), profile)

    (usual, limits, tls), (bare, _, _) = sent
    assert (usual.headers["X-Site"], usual.headers["X-Key"]) == ("north", "env:KEY")
    assert (limits.connect_seconds, limits.reply_seconds, tls.ca) == (1.5, 2.5, Path("tls/ca.pem"))
    assert [b"<ISO18626Message" in str(one.body).encode() for one in (usual, bare)] == [True, False]
    assert ["agencyIdType>LOCAL<" in str(one.body) for one in (usual, bare)] == [False, True]


async def test_where_nothing_can_sign_nothing_is_sent() -> None:
    dialect = Iso18626Dialect.model_validate({"http": {"url": "http://127.0.0.1:9/iso18626"}})
    profile = Profile(name="fjord", dialects={"iso18626": dialect}, peer_authentication=SIGNED)
    with pytest.raises(Unavailable, match="no signing key exists"):
        await make_channel([]).send(ask_for_loan(), profile)
    assert await refuse_peer_headers(profile.model_copy(update={"peer_authentication": PeerAuthentication()})) == {}


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_what_http_says_of_a_request_is_a_no_to_that_request(status: int) -> None:
    said = judge_confirmation(HttpReply(status, b"no"), Request(), Iso18626Dialect(), repeated=False)
    assert said.refused is not None
    with pytest.raises(Refused, match=f"HTTP {status}"):
        judge_confirmation(HttpReply(status, b"no"), RequestingAgencyMessage(), Iso18626Dialect(), repeated=False)


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_http_says_of_our_account_or_the_address_is_for_staff(status: int) -> None:
    with pytest.raises(Refused, match=f"HTTP {status}"):
        judge_confirmation(HttpReply(status, b"no"), Request(), Iso18626Dialect(), repeated=False)


@pytest.mark.parametrize("setting", ["not_now", "not_taken"])
def test_an_empty_part_of_an_error_would_mean_every_error(setting: str) -> None:
    with pytest.raises(ValidationError):
        Iso18626Dialect.model_validate({setting: [""]})
