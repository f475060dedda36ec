"""Comparison of two descriptions of a work: records, catalogue hits, duplicates. Never a guess among several.

Our own records: standard numbers count most, since they say which edition it is; else title and author, folded so that
spelling, accents and script marks don't matter (facts/users-want.md 17).

Hits of a catalogue: a standard number that agrees is enough. Without one, title, author and year must not contradict
each other; where both sides have a number of the same kind and it is another, all three must be there and agree:
another printing of the same edition, not another edition.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b

from stdnum import isbn, issn

from gateway.domain.library import Bib, RecordId
from gateway.domain.requests.catalogue_policy import TitleSearch, is_serial, naming_number_types
from gateway.domain.requests.citation import SUPPLIER_RECORD, Citation, normalize_number, normalize_numbers
from gateway.domain.requests.request import ItemCandidate
from gateway.domain.sentences import join_sentences, mark_template, write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import value_object

BY_NUMBER = 95
"""Least confidence when a standard number agrees and the title doesn't contradict it."""
BY_WORDS = 94
"""Most without one."""
CONTRADICTED = 70
"""Most when a number agrees and the title is another (a wrong number in the citation), or the title agrees and the
number is another's (another edition)."""
MIN_CONFIDENCE = 40
"""Less isn't shown to staff."""

_NUMBER_NAMES: Mapping[str, str] = {
    "isbn": "ISBN",
    "issn": "ISSN",
    "ismn": "ISMN",
    "oclc": write_sentence("OCLC number"),
    "lccn": "LCCN",
    "doi": "DOI",
    "pmid": write_sentence("PubMed ID"),
    "local": write_sentence("record number"),
}
"""By type of identifier."""

STANDARD = frozenset(_NUMBER_NAMES)

_TITLE, _AUTHOR, _YEAR = 0.65, 0.25, 0.10
_SAME_TITLE, _OTHER_TITLE = 0.75, 0.4
_ARTICLE = re.compile(r"^(the|an?|der|die|das|ein|eine|le|la|les|un|une|el|los|las|il|lo|gli) (?=\S)")

