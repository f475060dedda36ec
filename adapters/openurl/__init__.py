"""OpenURL (ANSI/NISO Z39.88-2004 and version 0.1): links that cite something, in and out.

What reads, writes and sends links is loaded when it is made.
"""

from __future__ import annotations

from adapters.openurl.dialect import OpenUrlDialect
from gateway.ports.adapter import ChannelAdapter, ChannelContext, LinkAdapter
from gateway.ports.catalogue import LinkFormat
from gateway.ports.partner_channel import PartnerChannel


def make_channel(context: ChannelContext) -> PartnerChannel:
    from adapters.openurl.channel import OpenUrlChannel

    return OpenUrlChannel(context)


def make_link_format() -> LinkFormat:
    from adapters.openurl.codec import OpenUrlFormat

    return OpenUrlFormat()


links = LinkAdapter(name="openurl", make=make_link_format)
"""The port `LinkFormat`."""

channel_adapter = ChannelAdapter(
    name="openurl",
    section="openurl",
    dialect=OpenUrlDialect,
    make=make_channel,
)
"""The port `PartnerChannel`: requests pushed to a system."""
