"""ISO 18626: README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.iso18626.dialect import SECTION, Iso18626Dialect
from adapters.iso18626.http_channel import Iso18626Channel
from adapters.iso18626.responder import Iso18626Responder
from gateway.ports.adapter import ChannelAdapter, ProtocolAdapter


def list_addresses(dialect: Iso18626Dialect) -> dict[str, str]:
    """List where a profile sends to, by key (`illgate check --live`)."""
    urls = {"http.url": dialect.http.url, "http.lending_url": dialect.http.lending_url}
    return {key: url for key, url in urls.items() if url}


def list_secret_references(dialect: Iso18626Dialect) -> dict[str, str]:
    secrets = {"account.code": dialect.account.code, "http.secret": dialect.http.secret}
    return {key: reference for key, reference in secrets.items() if reference}


protocol = ProtocolAdapter(
    name=SECTION,
    dialect=Iso18626Dialect,
    responder=Iso18626Responder,
    addresses=list_addresses,
    post_only=True,
)
channel_adapter = ChannelAdapter(
    name=SECTION,
    section=SECTION,
    dialect=Iso18626Dialect,
    make=Iso18626Channel,
    secrets=list_secret_references,
    names_other_side=True,
    signs_messages=True,
)
