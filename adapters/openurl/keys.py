"""Keys of both versions, genres and what they mean.

A key of the referent is named here without its `rft.`; 0.1 has the same names, so both versions in one link are one
list of values.

article, bookitem, proceeding, preprint -> copy; book, journal, dissertation, report, conference -> loan unless pages or
a chapter are given. Where no genre is said, or `unknown`, format and numbers tell.
"""

from __future__ import annotations

import re
from html.entities import html5
from urllib.parse import unquote_to_bytes

from gateway.domain.requests.citation import CitationType as T
from gateway.domain.requests.request import ServiceType
from gateway.domain.sentences import Sentence, compose_sentence, write_about, write_sentence
from gateway.domain.value import value_object

UNKNOWN = write_sentence("unknown")


def report_key(key: str, reason: str, value: str = "") -> Sentence:
    """Report what is wrong with a key of a link; `reason` is a sentence. genre: unknown (hologram)"""
    line = write_about(key, reason)
    return compose_sentence("%(line)s (%(value)s)", line=line, value=value) if value else line


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


def _key_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


OLD = _key_set(
    "genre aulast aufirst auinit auinit1 auinitm coden issn eissn isbn title stitle atitle volume part issue spage "
    "epage pages artnum sici bici ssn quarter date"
)
"""Version 0.1, without `sid`, `id` and `pid`, which are not about what the item is."""

AUTHORS = _key_set("aulast aufirst auinit auinit1 auinitm ausuffix au aucorp")
JOURNAL = (
    _key_set(
        "genre atitle jtitle title stitle date chron ssn quarter volume part issue spage epage pages artnum issn eissn "
        "isbn coden sici"
    )
    | AUTHORS
)
BOOK = (
    _key_set("genre btitle atitle title place pub date edition tpages series spage epage pages issn eissn isbn bici")
    | AUTHORS
)
DISSERTATION = _key_set("title co cc inst advisor tpages date degree") | AUTHORS
PATENT = _key_set(
    "title co cc kind applcc applnumber applyear appldate number date pubdate prioritydate assignee inv invlast "
    "invfirst invinit invinit1 invinitm invsuffix"
)
DUBLIN_CORE = _key_set(
    "title creator subject description publisher contributor date type format identifier source language relation "
    "coverage rights"
)

HABITS = _key_set("doi pmid eisbn oclcnum oclc lccn notes note language callnumber subtitle publisher")
"""In no format, but often seen; `notes` is what sites map to a note (facts/openurl.md section 2)."""

_NOISE_KEYS = _key_set(
    # of Primo and SFX
    "object_id private_data private_id mms_id local_attribute institution vid tab docid context adaptor search_scope "
    "scope query offset is_new_ui isserivcespage force_direct forcedirect primooverrideparam response_type content "
    "is_pci recordid record_id peer_reviewed provider linktype iscitationlinker primo "
    # of resolvers that pass a link on (Umlaut), APA
    "day month year forcedownload charset pid "
    # of 360 Link and Summon, ProQuest, Gale
    "externaldocid externaldbid externaldbname paramdict disable_directlink directlink ssid pqid galeid accountid "
    "clientid pq-origsite "
    # of EBSCO, Ovid, WorldCat
    "an ui db custid groupid authtype profile site direct bquery stdrt1 stdrt2 accessionnumber accession_number "
    # of search engines, browsers and pages
    "hl oi ei ved usg gclid fbclid msclkid lang locale language_code skin view mode fmt format callback nocache "
    "timestamp checksum debug sessionid session user_agent source_id sourceid sourceformat origin sid2 issl"
)
_NOISE = re.compile(
    r"(?:utm|ss|sfx|u|x|lfy|pq|ebsco|primo|alma|eds|mc|hs|umlaut)[_.].*|_.*|[a-z]+_(?:start|additional)"
)


def is_noise_key(key: str) -> bool:
    """Return whether a key, in lower case and without `rft.`, is known to be for systems: it says nothing about the
    work. Seen in links of discovery systems and databases."""
    return key in _NOISE_KEYS or _NOISE.fullmatch(key) is not None


REFERENT = JOURNAL | BOOK | DISSERTATION | PATENT | DUBLIN_CORE | OLD | HABITS
PLAIN = OLD | JOURNAL | BOOK | _key_set("inst advisor degree creator") | HABITS
"""What is read without `rft.` too. Words such as `type` or `source` may be anything there."""

ENTITY = re.compile(r"(url|ctx|rft|rfe|rfr|res|svc|req)[_.]")
"""How the keys of 1.0 begin that are not the referent's metadata."""

REQUESTER = re.compile(r"req[_.]")

BY_REFERENCE = _key_set("rft_ref rfe_ref rfr_ref req_ref svc_ref res_ref url_ctx_ref")

