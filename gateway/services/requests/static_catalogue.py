"""StaticCatalogue: what a partner has, as its profile says."""

from __future__ import annotations

from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.catalogue import HoldingAnswer, HoldingsReport


@value_object
class StaticCatalogue:
    """Reads `partner.owns` of the profile."""

    async def holds(
        self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN
    ) -> HoldingsReport:
        owns = partner.partner.owns_work(citation) if partner.partner is not None else None
        if owns is None:
            return HoldingsReport(HoldingAnswer.UNKNOWN, write_sentence("has no known catalogue"))
        if owns:
            return HoldingsReport(HoldingAnswer.OWNS, write_sentence("listed"))
        return HoldingsReport(HoldingAnswer.NOT, write_sentence("not listed"))
