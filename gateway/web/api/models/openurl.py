"""Links resolved: what they cite, and what the library can do for it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from gateway.domain.library import ItemStatus
from gateway.domain.requests.fulfilment import Availability, Fulfilment
from gateway.domain.requests.request import ServiceType
from gateway.services.offering import Resolved
from gateway.web.api.models.values import CitationOut
from gateway.web.api.operation import Output


class CopyOut(Output):
    """A copy of the library's own."""

    branch: str
    location: str
    call_number: str
    status: ItemStatus
    circulates: bool
    due: datetime | None


class OfferOut(Output):
    kind: Fulfilment
    url: str = Field(description="where it is had: full text elsewhere, or the page of the gateway; empty for `ask`")
    names: dict[str, str] = Field(description="language -> what stands on it; empty: up to you")


class ResolvedOut(Output):
    citation: CitationOut
    service: ServiceType = Field(description="what is most likely wanted of it")
    referrer: str = Field(description="where the link comes from, as it says")
    unknown: tuple[str, ...] = Field(description="what was not understood, one line each")
    openurl: str = Field(description="the citation as a query string (OpenURL 1.0), without who asks")
    availability: Availability = Field(description="of the library's own copies")
    record: str = Field(description="number of the library's own record; empty: none")
    copies: tuple[CopyOut, ...]
    offers: tuple[OfferOut, ...] = Field(description="best first")

    @classmethod
    def of(cls, resolved: Resolved, page: str) -> ResolvedOut:
        """`page`: path of the library's page."""
        cited, held = resolved.cited, resolved.offered.held
        places = {Fulfilment.HOLD: f"{page}/hold?{resolved.link}", Fulfilment.BORROW: f"{page}/request?{resolved.link}"}
        return cls(
            citation=CitationOut.model_validate(cited.citation),
            service=cited.service,
            referrer=cited.referrer,
            unknown=cited.unknown,
            openurl=resolved.link,
            availability=held.availability,
            record=held.bib.id if held.bib is not None else "",
            copies=tuple(
                CopyOut(
                    branch=item.home.library,
                    location=item.home.name or item.home.shelf,
                    call_number=item.call_number,
                    status=item.status,
                    circulates=item.circulates,
                    due=item.due,
                )
                for item in held.copies
            ),
            offers=tuple(
                OfferOut(kind=offer.kind, url=offer.url or places.get(offer.kind, ""), names=dict(offer.name or {}))
                for offer in resolved.offered.offers
            ),
        )
