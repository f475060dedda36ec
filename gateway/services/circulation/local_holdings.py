"""Copies that the library itself has of something: found by its numbers, else by title and author; and what of it is
free.

Where nobody could look, or what was found may be it or not, nobody knows: that is not the same as not having it.
"""

from __future__ import annotations

from collections.abc import Iterable

from stdnum import isbn, issn

from gateway.domain.library import Bib, Item, ItemStatus, RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.catalogue_policy import TitleSearch, is_serial, naming_number_types
from gateway.domain.requests.citation import Citation, CitationType, canonical_type
from gateway.domain.requests.citation_matching import (
    author_similarity,
    compare_with_hit,
    rank_candidates,
    year_similarity,
)
from gateway.domain.requests.fulfilment import Availability
from gateway.domain.requests.request import ItemCandidate
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import BibHoldings, Capability

LOOKED_UP = ("local", "isbn", "issn", "ismn", "oclc", "lccn", "doi")
"""Types of numbers that the library's system is asked for."""

NOT_ONE_RECORD = (RefusalReason.UNKNOWN_RECORD, RefusalReason.AMBIGUOUS_ITEM)
"""Refusals that say what the catalogue has under a number; any other says that it did not look."""

MAX_NUMBERS = 6
"""Most numbers that are looked up: anybody can make a link, and each number is a question to the library's system."""

MAX_EDITIONS = 5
"""Most records that are looked at where a number, or a title, belongs to several."""

MAX_RECORDS = 20

MIN_CONFIDENCE_PERCENT = 75
"""A record that is less alike is no reason to think that the library has it."""

TITLE_RULES = TitleSearch()
"""As at partners whose profile says nothing else."""


@value_object(kw_only=True)
class LocalCopies:
    """`copies`: lasting ones of `bib`, free ones first; `free`: ids of those that nobody waits for. `record`: what the
    numbers belong to, with copies or without. `candidates`: records that may be it, with the best copy of each.
    `away`: the library's system could not be asked."""

    availability: Availability
    bib: Bib | None = None
    copies: tuple[Item, ...] = ()
    free: frozenset[str] = frozenset()
    record: Bib | None = None
    candidates: tuple[ItemCandidate, ...] = ()
    away: bool = False


NOT_HELD = LocalCopies(availability=Availability.NOT_HELD)
UNKNOWN = LocalCopies(availability=Availability.UNKNOWN)
AWAY = LocalCopies(availability=Availability.UNKNOWN, away=True)

_RANK = {Availability.AVAILABLE: 0, Availability.OUT: 1, Availability.UNKNOWN: 2, Availability.NOT_HELD: 3}


async def find_local_copies(system: LibrarySystem, citation: Citation) -> LocalCopies:
    """Find copies as `look_up_copies` does, but AWAY where the system doesn't answer. Raises Refused where it says no
    to looking up."""
    try:
        return await look_up_copies(system, citation)
    except Unavailable:
        return AWAY


async def look_up_copies(system: LibrarySystem, citation: Citation) -> LocalCopies:
    """The record whose copy is soonest to be had. Raises Refused, Unavailable."""
    if not can_look_up_records(system):
        return AWAY
    by_number = await _find_by_numbers(system, citation)
    if by_number.copies or any(_names_work(identifier, citation) for identifier in citation.identifiers):
        return by_number
    if Capability.SEARCH not in system.capabilities or not citation.title:
        return replace(by_number, availability=Availability.UNKNOWN)
    return replace(await _find_by_words(system, citation), record=by_number.record)


def can_look_up_records(system: LibrarySystem) -> bool:
    """Return whether a record is found by its numbers, with its copies. Where it isn't, nobody knows what the library
    has."""
    return system.capabilities >= {Capability.BIB_FIND, Capability.ITEM_AVAILABILITY}


# --- by numbers ----------------------------------------------------------------------------------------------


async def _find_by_numbers(system: LibrarySystem, citation: Citation) -> LocalCopies:
    best, record = NOT_HELD, None
    for number in _select_lookup_numbers(citation):
        copies = await _find_copies_by_number(system, number)
        record = record or copies.record
        best = min(best, copies, key=_rank_of_copies)
        if copies.availability is Availability.AVAILABLE:
            break
    return replace(best, record=best.bib or record)


def _rank_of_copies(copies: LocalCopies) -> int:
    return _RANK[copies.availability]


def _select_lookup_numbers(citation: Citation) -> tuple[RecordId, ...]:
    """Select numbers in the link's order, each once."""
    return tuple(dict.fromkeys(id_ for id_ in citation.identifiers if id_.type in LOOKED_UP))[:MAX_NUMBERS]


def _names_work(number: RecordId, citation: Citation) -> bool:
    """Return whether a catalogue that doesn't have this number doesn't have the work. A wrong check digit finds
    nothing, DOIs aren't in libraries' catalogues, and the ISSN of a book is the one of its series."""
    type_ = canonical_type(number.type)
    if type_ in ("isbn", "issn"):
        checked = isbn if type_ == "isbn" else issn
        return type_ in naming_number_types(citation) and checked.is_valid(number.value)
    return type_ in LOOKED_UP and type_ != "doi"


