"""Section `locate` of a profile: how a catalogue is asked, and what a holding statement covers.

Where the catalogue is and how its records are read stands in the profile's section of the protocol. What is looked for
and what a found holding means stands here (facts/openurl.md section 5).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.requests.citation import Citation, CitationType, canonical_type
from gateway.domain.requests.request import ServiceType
from gateway.domain.value import value_object

_DASHES = re.compile(r"\s*[‐‑‒–—―−~〜～]\s*")
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_COPY = re.compile(r"\b(?:c|copy|cop|ex|exemplar)\.?\s*\d+\b", re.IGNORECASE)
_ISSUE_OF = re.compile(r"(\d+\.\d{4}),\s?\d+(?:/\d+)?")
"""German lists say 3.1992,4 for number 4 of volume 3."""
_MORE = re.compile(r"\s*(?:\+|>|\bto date\b|\bpresent\b|\bongoing\b|\bet seq\.?)\s*$", re.IGNORECASE)
_FROM = re.compile(r"^\s*(?:seit|ab|from|since|с|от|depuis|desde|dal)\s+(?=.*\d)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"\b(?=[IVXL])(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b")
_YEARS = range(1450, 2100)
_SHORT_YEAR = re.compile(r"\b(1[4-9]|20)(\d{2})([/-])(\d{2})\b(?![.:/-]?\d)")


class LookupStep(StrEnum):
    """What a catalogue is searched by, one question or two a step."""

    ISBN = "isbn"  # as thirteen digits, then as ten
    ISSN = "issn"  # print, electronic, linking: each that is known
    OCLC = "oclc"
    LCCN = "lccn"
    TITLE = "title"  # as a phrase, with what `title.beside` says


class Beside(StrEnum):
    AUTHOR = "author"
    YEAR = "year"


class EvidenceNeeded(StrEnum):
    """Whether a found record is enough, or a holding must be there."""

    REQUIRED = "required"  # a record without holdings is not owned
    IF_GIVEN = "if-given"  # holdings are looked at where the catalogue shows some
    IGNORED = "ignored"  # the record is enough


class LendingVerdict(StrEnum):
    YES = "yes"
    NO = "no"
    ASK = "ask"  # it decides by case: it is asked


class UnreachablePolicy(StrEnum):
    """What a catalogue that gives no answer means: never that the supplier doesn't own it."""

    KEEP = "keep"  # as one that can't be looked up: the rota's `only_owning` decides
    SKIP = "skip"


class HoldingFacts(Protocol):
    """The facts of a holding that rules look at."""

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
    """Return whether a work appears over the years: the year of a citation says which part of it."""
    return citation.type in (CitationType.JOURNAL, CitationType.ARTICLE, CitationType.NEWSPAPER)


def naming_number_types(citation: Citation) -> tuple[str, ...]:
    """Types of numbers that name what is asked for, surest first. A DOI or PMID names an article, which libraries'
    catalogues don't list; the ISSN of a book names the series that it is in."""
    types = {canonical_type(identifier.type) for identifier in citation.identifiers}
    in_series = citation.type in (CitationType.BOOK, CitationType.CHAPTER, CitationType.THESIS)
    no_issn = in_series or ("isbn" in types and not is_serial(citation))
    return tuple(
        name for name in ("isbn", "issn", "oclc", "lccn") if name in types and not (name == "issn" and no_issn)
    )


def matches_pattern(value: str, pattern: str) -> bool:
    """`*` and `?` stand for anything, without case."""
    return fnmatchcase(value.casefold(), pattern.casefold())


def _check_steps_differ(steps: tuple[LookupStep, ...]) -> tuple[LookupStep, ...]:
    if len(set(steps)) != len(steps):
        raise ValueError("a step stands twice")
    return steps


class TitleSearch(ProfileSection):
    """A title alone is weak: what is found counts only where it is alike enough, and author and year don't differ."""

    beside: tuple[Beside, ...] = Field(
        (Beside.AUTHOR,), description="search terms used with the title, if the request has them"
    )
    alike: int = Field(85, ge=50, le=100, description="required similarity of titles, in per cent")
    author_alike: int = Field(60, ge=0, le=100, description="required share of matching author names, in per cent")
    most_hits: int = Field(
        100, ge=1, le=100_000, description="maximum number of hits; with more, the result is not used"
    )


