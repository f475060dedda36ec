"""Lists of requests, page by page. Each follows one index (`list_paths`); conditions that it doesn't serve are tried on
the rows that it yields, of which one call looks at SCAN at most. A search looks at its hits alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, FromClause, select, tuple_

from gateway.domain.requests.request import Request
from gateway.domain.requests.search_terms import searched_numbers
from gateway.domain.requests.views import RequestFilter, RequestOrder
from gateway.domain.value import replace, value_object
from gateway.sql.index_hints import follow_key
from gateway.store.requests.list_paths import (
    DESCENDING,
    TEXT_KEYS,
    IndexPath,
    ListPosition,
    build_conditions,
    choose_index_path,
    decode_cursor,
    encode_cursor,
    match_task,
)
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.request_search import find_by_label, find_by_rarest_word, find_by_search_number
from gateway.store.requests.tables import HAS_NEED_BY, request, request_task

SCAN = 5_000
"""Most rows that one look for rare ones goes through: other reads wait so long, and no longer."""

MAX_IDS_OF_STATEMENT = 500

MAX_SORTED = 500
"""Requests of a list that is sorted as a whole, where its filter has no index in the order that is wanted."""

SORTED_BY_VALUE = frozenset({RequestOrder.NEED_BY, *TEXT_KEYS})


@value_object
class RequestListPage:
    """`cursor` is empty when nothing follows. With conditions that are rare, a page may hold fewer than were asked
    for, even none, although there is a cursor: the look goes on from there."""

    requests: tuple[Request, ...]
    cursor: str = ""


def list_requests(
    connection: Connection, library: str, request_filter: RequestFilter, limit: int, cursor: str = ""
) -> RequestListPage:
    """List requests; raises BadCursor, ValueError for a task that doesn't exist, UnreadableDocumentError."""
    after = decode_cursor(cursor, request_filter.order) if cursor else None
    if request_filter.question or request_filter.label or request_filter.order in SORTED_BY_VALUE:
        hits = find_hits(connection, library, request_filter)
        if hits is not None:
            return _load_page(connection, library, hits, request_filter, after, limit)
    path = choose_index_path(library, request_filter)
    until = find_scan_end(connection, path, after) if path.rest else None
    query = path.select_rows(request.c.document, until=until, after=after, source=source_of_path(path))
    rows = connection.execute(path.order_rows(query).limit(limit + 1)).all()
    requests = tuple(parse_request(row.document) for row in rows[:limit])
    if len(rows) > limit:
        last = rows[limit - 1]
        return RequestListPage(requests, encode_cursor(ListPosition(last.key, last.id)))
    return RequestListPage(requests, "" if until is None else encode_cursor(until))


def read_waiting_since(
    connection: Connection, library: str, task: str, listed: Sequence[Request]
) -> Mapping[str, datetime]:
    """Read by id since when these stand on the task list. One that has left it meanwhile waits since its change."""
    keys = [ListPosition(request.changed, request.id) for request in listed]
    moments = _find_since(connection, library, task, keys)
    return {request.id: moments.get(request.id, request.changed) for request in listed}


def _find_since(
    connection: Connection, library: str, task: str, changed: Iterable[ListPosition]
) -> dict[str, datetime]:
    """Find by id since when these, whose last change is given, stand on the task list; without those that don't."""
    t = request_task.c
    since: dict[str, datetime] = {}
    keys = iter(sorted(changed))
    while some := tuple(itertools.islice(keys, MAX_IDS_OF_STATEMENT)):
        moments = list(dict.fromkeys(position.key for position in some))
        # by the moments too: SQLite 3.40 follows no pairs, and would go through the whole list for them
        pairs = tuple_(t.changed, t.request_id).in_([(position.key, position.id) for position in some])
        query = select(t.request_id, t.since).where(t.library == library, t.task == task, t.changed.in_(moments), pairs)
        since.update((row.request_id, row.since) for row in connection.execute(follow_key(query, request_task)))
    return since


ON_LIST = (request.c.library == request_task.c.library) & (request.c.id == request_task.c.request_id)


def source_of_path(path: IndexPath) -> FromClause | None:
    """Return where the columns of its requests are; None: in the table of its key."""
    return request_task.join(request, ON_LIST) if path.key.table is request_task else None


