"""What is asked for, as the lines of an item, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from adapters.artemail.dialect.orders import ITEM_FIELDS, Items
from adapters.artemail.templates import Template, parse
from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.request import Request, ServiceType

PATTERNS: Mapping[str, str] = {
    "year": r"[^\s,]*\d{4}[^\s,]*|\d{2}",
    "number": r"(?:IS[BS]N:?\s*)?[\dXx][\dXx -]{6,16}[\dXx]",
    "isbn": r"[\dXx][\dXx -]{8,16}[\dXx]",
    "issn": r"\d{4}-?\d{3}[\dXx]",
}
"""Of fields that can be told by their look."""

MOST_LINES = 60
"""Of one item; more are kept as its note."""

MOST_LENGTH = 400
"""Of a line that is looked into; a longer one is kept as note."""


def lines_of(request: Request, items: Items) -> tuple[str, ...]:
    """Whole lines, in any script."""
    values = values_of(request)
    written = [parse(line).fill(values) for line in _templates_for(request.citation, items)]
    while written and not written[-1]:
        written.pop()
    return tuple(line or items.missing for line in written if line or items.missing)


def _templates_for(citation: Citation, items: Items) -> tuple[str, ...]:
    if citation.type is CitationType.CONFERENCE_PAPER:
        return items.conference
    part = citation.is_part or bool(citation.component_title)
    return items.article if part else items.book


def values_of(request: Request) -> dict[str, str]:
    """By the names of ITEM_FIELDS, on one line each."""
    citation, part = request.citation, request.citation.is_part or bool(request.citation.component_title)
    whole = f"{citation.title}: {citation.subtitle}" if citation.subtitle else citation.title
    first, second = ("issn", "isbn") if part else ("isbn", "issn")
    maximum = request.costs.maximum
    found = {
        "container": whole if part else "",
        "title": citation.component_title if part else whole,
        "author": (citation.component_author or citation.author) if part else citation.author,
        "year": citation.published,
        "volume": citation.volume,
        "issue": citation.issue,
        "pages": citation.pages,
        "edition": citation.edition,
        "publisher": citation.publisher,
        "place": citation.place,
        "series": citation.series,
        "number": citation.identifier(first) or citation.identifier(second),
        "isbn": citation.identifier("isbn"),
        "issn": citation.identifier("issn"),
        "doi": citation.identifier("doi"),
        "pmid": citation.identifier("pmid"),
        "oclc": citation.identifier("oclc"),
        "language": citation.language,
        "call_number": citation.call_number,
        "need_by": request.dates.need_by.isoformat() if request.dates.need_by is not None else "",
        "maximum_cost": f"{maximum.amount} {maximum.currency}" if maximum is not None else "",
        "note": " ".join((*(one.text for one in request.notes if one.for_partner), citation.note)),
    }
    return {key: " ".join(value.split()) for key, value in found.items()}


# --- reading ---------------------------------------------------------------------------------------------


def citation_of(lines: Sequence[str], items: Items, service: ServiceType) -> Citation:
    """The reading that explains most of the lines; lines that none explains are its note. All of them, as they came,
    are `original`."""
    taken = tuple(lines[:MOST_LINES])
    readings = {kind: _Reading(taken, _templates(getattr(items, kind))) for kind in _order(service)}
    kind = max(readings, key=lambda one: readings[one].score)  # of equal ones the first
    values, rest = readings[kind].values()
    values = {key: "" if value == items.missing else value for key, value in values.items()}
    note = "\n".join((*filter(None, (values.get("note", ""),)), *rest, *lines[MOST_LINES:]))
    return _citation(kind, values, note, "\n".join(lines))


def _order(service: ServiceType) -> tuple[str, ...]:
    return ("book", "article", "conference") if service is ServiceType.LOAN else ("article", "book", "conference")


@frozen
class _Line:
    """A line of the layout as it is read. `telling`: it can be told by its look."""

    pattern: re.Pattern[str]
    telling: bool

    def match(self, line: str) -> Mapping[str, str] | None:
        found = self.pattern.fullmatch(line) if len(line) <= MOST_LENGTH else None
        return {key: value.strip() for key, value in found.groupdict().items() if value} if found else None


@lru_cache(maxsize=256)
def _templates(lines: tuple[str, ...]) -> tuple[_Line, ...]:
    return tuple(_line(parse(line)) for line in lines)


def _line(template: Template) -> _Line:
    pattern = re.compile(template.pattern(PATTERNS, loose=True), re.IGNORECASE)
    always = template.required
    telling = not always or any(one in PATTERNS for one in always) or any(map(str.isalnum, template.literal))
    return _Line(pattern, telling)


TELLING, PLAIN = 3, 1


class _Reading:
    """Lines laid beside the templates, both in their order, so that the score is best: each line to one template or to
    none. Of equal ones that in which a line stands earlier."""

    def __init__(self, lines: tuple[str, ...], templates: tuple[_Line, ...]) -> None:
        self._lines, self._templates = lines, templates
        self._matches = [[template.match(line) for template in templates] for line in lines]
        self._best = [[0] * (len(templates) + 1) for _ in range(len(lines) + 1)]
        for n in range(len(lines) - 1, -1, -1):
            for m in range(len(templates) - 1, -1, -1):
                self._best[n][m] = max(self._here(n, m), self._best[n + 1][m], self._best[n][m + 1])

    @property
    def score(self) -> int:
        return self._best[0][0]

    def values(self) -> tuple[dict[str, str], list[str]]:
        """What the lines say by field, and the lines that fitted nowhere."""
        values: dict[str, str] = {}
        rest: list[str] = []
        n = m = 0
        while n < len(self._lines):
            if m < len(self._templates) and self._best[n][m] == self._here(n, m) > 0:
                values |= self._matches[n][m] or {}
                n, m = n + 1, m + 1
            elif m < len(self._templates) and self._best[n][m] == self._best[n][m + 1]:
                m += 1
            else:
                rest.append(self._lines[n])
                n += 1
        return values, rest

    def _here(self, n: int, m: int) -> int:
        if self._matches[n][m] is None:
            return 0
        return (TELLING if self._templates[m].telling else PLAIN) + self._best[n + 1][m + 1]


def _citation(kind: str, values: Mapping[str, str], note: str, original: str) -> Citation:
    said = {name: values.get(name, "") for name in ITEM_FIELDS}
    part = kind != "book"
    identifiers = tuple(_identifiers(said))
    return Citation(
        type=_type(kind, identifiers),
        title=said["container"] if part else said["title"],
        author="" if part else said["author"],
        component_title=said["title"] if part else "",
        component_author=said["author"] if part else "",
        series=said["series"],
        edition=said["edition"],
        publisher=said["publisher"],
        place=said["place"],
        published=said["year"],
        volume=said["volume"],
        issue=said["issue"],
        pages=said["pages"],
        language=said["language"],
        call_number=said["call_number"],
        identifiers=identifiers,
        note=note,
        original=original,
    )


def _type(kind: str, identifiers: tuple[RecordId, ...]) -> CitationType:
    if kind == "conference":
        return CitationType.CONFERENCE_PAPER
    if kind == "book":
        return CitationType.BOOK
    return CitationType.CHAPTER if any(one.type == "isbn" for one in identifiers) else CitationType.ARTICLE


_ISSN_LENGTH = 8


def _identifiers(said: Mapping[str, str]) -> list[RecordId]:
    found = [RecordId(name, said[name]) for name in ("isbn", "issn", "doi", "pmid", "oclc") if said[name]]
    if said["number"]:
        value = re.sub(r"^IS[BS]N:?\s*", "", said["number"], flags=re.IGNORECASE)
        digits = re.sub(r"[^0-9Xx]", "", value)
        found.append(RecordId("issn" if len(digits) == _ISSN_LENGTH else "isbn", value))
    return found
