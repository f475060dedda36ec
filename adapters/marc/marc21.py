"""MARC 21 Bibliographic to a citation: leader, 008, 010 to 035, 050, 100 to 111, 245, 250, 260/264, 490, 502, 773.

The original script of linked 880 fields goes into the extras, so that titles can be compared as they are transcribed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from adapters.marc import citing
from adapters.marc.fields import Field, Marc, control, each, first, joined, local_number, part, values
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType, Extra

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
        series=citing.trimmed(joined(first(record, "490", "440", "830"), "av")),
        edition=citing.trimmed(joined(first(record, "250"), "ab")),
        publisher=citing.trimmed(joined(imprint, "b")),
        place=citing.trimmed(joined(imprint, "a")),
        published=fixed[7:11] if citing.year(fixed[7:11]) else citing.published(joined(imprint, "c")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=fixed[35:38].strip(" |") or next(each(record, "041", "a"), ""),
        call_number=shelf or joined(first(record, "050", "090", "060", "082"), "ab"),
        identifiers=citing.distinct(_marc21_identifiers(record, local)),
        source=source,
        extras=tuple(_original_script(record)),
    )


class _Whole:
    """The title, and the book or journal that it is a part of."""

    def __init__(self, record: Marc, kind: str, level: str) -> None:
        described = first(record, "245", "240", "130")
        host = first(record, "773")
        self.title = citing.title(joined(described, "anp"))
        self.subtitle = citing.title(joined(described, "b"))
        self.is_part = level in _PARTS and kind in _MARC21_TEXT and host is not None
        self.host_title = citing.title(joined(host, "t") or joined(host, "a"))
        self.place_in_host = joined(host, "g")

    @property
    def full_title(self) -> str:
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title


def _marc21_type(record: Marc, fixed: str) -> CitationType:
    kind, level = record.leader[6:7], record.leader[7:8]
    if kind not in _MARC21_TEXT:
        return OTHERS.get(kind, CitationType.OTHER)
    if record.all("502") or ("m" in fixed[24:28] and level == "m"):
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
    return citing.trimmed(joined(found, "abcq" if found is not None and found.tag in ("100", "700") else "abn"))


def _imprint(record: Marc) -> Field | None:
    """264 of a publication before that of a manufacturer."""
    published = [one for one in record.all("264") if one.indicators[1] == "1"]
    return published[0] if published else first(record, "260", "264")


def _marc21_identifiers(record: Marc, local: str) -> Iterator[RecordId]:
    for field in record.fields:
        read = _NUMBERS.get(field.tag)
        if read is not None:
            yield from read(field)
    if control(record, "003").strip() == "OCoLC":
        yield from citing.oclcs(f"(OCoLC){control(record, '001')}")
    yield from local_number(record, local)


def _of_each(codes: str, made: Callable[[str], Iterable[RecordId]]) -> Callable[[Field], Iterator[RecordId]]:
    """`made` of each of these subfields."""
    return lambda field: (one for text in values(field, codes) for one in made(text))


def _serial(field: Field) -> Iterator[RecordId]:
    for text in values(field, "a"):
        yield from citing.issns(text)
    for text in values(field, "l"):
        yield from citing.issns(text, "issn-l")


def _other(field: Field) -> Iterator[RecordId]:
    """024: music, and what $2 names."""
    if field.indicators[0] == "2":
        yield RecordId("ismn", joined(field, "a"))
    elif joined(field, "2").casefold() == "doi":
        yield from citing.dois(joined(field, "a"))


def _host(field: Field) -> Iterator[RecordId]:
    for text in values(field, "x"):
        yield from citing.issns(text)
    for text in values(field, "z"):
        yield from citing.isbns(text)


_NUMBERS: dict[str, Callable[[Field], Iterator[RecordId]]] = {
    "010": _of_each("a", citing.lccns),
    "019": _of_each("a", citing.oclcs),
    "020": _of_each("a", citing.isbns),
    "022": _serial,
    "024": _other,
    "035": _of_each("a", citing.oclcs),
    "773": _host,
}
"""Fields that hold numbers, and how they are read."""


def _original_script(record: Marc) -> Iterator[Extra]:
    names = {"245": ("title", "anpb"), "100": ("author", "abc"), "110": ("author", "ab"), "260": ("publisher", "b")}
    names["264"] = names["260"]
    for field in record.all("880"):
        name, codes = names.get(joined(field, "6")[:3], ("", ""))
        if name and (text := citing.title(joined(field, codes))):
            yield Extra(f"{name} in original script", text)
