"""The channel `artemail`: what leaves the house, byte for byte, and what never does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.artemail import channel_adapter, mail_format_adapter
from adapters.artemail.dialect import ArtemailDialect
from adapters.artemail.mail_format import ArtemailFormat
from gateway.adapter_registry import load_adapters
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Attachment, Role
from gateway.services.letters import sample
from tests.protocol.artemail.support import House
from tests.unit.adapters.artemail.support import NOW, NUMBER, bldss, borrowed, both_ways, lent, mail, message, tailored

PDF = b"%PDF-1.7 a made-up page"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(channel_adapter, tmp_path, {"file-1": PDF})


def test_channel_and_format_are_found_by_their_entry_points() -> None:
    adapters = load_adapters()

    assert adapters.channels["artemail"] == channel_adapter
    assert adapters.mail_formats["artemail"] == mail_format_adapter
    assert adapters.sections["artemail"] is ArtemailDialect


async def test_an_order_is_a_plain_ascii_mail(house: House) -> None:
    delivered = await house.send(message(), bldss())

    mail = house.mail
    assert mail["To"] == "artemail@art.bl.uk"
    assert mail["From"] == f"{sample.LIBRARY.name} <post@northfield.example>"
    assert mail["Subject"] == f"FILEREFNO {NUMBER}"
    assert mail["Message-ID"] == f"<{message().id}@northfield.example>"
    assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "us-ascii")
    assert mail["Content-Transfer-Encoding"] == "7bit"
    lines = mail.get_content().splitlines()
    assert lines[:2] == ["99-9999", "OPENSESAME"]
    assert lines[-1] == "NNNN"
    assert delivered.note.startswith("250 2.0.0 Ok: queued as 7F3A; written in ASCII: Ż → Z")


async def test_every_try_is_the_same_mail(house: House) -> None:
    await house.send(message(), bldss())
    await house.send(message(), bldss())

    first, second = house.kept.mails
    assert first.as_bytes() == second.as_bytes()


async def test_the_profile_says_who_writes_and_to_whom(house: House) -> None:
    profile = tailored(
        address="orders@art.example",
        sender="loans@northfield.example",
        reply_to="answers@northfield.example",
        subject="{customer} FILEREFNO {number} {name}",
    )

    await house.send(message(), profile)

    assert house.mail["To"] == "orders@art.example"
    assert str(house.mail["From"]).endswith("<loans@northfield.example>")
    assert house.mail["Reply-To"] == "answers@northfield.example"
    assert house.mail["Subject"] == f"99-9999 FILEREFNO {NUMBER} {sample.LIBRARY.name}"


async def test_a_test_order_goes_elsewhere(house: House) -> None:
    profile = tailored(mode="test", test={"address": "probe@art.example", "keywords": ["TEST"]})

    delivered = await house.send(message(), profile)

    assert house.mail["To"] == "probe@art.example"
    assert f"TX{NUMBER} S LOAN TEST" in house.mail.get_content()
    assert "sent as a test order" in delivered.note


async def test_what_was_cut_is_told(house: House) -> None:
    delivered = await house.send(message(), tailored(layout={"overflow": "cut"}))

    assert "cut to 40 characters: Zegluga na wodach srodladowych: historia i wspolczesnosc" in delivered.note


# --- passwords -------------------------------------------------------------------------------------------


async def test_without_its_password_no_order_leaves(tmp_path: Path) -> None:
    house = House(channel_adapter, tmp_path)

    with pytest.raises(Unavailable, match="env:ELSEWHERE is not set"):
        await house.send(message(), tailored(customers=[{"code": "99-9999", "password": "env:ELSEWHERE"}]))
    with pytest.raises(Refused, match="no password"):
        await house.send(message(), tailored(customers=[{"code": "99-9999"}]))
    assert house.kept.mails == []


@pytest.mark.parametrize("password", ["TWO WORDS", "PASSWÖRD"])
async def test_a_password_that_can_not_be_written_is_not_shown(tmp_path: Path, password: str) -> None:
    house = House(channel_adapter, tmp_path, secrets=lambda _: password)

    with pytest.raises(Refused) as refused:
        await house.send(message(), bldss())

    assert password not in f"{refused.value!r} {refused.value.__cause__!r}"


async def test_the_password_is_in_the_body_alone(house: House) -> None:
    delivered = await house.send(message(), bldss())

    assert "OPENSESAME" not in delivered.note
    assert "OPENSESAME" not in str(house.mail.items())


# --- as a supplier ---------------------------------------------------------------------------------------


async def test_a_reply_answers_under_the_number_of_the_order(house: House) -> None:
    await house.send(lent(EventKind.UNFILLED, reason="not-held", note="Leider nicht vorhanden"), both_ways())

    assert house.mail["Subject"] == f"FILEREFNO {NUMBER}"
    assert house.mail.get_content() == f"{NUMBER} NOT\nLeider nicht vorhanden\n"


async def test_a_reply_quotes_the_number_of_the_file_that_the_order_came_in(house: House) -> None:
    order = "99-9999\nOPENSESAME\n\n\n\nTXB-7 S LOAN\nSult\n\n\n\nNNNN\n"
    (event,) = ArtemailFormat().decode(mail(order, "FILEREFNO F000017"), both_ways()).events
    assert event.request is not None
    said = lent(EventKind.UNFILLED, reason="not-held")

    await house.send(replace(said, request=replace(said.request, extras=event.request.extras)), both_ways())

    assert house.mail["Subject"] == "FILEREFNO F000017"


async def test_a_copy_goes_along(house: House) -> None:
    said = lent(EventKind.COPY_DELIVERED, attachment="file-1")
    file = Attachment(id="file-1", name="copy.pdf", media_type="application/pdf", size=len(PDF), at=NOW)

    await house.send(replace(said, request=replace(said.request, attachments=(file,))), both_ways())

    understood = ArtemailFormat().decode(house.arrived, bldss())
    (event,) = understood.events
    assert (event.kind, event.role, event.transaction) == (EventKind.COPY_DELIVERED, Role.BORROWING, NUMBER)
    assert house.arrived.attachments[event.files[0]].content == PDF


async def test_a_copy_that_is_gone_is_refused(house: House) -> None:
    with pytest.raises(Refused) as refused:
        await house.send(lent(EventKind.COPY_DELIVERED, attachment="file-2"), both_ways())

    assert refused.value.reason is RefusalReason.DATA_MISSING
    assert house.kept.mails == []


@pytest.mark.parametrize("kind", [EventKind.REQUEST, EventKind.RENEW, EventKind.CANCEL, EventKind.STATUS_QUERY])
async def test_what_arrives_at_the_other_side_is_what_was_said(house: House, kind: EventKind) -> None:
    await house.send(message(kind), bldss())

    (event,) = ArtemailFormat().decode(house.arrived, both_ways()).events
    assert (event.kind, event.role, event.transaction) == (kind, Role.LENDING, NUMBER)


async def test_a_request_without_any_address_is_refused(house: House) -> None:
    nobody = bldss().model_copy(update={"partner": None})

    with pytest.raises(Refused, match="without the recipient's address"):
        await house.send(message(request=borrowed()), nobody)
