"""APDUs in mails: as they leave, and as they come in whatever shape programs on the way gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from zoneinfo import ZoneInfo

import pytest

from adapters.iso_ill.codec import apdu_digest, decode_apdu, encode_apdu
from adapters.iso_ill.dialect import IsoIllDialect
from adapters.iso_ill.mail_format import IsoIllMailFormat, build_apdu_mail
from adapters.iso_ill.mapping import apdu_of_message
from adapters.iso_ill.messages import Apdu, IllRequest, Shipped
from adapters.iso_ill.messages.codes import ServiceType
from adapters.iso_ill.messages.structures import ApduEncoding, DeliveryInfo, Moment, ServiceDateTime
from adapters.mailbox.mime_parser import parse_mail
from gateway.domain.problems import MalformedMessage, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LibraryParty, Role
from gateway.ports.incoming_mail import IncomingMail, MailInterpretation, MailRecipient
from gateway.ports.outgoing_mail import LetterSender
from tests.support.full_apdus import CONTEXT, LENDING, REQUESTING

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OSLO = MailRecipient("DE-9999", ZoneInfo("Europe/Oslo"), "NOK")
PROFILE = Profile(
    name="fjordby", dialects={"iso_ill": IsoIllDialect.model_validate({"symbols": {"ours": "ISIL:DE-9999"}})}
)
FORMAT = IsoIllMailFormat()


def said(kind: EventKind, role: Role = Role.BORROWING) -> Apdu:
    message = next(one for one in (REQUESTING if role is Role.BORROWING else LENDING) if one.kind is kind)
    return apdu_of_message(message, CONTEXT)


def at(apdu: Apdu, minute: int) -> Apdu:
    return replace(apdu, service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2), clock=time(9, minute))))


def came(mail: EmailMessage) -> IncomingMail:
    return replace(parse_mail(mail.as_bytes(policy=SMTP), NOW).mail, recipient=OSLO)


def understood(mail: EmailMessage) -> MailInterpretation:
    incoming = came(mail)
    assert FORMAT.recognises(incoming, PROFILE)
    return FORMAT.decode(incoming, PROFILE)


def sent(apdu: Apdu) -> EmailMessage:
    return build_apdu_mail(
        encode_apdu(apdu),
        to="ill@seestadt.example",
        sender=LetterSender("ill@fjordby.example", "Fjordby bibliotek"),
        message_id="m-1",
        subject="ISO ILL Cancel B-2026-17",
        at=NOW,
    )


def around(parts: Sequence[tuple[bytes, str, str, str]], text: str = "Siehe Anlage") -> EmailMessage:
    """Octets, types and name of each."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ill@fjordby.example", "ill@seestadt.example", "ILL"
    mail.set_content(text)
    for octets, main, sub, name in parts:
        mail.add_attachment(octets, maintype=main, subtype=sub, filename=name)
    return mail


class TestOut:
    def test_the_apdu_is_the_body_as_the_rfc_says(self) -> None:
        octets = encode_apdu(said(EventKind.CANCEL))

        mail = message_from_bytes(sent(said(EventKind.CANCEL)).as_bytes(), policy=default)

        assert mail.get_content_type() == "application/iso-10161-ill-1"
        assert dict(mail["Content-Type"].params) == {"transfer-encoding": "iso-8825-ber"}
        assert mail["Content-Transfer-Encoding"] == "base64"
        assert mail.get_content() == octets
        assert mail["Message-ID"] == "<m-1@fjordby.example>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"].datetime == NOW

    def test_without_an_address_it_is_refused(self) -> None:
        with pytest.raises(Refused):
            build_apdu_mail(b"", to="", sender=LetterSender("ill@fjordby.example"), message_id="m", subject="")

    def test_the_mailbox_is_told_as_where_we_are_reached(self) -> None:
        by_mail = replace(CONTEXT, dialect=IsoIllDialect.model_validate({"transport": {"by": "mail"}}))
        apdu = apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.CANCEL), by_mail)

        (info,) = [one.item for one in apdu.carried_extensions if isinstance(one.item, DeliveryInfo)]

        assert info.sender[0].encoding == (ApduEncoding.BER_IN_MIME,)
        assert (info.sender[0].transport.service, info.sender[0].transport.address) == ("SMTP", "ill@library.example")

    def test_by_mail_both_parties_are_named(self) -> None:
        by_mail = replace(CONTEXT, dialect=IsoIllDialect.model_validate({"transport": {"by": "mail"}}))
        nameless = replace(next(one for one in REQUESTING if one.kind is EventKind.CANCEL), receiver=LibraryParty())

        with pytest.raises(Refused, match="Both libraries need a symbol"):
            apdu_of_message(nameless, by_mail)


