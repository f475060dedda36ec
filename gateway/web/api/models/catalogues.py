"""Search results and resolved links."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from gateway.domain.library import ItemStatus
from gateway.domain.requests.fulfilment import Availability, Fulfilment
from gateway.domain.requests.policy import OnlyOwning
from gateway.domain.requests.request import ServiceType
from gateway.domain.requests.rota import RotaExplanation, SupplierVerdict
from gateway.services.searching.fulfilment import ResolvedLink
from gateway.services.searching.search import SearchOutcome
from gateway.web.api.models.bases import OutputModel
from gateway.web.api.models.values import CitationOut


class TargetOut(OutputModel):
    name: str = Field(description="for `target` of a search")
    description: str
    by: str = Field(description="protocol: z3950, sru; empty: it is a group")
    members: tuple[str, ...] = Field(description="of a group")


class TargetList(OutputModel):
    items: tuple[TargetOut, ...]


class AnsweredOut(OutputModel):
    """One target of the search."""

    target: str
    total: int = Field(description="hits, by its own count")
    shown: int = Field(description="records that came")
    seconds: float
    asked: str = Field(description="the question in the protocol's own notation")
    problem: str = Field(description="why it gave no answer; empty: it did")
    notes: tuple[str, ...]


class HeldOut(OutputModel):
    """A copy or a run of volumes, in the catalogue's own words."""

    location: str
    sublocation: str
    call_number: str
    barcode: str
    policy: str
    status: str
    available: bool | None = Field(description="null: not said")
    due: date | None
    volumes: str
    note: str


class HolderOut(OutputModel):
    target: str
    holdings: tuple[HeldOut, ...] | None = Field(description="null: the target says nothing about them")


class ResultOut(OutputModel):
    citation: CitationOut = Field(description="as it is, the `citation` of a new request")
    holders: tuple[HolderOut, ...]


class SearchOut(OutputModel):
    """`results`: the same thing once, however many targets have it."""

    targets: tuple[AnsweredOut, ...]
    results: tuple[ResultOut, ...]

    @classmethod
    def from_outcome(cls, outcome: SearchOutcome) -> SearchOut:
        return cls(
            targets=tuple(AnsweredOut.model_validate(answer) for answer in outcome.answers),
            results=tuple(ResultOut.model_validate(result) for result in outcome.results),
        )


class ExplainedOut(OutputModel):
    partner: str
    verdict: SupplierVerdict
    why: str
    holdings: str = Field(description="what the supplier's catalogue says, in one line; empty: it wasn't asked")


class ExplanationOut(OutputModel):
    """In the order in which suppliers would be asked; then those passed over, then those that had their turn."""

    rota: str
    ranked: bool
    by_rule: bool = Field(description="the request has no rota by rule yet; this is the one that the rules give")
    only_owning: OnlyOwning
    lines: tuple[ExplainedOut, ...]

    @classmethod
    def from_explanation(cls, explanation: RotaExplanation) -> ExplanationOut:
        return cls.model_validate(explanation)


class CopyOut(OutputModel):
    """A copy of the library's own."""

    branch: str
    location: str
    call_number: str
    status: ItemStatus
    circulates: bool
    due: datetime | None


class OfferOut(OutputModel):
    kind: Fulfilment
    url: str = Field(description="where it is had: full text elsewhere, or the page of the gateway; empty for `ask`")
    names: dict[str, str] = Field(description="language -> what stands on it; empty: up to you")


class FreeVersionOut(OutputModel):
    """Where anybody may read it."""

    url: str
    version: str = Field(description="publishedVersion, acceptedVersion or submittedVersion; empty: not said")
    host: str = Field(description="publisher or repository; empty: not said")
    license: str = Field(description="such as cc-by; empty: not said")


class ResolvedOut(OutputModel):
    citation: CitationOut
    service: ServiceType = Field(description="what is most likely wanted of it")
    referrer: str = Field(description="where the link comes from, as it says")
    unknown: tuple[str, ...] = Field(description="what was not understood, one line each")
    openurl: str = Field(description="the citation as a query string (OpenURL 1.0), without who asks")
    availability: Availability = Field(description="of the library's own copies")
    record: str = Field(description="number of the library's own record; empty: none")
    copies: tuple[CopyOut, ...]
    free_version: FreeVersionOut | None = Field(description="to be shown before the offers; null: none is known")
    offers: tuple[OfferOut, ...] = Field(description="best first")

    @classmethod
    def from_resolved_link(cls, resolved: ResolvedLink, page: str) -> ResolvedOut:
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
            free_version=FreeVersionOut.model_validate(free) if (free := resolved.offered.free) is not None else None,
            offers=tuple(
                OfferOut(kind=offer.kind, url=offer.url or places.get(offer.kind, ""), names=dict(offer.name or {}))
                for offer in resolved.offered.offers
            ),
        )
