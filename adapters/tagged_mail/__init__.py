"""Tagged mail (Generic Script): Relais ILL and Canadian libraries.

The channel and the mail format share the section `tagged_mail` of a profile.
"""

from __future__ import annotations

from adapters.tagged_mail.channel import TaggedMailChannel
from adapters.tagged_mail.dialect import SECTION, TaggedMailDialect
from adapters.tagged_mail.mail_format import TaggedMailFormat
from gateway.ports.adapter import ChannelAdapter, MailFormatAdapter

channel_adapter = ChannelAdapter(
    name="tagged-mail",
    section=SECTION,
    dialect=TaggedMailDialect,
    make=TaggedMailChannel,
    by_mail=lambda _dialect: True,
)
mail_format_adapter = MailFormatAdapter(name=SECTION, dialect=TaggedMailDialect, make=TaggedMailFormat)
