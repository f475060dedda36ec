"""A link read and answered with what the library can do for it: for programs, as the page is for people."""

from __future__ import annotations

from gateway.domain.frozen import frozen
from gateway.ports.citing import ArrivedLink, Cited, LinkFormat
from gateway.ports.library import PatronKey
from gateway.services.offering.offering import Offered, Offering


@frozen
class Resolved:
    """`link`: the citation as a query string, for the page at /openurl and for other resolvers."""

    cited: Cited
    offered: Offered
    link: str


@frozen
class Resolver:
    links: LinkFormat
    offering: Offering

    async def resolve(self, library: str, link: ArrivedLink, patron: str = "") -> Resolved:
        """`patron`: its identifier, for rules that look at who asks. Raises MalformedMessage, NotThere, Refused
        (UNKNOWN_PATRON), Unavailable."""
        cited = self.links.decode(link)
        category = ""
        if patron:
            found = await self.offering.house(library).system.find_patron(PatronKey(patron))
            category = found.category
        offered = await self.offering.offered(library, cited.citation, cited.service, category)
        return Resolved(cited, offered, self.links.encode(cited.citation, cited.service))
