"""Offers of the library for a citation, in the order of its rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog

from gateway.domain.clock import SystemClock
from gateway.domain.library import Bib, BlockScope, Hold, Patron, PickupLocation, RecordId
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.request import RequestDates, ServiceType
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.article_lookup import FreeVersion
from gateway.ports.catalogue import LinkCitation, LinkFormat, ReceivedLink
from gateway.ports.library_system import Capability, HoldWish, LibraryInfo, PatronKey
from gateway.services.circulation.items import choose_best_copy
from gateway.services.circulation.local_holdings import (
    AWAY,
    NOT_ONE_RECORD,
    LocalCopies,
    citation_of_record,
    find_local_copies,
    look_up_copies,
)
from gateway.services.requests.library_context import LibraryContext
from gateway.services.searching.article_lookup import ArticleLookup
from gateway.services.searching.search import LookUp

log = structlog.stdlib.get_logger()


async def look_up_nothing(_number: RecordId) -> Citation | None:
    """Look up nothing: no catalogue is set up besides the library's own."""
    return None


@value_object
class ServiceOffer:
    """`url` and `name` (language -> words) of links; both are empty for what the gateway does itself."""

    kind: Fulfilment
    url: str = ""
    name: Mapping[str, str] | None = None


@value_object(kw_only=True)
class OfferList:
    """`free`: a version that anybody may read, better than any offer."""

    held: LocalCopies
    offers: tuple[ServiceOffer, ...]
    free: FreeVersion | None = None

    def has_offer(self, kind: Fulfilment) -> bool:
        return any(offer.kind is kind for offer in self.offers)


class FulfilmentService:
    """The ways to a citation that a library offers. All methods raise Unavailable."""

    def __init__(
        self,
        context: LibraryContext,
        links: LinkFormat,
        look_up: LookUp = look_up_nothing,
        articles: ArticleLookup | None = None,
    ) -> None:
        self.context = context
        self._links = links
        self._look_up = look_up
        self._articles = articles or ArticleLookup((), SystemClock(), timedelta(0))

    async def resolve(self, link: ReceivedLink, patron: str = "") -> ResolvedLink:
        """`patron`: its identifier, for rules that look at who asks. Raises MalformedMessage, NotFound, Refused
        (UNKNOWN_PATRON), Unavailable."""
        cited = await self.complete_link(self._links.decode(link))
        category = ""
        if patron:
            account = await self.context.system.find_patron(PatronKey(patron))
            category = account.category
        offered = await self.list_offers(cited.citation, cited.service, category)
        return ResolvedLink(cited, offered, self._links.encode(cited.citation, cited.service))

    async def list_offers(self, citation: Citation, service: ServiceType, category: str = "") -> OfferList:
        """`category` of the patron; empty: nobody has signed in. Our own catalogue may be away: then nobody knows what
        it holds, which has rules of its own."""
        held, free = await asyncio.gather(
            _find_own_copies(self.context, citation), self._articles.find_free_version(citation)
        )
        rules = self.context.policy().services
        kinds = rules.choose_fulfilments(held.availability, citation, service, category)
        offers = [
            offer for kind in kinds for offer in self._offers_of_kind(kind, self.context, held, citation, service)
        ]
        return OfferList(held=held, offers=tuple(offers), free=free)

    def _offers_of_kind(
        self, kind: Fulfilment, context: LibraryContext, copies: LocalCopies, citation: Citation, service: ServiceType
    ) -> Iterator[ServiceOffer]:
        match kind:
            case Fulfilment.ELECTRONIC:
                openurl = self._links.encode(citation, service)
                for link in context.policy().services.links:
                    if url := link.fill_link(citation, openurl):
                        yield ServiceOffer(kind, url, link.name)
            case Fulfilment.HOLD:
                if copies.bib is not None and _can_hold(context, copies):
                    yield ServiceOffer(kind)
            case Fulfilment.BORROW:
                yield ServiceOffer(kind)
            case Fulfilment.ASK:
                if is_staff_reachable(context.info):
                    yield ServiceOffer(kind)

    # --- what a number stands for ------------------------------------------------------------------------

    async def look_up_citation(self, number: RecordId) -> Citation | None:
        """Look up a number in our own catalogue, else in the services that know articles, else in the catalogues that
        are set up. None: nobody knows it, or several things have it."""
        own = await _look_up_own(self.context, number)
        if own is not None:
            return own
        away: Unavailable | None = None
        try:
            article = await self._articles.find_article(number)
        except Unavailable as error:  # a catalogue may know it
            article, away = None, error
        if article is not None and article.citation is not None:
            return article.citation
        citation = await self._look_up(number)
        if citation is None and away is not None:
            raise away
        return citation

    async def find_free_version(self, citation: Citation) -> FreeVersion | None:
        """A version that anybody may read. None: there is none, or nobody could say so."""
        return await self._articles.find_free_version(citation)

    async def complete_link(self, cited: LinkCitation) -> LinkCitation:
        """A link that says no more of an article than its number: with what the number stands for."""
        citation = await self._articles.complete_citation(cited.citation)
        if citation is cited.citation:
            return cited
        return replace(cited, citation=citation, service=ServiceType.COPY if citation.is_part else cited.service)

    async def list_pickup_locations(self) -> tuple[PickupLocation, ...]:
        return await self.context.system.pickup_locations()

    # --- the library's own copy --------------------------------------------------------------------------

    async def place_hold(
        self,
        patron_identifier: str,
        citation: Citation,
        pickup: str,
        dates: RequestDates,
        note: str,
        key: str,
    ) -> Hold:
        """The same `key` again places nothing and gives the same hold. Raises Refused (nothing held, blocked, a wrong
        place, a hold that is there already …), Unavailable (whether a copy can be held isn't known now),
        OutcomeUnknown."""
        patron = await self.context.system.find_patron(PatronKey(patron_identifier))
        _refuse_blocked_patron(patron)
        copies = await look_up_copies(self.context.system, citation)  # not `find_local_copies`: away isn't "no copy"
        if copies.bib is None or not _can_hold(self.context, copies):
            raise Refused(RefusalReason.ITEM_NOT_AVAILABLE, "No copy can be placed on hold.", about=MessagePart.ITEM)
        takes_place = Capability.HOLD_PICKUP in self.context.system.capabilities
        item_barcode, bib_id = _choose_hold_target(self.context, copies, copies.bib)
        wish = HoldWish(
            patron.id,
            pickup if takes_place else "",
            item_barcode=item_barcode,
            bib_id=bib_id,
            need_by=dates.need_by,
            note=note if takes_place else "; ".join(filter(None, (f"pickup: {pickup}", note))),
        )
        return await self.context.system.place_hold(wish, key)

    async def check_patron_may_hold(self, patron_identifier: str) -> None:
        """Check a patron; raises Refused (UNKNOWN_PATRON, PATRON_BLOCKED)."""
        _refuse_blocked_patron(await self.context.system.find_patron(PatronKey(patron_identifier)))


