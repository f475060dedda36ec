"""What the library itself has of a citation, found by standard numbers: a title that looks alike is no promise."""

from __future__ import annotations

from gateway.domain.frozen import frozen_by_name
from gateway.domain.library import Bib, Item, ItemStatus, RecordId
from gateway.domain.problems import Reason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.fulfilment import Availability
from gateway.ports.library import BibHoldings, Capability, LibrarySystem
from gateway.services.requests.owned import LOOKED_UP

NUMBERS = 6
"""Most numbers that are looked up: anybody can make a link, and each number is a question to the library's system."""

EDITIONS = 5
"""Most records that are looked at where a number belongs to several."""


@frozen_by_name
class Held:
    """`copies`: lasting ones of `bib`, those on the shelf first."""

    availability: Availability
    bib: Bib | None = None
    copies: tuple[Item, ...] = ()


NOT_HELD = Held(availability=Availability.NOT_HELD)
UNKNOWN = Held(availability=Availability.UNKNOWN)


async def held(system: LibrarySystem, citation: Citation) -> Held:
    """The record whose copy is soonest to be had. UNKNOWN where the system can't look up or doesn't answer."""
    if not {Capability.BIB_FIND, Capability.ITEM_AVAILABILITY} <= system.capabilities:
        return UNKNOWN
    best = NOT_HELD
    try:
        for number in _looked_up(citation):
            found = await _by_number(system, number)
            if found.availability is Availability.AVAILABLE:
                return found
            best = best if best.bib is not None else found
    except Unavailable:
        return UNKNOWN
    return best


def _looked_up(citation: Citation) -> tuple[RecordId, ...]:
    """In the link's order, each once."""
    return tuple(dict.fromkeys(one for one in citation.identifiers if one.type in LOOKED_UP))[:NUMBERS]


async def _by_number(system: LibrarySystem, number: RecordId) -> Held:
    found = [_held(await system.holdings(bib.id)) for bib in await _records(system, number)]
    return min(found, key=lambda one: _RANK[one.availability], default=NOT_HELD)


async def _records(system: LibrarySystem, number: RecordId) -> tuple[Bib, ...]:
    try:
        return (await system.find_bib(number),)
    except Refused as refused:
        if refused.reason is Reason.AMBIGUOUS_ITEM and Capability.SEARCH in system.capabilities:
            several = await system.search_bibs(number.value, EDITIONS)
            return tuple(bib for bib in several if any(one.type == number.type for one in bib.identifiers))
        return ()


_RANK = {Availability.AVAILABLE: 0, Availability.OUT: 1, Availability.NOT_HELD: 2}


def _held(holdings: BibHoldings) -> Held:
    copies = [item for item in holdings.items if not item.temporary]
    if not copies:
        return NOT_HELD
    copies.sort(key=lambda item: not is_free(item))
    availability = Availability.AVAILABLE if is_free(copies[0]) else Availability.OUT
    return Held(availability=availability, bib=holdings.bib, copies=tuple(copies))


def is_free(item: Item) -> bool:
    """On the shelf, and nobody waits for it."""
    return item.status is ItemStatus.AVAILABLE and item.circulates and not item.hold_count
