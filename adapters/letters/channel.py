"""The port `PartnerChannel` by mail: every event is a letter that people read, and answer by its links or by mail."""

from __future__ import annotations

from email.message import EmailMessage

from adapters.letters.dialect import LettersDialect, dialect_of, letter_style
from gateway.domain.problems import ConfigurationError, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.adapter import ChannelContext
from gateway.ports.outgoing_mail import AnswerLink, LetterSender, RenderedLetter, build_mail
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage

File = tuple[str, str, bytes]
"""Name, media type, content."""


class MailChannel:
    name = "mail"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`. A template that can't be rendered is Unavailable: nothing
        is lost, and the letter goes out once it is mended."""
        context, dialect = self._context, dialect_of(profile)
        library = context.libraries[message.request.library]
        answers = await self._answer_links(message, dialect)
        try:
            letter = context.letters.for_partner(
                message, profile, library.info, library.zone, letter_style(dialect, context.folder), answers
            )
        except ConfigurationError as error:
            raise Unavailable(write_sentence("the letter cannot be created: %(report)s", report=error)) from error
        files = await self._load_copy_files(message, dialect)
        reply = await context.mailer.send(
            encode_letter(letter, dialect, context.sender.fill_from_library(library.info), files)
        )
        return DeliveryResult(reply)

    async def _answer_links(self, message: PartnerMessage, dialect: LettersDialect) -> tuple[AnswerLink, ...]:
        """Links by which the partner may answer, as its profile wants them."""
        links = await self._context.answers(message, dialect.links.days) if dialect.links.days else ()
        return tuple(link for link in links if not dialect.links.answers or link.answer in dialect.links.answers)

    async def _load_copy_files(self, message: PartnerMessage, dialect: LettersDialect) -> tuple[File, ...]:
        """The copy that the message brings. Raises Refused when it can't be brought by mail and there is no link."""
        wanted = message.details.attachment
        if not wanted:
            return ()
        file = next((file for file in message.request.attachments if file.id == wanted), None)
        if file is not None and file.size <= dialect.max_attachment_bytes:
            try:
                return ((file.name, file.media_type, await self._context.read_file(message.request.library, wanted)),)
            except KeyError:
                file = None
        if message.details.link:
            return ()
        if file is None:
            raise Refused(RefusalReason.DATA_MISSING, "The copy to be sent no longer exists.")
        raise Refused(
            RefusalReason.INVALID_VALUE, "The copy is too large to be sent by email, and there is no link to it."
        )


def encode_letter(
    letter: RenderedLetter, dialect: LettersDialect, sender: LetterSender, files: tuple[File, ...] = ()
) -> EmailMessage:
    """Encode a letter; raises Refused for an address that is missing or none."""
    ours = LetterSender(
        dialect.sender or sender.address, dialect.sender_name or sender.name, dialect.reply_to or sender.reply_to
    )
    tailored = replace(
        letter,
        html=letter.html if dialect.parts == "text-and-html" else "",
        charset=dialect.encoding,
        attachments=(*letter.attachments, *files),
    )
    return build_mail(tailored, ours)
