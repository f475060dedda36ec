"""The mailer and the connections that channels are given: what leaves by them is told to the journal."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

from gateway.domain.problems import OutcomeUnknown
from gateway.domain.value import value_object
from gateway.ports.outgoing_mail import Mailer
from gateway.ports.partner_channel import ChannelMessage, OutgoingMessage, PartnerConnections, RecordSent
from gateway.ports.responder import TransportKind
from gateway.services.requests.sent_messages import MAIL, record_sent_message

SMTP = "smtp"


@value_object
class RecordingMailer:
    """A `Mailer` whose mails to partners are told to `record`: to the journal. What a server refuses hasn't left."""

    mailer: Mailer
    record: RecordSent = record_sent_message

    async def send(self, message: EmailMessage) -> str:
        """Send a mail; raises as `Mailer.send`."""
        try:
            reply = await self.mailer.send(message)
        except (OutcomeUnknown, asyncio.CancelledError):
            self.record(_sent_mail(message))
            raise
        self.record(_sent_mail(message))
        return reply


def _sent_mail(message: EmailMessage) -> ChannelMessage:
    return ChannelMessage(
        protocol=MAIL,
        transport=SMTP,
        body=message.as_bytes(),
        content_type="message/rfc822",
    )


@value_object
class RecordingConnections:
    """`PartnerConnections` whose messages are journaled. A reply is journaled as what it is, a message that came in."""

    lines: PartnerConnections

    async def send(self, saying: OutgoingMessage) -> bytes | None:
        """Send a message; raises as `PartnerConnections.send`."""
        try:
            reply = await self.lines.send(saying)
        except (OutcomeUnknown, asyncio.CancelledError):
            record_sent_message(_sent_on_line(saying))
            raise
        record_sent_message(_sent_on_line(saying))
        return reply


def _sent_on_line(saying: OutgoingMessage) -> ChannelMessage:
    return ChannelMessage(
        protocol=saying.protocol,
        transport=TransportKind.TCP.value,
        body=saying.message,
        service=saying.service,
        peer=saying.address,
    )
