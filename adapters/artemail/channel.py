"""The ports `PartnerChannel` and `SendsBatches`: orders, one or many a mail, what follows from them; as a supplier,
replies.

An order file is composed once and kept by the gateway, so that each try is the same octets; replies are written by the
profile as it is at each try.

The number of a file of many orders is the gateway's (`partner.mail.gather.number`). A mail about one request has the
request's own number, so that every answer finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from email.message import EmailMessage

from pydantic import TypeAdapter

from adapters.artemail.codec import HELD_OPEN, CutLine, OrderFile, encode, fill_password
from adapters.artemail.dialect import ArtemailDialect, Mode, dialect_of
from adapters.artemail.mail_format import can_reply, write_reply
from adapters.artemail.orders import FILE, PreparedOrder, choose_customer, prepare_order
from gateway.domain.problems import ConfigurationError, MessagePart, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.incoming_mail import shorten_text
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.ports.partner_channel import DeliveryResult, OrderBatchFile, PartnerMessage

"""Name, media type, content."""


MAX_NOTE_CHARS = 1_000


CHARSET = "us-ascii"


@value_object(kw_only=True)
class ComposedOrder:
    """One order of a mail. `altered`: what was changed to fit; `refused`: why it isn't in the mail."""

    altered: tuple[str, ...] = ()
    refused: Refusal | None = None


@value_object(kw_only=True)
class OrderMail:
    """An order file as it goes out at every try: all but its password, of which only the reference is kept. `orders`
    of all messages, in their order; the mail says nothing where all are refused. `test`: it goes as a test order."""

    id: str
    at: datetime
    to: str = ""
    sender: LetterSender = LetterSender("")
    subject: str = ""
    text: str = field(default="", repr=False)
    password: str = ""
    test: bool = False
    orders: tuple[ComposedOrder, ...] = ()


_ORDER_MAIL = TypeAdapter(OrderMail)


