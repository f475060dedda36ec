"""OpenRS (DCB): a library that we manage is a member of a consortium. What is spoken is NCIP, its bytes and HTTP are
those of the section `ncip`; what each message means is OpenRS's own (docs/openrs.md).
"""

from __future__ import annotations

from adapters.ncip.openrs.channel import OpenRsChannel
from adapters.ncip.openrs.dialect import SECTION, OpenRsDialect
from adapters.ncip.openrs.responder import OpenRsResponder
from gateway.ports.adapter import ChannelAdapter, ProtocolAdapter


def list_addresses(dialect: OpenRsDialect) -> dict[str, str]:
    """List where a profile sends to, by key (`illgate check --live`)."""
    return {"http.url": dialect.http.url} if dialect.http.url else {}


protocol = ProtocolAdapter(
    name=SECTION,
    dialect=OpenRsDialect,
    responder=OpenRsResponder,
    addresses=list_addresses,
    post_only=True,
    names_patrons=True,
)
channel_adapter = ChannelAdapter(
    name=SECTION,
    section=SECTION,
    dialect=OpenRsDialect,
    make=OpenRsChannel,
    signs_messages=True,
)
