"""The port `MailFormat`."""

from __future__ import annotations

from adapters.tagged_mail.codec import decode, is_tagged
from adapters.tagged_mail.dialect import SECTION, dialect_of
from adapters.tagged_mail.reading import Reader
from gateway.domain.profile import Profile
from gateway.ports.mail_format import IncomingMail, Understood
from gateway.ports.mail_text import own_lines


class TaggedMailFormat:
    name = SECTION

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """See `gateway.ports.mail_format.MailFormat`."""
        return is_tagged(own_lines(mail.text), dialect_of(profile).layout)

    def decode(self, mail: IncomingMail, profile: Profile) -> Understood:
        """See `gateway.ports.mail_format.MailFormat`. A mail may hold several messages."""
        dialect = dialect_of(profile)
        messages = decode(own_lines(mail.text), dialect.layout)
        files = tuple(n for n, part in enumerate(mail.attachments) if part.media_type == "application/pdf")
        alone = len(messages) == 1
        reader = Reader(dialect, profile, mail.subject if alone else "", files if alone else ())
        return Understood(tuple(map(reader.event, messages)))
