"""Dublin Core (simple, in any of the containers that servers put it in) to a citation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from adapters.marc import citing
from adapters.marc.markup import name, namespace, text
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType

NAMESPACES = ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/")

_ISBN = re.compile(r"isbn", re.IGNORECASE)
_ISSN = re.compile(r"issn", re.IGNORECASE)
_OCLC = re.compile(r"(?:oclc(?:num)?[:/ ]*|\(OCoLC\))(\d+)", re.IGNORECASE)
_DC_TYPES = (
    ("article", CitationType.ARTICLE),
    ("thesis", CitationType.THESIS),
    ("dissertation", CitationType.THESIS),
    ("newspaper", CitationType.NEWSPAPER),
    ("journal", CitationType.JOURNAL),
    ("periodical", CitationType.JOURNAL),
    ("map", CitationType.MAP),
    ("cartographic", CitationType.MAP),
    ("score", CitationType.SCORE),
    ("notated", CitationType.SCORE),
    ("sound", CitationType.AUDIO),
    ("moving", CitationType.VIDEO),
    ("video", CitationType.VIDEO),
    ("book", CitationType.BOOK),
    ("text", CitationType.BOOK),
)
"""Words in dc:type, the telling ones first."""


def dc_citation(record: etree._Element, source: str) -> Citation:
    said: dict[str, list[str]] = {}
    for one in record.iter():
        if namespace(one) in NAMESPACES and (value := text(one)):
            said.setdefault(name(one), []).append(value)
    titles = [citing.title(one) for one in said.get("title", ())]
    creators = said.get("creator") or said.get("contributor") or [""]
    return Citation(
        type=_dc_type(said.get("type", [])),
        title=titles[0] if titles else "",
        author=citing.trimmed(creators[0]),
        publisher=citing.trimmed(_first(said, "publisher")),
        published=citing.published(_first(said, "date") or _first(said, "issued")),
        language=_first(said, "language"),
        identifiers=citing.distinct(one for value in said.get("identifier", ()) for one in _identifier(value)),
        source=source,
    )


def _first(said: dict[str, list[str]], key: str) -> str:
    return next(iter(said.get(key, ())), "")


def _identifier(value: str) -> Iterator[RecordId]:
    """By the word in it, such as urn:ISBN:; a bare number by its form."""
    oclc = _OCLC.search(value)
    if _ISBN.search(value) or re.fullmatch(r"97[89][\d-]{10,14}|[\d-]{9,12}[\dXx]", value):
        yield from citing.isbns(value)
    elif _ISSN.search(value) or re.fullmatch(r"\d{4}-\d{3}[\dXx]", value):
        yield from citing.issns(value)
    elif oclc is not None:
        yield RecordId("oclc", oclc[1])
    elif (found := tuple(citing.dois(value))) and "://" not in value.replace("doi.org", ""):
        yield from found
    elif "doi.org" in value:
        yield from citing.dois(value)


def _dc_type(words: list[str]) -> CitationType:
    said = " ".join(words).casefold()
    return next((type_ for word, type_ in _DC_TYPES if word in said), CitationType.OTHER)
