"""Codes in the words of staff: conditions, answers of partners, kinds of works and services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import Event, EventKind, LoanCondition
from gateway.domain.requests.reason_words import find_reason_words
from gateway.domain.requests.request import AttemptStatus, RequestedService
from gateway.domain.sentences import Sentence, recognize_sentence
from gateway.ports.outgoing_http import NOT_ANSWERED, NOT_REACHED
from gateway.services.letters.localization import Localization, mark_text
from gateway.services.outbox.attempts import FAILURE_TEMPLATES, REFUSAL_TEMPLATE
from gateway.web.html.citation_fields import TYPES

CONDITIONS: Mapping[str, str] = {
    LoanCondition.LIBRARY_USE_ONLY: mark_text("library use only"),
    LoanCondition.NO_REPRODUCTION: mark_text("no copies"),
    LoanCondition.SIGNATURE_REQUIRED: mark_text("signature required"),
    LoanCondition.SUPERVISED: mark_text("supervised use"),
    LoanCondition.WATCHED: mark_text("supervised library use"),
    LoanCondition.NO_RENEWAL: mark_text("no renewals"),
    LoanCondition.COST: mark_text("a fee applies"),
    LoanCondition.OTHER: mark_text("other condition"),
}

ATTEMPTS: Mapping[str, tuple[str, str]] = {
    AttemptStatus.ASKED: ("waiting", mark_text("Requested")),
    AttemptStatus.EXPECTED: ("waiting", mark_text("Expects to supply")),
    AttemptStatus.WILL_SUPPLY: ("waiting", mark_text("Will supply")),
    AttemptStatus.HOLD_PLACED: ("waiting", mark_text("Reserved")),
    AttemptStatus.CONDITIONAL: ("look", mark_text("Conditional")),
    AttemptStatus.OFFERED: ("look", mark_text("Offer to decide")),
    AttemptStatus.SHIPPED: ("way", mark_text("Shipped")),
    AttemptStatus.COMPLETED: ("good", mark_text("Filled")),
    AttemptStatus.UNFILLED: ("closed", mark_text("Unfilled")),
    AttemptStatus.RETRY: ("waiting", mark_text("Retry later")),
    AttemptStatus.EXPIRED: ("closed", mark_text("Expired")),
    AttemptStatus.REJECTED: ("closed", mark_text("Rejected")),
    AttemptStatus.NO_ANSWER: ("closed", mark_text("No answer")),
    AttemptStatus.CONDITION_REFUSED: ("closed", mark_text("Condition declined")),
    AttemptStatus.SKIPPED: ("closed", mark_text("Withdrawn")),
    AttemptStatus.CANCELLED: ("closed", mark_text("Cancelled")),
    AttemptStatus.EXTRA: ("look", mark_text("Also shipped")),
    AttemptStatus.EXTRA_RETURNED: ("closed", mark_text("Returned")),
    AttemptStatus.LOST: ("late", mark_text("Lost")),
}
"""Shape of the tag and word."""

WORK_TYPES: Mapping[str, str] = {
    "book": mark_text("Book"),
    "chapter": mark_text("Chapter"),
    "journal": mark_text("Journal"),
    "article": mark_text("Article"),
    "thesis": mark_text("Thesis"),
    "conference-paper": mark_text("Conference paper"),
    "score": mark_text("Music score"),
    "map": mark_text("Map"),
    "video": mark_text("Video"),
    "audio": mark_text("Audio recording"),
    "report": mark_text("Report"),
    "patent": mark_text("Patent"),
    "newspaper": mark_text("Newspaper"),
    "archive": mark_text("Archival material"),
    "other": mark_text("Other"),
}

SERVICES: Mapping[str, str] = {
    "loan": mark_text("Loan"),
    "copy": mark_text("Copy"),
    "copy-or-loan": mark_text("Copy or loan"),
    "printed": mark_text("printed"),
    "paper-copy": mark_text("on paper"),
    "electronic": mark_text("electronic"),
    "pdf": "PDF",
    "microform": mark_text("microform"),
    "rush": mark_text("rush"),
    "express": mark_text("express"),
    "urgent": mark_text("urgent"),
}

_CITATION_FIELDS: tuple[tuple[str, str], ...] = (
    ("component_author", mark_text("Author of the part")),
    ("title", mark_text("Title")),
    ("subtitle", mark_text("Subtitle")),
    ("author", mark_text("Author")),
    ("series", mark_text("Series")),
    ("edition", mark_text("Edition")),
    ("volume", mark_text("Volume")),
    ("issue", mark_text("Issue")),
    ("pages", mark_text("Pages")),
    ("published", mark_text("Published")),
    ("publisher", mark_text("Publisher")),
    ("place", mark_text("Place")),
    ("language", mark_text("Language")),
    ("call_number", mark_text("Call number")),
    ("note", mark_text("Note")),
    ("source", mark_text("Found in")),
)

_NUMBER_LABELS = {
    "isbn": "ISBN",
    "issn": "ISSN",
    "ismn": "ISMN",
    "doi": "DOI",
    "pmid": "PubMed",
    "pmcid": "PMC",
    "oclc": "OCLC",
    "lccn": "LCCN",
}


QUESTIONS: Mapping[str, str] = {
    "cost": mark_text("cost"),
    "edition": mark_text("another edition"),
    "library-use-only": mark_text("library use only"),
    "wanted": mark_text("whether it is still wanted"),
    "other": mark_text("other"),
}
"""What a question to a patron is about."""


def describe_letter_subject(event: Event, localization: Localization) -> str:
    """Describe what staff have written to the patron about, in their words where they wrote some; empty: they
    haven't."""
    reason = event.details.reason
    if event.kind is EventKind.PATRON_ASKED and reason in QUESTIONS:
        return localization.gettext(QUESTIONS[reason])
    return reason if event.kind in (EventKind.PATRON_ASKED, EventKind.PATRON_MESSAGE) else ""


