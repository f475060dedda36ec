"""Requests found by what somebody types: whole numbers, or beginnings of words (`domain.requests.search_terms`).

What a look costs is bounded by MAX_HITS, however many requests there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.domain.requests.search_terms import SearchQuestion, SearchTermKind, fold_number
from gateway.domain.value import value_object
from gateway.sql.statements import PreparedStatement, gather_missing_rows
from gateway.store.requests.tables import request_term

MAX_HITS = 2_000
"""Requests that one look considers: of a number that has more, the newest; a word that begins more is told apart by the
other words, or by the newest of the list."""

_LAST = "\U0010ffff"
"""Sorts behind every letter."""

_t = request_term.c
_REMOVE = PreparedStatement(
    delete(request_term).where(
        _t.library == bindparam("library"),
        _t.kind == bindparam("kind"),
        _t.term == bindparam("term"),
        _t.request_id == bindparam("request_id"),
    ),
    request_term,
    ("library", "kind", "term", "request_id"),
)
_BY_NUMBER = PreparedStatement(
    select(_t.request_id)
    .where(_t.library == bindparam("library"), _t.kind == bindparam("kind"), _t.term == bindparam("term"))
    .order_by(_t.request_id.desc())
    .limit(MAX_HITS)
)
_BEGINNING = (
    _t.library == bindparam("library"),
    _t.kind == SearchTermKind.WORD.value,
    _t.term >= bindparam("beginning"),
    _t.term < bindparam("end"),
)
_BY_WORD = PreparedStatement(select(_t.request_id).where(*_BEGINNING).limit(MAX_HITS + 1))
_HIT_COUNT = PreparedStatement(
    select(func.count().label("n")).select_from(select(_t.term).where(*_BEGINNING).limit(MAX_HITS + 1).subquery())
)


@value_object
class NumberHit:
    """A request that has the number, and what it is to it."""

    request_id: str
    kind: SearchTermKind


def find_by_search_number(
    connection: Connection, library: str, question: SearchQuestion, kinds: Collection[SearchTermKind]
) -> tuple[NumberHit, ...]:
    """Requests that have what was typed as a whole number, by kind and newest first."""
    hits: dict[NumberHit, None] = {}
    for kind in SearchTermKind:
        if kind not in kinds:
            continue
        standard = question.standard_numbers if kind is SearchTermKind.STANDARD else ()
        for number in dict.fromkeys((question.number, *standard)):
            asked = {"library": library, "kind": kind.value, "term": number}
            hits |= {NumberHit(row.request_id, kind): None for row in _BY_NUMBER.fetch_all(connection, asked)}
    return tuple(hits)


def find_ids_by_term(
    connection: Connection, library: str, kind: SearchTermKind, number: str, limit: int
) -> tuple[str, ...]:
    """Find requests that have this number of this kind, as it is folded."""
    mine = (_t.library == library, _t.kind == kind.value, _t.term == fold_number(number))
    return tuple(connection.execute(select(_t.request_id).where(*mine).limit(limit)).scalars())


def find_by_label(connection: Connection, library: str, label: str) -> frozenset[str] | None:
    """Ids of the requests that have the label, or one that is written much like it. None: more than MAX_HITS have."""
    asked = {"library": library, "kind": SearchTermKind.LABEL.value, "term": fold_number(label)}
    rows = _BY_NUMBER.fetch_all(connection, asked)
    return None if len(rows) >= MAX_HITS else frozenset(row.request_id for row in rows)


def find_by_rarest_word(connection: Connection, library: str, words: Iterable[str]) -> frozenset[str] | None:
    """Ids of the requests that have the word that fewest have; the other words are still to be compared. None: each
    word has more than MAX_HITS."""
    counted: dict[str, int] = {}
    for word in words:
        counted[word] = _HIT_COUNT.fetch_first(connection, _beginning_of(library, word)).n
        if not counted[word]:
            return frozenset()
    rarest = min(counted, key=counted.__getitem__, default="")
    if not rarest:
        return frozenset()
    if counted[rarest] > MAX_HITS:
        return None
    return frozenset(row.request_id for row in _BY_WORD.fetch_all(connection, _beginning_of(library, rarest)))


def _beginning_of(library: str, word: str) -> dict[str, str]:
    return {"library": library, "beginning": word, "end": word + _LAST}


def update_terms(connection: Connection, library: str, request_id: str, before: str, now: str) -> None:
    """`before`, `now`: as `request.terms` has them."""
    old, new = set(before.splitlines()), set(now.splitlines())
    if gone := sorted(old - new):
        parts = (line.partition(" ") for line in gone)
        _REMOVE.execute_many(
            connection,
            [{"library": library, "kind": kind, "term": term, "request_id": request_id} for kind, _, term in parts],
        )
    if come := sorted(new - old):
        parts = (line.partition(" ") for line in come)
        gather_missing_rows(connection, request_term, [(library, kind, term, request_id) for kind, _, term in parts])
