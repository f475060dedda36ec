"""NCIP (NISO Z39.83), versions 1.0 to 2.02: answering and asking. README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.partner_simulator import NcipPartnerSimulator
from adapters.ncip.responder import NcipResponder
from adapters.ncip.transport import list_ncip_addresses
from gateway.ports.adapter import ProtocolAdapter

adapter = ProtocolAdapter(
    name="ncip",
    dialect=NcipDialect,
    responder=NcipResponder,
    addresses=list_ncip_addresses,
    partner=NcipPartnerSimulator,
)
