"""The index that a list of requests follows, the conditions on its rows, its order, and cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    asc,
    desc,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from gateway.domain.requests.request import TERMINAL, BorrowingState, LendingState, Role, State
from gateway.domain.requests.task_lists import BY_NAME, TaskListRule
from gateway.domain.requests.views import RequestFilter, RequestOrder
from gateway.domain.text_folding import fold_text
from gateway.domain.value import value_object
from gateway.sql.column_types import clean_text
from gateway.store.requests.request_rows import join_labels
from gateway.store.requests.tables import (
    HAS_NEED_BY,
    HAS_PARTNER,
    HAS_PATRON,
    IS_ASSIGNED,
    IS_OPEN,
    request,
    request_task,
)
from gateway.store.schema import EPOCH, MICROSECOND


class BadCursor(ValueError):
    """A cursor that no page gave."""


class ListPosition(NamedTuple):
    """The position of a request in the list: what it is ordered by."""

    key: datetime | date | str
    id: str


MAX_STRETCHES = 8
"""Stretches of an index that one list is merged of, where another index leads to the same."""

TEXT_KEYS: Mapping[RequestOrder, Column[str]] = {
    RequestOrder.NUMBER: request.c.number,
    RequestOrder.NUMBER_DOWN: request.c.number,
    RequestOrder.TITLE: request.c.title,
    RequestOrder.TITLE_DOWN: request.c.title,
}
EVERY_STATE: tuple[tuple[Role, State], ...] = (
    *((Role.BORROWING, state) for state in BorrowingState),
    *((Role.LENDING, state) for state in LendingState),
)
DESCENDING = frozenset({RequestOrder.NEWEST, RequestOrder.NUMBER_DOWN, RequestOrder.TITLE_DOWN})


@value_object
class IndexPath:
    """The index to follow: its condition, its columns of the order, and what else is to be tried on its rows.

    `stretches`: conditions of which each leads to rows of its own, such as one for each of several states. Each stretch
    is in order, and the database merges them without looking at rows between. None: the condition says all.
    """

    conditions: tuple[ColumnElement[bool], ...]
    key: Any
    id: Any
    rest: tuple[ColumnElement[bool], ...]
    descending: bool
    stretches: tuple[ColumnElement[bool], ...] = ()

    def select_rows(
        self,
        *columns: ColumnElement[Any],
        until: ListPosition | None = None,
        after: ListPosition | None = None,
        source: FromClause | None = None,
    ) -> Select[Any] | CompoundSelect[Any]:
        """`key`, `id` and these columns, from the table of the key or from `source`; `order_rows` puts them in order.
        `until` is within, `after` is not."""
        query = select(self.key.label("key"), self.id.label("id"), *columns)
        if source is not None:
            query = query.select_from(source)
        query = query.where(*self._range_conditions(until, after), *self.rest)
        if not self.stretches:
            return query
        return union_all(*(query.where(stretch) for stretch in self.stretches))

    def _range_conditions(self, until: ListPosition | None, after: ListPosition | None) -> list[ColumnElement[bool]]:
        conditions = list(self.conditions)
        position = tuple_(self.key, self.id)
        if until is not None:
            last = self._literal_of_position(until)
            conditions.append(position >= last if self.descending else position <= last)
        if after is not None:
            before = self._literal_of_position(after)
            conditions.append(position < before if self.descending else position > before)
        return conditions

    def _literal_of_position(self, place: ListPosition) -> Any:
        return tuple_(literal(place.key, self.key.type), literal(place.id, self.id.type))

    def order_rows(self, query: Select[Any] | CompoundSelect[Any]) -> Select[Any] | CompoundSelect[Any]:
        names = ("key", "id")
        return query.order_by(*(desc(name) if self.descending else asc(name) for name in names))


# --- which index -----------------------------------------------------------------------------------------


def require_task(name: str) -> TaskListRule:
    """Return a task list by name; raises ValueError."""
    if name not in BY_NAME:
        raise ValueError(f"no such task list: {name}; there are {', '.join(BY_NAME)}")
    return BY_NAME[name]


def choose_index_path(library: str, request_filter: RequestFilter) -> IndexPath:
    """The index that leads to the fewest rows comes first. Raises ValueError for a task that doesn't exist."""
    c = request.c
    conditions = build_conditions(request_filter)
    descending = request_filter.order in DESCENDING
    if request_filter.order in TEXT_KEYS:
        return _choose_text_path(library, request_filter, conditions)
    if request_filter.order is RequestOrder.NEED_BY:
        if request_filter.task:
            conditions["task"] = match_task(request_filter.task)
        conditions.pop("open", None)
        on_index: tuple[Any, ...] = (c.library == library, HAS_NEED_BY)
        return IndexPath(on_index, c.need_by, c.id, tuple(conditions.values()), descending)
    if request_filter.task:
        t = request_task.c
        role = require_task(request_filter.task).role
        if role is not None and request_filter.role is role:
            conditions.pop("role", None)
        on_list = (t.library == library, t.task == request_filter.task)
        key = t.since if request_filter.order is RequestOrder.LONGEST else t.changed
        return IndexPath(on_list, key, t.request_id, tuple(conditions.values()), descending)
    by: list[Any] = [c.library == library]
    if request_filter.patron_id:
        by += [HAS_PATRON, conditions.pop("patron")]
    elif request_filter.assignee:
        by += [IS_ASSIGNED, conditions.pop("assignee")]
    elif len(request_filter.partners) == 1:
        by += [HAS_PARTNER, conditions.pop("partner")]
    elif len(request_filter.states) == 1 and "role" in conditions:
        by += [conditions.pop("role"), conditions.pop("states")]
        if request_filter.open == has_only_open_states(request_filter):
            del conditions["open"]  # the state says it
    elif stretches := _stretches_by_state(request_filter):
        by.append(conditions.pop("role"))
        del conditions["states"]
        if request_filter.open and has_only_open_states(request_filter):
            del conditions["open"]
        return IndexPath(tuple(by), c.changed, c.id, tuple(conditions.values()), descending, stretches)
    elif "role" in conditions and (request_filter.open or has_only_open_states(request_filter)):
        by += [conditions.pop("role"), IS_OPEN]
        conditions.pop("open", None)
    return IndexPath(tuple(by), c.changed, c.id, tuple(conditions.values()), descending)


