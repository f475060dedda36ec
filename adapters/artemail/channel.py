"""The port `PartnerChannel`: orders and what follows from them, one mail each; as a supplier, replies.

One order a mail is what makes every answer of the service certain: the file number is the request's own, so an
acceptance or rejection of the file is about that request, nothing has to be kept, and a fault in one order stops no
other. The codec writes and reads files of many orders all the same: others send them.
"""

from __future__ import annotations

from email.message import EmailMessage

from adapters.artemail.answers import answer_of
from adapters.artemail.codec import OrderFile, encode
from adapters.artemail.dialect import ArtemailDialect, dialect_of
from adapters.artemail.dialect.orders import Mode
from adapters.artemail.orders import customer_for, order_of
from gateway.configuration.problems import ConfigurationError
from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Reason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.channel import Delivered, PartnerMessage
from gateway.ports.mail import build_mail
from gateway.ports.mail_text import shortened
from gateway.ports.mailer import Letter, Sender

File = tuple[str, str, bytes]
"""Name, media type, content."""


MOST_NOTE = 1_000


@frozen
class _Head:
    """What stands on the envelope."""

    to: str
    number: str
    customer: str


class ArtemailChannel:
    name = "artemail"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> Delivered:
        """See `gateway.ports.channel.PartnerChannel`. What was changed to fit into the format stands in the note."""
        dialect = dialect_of(profile)
        library = self._context.libraries[message.request.library]
        if message.role is Role.BORROWING:
            mail, notes = self._order(message, profile, dialect, library)
        else:
            mail, notes = await self._reply(message, profile, dialect, library)
        reply = await self._context.mailer.send(mail)
        return Delivered(shortened("; ".join((reply, *notes)), MOST_NOTE))

    def _order(
        self, message: PartnerMessage, profile: Profile, dialect: ArtemailDialect, library: ChannelLibrary
    ) -> tuple[EmailMessage, tuple[str, ...]]:
        customer = customer_for(message, dialect)
        ordered = order_of(message, dialect, library.info)
        file = OrderFile(
            customer=customer.code,
            password=self._password(customer.password),
            orders=(ordered.order,),
            address=ordered.address,
        )
        try:
            text, cuts = encode(file, dialect.layout.of_codec)
        except ValueError as error:
            raise Refused(Reason.INVALID_VALUE, f"The order can't be written: {error}.") from error
        notes = (*ordered.notes, *(f"cut to {dialect.layout.length} characters: {cut.line}" for cut in cuts))
        test = ("sent as a test order",) if dialect.mode is Mode.TEST else ()
        number, to = ordered.order.number, self._to(message, profile, dialect)
        return self._mail(message, dialect, library, _Head(to, number, customer.code), text), (*test, *notes)

    async def _reply(
        self, message: PartnerMessage, profile: Profile, dialect: ArtemailDialect, library: ChannelLibrary
    ) -> tuple[EmailMessage, tuple[str, ...]]:
        answered = answer_of(message, dialect)
        files = await self._files(message)
        head = _Head(self._to(message, profile, dialect), answered.number, "")
        return self._mail(message, dialect, library, head, answered.text, files), answered.notes

    def _to(self, message: PartnerMessage, profile: Profile, dialect: ArtemailDialect) -> str:
        partner = profile.partner
        usual = dialect.address or message.receiver.email or (partner.email if partner is not None else "")
        return dialect.test.address or usual if dialect.mode is Mode.TEST else usual

    def _password(self, reference: str) -> str:
        """Raises Unavailable, which says where it should be, never what it is."""
        if not reference:
            raise Refused(Reason.DATA_MISSING, "The profile has no password for its customer code.", about=About.SENDER)
        try:
            return self._context.secrets(reference)
        except ConfigurationError as error:
            raise Unavailable(f"the customer's password can't be read: {error}") from error

    async def _files(self, message: PartnerMessage) -> tuple[File, ...]:
        """The copy that the message brings. Raises Refused when it isn't there any more and there is no link."""
        wanted = message.details.attachment
        found = next((one for one in message.request.attachments if one.id == wanted), None) if wanted else None
        if found is not None:
            try:
                content = await self._context.read_file(message.request.library, wanted)
            except KeyError:
                found = None
            else:
                return ((found.name, found.media_type, content),)
        if wanted and found is None and not message.details.link:
            raise Refused(Reason.DATA_MISSING, "The copy that was to be sent is not there any more.")
        return ()

    def _mail(
        self,
        message: PartnerMessage,
        dialect: ArtemailDialect,
        library: ChannelLibrary,
        head: _Head,
        text: str,
        files: tuple[File, ...] = (),
    ) -> EmailMessage:
        own = self._context.sender.of(library.info)
        sender = Sender(dialect.sender or own.address, own.name, dialect.reply_to or own.reply_to)
        values = {"number": head.number, "customer": head.customer, "name": library.info.name}
        letter = Letter(
            to=head.to,
            subject=dialect.subject.format(**values),
            text=text,
            message_id=message.id,
            language="",
            attachments=files,
            at=message.at,
            charset="us-ascii",
        )
        return build_mail(letter, sender)
