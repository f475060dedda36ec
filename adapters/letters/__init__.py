"""Partners that are written plain letters by mail: the channel `mail`, section `letters` of a profile."""

from __future__ import annotations

from adapters.letters.channel import MailChannel
from adapters.letters.dialect import LettersDialect, style
from gateway.ports.adapter import ChannelAdapter

adapter = ChannelAdapter(name="mail", section="letters", dialect=LettersDialect, make=MailChannel, style=style)