def _choose_text_path(library: str, wanted: RequestFilter, conditions: dict[str, ColumnElement[bool]]) -> IndexPath:
    """Numbers and titles are in order within each state of a side; the list is merged of those that may be on it."""
    c = request.c
    task = require_task(wanted.task) if wanted.task else None
    if task is not None:
        conditions["task"] = match_task(task.name)
    stretches = [
        and_(c.role == role.value, c.state == state.value)
        for role, state in EVERY_STATE
        if wanted.role in (None, role)
        and (not wanted.states or _is_among(state, wanted.states))
        and wanted.open in (None, state not in TERMINAL)
        and (task is None or (task.role in (None, role) and _is_among(state, task.states)))
    ]
    for name in ("role", "states", "open"):
        conditions.pop(name, None)
    key, descending = TEXT_KEYS[wanted.order], wanted.order in DESCENDING
    rest = tuple(conditions.values())
    return IndexPath((c.library == library,), key, c.id, rest, descending, tuple(stretches) or (false(),))


def _is_among(state: State, states: Iterable[str]) -> bool:
    """Both sides have states of the same word."""
    return any(other is state for other in states)


def _stretches_by_state(request_filter: RequestFilter) -> tuple[ColumnElement[bool], ...]:
    """One for each of several states of one side; empty: all states are wanted, or states of both sides, or many."""
    sides = _group_states_by_role(request_filter)
    states = dict.fromkeys(next(iter(sides.values()))) if len(sides) == 1 else {}
    return tuple(request.c.state == state for state in states) if len(states) <= MAX_STRETCHES else ()


def has_only_open_states(request_filter: RequestFilter) -> bool:
    return bool(request_filter.states) and not any(state in TERMINAL for state in request_filter.states)