def is_staff_reachable(info: LibraryInfo) -> bool:
    """Return whether anything is known about how to ask staff."""
    return bool(info.email or info.phone or info.address)


def _can_hold(context: LibraryContext, held: LocalCopies) -> bool:
    can = context.system.capabilities
    return choose_best_copy(held.copies) is not None and bool(can & {Capability.HOLD_TITLE, Capability.HOLD_ITEM})


def _choose_hold_target(context: LibraryContext, local_copies: LocalCopies, bib: Bib) -> tuple[str, str]:
    """Barcode or record number: one of them is empty."""
    if Capability.HOLD_TITLE in context.system.capabilities:
        return "", bib.id
    copy = choose_best_copy(local_copies.copies)
    assert copy is not None, "looked at by _can_hold"
    return copy.barcode, ""


def _refuse_blocked_patron(patron: Patron) -> None:
    if (block := patron.find_block(BlockScope.REQUEST)) is not None:
        raise Refused(
            RefusalReason.PATRON_BLOCKED,
            write_sentence("The patron may not make requests: %(report)s.", report=block.reason),
            about=MessagePart.PATRON,
        )


async def _find_own_copies(context: LibraryContext, citation: Citation) -> LocalCopies:
    try:
        return await find_local_copies(context.system, citation)
    except Refused as refused:  # the other services can be had all the same
        log.warning("fulfilment.library_refused", reason=refused.reason.value)
        return AWAY


async def _look_up_own(context: LibraryContext, number: RecordId) -> Citation | None:
    if Capability.BIB_FIND not in context.system.capabilities:
        return None
    try:
        return citation_of_record(await context.system.find_bib(number))
    except Unavailable:  # another catalogue may know it
        return None
    except Refused as refused:
        if refused.reason not in NOT_ONE_RECORD:  # another catalogue may know it
            log.warning("fulfilment.library_refused", reason=refused.reason.value)
        return None


@value_object
class ResolvedLink:
    """`link`: the citation as a query string, for the page at /openurl and for other resolvers."""

    cited: LinkCitation
    offered: OfferList
    link: str
