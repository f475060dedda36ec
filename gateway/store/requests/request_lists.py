"""Lists of requests, newest change first, page by page. Each follows one index; conditions that it doesn't serve are
tried on the rows that it yields, of which one call looks at SCAN at most. A search looks at its hits alone."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, false, literal, or_, select, tuple_

from gateway.domain.requests.request import TERMINAL, BorrowingState, Request, Role, State
from gateway.domain.requests.search_terms import NUMBER_KINDS, SearchQuestion
from gateway.domain.requests.task_lists import BY_NAME, TaskList
from gateway.domain.text_folding import fold_text
from gateway.domain.value import value_object
from gateway.store.journal_writer import clean_text
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.request_search import find_by_rarest_word, find_by_search_number
from gateway.store.requests.tables import HAS_PARTNER, HAS_PATRON, IS_OPEN, request, request_task
from gateway.store.schema import EPOCH, MICROSECOND

SCAN = 5_000
"""Most rows that one look for rare ones goes through: other reads wait so long, and no longer."""

MAX_IDS_OF_STATEMENT = 500

_SEARCHED = "searched word"


@value_object(kw_only=True)
class RequestListFilter:
    """All that are set must fit. `task`: a name of `domain.requests.task_lists.TASKS`. `text`:
    words or parts of words, all of them in number, title and author, without case and accents. `search`: what the
    search box was asked; it leads to the requests itself."""

    role: Role | None = None
    states: tuple[State, ...] = ()
    task: str = ""
    partner: str = ""  # profile
    patron_id: str = ""
    text: str = ""
    open: bool | None = None
    branch: str = ""
    need_by_before: date | None = None
    search: SearchQuestion = SearchQuestion()


@value_object
class RequestListPage:
    """`cursor` is empty when nothing follows. With conditions that are rare, a page may hold fewer than were asked
    for, even none, although there is a cursor: the look goes on from there."""

    requests: tuple[Request, ...]
    cursor: str = ""


class BadCursor(ValueError):
    """A cursor that no page gave."""


class _ListPosition(NamedTuple):
    """Of a request in the list."""

    changed: datetime
    id: str


@value_object
class _IndexPath:
    """The index to follow: its condition and its columns of the order."""

    conditions: tuple[ColumnElement[bool], ...]
    changed: Any
    id: Any
    rest: tuple[ColumnElement[bool], ...]

    def range_conditions(self, above: _ListPosition | None, below: _ListPosition | None) -> list[ColumnElement[bool]]:
        """`above` is within, `below` is not."""
        conditions = list(self.conditions)
        if above is not None:
            conditions.append(self._position >= _literal_of_position(above))
        if below is not None:
            conditions.append(self._position < _literal_of_position(below))
        return conditions

    @property
    def _position(self) -> Any:
        return tuple_(self.changed, self.id)

    def order_newest_first(self, query: Select[Any]) -> Select[Any]:
        return query.order_by(self.changed.desc(), self.id.desc())


def list_requests(
    connection: Connection, library: str, wanted: RequestListFilter, limit: int, cursor: str = ""
) -> RequestListPage:
    """Raises InvalidCursorError, ValueError for a task that doesn't exist, UnreadableDocumentError."""
    below = _decode_cursor(cursor) if cursor else None
    if wanted.search:
        hits = _find_hits(connection, library, wanted)
        if hits is not None:
            return _load_page(connection, library, sorted(hits, reverse=True), below, limit)
    path = _choose_index_path(library, wanted)
    floor = _find_scan_floor(connection, path, below) if path.rest else None
    query = select(request.c.document, request.c.changed, request.c.id)
    if wanted.task:
        on = (request.c.library == request_task.c.library) & (request.c.id == request_task.c.request_id)
        query = query.select_from(request_task.join(request, on))
    query = path.order_newest_first(query.where(*path.range_conditions(floor, below), *path.rest)).limit(limit + 1)
    found = connection.execute(query).all()
    requests = tuple(parse_request(row.document) for row in found[:limit])
    if len(found) > limit:
        last = found[limit - 1]
        return RequestListPage(requests, _encode_cursor(_ListPosition(last.changed, last.id)))
    return RequestListPage(requests, "" if floor is None else _encode_cursor(floor))


def _load_page(
    connection: Connection, library: str, found: Sequence[_ListPosition], below: _ListPosition | None, limit: int
) -> RequestListPage:
    """Of a list that is known as a whole, in its order."""
    rest = [one for one in found if below is None or one < below]
    ids = [one.id for one in rest[:limit]]
    query = select(request.c.id, request.c.document).where(request.c.library == library, request.c.id.in_(ids))
    documents = {row.id: row.document for row in connection.execute(query)}
    requests = tuple(parse_request(documents[id_]) for id_ in ids if id_ in documents)
    return RequestListPage(requests, _encode_cursor(rest[limit - 1]) if len(rest) > limit else "")


def _find_hits(connection: Connection, library: str, wanted: RequestListFilter) -> frozenset[_ListPosition] | None:
    """What has one of the numbers, or all of the words, and fits the filter. None: its words are too common to lead to
    requests; the list has to be looked through for them."""
    numbers = find_by_search_number(connection, library, wanted.search, NUMBER_KINDS)
    by_number = frozenset(hit.request_id for hit in numbers)
    by_word = find_by_rarest_word(connection, library, wanted.search.words)
    if by_word is None and not by_number:
        return None
    conditions = _build_conditions(wanted)
    words = [conditions.pop(name) for name in list(conditions) if name.startswith(_SEARCHED)]
    if wanted.task:
        _require_task(wanted.task)
        conditions["task"] = literal(" ").concat(request.c.tasks).concat(" ").contains(f" {wanted.task} ")
    with_words = _select_fitting(connection, library, by_word or frozenset(), (*conditions.values(), *words))
    return with_words | _select_fitting(connection, library, by_number, tuple(conditions.values()))


