"""MARC 21 and UNIMARC to citations.

The original script of linked 880 fields goes into the extras, so that titles can be compared as they are transcribed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from adapters.marc import citation_texts
from adapters.marc.marc_records import Field, Marc, control, each, first, joined, local_number, part, values
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationExtra, CitationType

OTHERS = {
    "c": CitationType.SCORE,
    "d": CitationType.SCORE,
    "e": CitationType.MAP,
    "f": CitationType.MAP,
    "g": CitationType.VIDEO,
    "i": CitationType.AUDIO,
    "j": CitationType.AUDIO,
    "k": CitationType.OTHER,
    "m": CitationType.OTHER,
    "o": CitationType.OTHER,
    "p": CitationType.ARCHIVE,
    "r": CitationType.OTHER,
}
"""Leader position 6 of what isn't text; UNIMARC has the same but for a few."""

_MARC21_TEXT = frozenset("at ")
_PARTS = "ab"

_UNIMARC_TEXT = frozenset("ab ")


def marc21_citation(record: Marc, local: str, source: str, shelf: str = "") -> Citation:
    """`local`: where the record's own number stands (Records.local). `shelf`: call number of a copy that is shown."""
    fixed = control(record, "008")
    imprint = _imprint(record)
    level = record.leader[7:8]
    whole = _Whole(record, record.leader[6:7], level)
    volume, issue, pages = part(whole.place_in_host) if whole.is_part else ("", "", "")
    return Citation(
        type=_marc21_type(record, fixed),
        title=whole.host_title if whole.is_part else whole.title,
        subtitle="" if whole.is_part else whole.subtitle,
        component_title=whole.full_title if whole.is_part else "",
        author="" if whole.is_part else _marc21_author(record),
        component_author=_marc21_author(record) if whole.is_part else "",
        series=citation_texts.trimmed(joined(first(record, "490", "440", "830"), "av")),
        edition=citation_texts.trimmed(joined(first(record, "250"), "ab")),
        publisher=citation_texts.trimmed(joined(imprint, "b")),
        place=citation_texts.trimmed(joined(imprint, "a")),
        published=fixed[7:11] if citation_texts.year(fixed[7:11]) else citation_texts.published(joined(imprint, "c")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=fixed[35:38].strip(" |") or next(each(record, "041", "a"), ""),
        call_number=shelf or joined(first(record, "050", "090", "060", "082"), "ab"),
        identifiers=citation_texts.distinct(_marc21_identifiers(record, local)),
        source=source,
        extras=tuple(_original_script(record)),
    )


class _Whole:
    """The title, and the book or journal that it is a part of."""

    def __init__(self, record: Marc, kind: str, level: str) -> None:
        described = first(record, "245", "240", "130")
        host = first(record, "773")
        self.title = citation_texts.title(joined(described, "anp"))
        self.subtitle = citation_texts.title(joined(described, "b"))
        self.is_part = level in _PARTS and kind in _MARC21_TEXT and host is not None
        self.host_title = citation_texts.title(joined(host, "t") or joined(host, "a"))
        self.place_in_host = joined(host, "g")

    @property
    def full_title(self) -> str:
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title


def _marc21_type(record: Marc, fixed: str) -> CitationType:
    kind, level = record.leader[6:7], record.leader[7:8]
    if kind not in _MARC21_TEXT:
        return OTHERS.get(kind, CitationType.OTHER)
    if record.fields_with_tag("502") or ("m" in fixed[24:28] and level == "m"):
        return CitationType.THESIS
    match level:
        case "s":
            return CitationType.NEWSPAPER if fixed[21:22] == "n" else CitationType.JOURNAL
        case "b":
            return CitationType.ARTICLE
        case "a":
            return CitationType.ARTICLE if joined(first(record, "773"), "x") else CitationType.CHAPTER
        case "c" | "d":
            return CitationType.ARCHIVE
        case _:
            return CitationType.REPORT if "t" in fixed[24:28] else CitationType.BOOK


def _marc21_author(record: Marc) -> str:
    found = first(record, "100", "110", "111", "700", "710")
    return citation_texts.trimmed(joined(found, "abcq" if found is not None and found.tag in ("100", "700") else "abn"))


def _imprint(record: Marc) -> Field | None:
    """264 of a publication before that of a manufacturer."""
    published = [one for one in record.fields_with_tag("264") if one.indicators[1] == "1"]
    return published[0] if published else first(record, "260", "264")


def _marc21_identifiers(record: Marc, local: str) -> Iterator[RecordId]:
    for field in record.fields:
        read = _NUMBERS.get(field.tag)
        if read is not None:
            yield from read(field)
    if control(record, "003").strip() == "OCoLC":
        yield from citation_texts.oclcs(f"(OCoLC){control(record, '001')}")
    yield from local_number(record, local)


def _of_each(codes: str, made: Callable[[str], Iterable[RecordId]]) -> Callable[[Field], Iterator[RecordId]]:
    """`made` of each of these subfields."""
    return lambda field: (one for text in values(field, codes) for one in made(text))


def _serial(field: Field) -> Iterator[RecordId]:
    for text in values(field, "a"):
        yield from citation_texts.issns(text)
    for text in values(field, "l"):
        yield from citation_texts.issns(text, "issn-l")


def _other(field: Field) -> Iterator[RecordId]:
    """024: music, and what $2 names."""
    if field.indicators[0] == "2":
        yield RecordId("ismn", joined(field, "a"))
    elif joined(field, "2").casefold() == "doi":
        yield from citation_texts.dois(joined(field, "a"))


def _host(field: Field) -> Iterator[RecordId]:
    for text in values(field, "x"):
        yield from citation_texts.issns(text)
    for text in values(field, "z"):
        yield from citation_texts.isbns(text)


_NUMBERS: dict[str, Callable[[Field], Iterator[RecordId]]] = {
    "010": _of_each("a", citation_texts.lccns),
    "019": _of_each("a", citation_texts.oclcs),
    "020": _of_each("a", citation_texts.isbns),
    "022": _serial,
    "024": _other,
    "035": _of_each("a", citation_texts.oclcs),
    "773": _host,
}
"""Fields that hold numbers, and how they are read."""


def _original_script(record: Marc) -> Iterator[CitationExtra]:
    names = {"245": ("title", "anpb"), "100": ("author", "abc"), "110": ("author", "ab"), "260": ("publisher", "b")}
    names["264"] = names["260"]
    for field in record.fields_with_tag("880"):
        name, codes = names.get(joined(field, "6")[:3], ("", ""))
        if name and (text := citation_texts.title(joined(field, codes))):
            yield CitationExtra(f"{name} in original script", text)


def unimarc_citation(record: Marc, local: str, source: str, shelf: str = "") -> Citation:
    """`local`: where the record's own number stands (Records.local). `shelf`: call number of a copy that is shown."""
    described, host = first(record, "200"), first(record, "461", "463", "464")
    imprint = first(record, "214", "210")
    is_part = record.leader[7:8] == "a" and host is not None
    title = citation_texts.title(joined(described, "ahi"))
    volume, issue, pages = part(joined(host, "v")) if is_part else ("", "", "")
    coded = joined(first(record, "100"), "a") if first(record, "100") is not None else ""
    return Citation(
        type=_unimarc_type(record),
        title=citation_texts.title(joined(host, "t")) if is_part else title,
        subtitle="" if is_part else citation_texts.title(joined(described, "e")),
        component_title=title if is_part else "",
        author="" if is_part else _unimarc_author(record),
        component_author=_unimarc_author(record) if is_part else "",
        series=citation_texts.trimmed(joined(first(record, "225", "410"), "av")),
        edition=citation_texts.trimmed(joined(first(record, "205"), "a")),
        publisher=citation_texts.trimmed(joined(imprint, "c")),
        place=citation_texts.trimmed(joined(imprint, "a")),
        published=citation_texts.year(coded[9:13]) or citation_texts.published(joined(imprint, "d")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=next(each(record, "101", "a"), ""),
        call_number=shelf or joined(first(record, "676", "680"), "ab"),
        identifiers=citation_texts.distinct(_unimarc_identifiers(record, local)),
        source=source,
    )


def _unimarc_type(record: Marc) -> CitationType:
    kind, level = record.leader[6:7], record.leader[7:8]
    if kind not in _UNIMARC_TEXT:
        return OTHERS.get(kind, CitationType.OTHER)
    if record.fields_with_tag("328"):
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
        return citation_texts.trimmed(joined(first(record, "200"), "f"))
    return ", ".join(
        filter(None, (citation_texts.trimmed(joined(found, "a")), citation_texts.trimmed(joined(found, "b"))))
    )


def _unimarc_identifiers(record: Marc, local: str) -> Iterator[RecordId]:
    for text in each(record, "010", "a"):
        yield from citation_texts.isbns(text)
    for tag, codes in (("011", "a"), ("461", "x"), ("463", "x")):
        for text in each(record, tag, codes):
            yield from citation_texts.issns(text)
    for text in each(record, "011", "f"):
        yield from citation_texts.issns(text, "issn-l")
    for text in each(record, "035", "a"):
        yield from citation_texts.oclcs(text)
    for field in record.fields_with_tag("020"):
        if joined(field, "a").upper() == "US":
            yield from citation_texts.lccns(joined(field, "b"))
    if control(record, "003").startswith("http"):
        yield RecordId("uri", control(record, "003").strip())
    yield from local_number(record, local)
