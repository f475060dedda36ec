"""Standard numbers as links write them -> RecordId in one spelling: by python-stdnum where it knows them.

isbn: thirteen digits; issn: 0317-8471; ismn: as stdnum formats it; doi: 10.…; pmid, oclc: digits; lccn: normalised.
A number whose check digit is wrong is kept as it stands, and reported: wrong ones are printed in books.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from stdnum import isbn, ismn, issn

from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId
from gateway.domain.requests.identifiers import normal


@frozen
class Found:
    """`ids` may be empty: then `wrong` says why. Something can be wrong with a number that is kept."""

    ids: tuple[RecordId, ...] = ()
    wrong: str = ""


_NUMBER = re.compile(r"(?<![\dA-Za-z])(?:\d[\d\u2010-\u2014 -]{6,20}[\dXx]|M[\d -]{8,13}\d)(?![\dA-Za-z])")
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def standard_numbers(text: str) -> Found:
    """ISBNs, ISSNs and ISMNs in a text, whatever stands around them: `ISBN 0-14-020652-3 (pbk.)`, `9780140206523`."""
    found, wrong = [], []
    for match in _NUMBER.finditer(text):
        for number in _apart(match[0]):
            id_, is_valid = _standard(number)
            if id_ is not None and id_ not in found:
                found.append(id_)
                if not is_valid:
                    wrong.append(f"{id_.value} has a wrong check digit")
    return Found(tuple(found), "; ".join(wrong) if found else "has no number in it")


def _apart(text: str) -> Iterator[str]:
    """Several numbers may be separated by blanks alone, and one may have blanks for hyphens."""
    if _standard(text)[0] is not None:
        yield text
        return
    yield from text.split()


def _standard(text: str) -> tuple[RecordId | None, bool]:
    digits = re.sub(r"[^0-9XM]", "", text.upper())
    match len(digits):
        case 8 if "M" not in digits:
            return RecordId("issn", issn.format(digits)), issn.is_valid(digits)
        case 9 if digits.isdigit() and isbn.is_valid(f"0{digits}"):  # an SBN of before 1970
            return RecordId("isbn", isbn.to_isbn13(f"0{digits}")), True
        case 10 | 13 if ismn.is_valid(digits):
            return RecordId("ismn", ismn.to_ismn13(digits)), True
        case 10 if re.fullmatch(r"\d{9}[\dX]", digits):
            valid = isbn.is_valid(digits)
            return RecordId("isbn", isbn.to_isbn13(digits) if valid else digits), valid
        case 13 if digits.isdigit():
            return RecordId("isbn", digits), isbn.is_valid(digits)
    return None, False


def typed(type_: str, text: str) -> Found:
    """A number of which the link says what it is."""
    text = text.strip()
    match type_:
        case "isbn" | "issn" | "eissn" | "ismn":
            return standard_numbers(text)
        case "doi":
            found = _DOI.search(text)
            doi = found[0].rstrip(".,;") if found is not None else ""
            return _of("doi", doi, "is no DOI")
        case "pmid" | "oclc":
            number = normal("oclc", text).removeprefix("oclc:")
            return _of(type_, number, "has no number in it")
        case "lccn":
            return _of("lccn", normal("lccn", text).removeprefix("lccn:"), "is empty")
    return _of(type_, text, "is empty")


def _of(type_: str, value: str, wrong: str) -> Found:
    return Found((RecordId(type_, value),)) if value else Found(wrong=wrong)


_SCHEMES = {
    "doi": "doi",
    "pmid": "pmid",
    "oclcnum": "oclc",
    "oclc": "oclc",
    "lccn": "lccn",
    "isbn": "isbn",
    "issn": "issn",
    "eissn": "eissn",
    "ismn": "ismn",
    "hdl": "hdl",
    "bibcode": "bibcode",
    "sici": "sici",
    "arxiv": "arxiv",
    "eric": "eric",
    "oai": "oai",
    "nbn": "nbn",
    "pmcid": "pmcid",
    "pmc": "pmcid",
}
_INFO = re.compile(
    r"(?:info:(?P<namespace>[a-z0-9.+-]+)/|urn:(?P<urn>[a-z0-9-]+):|(?P<plain>[a-z]+):)(?P<value>.+)", re.I
)
_HOSTS = (
    (re.compile(r"(?:dx\.)?doi\.org"), re.compile(r"/(.+)"), "doi"),
    (re.compile(r"(?:www\.)?worldcat\.org|[a-z0-9-]+\.worldcat\.org"), re.compile(r"/(?:[a-z]+/)*oclc/(\d+)"), "oclc"),
    (re.compile(r"pubmed\.ncbi\.nlm\.nih\.gov"), re.compile(r"/(\d+)/?"), "pmid"),
    (re.compile(r"(?:www\.)?ncbi\.nlm\.nih\.gov"), re.compile(r"/pubmed/(\d+)/?"), "pmid"),
    (re.compile(r"lccn\.loc\.gov"), re.compile(r"/(.+)"), "lccn"),
    (re.compile(r"hdl\.handle\.net"), re.compile(r"/(.+)"), "hdl"),
)


def of_uri(text: str) -> Found:
    """`rft_id`, `id`, `identifier`: `info:doi/10.…`, `urn:ISBN:…`, `doi:10.…`, `https://doi.org/10.…`, other URLs, a
    bare DOI, ISBN or ISSN."""
    text = text.strip()
    if re.match(r"https?://", text, re.IGNORECASE):
        return _of_url(text)
    if _DOI.match(text):
        return typed("doi", text)
    match = _INFO.fullmatch(text)
    if match is not None:
        type_ = _SCHEMES.get((match["namespace"] or match["urn"] or match["plain"]).lower())
        if type_ is not None:
            return typed(type_, match["value"])
    bare = standard_numbers(text) if re.fullmatch(r"[\dXx -]+", text) else Found()
    if bare.ids and not bare.wrong:
        return bare
    return Found(wrong="is no identifier that is known")


def _of_url(text: str) -> Found:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return Found(wrong="is no URL")
    for hosts, paths, type_ in _HOSTS:
        found = paths.fullmatch(unquote(parts.path)) if hosts.fullmatch(host) else None
        if found is not None:
            return typed(type_, found[1])
    return Found((RecordId("url", text),)) if host else Found(wrong="is no URL")