def describe_reason(reason: str, localization: Localization) -> str:
    """The partner's own words as they are."""
    return localization.translate_stored(find_reason_words(reason))


def describe_note(note: str, localization: Localization) -> str:
    """One of the program begins with a capital letter; that of a person is as it was written."""
    stored = localization.translate_stored(note)
    return f"{stored[:1].upper()}{stored[1:]}" if isinstance(note, Sentence) else stored


def describe_send_error(error: str, localization: Localization) -> str:
    """Describe why something could not be sent or done, without the code that the outbox writes before a refusal's
    sentence. Older releases stored the text alone."""
    sentence = error if isinstance(error, Sentence) else recognize_sentence(error, _SEND_ERRORS)
    if sentence.template == REFUSAL_TEMPLATE:
        return localization.translate_value(sentence.values["report"])
    return localization.translate_sentence(sentence)


_SEND_ERRORS = {text: text for text in (REFUSAL_TEMPLATE, *FAILURE_TEMPLATES.values(), NOT_REACHED, NOT_ANSWERED)}


def describe_condition(condition: str, localization: Localization) -> str:
    return localization.gettext(CONDITIONS[condition]) if condition in CONDITIONS else condition


def describe_service(service: RequestedService, localization: Localization) -> str:
    """Loan, rush"""
    words = [word for word in (service.type.value, service.format, service.level) if word not in ("", "core")]
    return ", ".join(localization.gettext(SERVICES[word]) if word in SERVICES else word for word in words)


def list_work_types(localization: Localization) -> tuple[tuple[str, str], ...]:
    """Value and word, as forms offer them."""
    return tuple((work_type.value, localization.gettext(WORK_TYPES[work_type.value])) for work_type in TYPES)


def list_citation_rows(citation: Citation, localization: Localization) -> Iterator[tuple[str, str, bool]]:
    """Label, value, whether it is a code; but for the title that stands above them."""
    heading = citation.component_title or citation.title
    for name, label in _CITATION_FIELDS:
        value = getattr(citation, name)
        if not value or value == heading:
            continue
        if name == "published":
            value = localization.format_written_day(value)
        elif name == "language":
            value = localization.language_name(value)
        yield localization.gettext(label), value, False
    for number in citation.identifiers:
        yield _NUMBER_LABELS.get(number.type, number.type), number.value, True
    for extra in citation.extras:
        if extra.is_bibliographic:
            yield extra.name, extra.value, False
