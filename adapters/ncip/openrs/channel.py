"""Port PartnerChannel: what we tell OpenRS, by HTTP; its answer says whether it has it.

OpenRS knows a repeat by its octets, and remembers them before it acts on them: what it has refused must look different
when it comes again, and what had no answer must look the same (docs/facts/openrs.md 5). So each message is written
once, with the moment in it at which that was.
"""

from __future__ import annotations

from collections.abc import Mapping

from yarl import URL

from adapters.ncip.codec import encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.initiator import load_own_credentials
from adapters.ncip.messages import Message
from adapters.ncip.openrs.dialect import SECTION, OpenRsDialect, get_openrs_dialect
from adapters.ncip.openrs.messages_sent import WRITERS, body_of_event
from adapters.ncip.openrs.replies import judge_reply, read_body
from adapters.ncip.responder import get_ncip_dialect
from adapters.ncip.transport import HttpTransport
from adapters.ncip.wire_values import Version
from gateway.domain.problems import (
    ConfigurationError,
    MalformedMessage,
    MessagePart,
    OutcomeUnknown,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import WANTED_ITEM
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.adapter import ChannelContext
from gateway.ports.message_transport import TransportReply
from gateway.ports.partner_channel import ChannelMessage, DeliveryResult, PartnerMessage

NOTHING = ""


class OpenRsChannel:
    name = SECTION

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """See `gateway.ports.partner_channel.LimitedChannel`."""
        return (role, kind) in WRITERS

    def compose_message(self, message: PartnerMessage, profile: Profile) -> str:
        """See `gateway.ports.partner_channel.RepeatsOctets`. Empty: it was said in an answer already."""
        dialect, ncip = get_openrs_dialect(profile), get_ncip_dialect(profile)
        if is_promised_by_answer(message, dialect):
            return NOTHING
        zone = self._context.libraries[message.request.library].zone
        body = body_of_event(message, dialect, ncip)
        written = encode_message(Message(body=body, version=Version.V2_02), ncip.xml, zone).decode(ncip.xml.charset_out)
        return f"{written}<!-- written {self._context.clock.now().isoformat()} -->"

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`."""
        return await self.send_octets(self.compose_message(message, profile), message, profile)

    async def send_octets(self, octets: str, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.RepeatsOctets`."""
        if octets == NOTHING:
            return DeliveryResult("promised already, in the answer to its request")
        dialect, ncip = get_openrs_dialect(profile), get_ncip_dialect(profile)
        document = octets.encode(ncip.xml.charset_out)
        body = read_body(document, ncip)
        channel_message = ChannelMessage(
            protocol=SECTION,
            transport="http",
            body=document,
            content_type=ncip.http.content_type,
            service=type(body).__name__,
            peer=URL(dialect.http.url).host or "",
        )
        headers = await self._context.make_peer_headers(profile)
        reply = await self._post_document(channel_message, dialect, ncip, headers)
        return judge_reply(reply, body, ncip)

    async def _post_document(
        self, message: ChannelMessage, dialect: OpenRsDialect, ncip: NcipDialect, headers: Mapping[str, str]
    ) -> TransportReply:
        """Journaled with its answer. Raises Refused, Unavailable, OutcomeUnknown."""
        if not dialect.http.url:
            raise Refused(
                RefusalReason.DATA_MISSING,
                "The profile has no address for messages to OpenRS (`openrs.http.url`).",
                about=MessagePart.RECEIVER,
            )
        try:
            credentials = load_own_credentials(ncip.http, self._context.secrets)
        except ConfigurationError as error:
            raise Unavailable(write_sentence("our authentication failed: %(report)s", report=error.detail)) from error
        place = dialect.http.make_place(self._context.folder)
        transport = HttpTransport(place, ncip.http, credentials, headers=headers)
        try:
            reply = await transport.exchange(message.body)
        except MalformedMessage as error:
            self._context.record(message)
            raise OutcomeUnknown(write_sentence("the answer cannot be parsed: %(report)s", report=error)) from error
        except OutcomeUnknown:
            self._context.record(message)
            raise
        finally:
            await transport.close()
        self._context.record(
            replace(message, answer=reply.raw or None, answer_type=reply.content_type, status=reply.status)
        )
        return reply


def is_promised_by_answer(message: PartnerMessage, dialect: OpenRsDialect) -> bool:
    """Return whether the copy that OpenRS has chosen was promised when it was asked for."""
    if message.kind is not EventKind.WILL_SUPPLY or dialect.confirm != "at-once":
        return False
    request = message.request
    chosen = next((extra.value for extra in request.extras if extra.name == WANTED_ITEM), "")
    return bool(chosen) and (message.details.barcode or request.item_barcode or chosen) == chosen
