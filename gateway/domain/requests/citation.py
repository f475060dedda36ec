"""What is asked for: a book, an article, a score … with all that was said about it."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.library import RecordId


class CitationType(StrEnum):
    BOOK = "book"
    CHAPTER = "chapter"
    JOURNAL = "journal"  # a whole volume or issue
    ARTICLE = "article"
    THESIS = "thesis"
    CONFERENCE_PAPER = "conference-paper"
    SCORE = "score"
    MAP = "map"
    VIDEO = "video"
    AUDIO = "audio"
    REPORT = "report"
    PATENT = "patent"
    NEWSPAPER = "newspaper"
    ARCHIVE = "archive"
    OTHER = "other"


@frozen
class Extra:
    """A field that the gateway has no place for: kept, shown and passed on, never dropped (facts/users-want.md 12).

    `kind` says how `value` is to be read: text, number, date (ISO 8601) or boolean (true, false).
    """

    name: str
    value: str
    kind: str = "text"


@frozen_by_name
class Citation:
    """A part (chapter, article) has its own title and author in `component_…`; title and author are those of the
    book or journal that holds it. `original` is what came in, untouched."""

    type: CitationType = CitationType.OTHER
    title: str = ""
    subtitle: str = ""
    author: str = ""
    component_title: str = ""
    component_author: str = ""
    series: str = ""
    edition: str = ""
    publisher: str = ""
    place: str = ""
    published: str = ""  # as cited: '1987', '2014-03'
    volume: str = ""
    issue: str = ""
    pages: str = ""  # pages requested
    language: str = ""
    call_number: str = ""
    identifiers: tuple[RecordId, ...] = ()  # isbn, issn, ismn, doi, pmid, oclc, lccn, local and other words
    source: str = ""  # where the citation was found
    note: str = ""
    extras: tuple[Extra, ...] = ()
    original: str = ""

    @property
    def is_part(self) -> bool:
        return self.type in (CitationType.CHAPTER, CitationType.ARTICLE, CitationType.CONFERENCE_PAPER)

    @property
    def short(self) -> str:
        """One line for lists: the part's title where there is one, and who wrote it."""
        title = self.component_title or self.title or "(no title)"
        author = self.component_author or self.author
        return f"{title} / {author}" if author else title

    def identifier(self, type_: str) -> str:
        return next((one.value for one in self.identifiers if one.type == type_), "")
