"""The first `Catalogue`: what a partner's profile says it owns. Z39.50 and SRU targets come beside it."""

from __future__ import annotations

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.ports.catalogue import Holding, Holdings


@frozen
class StaticCatalogue:
    """Reads `partner.owns` of the profile."""

    async def holds(self, citation: Citation, partner: Profile) -> Holdings:
        said = partner.partner.has(citation) if partner.partner is not None else None
        if said is None:
            return Holdings(Holding.UNKNOWN, "its catalogue is not known")
        return Holdings(Holding.OWNS, "listed") if said else Holdings(Holding.NOT, "not listed")
