"""Counts of a list's requests by state, partner, branch …, at a cost that doesn't grow with the store.

A list that its filter makes short is counted row by row. The list of all open requests of a side is not: its counts are
kept with every change (`request_counts`). Of what lies between, nothing is counted, and that is said by None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, select

from gateway.domain.requests.request import TERMINAL, BorrowingState, LendingState, Role
from gateway.domain.requests.task_lists import BY_NAME
from gateway.domain.requests.views import ListCounts, ListFacet, RequestFilter, RequestOrder
from gateway.domain.value import replace, value_object
from gateway.store.requests import request_counts
from gateway.store.requests.list_paths import choose_index_path
from gateway.store.requests.request_counts import Counted
from gateway.store.requests.request_lists import batched_ids, find_hits, find_scan_end, source_of_path
from gateway.store.requests.tables import request

MAX_COUNTED = 1_000
"""Rows that one count goes through."""

_COLUMNS = {
    ListFacet.STATE: request.c.state,
    ListFacet.PARTNER: request.c.partner,
    ListFacet.SERVICE: request.c.service,
    ListFacet.BRANCH: request.c.branch,
    ListFacet.ASSIGNEE: request.c.assignee,
    ListFacet.LABEL: request.c.labels,
    ListFacet.TASK: request.c.tasks,
}

KEPT_FACETS = frozenset(_COLUMNS) - {ListFacet.TASK}
"""Those that are counted here with every change; task lists have counts of their own."""


@value_object
class _Tally:
    total: int
    counts: Mapping[ListFacet, Mapping[str, int]]


def count_list(connection: Connection, library: str, wanted: RequestFilter) -> ListCounts:
    """Count for each facet what the list would have if nothing were chosen of this facet. Raises ValueError for a task
    that doesn't exist."""
    wanted = replace(wanted, order=RequestOrder.NEWEST)
    tallies: dict[RequestFilter, _Tally | None] = {}

    def tally_of(asked: RequestFilter) -> _Tally | None:
        if asked not in tallies:
            kept = _is_whole_side(asked)
            tallies[asked] = (_read_kept if kept else _count_rows)(connection, library, asked)
        return tallies[asked]

    def count_facet(facet: ListFacet) -> Mapping[str, int] | None:
        asked = _without_choice(wanted, facet)
        if facet is ListFacet.STATE and asked.role is not None and asked == RequestFilter(role=asked.role):
            return request_counts.read_counts(connection, library, _kind_of(facet, asked.role))
        return _counts_of(tally_of(asked), facet)

    counts = {facet: count_facet(facet) for facet in ListFacet}
    whole = tally_of(wanted)
    total = whole.total if whole is not None else _read_kept_total(connection, library, wanted)
    return ListCounts(total, counts)


def _read_kept_total(connection: Connection, library: str, wanted: RequestFilter) -> int | None:
    """Read the total of a long list that is all of some states, all of a task list, or what is open of a side with some
    values of one facet."""
    role = wanted.role
    if role is not None and wanted.states and wanted == RequestFilter(role=role, states=wanted.states):
        counts = request_counts.read_counts(connection, library, _kind_of(ListFacet.STATE, role))
        return sum(counts.get(str(state), 0) for state in wanted.states)
    if _is_whole_task(wanted):
        return _read_kept_task(connection, library, wanted.task)
    for facet, values in _choices_of(wanted).items():
        if role is not None and values and _is_whole_side(_without_choice(wanted, facet)):
            counts = request_counts.read_counts(connection, library, _kind_of(facet, role))
            return sum(counts.get(value, 0) for value in values)
    return None


def _choices_of(request_filter: RequestFilter) -> Mapping[ListFacet, tuple[str, ...]]:
    """Return the choices of the facets that are counted for open requests."""
    return {
        ListFacet.PARTNER: request_filter.partners,
        ListFacet.SERVICE: tuple(service.value for service in request_filter.services),
        ListFacet.BRANCH: request_filter.branches,
        ListFacet.ASSIGNEE: (request_filter.assignee,) if request_filter.assignee or request_filter.unassigned else (),
        ListFacet.LABEL: (request_filter.label,) if request_filter.label else (),
    }


def _is_whole_task(wanted: RequestFilter) -> bool:
    """Return whether it is a task list without anything that narrows it."""
    task = BY_NAME.get(wanted.task)
    return task is not None and task.role is not None and wanted == RequestFilter(role=task.role, task=task.name)


def _read_kept_task(connection: Connection, library: str, task: str) -> int:
    return request_counts.read_counts(connection, library, request_counts.TASK).get(task, 0)


