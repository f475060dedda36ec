"""SUTRS, text for people: lines such as `Title: …` are understood, all of it stands in the note."""

from __future__ import annotations

import re

from adapters.marc import citing
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType

_LINE = re.compile(r"^\s*([A-Za-z][A-Za-z ./-]{1,24}?)\s*[:=]\s+(\S.*)$")
_LABELS = {
    "title": ("title", "main title", "ti", "titel", "titre"),
    "author": ("author", "main author", "personal name", "creator", "au", "autor", "auteur"),
    "edition": ("edition", "ed"),
    "publisher": ("publisher", "pub", "published", "imprint", "verlag"),
    "place": ("place", "place of publication"),
    "published": ("date", "year", "publication date", "jahr"),
    "series": ("series",),
    "language": ("language",),
    "call_number": ("call number", "call no.", "call no", "shelfmark"),
    "isbn": ("isbn",),
    "issn": ("issn",),
    "lccn": ("lccn",),
    "oclc": ("oclc", "oclc number"),
    "local": ("record number", "control number", "local number"),
}
_KNOWN = {label: field for field, labels in _LABELS.items() for label in labels}


def sutrs_citation(text: str, source: str) -> Citation:
    said: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            last = said.setdefault(_KNOWN.get(match[1].casefold(), ""), [])
            last.append(match[2].strip())
        elif last and line[:1].isspace() and line.strip():  # a long value goes on in the next line
            last[-1] += f" {line.strip()}"
    first = {field: citing.plain(values[0]) for field, values in said.items()}
    identifiers = [
        *(one for value in said.get("isbn", ()) for one in citing.isbns(value)),
        *(one for value in said.get("issn", ()) for one in citing.issns(value)),
        *(one for value in said.get("lccn", ()) for one in citing.lccns(value)),
        *(one for value in said.get("oclc", ()) for one in citing.oclcs(f"(OCoLC){value}")),
        *(RecordId("local", value) for value in said.get("local", ())),
    ]
    return Citation(
        type=CitationType.JOURNAL if "issn" in said else CitationType.BOOK if "title" in said else CitationType.OTHER,
        title=citing.title(first.get("title", "")),
        author=citing.trimmed(first.get("author", "")),
        edition=citing.trimmed(first.get("edition", "")),
        publisher=citing.trimmed(first.get("publisher", "")),
        place=citing.trimmed(first.get("place", "")),
        published=citing.published(first.get("published", "") or first.get("publisher", "")),
        series=citing.trimmed(first.get("series", "")),
        language=first.get("language", ""),
        call_number=first.get("call_number", ""),
        identifiers=citing.distinct(identifiers),
        source=source,
        note=text.strip(),
    )
