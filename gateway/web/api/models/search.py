"""Other libraries' catalogues: what was found in them, and what they say of suppliers."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from gateway.domain.requests.explanation import Explanation, Verdict
from gateway.domain.requests.policy import OnlyOwning
from gateway.services.searching.results import Found
from gateway.web.api.models.values import CitationOut
from gateway.web.api.operation import Output


class TargetOut(Output):
    name: str = Field(description="for `target` of a search")
    description: str
    by: str = Field(description="protocol: z3950, sru; empty: it is a group")
    members: tuple[str, ...] = Field(description="of a group")


class TargetList(Output):
    items: tuple[TargetOut, ...]


class AnsweredOut(Output):
    """One target of the search."""

    target: str
    total: int = Field(description="hits, by its own count")
    shown: int = Field(description="records that came")
    seconds: float
    asked: str = Field(description="the question in the protocol's own notation")
    problem: str = Field(description="why it gave no answer; empty: it did")
    notes: tuple[str, ...]


class HeldOut(Output):
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


class HolderOut(Output):
    target: str
    holdings: tuple[HeldOut, ...] | None = Field(description="null: the target says nothing about them")


class ResultOut(Output):
    citation: CitationOut = Field(description="as it is, the `citation` of a new request")
    holders: tuple[HolderOut, ...]


class SearchOut(Output):
    """`results`: the same thing once, however many targets have it."""

    targets: tuple[AnsweredOut, ...]
    results: tuple[ResultOut, ...]

    @classmethod
    def of(cls, found: Found) -> SearchOut:
        return cls(
            targets=tuple(AnsweredOut.model_validate(one) for one in found.answers),
            results=tuple(ResultOut.model_validate(one) for one in found.results),
        )


class ExplainedOut(Output):
    partner: str
    verdict: Verdict
    why: str
    holdings: str = Field(description="what the supplier's catalogue says, in one line; empty: it wasn't asked")


class ExplanationOut(Output):
    """In the order in which suppliers would be asked; then those passed over, then those that had their turn."""

    rota: str
    ranked: bool
    by_rule: bool = Field(description="the request has no rota yet; this is the one that the rules give")
    only_owning: OnlyOwning
    lines: tuple[ExplainedOut, ...]

    @classmethod
    def of(cls, explanation: Explanation) -> ExplanationOut:
        return cls.model_validate(explanation)
