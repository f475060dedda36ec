"""What kind of thing a link cites, and whether it is asked for as a loan or a copy (facts/openurl.md section 1):

article, bookitem, proceeding, preprint -> copy; book, journal, dissertation, report, conference -> loan unless pages or
a chapter are given. Where no genre is said, or `unknown`, format and numbers tell.
"""

from __future__ import annotations

import re

from gateway.domain.frozen import frozen
from gateway.domain.requests.citation import CitationType as T
from gateway.domain.requests.request import ServiceType

STANDARD: dict[str, T | None] = {
    "article": T.ARTICLE,
    "preprint": T.ARTICLE,
    "journal": T.JOURNAL,
    "issue": T.JOURNAL,
    "proceeding": T.CONFERENCE_PAPER,
    "conference": None,  # a whole volume: book or journal
    "book": T.BOOK,
    "bookitem": T.CHAPTER,
    "report": T.REPORT,
    "document": None,
    "unknown": None,
    "dissertation": T.THESIS,
    "patent": T.PATENT,
}
"""Genres of the formats; None: what it is has to be told by the rest."""

_HABITS: dict[str, T] = {
    "journalarticle": T.ARTICLE,
    "magazinearticle": T.ARTICLE,
    "review": T.ARTICLE,
    "bookreview": T.ARTICLE,
    "letter": T.ARTICLE,
    "magazine": T.JOURNAL,
    "serial": T.JOURNAL,
    "periodical": T.JOURNAL,
    "newspaper": T.NEWSPAPER,
    "newspaperarticle": T.NEWSPAPER,
    "newsitem": T.NEWSPAPER,
    "chapter": T.CHAPTER,
    "bookchapter": T.CHAPTER,
    "booksection": T.CHAPTER,
    "ebook": T.BOOK,
    "monograph": T.BOOK,
    "thesis": T.THESIS,
    "theses": T.THESIS,
    "dissertations": T.THESIS,
    "dissertationsandtheses": T.THESIS,
    "dissertationstheses": T.THESIS,
    "conferencepaper": T.CONFERENCE_PAPER,
    "conferenceproceeding": T.CONFERENCE_PAPER,
    "technicalreport": T.REPORT,
    "score": T.SCORE,
    "musicscore": T.SCORE,
    "notatedmusic": T.SCORE,
    "map": T.MAP,
    "cartographic": T.MAP,
    "video": T.VIDEO,
    "movie": T.VIDEO,
    "film": T.VIDEO,
    "dvd": T.VIDEO,
    "movingimage": T.VIDEO,
    "audio": T.AUDIO,
    "audiobook": T.AUDIO,
    "sound": T.AUDIO,
    "soundrecording": T.AUDIO,
    "archive": T.ARCHIVE,
    "archival": T.ARCHIVE,
    "manuscript": T.ARCHIVE,
}
"""Words of discovery systems and of the DCMI types, without blanks; not in the standard."""

_FORMATS = {"dissertation": T.THESIS, "patent": T.PATENT}
_LOANS = frozenset({T.BOOK, T.JOURNAL, T.THESIS, T.REPORT, T.NEWSPAPER})
_PARTS = {T.BOOK: T.CHAPTER, T.JOURNAL: T.ARTICLE}
_MEANS_MORE = frozenset({"preprint", "issue", "conference", "document"})


@frozen
class Evidence:
    """What the rest of a link says. `part`: it names an article or chapter; `pages`: pages of something."""

    format: str = ""  # journal, book, dissertation, patent, dc; empty: not said
    types: tuple[str, ...] = ()  # dc:type
    part: bool = False
    pages: bool = False
    isbn: bool = False
    serial: bool = False  # ISSN, title of a journal, volume and issue
    book: bool = False  # a key that only books have
    article_number: bool = False  # DOI or PMID
    thesis: bool = False
    titled: bool = False


@frozen
class Kind:
    """`genre` is kept where it says more than the type; `known`: the word is one that is understood."""

    type: T
    service: ServiceType
    genre: str = ""
    known: bool = True


def kind_of(genre: str, evidence: Evidence) -> Kind:
    word = re.sub(r"[^a-z]", "", genre.lower())
    is_standard = word in STANDARD
    type_ = STANDARD[word] if is_standard else _HABITS.get(word)
    known = is_standard or type_ is not None or not word
    if word == "conference":
        type_ = _conference(evidence)
    elif type_ is None:
        type_ = _inferred(word, evidence)
    if evidence.part or evidence.pages:
        type_ = _PARTS.get(type_, type_)
    copy = type_ in (T.ARTICLE, T.CHAPTER, T.CONFERENCE_PAPER, T.PATENT) or (
        type_ in _LOANS and (evidence.part or evidence.pages)
    )
    service = ServiceType.COPY if copy else ServiceType.LOAN
    return Kind(type_, service, word if word in _MEANS_MORE else "", known)


def _conference(evidence: Evidence) -> T:
    if evidence.part or evidence.pages:
        return T.CONFERENCE_PAPER
    return T.JOURNAL if evidence.format == "journal" and not evidence.isbn else T.BOOK


def _inferred(word: str, evidence: Evidence) -> T:
    if evidence.format in _FORMATS:
        return _FORMATS[evidence.format]
    for one in evidence.types:
        said = re.sub(r"[^a-z]", "", one.lower())
        if (found := _HABITS.get(said) or STANDARD.get(said)) is not None:
            return found
    if evidence.thesis:
        return T.THESIS
    if evidence.format == "journal" or (evidence.serial and not evidence.isbn and evidence.format != "book"):
        return T.JOURNAL if not evidence.article_number or evidence.part or evidence.pages else T.ARTICLE
    if evidence.isbn or evidence.book or (evidence.format == "book" and word != "document"):
        return T.BOOK
    if evidence.article_number or evidence.part:
        return T.ARTICLE
    return T.OTHER
