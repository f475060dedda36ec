"""Words of ISO 18626 beside ours (docs/facts/iso-18626.md 4.2 and 9). What has no word goes out in the note; what we
have no word for comes in as `other`, with the partner's word in the note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.iso18626.messages.declaration import OpenCode
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.events import LoanCondition, ReasonCodes
from gateway.domain.sentences import write_sentence

UNFILLED_OUT: Mapping[ReasonCodes, str] = {
    ReasonCodes.NOT_HELD: "NotHeld",
    ReasonCodes.NOT_ON_SHELF: "NotOnShelf",
    ReasonCodes.NOT_AVAILABLE: "NotAvailableForILL",
    ReasonCodes.NON_CIRCULATING: "NonCirculating",
    ReasonCodes.POLICY: "PolicyProblem",
    ReasonCodes.POOR_CONDITION: "PoorCondition",
    ReasonCodes.ON_LOAN: "NotAvailableForILL",
    ReasonCodes.ON_ORDER: "NotAvailableForILL",
    ReasonCodes.AT_BINDERY: "NotAvailableForILL",
    ReasonCodes.COST: "PolicyProblem",
    ReasonCodes.NOT_FOUND_AS_CITED: "NotHeld",
    ReasonCodes.COPYRIGHT: "PolicyProblem",
    ReasonCodes.OVERLOADED: "NotAvailableForILL",
    ReasonCodes.CLOSED: "NotAvailableForILL",
    ReasonCodes.NEED_BY_NOT_MET: "NotAvailableForILL",
    ReasonCodes.HAS_REQUESTS: "NotAvailableForILL",
    ReasonCodes.DUPLICATE: "PolicyProblem",
}
UNFILLED_IN: Mapping[str, ReasonCodes] = {
    "notheld": ReasonCodes.NOT_HELD,
    "notonshelf": ReasonCodes.NOT_ON_SHELF,
    "notavailableforill": ReasonCodes.NOT_AVAILABLE,
    "noncirculating": ReasonCodes.NON_CIRCULATING,
    "policyproblem": ReasonCodes.POLICY,
    "poorcondition": ReasonCodes.POOR_CONDITION,
    "duplicate": ReasonCodes.DUPLICATE,
}
"""The last is CrossLink's."""
RETRY_OUT: Mapping[ReasonCodes, str] = {
    ReasonCodes.ON_LOAN: "OnLoan",
    ReasonCodes.ON_ORDER: "OnOrder",
    ReasonCodes.AT_BINDERY: "AtBindery",
    ReasonCodes.COST: "CostExceedsMaxCost",
    ReasonCodes.NOT_FOUND_AS_CITED: "NotFoundAsCited",
    ReasonCodes.NOT_AVAILABLE: "NotCurrentAvailableForILL",
    ReasonCodes.HAS_REQUESTS: "NotCurrentAvailableForILL",
    ReasonCodes.OVERLOADED: "NotCurrentAvailableForILL",
    ReasonCodes.CLOSED: "NotCurrentAvailableForILL",
    ReasonCodes.NEED_BY_NOT_MET: "ReqDelDateNotPossible",
}
RETRY_IN: Mapping[str, ReasonCodes] = {
    "onloan": ReasonCodes.ON_LOAN,
    "onorder": ReasonCodes.ON_ORDER,
    "atbindery": ReasonCodes.AT_BINDERY,
    "costexceedsmaxcost": ReasonCodes.COST,
    "notfoundascited": ReasonCodes.NOT_FOUND_AS_CITED,
    "notcurrentavailableforill": ReasonCodes.NOT_AVAILABLE,
    "reqdeldatenotpossible": ReasonCodes.NEED_BY_NOT_MET,
}
MUST_MEET_CONDITION = "MustMeetLoanCondition"
OTHER_CONDITION = "Other"
"""In no list; CrossLink writes it for a condition that it has no word for."""
CONDITIONAL_RETRIES = frozenset({"mustmeetloancondition", "loancondition"})
"""Reasons for a retry that offer a condition; the second is illmock's."""

CONDITION_OUT: Mapping[LoanCondition, str] = {
    LoanCondition.LIBRARY_USE_ONLY: "LibraryUseOnly",
    LoanCondition.NO_REPRODUCTION: "NoReproduction",
    LoanCondition.SIGNATURE_REQUIRED: "SignatureRequired",
    LoanCondition.SUPERVISED: "SpecCollSupervReq",
    LoanCondition.WATCHED: "WatchLibraryUseOnly",
}
CONDITION_IN: Mapping[str, LoanCondition] = {word.casefold(): ours for ours, word in CONDITION_OUT.items()}