FORMAT = re.compile(r"info:ofi/fmt:(?:kev:mtx|xml:xsd):([a-z_]+)", re.IGNORECASE)
ITEM_FORMATS = frozenset({"journal", "book", "dissertation", "patent", "dc", "oai_dc"})

CHARSET_HABIT = "__char_set"
"""Of SFX, beside `ctx_enc`."""


def is_openurl_key(key: str) -> bool:
    """Return whether a key, in lower case, belongs to OpenURL at all."""
    return key in PLAIN or key in ("sid", "id", "pid", CHARSET_HABIT) or ENTITY.match(key) is not None


_ENTITY = re.compile(rb"([A-Za-z]{2,31};|#\d{1,7};|#x[0-9A-Fa-f]{1,6};)")
_SHORT_WORD = re.compile(r"[A-Z]{1,3}(?![a-z=])")
_BLANKS = (b" ", b"+", b"%20")


def is_rest_of_value(before: bytes, segment: bytes) -> bool:
    """Return whether the text behind a `&` belongs to the value before it. `before`: the key with its value, or the
    piece of the value, that ends at this `&`.

    Databases write `title=Locks & Dams&volume=3`, so half of the title looks like a key. It isn't one where it has no
    value and begins with a blank or a capital; some resolvers have given it an empty value (`& Dams=`). A key with a
    value stays a key, whatever it is called: it may be a field of a library's own form, and be about the reader.
    """
    if not before.strip() or before.endswith(b"="):
        return False
    entity = _ENTITY.match(segment)
    if entity is not None and entity[1] != b"amp;":
        return entity[1].startswith(b"#") or entity[1].decode("ascii") in html5
    escaped = entity is not None
    left, equals, value = segment.removeprefix(b"amp;").partition(b"=")
    name = unquote_to_bytes(left.replace(b"+", b" ")).decode("utf-8", "replace")
    key = name.strip().lower()
    is_key = is_openurl_key(key) or is_noise_key(key)
    is_apart = name[:1] == " "
    if value:
        return not is_key and is_apart and name[-1:] == " " and value.startswith(_BLANKS)  # `A & B = A et B`
    if is_key:
        return is_apart and before.endswith(_BLANKS)
    if is_apart or (before[-1:].isupper() and _SHORT_WORD.match(name) is not None):  # `R&D`
        return True
    return not equals and (escaped or " " in name or before.endswith(_BLANKS) or name[:1].isupper())


@value_object
class GenreEvidence:
    """The evidence in the rest of a link. `part`: it names an article or chapter; `pages`: pages of something."""

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


@value_object
class CitedKind:
    """`genre` is kept where it says more than the type; `known`: the word is one that is understood."""

    type: T
    service: ServiceType
    genre: str = ""
    known: bool = True


def infer_kind(genre: str, evidence: GenreEvidence) -> CitedKind:
    word = re.sub(r"[^a-z]", "", genre.lower())
    is_standard = word in STANDARD
    type_ = STANDARD[word] if is_standard else _HABITS.get(word)
    known = is_standard or type_ is not None or not word
    if word == "conference":
        type_ = _type_of_conference(evidence)
    elif type_ is None:
        type_ = _infer_type(word, evidence)
    if evidence.part or evidence.pages:
        type_ = _PARTS.get(type_, type_)
    copy = type_ in (T.ARTICLE, T.CHAPTER, T.CONFERENCE_PAPER, T.PATENT) or (
        type_ in _LOANS and (evidence.part or evidence.pages)
    )
    service = ServiceType.COPY if copy else ServiceType.LOAN
    return CitedKind(type_, service, word if word in _MEANS_MORE else "", known)


def _type_of_conference(evidence: GenreEvidence) -> T:
    if evidence.part or evidence.pages:
        return T.CONFERENCE_PAPER
    return T.JOURNAL if evidence.format == "journal" and not evidence.isbn else T.BOOK


def _infer_type(word: str, evidence: GenreEvidence) -> T:
    if evidence.format in _FORMATS:
        return _FORMATS[evidence.format]
    for stated in evidence.types:
        folded = re.sub(r"[^a-z]", "", stated.lower())
        if (kind := _HABITS.get(folded) or STANDARD.get(folded)) is not None:
            return kind
    if evidence.thesis:
        return T.THESIS
    if evidence.format == "journal" or (evidence.serial and not evidence.isbn and evidence.format != "book"):
        return T.JOURNAL if not evidence.article_number or evidence.part or evidence.pages else T.ARTICLE
    if evidence.isbn or evidence.book or (evidence.format == "book" and word != "document"):
        return T.BOOK
    if evidence.article_number or evidence.part:
        return T.ARTICLE
    return T.OTHER
