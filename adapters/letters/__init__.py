"""Partners that are written plain letters by mail: the channel `mail`, section `letters` of a profile; and what they
write back."""

from __future__ import annotations

from adapters.letters.channel import MailChannel
from adapters.letters.dialect import LettersDialect, letter_style
from adapters.letters.mail_format import PlainMailFormat
from gateway.ports.adapter import ChannelAdapter, MailFormatAdapter

adapter = ChannelAdapter(
    name="mail",
    section="letters",
    dialect=LettersDialect,
    make=MailChannel,
    style=letter_style,
    by_mail=lambda _dialect: True,
)
plain_mail = MailFormatAdapter(name="letters", dialect=LettersDialect, make=PlainMailFormat)
