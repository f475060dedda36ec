"""NCIP (NISO Z39.83), versions 1.0 to 2.02: answering and asking. README.md says what of the standard is spoken.

Profiles need the dialect alone; what reads, writes and sends messages is loaded when it is made.
"""

from __future__ import annotations

from adapters.ncip.dialect import NcipDialect
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.partner_simulator import PartnerSimulator, Secrets
from gateway.ports.rehearsal import ConformanceTrials, SystemRehearsal
from gateway.ports.responder import Responder


def list_addresses(dialect: NcipDialect) -> dict[str, str]:
    """List where a profile sends to, by key (`illgate check --live`)."""
    found = {"tcp.address": dialect.tcp.address, "http.auth.token_url": dialect.http.auth.token_url}
    return {key: address for key, address in found.items() if address}


def make_responder() -> Responder:
    from adapters.ncip.responder import NcipResponder

    return NcipResponder()


def make_simulator(secrets: Secrets) -> PartnerSimulator:
    from adapters.ncip.partner_simulator import NcipPartnerSimulator

    return NcipPartnerSimulator(secrets)


def make_trials() -> ConformanceTrials:
    from adapters.ncip.conformance import NcipTrials

    return NcipTrials()


def make_rehearsal() -> SystemRehearsal:
    from adapters.ncip.rehearsal import NcipRehearsal

    return NcipRehearsal()


adapter = ProtocolAdapter(
    name="ncip",
    dialect=NcipDialect,
    responder=make_responder,
    addresses=list_addresses,
    partner=make_simulator,
    system_rehearsal=make_rehearsal,
    trials=make_trials,
    names_patrons=True,
)
