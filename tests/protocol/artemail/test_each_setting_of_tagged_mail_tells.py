"""Settings of tagged mail that no story tries: with another value than the default, another mail goes out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.tagged_mail import channel_adapter
from adapters.tagged_mail.mail_format import TaggedMailFormat
from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind
from tests.protocol.artemail.support import House
from tests.unit.adapters.tagged_mail.support import NUMBER, mail, message, tailored


@pytest.mark.parametrize(
    ("settings", "plain", "changed"),
    [
        ({"sender": "peb@fjord.example"}, "From: ", "peb@fjord.example"),
        ({"reply_to": "answers@fjord.example"}, "Reply-To: ill@northfield.example", "Reply-To: answers@fjord.example"),
        ({"subject": "PEB {number} {symbol}"}, f"Subject: ILL REQUEST/DEMANDE PEB {NUMBER}", f": PEB {NUMBER} DEMO"),
        ({"account": "A-42"}, "LSB: DEMO", "A#C: A-42"),
        ({"billing": "Rue de la Paix 1"}, "LSB: DEMO", "BIL: Rue de la Paix 1"),
        ({"their_symbol": "QTAF"}, "LSP: LOCAL:RELAIS-GSM", "LSP: QTAF"),
    ],
)
async def test_a_mail_is_written_as_the_settings_say(
    tmp_path: Path, settings: dict[str, Any], plain: str, changed: str
) -> None:
    texts = []
    for more in ({}, settings):
        house = House(channel_adapter, tmp_path, {})
        await house.send(message(EventKind.REQUEST), tailored(**more))
        headers = "\n".join(f"{name}: {value}" for name, value in house.mail.items())
        texts.append(f"{headers}\n{house.mail.get_content()}")

    assert plain in texts[0]
    assert changed not in texts[0]
    assert changed in texts[1]


async def test_a_line_is_as_long_as_is_set(tmp_path: Path) -> None:
    house = House(channel_adapter, tmp_path, {})
    for length in (76, 40):
        await house.send(message(EventKind.MESSAGE, note="Voilà. " * 30), tailored(length=length))

    lengths = [max(map(len, one.get_content().splitlines())) for one in house.kept.mails]
    assert 60 < lengths[0] <= 76
    assert lengths[1] <= 40


@pytest.mark.parametrize(("settings", "currency"), [({}, "CAD"), ({"currency": "EUR"}, "EUR")])
def test_an_amount_without_a_currency_is_in_the_partner_s(settings: dict[str, Any], currency: str) -> None:
    text = f"CONDITIONAL REPLY\n\nLSB: DEMO\nLSP: LOCAL:RELAIS-GSM\nNUM: {NUMBER}\nCON: cost\nCST: 12.50\n"
    (event,) = TaggedMailFormat().decode(mail(text), tailored(**settings)).events

    assert event.details.cost == Money(Decimal("12.50"), currency)