class LendingRule(ProfileSection):
    """All keys that are set must fit; `*` and `?` stand for anything, without case."""

    location: str | None = None
    sublocation: str | None = None
    policy: str | None = Field(None, description="loan status in the catalogue")
    status: str | None = Field(None, description="such as 'on order*'")
    available: bool | None = Field(None, description="false: the catalogue shows the item as unavailable")
    lends: LendingVerdict = LendingVerdict.NO
    copies: LendingVerdict = Field(LendingVerdict.YES, description="whether copies are made of matching holdings")

    def matches_holding(self, held: HoldingFacts) -> bool:
        texts = (
            (self.location, held.location),
            (self.sublocation, held.sublocation),
            (self.policy, held.policy),
            (self.status, held.status),
        )
        same = self.available is None or self.available is held.available
        return same and all(pattern is None or matches_pattern(value, pattern) for pattern, value in texts)

    def verdict_for_service(self, service: ServiceType) -> LendingVerdict:
        """Return the verdict for a service; a requester of a copy or a loan is content with the better of both."""
        if service is ServiceType.COPY_OR_LOAN:
            return min(self.lends, self.copies, key=_RANK.__getitem__)
        return self.copies if service is ServiceType.COPY else self.lends


_RANK = {LendingVerdict.YES: 0, LendingVerdict.ASK: 1, LendingVerdict.NO: 2}


class LocatePolicy(ProfileSection):
    by: str = Field(
        "", description="the protocol, by the name of its section: z3950, sru; empty: the one section that is there"
    )
    target: str = Field("", description="profile of a shared catalogue; empty: this profile")
    locations: tuple[str, ...] = Field(
        (),
        description="in a shared catalogue: only holdings at these locations are this partner's; * and ? stand for "
        "anything. Empty: all",
    )
    plan: Annotated[tuple[LookupStep, ...], AfterValidator(_check_steps_differ)] = Field(
        tuple(LookupStep),
        min_length=1,
        description="search keys, used in turn until there is a result",
    )
    title: TitleSearch = TitleSearch.model_construct()
    looked_at: int = Field(10, ge=1, le=100, description="maximum number of records evaluated per answer")
    holdings: EvidenceNeeded = EvidenceNeeded.IF_GIVEN
    volumes: bool = Field(True, description="require that a holding with volume or year data covers the request")
    lending: tuple[LendingRule, ...] = Field(
        (), description="rules for lending; the first match with a holding applies"
    )
    otherwise: LendingVerdict = Field(LendingVerdict.YES, description="when no rule fits")
    unreachable: UnreachablePolicy = UnreachablePolicy.KEEP
    cache_minutes: int = Field(60, ge=0, le=43_200, description="period for which an answer is cached; 0: no cache")
    seconds: float = Field(10.0, gt=0, le=60, description="maximum time for all searches for one request")

    @model_validator(mode="after")
    def _check_holdings_used(self) -> LocatePolicy:
        if self.holdings is EvidenceNeeded.IGNORED and (self.lending or self.locations):
            raise ValueError("`lending` and `locations` say nothing where holdings are ignored")
        return self

    def lending_verdict(self, held: HoldingFacts, service: ServiceType) -> LendingVerdict:
        rule = next((lending_rule for lending_rule in self.lending if lending_rule.matches_holding(held)), None)
        return rule.verdict_for_service(service) if rule is not None else self.otherwise

    def is_own_holding(self, held: HoldingFacts) -> bool:
        """Return whether a holding is this partner's."""
        if not self.locations:
            return True
        return any(matches_pattern(held.location, pattern) for pattern in self.locations)


@value_object
class WantedPart:
    """A part of something that comes in parts; None: not said."""

    volume: int | None = None
    year: int | None = None

    @classmethod
    def part_of_citation(cls, citation: Citation) -> WantedPart:
        """The year only for what appears over the years: a book's is that of its edition."""
        numbers = _find_numbers(_normalise_statement(citation.volume))
        volume = next((number for number in numbers if number not in _YEARS), None)
        years = (*_find_numbers(citation.published), *numbers) if is_serial(citation) else numbers
        return cls(volume, next((year for year in years if year in _YEARS), None))

    def __bool__(self) -> bool:
        return self.volume is not None or self.year is not None


@value_object
class VolumeSpan:
    """The volumes from the first to the last, both included. `last` None: it goes on."""

    first: int
    last: int | None

    def includes_number(self, number: int) -> bool:
        return self.first <= number and (self.last is None or number <= self.last)


@value_object
class VolumeRun:
    """Volumes that follow each other, or one; None: not said."""

    volumes: VolumeSpan | None = None
    years: VolumeSpan | None = None

    def covers_part(self, wanted: WantedPart) -> bool | None:
        """Compare by volume where both say it, else by year; None: they have nothing in common."""
        if wanted.volume is not None and self.volumes is not None:
            return self.volumes.includes_number(wanted.volume)
        if wanted.year is not None and self.years is not None:
            return self.years.includes_number(wanted.year)
        return None


