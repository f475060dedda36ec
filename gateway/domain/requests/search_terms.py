"""The one rule of the search box: by which numbers and words a request is found, and what somebody who types one means.

Staff type or scan whatever number they hold in hand: ours, the partner's, one of another system, a barcode, a patron's
card, an ISBN. Such a number is looked for as a whole; what is none is looked for as beginnings of words of title and
author.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import BIBLIOGRAPHIC_NUMBERS, comparison_key, normalize_number
from gateway.domain.requests.request import Request
from gateway.domain.text_folding import fold_text
from gateway.domain.value import value_object

MAX_TERM_CHARS = 60
MAX_WORDS_OF_REQUEST = 40
MAX_WORDS_OF_SEARCH = 10

_OCLC_PREFIX = re.compile(r"\(ocolc\)|oc[mn](?=\d)|on(?=\d)", re.IGNORECASE)
_DOI = re.compile(r"(https?://(dx\.)?doi\.org/|doi:\s*)?10\.\d+/", re.IGNORECASE)

_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "IDEOGRAPHIC")
"""How names of the letters begin whose scripts have no blanks between words."""


class SearchTermKind(StrEnum):
    """The meaning of a term to the request. Stored."""

    NUMBER = "number"  # ours
    PARTNER = "partner"  # between us and a partner: its number, or what it knows ours as
    ELSEWHERE = "elsewhere"  # in another system
    BARCODE = "barcode"  # of an item of the request, past or present
    PATRON = "patron"  # card or id
    STANDARD = "standard"  # ISBN and the like
    LABEL = "label"  # staff's own
    WORD = "word"  # of number, title and author


NUMBERS_OF_REQUEST = frozenset({SearchTermKind.NUMBER, SearchTermKind.PARTNER, SearchTermKind.ELSEWHERE})
"""What stands for one request, and not for a patron, a work or an item that may have several."""

NUMBER_KINDS = frozenset(SearchTermKind) - {SearchTermKind.WORD, SearchTermKind.LABEL}


def searched_numbers(*, hides_patrons: bool) -> frozenset[SearchTermKind]:
    """Return the kinds of number that a whole number is looked for as; not as a patron's by somebody who is not to
    learn whose requests these are."""
    return NUMBER_KINDS - {SearchTermKind.PATRON} if hides_patrons else NUMBER_KINDS


@value_object
class RequestSearchTerm:
    """`value` is folded."""

    kind: SearchTermKind
    value: str


@value_object
class SearchQuestion:
    """The question that somebody typed. `number`: as a whole number of any kind; `standard_numbers`: as standard
    numbers, in the spelling that is stored; `words`: all of them must fit. Empty when nothing that could be looked for
    was typed."""

    number: str = ""
    standard_numbers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.number)


def fold_number(text: str) -> str:
    """Equal for a number however it is written: `KY-12 / 3` and `ky123`."""
    folded = text.lower() if text.isascii() and text.isalnum() else fold_text(text).replace(" ", "")
    return folded[:MAX_TERM_CHARS]


def list_search_terms(request: Request, words: str) -> tuple[RequestSearchTerm, ...]:
    """List the terms in one order. `words`: number, title and author, folded."""
    numbers = {(kind, _fold_kept_number(value)) for kind, value in _iter_numbers(request) if value}
    terms = {(SearchTermKind.WORD, word) for word in _list_word_beginnings(words)}
    return tuple(RequestSearchTerm(kind, value) for kind, value in sorted(numbers | terms) if value)


def _iter_numbers(request: Request) -> Iterator[tuple[SearchTermKind, str]]:
    yield SearchTermKind.NUMBER, request.number
    yield SearchTermKind.PARTNER, request.transaction
    for attempt in request.attempts:
        yield SearchTermKind.PARTNER, attempt.transaction
        yield SearchTermKind.PARTNER, attempt.theirs
        for barcode in attempt.pieces:
            yield SearchTermKind.BARCODE, barcode
    for label in request.labels:
        yield SearchTermKind.LABEL, label
    for number in request.external:
        yield SearchTermKind.ELSEWHERE, number
    yield SearchTermKind.BARCODE, request.item_barcode
    for volume in request.volumes:
        yield SearchTermKind.BARCODE, volume.barcode
        yield SearchTermKind.BARCODE, volume.theirs
    for patron in (request.patron, request.direct_patron):
        yield SearchTermKind.PATRON, patron.identifier
        yield SearchTermKind.PATRON, patron.id
    for number in _list_standard_numbers(request.citation.identifiers):
        yield SearchTermKind.STANDARD, number


@lru_cache(maxsize=2_048)
def _list_standard_numbers(identifiers: tuple[RecordId, ...]) -> tuple[str, ...]:
    """List standard numbers; kept for the next change of the same request: to read an ISBN costs more than all else
    here."""
    ids = (identifier for identifier in identifiers if identifier.type in BIBLIOGRAPHIC_NUMBERS)
    return tuple(normalize_number(record_id.type, record_id.value).partition(":")[2] for record_id in ids)


_fold_kept_number = lru_cache(maxsize=2_048)(fold_number)
"""For the next change of the same request."""


@lru_cache(maxsize=2_048)
def _list_word_beginnings(words: str) -> tuple[str, ...]:
    """List the beginnings of words; kept for the next change too."""
    return tuple(_iter_word_beginnings(words.split()))


def _iter_word_beginnings(words: Iterable[str]) -> Iterator[str]:
    """Each word; of one in a script without blanks what begins at any of its letters, since a word may begin there."""
    count = 0
    for word in words:
        starts = range(len(word)) if _is_unspaced(word) else (0,)
        for start in starts:
            if count == MAX_WORDS_OF_REQUEST:
                return
            count += 1
            yield word[start : start + MAX_TERM_CHARS]


def _is_unspaced(word: str) -> bool:
    return not word.isascii() and any(unicodedata.name(letter, "").startswith(_UNSPACED) for letter in word)


def parse_search(text: str) -> SearchQuestion:
    """A link to a request, as a code on paper may hold it, means the request."""
    text = _number_of_link(text.strip())
    standard = filter(None, map(fold_number, _iter_standard_numbers(text)))
    words = tuple(word[:MAX_TERM_CHARS] for word in fold_text(text).split()[:MAX_WORDS_OF_SEARCH])
    return SearchQuestion(fold_number(text), tuple(dict.fromkeys(standard)), words)


def _number_of_link(text: str) -> str:
    if not re.match(r"https?://", text, re.IGNORECASE):
        return text
    try:
        before, slash, number = urlsplit(text).path.rstrip("/").rpartition("/")
    except ValueError:  # such as http://[ without its end
        return text
    return unquote(number) if slash and before.endswith("/requests") else text


def _iter_standard_numbers(text: str) -> Iterator[str]:
    yield comparison_key(text).partition(":")[2]
    yield normalize_number("isbn", text).partition(":")[2]
    if _OCLC_PREFIX.match(text):
        yield normalize_number("oclc", text).partition(":")[2]
    if _DOI.match(text):
        yield normalize_number("doi", text).partition(":")[2]
