"""Catalogues searched for people; their query language; results merged.

All words must fit. In quotes they stand together; a word that ends in * stands for all that begin with it.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest

from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.catalogue_policy import naming_number_types
from gateway.domain.requests.citation import Citation, format_issn, list_isbn_forms, normalize_number, normalize_numbers
from gateway.domain.requests.citation_matching import drop_article
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import (
    CatalogueQuery,
    FoundRecord,
    HeldItem,
    SearchHits,
    SearchIndex,
    SearchTerm,
    TermMatch,
)
from gateway.profiles.checks import locate_sections
from gateway.services.requests.library_context import LibraryContext
from gateway.services.searching.lookup import queries_for_number
from gateway.services.searching.targets import CatalogueClient, CatalogueTarget, failure_reason, find_catalogue

LookUp = Callable[[RecordId], Awaitable[Citation | None]]
"""Finds what is known about a number. None: no catalogue knows it. Raises Unavailable when none could say so."""

AT_ONCE = timedelta(0)
"""Staff see what is there now; an answer is kept for nobody but who asks meanwhile."""

KNOWN_FOR = timedelta(hours=1)
"""A number's description hardly changes."""

_PART = re.compile(r'(?:(?P<index>[A-Za-z]+):(?=\S))?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))')

_INDEXES = {index.value: index for index in SearchIndex} | {
    "any": SearchIndex.ANY,
    "au": SearchIndex.AUTHOR,
    "ti": SearchIndex.TITLE,
    "pub": SearchIndex.PUBLISHER,
    "date": SearchIndex.YEAR,
}
NAMES = tuple(sorted(index.value for index in SearchIndex))


@value_object
class CatalogueSearch:
    context: LibraryContext
    asker: CatalogueClient

    def targets(self) -> tuple[SearchableTarget, ...]:
        """Groups first. Raises NotFound."""
        groups = [
            SearchableTarget(name=name, members=names)
            for name, names in self.context.policy().catalogues.groups.items()
        ]
        searchable_targets = [
            SearchableTarget(name=own.name, description=own.description, by=by[0])
            for own in self.context.own_profiles()
            if (by := locate_sections(own, self.asker.searches))
        ]
        return (*groups, *sorted(searchable_targets, key=lambda target: target.name))

    async def search(self, where: str, query: CatalogueQuery, records: int = 0) -> SearchOutcome:
        """`where`: a profile or a group; `records` of each target at most, 0: as requests.yml says. One that gives no
        answer is named, and the others are shown. Raises NotFound."""
        rules = self.context.policy().catalogues
        slots = asyncio.Semaphore(rules.at_once)

        async def ask_target(name: str) -> tuple[TargetAnswer, tuple[FoundRecord, ...]]:
            async with slots:
                return await self._search_target(name, query, records or rules.records)

        names = _list_target_names(self.context, where)
        came = await asyncio.gather(*map(ask_target, names))
        ranked = _interleave_records((name, hits) for name, (_, hits) in zip(names, came, strict=True))
        return SearchOutcome(tuple(answer for answer, _ in came), merge_results(ranked))

    async def find_by_identifier(self, number: RecordId) -> Citation | None:
        """See `LookUp`. The catalogues of `catalogues.look_up` are asked at once; the first that knows it counts."""
        where = self.context.policy().catalogues.look_up
        if not where or not queries_for_number(number):
            return None
        asked = [
            asyncio.create_task(self._look_up_number(name, number)) for name in _list_target_names(self.context, where)
        ]
        try:
            return await _first_citation(asked)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _search_target(
        self, name: str, query: CatalogueQuery, count: int
    ) -> tuple[TargetAnswer, tuple[FoundRecord, ...]]:
        seconds, clock = self.context.policy().catalogues.seconds, asyncio.get_running_loop().time
        begun = clock()
        try:
            target = self._find_target(name)
            hits = await self.asker.search(target, query, count=count, seconds=seconds, keep=AT_ONCE)
        except (Unavailable, Refused) as error:
            return TargetAnswer(target=name, seconds=clock() - begun, problem=failure_reason(error)), ()
        return _make_target_answer(name, hits, clock() - begun), hits.records

    async def _look_up_number(self, name: str, number: RecordId) -> Citation | None:
        """Look up a number; raises Unavailable, also for a target that refused."""
        seconds = self.context.policy().catalogues.seconds
        try:
            target = self._find_target(name)
            for query in queries_for_number(number):
                hits = await self.asker.search(target, query, count=5, seconds=seconds, keep=KNOWN_FOR)
                for record in hits.records:
                    if _is_wanted_record(record, number, hits):
                        return record.citation
        except Refused as refused:
            raise Unavailable(failure_reason(refused)) from refused
        return None

    def _find_target(self, name: str) -> CatalogueTarget:
        """A partner that shares a catalogue is searched there. Raises Refused(INVALID_VALUE)."""
        profile = self.context.profile(name)
        if profile is None:
            raise Refused(
                RefusalReason.INVALID_VALUE, write_sentence("Profile '%(name)s' not found.", name=name), value=name
            )
        return find_catalogue(profile, self.context.own_profiles(), self.asker.searches)


