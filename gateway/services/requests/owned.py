"""Whether the library itself has what is asked for."""

from __future__ import annotations

from gateway.domain.library import ItemStatus, RecordId
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.intake_rules import Owned
from gateway.ports.library import Capability, LibrarySystem
from gateway.services.requests.house import House

LOOKED_UP = ("local", "isbn", "issn", "ismn", "oclc", "lccn", "doi")


async def locally_owned(house: House, citation: Citation) -> Owned:
    """By standard numbers only: a title that looks alike is no reason to refuse. A system that can't look up
    records owns nothing, as far as we know."""
    if not {Capability.BIB_FIND, Capability.ITEM_AVAILABILITY} <= house.system.capabilities:
        return Owned.NOT
    for number in citation.identifiers:
        if number.type in LOOKED_UP:
            found = await _owned(house.system, number)
            if found is not Owned.NOT:
                return found
    return Owned.NOT


async def _owned(system: LibrarySystem, number: RecordId) -> Owned:
    try:
        bib = await system.find_bib(number)
    except Refused as refused:
        if refused.reason is Reason.AMBIGUOUS_ITEM:
            return Owned.UNAVAILABLE
        return Owned.NOT
    items = [item for item in (await system.holdings(bib.id)).items if not item.temporary]
    if not items:
        return Owned.NOT
    free = any(item.status is ItemStatus.AVAILABLE and item.circulates and not item.hold_count for item in items)
    return Owned.AVAILABLE if free else Owned.UNAVAILABLE