def statement_covers(statement: str, part: WantedPart) -> bool | None:
    """None: the statement says nothing that could be compared."""
    answers = [run.covers_part(part) for run in parse_holding_statement(statement)]
    if True in answers:
        return True
    return None if None in answers or not answers else False


def parse_holding_statement(statement: str) -> tuple[VolumeRun, ...]:
    """Parse the runs that can be read of a statement; what holds no number is passed over."""
    return tuple(filter(None, map(_parse_volume_run, _split_holding_segments(_normalise_statement(statement)))))


def _normalise_statement(text: str) -> str:
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    return _ISSUE_OF.sub(r"\1", _SHORT_YEAR.sub(_expand_short_year, _COPY.sub(" ", plain)))


def _expand_short_year(match: re.Match[str]) -> str:
    """`1990/91` and `2015-16` are two years, `1999/00` too; `1990-12` is December."""
    century, year, between, other = match.groups()
    if between == "-" and int(other) <= int(year):
        return match[0]
    after = int(century) + (int(other) < int(year))
    return f"{century}{year}{between}{after}{other}"


def _split_holding_segments(text: str) -> list[str]:
    """Divided at commas, semicolons and line ends outside of brackets."""
    return _split_outside_brackets(text, ",;\n")


def _split_outside_brackets(text: str, at: str) -> list[str]:
    parts, depth, begun = [], 0, 0
    for place, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if char in at and depth <= 0:
            parts.append(text[begun:place])
            begun = place + 1
    return [*parts, text[begun:]]


def _parse_volume_run(segment: str) -> VolumeRun | None:
    goes_on = _MORE.search(segment) is not None or _FROM.match(segment) is not None
    ends = _split_outside_brackets(_MORE.sub("", segment), "-")
    first, last = _RunEnd.parse_run_end(ends[0]), _RunEnd.parse_run_end(ends[-1])
    goes_on = goes_on or (len(ends) > 1 and not last)
    if not first:
        return None
    if len(ends) > 1 and last:
        first = first.take_years_from(last)
        if not last.can_follow(first):
            first = last = _RunEnd(first.volumes, first.years or last.years)
    return VolumeRun(
        _make_volume_span(first.volumes, last.volumes, goes_on), _make_volume_span(first.years, last.years, goes_on)
    )


def _make_volume_span(first: tuple[int, ...], last: tuple[int, ...], goes_on: bool) -> VolumeSpan | None:
    if not first or not (last or goes_on):
        return None
    return VolumeSpan(first[0], None if goes_on else last[-1])


@value_object
class _RunEnd:
    """One end of a run: the volume, or several such as 1/2, and the years."""

    volumes: tuple[int, ...] = ()
    years: tuple[int, ...] = ()

    @classmethod
    def parse_run_end(cls, text: str) -> _RunEnd:
        """Numbers in brackets are chronology; outside, the first that isn't a year is the volume."""
        inside = _find_numbers(" ".join(_BRACKETED.findall(text)))
        outside = _BRACKETED.sub(" ", text)
        numbers = _find_numbers(outside)
        years = tuple(number for number in (*numbers, *inside) if number in _YEARS)
        volumes = tuple(number for number in numbers if number not in _YEARS)
        double = re.search(r"\d+\s*/\s*\d+", outside) is not None and len(volumes) > 1
        if numbers and numbers[0] in _YEARS:  # 1990, no. 3: the rest are issues
            volumes = ()
        return cls(volumes[:2] if double else volumes[:1], years)

    def __bool__(self) -> bool:
        return bool(self.volumes or self.years)

    def can_follow(self, first: _RunEnd) -> bool:
        """Return whether a volume can follow: not where the dash stands between issues or months: `v.40 no.1-12
        (2004)`, `1990-12`."""
        both = [(self.volumes, first.volumes), (self.years, first.years)]
        pairs = [(last[-1], begun[0]) for last, begun in both if last and begun]
        return bool(pairs) and all(begun <= last for last, begun in pairs)

    def take_years_from(self, last: _RunEnd) -> _RunEnd:
        """`v.1-3 (1990-1992)`: what stands in brackets behind the last one is for all of them."""
        if self.years or len(last.years) < 2:
            return self
        return _RunEnd(self.volumes, last.years[:1])


def _find_numbers(text: str) -> tuple[int, ...]:
    """Find numbers in Arabic figures, else in Roman ones."""
    numbers = tuple(int(digits) for digits in _NUMBER.findall(text) if len(digits) <= 9)
    return numbers or tuple(filter(None, map(_roman_value, _ROMAN.finditer(text))))


def _roman_value(match: re.Match[str]) -> int:
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    numbers = [values[letter] for letter in match[0]]
    following = [*numbers[1:], 0]
    return sum(-number if number < after else number for number, after in zip(numbers, following, strict=True))