def find_scan_end(connection: Connection, path: IndexPath, after: ListPosition | None) -> ListPosition | None:
    """The last of the SCAN rows to look at; None when there are no more than that."""
    query = replace(path, rest=()).select_rows(after=after)
    row = connection.execute(path.order_rows(query).offset(SCAN - 1).limit(1)).first()
    return None if row is None else ListPosition(row.key, row.id)


# --- hits of a search ------------------------------------------------------------------------------------


def _load_page(
    connection: Connection,
    library: str,
    hits: frozenset[ListPosition],
    request_filter: RequestFilter,
    after: ListPosition | None,
    limit: int,
) -> RequestListPage:
    descending = request_filter.order in DESCENDING
    rest = [hit for hit in hits if after is None or (hit < after if descending else hit > after)]
    rest.sort(reverse=descending)
    ids = [position.id for position in rest[:limit]]
    query = select(request.c.id, request.c.document).where(request.c.library == library, request.c.id.in_(ids))
    documents = {row.id: row.document for row in connection.execute(query)}
    requests = tuple(parse_request(documents[id_]) for id_ in ids if id_ in documents)
    return RequestListPage(requests, encode_cursor(rest[limit - 1]) if len(rest) > limit else "")


def find_hits(connection: Connection, library: str, wanted: RequestFilter) -> frozenset[ListPosition] | None:
    """Find what has one of the numbers, or all of the words, or the label, or stands on a short list, and fits the
    filter. None: that leads to too many requests; the list has to be looked through for them."""
    question = wanted.question
    if not question:
        if wanted.label:
            ids = find_by_label(connection, library, wanted.label)
        else:
            ids = _find_listed(connection, library, wanted)
        conditions = _conditions_with_task(wanted)
        return None if ids is None else _select_fitting(connection, library, wanted, ids, conditions)
    kinds = searched_numbers(hides_patrons=wanted.hides_patrons)
    numbers = find_by_search_number(connection, library, question, kinds)
    by_number = frozenset(hit.request_id for hit in numbers)
    by_word = find_by_rarest_word(connection, library, question.words)
    if by_word is None and not by_number:
        return None
    with_words = _select_fitting(connection, library, wanted, by_word or frozenset(), _conditions_with_task(wanted))
    without_words = replace(wanted, search="")
    return with_words | _select_fitting(connection, library, wanted, by_number, _conditions_with_task(without_words))


def _find_listed(connection: Connection, library: str, request_filter: RequestFilter) -> frozenset[str] | None:
    """Ids on the stretch of an index that the filter leads to, in whatever order. None: more than MAX_SORTED."""
    path = replace(choose_index_path(library, replace(request_filter, order=RequestOrder.NEWEST)), rest=())
    listed = select(path.select_rows().subquery().c.id)
    if connection.execute(listed.offset(MAX_SORTED).limit(1)).first() is not None:
        return None
    return frozenset(connection.execute(listed).scalars())


def _conditions_with_task(request_filter: RequestFilter) -> tuple[Any, ...]:
    on_list = (match_task(request_filter.task),) if request_filter.task else ()
    return (*build_conditions(request_filter).values(), *on_list)


def _select_fitting(
    connection: Connection,
    library: str,
    request_filter: RequestFilter,
    ids: frozenset[str],
    conditions: tuple[Any, ...],
) -> frozenset[ListPosition]:
    c = request.c
    key: Any = c.changed
    if request_filter.order in TEXT_KEYS:
        key = TEXT_KEYS[request_filter.order]
    elif request_filter.order is RequestOrder.NEED_BY:
        key, conditions = c.need_by, (*conditions, HAS_NEED_BY)
    positions: set[ListPosition] = set()
    for some in batched_ids(ids):
        # by the key: SQLite would rather go through all requests of a state or a side
        query = follow_key(select(key, c.id).where(c.library == library, c.id.in_(some), *conditions), request)
        positions.update(ListPosition(row[0], row[1]) for row in connection.execute(query))
    if request_filter.order is RequestOrder.LONGEST and request_filter.task:
        on_list = _find_since(connection, library, request_filter.task, positions)
        return frozenset(ListPosition(since, id_) for id_, since in on_list.items())
    return frozenset(positions)


def batched_ids(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Batch ids into as many as one statement is given."""
    rest = iter(sorted(ids))
    while some := tuple(itertools.islice(rest, MAX_IDS_OF_STATEMENT)):
        yield some
