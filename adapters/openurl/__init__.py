"""OpenURL (ANSI/NISO Z39.88-2004 and version 0.1): links that cite something, in and out."""

from __future__ import annotations

from adapters.openurl.channel import OpenUrlChannel
from adapters.openurl.codec import OpenUrlFormat
from adapters.openurl.dialect import OpenUrlDialect
from gateway.ports.adapter import ChannelAdapter, LinkAdapter

links = LinkAdapter(name="openurl", make=OpenUrlFormat)
"""The port `LinkFormat`."""

channel_adapter = ChannelAdapter(
    name="openurl",
    section="openurl",
    dialect=OpenUrlDialect,
    make=OpenUrlChannel,
)
"""The port `PartnerChannel`: requests pushed to a system."""