_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
_OCLC = re.compile(r"(?:\(ocolc\))?\s*(?:oc[mn]|on)?\s*0*([1-9]\d*)\s*", re.IGNORECASE)
_PMID = re.compile(r"(?:pmid:?)?\s*0*([1-9]\d*)\s*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


def rank_candidates(citation: Citation, bibs: Iterable[Bib]) -> tuple[ItemCandidate, ...]:
    """Records that may be meant, most confident first; what is hardly alike is left out. `how` says what agreed."""
    rated = (_rate_candidate(citation, bib) for bib in bibs)
    return tuple(
        sorted(
            (hit for hit in rated if hit.confidence >= MIN_CONFIDENCE), key=lambda hit: (-hit.confidence, hit.bib_id)
        )
    )


def choose_candidate(candidates: Iterable[ItemCandidate], needed: int) -> ItemCandidate | None:
    """The one that is confident enough, if no other record is; of several items of one record the first that can be
    lent. None: staff choose."""
    enough = [candidate for candidate in candidates if candidate.confidence >= needed]
    if len({item_candidate.bib_id for item_candidate in enough}) != 1:
        return None
    return next((item_candidate for item_candidate in enough if item_candidate.lendable), enough[0])


@value_object
class _CandidateConfidence:
    confidence: int
    how: str


def _rate_candidate(citation: Citation, bib: Bib) -> ItemCandidate:
    agreement = _compare_with_bib(citation, bib)
    return ItemCandidate(
        bib_id=bib.id,
        title=bib.title,
        author=bib.author,
        published=bib.published,
        confidence=agreement.confidence,
        how=agreement.how,
    )


def _compare_with_bib(citation: Citation, bib: Bib) -> _CandidateConfidence:
    title = title_similarity(citation, bib.title)
    if is_named_record(citation, bib):
        return _confidence_by_number("local", title)
    asked = frozenset(key for key in normalize_numbers(citation.identifiers) if _type_of_identifier(key) in STANDARD)
    there = _list_bib_numbers(bib)
    same = sorted(asked & there)
    if same:
        return _confidence_by_number(_type_of_identifier(same[0]), title)
    words = _confidence_by_words(citation, bib, title)
    other = sorted({_type_of_identifier(key) for key in asked} & {_type_of_identifier(number) for number in there})
    if other:
        return _CandidateConfidence(
            min(words.confidence, CONTRADICTED),
            write_sentence("%(report)s; %(number)s differs", report=words.how, number=_NUMBER_NAMES[other[0]]),
        )
    return words


def is_named_record(citation: Citation, bib: Bib) -> bool:
    """Return whether the requester names this record of the supplier's catalogue. The title must agree: the number may
    have been found in the catalogue of another."""
    number = normalize_number("local", citation.identifier(SUPPLIER_RECORD))
    title = title_similarity(citation, bib.title)
    return number in _list_bib_numbers(bib) and title is not None and title >= _SAME_TITLE


def _confidence_by_number(type_: str, title: float | None) -> _CandidateConfidence:
    number = _NUMBER_NAMES[type_]
    if title is None:
        how = write_sentence("%(number)s matches; no title to compare", number=number)
        return _CandidateConfidence(BY_NUMBER, how)
    alike = _format_share(title)
    if title < _OTHER_TITLE:
        how = write_sentence("%(number)s matches; title differs (%(share)s similar)", number=number, share=alike)
        return _CandidateConfidence(CONTRADICTED, how)
    if title >= _SAME_TITLE:
        return _CandidateConfidence(99, write_sentence("%(number)s and title match", number=number))
    how = write_sentence("%(number)s matches; title %(share)s similar", number=number, share=alike)
    return _CandidateConfidence(BY_NUMBER, how)


def _confidence_by_words(citation: Citation, bib: Bib, title: float | None) -> _CandidateConfidence:
    """Weigh title and author; what isn't said on one side counts half: it neither agrees nor contradicts."""
    if title is None:
        return _CandidateConfidence(0, write_sentence("no title to compare"))
    author = author_similarity(citation.author, bib.author)
    year = year_similarity(citation.published, bib.published)
    score = _TITLE * title + _AUTHOR * _value_or_half(author) + _YEAR * _value_or_half(year)
    sentences = [write_sentence("title %(share)s similar", share=_format_share(title))]
    if author is None:
        sentences.append(write_sentence("no author to compare"))
    else:
        sentences.append(write_sentence("author %(share)s similar", share=_format_share(author)))
    if year is not None:
        sentences.append(write_sentence("same year") if year == 1 else write_sentence("year differs"))
    return _CandidateConfidence(min(BY_WORDS, round(100 * score)), join_sentences(", ", sentences))


def _format_share(share: float) -> str:
    return f"{share:.0%}"


def _value_or_half(value: float | None) -> float:
    return 0.5 if value is None else value


def title_similarity(citation: Citation, other: str) -> float | None:
    """0 to 1; None when one side has none. A title and the same one with its subtitle are the same."""
    ours = [_fold_title(text) for text in (citation.title, f"{citation.title} {citation.subtitle}")]
    there = [_fold_title(text) for text in (other, _main_title(other))]
    if not ours[0] or not there[0]:
        return None
    pairs = [(our_title, their_title) for our_title in ours for their_title in there if their_title]
    if proper := _fold_title(_main_title(citation.title)):
        pairs.append((proper, _fold_title(other.partition(" / ")[0])))  # two subtitles are two titles
    return max(_text_similarity(our_title, their_title) for our_title, their_title in pairs)


def _fold_title(text: str) -> str:
    return drop_article(fold_text(text))


def _main_title(title: str) -> str:
    """Return a title without subtitle and author."""
    return re.split(r"\s*[:/;]\s", title)[0]


def drop_article(text: str) -> str:
    return _ARTICLE.sub("", text)


def _text_similarity(text: str, other: str) -> float:
    return 1.0 if text == other else difflib.SequenceMatcher(None, text, other, autojunk=False).ratio()


def author_similarity(asked: str, there: str) -> float | None:
    """0 to 1; None when one side has none. By names in any order; an initial agrees with the name that it begins."""
    ours, theirs = fold_text(asked).split(), fold_text(there).split()
    if not ours or not theirs:
        return None
    shorter, longer = sorted((ours, theirs), key=len)
    hits = sum(any(_is_same_name_part(name, other) for other in longer) for name in shorter)
    return hits / len(shorter)


def _is_same_name_part(name: str, other: str) -> bool:
    if 1 in (len(name), len(other)):
        return name[0] == other[0]
    return name == other


def year_similarity(asked: str, there: str) -> float | None:
    """1 or 0; None when one side has none."""
    ours, theirs = (frozenset(re.findall(r"\d{4}", text)) for text in (asked, there))
    if not ours or not theirs:
        return None
    return 1.0 if ours & theirs else 0.0


def _list_bib_numbers(bib: Bib) -> frozenset[str]:
    return normalize_numbers((*bib.identifiers, RecordId("local", bib.id)))


def _type_of_identifier(identifier: str) -> str:
    return identifier.partition(":")[0]


@value_object
class CatalogueAgreement:
    """`how`: what agrees, or what doesn't, in a few words."""

    same: bool
    how: str


def compare_with_hit(citation: Citation, hit: Citation, rules: TitleSearch) -> CatalogueAgreement:
    ours, theirs, types = (
        normalize_numbers(citation.identifiers),
        normalize_numbers(hit.identifiers),
        naming_number_types(citation),
    )
    agreeing, there = {_type_of_identifier(key) for key in ours & theirs}, {_type_of_identifier(key) for key in theirs}
    for type_ in types:
        if type_ in agreeing:
            return CatalogueAgreement(True, write_sentence("%(number)s matches", number=_NUMBER_NAMES[type_]))
    return _compare_titles(citation, hit, rules, next((type_ for type_ in types if type_ in there), ""))


def _compare_titles(citation: Citation, hit: Citation, rules: TitleSearch, other: str) -> CatalogueAgreement:
    title = title_similarity(citation, hit.title)
    author = author_similarity(citation.author, hit.author)
    year = None if is_serial(citation) else year_similarity(citation.published, hit.published)
    if title is None:
        if other:
            return CatalogueAgreement(False, write_sentence("%(number)s differs", number=_NUMBER_NAMES[other]))
        return CatalogueAgreement(False, write_sentence("no title to compare"))
    if round(100 * title) < rules.alike:
        return CatalogueAgreement(
            False, write_sentence("title differs (%(share)s similar)", share=_format_share(title))
        )
    if author is not None and round(100 * author) < rules.author_alike:
        return CatalogueAgreement(False, write_sentence("same title, author differs"))
    if year == 0:
        return CatalogueAgreement(False, write_sentence("same title, year differs"))
    if other and not (author is not None and year):
        return CatalogueAgreement(False, write_sentence("same title, %(number)s differs", number=_NUMBER_NAMES[other]))
    agree = write_sentence(_AGREEMENTS[author is not None, year is not None])
    if other:
        agree = write_sentence("%(report)s; %(number)s differs", report=agree, number=_NUMBER_NAMES[other])
    return CatalogueAgreement(True, agree)


_AGREEMENTS = {
    (False, False): mark_template("title matches"),
    (True, False): mark_template("title and author match"),
    (False, True): mark_template("title and year match"),
    (True, True): mark_template("title, author and year match"),
}
"""Of the title, by whether author and year could be compared."""


def citation_fingerprint(citation: Citation) -> str:
    """Equal for citations that mean the same: identifiers first (a DOI names a part; ISBN, ISSN and OCLC numbers name
    the whole, so that volume, issue and pages are added), else folded title, author, volume, issue and pages.

    Empty when the citation says too little to compare. Never longer than 160 characters.
    """
    for type_ in ("doi", "pmid"):
        if key := _first_valid_identifier(citation, type_):
            return key
    part = _part_key(citation)
    for type_ in ("isbn", "issn", "oclc"):
        if key := _first_valid_identifier(citation, type_):
            return f"{key} {_hash_texts(*part)}" if any(part) else key
    title = fold_text(citation.title) or fold_text(citation.component_title)
    if not title:
        return ""
    return f"text {_hash_texts(title, _author_key(citation.author), *part)}"


def _part_key(citation: Citation) -> tuple[str, ...]:
    component = fold_text(citation.component_title)
    pages = _DIGITS.findall(citation.pages)
    return (
        component,
        fold_text(citation.volume),
        fold_text(citation.issue),
        "-".join(pages) or fold_text(citation.pages),
    )


def _author_key(author: str) -> str:
    """'Borges, Jorge Luis' and 'Jorge Luis Borges' are one."""
    return " ".join(sorted(fold_text(author).split()))


def _hash_texts(*parts: str) -> str:
    return blake2b("\n".join(parts).encode(errors="replace"), digest_size=16).hexdigest()


def _first_valid_identifier(citation: Citation, type_: str) -> str:
    """The first that is well formed, with its type; a number that is none is passed over."""
    for identifier in citation.identifiers:
        if identifier.type == type_ and (value := _NORMAL[type_](identifier.value.strip())):
            return f"{type_} {value}"
    return ""


def _fingerprint_doi(value: str) -> str:
    match = _DOI.search(value)
    if match is None:
        return ""
    doi = match.group().rstrip(".,;").lower()
    return doi if len(doi) <= 150 else _hash_texts(doi)


def _fingerprint_isbn(value: str) -> str:
    return str(isbn.to_isbn13(isbn.compact(value))) if isbn.is_valid(value) else ""


def _fingerprint_issn(value: str) -> str:
    return str(issn.compact(value)) if issn.is_valid(value) else ""


def _number_extractor(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def extract_number(value: str) -> str:
        match = pattern.fullmatch(value)
        return match.group(1)[:20] if match else ""

    return extract_number


_NORMAL: dict[str, Callable[[str], str]] = {
    "doi": _fingerprint_doi,
    "pmid": _number_extractor(_PMID),
    "isbn": _fingerprint_isbn,
    "issn": _fingerprint_issn,
    "oclc": _number_extractor(_OCLC),
}