def build_conditions(request_filter: RequestFilter) -> dict[str, ColumnElement[bool]]:
    """Build the conditions by name; without that of the task list."""
    c = request.c
    conditions: dict[str, ColumnElement[bool]] = {}
    sides = _group_states_by_role(request_filter)
    if len(sides) == 1:
        ((role, states),) = sides.items()
        conditions["role"] = c.role == role.value
        if states:
            conditions["states"] = _match_any(c.state, states)
    elif request_filter.states:
        both = (and_(c.role == role.value, _match_any(c.state, states)) for role, states in sides.items())
        conditions["states"] = or_(false(), *both)
    if request_filter.partners:
        conditions["partner"] = _match_any(c.partner, request_filter.partners)
    if request_filter.patron_id:
        conditions["patron"] = c.patron_id == clean_text(request_filter.patron_id)
    if request_filter.open is not None:
        conditions["open"] = c.is_open.is_(request_filter.open)
    if request_filter.branches:
        conditions["branch"] = _match_any(c.branch, [clean_text(branch) for branch in request_filter.branches])
    if request_filter.services:
        conditions["service"] = _match_any(c.service, [service.value for service in request_filter.services])
    if request_filter.assignee or request_filter.unassigned:
        conditions["assignee"] = c.assignee == clean_text(request_filter.assignee)
    if request_filter.label:
        line = join_labels([request_filter.label])
        conditions["label"] = func.replace(c.labels, line, "") != c.labels  # LIKE of SQLite takes `a` for `A`
    if request_filter.need_by_before is not None:
        conditions["need_by"] = c.need_by < request_filter.need_by_before
    for number, word in enumerate(fold_text(request_filter.text).split()[:10]):
        conditions[f"word {number}"] = c.words.contains(word, autoescape=True)
    for number, word in enumerate(request_filter.question.words):
        conditions[f"searched word {number}"] = c.words.contains(word, autoescape=True)
    return conditions


def match_task(name: str) -> ColumnElement[bool]:
    """Make the condition that a request is on the list, by its own row. Raises ValueError."""
    require_task(name)
    return literal(" ").concat(request.c.tasks).concat(" ").contains(f" {name} ")


def _group_states_by_role(request_filter: RequestFilter) -> dict[Role, list[str]]:
    """The words of the states by side, since the same word may be a state of both; empty lists: whatever state."""
    roles = [request_filter.role] if request_filter.role is not None else list(Role)
    if not request_filter.states:
        return {role: [] for role in roles}
    states: dict[Role, list[str]] = {}
    for state in request_filter.states:
        role = Role.BORROWING if isinstance(state, BorrowingState) else Role.LENDING
        if role in roles:
            states.setdefault(role, []).append(str(state))
    return states


def _match_any(column: Column[str], values: Sequence[str]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


# --- cursors ---------------------------------------------------------------------------------------------

_MOMENT = 14
"""Hexadecimal digits of a moment in microseconds."""


def encode_cursor(place: ListPosition) -> str:
    if isinstance(place.key, str):
        return base64.urlsafe_b64encode(f"{place.id} {place.key}".encode()).decode().rstrip("=")
    at = place.key if isinstance(place.key, datetime) else datetime.combine(place.key, EPOCH.timetz())
    plain = f"{(at - EPOCH) // MICROSECOND:0{_MOMENT}x}{place.id}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, order: RequestOrder) -> ListPosition:
    """Decode a cursor; raises BadCursor."""
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        if "\x00" in plain:
            raise ValueError("PostgreSQL takes no such text")
        if order in TEXT_KEYS:
            id_, blank, key = plain.partition(" ")
            if not blank:
                raise ValueError("no key")
            return ListPosition(key, id_)
        if len(plain) <= _MOMENT:
            raise ValueError("too short")
        at = EPOCH + timedelta(microseconds=int(plain[:_MOMENT], 16))
    except (binascii.Error, ValueError, OverflowError):
        raise BadCursor("the cursor is not one that a page gave") from None
    return ListPosition(at.date() if order is RequestOrder.NEED_BY else at, plain[_MOMENT:])
