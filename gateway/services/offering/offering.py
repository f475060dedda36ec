"""The services for a citation in the order of the library's rules (requests.yml, `services`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.library import Bib, Hold, Patron, PickupLocation, RecordId, Scope
from gateway.domain.problems import About, Reason, Refused, Unavailable
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.request import Dates, ServiceType
from gateway.ports.citing import LinkFormat
from gateway.ports.library import Capability, HoldWish, LibraryInfo, PatronKey
from gateway.services.circulation.records import best_copy
from gateway.services.offering.held import Held, held
from gateway.services.requests.front import house_of
from gateway.services.requests.house import House
from gateway.services.searching.finder import LookUp


async def nothing_known(_library: str, _number: RecordId) -> Citation | None:
    """No catalogue is set up besides the library's own."""
    return None


@frozen
class Offer:
    """`url` and `name` (language -> words) of links; both are empty for what the gateway does itself."""

    kind: Fulfilment
    url: str = ""
    name: Mapping[str, str] | None = None


@frozen_by_name
class Offered:
    held: Held
    offers: tuple[Offer, ...]

    def has(self, kind: Fulfilment) -> bool:
        return any(offer.kind is kind for offer in self.offers)


class Offering:
    """`houses` by symbol of the library. All methods raise NotThere for another library, and Unavailable."""

    def __init__(self, houses: Mapping[str, House], links: LinkFormat, look_up: LookUp = nothing_known) -> None:
        self._houses = houses
        self._links = links
        self._look_up = look_up

    def house(self, library: str) -> House:
        return house_of(self._houses, library)

    async def offered(self, library: str, citation: Citation, service: ServiceType, category: str = "") -> Offered:
        """`category` of the patron; empty: nobody has signed in. Our own catalogue may be away: then nobody knows what
        it holds, which has rules of its own."""
        house = self.house(library)
        found = await held(house.system, citation)
        rules = house.policy().services
        kinds = rules.offers(found.availability, citation, service, category)
        offers = [offer for kind in kinds for offer in self._of_kind(kind, house, found, citation, service)]
        return Offered(held=found, offers=tuple(offers))

    def _of_kind(
        self, kind: Fulfilment, house: House, found: Held, citation: Citation, service: ServiceType
    ) -> Iterator[Offer]:
        match kind:
            case Fulfilment.ELECTRONIC:
                openurl = self._links.encode(citation, service)
                for link in house.policy().services.links:
                    if url := link.filled(citation, openurl):
                        yield Offer(kind, url, link.name)
            case Fulfilment.HOLD:
                if found.bib is not None and _can_hold(house, found):
                    yield Offer(kind)
            case Fulfilment.BORROW:
                yield Offer(kind)
            case Fulfilment.ASK:
                if reachable(house.info):
                    yield Offer(kind)

    # --- filling a form ----------------------------------------------------------------------------------

    async def look_up(self, library: str, number: RecordId) -> Citation | None:
        """From our own catalogue, else from those that are set up. None: nobody knows it, or several things have it."""
        house = self.house(library)
        own = await _own(house, number)
        return own if own is not None else await self._look_up(house.symbol, number)

    async def pickups(self, library: str) -> tuple[PickupLocation, ...]:
        return await self.house(library).system.pickup_locations()

    # --- the library's own copy --------------------------------------------------------------------------

    async def place_hold(
        self, library: str, patron_identifier: str, citation: Citation, pickup: str, dates: Dates, note: str, key: str
    ) -> Hold:
        """The same `key` again places nothing and gives the same hold. Raises Refused (nothing held, blocked, a wrong
        place, a hold that is there already …), OutcomeUnknown."""
        house = self.house(library)
        patron = await house.system.find_patron(PatronKey(patron_identifier))
        _stop_if_blocked(patron)
        found = await held(house.system, citation)
        if found.bib is None or not _can_hold(house, found):
            raise Refused(Reason.ITEM_NOT_AVAILABLE, "No copy of it can be held.", about=About.ITEM)
        takes_place = Capability.HOLD_PICKUP in house.system.capabilities
        item_barcode, bib_id = _target(house, found, found.bib)
        wish = HoldWish(
            patron.id,
            pickup if takes_place else "",
            item_barcode=item_barcode,
            bib_id=bib_id,
            need_by=dates.need_by,
            note=note if takes_place else "; ".join(filter(None, (f"pickup: {pickup}", note))),
        )
        return await house.system.place_hold(wish, key)

    async def hold(self, library: str, patron_id: str, hold_id: str) -> Hold | None:
        """An open one of this patron."""
        holds = await self.house(library).system.patron_holds(patron_id)
        return next((one for one in holds if one.id == hold_id), None)


def reachable(info: LibraryInfo) -> bool:
    """Whether anything is known about how to ask staff."""
    return bool(info.email or info.phone or info.address)


def _can_hold(house: House, found: Held) -> bool:
    can = house.system.capabilities
    return best_copy(found.copies) is not None and bool(can & {Capability.HOLD_TITLE, Capability.HOLD_ITEM})


def _target(house: House, found: Held, bib: Bib) -> tuple[str, str]:
    """Barcode or record number: one of them is empty."""
    if Capability.HOLD_TITLE in house.system.capabilities:
        return "", bib.id
    copy = best_copy(found.copies)
    assert copy is not None, "looked at by _can_hold"
    return copy.barcode, ""


def _stop_if_blocked(patron: Patron) -> None:
    if (block := patron.blocked_for(Scope.REQUEST)) is not None:
        raise Refused(Reason.PATRON_BLOCKED, f"The patron may not request: {block.reason}.", about=About.PATRON)


async def _own(house: House, number: RecordId) -> Citation | None:
    if Capability.BIB_FIND not in house.system.capabilities:
        return None
    try:
        return _cited(await house.system.find_bib(number))
    except (Refused, Unavailable):  # unknown, ambiguous, or away: another catalogue may know it
        return None


def _cited(bib: Bib) -> Citation:
    journal = any(one.type == "issn" for one in bib.identifiers) and not any(
        one.type == "isbn" for one in bib.identifiers
    )
    return Citation(
        type=CitationType.JOURNAL if journal else CitationType.BOOK,
        title=bib.title,
        author=bib.author,
        identifiers=tuple(one for one in bib.identifiers if one.type != "local"),
        edition=bib.edition,
        publisher=bib.publisher,
        place=bib.place,
        published=bib.published,
        series=bib.series,
        language=bib.language,
    )