PUBLICATION_TYPE_OUT: Mapping[CitationType, str] = {
    CitationType.BOOK: "Book",
    CitationType.CHAPTER: "Chapter",
    CitationType.JOURNAL: "Journal",
    CitationType.ARTICLE: "Article",
    CitationType.THESIS: "Thesis",
    CitationType.CONFERENCE_PAPER: "ConferenceProc",
    CitationType.SCORE: "MusicScore",
    CitationType.MAP: "Map",
    CitationType.VIDEO: "Movie",
    CitationType.AUDIO: "SoundRecording",
    CitationType.REPORT: "Report",
    CitationType.PATENT: "Patent",
    CitationType.NEWSPAPER: "Newspaper",
    CitationType.ARCHIVE: "ArchiveMaterial",
}
PUBLICATION_TYPE_IN: Mapping[str, CitationType] = {
    **{word.casefold(): ours for ours, word in PUBLICATION_TYPE_OUT.items()},
    "audiobook": CitationType.AUDIO,
    "musicrecording": CitationType.AUDIO,
    "manuscript": CitationType.ARCHIVE,
}

ITEM_NUMBERS: Mapping[str, str] = {
    "isbn": "ISBN",
    "issn": "ISSN",
    "ismn": "ISMN",
    "doi": "DOI",
    "nbn": "NBN",
    "hdl": "Handle",
}
"""Numbers of the work: our type, and the code."""

RECORD_NUMBERS: Mapping[str, str] = {"oclc": "OCLC", "lccn": "LCCN", "pmid": "PMID"}
"""Numbers of records."""

_OTHER_NAMES = {"handle": "hdl", "medline": "pmid"}

FORMATS = (
    "Blu-ray",
    "Braille",
    "CassetteTape",
    "CD",
    "CD-ROM",
    "Daisy-ROM",
    "DVD",
    "EPUB",
    "EPUB2",
    "EPUB3",
    "JPEG",
    "LargePrint",
    "LP",
    "Microform",
    "MP3",
    "Multimedia",
    "PaperCopy",
    "PDF",
    "Printed",
    "Tape",
    "TIFF",
    "UltraHD",
    "VHS",
)
STANDARD_LEVEL = "Standard"
LEVELS = ("Express", "Normal", "Rush", "SecondaryMail", STANDARD_LEVEL, "Urgent")


def read_number_type(code: str) -> str:
    """`ISBN` -> `isbn`; a code that we don't have stays as it is, in lower case."""
    plain = code.strip().casefold()
    return _OTHER_NAMES.get(plain, plain)


def hyphenate_word(word: str) -> str:
    """`LargePrint` -> `large-print`, as requests have formats and levels; `CD-ROM` -> `cd-rom`."""
    return "".join(
        f"-{letter}" if letter.isupper() and index and word[index - 1].islower() else letter
        for index, letter in enumerate(word)
    ).casefold()


_WORDS = {hyphenate_word(word): word for word in (*FORMATS, *LEVELS)}


def find_list_word(hyphenated: str) -> str:
    """`large-print` -> `LargePrint`; a word that no list has stays as it is."""
    return _WORDS.get(hyphenated, hyphenated)


def reason_of_word(reason: str) -> ReasonCodes | None:
    """One of ours, or None for a word of someone else."""
    return ReasonCodes(reason) if reason in {code.value for code in ReasonCodes} else None


def read_conditions(codes: Iterable[OpenCode]) -> tuple[tuple[LoanCondition, ...], str]:
    """Ours, and the words of those that we don't have."""
    known, words = [], []
    for code in codes:
        condition = CONDITION_IN.get(code.value.casefold())
        known.append(condition or LoanCondition.OTHER)
        if condition is None:
            words.append(code.value)
    unknown = write_sentence("condition: %(words)s", words=", ".join(words)) if words else ""
    return tuple(dict.fromkeys(known)), unknown


def write_conditions(conditions: Iterable[LoanCondition]) -> tuple[OpenCode, ...]:
    """Those that the list has."""
    return tuple(OpenCode(CONDITION_OUT[condition]) for condition in conditions if condition in CONDITION_OUT)
