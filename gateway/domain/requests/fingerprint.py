"""One short text for what is asked for, so that two requests for the same thing are recognised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from hashlib import blake2b

from stdnum import isbn, issn

from gateway.domain.requests.citation import Citation

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_OCLC = re.compile(r"(?:\(ocolc\))?\s*(?:oc[mn]|on)?\s*0*([1-9]\d*)\s*", re.IGNORECASE)
_PMID = re.compile(r"(?:pmid:?)?\s*0*([1-9]\d*)\s*", re.IGNORECASE)
_ASCII_WORDS = re.compile(r"[a-z0-9]+")
_DIGITS = re.compile(r"\d+")


def fingerprint(citation: Citation) -> str:
    """Equal for citations that mean the same: identifiers first (a DOI names a part; ISBN, ISSN and OCLC numbers name
    the whole, so that volume, issue and pages are added), else folded title, author, volume, issue and pages.

    Empty when the citation says too little to compare. Never longer than 160 characters.
    """
    for type_ in ("doi", "pmid"):
        if key := _identifier(citation, type_):
            return key
    part = _part(citation)
    for type_ in ("isbn", "issn", "oclc"):
        if key := _identifier(citation, type_):
            return f"{key} {_digest(*part)}" if any(part) else key
    title = fold_for_search(citation.title) or fold_for_search(citation.component_title)
    if not title:
        return ""
    return f"text {_digest(title, _names(citation.author), *part)}"


def fold_for_search(text: str) -> str:
    """For comparing and searching: without case, accents and punctuation, one blank between words. Letters of every
    script stay; marks go where they are accents on Latin, Greek or Cyrillic letters."""
    if text.isascii():
        return " ".join(_ASCII_WORDS.findall(text.lower()))
    plain = _unaccented(unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(one if one.isalnum() or _is_mark(one) else " " for one in plain).split())


def _unaccented(text: str) -> str:
    """Vowel signs of Hebrew, Arabic and Indic scripts and the voicing marks of kana are part of the word; they stay."""
    found: list[str] = []
    accented = False
    for one in unicodedata.normalize("NFD", text):
        if not _is_mark(one):
            accented = unicodedata.name(one, "").startswith(("LATIN", "GREEK", "CYRILLIC"))
            found.append(one)
        elif not accented:
            found.append(one)
    return unicodedata.normalize("NFC", "".join(found))


def _is_mark(one: str) -> bool:
    return unicodedata.category(one).startswith("M")


def _part(citation: Citation) -> tuple[str, ...]:
    component = fold_for_search(citation.component_title)
    pages = _DIGITS.findall(citation.pages)
    return (
        component,
        fold_for_search(citation.volume),
        fold_for_search(citation.issue),
        "-".join(pages) or fold_for_search(citation.pages),
    )


def _names(author: str) -> str:
    """'Borges, Jorge Luis' and 'Jorge Luis Borges' are one."""
    return " ".join(sorted(fold_for_search(author).split()))


def _digest(*parts: str) -> str:
    return blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _identifier(citation: Citation, type_: str) -> str:
    """The first that is well formed, with its type; a number that is none is passed over."""
    for one in citation.identifiers:
        if one.type == type_ and (value := _NORMAL[type_](one.value.strip())):
            return f"{type_} {value}"
    return ""


def _doi(value: str) -> str:
    found = _DOI.search(value)
    if found is None:
        return ""
    doi = found.group().rstrip(".,;").lower()
    return doi if len(doi) <= 150 else _digest(doi)


def _isbn(value: str) -> str:
    return str(isbn.to_isbn13(isbn.compact(value))) if isbn.is_valid(value) else ""


def _issn(value: str) -> str:
    return str(issn.compact(value)) if issn.is_valid(value) else ""


def _number(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def normal(value: str) -> str:
        found = pattern.fullmatch(value)
        return found.group(1)[:20] if found else ""

    return normal


_NORMAL: dict[str, Callable[[str], str]] = {
    "doi": _doi,
    "pmid": _number(_PMID),
    "isbn": _isbn,
    "issn": _issn,
    "oclc": _number(_OCLC),
}