def _list_target_names(context: LibraryContext, where: str) -> tuple[str, ...]:
    """List the targets; raises NotFound."""
    groups = context.policy().catalogues.groups
    if where in groups:
        return groups[where]
    profile = context.profile(where)
    if profile is None or profile.abstract:
        raise NotFound("target")
    return (profile.name,)


def _is_wanted_record(record: FoundRecord, number: RecordId, hits: SearchHits) -> bool:
    """It has the number; or it is the only hit, and shows no number of that kind."""
    wanted, there = normalize_numbers([number]), normalize_numbers(record.citation.identifiers)
    shows = {key.partition(":")[0] for key in there}
    alone = hits.total == 1 and not record.problem and not any(key.partition(":")[0] in shows for key in wanted)
    return bool(wanted & there) or alone


def _make_target_answer(name: str, hits: SearchHits, seconds: float) -> TargetAnswer:
    unread = tuple(f"record {record.position}: {record.problem}" for record in hits.records if record.problem)
    return TargetAnswer(
        target=name,
        total=hits.total,
        shown=len(hits.records),
        seconds=seconds,
        asked=hits.asked,
        notes=(*hits.notes, *unread),
    )


def _interleave_records(lists: Iterable[tuple[str, tuple[FoundRecord, ...]]]) -> Iterator[tuple[str, FoundRecord]]:
    """The first of each target, then the second of each …"""
    columns = [[(name, record) for record in records] for name, records in lists]
    for row in zip_longest(*columns):
        yield from filter(None, row)


async def _first_citation(asked: list[asyncio.Task[Citation | None]]) -> Citation | None:
    """Return the first of the answers that is a citation. Raises Unavailable when all fail."""
    failures: list[Unavailable] = []
    for answer in asyncio.as_completed(asked):
        try:
            if (citation := await answer) is not None:
                return citation
        except Unavailable as error:
            failures.append(error)
    if failures and len(failures) == len(asked):
        raise failures[0]
    return None


def merge_results(pairs: Iterable[tuple[str, FoundRecord]]) -> tuple[SearchResult, ...]:
    """`found`: by name of the target, in the order in which results are wanted. Records are the same when a number
    agrees (isbn, issn, oclc, lccn); else when title, author and year do, and no number says otherwise. One that
    couldn't be read is left out."""
    groups = _RecordGroups()
    for target, record in pairs:
        if record.citation != Citation():
            groups.add_record(target, record)
    return tuple(_make_result(group.records) for group in groups.found if group.records)


@dataclass
class _RecordGroup:
    records: list[tuple[str, FoundRecord]] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)

    def has_conflicting_number(self, numbers: frozenset[str]) -> bool:
        """A number of the same kind is another."""
        return bool({_number_type(number) for number in self.numbers} & {_number_type(number) for number in numbers})


class _RecordGroups:
    def __init__(self) -> None:
        self.found: list[_RecordGroup] = []
        self._by_number: dict[str, _RecordGroup] = {}
        self._by_text: defaultdict[str, list[_RecordGroup]] = defaultdict(list)

    def add_record(self, target: str, record: FoundRecord) -> None:
        numbers, text = _identity_numbers(record.citation), _identity_text(record.citation)
        groups = list({id(group): group for group in map(self._by_number.get, numbers) if group is not None}.values())
        if not groups and text:
            groups = [old for old in self._by_text[text] if old.records and not old.has_conflicting_number(numbers)][:1]
        group = self._join_groups(groups)
        group.records.append((target, record))
        group.numbers |= numbers
        self._by_number.update(dict.fromkeys(group.numbers, group))
        self._by_text[text].append(group)

    def _join_groups(self, groups: list[_RecordGroup]) -> _RecordGroup:
        """A new one; or the one that is known, joined by others that nobody knew to be the same."""
        if not groups:
            self.found.append(_RecordGroup())
            return self.found[-1]
        first, *others = sorted(groups, key=lambda group: self.found.index(group))
        for other in others:
            first.records += other.records
            first.numbers |= other.numbers
            other.records = []
        return first


def _identity_numbers(citation: Citation) -> frozenset[str]:
    """Volumes of one set share its numbers, and are not the same."""
    types, volume = naming_number_types(citation), fold_text(citation.volume)
    return frozenset(f"{key}|{volume}" for key in normalize_numbers(citation.identifiers) if _number_type(key) in types)


def _identity_text(citation: Citation) -> str:
    title = drop_article(fold_text(re.split(r"\s+[/=]\s", citation.title, maxsplit=1)[0]))
    year = re.search(r"\d{4}", citation.published)
    author = " ".join(sorted(fold_text(citation.author).split()))
    return f"{title}|{author}|{year[0] if year else ''}|{fold_text(citation.volume)}" if title else ""


def _number_type(number: str) -> str:
    return number.partition(":")[0]