def _counts_of(tally: _Tally | None, facet: ListFacet) -> Mapping[str, int] | None:
    return None if tally is None else tally.counts.get(facet)


def _without_choice(request_filter: RequestFilter, facet: ListFacet) -> RequestFilter:
    match facet:
        case ListFacet.STATE:
            return replace(request_filter, states=())
        case ListFacet.PARTNER:
            return replace(request_filter, partners=())
        case ListFacet.SERVICE:
            return replace(request_filter, services=())
        case ListFacet.BRANCH:
            return replace(request_filter, branches=())
        case ListFacet.ASSIGNEE:
            return replace(request_filter, assignee="", unassigned=False)
        case ListFacet.LABEL:
            return replace(request_filter, label="")
        case ListFacet.TASK:
            return replace(request_filter, task="")


def _is_whole_side(request_filter: RequestFilter) -> bool:
    return request_filter.role is not None and request_filter == RequestFilter(role=request_filter.role, open=True)


def _read_kept(connection: Connection, library: str, request_filter: RequestFilter) -> _Tally:
    role = request_filter.role
    assert role is not None, "a whole side"
    counts = {
        facet: request_counts.read_counts(connection, library, _kind_of(facet, role)) for facet in sorted(KEPT_FACETS)
    }
    states = BorrowingState if role is Role.BORROWING else LendingState
    still_open = {state.value for state in states if state not in TERMINAL}
    total = sum(count for state, count in counts[ListFacet.STATE].items() if state in still_open)
    tasks = request_counts.read_counts(connection, library, request_counts.TASK)
    of_side = {name: count for name, count in tasks.items() if name in BY_NAME and BY_NAME[name].role is role}
    return _Tally(total, {**counts, ListFacet.TASK: of_side})


def _count_rows(connection: Connection, library: str, request_filter: RequestFilter) -> _Tally | None:
    rows = _select_rows(connection, library, request_filter)
    if rows is None:
        return None
    columns = zip(*rows, strict=True) if rows else ((),) * len(_COLUMNS)
    counts = {facet: _count_values(facet, column) for facet, column in zip(_COLUMNS, columns, strict=True)}
    return _Tally(len(rows), counts)


def _count_values(facet: ListFacet, column: Iterable[str]) -> Mapping[str, int]:
    counted = Counter(column)
    if facet not in (ListFacet.TASK, ListFacet.LABEL):
        return counted
    single: Counter[str] = Counter()
    for several, count in counted.items():
        for value in filter(None, several.split(" " if facet is ListFacet.TASK else "\n")):
            single[value] += count
    return single


def _select_rows(connection: Connection, library: str, request_filter: RequestFilter) -> list[Any] | None:
    """None: more than MAX_COUNTED, or they would have to be looked for among very many."""
    if request_filter.question or request_filter.label:
        hits = find_hits(connection, library, request_filter)
        if hits is not None:
            return _load_hits(connection, library, [hit.id for hit in hits])
    if _is_whole_task(request_filter) and _read_kept_task(connection, library, request_filter.task) > MAX_COUNTED:
        return None
    path = choose_index_path(library, request_filter)  # which the database takes for the sake of the order
    if path.rest and find_scan_end(connection, path, None) is not None:
        return None
    query = path.order_rows(path.select_rows(*_COLUMNS.values(), source=source_of_path(path))).limit(MAX_COUNTED + 1)
    rows = [row[-len(_COLUMNS) :] for row in connection.execute(query)]
    return rows if len(rows) <= MAX_COUNTED else None


def _load_hits(connection: Connection, library: str, ids: list[str]) -> list[Any] | None:
    if len(ids) > MAX_COUNTED:
        return None
    hits: list[Any] = []
    for some in batched_ids(ids):
        query = select(*_COLUMNS.values()).where(request.c.library == library, request.c.id.in_(some))
        hits.extend(connection.execute(query))
    return hits


# --- counts that are kept --------------------------------------------------------------------------------


@cache
def _kind_of(facet: ListFacet, role: Role) -> str:
    return f"{facet.value} {role.value}"


def facet_counters(columns: Mapping[str, Any]) -> list[Counted]:
    """List the counts that a request is in, by the columns of its row: its state always, all else while it is open."""
    role = Role(columns["role"])
    counted = [(_kind_of(ListFacet.STATE, role), columns["state"])]
    if not columns["is_open"]:
        return counted
    for facet in (ListFacet.PARTNER, ListFacet.SERVICE, ListFacet.BRANCH, ListFacet.ASSIGNEE):
        counted.append((_kind_of(facet, role), columns[facet.value]))
    counted += [(_kind_of(ListFacet.LABEL, role), label) for label in columns["labels"].split("\n") if label]
    return counted
