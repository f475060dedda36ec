"""ARTEmail: orders to the British Library and its like, their replies, and orders by the same format to us.

The channel and the mail format share the section `artemail` of a profile.
"""

from __future__ import annotations

from adapters.artemail.channel import ArtemailChannel
from adapters.artemail.dialect import SECTION, ArtemailDialect
from adapters.artemail.format import ArtemailFormat
from gateway.ports.adapter import ChannelAdapter, MailFormatAdapter

channel = ChannelAdapter(name="artemail", section=SECTION, dialect=ArtemailDialect, make=ArtemailChannel)
mail_format = MailFormatAdapter(name=SECTION, dialect=ArtemailDialect, make=ArtemailFormat)