def _make_result(group: list[tuple[str, FoundRecord]]) -> SearchResult:
    fullest = max((record.citation for _, record in group), key=_count_filled_fields)
    numbers: dict[str, RecordId] = {}
    for _, record in group:
        for id_ in record.citation.identifiers:
            if id_.type != "local":  # of one catalogue
                numbers.setdefault(normalize_number(id_.type, id_.value) or f"{id_.type}:{id_.value}", id_)
    holders = tuple(_make_holders(group))
    citation = replace(fullest, identifiers=tuple(numbers.values()), source=fullest.source or holders[0].target)
    return SearchResult(citation=citation, holders=holders)


def _count_filled_fields(citation: Citation) -> int:
    fields = ("title", "subtitle", "author", "edition", "publisher", "place", "published", "language", "series")
    return sum(bool(getattr(citation, name)) for name in fields)


def _make_holders(group: list[tuple[str, FoundRecord]]) -> Iterator[ResultHolder]:
    by_target: dict[str, list[FoundRecord]] = {}
    for target, record in group:
        by_target.setdefault(target, []).append(record)
    for target, records in by_target.items():
        holdings = [record.holdings for record in records if record.holdings is not None]
        yield ResultHolder(target, tuple(item for items in holdings for item in items) if holdings else None)


@value_object
class ResultHolder:
    """A target that has it. `holdings` None: it said nothing about them."""

    target: str
    holdings: tuple[HeldItem, ...] | None = None


@value_object(kw_only=True)
class SearchResult:
    """`citation`: the fullest description, with the numbers of all."""

    citation: Citation
    holders: tuple[ResultHolder, ...]


@value_object(kw_only=True)
class TargetAnswer:
    """One target. `total`: its own count; `shown`: so many records came. `asked`: the question in its own notation.
    `problem`: why it gave no answer; empty: it did. `notes`: what it remarked."""

    target: str
    total: int = 0
    shown: int = 0
    seconds: float = 0.0
    asked: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()


@value_object
class SearchOutcome:
    """`answers` in the order of the group; `results` best placed first."""

    answers: tuple[TargetAnswer, ...]
    results: tuple[SearchResult, ...]


@value_object(kw_only=True)
class SearchableTarget:
    """The profile with a catalogue, or the group of them, that a search can be made in. `description`: whose catalogue
    it is, in words; `members`: of a group."""

    name: str
    description: str = ""
    by: str = ""
    members: tuple[str, ...] = ()


def parse_query(text: str) -> CatalogueQuery:
    """Parse a query; raises Refused(INVALID_VALUE): nothing to look for, or an index that there isn't."""
    terms: list[SearchTerm] = []
    for match in _PART.finditer(text):
        if (term := _make_term(match)) is None:
            continue
        before = terms[-1] if terms else None
        if before is not None and _is_continuation(before, term):
            terms[-1] = SearchTerm(before.index, f"{before.value} {term.value}")
        else:
            terms.append(term)
    if not terms:
        raise Refused(RefusalReason.INVALID_VALUE, "The query is empty.")
    return CatalogueQuery(tuple(terms))


def native_query(text: str) -> CatalogueQuery:
    """Make a query in the protocol's own notation. Raises Refused(INVALID_VALUE)."""
    if not text.strip():
        raise Refused(RefusalReason.INVALID_VALUE, "The query is empty.")
    return CatalogueQuery(native=text.strip())


def _make_term(match: re.Match[str]) -> SearchTerm | None:
    phrase = match["phrase"]
    value = (phrase if phrase is not None else match["word"]).strip()
    index = _find_index(match["index"] or "")
    if not value.strip("*"):
        return None
    if phrase is not None:
        return SearchTerm(
            index, _normalize_term_value(index, value), TermMatch.PHRASE if index in _WORDED else TermMatch.WORDS
        )
    if value.endswith("*"):
        return SearchTerm(index, value.rstrip("*"), TermMatch.BEGINS)
    return SearchTerm(index, _normalize_term_value(index, value))


_WORDED = (SearchIndex.ANY, SearchIndex.TITLE, SearchIndex.AUTHOR, SearchIndex.SUBJECT, SearchIndex.PUBLISHER)


def _find_index(name: str) -> SearchIndex:
    if not name:
        return SearchIndex.ANY
    if (index := _INDEXES.get(name.lower())) is None:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence(
                "Index '%(name)s' not found. Available: %(value)s. Put a title that contains a colon in quotation "
                "marks.",
                name=name,
                value=", ".join(NAMES),
            ),
            value=name,
        )
    return index


def _normalize_term_value(index: SearchIndex, value: str) -> str:
    """Write a value in the form in which catalogues have it; what isn't such a number stays as it is."""
    match index:
        case SearchIndex.ISBN:
            return next(iter(list_isbn_forms(value)), value)
        case SearchIndex.ISSN:
            return format_issn(value) or value
        case SearchIndex.OCLC | SearchIndex.LCCN:
            return normalize_number(index.value, value).partition(":")[2] or value
    return value


def _is_continuation(before: SearchTerm, term: SearchTerm) -> bool:
    """Plain words one after the other are one term."""
    return before.index is term.index is SearchIndex.ANY and before.match is term.match is TermMatch.WORDS
