"""Tagged mail (Generic Script): Relais ILL and Canadian libraries.

The channel and the mail format share the section `tagged_mail` of a profile; what reads and writes mails is
loaded when it is made.
"""

from __future__ import annotations

from adapters.tagged_mail.dialect import SECTION, TaggedMailDialect
from gateway.ports.adapter import ChannelAdapter, ChannelContext, MailFormatAdapter
from gateway.ports.incoming_mail import MailFormat
from gateway.ports.partner_channel import PartnerChannel


def make_channel(context: ChannelContext) -> PartnerChannel:
    from adapters.tagged_mail.channel import TaggedMailChannel

    return TaggedMailChannel(context)


def make_mail_format() -> MailFormat:
    from adapters.tagged_mail.mail_format import TaggedMailFormat

    return TaggedMailFormat()


channel_adapter = ChannelAdapter(
    name="tagged-mail",
    section=SECTION,
    dialect=TaggedMailDialect,
    make=make_channel,
    by_mail=lambda _dialect: True,
)
mail_format_adapter = MailFormatAdapter(name=SECTION, dialect=TaggedMailDialect, make=make_mail_format)
