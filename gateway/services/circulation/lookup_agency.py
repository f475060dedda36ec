"""LookUpAgency: the library's name and address, and where things can be fetched."""

from __future__ import annotations

from gateway.domain.commands import AgencyFound, LookUpAgency
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation.desk import Desk


async def lookup_agency(command: LookUpAgency, desk: Desk, _key: str) -> AgencyFound:
    """Only the library itself is known here; without an agency it is meant. Raises Refused(UNKNOWN_AGENCY)."""
    info = await desk.library.info()
    asked = desk.agency(command.agency) if command.agency.strip() else desk.symbol
    if asked.casefold() not in (desk.symbol.casefold(), info.symbol.casefold()):
        raise Refused(
            Reason.UNKNOWN_AGENCY, "This agency is not served here.", about=About.RECEIVER, value=command.agency
        )
    places = await desk.library.pickup_locations() if desk.can(Capability.PICKUP_LIST) else ()
    return AgencyFound(info.symbol, info.name, info.address, info.email, info.phone, places)