def _select_fitting(
    connection: Connection, library: str, ids: frozenset[str], conditions: tuple[ColumnElement[bool], ...]
) -> frozenset[_ListPosition]:
    c = request.c
    found: set[_ListPosition] = set()
    for some in batched_ids(ids):
        query = select(c.changed, c.id).where(c.library == library, c.id.in_(some), *conditions)
        found.update(_ListPosition(row.changed, row.id) for row in connection.execute(query))
    return frozenset(found)


def _require_task(name: str) -> TaskList:
    """Raises ValueError."""
    if name not in BY_NAME:
        raise ValueError(f"no such task list: {name}; there are {', '.join(BY_NAME)}")
    return BY_NAME[name]


def batched_ids(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """As many as one statement is given."""
    rest = iter(sorted(ids))
    while some := tuple(itertools.islice(rest, MAX_IDS_OF_STATEMENT)):
        yield some


def _find_scan_floor(connection: Connection, path: _IndexPath, below: _ListPosition | None) -> _ListPosition | None:
    """The last of the SCAN rows to look at; None when there are no more than that."""
    query = select(path.changed, path.id).where(*path.range_conditions(None, below))
    found = connection.execute(path.order_newest_first(query).offset(SCAN - 1).limit(1)).first()
    return None if found is None else _ListPosition(found[0], found[1])


# --- which index -----------------------------------------------------------------------------------------


def _choose_index_path(library: str, wanted: RequestListFilter) -> _IndexPath:
    """The index that leads to the fewest rows comes first."""
    c = request.c
    conditions = _build_conditions(wanted)
    if wanted.task:
        t = request_task.c
        role = _require_task(wanted.task).role
        if role is not None and wanted.role is role:
            conditions.pop("role", None)
        on_list = (t.library == library, t.task == wanted.task)
        return _IndexPath(on_list, t.changed, t.request_id, tuple(conditions.values()))
    by: list[Any] = [c.library == library]
    if wanted.patron_id:
        by += [HAS_PATRON, conditions.pop("patron")]
    elif wanted.partner:
        by += [HAS_PARTNER, conditions.pop("partner")]
    elif len(wanted.states) == 1 and "role" in conditions:
        by += [conditions.pop("role"), conditions.pop("states")]
        if wanted.open == _has_only_open_states(wanted):
            del conditions["open"]  # the state says it
    elif "role" in conditions and (wanted.open or _has_only_open_states(wanted)):
        by += [conditions.pop("role"), IS_OPEN]
        conditions.pop("open", None)
    return _IndexPath(tuple(by), c.changed, c.id, tuple(conditions.values()))


def _has_only_open_states(wanted: RequestListFilter) -> bool:
    return bool(wanted.states) and not any(state in TERMINAL for state in wanted.states)


def _build_conditions(wanted: RequestListFilter) -> dict[str, ColumnElement[bool]]:
    c = request.c
    found: dict[str, ColumnElement[bool]] = {}
    sides = _group_states_by_role(wanted)
    if len(sides) == 1:
        ((role, states),) = sides.items()
        found["role"] = c.role == role.value
        if states:
            found["states"] = _match_states(states)
    elif wanted.states:
        both = (and_(c.role == role.value, _match_states(states)) for role, states in sides.items())
        found["states"] = or_(false(), *both)
    if wanted.partner:
        found["partner"] = c.partner == wanted.partner
    if wanted.patron_id:
        found["patron"] = c.patron_id == clean_text(wanted.patron_id)
    if wanted.open is not None:
        found["open"] = c.is_open.is_(wanted.open)
    if wanted.branch:
        found["branch"] = c.branch == clean_text(wanted.branch)
    if wanted.need_by_before is not None:
        found["need_by"] = c.need_by < wanted.need_by_before
    for number, word in enumerate(fold_text(wanted.text).split()[:10]):
        found[f"word {number}"] = c.words.contains(word, autoescape=True)
    for number, word in enumerate(wanted.search.words):
        found[f"{_SEARCHED} {number}"] = c.words.contains(word, autoescape=True)
    return found


def _group_states_by_role(wanted: RequestListFilter) -> dict[Role, list[str]]:
    """The words of the states by side, since the same word may be a state of both; empty lists: whatever state."""
    roles = [wanted.role] if wanted.role is not None else list(Role)
    if not wanted.states:
        return {role: [] for role in roles}
    states: dict[Role, list[str]] = {}
    for state in wanted.states:
        role = Role.BORROWING if isinstance(state, BorrowingState) else Role.LENDING
        if role in roles:
            states.setdefault(role, []).append(state.value)
    return states


def _match_states(states: list[str]) -> ColumnElement[bool]:
    return request.c.state == states[0] if len(states) == 1 else request.c.state.in_(states)


# --- cursors ---------------------------------------------------------------------------------------------

_MOMENT = 14
"""Hexadecimal digits of a moment in microseconds."""


def _literal_of_position(place: _ListPosition) -> Any:
    return tuple_(literal(place.changed, request.c.changed.type), literal(place.id, request.c.id.type))


def _encode_cursor(place: _ListPosition) -> str:
    plain = f"{(place.changed - EPOCH) // MICROSECOND:0{_MOMENT}x}{place.id}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> _ListPosition:
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        if len(plain) <= _MOMENT:
            raise ValueError("too short")
        return _ListPosition(EPOCH + timedelta(microseconds=int(plain[:_MOMENT], 16)), plain[_MOMENT:])
    except (binascii.Error, ValueError, OverflowError):
        raise BadCursor("the cursor is not one that a page gave") from None
