"""Records of several catalogues made into results: the same thing once, with all who hold it. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.identifiers import normal, normals
from gateway.domain.requests.locate import naming
from gateway.domain.requests.matching import fold_for_matching, without_article
from gateway.ports.search import FoundRecord
from gateway.services.searching.results import Holder, Result


def merged(found: Iterable[tuple[str, FoundRecord]]) -> tuple[Result, ...]:
    """`found`: by name of the target, in the order in which results are wanted. Records are the same when a number
    agrees (isbn, issn, oclc, lccn); else when title, author and year do, and no number says otherwise. One that
    couldn't be read is left out."""
    groups = _Groups()
    for target, record in found:
        if record.citation != Citation():
            groups.add(target, record)
    return tuple(_result(group.records) for group in groups.found if group.records)


@dataclass
class _Group:
    records: list[tuple[str, FoundRecord]] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)

    def contradicts(self, numbers: frozenset[str]) -> bool:
        """A number of the same kind is another."""
        return bool({_type(one) for one in self.numbers} & {_type(one) for one in numbers})


class _Groups:
    def __init__(self) -> None:
        self.found: list[_Group] = []
        self._by_number: dict[str, _Group] = {}
        self._by_text: defaultdict[str, list[_Group]] = defaultdict(list)

    def add(self, target: str, record: FoundRecord) -> None:
        numbers, text = _numbers(record.citation), _text(record.citation)
        known = list({id(one): one for one in map(self._by_number.get, numbers) if one is not None}.values())
        if not known and text:
            known = [one for one in self._by_text[text] if one.records and not one.contradicts(numbers)][:1]
        group = self._one(known)
        group.records.append((target, record))
        group.numbers |= numbers
        self._by_number.update(dict.fromkeys(group.numbers, group))
        self._by_text[text].append(group)

    def _one(self, known: list[_Group]) -> _Group:
        """A new one; or the one that is known, joined by others that nobody knew to be the same."""
        if not known:
            self.found.append(_Group())
            return self.found[-1]
        first, *others = sorted(known, key=lambda group: self.found.index(group))
        for other in others:
            first.records += other.records
            first.numbers |= other.numbers
            other.records = []
        return first


def _numbers(citation: Citation) -> frozenset[str]:
    """Volumes of one set share its numbers, and are not the same."""
    types, volume = naming(citation), fold_for_matching(citation.volume)
    return frozenset(f"{one}|{volume}" for one in normals(citation.identifiers) if _type(one) in types)


def _text(citation: Citation) -> str:
    title = without_article(fold_for_matching(re.split(r"\s+[/=]\s", citation.title, maxsplit=1)[0]))
    year = re.search(r"\d{4}", citation.published)
    author = " ".join(sorted(fold_for_matching(citation.author).split()))
    return f"{title}|{author}|{year[0] if year else ''}|{fold_for_matching(citation.volume)}" if title else ""


def _type(number: str) -> str:
    return number.partition(":")[0]


def _result(group: list[tuple[str, FoundRecord]]) -> Result:
    fullest = max((record.citation for _, record in group), key=_filled)
    numbers: dict[str, RecordId] = {}
    for _, record in group:
        for one in record.citation.identifiers:
            if one.type != "local":  # of one catalogue
                numbers.setdefault(normal(one.type, one.value) or f"{one.type}:{one.value}", one)
    holders = tuple(_holders(group))
    citation = replace(fullest, identifiers=tuple(numbers.values()), source=fullest.source or holders[0].target)
    return Result(citation=citation, holders=holders)


def _filled(citation: Citation) -> int:
    fields = ("title", "subtitle", "author", "edition", "publisher", "place", "published", "language", "series")
    return sum(bool(getattr(citation, name)) for name in fields)


def _holders(group: list[tuple[str, FoundRecord]]) -> Iterator[Holder]:
    by_target: dict[str, list[FoundRecord]] = {}
    for target, record in group:
        by_target.setdefault(target, []).append(record)
    for target, records in by_target.items():
        said = [record.holdings for record in records if record.holdings is not None]
        yield Holder(target, tuple(item for items in said for item in items) if said else None)
