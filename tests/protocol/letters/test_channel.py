"""The channel `mail`: what a profile makes of a letter, copies that go along, and what can't go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from adapters.letters import adapter
from adapters.letters.dialect import LettersDialect
from gateway.adapter_registry import AdapterError, AdapterRegistry, load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Attachment, LibraryParty
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.outgoing_mail import AnswerLink, AnswerLinks, LetterSender, offer_no_answers
from gateway.ports.partner_channel import DeliveryResult, InboxResult, IncomingPartnerMessage, PartnerMessage
from gateway.services.letters import sample
from gateway.services.letters.renderer import LetterPlace, LetterRenderer


class Kept:
    """A mailer that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> str:
        self.mails.append(message)
        return "250 2.0.0 Ok: queued as 7F3A"


async def _nobody(_said: IncomingPartnerMessage, _profile: Profile) -> InboxResult:
    raise AssertionError("a letter brings nothing back")


class House:
    def __init__(
        self, folder: Path, files: Mapping[str, bytes] | None = None, answers: AnswerLinks = offer_no_answers
    ) -> None:
        self.kept = Kept()
        self._files = dict(files or {})
        self._channel = adapter.make(
            ChannelContext(
                libraries={"NO-01": ChannelLibrary(sample.LIBRARY, ZoneInfo("Europe/Zurich"), "EUR")},
                clock=FixedClock(sample.NOW),
                secrets=lambda reference: reference,
                folder=folder,
                mailer=self.kept,
                sender=LetterSender("post@northfield.example"),
                letters=LetterRenderer(LetterPlace((folder / "letters",), "en")),
                read_file=self._read,
                receive=_nobody,
                answers=answers,
            )
        )

    async def _read(self, library: str, id_: str) -> bytes:
        assert library == "NO-01"
        return self._files[id_]

    async def send(self, message: PartnerMessage, **dialect: object) -> DeliveryResult:
        section = LettersDialect.model_validate(dialect)
        return await self._channel.send(
            message, Profile(name="seeberg").model_copy(update={"dialects": {"letters": section}})
        )

    @property
    def mail(self) -> EmailMessage:
        (only,) = self.kept.mails
        return only


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


REQUEST = sample.sample_message(EventKind.REQUEST, "greek")


def test_the_channel_is_found_by_its_entry_point() -> None:
    adapters = load_adapters()

    assert adapters.channels["mail"] == adapter
    assert adapters.sections["letters"] is LettersDialect
    assert "smtp" in adapters.mailers


async def test_a_partner_without_habits(house: House) -> None:
    delivered = await house.send(REQUEST)

    assert delivered == DeliveryResult("250 2.0.0 Ok: queued as 7F3A")
    assert house.mail["From"] == f"{sample.LIBRARY.name} <post@northfield.example>"
    assert house.mail["Reply-To"] == sample.LIBRARY.email
    assert house.mail["To"] == "fernleihe@seeberg.example"
    assert house.mail["Message-ID"] == f"<{REQUEST.id}@northfield.example>"
    assert house.mail.get_content_type() == "multipart/alternative"


async def test_the_same_message_has_the_same_id_at_every_try(house: House) -> None:
    await house.send(REQUEST)
    await house.send(REQUEST)

    first, second = house.kept.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


async def test_a_profile_that_names_who_writes(house: House) -> None:
    await house.send(
        REQUEST, sender="loans@northfield.example", sender_name="Loans", reply_to="answers@northfield.example"
    )

    assert house.mail["From"] == "Loans <loans@northfield.example>"
    assert house.mail["Reply-To"] == "answers@northfield.example"
    assert house.mail["Message-ID"].endswith("@northfield.example>")


async def test_a_profile_with_a_subject_of_its_own(house: House) -> None:
    await house.send(REQUEST, subject="ILLREQ {reference} from {symbol}")

    assert house.mail["Subject"] == "ILLREQ NO-01-2026-000417 from NO-01"


async def test_a_profile_that_wants_text_alone_in_an_old_character_set(house: House) -> None:
    await house.send(sample.sample_message(EventKind.RECALL), parts="text", encoding="iso-8859-2")

    assert house.mail.get_content_type() == "text/plain"
    assert house.mail.get_content_charset() == "utf-8"  # Großmann fits, Wójcik-Sørensen does not
    house.kept.mails.clear()

    plain = sample.sample_message(EventKind.RECALL, "cyrillic")
    await house.send(plain, parts="text", encoding="koi8-r")

    assert house.mail.get_content_charset() == "koi8-r"
    assert "Библиотечное дело" in house.mail.get_content()


