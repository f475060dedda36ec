"""Settings of ISO ILL partners that no story tries: with another value than the default, other octets go out."""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from adapters.iso_ill.codec import decode_apdu
from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.responder import IsoIllResponder
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.ports.partner_channel import PartnerMessage
from tests.support.full_apdus import LENDING
from tests.unit.adapters.iso_ill.test_channel import ASKED, Wire, channel

ANSWER = next(message for message in LENDING if message.kind is EventKind.UNFILLED)


def make_profile(section: str, settings: dict[str, Any]) -> Profile:
    dialect = IsoIllDialect.model_validate({section: settings} if section else settings)
    return Profile(name="them", dialects={"iso_ill": dialect})


async def send(message: PartnerMessage, section: str, settings: dict[str, Any]) -> Wire:
    wire = Wire()
    await channel(wire).send(message, make_profile(section, settings))
    return wire


@pytest.mark.parametrize(
    ("message", "settings", "plain", "changed"),
    [
        (ASKED, {"can_send_received": False}, True, False),
        (ASKED, {"can_send_returned": False}, True, False),
        (ASKED, {"shipped": "requires"}, "DESIRES", "REQUIRES"),
        (ASKED, {"checked_in": "neither"}, "DESIRES", "NEITHER"),
        (ANSWER, {"can_send_shipped": False}, True, False),
        (ANSWER, {"can_send_checked_in": False}, True, False),
        (ANSWER, {"received": "requires"}, "DESIRES", "REQUIRES"),
        (ANSWER, {"returned": "neither"}, "DESIRES", "NEITHER"),
    ],
)
async def test_optional_messages(message: PartnerMessage, settings: dict[str, Any], plain: Any, changed: Any) -> None:
    (field,) = settings

    async def ask(settings: dict[str, Any]) -> Any:
        apdu = decode_apdu((await send(message, "optional_messages", settings)).said[-1].message).apdu
        value = attrgetter(f"optional_messages.{field}")(apdu)
        return value if isinstance(value, bool) else value.name

    assert (await ask({}), await ask(settings)) == (plain, changed)


TITLE = "Annalen der Küstenforschung"


@pytest.mark.parametrize(
    ("section", "settings", "plain", "changed"),
    [
        ("wire", {"charset_out": "iso-8859-1"}, TITLE.encode(), TITLE.encode("latin-1")),
        ("wire", {"strings": "edifact"}, b"\x1b\x1c" + TITLE.encode(), b"\x1a\x1bAnnalen der Kustenforschung"),
        # transaction-type simple, which one left out means
        ("wire", {"defaults": "send"}, b"", b"\x85\x01\x01"),
    ],
)
async def test_octets(section: str, settings: dict[str, Any], plain: bytes, changed: bytes) -> None:
    before, after = [(await send(ASKED, section, one)).said[-1].message for one in ({}, settings)]

    assert plain in before
    assert changed not in before
    assert changed in after


async def test_a_partner_that_wants_no_initial_requester_gets_none() -> None:
    sent = [
        decode_apdu((await send(ASKED, "identifiers", settings)).said[-1].message).apdu
        for settings in ({}, {"initial_requester": "sub-transactions"})
    ]
    assert [apdu.transaction_id.initial_requester_id is None for apdu in sent] == [False, True]


TLS = {"use": True, "ca": "tls/ca.pem", "certificate": "tls/ours.pem"}


async def test_how_a_connection_is_opened_and_kept() -> None:
    transport = {"connect_seconds": 1.5, "reply_seconds": 2.5, "idle_seconds": 3.5, "message_seconds": 4.5, "tls": TLS}
    said = (await send(ASKED, "transport", transport)).said[-1]
    profile = make_profile("transport", {**transport, "address": "ill.fjordby.example:499"})
    framing = IsoIllResponder().framing(profile)
    back = profile.dialects["iso_ill"].transport.make_callback_address("them")  # type: ignore[attr-defined]

    assert (said.connect_seconds, said.seconds) == (back.connect_seconds, back.seconds) == (1.5, 2.5)
    assert (framing.idle_seconds, framing.message_seconds) == (3.5, 4.5)
    assert said.tls == back.tls
    assert (said.tls.ca, said.tls.certificate) == (Path("tls/ca.pem"), Path("tls/ours.pem"))


async def test_dates_of_another_form_are_read() -> None:
    octets = (await send(ASKED, "wire", {})).said[-1].message.replace(b"20260401", b"01.04.26")
    wires = [IsoIllDialect.model_validate({"wire": one}).wire for one in ({}, {"day_formats": ["%d.%m.%y"]})]
    days = [attrgetter("search.need_before_date")(decode_apdu(octets, wire.style).apdu) for wire in wires]

    assert days == [None, date(2026, 4, 1)]