class ArtemailChannel:
    name = "artemail"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`."""
        composed = self.compose_single(message, profile)
        if composed is None:
            dialect = dialect_of(profile)
            return await self._send_reply(message, profile, dialect, self._context.libraries[message.request.library])
        (outcome,) = await self.send_composed(composed)
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """See `gateway.ports.partner_channel.LimitedChannel`: as the codes of the profile say."""
        dialect = dialect_of(profile)
        if role is Role.BORROWING:
            return kind is EventKind.REQUEST or kind in dialect.actions.codes
        return can_reply(kind, dialect)

    def batch_key(self, message: PartnerMessage, profile: Profile) -> str:
        """See `gateway.ports.partner_channel.SendsBatches`: a file has one customer code."""
        try:
            return choose_customer(message, dialect_of(profile)).code
        except Refused:
            return ""

    def compose_batch(self, messages: Sequence[PartnerMessage], file: OrderBatchFile, profile: Profile) -> str:
        """See `gateway.ports.partner_channel.SendsBatches`."""
        dialect = dialect_of(profile)
        code = next(filter(None, (self.batch_key(message, profile) for message in messages)), "")
        return self._compose_orders(
            messages, [self._build_order(partner_message, dialect, code) for partner_message in messages], file, profile
        )

    def compose_single(self, message: PartnerMessage, profile: Profile) -> str | None:
        """See `gateway.ports.partner_channel.SendsBatches`."""
        if message.role is not Role.BORROWING:
            return None
        order = prepare_order(message, dialect_of(profile), self._context.libraries[message.request.library].info)
        file = OrderBatchFile(id=message.id, number=order.order.number, at=message.at)
        return self._compose_orders([message], [order], file, profile)

    async def send_composed(self, composed: str) -> Sequence[DeliveryResult | Refused]:
        """See `gateway.ports.partner_channel.SendsBatches`."""
        mail = _ORDER_MAIL.validate_json(composed)
        reply = ""
        if any(order.refused is None for order in mail.orders):
            password = self._resolve_password(mail.password)
            reply = await self._context.mailer.send(_build_order_mail(mail, password))
        return [_outcome_of_order(order, reply, mail.test) for order in mail.orders]

    # --- orders ------------------------------------------------------------------------------------------

    def _build_order(self, message: PartnerMessage, dialect: ArtemailDialect, code: str) -> PreparedOrder | Refused:
        try:
            if choose_customer(message, dialect).code != code:  # the profile has changed since the file was made
                return Refused(
                    RefusalReason.OTHER,
                    "The order file has a different customer code. When released, "
                    "the order is sent in a file of its own.",
                )
            return prepare_order(message, dialect, self._context.libraries[message.request.library].info)
        except Refused as refused:
            return refused

    def _compose_orders(
        self,
        messages: Sequence[PartnerMessage],
        orders: Sequence[PreparedOrder | Refused],
        file: OrderBatchFile,
        profile: Profile,
    ) -> str:
        """Compose a file; raises Refused: no customer code, or a file that can't be written."""
        dialect = dialect_of(profile)
        written = [
            (message, order)
            for message, order in zip(messages, orders, strict=True)
            if isinstance(order, PreparedOrder)
        ]
        first = written[0][0] if written else messages[0]
        mail = OrderMail(id=file.id, at=file.at, test=dialect.mode is Mode.TEST)
        cuts: Sequence[CutLine] = ()
        if written:
            customer = choose_customer(first, dialect)
            address = next((prepared_order.address for _, prepared_order in written if prepared_order.address), ())
            ordered = tuple(prepared_order.order for _, prepared_order in written)
            text, cuts = _encode_orders(
                OrderFile(customer=customer.code, password=HELD_OPEN, orders=ordered, address=address), dialect
            )
            library = self._context.libraries[first.request.library]
            sender = self._sender_of_mails(dialect, library)
            mail = replace(
                mail,
                to=_recipient_address(first, profile, dialect),
                sender=sender,
                subject=_write_subject(dialect, library, file.number, customer.code),
                text=text,
                password=customer.password,
            )
        mail = replace(mail, orders=tuple(_describe_order(order, cuts, dialect) for order in orders))
        return _ORDER_MAIL.dump_json(mail).decode()

    # --- replies -----------------------------------------------------------------------------------------

    async def _send_reply(
        self, message: PartnerMessage, profile: Profile, dialect: ArtemailDialect, library: ChannelLibrary
    ) -> DeliveryResult:
        answered = write_reply(message, dialect, library.zone)
        files = await self._context.load_copy_files(message)
        to = _recipient_address(message, profile, dialect)
        quoted = next((extra.value for extra in message.request.extras if extra.name == FILE), answered.number)
        letter = RenderedLetter(
            to=to,
            subject=_write_subject(dialect, library, quoted, ""),
            text=answered.text,
            message_id=message.id,
            language="",
            attachments=files,
            at=message.at,
            charset=CHARSET,
        )
        reply = await self._context.mailer.send(build_mail(letter, self._sender_of_mails(dialect, library)))
        return DeliveryResult(_join_notes(reply, *answered.notes), altered="; ".join(answered.notes))

    def _resolve_password(self, reference: str) -> str:
        """Resolve the password; raises Unavailable, which says where it should be, never what it is."""
        if not reference:
            raise Refused(
                RefusalReason.DATA_MISSING,
                "The profile has no password for its customer code.",
                about=MessagePart.SENDER,
            )
        try:
            return self._context.secrets(reference)
        except ConfigurationError as error:
            raise Unavailable(
                write_sentence("the customer's password cannot be read: %(report)s", report=error.detail)
            ) from error

    def _sender_of_mails(self, dialect: ArtemailDialect, library: ChannelLibrary) -> LetterSender:
        own = self._context.sender.fill_from_library(library.info)
        return LetterSender(dialect.sender or own.address, own.name, dialect.reply_to or own.reply_to)


def _write_subject(dialect: ArtemailDialect, library: ChannelLibrary, number: str, customer: str) -> str:
    return dialect.subject.format(number=number, customer=customer, name=library.info.name)


def _build_order_mail(mail: OrderMail, password: str) -> EmailMessage:
    """Build a mail; raises Refused: not with such a password, or such addresses."""
    try:
        text = fill_password(mail.text, password)
    except ValueError as error:
        raise Refused(
            RefusalReason.INVALID_VALUE, write_sentence("The order cannot be created: %(report)s.", report=error)
        ) from error
    letter = RenderedLetter(
        to=mail.to, subject=mail.subject, text=text, message_id=mail.id, language="", at=mail.at, charset=CHARSET
    )
    return build_mail(letter, mail.sender)


def _encode_orders(file: OrderFile, dialect: ArtemailDialect) -> tuple[str, Sequence[CutLine]]:
    """Encode a file; raises Refused: there is something in it that the format can't say."""
    try:
        return encode(file, dialect.layout.codec_layout)
    except ValueError as error:
        raise Refused(
            RefusalReason.INVALID_VALUE, write_sentence("The order cannot be created: %(report)s.", report=error)
        ) from error


def _recipient_address(message: PartnerMessage, profile: Profile, dialect: ArtemailDialect) -> str:
    partner = profile.partner
    usual = dialect.address or message.receiver.email or (partner.email if partner is not None else "")
    return dialect.test.address or usual if dialect.mode is Mode.TEST else usual


def _describe_order(order: PreparedOrder | Refused, cuts: Sequence[CutLine], dialect: ArtemailDialect) -> ComposedOrder:
    if isinstance(order, Refused):
        return ComposedOrder(refused=Refusal.from_error(order))
    mine = (cut for cut in cuts if cut.number in (order.order.number, ""))  # "": of the whole file's address
    return ComposedOrder(
        altered=(*order.notes, *(f"cut to {dialect.layout.length} characters: {cut.line}" for cut in mine))
    )


def _outcome_of_order(order: ComposedOrder, reply: str, test: bool) -> DeliveryResult | Refused:
    if (no := order.refused) is not None:
        return Refused(no.reason, no.detail, about=no.about, value=no.value, internal=no.internal)
    tests = ("sent as a test order",) if test else ()
    return DeliveryResult(
        _join_notes(reply, *tests, *order.altered), altered=shorten_text("; ".join(order.altered), MAX_NOTE_CHARS)
    )


def _join_notes(*parts: str) -> str:
    return shorten_text("; ".join(parts), MAX_NOTE_CHARS)
