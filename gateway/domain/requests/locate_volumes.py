"""What a holding covers: enumeration and chronology as catalogues print them, such as `v.1(1990)-v.20(2009)`,
`12-15, 18`, `Jg. 3.1992 -`, `1-10 (1980-1989)`, and whether the volume or year asked for is among it."""

from __future__ import annotations

import re
import unicodedata

from gateway.domain.frozen import frozen
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.locate import is_serial

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


@frozen
class Wanted:
    """A part of something that comes in parts; None: not said."""

    volume: int | None = None
    year: int | None = None

    @classmethod
    def of(cls, citation: Citation) -> Wanted:
        """The year only for what appears over the years: a book's is that of its edition."""
        numbers = _numbers(_plain(citation.volume))
        volume = next((one for one in numbers if one not in _YEARS), None)
        years = (*_numbers(citation.published), *numbers) if is_serial(citation) else numbers
        return cls(volume, next((one for one in years if one in _YEARS), None))

    def __bool__(self) -> bool:
        return self.volume is not None or self.year is not None


@frozen
class Span:
    """From the first to the last, both included. `last` None: it goes on."""

    first: int
    last: int | None

    def holds(self, number: int) -> bool:
        return self.first <= number and (self.last is None or number <= self.last)


@frozen
class Run:
    """Volumes that follow each other, or one; None: not said."""

    volumes: Span | None = None
    years: Span | None = None

    def covers(self, wanted: Wanted) -> bool | None:
        """By volume where both say it, else by year; None: they have nothing in common."""
        if wanted.volume is not None and self.volumes is not None:
            return self.volumes.holds(wanted.volume)
        if wanted.year is not None and self.years is not None:
            return self.years.holds(wanted.year)
        return None


def covers(statement: str, wanted: Wanted) -> bool | None:
    """None: the statement says nothing that could be compared."""
    said = [run.covers(wanted) for run in runs(statement)]
    if True in said:
        return True
    return None if None in said or not said else False


def runs(statement: str) -> tuple[Run, ...]:
    """What can be read of it; what holds no number is passed over."""
    return tuple(filter(None, map(_run, _segments(_plain(statement)))))


def _plain(text: str) -> str:
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    return _ISSUE_OF.sub(r"\1", _SHORT_YEAR.sub(_whole_years, _COPY.sub(" ", plain)))


def _whole_years(found: re.Match[str]) -> str:
    """`1990/91` and `2015-16` are two years, `1999/00` too; `1990-12` is December."""
    century, year, between, other = found.groups()
    if between == "-" and int(other) <= int(year):
        return found[0]
    after = int(century) + (int(other) < int(year))
    return f"{century}{year}{between}{after}{other}"


def _segments(text: str) -> list[str]:
    """Divided at commas, semicolons and line ends outside of brackets."""
    return _split(text, ",;\n")


def _split(text: str, at: str) -> list[str]:
    parts, depth, begun = [], 0, 0
    for place, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if char in at and depth <= 0:
            parts.append(text[begun:place])
            begun = place + 1
    return [*parts, text[begun:]]


def _run(segment: str) -> Run | None:
    goes_on = _MORE.search(segment) is not None or _FROM.match(segment) is not None
    ends = _split(_MORE.sub("", segment), "-")
    first, last = _End.of(ends[0]), _End.of(ends[-1])
    goes_on = goes_on or (len(ends) > 1 and not last)
    if not first:
        return None
    if len(ends) > 1 and last:
        first = first.with_years_of(last)
        if not last.follows(first):
            first = last = _End(first.volumes, first.years or last.years)
    return Run(_span(first.volumes, last.volumes, goes_on), _span(first.years, last.years, goes_on))


def _span(first: tuple[int, ...], last: tuple[int, ...], goes_on: bool) -> Span | None:
    if not first or not (last or goes_on):
        return None
    return Span(first[0], None if goes_on else last[-1])


@frozen
class _End:
    """One end of a run: the volume, or several such as 1/2, and the years."""

    volumes: tuple[int, ...] = ()
    years: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str) -> _End:
        """Numbers in brackets are chronology; outside, the first that isn't a year is the volume."""
        inside = _numbers(" ".join(_BRACKETED.findall(text)))
        outside = _BRACKETED.sub(" ", text)
        numbers = _numbers(outside)
        years = tuple(one for one in (*numbers, *inside) if one in _YEARS)
        volumes = tuple(one for one in numbers if one not in _YEARS)
        double = re.search(r"\d+\s*/\s*\d+", outside) is not None and len(volumes) > 1
        if numbers and numbers[0] in _YEARS:  # 1990, no. 3: the rest are issues
            volumes = ()
        return cls(volumes[:2] if double else volumes[:1], years)

    def __bool__(self) -> bool:
        return bool(self.volumes or self.years)

    def follows(self, first: _End) -> bool:
        """Not where the dash stands between issues or months: `v.40 no.1-12 (2004)`, `1990-12`."""
        both = [(self.volumes, first.volumes), (self.years, first.years)]
        said = [(last[-1], begun[0]) for last, begun in both if last and begun]
        return bool(said) and all(begun <= last for last, begun in said)

    def with_years_of(self, last: _End) -> _End:
        """`v.1-3 (1990-1992)`: what stands in brackets behind the last one is for all of them."""
        if self.years or len(last.years) < 2:
            return self
        return _End(self.volumes, last.years[:1])


def _numbers(text: str) -> tuple[int, ...]:
    """In Arabic figures, else in Roman ones."""
    found = tuple(int(one) for one in _NUMBER.findall(text) if len(one) <= 9)
    return found or tuple(filter(None, map(_roman, _ROMAN.finditer(text))))


def _roman(found: re.Match[str]) -> int:
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    numbers = [values[one] for one in found[0]]
    following = [*numbers[1:], 0]
    return sum(-one if one < after else one for one, after in zip(numbers, following, strict=True))
