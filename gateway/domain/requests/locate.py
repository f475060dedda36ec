"""How a partner's catalogue is asked whether it owns something: section `locate` of a profile.

Where the catalogue is and how its records are read stands in the profile's section of the protocol. What is looked for
and what a found holding means stands here (facts/openurl.md section 5).
"""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.policy import Section
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.identifiers import canonical
from gateway.domain.requests.request import ServiceType


class Step(StrEnum):
    """What a catalogue is searched by, one question or two a step."""

    ISBN = "isbn"  # as thirteen digits, then as ten
    ISSN = "issn"  # print, electronic, linking: each that is known
    OCLC = "oclc"
    LCCN = "lccn"
    TITLE = "title"  # as a phrase, with what `title.beside` says


class Beside(StrEnum):
    AUTHOR = "author"
    YEAR = "year"


class Need(StrEnum):
    """Whether a found record is enough, or a holding must be there."""

    REQUIRED = "required"  # a record without holdings is not owned
    IF_GIVEN = "if-given"  # holdings are looked at where the catalogue shows some
    IGNORED = "ignored"  # the record is enough


class Lends(StrEnum):
    YES = "yes"
    NO = "no"
    ASK = "ask"  # it decides by case: it is asked


class Unreachable(StrEnum):
    """What a catalogue that gives no answer means: never that the supplier doesn't own it."""

    KEEP = "keep"  # as one that can't be looked up: the rota's `only_owning` decides
    SKIP = "skip"


class Held(Protocol):
    """Of a holding, what rules look at."""

    @property
    def location(self) -> str: ...
    @property
    def sublocation(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def available(self) -> bool | None: ...


def is_serial(citation: Citation) -> bool:
    """What appears over the years: the year of a citation says which part of it."""
    return citation.type in (CitationType.JOURNAL, CitationType.ARTICLE, CitationType.NEWSPAPER)


def naming(citation: Citation) -> tuple[str, ...]:
    """Types of numbers that name what is asked for, surest first. A DOI or PMID names an article, which libraries'
    catalogues don't list; the ISSN of a book names the series that it is in."""
    types = {canonical(one.type) for one in citation.identifiers}
    in_series = citation.type in (CitationType.BOOK, CitationType.CHAPTER, CitationType.THESIS)
    no_issn = in_series or ("isbn" in types and not is_serial(citation))
    return tuple(
        name for name in ("isbn", "issn", "oclc", "lccn") if name in types and not (name == "issn" and no_issn)
    )


def matches(value: str, pattern: str) -> bool:
    """`*` and `?` stand for anything, without case."""
    return fnmatchcase(value.casefold(), pattern.casefold())


def _different(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if len(set(steps)) != len(steps):
        raise ValueError("a step stands twice")
    return steps


class TitleSearch(Section):
    """A title alone is weak: what is found counts only where it is alike enough, and author and year don't differ."""

    beside: tuple[Beside, ...] = Field(
        (Beside.AUTHOR,), description="what is looked for with the title, where the request says it"
    )
    alike: int = Field(85, ge=50, le=100, description="per cent that titles must be alike")
    author_alike: int = Field(60, ge=0, le=100, description="per cent of the names of authors that must agree")
    most_hits: int = Field(
        100, ge=1, le=100_000, description="with more hits the question was too broad to say anything"
    )


class LendingRule(Section):
    """All keys that are set must fit; `*` and `?` stand for anything, without case."""

    location: str | None = None
    sublocation: str | None = None
    policy: str | None = Field(None, description="the catalogue's word for who may have it")
    status: str | None = Field(None, description="such as 'on order*'")
    available: bool | None = Field(None, description="false: the catalogue says that it is out")
    lends: Lends = Lends.NO
    copies: Lends = Field(Lends.YES, description="whether copies are made of what fits")

    def fits(self, held: Held) -> bool:
        texts = (
            (self.location, held.location),
            (self.sublocation, held.sublocation),
            (self.policy, held.policy),
            (self.status, held.status),
        )
        same = self.available is None or self.available is held.available
        return same and all(pattern is None or matches(value, pattern) for pattern, value in texts)

    def says(self, service: ServiceType) -> Lends:
        """Who wants a copy or a loan is content with the better of both."""
        if service is ServiceType.COPY_OR_LOAN:
            return min(self.lends, self.copies, key=_RANK.__getitem__)
        return self.copies if service is ServiceType.COPY else self.lends


_RANK = {Lends.YES: 0, Lends.ASK: 1, Lends.NO: 2}


class LocatePolicy(Section):
    by: str = Field(
        "", description="the protocol, by the name of its section: z3950, sru; empty: the one section that is there"
    )
    target: str = Field(
        "", description="profile of the catalogue, where several partners share one; empty: this profile itself"
    )
    locations: tuple[str, ...] = Field(
        (),
        description="in a shared catalogue: only holdings at these locations are this partner's; * and ? stand for "
        "anything. Empty: all",
    )
    plan: Annotated[tuple[Step, ...], AfterValidator(_different)] = Field(
        tuple(Step), min_length=1, description="by what it is searched, one after the other until something is found"
    )
    title: TitleSearch = TitleSearch()
    looked_at: int = Field(10, ge=1, le=100, description="records of each answer that are looked at")
    holdings: Need = Need.IF_GIVEN
    volumes: bool = Field(
        True, description="a holding must cover the volume or year that is asked for, where it says which it has"
    )
    lending: tuple[LendingRule, ...] = Field((), description="the first rule that fits a holding says if it is lent")
    otherwise: Lends = Field(Lends.YES, description="when no rule fits")
    unreachable: Unreachable = Unreachable.KEEP
    cache_minutes: int = Field(60, ge=0, le=43_200, description="so long an answer counts; 0: it is asked each time")
    seconds: float = Field(10.0, gt=0, le=60, description="longest time for all questions about one request")

    @model_validator(mode="after")
    def _seen(self) -> LocatePolicy:
        if self.holdings is Need.IGNORED and (self.lending or self.locations):
            raise ValueError("`lending` and `locations` say nothing where holdings are ignored")
        return self

    def lends(self, held: Held, service: ServiceType) -> Lends:
        rule = next((one for one in self.lending if one.fits(held)), None)
        return rule.says(service) if rule is not None else self.otherwise

    def is_here(self, held: Held) -> bool:
        """Whether a holding is this partner's."""
        if not self.locations:
            return True
        return any(matches(held.location, pattern) for pattern in self.locations)