async def test_a_profile_with_templates_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "seeberg" / "en" / "partner" / "request.j2"
    file.parent.mkdir(parents=True)
    file.write_text("{% set subject %}Please{% endset %}Send us {{ title }}.", encoding="utf-8")
    house = House(tmp_path)

    await house.send(REQUEST, folder="seeberg")

    body = house.mail.get_body(("plain",))
    assert body is not None
    assert "Send us Τραγούδια της θάλασσας" in body.get_content()
    assert house.mail["Subject"] == "NO-01-2026-000417 Please"


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "{nonsense}"},
        {"subject": "{reference"},
        {"encoding": "klingon"},
        {"encoding": "base64"},
        {"sender": "nobody"},
        {"parts": "html"},
        {"unknown": 1},
    ],
)
def test_a_section_that_is_wrong_is_refused_when_it_is_read(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LettersDialect.model_validate(wrong)


# --- copies ----------------------------------------------------------------------------------------------

FILE = Attachment(id="f-1", name="Flößerei 江南.pdf", media_type="application/pdf", size=8, at=sample.NOW)


def copy(link: str = "") -> PartnerMessage:
    message = sample.sample_message(EventKind.COPY_DELIVERED)
    about = replace(message.request, attachments=(FILE,))
    return replace(message, request=about, details=EventDetails(attachment="f-1", link=link))


async def test_a_copy_goes_along(tmp_path: Path) -> None:
    house = House(tmp_path, {"f-1": b"%PDF-1.7"})

    await house.send(copy())

    (file,) = house.mail.iter_attachments()
    assert file.get_filename() == FILE.name
    assert file.get_content() == b"%PDF-1.7"


async def test_a_copy_that_is_too_large_goes_by_link(tmp_path: Path) -> None:
    house = House(tmp_path, {"f-1": b"%PDF-1.7"})

    await house.send(copy("https://ill.northfield.example/copies/x"), max_attachment_bytes=7)

    assert list(house.mail.iter_attachments()) == []
    body = house.mail.get_body(("plain",))
    assert body is not None
    assert "https://ill.northfield.example/copies/x" in body.get_content()


@pytest.mark.parametrize(
    ("files", "limit", "why"),
    [({"f-1": b"%PDF-1.7"}, 7, "too large to be sent by email"), ({}, 8, "no longer exists")],
)
async def test_a_copy_that_can_not_go_is_refused(tmp_path: Path, files: dict[str, bytes], limit: int, why: str) -> None:
    house = House(tmp_path, files)

    with pytest.raises(Refused, match=why):
        await house.send(copy(), max_attachment_bytes=limit)

    assert house.kept.mails == []


# --- what can't go ---------------------------------------------------------------------------------------


async def test_a_partner_without_an_address_can_not_be_written(house: House) -> None:
    with pytest.raises(Refused) as caught:
        await house.send(replace(REQUEST, receiver=LibraryParty("SE-77")))

    assert caught.value.reason is RefusalReason.DATA_MISSING


async def test_a_template_that_is_broken_waits_until_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "letters" / "en" / "partner" / "request.j2"
    file.parent.mkdir(parents=True)
    file.write_text("{% set subject %}a{% endset %}\n{{ nobody }}")
    house = House(tmp_path)

    with pytest.raises(Unavailable, match=r"request\.j2:2: 'nobody' is undefined"):
        await house.send(REQUEST)
    file.write_text("{% set subject %}a{% endset %}\nNow it is well.")
    await house.send(REQUEST)

    assert len(house.kept.mails) == 1


# --- how channels are found ------------------------------------------------------------------------------


def test_two_channels_may_share_a_section_but_not_with_two_models() -> None:
    class OtherDialect(LettersDialect):
        pass

    second = replace(adapter, name="fax")

    assert AdapterRegistry.from_adapters(adapter, second).sections == {"letters": LettersDialect}
    with pytest.raises(AdapterError, match="channel 'fax': section 'letters' has another model already"):
        AdapterRegistry.from_adapters(adapter, replace(second, dialect=OtherDialect))
    with pytest.raises(AdapterError, match="two adapters are called 'mail'"):
        AdapterRegistry.from_adapters(adapter, adapter)


# --- links that answer -----------------------------------------------------------------------------------


async def test_links_are_asked_for_where_the_profile_wants_them(tmp_path: Path) -> None:
    asked: list[int] = []

    async def answers(message: PartnerMessage, days: int) -> tuple[AnswerLink, ...]:
        asked.append(days)
        return sample.sample_answers(message.kind)

    house = House(tmp_path, answers=answers)

    await house.send(REQUEST)
    await house.send(REQUEST, links={"days": 30})
    await house.send(REQUEST, links={"days": 30, "answers": ["unfilled", "shipped"]})

    assert asked == [30, 30]
    texts = [one.get_body(("plain",)) for one in house.kept.mails]
    found = [one.get_content().count("https://ill.northfield.example/q/") for one in texts if one is not None]
    assert found == [0, 4, 2]


@pytest.mark.parametrize("links", [{"days": -1}, {"days": 400}, {"answers": ["maybe"]}])
def test_links_that_cannot_be(links: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LettersDialect.model_validate({"links": links})
