"""MARC 21 and UNIMARC to citations.

The original script of linked 880 fields goes into the extras, so that titles can be compared as they are transcribed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from adapters.marc import citation_texts
from adapters.marc.marc_records import (
    MarcField,
    MarcRecord,
    control_text,
    first_field,
    iter_subfields,
    join_subfields,
    parse_part_statement,
    read_local_number,
    subfield_values,
)
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


def marc21_citation(record: MarcRecord, local: str, source: str, shelf: str = "") -> Citation:
    """`local`: where the record's own number stands (Records.local). `shelf`: call number of a copy that is shown."""
    fixed = control_text(record, "008")
    imprint = _find_imprint(record)
    level = record.leader[7:8]
    whole = _TitleAndHost(record, record.leader[6:7], level)
    volume, issue, pages = parse_part_statement(whole.place_in_host) if whole.is_part else ("", "", "")
    return Citation(
        type=_marc21_type(record, fixed),
        title=whole.host_title if whole.is_part else whole.title,
        subtitle="" if whole.is_part else whole.subtitle,
        component_title=whole.full_title if whole.is_part else "",
        author="" if whole.is_part else _marc21_author(record),
        component_author=_marc21_author(record) if whole.is_part else "",
        series=citation_texts.trim_punctuation(join_subfields(first_field(record, "490", "440", "830"), "av")),
        edition=citation_texts.trim_punctuation(join_subfields(first_field(record, "250"), "ab")),
        publisher=citation_texts.trim_punctuation(join_subfields(imprint, "b")),
        place=citation_texts.trim_punctuation(join_subfields(imprint, "a")),
        published=fixed[7:11]
        if citation_texts.find_year(fixed[7:11])
        else citation_texts.publication_date(join_subfields(imprint, "c")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=fixed[35:38].strip(" |") or next(iter_subfields(record, "041", "a"), ""),
        call_number=shelf or join_subfields(first_field(record, "050", "090", "060", "082"), "ab"),
        identifiers=citation_texts.distinct_identifiers(_marc21_identifiers(record, local)),
        source=source,
        extras=tuple(_read_original_script(record)),
    )


class _TitleAndHost:
    """The title, and the book or journal that it is a part of."""

    def __init__(self, record: MarcRecord, kind: str, level: str) -> None:
        described = first_field(record, "245", "240", "130")
        host = first_field(record, "773")
        self.title = citation_texts.clean_title(join_subfields(described, "anp"))
        self.subtitle = citation_texts.clean_title(join_subfields(described, "b"))
        self.is_part = level in _PARTS and kind in _MARC21_TEXT and host is not None
        self.host_title = citation_texts.clean_title(join_subfields(host, "t") or join_subfields(host, "a"))
        self.place_in_host = join_subfields(host, "g")

    @property
    def full_title(self) -> str:
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title


def _marc21_type(record: MarcRecord, fixed: str) -> CitationType:
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
            return CitationType.ARTICLE if join_subfields(first_field(record, "773"), "x") else CitationType.CHAPTER
        case "c" | "d":
            return CitationType.ARCHIVE
        case _:
            return CitationType.REPORT if "t" in fixed[24:28] else CitationType.BOOK


def _marc21_author(record: MarcRecord) -> str:
    field = first_field(record, "100", "110", "111", "700", "710")
    return citation_texts.trim_punctuation(
        join_subfields(field, "abcq" if field is not None and field.tag in ("100", "700") else "abn")
    )


def _find_imprint(record: MarcRecord) -> MarcField | None:
    """264 of a publication before that of a manufacturer."""
    published = [field for field in record.fields_with_tag("264") if field.indicators[1] == "1"]
    return published[0] if published else first_field(record, "260", "264")


def _marc21_identifiers(record: MarcRecord, local: str) -> Iterator[RecordId]:
    for field in record.fields:
        read = _NUMBERS.get(field.tag)
        if read is not None:
            yield from read(field)
    if control_text(record, "003").strip() == "OCoLC":
        yield from citation_texts.find_oclc_numbers(f"(OCoLC){control_text(record, '001')}")
    yield from read_local_number(record, local)


def _subfield_reader(
    codes: str, made: Callable[[str], Iterable[RecordId]]
) -> Callable[[MarcField], Iterator[RecordId]]:
    """`made` of each of these subfields."""
    return lambda field: (record_id for text in subfield_values(field, codes) for record_id in made(text))


def _read_serial_numbers(field: MarcField) -> Iterator[RecordId]:
    for text in subfield_values(field, "a"):
        yield from citation_texts.find_issns(text)
    for text in subfield_values(field, "l"):
        yield from citation_texts.find_issns(text, "issn-l")


def _read_other_number(field: MarcField) -> Iterator[RecordId]:
    """024: music, and what $2 names."""
    if field.indicators[0] == "2":
        yield RecordId("ismn", join_subfields(field, "a"))
    elif join_subfields(field, "2").casefold() == "doi":
        yield from citation_texts.find_dois(join_subfields(field, "a"))


def _read_host_numbers(field: MarcField) -> Iterator[RecordId]:
    for text in subfield_values(field, "x"):
        yield from citation_texts.find_issns(text)
    for text in subfield_values(field, "z"):
        yield from citation_texts.find_isbns(text)


_NUMBERS: dict[str, Callable[[MarcField], Iterator[RecordId]]] = {
    "010": _subfield_reader("a", citation_texts.find_lccns),
    "019": _subfield_reader("a", citation_texts.find_oclc_numbers),
    "020": _subfield_reader("a", citation_texts.find_isbns),
    "022": _read_serial_numbers,
    "024": _read_other_number,
    "035": _subfield_reader("a", citation_texts.find_oclc_numbers),
    "773": _read_host_numbers,
}
"""Fields that hold numbers, and how they are read."""


def _read_original_script(record: MarcRecord) -> Iterator[CitationExtra]:
    names = {"245": ("title", "anpb"), "100": ("author", "abc"), "110": ("author", "ab"), "260": ("publisher", "b")}
    names["264"] = names["260"]
    for field in record.fields_with_tag("880"):
        name, codes = names.get(join_subfields(field, "6")[:3], ("", ""))
        if name and (text := citation_texts.clean_title(join_subfields(field, codes))):
            yield CitationExtra(f"{name} in original script", text)


def unimarc_citation(record: MarcRecord, local: str, source: str, shelf: str = "") -> Citation:
    """`local`: where the record's own number stands (Records.local). `shelf`: call number of a copy that is shown."""
    described, host = first_field(record, "200"), first_field(record, "461", "463", "464")
    imprint = first_field(record, "214", "210")
    is_part = record.leader[7:8] == "a" and host is not None
    title = citation_texts.clean_title(join_subfields(described, "ahi"))
    volume, issue, pages = parse_part_statement(join_subfields(host, "v")) if is_part else ("", "", "")
    coded = join_subfields(first_field(record, "100"), "a") if first_field(record, "100") is not None else ""
    return Citation(
        type=_unimarc_type(record),
        title=citation_texts.clean_title(join_subfields(host, "t")) if is_part else title,
        subtitle="" if is_part else citation_texts.clean_title(join_subfields(described, "e")),
        component_title=title if is_part else "",
        author="" if is_part else _unimarc_author(record),
        component_author=_unimarc_author(record) if is_part else "",
        series=citation_texts.trim_punctuation(join_subfields(first_field(record, "225", "410"), "av")),
        edition=citation_texts.trim_punctuation(join_subfields(first_field(record, "205"), "a")),
        publisher=citation_texts.trim_punctuation(join_subfields(imprint, "c")),
        place=citation_texts.trim_punctuation(join_subfields(imprint, "a")),
        published=citation_texts.find_year(coded[9:13])
        or citation_texts.publication_date(join_subfields(imprint, "d")),
        volume=volume,
        issue=issue,
        pages=pages,
        language=next(iter_subfields(record, "101", "a"), ""),
        call_number=shelf or join_subfields(first_field(record, "676", "680"), "ab"),
        identifiers=citation_texts.distinct_identifiers(_unimarc_identifiers(record, local)),
        source=source,
    )


def _unimarc_type(record: MarcRecord) -> CitationType:
    kind, level = record.leader[6:7], record.leader[7:8]
    if kind not in _UNIMARC_TEXT:
        return OTHERS.get(kind, CitationType.OTHER)
    if record.fields_with_tag("328"):
        return CitationType.THESIS
    match level:
        case "s":
            newspaper = join_subfields(first_field(record, "110"), "a")[:1] == "c"
            return CitationType.NEWSPAPER if newspaper else CitationType.JOURNAL
        case "a":
            return (
                CitationType.ARTICLE if join_subfields(first_field(record, "461", "463"), "x") else CitationType.CHAPTER
            )
        case "c":
            return CitationType.ARCHIVE
        case _:
            return CitationType.BOOK


def _unimarc_author(record: MarcRecord) -> str:
    """700 has surname in $a and forename in $b; without any, as 200 $f says it."""
    field = first_field(record, "700", "710", "701", "711")
    if field is None:
        return citation_texts.trim_punctuation(join_subfields(first_field(record, "200"), "f"))
    return ", ".join(
        filter(
            None,
            (
                citation_texts.trim_punctuation(join_subfields(field, "a")),
                citation_texts.trim_punctuation(join_subfields(field, "b")),
            ),
        )
    )


def _unimarc_identifiers(record: MarcRecord, local: str) -> Iterator[RecordId]:
    for text in iter_subfields(record, "010", "a"):
        yield from citation_texts.find_isbns(text)
    for tag, codes in (("011", "a"), ("461", "x"), ("463", "x")):
        for text in iter_subfields(record, tag, codes):
            yield from citation_texts.find_issns(text)
    for text in iter_subfields(record, "011", "f"):
        yield from citation_texts.find_issns(text, "issn-l")
    for text in iter_subfields(record, "035", "a"):
        yield from citation_texts.find_oclc_numbers(text)
    for field in record.fields_with_tag("020"):
        if join_subfields(field, "a").upper() == "US":
            yield from citation_texts.find_lccns(join_subfields(field, "b"))
    if control_text(record, "003").startswith("http"):
        yield RecordId("uri", control_text(record, "003").strip())
    yield from read_local_number(record, local)
