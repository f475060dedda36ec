"""Which of our records is what a citation means: how well each agrees, and whether one can be taken without staff.

Standard numbers count most, since they say which edition it is; else title and author, folded so that spelling,
accents and script marks don't matter. Never a guess among several (facts/users-want.md 17).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from gateway.domain.frozen import frozen
from gateway.domain.library import Bib
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.identifiers import normal, normals
from gateway.domain.requests.request import Candidate

BY_NUMBER = 95
"""Least confidence when a standard number agrees and the title doesn't contradict it."""
BY_WORDS = 94
"""Most without one."""
CONTRADICTED = 70
"""Most when a number agrees and the title is another (a wrong number in the citation), or the title agrees and the
number is another's (another edition)."""
LEAST = 40
"""Less isn't shown to staff."""

STANDARD = frozenset({"isbn", "issn", "ismn", "oclc", "lccn", "doi", "pmid", "local"})

_TITLE, _AUTHOR, _YEAR = 0.65, 0.25, 0.10
_SAME_TITLE, _OTHER_TITLE = 0.75, 0.4
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ـ": ""})
_ARTICLE = re.compile(r"^(the|an?|der|die|das|ein|eine|le|la|les|un|une|el|los|las|il|lo|gli) (?=\S)")
_ACCENTS = 200
_HEBREW_ARABIC_MARKS = range(10, 36)


def fold_for_matching(text: str) -> str:
    """Text in a form that is equal for what a reader takes for equal: without case, accents, vowel points and
    punctuation, in one spelling of each character. Marks that make another letter (Japanese, Indic) stay."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (char for char in decomposed if not _is_accent(char))
    composed = unicodedata.normalize("NFC", "".join(kept)).translate(_LETTERS)
    spaced = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in composed)
    return " ".join(spaced.split())


def _is_accent(char: str) -> bool:
    mark = unicodedata.combining(char)
    return mark >= _ACCENTS or mark in _HEBREW_ARABIC_MARKS


def best(citation: Citation, bibs: Iterable[Bib]) -> tuple[Candidate, ...]:
    """Records that may be meant, most confident first; what is hardly alike is left out. `how` says what agreed."""
    found = (_candidate(citation, bib) for bib in bibs)
    return tuple(
        sorted((one for one in found if one.confidence >= LEAST), key=lambda one: (-one.confidence, one.bib_id))
    )


def decide(candidates: Iterable[Candidate], needed: int) -> Candidate | None:
    """The one that is confident enough, if no other record is; of several items of one record the first that can be
    lent. None: staff choose."""
    enough = [one for one in candidates if one.confidence >= needed]
    if len({one.bib_id for one in enough}) != 1:
        return None
    return next((one for one in enough if one.lendable), enough[0])


@frozen
class _Agreement:
    confidence: int
    how: str


def _candidate(citation: Citation, bib: Bib) -> Candidate:
    agreement = _agreement(citation, bib)
    return Candidate(
        bib_id=bib.id, title=bib.title, author=bib.author, confidence=agreement.confidence, how=agreement.how
    )


def _agreement(citation: Citation, bib: Bib) -> _Agreement:
    title = title_alike(citation, bib.title)
    asked = frozenset(one for one in normals(citation.identifiers) if _identifier_type(one) in STANDARD)
    there = _numbers(bib)
    same = sorted(asked & there)
    if same:
        return _by_number(_identifier_type(same[0]), title)
    words = _by_words(citation, bib, title)
    other = sorted({_identifier_type(one) for one in asked} & {_identifier_type(one) for one in there})
    if other and words.confidence > CONTRADICTED:
        return _Agreement(CONTRADICTED, f"{words.how}; other {other[0]}")
    return words


def _by_number(type_: str, title: float | None) -> _Agreement:
    if title is None:
        return _Agreement(BY_NUMBER, f"{type_} agrees; no title to compare")
    if title < _OTHER_TITLE:
        return _Agreement(CONTRADICTED, f"{type_} agrees; other title ({title:.0%} alike)")
    if title >= _SAME_TITLE:
        return _Agreement(99, f"{type_} and title agree")
    return _Agreement(BY_NUMBER, f"{type_} agrees; title {title:.0%} alike")


def _by_words(citation: Citation, bib: Bib, title: float | None) -> _Agreement:
    """What isn't said on one side counts half: it neither agrees nor contradicts."""
    if title is None:
        return _Agreement(0, "no title to compare")
    author = author_alike(citation.author, bib.author)
    year = same_year(citation.published, bib.published)
    score = _TITLE * title + _AUTHOR * _half(author) + _YEAR * _half(year)
    said = [f"title {title:.0%} alike"]
    said.append("no author to compare" if author is None else f"author {author:.0%} alike")
    if year is not None:
        said.append("same year" if year == 1 else "other year")
    return _Agreement(min(BY_WORDS, round(100 * score)), ", ".join(said))


def _half(value: float | None) -> float:
    return 0.5 if value is None else value


def title_alike(citation: Citation, other: str) -> float | None:
    """0 to 1; None when one side has none. A title and the same one with its subtitle are the same."""
    asked = [_plain(text) for text in (citation.title, f"{citation.title} {citation.subtitle}")]
    there = [_plain(text) for text in (other, _proper(other))]
    if not asked[0] or not there[0]:
        return None
    pairs = [(one, found) for one in asked for found in there if found]
    if proper := _plain(_proper(citation.title)):
        pairs.append((proper, _plain(other.partition(" / ")[0])))  # two subtitles are two titles
    return max(_alike(one, found) for one, found in pairs)


def _plain(text: str) -> str:
    return without_article(fold_for_matching(text))


def _proper(title: str) -> str:
    """Without subtitle and author."""
    return re.split(r"\s*[:/;]\s", title, maxsplit=1)[0]


def without_article(text: str) -> str:
    return _ARTICLE.sub("", text)


def _alike(one: str, other: str) -> float:
    return 1.0 if one == other else difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def author_alike(asked: str, there: str) -> float | None:
    """0 to 1; None when one side has none. By names in any order; an initial agrees with the name that it begins."""
    ours, theirs = fold_for_matching(asked).split(), fold_for_matching(there).split()
    if not ours or not theirs:
        return None
    shorter, longer = sorted((ours, theirs), key=len)
    hits = sum(any(_same_name(name, other) for other in longer) for name in shorter)
    return hits / len(shorter)


def _same_name(one: str, other: str) -> bool:
    if 1 in (len(one), len(other)):
        return one[0] == other[0]
    return one == other


def same_year(asked: str, there: str) -> float | None:
    """1 or 0; None when one side has none."""
    ours, theirs = (frozenset(re.findall(r"\d{4}", text)) for text in (asked, there))
    if not ours or not theirs:
        return None
    return 1.0 if ours & theirs else 0.0


def _numbers(bib: Bib) -> frozenset[str]:
    own = normal("local", bib.id)
    found = normals(bib.identifiers)
    return found | {own} if own else found


def _identifier_type(identifier: str) -> str:
    return identifier.partition(":")[0]