class TestIn:
    def test_alone(self) -> None:
        apdu = said(EventKind.CANCEL)

        (event,) = understood(sent(apdu)).events

        assert (event.kind, event.role) == (EventKind.CANCEL, Role.LENDING)
        assert event.id == apdu_digest(encode_apdu(apdu))
        assert event.at == datetime(2026, 3, 2, 8, 30, 15, tzinfo=UTC)  # half past nine in Oslo
        assert event.guard is not None
        assert event.named.startswith("Cancel B-2026-17 2 20260302")

    @pytest.mark.parametrize(
        ("main", "sub", "name"),
        [
            ("application", "iso-10161-ill-1", "x"),
            ("application", "octet-stream", "APDU.BER"),
        ],
    )
    def test_among_others(self, main: str, sub: str, name: str) -> None:
        (event,) = understood(around([(encode_apdu(said(EventKind.CANCEL)), main, sub, name)])).events

        assert event.kind is EventKind.CANCEL

    def test_any_other_octets_are_not_ours(self) -> None:
        mail = came(around([(encode_apdu(said(EventKind.CANCEL)), "application", "octet-stream", "scan.tif")]))

        assert not FORMAT.recognises(mail, PROFILE)

    def test_a_request_brings_what_is_asked_for(self) -> None:
        (event,) = understood(sent(said(EventKind.REQUEST))).events

        assert event.request is not None
        assert event.request.citation.component_title == "Über die Wanderung der Dünen"
        assert event.transaction == event.request.transaction

    def test_several_in_the_order_in_which_they_were_sent(self) -> None:
        first, second = at(said(EventKind.RECEIVED), 10), at(said(EventKind.RETURNED), 20)
        parts = [(encode_apdu(one), "application", "iso-10161-ill-1", "apdu.ber") for one in (second, first)]

        assert [event.kind for event in understood(around(parts)).events] == [EventKind.RECEIVED, EventKind.RETURNED]

    def test_the_file_beside_a_copy_is_the_copy(self) -> None:
        shipped = decode_apdu(encode_apdu(said(EventKind.COPY_DELIVERED, Role.LENDING))).apdu
        assert isinstance(shipped, Shipped)
        assert shipped.service_type is ServiceType.COPY_NON_RETURNABLE
        parts = [
            (b"%PDF-1.7 copy", "application", "pdf", "dünen.pdf"),
            (encode_apdu(shipped), "application", "iso-10161-ill-1", "apdu.ber"),
        ]

        (event,) = understood(around(parts)).events

        assert (event.kind, event.files) == (EventKind.COPY_DELIVERED, (0,))

    def test_one_that_cannot_be_read_is_left_to_staff_beside_the_others(self) -> None:
        octets = encode_apdu(said(EventKind.CANCEL))
        parts = [(one, "application", "iso-10161-ill-1", "apdu.ber") for one in (octets[:-9], octets)]

        found = understood(around(parts))

        assert [event.kind for event in found.events] == [EventKind.CANCEL]
        assert len(found.unknown) == 1

    @pytest.mark.parametrize("octets", [b"", b"\x66", b"GET / HTTP/1.1"])
    def test_nothing_but_nonsense_is_malformed(self, octets: bytes) -> None:
        mail = came(around([(octets, "application", "iso-10161-ill-1", "apdu.ber")]))

        with pytest.raises(MalformedMessage):
            FORMAT.decode(mail, PROFILE)

    def test_a_day_before_all_days_is_malformed(self) -> None:
        """In Oslo it begins before the calendar does in UTC."""
        dawn = replace(
            said(EventKind.CANCEL), service_date_time=ServiceDateTime(this=Moment(day=date.min, clock=time.min))
        )

        with pytest.raises(MalformedMessage, match="0001-01-01"):
            understood(sent(dawn))

    def test_what_is_for_another_library_is_left_to_staff(self) -> None:
        mail = replace(came(sent(said(EventKind.CANCEL))), recipient=MailRecipient("SE-S"))

        with pytest.raises(MalformedMessage, match="Library not found"):
            FORMAT.decode(mail, Profile(name="fjordby", dialects={"iso_ill": IsoIllDialect()}))


class TestUnmet:
    def test_what_cannot_be_done_is_an_answer_already(self) -> None:
        request = said(EventKind.REQUEST)
        assert isinstance(request, IllRequest)

        (event,) = understood(sent(replace(request, service_types=(ServiceType.LOCATIONS,)))).events

        assert (event.kind, event.role) == (EventKind.REQUEST, Role.LENDING)
        assert event.request is not None
        assert event.unfilled is not None
        assert event.unfilled.note == "Only loans and copies are supplied here."

    def test_what_can_be_done_is_a_request(self) -> None:
        (event,) = understood(sent(said(EventKind.REQUEST))).events

        assert event.unfilled is None
