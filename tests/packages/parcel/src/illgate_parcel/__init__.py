"""PARCEL, a made-up protocol of four messages: what illgate finds by the entry points of this package."""

from __future__ import annotations

from gateway.ports.adapter import ChannelAdapter, ProtocolAdapter
from illgate_parcel.channel import ParcelChannel
from illgate_parcel.dialect import SECTION, ParcelDialect
from illgate_parcel.responder import ParcelResponder


def list_addresses(dialect: ParcelDialect) -> dict[str, str]:
    """Where a profile sends to, by key of the section (`illgate check --live` tries it)."""
    return {"address": dialect.address} if dialect.address else {}


protocol = ProtocolAdapter(
    name=SECTION,
    dialect=ParcelDialect,
    responder=ParcelResponder,
    addresses=list_addresses,
    over_http=False,
    for_all=True,
)
channel = ChannelAdapter(name="parcel", section=SECTION, dialect=ParcelDialect, make=ParcelChannel)
