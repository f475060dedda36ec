"""NCIP: how systems on either side are played and tried."""

from __future__ import annotations

from rehearsal.ports.adapter import RehearsalAdapter
from rehearsal.protocols.ncip.conformance import NcipTrials
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from rehearsal.protocols.ncip.rehearsal import NcipRehearsal

rehearsal = RehearsalAdapter(simulator=NcipPartnerSimulator, system=NcipRehearsal, trials=NcipTrials)
