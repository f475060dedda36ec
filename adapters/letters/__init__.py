"""Partners that are written plain letters by mail: the channel `mail`, section `letters` of a profile; and what they
write back."""

from __future__ import annotations

from adapters.letters.dialect import LettersDialect, letter_style
from gateway.ports.adapter import ChannelAdapter, ChannelContext, MailFormatAdapter
from gateway.ports.incoming_mail import MailFormat
from gateway.ports.partner_channel import PartnerChannel


def make_channel(context: ChannelContext) -> PartnerChannel:
    from adapters.letters.channel import MailChannel

    return MailChannel(context)


def make_mail_format() -> MailFormat:
    from adapters.letters.mail_format import PlainMailFormat

    return PlainMailFormat()


adapter = ChannelAdapter(
    name="mail",
    section="letters",
    dialect=LettersDialect,
    make=make_channel,
    style=letter_style,
    by_mail=lambda _dialect: True,
)
plain_mail = MailFormatAdapter(name="letters", dialect=LettersDialect, make=make_mail_format)
