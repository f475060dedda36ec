"""APDUs by mail (RFC 2503): one a body part, of the type application/iso-10161-ill-1; and the port `MailFormat`.

Mails may come late, twice and in any order: each APDU brings its own id and the time at which its sender sent it. What
is refused is told to the sender by mail, if it is about a request that we know; what can't be done for a request is
answered UNFILLED (`mapping.ill_request`); all else is staff's to look at.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from adapters.iso_ill.codec import FILE_ENDING, MAIN_TYPE, SUB_TYPE, BerLimits, apdu_digest, apdu_type_name
from adapters.iso_ill.dialect import SECTION, dialect_of
from adapters.iso_ill.mapping import event_of_apdu
from adapters.iso_ill.mapping.ill_request import find_unsuppliable
from adapters.iso_ill.mapping.reports import correlation_text
from adapters.iso_ill.messages import Apdu, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.structures import Moment
from adapters.iso_ill.responder import IsoIllResponder, context_of_exchange, header_of_apdu
from gateway.domain.problems import MalformationKind, MalformedMessage, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.incoming_mail import IncomingMail, MailEvent, MailInterpretation, MailPart
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.ports.responder import ExchangeContext, RawMessage, TransportKind

MEDIA_TYPE = f"{MAIN_TYPE}/{SUB_TYPE}"
ENCODING = {"transfer-encoding": "iso-8825-ber"}
"""The one parameter of the type, and its only value."""

FILE_NAME = f"apdu{FILE_ENDING}"
_OCTETS = "application/octet-stream"


def build_apdu_mail(
    apdu: bytes, *, to: str, sender: LetterSender, message_id: str, subject: str, at: datetime | None = None
) -> EmailMessage:
    """The APDU is all of the mail's body. `at`: Date. Raises Refused when there is no address to send to."""
    letter = RenderedLetter(to=to, subject=subject, text="", message_id=message_id, language="", at=at, automatic=True)
    mail = build_mail(letter, sender)
    mail.set_content(apdu, maintype=MAIN_TYPE, subtype=SUB_TYPE, cte="base64", filename=FILE_NAME, params=ENCODING)
    return mail


def is_apdu_part(part: MailPart) -> bool:
    """Tell an APDU by its type, or by its name where a program on the way knew no better type."""
    return part.media_type == MEDIA_TYPE or (part.media_type == _OCTETS and part.name.lower().endswith(FILE_ENDING))


class IsoIllMailFormat:
    name = SECTION

    def __init__(self) -> None:
        self._responder = IsoIllResponder()

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """See `gateway.ports.incoming_mail.MailFormat`."""
        return any(map(is_apdu_part, mail.attachments))

    def decode(self, mail: IncomingMail, profile: Profile) -> MailInterpretation:
        """See `gateway.ports.incoming_mail.MailFormat`. What can't be taken of several APDUs is left to staff."""
        events: list[MailEvent] = []
        unknown: list[str] = []
        failed: list[MalformedMessage] = []
        parts = [part for part in mail.attachments if is_apdu_part(part)]
        for part in parts:
            try:
                events.append(self._event_of_part(part, mail, profile))
            except MalformedMessage as malformed:
                failed.append(malformed)
                unknown.append(f"{part.name}: {malformed}")
        if failed and not events:
            raise failed[0]
        return MailInterpretation(events=tuple(sorted(events, key=_event_time)), unknown=tuple(unknown))

    def _event_of_part(self, part: MailPart, mail: IncomingMail, profile: Profile) -> MailEvent:
        """Make an event; raises MalformedMessage, for what our side refuses as well: staff see why."""
        arrival = RawMessage(part.content, mail.received, TransportKind.REPLAY, SECTION, profile=profile.name)
        envelope = self._responder.open(arrival, profile.max_bytes)
        if envelope.malformed is not None:
            raise envelope.malformed
        to = mail.recipient
        exchange = ExchangeContext(profile, to.symbol, to.zone, to.currency, mail.received)
        try:
            incoming = self._responder.decode(envelope, exchange)
        except Refused as refused:
            raise MalformedMessage(envelope.service, refused.detail, MalformationKind.INVALID_VALUE) from refused
        apdu, event_message = incoming.message, incoming.told
        assert isinstance(apdu, Apdu), "the responder's own"
        context = context_of_exchange(exchange)
        if isinstance(apdu, IllRequest) and (why := find_unsuppliable(apdu, context)) is not None:
            message = event_of_apdu(apdu, context, apdu_digest(part.content, BerLimits(size=profile.max_bytes)))
            return replace(_build_mail_event(apdu, message, mail, profile), unfilled=why.details)
        assert event_message is not None, "nobody waits for a reply by mail"
        return _build_mail_event(apdu, event_message, mail, profile)


def _build_mail_event(apdu: Apdu, message: IncomingPartnerMessage, mail: IncomingMail, profile: Profile) -> MailEvent:
    others = tuple(index for index, part in enumerate(mail.attachments) if not is_apdu_part(part))
    name = apdu_type_name(apdu.type)
    return MailEvent(
        kind=message.kind,
        role=message.role,
        transaction=message.transaction,
        details=message.details,
        request=message.request,
        files=others if message.kind is EventKind.COPY_DELIVERED else (),
        id=message.id,
        at=_service_moment(apdu.service_date_time.this, mail, profile),
        guard=message.guard,
        named="" if isinstance(apdu, StatusOrErrorReport) else correlation_text(header_of_apdu(apdu)),
        explained=(write_sentence("%(apdu)s for %(number)s", apdu=name, number=message.transaction),),
    )


def _service_moment(this: Moment, mail: IncomingMail, profile: Profile) -> datetime:
    """Make the moment; raises MalformedMessage at the ends of the calendar."""
    zone = dialect_of(profile).wire.zone
    local = datetime.combine(this.day, this.clock or time.min, ZoneInfo(zone) if zone else mail.recipient.zone)
    try:
        return local.astimezone(UTC)
    except OverflowError as error:
        where = "service-date-time.date-time-of-this-service"
        raise MalformedMessage(where, f"no day of ours: {this.day}", MalformationKind.INVALID_VALUE) from error


def _event_time(event: MailEvent) -> datetime:
    assert event.at is not None, "made here"
    return event.at