async def _find_copies_by_number(system: LibrarySystem, number: RecordId) -> LocalCopies:
    records = await _find_records(system, number)
    if records is None:
        return UNKNOWN
    copies = [_copies_of_holdings(await system.holdings(bib.id)) for bib in records]
    return min(copies, key=_rank_of_copies, default=NOT_HELD)


async def _find_records(system: LibrarySystem, number: RecordId) -> tuple[Bib, ...] | None:
    """None: there are several, and the system can't say which."""
    try:
        return (await system.find_bib(number),)
    except Refused as refused:
        if refused.reason not in NOT_ONE_RECORD:
            raise
        if refused.reason is RefusalReason.UNKNOWN_RECORD:
            return ()
    if Capability.SEARCH not in system.capabilities:
        return None
    several = await system.search_bibs(number.value, MAX_EDITIONS)
    return tuple(bib for bib in several if any(identifier.type == number.type for identifier in bib.identifiers))


# --- by title and author -------------------------------------------------------------------------------------


async def _find_by_words(system: LibrarySystem, citation: Citation) -> LocalCopies:
    bibs = {bib.id: bib for bib in await search_by_words(system, citation) if not bib.suppressed}
    rated = [hit for hit in rank_candidates(citation, bibs.values()) if hit.confidence >= MIN_CONFIDENCE_PERCENT]
    held = {
        candidate.bib_id: copies
        for candidate in rated[:MAX_EDITIONS]
        if (copies := _copies_of_holdings(await system.holdings(candidate.bib_id))).copies
    }
    candidates = tuple(_add_best_copy(hit, held[hit.bib_id]) for hit in rated if hit.bib_id in held)
    same = [held[candidate.bib_id] for candidate in candidates if _is_same_work(citation, bibs[candidate.bib_id])]
    if same:
        return replace(min(same, key=_rank_of_copies), candidates=candidates)
    return replace(UNKNOWN if candidates else NOT_HELD, candidates=candidates)


async def search_by_words(system: LibrarySystem, citation: Citation) -> tuple[Bib, ...]:
    """Search by title and author, else by the title, else by the title without its subtitle: of what is looked for all
    words must occur. None where the system can't be searched by words. Raises Refused, Unavailable."""
    if not citation.title or Capability.SEARCH not in system.capabilities:
        return ()
    author = citation.author.partition(";")[0].partition(",")[0]
    main_title = citation.title.partition(":")[0]
    for words in dict.fromkeys((f"{citation.title} {author}".strip(), citation.title, main_title)):
        if bibs := await system.search_bibs(words, MAX_RECORDS):
            return bibs
    return ()


def _is_same_work(citation: Citation, bib: Bib) -> bool:
    """Compare as a partner's catalogue is judged; a title alone is enough for a journal only."""
    cited = citation_of_record(bib)
    if not compare_with_hit(citation, cited, TITLE_RULES).same:
        return False
    if is_serial(citation):
        return cited.type is CitationType.JOURNAL
    return author_similarity(citation.author, bib.author) is not None or bool(
        year_similarity(citation.published, bib.published)
    )


def _add_best_copy(candidate: ItemCandidate, local_copies: LocalCopies) -> ItemCandidate:
    best = local_copies.copies[0]
    lendable = best.id in local_copies.free
    return replace(
        candidate,
        barcode=best.barcode,
        call_number=best.call_number,
        lendable=lendable,
        why_not="" if lendable else write_sentence("no copy is available"),
    )


def citation_of_record(bib: Bib) -> Citation:
    types = {identifier.type for identifier in bib.identifiers}
    return Citation(
        type=CitationType.JOURNAL if "issn" in types and "isbn" not in types else CitationType.BOOK,
        title=bib.title,
        author=bib.author,
        identifiers=tuple(identifier for identifier in bib.identifiers if identifier.type != "local"),
        edition=bib.edition,
        publisher=bib.publisher,
        place=bib.place,
        published=bib.published,
        series=bib.series,
        language=bib.language,
    )


# --- copies --------------------------------------------------------------------------------------------------


def _copies_of_holdings(holdings: BibHoldings) -> LocalCopies:
    copies = [item for item in holdings.items if not item.temporary]
    if not copies:
        return replace(NOT_HELD, record=holdings.bib)
    free = list_free_copies(item for item in copies if item.circulates)
    copies.sort(key=lambda item: item.id not in free)
    return LocalCopies(
        availability=Availability.AVAILABLE if free else Availability.OUT,
        bib=holdings.bib,
        copies=tuple(copies),
        free=free,
        record=holdings.bib,
    )


def list_free_copies(copies: Iterable[Item]) -> frozenset[str]:
    """Ids of the copies of one record that are on the shelf, less one for each hold that any copy may fill: three
    copies and one hold are two that are free. `hold_count` of an item counts both the holds on it alone and those on
    any copy; the latter are what all copies have in common."""
    items = list(copies)
    on_any = min((item.hold_count for item in items), default=0)
    on_shelf = [item for item in items if item.status is ItemStatus.AVAILABLE and item.hold_count == on_any]
    return frozenset(item.id for item in on_shelf[: max(0, len(on_shelf) - on_any)])
