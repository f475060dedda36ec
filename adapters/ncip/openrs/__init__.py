"""OpenRS (DCB): a library that we manage is a member of a consortium. What is spoken is NCIP, its bytes and HTTP are
those of the section `ncip`; what each message means is OpenRS's own (docs/openrs.md).

Profiles need the dialect alone; what reads, writes and sends messages is loaded when it is made.
"""

from __future__ import annotations

from adapters.ncip.openrs.dialect import SECTION, OpenRsDialect
from gateway.ports.adapter import ChannelAdapter, ChannelContext, ProtocolAdapter
from gateway.ports.partner_channel import PartnerChannel
from gateway.ports.responder import Responder


def make_responder() -> Responder:
    from adapters.ncip.openrs.responder import OpenRsResponder

    return OpenRsResponder()


def make_channel(context: ChannelContext) -> PartnerChannel:
    from adapters.ncip.openrs.channel import OpenRsChannel

    return OpenRsChannel(context)


def list_addresses(dialect: OpenRsDialect) -> dict[str, str]:
    """List where a profile sends to, by key (`illgate check --live`)."""
    return {"http.url": dialect.http.url} if dialect.http.url else {}


protocol = ProtocolAdapter(
    name=SECTION,
    dialect=OpenRsDialect,
    responder=make_responder,
    addresses=list_addresses,
    post_only=True,
    names_patrons=True,
)
channel_adapter = ChannelAdapter(
    name=SECTION,
    section=SECTION,
    dialect=OpenRsDialect,
    make=make_channel,
    signs_messages=True,
)
