"""The rehearsal of a protocol: a `RehearsalAdapter` under the entry point group `illgate.rehearsals`, by the name of
the protocol, which is the key of its section in a profile."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from gateway.adapter_registry import AdapterError
from gateway.domain.value import value_object
from gateway.ports.secrets import Secrets
from rehearsal.ports.partner_simulator import PartnerSimulator
from rehearsal.ports.rehearsals import CatalogueRehearsal, MailRehearsal, ProtocolRehearsal, SystemRehearsal
from rehearsal.ports.trials import ConformanceTrials

GROUP = "illgate.rehearsals"


@value_object(kw_only=True)
class RehearsalAdapter:
    """The ways in which a protocol is rehearsed. `simulator(secrets)` builds and sends a partner's messages (`illgate
    send`); `partner()` says how a partner acts by itself, `mail()` the same of one that writes mails, `system()` where
    libraries' systems are asked, `catalogue()` where catalogues are searched (`illgate mock`); `trials()` how one is
    tried (`illgate conformance`)."""

    simulator: Callable[[Secrets], PartnerSimulator] | None = None
    partner: Callable[[], ProtocolRehearsal] | None = None
    mail: Callable[[], MailRehearsal] | None = None
    system: Callable[[], SystemRehearsal] | None = None
    catalogue: Callable[[], CatalogueRehearsal] | None = None
    trials: Callable[[], ConformanceTrials] | None = None


def find_rehearsal(protocol: str) -> RehearsalAdapter:
    """Find how a protocol is rehearsed; of one that nobody rehearses all ways are None. Raises AdapterError."""
    for point in entry_points(group=GROUP, name=protocol):
        where = f"rehearsal '{point.name}' ({point.value}, entry point group {GROUP})"
        try:
            adapter = point.load()
        except Exception as error:  # whatever a third party's module raises while it is imported
            raise AdapterError(f"{where} can't be loaded: {type(error).__name__}: {error}") from error
        if not isinstance(adapter, RehearsalAdapter):
            raise AdapterError(f"{where} is a {type(adapter).__name__}, not a RehearsalAdapter")
        return adapter
    return RehearsalAdapter()
