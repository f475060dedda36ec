"""What a letter says line by line: label and value. Pure; empty values are left out."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.requests.citation import Citation, Extra
from gateway.domain.requests.request import Request, Role
from gateway.services.letters.texts import clean
from gateway.services.letters.words import Words

Row = tuple[str, str]
Rows = tuple[Row, ...]


def rows(words: Words, *pairs: tuple[str, str]) -> Rows:
    """`pairs`: the name of the label, the value."""
    return tuple((words.label(name), clean(value)) for name, value in pairs if clean(value))


def citation_rows(citation: Citation, words: Words) -> Rows:
    """All of it but `original`, which may name the patron."""
    has_part = bool(citation.component_title or citation.component_author)
    kind = words.types.get(citation.type.value, citation.type.value)
    title = ": ".join(part for part in (citation.title, citation.subtitle) if part)
    part = citation.type.value if f"title-of-{citation.type.value}" in words.labels else "part"
    return (
        *rows(
            words,
            ("type", kind),
            (f"title-of-{part}", citation.component_title),
            ("author", citation.component_author),
            ("in" if has_part else "title", title),
            ("author-of-whole" if has_part else "author", citation.author),
            ("series", citation.series),
            ("edition", citation.edition),
            ("volume", citation.volume),
            ("issue", citation.issue),
            ("pages", citation.pages),
            ("published", citation.published),
            ("place", citation.place),
            ("publisher", citation.publisher),
            ("language", citation.language),
            *((one.type, one.value) for one in citation.identifiers),
            ("call-number", citation.call_number),
            ("source", citation.source),
            ("note", citation.note),
        ),
        *extra_rows(citation.extras),
    )


def extra_rows(extras: Iterable[Extra]) -> Rows:
    """Fields that nobody has a word for, under their own names."""
    return tuple((clean(one.name), clean(one.value)) for one in extras if clean(one.value))


def service_rows(request: Request, words: Words) -> Rows:
    service, dates = request.service, request.dates
    maximum = request.costs.maximum
    return rows(
        words,
        ("service", words.services.get(service.type.value, service.type.value)),
        ("format", words.services.get(service.format, service.format)),
        ("level", words.services.get(service.level, service.level)),
        ("need-by", words.day(dates.need_by) if dates.need_by else ""),
        ("start", words.day(dates.start) if dates.start else ""),
        ("end", words.day(dates.end) if dates.end else ""),
        ("maximum-cost", words.sum(maximum) if maximum else ""),
    )


def references(request: Request, transaction: str, attempt: int = 0) -> tuple[str, str]:
    """Our number of the request and the partner's, as the partner knows them."""
    if request.role is Role.LENDING:
        return request.number, transaction
    found = request.attempt_number(attempt) if attempt else request.attempt
    return transaction, found.theirs if found else ""
