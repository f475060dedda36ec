"""The port `PartnerChannel`: every event is a tagged mail."""

from __future__ import annotations

from adapters.tagged_mail.codec import encode, title
from adapters.tagged_mail.dialect import TaggedMailDialect, dialect_of
from adapters.tagged_mail.writing import message_of
from gateway.domain.problems import Reason, Refused
from gateway.domain.profile import Profile
from gateway.ports.adapter import ChannelContext
from gateway.ports.channel import Delivered, PartnerMessage
from gateway.ports.library import LibraryInfo
from gateway.ports.mail import build_mail
from gateway.ports.mailer import Letter, Sender

File = tuple[str, str, bytes]
"""Name, media type, content."""


class TaggedMailChannel:
    name = "tagged-mail"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> Delivered:
        """See `gateway.ports.channel.PartnerChannel`."""
        dialect = dialect_of(profile)
        library = self._context.libraries[message.request.library].info
        letter = self._letter(message, profile, dialect, library, await self._files(message))
        own = self._context.sender.of(library)
        sender = Sender(dialect.sender or own.address, own.name, dialect.reply_to or own.reply_to)
        return Delivered(await self._context.mailer.send(build_mail(letter, sender)))

    def _letter(
        self,
        message: PartnerMessage,
        profile: Profile,
        dialect: TaggedMailDialect,
        library: LibraryInfo,
        files: tuple[File, ...],
    ) -> Letter:
        tagged = message_of(message, dialect, profile, library)
        partner = profile.partner
        subject = {
            "message": title(tagged.name, dialect.language),
            "number": message.transaction,
            "symbol": dialect.our_symbol or message.sender.symbol,
        }
        return Letter(
            to=dialect.address or message.receiver.email or (partner.email if partner is not None else ""),
            subject=dialect.subject.format(**subject),
            text=encode(tagged, dialect.layout),
            message_id=message.id,
            language="",
            attachments=files,
            at=message.at,
            charset=dialect.encoding,
        )

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
