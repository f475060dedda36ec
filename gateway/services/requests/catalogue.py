"""What a partner owns, put together: its catalogue says so where its profile says how to ask it, else the list in the
profile itself."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.ports.catalogue import Catalogue, Holding, Holdings


@frozen
class StaticCatalogue:
    """Reads `partner.owns` of the profile."""

    async def holds(self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN) -> Holdings:
        said = partner.partner.has(citation) if partner.partner is not None else None
        if said is None:
            return Holdings(Holding.UNKNOWN, "its catalogue is not known")
        return Holdings(Holding.OWNS, "listed") if said else Holdings(Holding.NOT, "not listed")


@frozen
class KnownHoldings:
    """`searched` is asked for partners with a section `locate`; `listed` for the others, and where a catalogue can't
    tell."""

    searched: Catalogue
    listed: Catalogue = StaticCatalogue()

    async def holds(self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN) -> Holdings:
        if partner.locate is None:
            return await self.listed.holds(citation, partner, service)
        found = await self.searched.holds(citation, partner, service)
        if found.holding is not Holding.UNKNOWN:
            return found
        said = await self.listed.holds(citation, partner, service)
        if said.holding is Holding.UNKNOWN:
            return found
        return replace(said, note=f"{said.note}; {found.note}", seconds=found.seconds)
