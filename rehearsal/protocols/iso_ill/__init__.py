"""ISO ILL: how a partner is played and tried."""

from __future__ import annotations

from rehearsal.ports.adapter import RehearsalAdapter
from rehearsal.protocols.iso_ill.rehearsal import IsoIllMailRehearsal, IsoIllRehearsal
from rehearsal.protocols.iso_ill.trials import IsoIllTrials

rehearsal = RehearsalAdapter(partner=IsoIllRehearsal, mail=IsoIllMailRehearsal, trials=IsoIllTrials)
