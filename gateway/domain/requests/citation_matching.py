"""Whether two descriptions mean the same work: records, catalogue hits, duplicates. Never a guess among several.

Our own records: standard numbers count most, since they say which edition it is; else title and author, folded so that
spelling, accents and script marks don't matter (facts/users-want.md 17).

Hits of a catalogue: a standard number that agrees is enough. Without one, title, author and year must not contradict
each other; where both sides have a number of the same kind and it is another, all three must be there and agree:
another printing of the same edition, not another edition.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from hashlib import blake2b

from stdnum import isbn, issn

from gateway.domain.library import Bib
from gateway.domain.requests.catalogue_policy import TitleSearch, is_serial, naming
from gateway.domain.requests.citation import Citation, normal, normals
from gateway.domain.requests.request import Candidate
from gateway.domain.text_folding import fold_for_matching, fold_for_search
from gateway.domain.value import frozen

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
_ARTICLE = re.compile(r"^(the|an?|der|die|das|ein|eine|le|la|les|un|une|el|los|las|il|lo|gli) (?=\S)")

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_OCLC = re.compile(r"(?:\(ocolc\))?\s*(?:oc[mn]|on)?\s*0*([1-9]\d*)\s*", re.IGNORECASE)
_PMID = re.compile(r"(?:pmid:?)?\s*0*([1-9]\d*)\s*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


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


@frozen
class Agreement:
    """`how`: what agrees, or what doesn't, in a few words."""

    same: bool
    how: str


def agreement(asked: Citation, found: Citation, rules: TitleSearch) -> Agreement:
    ours, theirs, types = normals(asked.identifiers), normals(found.identifiers), naming(asked)
    agreeing, there = {_number_type(one) for one in ours & theirs}, {_number_type(one) for one in theirs}
    for type_ in types:
        if type_ in agreeing:
            return Agreement(True, f"{type_} agrees")
    return _by_title(asked, found, rules, next((type_ for type_ in types if type_ in there), ""))


def _by_title(asked: Citation, found: Citation, rules: TitleSearch, other: str) -> Agreement:
    title = title_alike(asked, found.title)
    author = author_alike(asked.author, found.author)
    year = None if is_serial(asked) else same_year(asked.published, found.published)
    if title is None:
        return Agreement(False, f"another {other}" if other else "no title to compare")
    if round(100 * title) < rules.alike:
        return Agreement(False, f"another title ({title:.0%} alike)")
    if author is not None and round(100 * author) < rules.author_alike:
        return Agreement(False, "same title, another author")
    if year == 0:
        return Agreement(False, "same title, another year")
    if other and not (author is not None and year):
        return Agreement(False, f"same title, another {other}")
    said = [word for word, there in (("title", title), ("author", author), ("year", year)) if there is not None]
    agree = f"{', '.join(said[:-1])} and {said[-1]} agree" if len(said) > 1 else "title agrees"
    return Agreement(True, f"{agree}, another {other}" if other else agree)


def _number_type(number: str) -> str:
    return number.partition(":")[0]


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
    def extract_number(value: str) -> str:
        found = pattern.fullmatch(value)
        return found.group(1)[:20] if found else ""

    return extract_number


_NORMAL: dict[str, Callable[[str], str]] = {
    "doi": _doi,
    "pmid": _number(_PMID),
    "isbn": _isbn,
    "issn": _issn,
    "oclc": _number(_OCLC),
}
