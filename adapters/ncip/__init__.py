"""NCIP (NISO Z39.83), versions 1.0 to 2.02: answering and asking. README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.responder import NcipResponder
from gateway.ports.adapter import ProtocolAdapter


def list_addresses(dialect: NcipDialect) -> dict[str, str]:
    """List where a profile sends to, by key (`illgate check --live`)."""
    addresses = {"tcp.address": dialect.tcp.address, "http.auth.token_url": dialect.http.auth.token_url}
    return {key: address for key, address in addresses.items() if address}


adapter = ProtocolAdapter(
    name="ncip",
    dialect=NcipDialect,
    responder=NcipResponder,
    addresses=list_addresses,
    names_patrons=True,
)
