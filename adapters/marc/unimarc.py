"""UNIMARC Bibliographic (IFLA) to a citation: leader, 010, 011, 020, 035, 100, 101, 110, 200, 205, 210/214, 225, 328,
461/463, 7XX."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.marc import citing
from adapters.marc.fields import Marc, control, each, first, joined, local_number, part
from adapters.marc.marc21 import OTHERS
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType

_UNIMARC_TEXT = frozenset("ab ")


def unimarc_citation(record: Marc, local: str, source: str, shelf: str = "") -> Citation:
    """`local`: where the record's own number stands (Records.local). `shelf`: call number of a copy that is shown."""
    described, host = first(record, "200"), first(record, "461", "463", "464")
    imprint = first(record, "214", "210")
    is_part = record.leader[7:8] == "a" and host is not None
    title = citing.title(joined(described, "ahi"))
    volume, issue, pages = part(joined(host, "v")) if is_part else ("", "", "")
    coded = joined(first(record, "100"), "a") if first(record, "100") is not None else ""
    return Citation(
        type=_unimarc_type(record),
        title=citing.title(joined(host, "t")) if is_part else title,
        subtitle="" if is_part else citing.title(joined(described, "e")),
        component_title=title if is_part else "",
        author="" if is_part else _unimarc_author(record),
        component_author=_unimarc_author(record) if is_part else "",
        series=citing.trimmed(joined(first(record, "225", "410"), "av")),
        edition=citing.trimmed(joined(first(record, "205"), "a")),
        publisher=citing.trimmed(joined(imprint, "c")),
        place=citing.trimmed(joined(imprint, "a")),
        published=citing.year(coded[9:13]) or citing.published(joined(imprint, "d")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=next(each(record, "101", "a"), ""),
        call_number=shelf or joined(first(record, "676", "680"), "ab"),
        identifiers=citing.distinct(_unimarc_identifiers(record, local)),
        source=source,
    )


def _unimarc_type(record: Marc) -> CitationType:
    kind, level = record.leader[6:7], record.leader[7:8]
    if kind not in _UNIMARC_TEXT:
        return OTHERS.get(kind, CitationType.OTHER)
    if record.all("328"):
        return CitationType.THESIS
    match level:
        case "s":
            newspaper = joined(first(record, "110"), "a")[:1] == "c"
            return CitationType.NEWSPAPER if newspaper else CitationType.JOURNAL
        case "a":
            return CitationType.ARTICLE if joined(first(record, "461", "463"), "x") else CitationType.CHAPTER
        case "c":
            return CitationType.ARCHIVE
        case _:
            return CitationType.BOOK


def _unimarc_author(record: Marc) -> str:
    """700 has surname in $a and forename in $b; without any, as 200 $f says it."""
    found = first(record, "700", "710", "701", "711")
    if found is None:
        return citing.trimmed(joined(first(record, "200"), "f"))
    return ", ".join(filter(None, (citing.trimmed(joined(found, "a")), citing.trimmed(joined(found, "b")))))


def _unimarc_identifiers(record: Marc, local: str) -> Iterator[RecordId]:
    for text in each(record, "010", "a"):
        yield from citing.isbns(text)
    for tag, codes in (("011", "a"), ("461", "x"), ("463", "x")):
        for text in each(record, tag, codes):
            yield from citing.issns(text)
    for text in each(record, "011", "f"):
        yield from citing.issns(text, "issn-l")
    for text in each(record, "035", "a"):
        yield from citing.oclcs(text)
    for field in record.all("020"):
        if joined(field, "a").upper() == "US":
            yield from citing.lccns(joined(field, "b"))
    if control(record, "003").startswith("http"):
        yield RecordId("uri", control(record, "003").strip())
    yield from local_number(record, local)
