"""The ports `PartnerChannel` and `SendsBatches`: orders, one or many a mail, what follows from them; as a supplier,
replies.

The number of a file of many orders is the gateway's (`partner.mail.gather.number`). A mail about one request has the
request's own number, so that every answer finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage

from adapters.artemail.codec import CutLine, OrderFile, encode
from adapters.artemail.dialect import ArtemailDialect, Mode, dialect_of
from adapters.artemail.mail_format import write_reply
from adapters.artemail.orders import FILE, PreparedOrder, choose_customer, prepare_order
from gateway.domain.problems import ConfigurationError, MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.incoming_mail import shorten_text
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.ports.partner_channel import DeliveryResult, OrderBatchFile, PartnerMessage

File = tuple[str, str, bytes]
"""Name, media type, content."""


MAX_NOTE_CHARS = 1_000


@value_object(kw_only=True)
class _MailEnvelope:
    """What stands on the envelope. `id` and `at` are the same at every try."""

    id: str
    at: datetime
    to: str
    number: str
    customer: str = ""


class ArtemailChannel:
    name = "artemail"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`."""
        dialect = dialect_of(profile)
        library = self._context.libraries[message.request.library]
        if message.role is Role.BORROWING:
            ordered = prepare_order(message, dialect, library.info)
            file = OrderBatchFile(id=message.id, number=ordered.order.number, at=message.at)
            reply, cuts = await self._send_orders([message], [ordered], file, profile)
            return _delivery_result(reply, ordered, cuts, dialect)
        return await self._send_reply(message, profile, dialect, library)

    def batch_key(self, message: PartnerMessage, profile: Profile) -> str:
        """See `gateway.ports.partner_channel.SendsBatches`: a file has one customer code."""
        try:
            return choose_customer(message, dialect_of(profile)).code
        except Refused:
            return ""

    async def send_batch(
        self, messages: Sequence[PartnerMessage], file: OrderBatchFile, profile: Profile
    ) -> Sequence[DeliveryResult | Refused]:
        """See `gateway.ports.partner_channel.SendsBatches`."""
        dialect = dialect_of(profile)
        code = next(filter(None, (self.batch_key(message, profile) for message in messages)), "")
        written = [self._build_order(message, dialect, code) for message in messages]
        sent = [(m, one) for m, one in zip(messages, written, strict=True) if isinstance(one, PreparedOrder)]
        if not sent:
            return [one for one in written if isinstance(one, Refused)]
        reply, cuts = await self._send_orders([m for m, _ in sent], [one for _, one in sent], file, profile)
        return [one if isinstance(one, Refused) else _delivery_result(reply, one, cuts, dialect) for one in written]

    # --- orders ------------------------------------------------------------------------------------------

    def _build_order(self, message: PartnerMessage, dialect: ArtemailDialect, code: str) -> PreparedOrder | Refused:
        try:
            if choose_customer(message, dialect).code != code:  # the profile has changed since the file was made
                return Refused(RefusalReason.OTHER, "Its file has another customer code; when released it goes alone.")
            return prepare_order(message, dialect, self._context.libraries[message.request.library].info)
        except Refused as refused:
            return refused

    async def _send_orders(
        self,
        messages: Sequence[PartnerMessage],
        orders: Sequence[PreparedOrder],
        file: OrderBatchFile,
        profile: Profile,
    ) -> tuple[str, Sequence[CutLine]]:
        """One mail; the server's reply, and what was cut."""
        dialect, first = dialect_of(profile), messages[0]
        customer = choose_customer(first, dialect)
        text, cuts = _encode_orders(
            OrderFile(
                customer=customer.code,
                password=self._resolve_password(customer.password),
                orders=tuple(one.order for one in orders),
                address=next((one.address for one in orders if one.address), ()),
            ),
            dialect,
        )
        library = self._context.libraries[first.request.library]
        head = _MailEnvelope(
            id=file.id,
            at=file.at,
            to=_recipient_address(first, profile, dialect),
            number=file.number,
            customer=customer.code,
        )
        return await self._context.mailer.send(self._compose_mail(head, dialect, library, text)), cuts

    # --- replies -----------------------------------------------------------------------------------------

    async def _send_reply(
        self, message: PartnerMessage, profile: Profile, dialect: ArtemailDialect, library: ChannelLibrary
    ) -> DeliveryResult:
        answered = write_reply(message, dialect, library.zone)
        files = await self._load_copy_files(message)
        to = _recipient_address(message, profile, dialect)
        quoted = next((one.value for one in message.request.extras if one.name == FILE), answered.number)
        head = _MailEnvelope(id=message.id, at=message.at, to=to, number=quoted)
        reply = await self._context.mailer.send(self._compose_mail(head, dialect, library, answered.text, files))
        return DeliveryResult(_join_notes(reply, *answered.notes), altered="; ".join(answered.notes))

    def _resolve_password(self, reference: str) -> str:
        """Raises Unavailable, which says where it should be, never what it is."""
        if not reference:
            raise Refused(
                RefusalReason.DATA_MISSING,
                "The profile has no password for its customer code.",
                about=MessagePart.SENDER,
            )
        try:
            return self._context.secrets(reference)
        except ConfigurationError as error:
            raise Unavailable(f"the customer's password can't be read: {error}") from error

    async def _load_copy_files(self, message: PartnerMessage) -> tuple[File, ...]:
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
            raise Refused(RefusalReason.DATA_MISSING, "The copy that was to be sent is not there any more.")
        return ()

    def _compose_mail(
        self,
        head: _MailEnvelope,
        dialect: ArtemailDialect,
        library: ChannelLibrary,
        text: str,
        files: tuple[File, ...] = (),
    ) -> EmailMessage:
        own = self._context.sender.fill_from_library(library.info)
        sender = LetterSender(dialect.sender or own.address, own.name, dialect.reply_to or own.reply_to)
        values = {"number": head.number, "customer": head.customer, "name": library.info.name}
        letter = RenderedLetter(
            to=head.to,
            subject=dialect.subject.format(**values),
            text=text,
            message_id=head.id,
            language="",
            attachments=files,
            at=head.at,
            charset="us-ascii",
        )
        return build_mail(letter, sender)


def _encode_orders(file: OrderFile, dialect: ArtemailDialect) -> tuple[str, Sequence[CutLine]]:
    """Raises Refused: not with such a password."""
    try:
        return encode(file, dialect.layout.codec_layout)
    except ValueError as error:
        raise Refused(RefusalReason.INVALID_VALUE, f"The order can't be written: {error}.") from error


def _recipient_address(message: PartnerMessage, profile: Profile, dialect: ArtemailDialect) -> str:
    partner = profile.partner
    usual = dialect.address or message.receiver.email or (partner.email if partner is not None else "")
    return dialect.test.address or usual if dialect.mode is Mode.TEST else usual


def _delivery_result(
    reply: str, ordered: PreparedOrder, cuts: Sequence[CutLine], dialect: ArtemailDialect
) -> DeliveryResult:
    mine = (cut for cut in cuts if cut.number in (ordered.order.number, ""))  # "": of the whole file's address
    altered = (*ordered.notes, *(f"cut to {dialect.layout.length} characters: {cut.line}" for cut in mine))
    test = ("sent as a test order",) if dialect.mode is Mode.TEST else ()
    return DeliveryResult(_join_notes(reply, *test, *altered), altered=shorten_text("; ".join(altered), MAX_NOTE_CHARS))


def _join_notes(*parts: str) -> str:
    return shorten_text("; ".join(parts), MAX_NOTE_CHARS)
