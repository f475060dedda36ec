"""Ports Catalogue, RecordSearch and LinkFormat: finding and citing what libraries hold.

A target is a profile with the protocol's own section: address, database, how its records and holdings are read. What
is looked for, and what a found holding means for a rota, is the gateway's (`domain.requests.catalogue_policy`). A
LinkFormat is pure: it fetches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.domain.sentences import compose_sentence
from gateway.domain.value import value_object


class HoldingAnswer(StrEnum):
    OWNS = "owns"
    NOT = "not"
    NOT_LENT = "not-lent"  # it owns it, and doesn't lend it
    UNKNOWN = "unknown"  # nobody could be asked: whether the partner is asked all the same is the rota's to say


@value_object
class HoldingsReport:
    """`note` is one line for the attempt: what was asked, what was found. `seconds`: how long that took; 0: nobody was
    asked. `skip`: UNKNOWN since the catalogue gave no answer, and the partner's profile says to skip it then. `record`:
    the partner's own number of the record that was found."""

    holding: HoldingAnswer
    note: str = ""
    seconds: float = 0.0
    skip: bool = False
    record: str = ""

    @property
    def report_line(self) -> str:
        """All of it, for staff."""
        if not self.seconds:
            return self.note
        took = Decimal(f"{self.seconds:.2f}")
        return compose_sentence("%(note)s (%(seconds)s s)", note=self.note, seconds=took)


class Catalogue(Protocol):
    async def holds(
        self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN
    ) -> HoldingsReport:
        """Look for holdings; raises nothing: a catalogue that can't be reached is UNKNOWN."""
        ...


@value_object
class LocationReport:
    """The holdings of a record that a union catalogue shows at one location; `note` as that of `HoldingsReport`."""

    location: str
    holding: HoldingAnswer
    note: str = ""


@runtime_checkable
class ListsHolders(Protocol):
    """A `Catalogue` that lists who holds a work."""

    async def list_holders(self, citation: Citation, union: Profile, service: ServiceType) -> Sequence[LocationReport]:
        """List the locations that a union catalogue shows for a work, each once. Raises Unavailable, and Refused where
        the profile has no catalogue."""
        ...


class SearchIndex(StrEnum):
    """The index in which a term is looked for; each protocol maps them (Bib-1 use attributes, CQL indexes)."""

    ANY = "any"
    TITLE = "title"
    AUTHOR = "author"
    ISBN = "isbn"
    ISSN = "issn"
    OCLC = "oclc"
    LCCN = "lccn"
    STANDARD = "standard"  # a standard number of any kind
    LOCAL = "local"  # the target's own number of the record
    SUBJECT = "subject"
    PUBLISHER = "publisher"
    YEAR = "year"


class TermMatch(StrEnum):
    """The way in which the words of a term are taken."""

    WORDS = "words"  # all of them, in any order
    PHRASE = "phrase"  # together, in this order
    BEGINS = "begins"  # the field begins with it, right truncation


@value_object
class SearchTerm:
    index: SearchIndex
    value: str
    match: TermMatch = TermMatch.WORDS


@value_object
class CatalogueQuery:
    """All terms must fit. `native`: the protocol's own notation (PQF, CQL) instead of terms, as operators write it."""

    terms: tuple[SearchTerm, ...] = ()
    native: str = ""


@value_object(kw_only=True)
class HeldItem:
    """A copy, or a run of volumes, that a catalogue shows. `available` None: not said. `volumes`: enumeration and
    chronology as printed; `policy`: the catalogue's word for who may have it."""

    location: str = ""
    sublocation: str = ""
    call_number: str = ""
    barcode: str = ""
    policy: str = ""
    status: str = ""
    available: bool | None = None
    due: date | None = None
    volumes: str = ""
    note: str = ""


@value_object(kw_only=True)
class FoundRecord:
    """One record of a hit list. `position` counts from 1. `holdings` None: the target said nothing about them; empty:
    it said that there are none. `problem`: what stands in the record's place, or what could not be read of it."""

    position: int
    citation: Citation = Citation()
    holdings: tuple[HeldItem, ...] | None = None
    syntax: str = ""  # marc21, unimarc, xml, mods, dc, opac, sutrs
    raw: bytes = field(default=b"", repr=False)
    problem: str = ""


@value_object(kw_only=True)
class SearchHits:
    """`total` is the target's count; `records` the slice that was asked for. `asked`: the query in the protocol's own
    notation, for whoever wonders; `notes`: diagnostics that didn't stop it."""

    total: int
    records: tuple[FoundRecord, ...] = ()
    asked: str = ""
    notes: tuple[str, ...] = ()


class RecordSearch(Protocol):
    """A search for records; raises Unavailable (no answer, not in time, the connection broke), Refused (the target said
    no, with its own diagnostic in the detail: signing in, an index or syntax that it doesn't know, a query that can't
    be said)."""

    @property
    def name(self) -> str:
        """The name of the section of a profile: z3950, sru."""
        ...

    async def search(self, target: Profile, query: CatalogueQuery, *, start: int = 1, count: int = 10) -> SearchHits:
        """`count` 0: only how many there are. Who is cancelled leaves no connection in a doubtful state behind."""
        ...

    async def terms(self, target: Profile, term: SearchTerm, *, count: int = 10) -> tuple[tuple[str, int], ...]:
        """Scan: terms of the index from this one on, each with the number of records, 0 where that isn't said."""
        ...

    async def close(self) -> None:
        """Connections that are kept. Never raises."""
        ...


@value_object
class ReceivedLink:
    """A link as it came: `query` is what stood behind the question mark, undecoded; `form` the body of a POST of
    `content_type`; a link may have both."""

    query: bytes = field(default=b"", repr=False)
    form: bytes = field(default=b"", repr=False)
    content_type: str = ""


@value_object(kw_only=True)
class LinkCitation:
    """The citation in a link. `requester`: who asks, as the link has it, never believed without signing in; `referrer`:
    where it came from (sid, rfr_id). `unknown`: what was not understood or looked wrong, one line each, for the page
    and the journal. `noise`: those of them that say nothing about the work, such as keys that systems write for each
    other or values that were mended; readers aren't shown them."""

    citation: Citation
    service: ServiceType
    requester: str = field(default="", repr=False)
    referrer: str = ""
    unknown: tuple[str, ...] = ()
    noise: frozenset[str] = frozenset()

    @property
    def doubts(self) -> tuple[str, ...]:
        """Lines of `unknown` for whoever reads the page."""
        return tuple(line for line in self.unknown if line not in self.noise)


class LinkFormat(Protocol):
    @property
    def name(self) -> str: ...

    def decode(self, link: ReceivedLink) -> LinkCitation:
        """Decode a link; raises MalformedMessage only where nothing at all can be read, such as XML that isn't any; an
        empty link is an empty citation."""
        ...

    def encode(self, citation: Citation, service: ServiceType) -> str:
        """The same citation as a query string in the format's plain form; decode(encode(x)) means the same."""
        ...
