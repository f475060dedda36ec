"""Words for look-up: what a reader types and what stands in a record, made alike. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from stdnum import isbn, issn

_MOST = 24
"""Most words of a query that are looked up (each is a join)."""

_CJK = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


def words(text: str) -> frozenset[str]:
    """Folded words; Chinese and Japanese, which have no blanks, as characters and pairs of neighbours."""
    found: set[str] = set()
    for run in _runs(_fold(text)):
        if not _is_cjk(run[0]):
            found.add(run)
            continue
        found.update(run)
        found.update(_pairs(run))
    return frozenset(found)


def query_words(text: str) -> tuple[str, ...]:
    """As `words`, without what pairs make superfluous; longest first, bounded."""
    found: set[str] = set()
    for run in _runs(_fold(text)):
        found.update(_pairs(run) if _is_cjk(run[0]) and len(run) > 1 else (run,))
    return tuple(sorted(found, key=lambda word: (-len(word), word))[:_MOST])


def lookup_value(type_: str, value: str) -> str:
    """A record identifier as it is compared: ISBN as 13 digits, ISSN and OCLC without decoration."""
    value = value.strip()
    if type_ == "isbn" and value:
        number = value.partition("(")[0].replace(" ", "").replace("-", "").upper()
        return isbn.to_isbn13(number) if isbn.is_valid(number) else value.split()[0].replace("-", "").upper()
    if type_ == "issn" and value:
        number = value.split()[0]
        return issn.compact(number) if issn.is_valid(number) else number.replace("-", "").upper()
    if type_ == "oclc":
        return value.removeprefix("(OCoLC)").strip().lower().lstrip("ocmn").lstrip("0")
    if type_ == "lccn":
        return value.replace(" ", "")
    return value


def _pairs(run: str) -> Iterator[str]:
    return (run[n : n + 2] for n in range(len(run) - 1))


def _fold(text: str) -> str:
    """Without case, compatibility forms, accents and vowel points (Indic vowel signs, which are letters, stay)."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in decomposed if unicodedata.combining(c) <= 9)
    return unicodedata.normalize("NFC", kept)


def _runs(text: str) -> Iterator[str]:
    """Stretches of letters, marks and digits, split where CJK begins or ends."""
    run = ""
    for character in text:
        if unicodedata.category(character)[0] not in "LMN":
            if run:
                yield run
            run = ""
        elif run and _is_cjk(character) != _is_cjk(run[-1]):
            yield run
            run = character
        else:
            run += character
    if run:
        yield run


def _is_cjk(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _CJK)
