"""ISO 18626: how a partner is played and tried."""

from __future__ import annotations

from rehearsal.ports.adapter import RehearsalAdapter
from rehearsal.protocols.iso18626.conformance import Iso18626Trials
from rehearsal.protocols.iso18626.rehearsal import Iso18626Rehearsal

rehearsal = RehearsalAdapter(partner=Iso18626Rehearsal, trials=Iso18626Trials)
