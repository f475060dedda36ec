"""Writes of a transaction on PostgreSQL that nobody waits for: they gather, and one statement carries them.

A round trip and a statement cost more there than a row. So what gives no answer stays until something depends on it:
until a statement names one of the tables, until the transaction ends. Then all of it goes as one `WITH`, whose parts
each write any number of rows. No row is written by two parts, since PostgreSQL carries them out as if at one moment.

On SQLite nothing gathers (docs/decisions/0002-one-writer-thread.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.sql.postgresql_driver import fetch_rows

T = TypeVar("T")

MAX_PARTS = 100
"""Of a statement, which PostgreSQL allows 1664 columns and 32767 parameters."""

_KEY = "illgate_gathered_writes"
_PLACEHOLDER = re.compile(r"\$(\d+)::(TIMESTAMP WITH TIME ZONE|[A-Z]+)")
_WORD = re.compile(r"[a-z_][a-z_0-9]*")

Check = Callable[[int], None]
"""Told how many rows a part has changed; may raise, and may write more."""

RowKey = tuple[Any, ...]


class SetStatement:
    """A statement that writes rows of arrays, one for each parameter of a row.

    `keys`: by table that it writes, the places among the parameters that tell the row, the same in all statements of a
    table; without any: it may be any row. `before`: a part that goes with it, which `sql` calls `{before}`.
    """

    def __init__(
        self, sql: str, types: Sequence[str], keys: Mapping[str, Sequence[int]], before: str | None = None
    ) -> None:
        self.keys = {table: tuple(places) for table, places in keys.items()}
        self.count = len(types)
        self.has_before = before is not None
        columns = ", ".join(f"p{number}" for number in range(1, self.count + 1))
        values = ", ".join(f"${number}::{type_}" for number, type_ in enumerate(types, 1))
        arrays = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, 1))
        self._sql = sql
        self._before = before
        self._of_row = f"(VALUES ({values})) AS given({columns})"  # arrays of one take the driver three times as long
        self._of_rows = f"unnest({arrays}) AS given({columns})"
        self.returns = " RETURNING " in sql

    def write_sql(self, is_single: bool) -> str:
        """`is_single`: of a single row, whose values are the parameters; else they are arrays."""
        return self._sql.replace("{given}", self._of_row if is_single else self._of_rows)

    def write_before(self, is_single: bool) -> str:
        """The part that goes with it; empty: none does."""
        return (self._before or "").replace("{given}", self._of_row if is_single else self._of_rows)

    @classmethod
    def of_single_row(cls, sql: str, table: str, key: Sequence[int]) -> SetStatement:
        """`sql`: that writes one row, as SQLAlchemy compiles it for asyncpg; its placeholders are all parameters."""
        types = {int(number): type_ for number, type_ in _PLACEHOLDER.findall(sql)}
        assert sorted(types) == list(range(1, len(types) + 1)), sql
        by_row = _read_from(_PLACEHOLDER.sub(r"given.p\1", sql))
        return cls(by_row, [types[number] for number in sorted(types)], {table: key})

    def keys_of(self, row: Sequence[Any]) -> Iterator[tuple[str, RowKey | None]]:
        for table, places in self.keys.items():
            yield table, tuple(row[place] for place in places) if places else None


def _read_from(sql: str) -> str:
    source, verb = "{given}", sql.split(None, 1)[0]
    if verb == "INSERT":
        start = sql.index(" VALUES (")
        end = _find_closing(sql, start + len(" VALUES "))
        return f"{sql[:start]} SELECT {sql[start + len(' VALUES (') : end]} FROM {source}{sql[end + 1 :]}"
    before, where, after = sql.partition(" WHERE ")
    assert where, sql
    return f"{before} {'FROM' if verb == 'UPDATE' else 'USING'} {source}{where}{after}"


def _find_closing(sql: str, start: int) -> int:
    depth = 0
    for place in range(start, len(sql)):
        depth += (sql[place] == "(") - (sql[place] == ")")
        if not depth:
            return place
    raise AssertionError(sql)


@dataclass(slots=True)
class _Part:
    statement: SetStatement
    rows: list[Sequence[Any]]
    check: Check | None

    @property
    def is_single(self) -> bool:
        return len(self.rows) == 1

    def list_values(self) -> tuple[Any, ...]:
        return tuple(self.rows[0]) if self.is_single else tuple(map(list, zip(*self.rows, strict=True)))


@dataclass(slots=True)
class GatheredWrites:
    """Those of one transaction. `memory`: what it has read under a lock and so needn't read again."""

    memory: dict[Any, Any] = field(default_factory=dict)
    _failure: DBAPIError | None = None
    """Of a transaction that PostgreSQL has given up, whatever became of the error on its way."""
    _parts: list[_Part] = field(default_factory=list)
    _open: dict[SetStatement, _Part] = field(default_factory=dict)
    _keys: dict[str, set[RowKey | None]] = field(default_factory=dict)
    """By table the rows that are written; None: any."""

    def add(
        self, connection: Connection, statement: SetStatement, rows: Sequence[Sequence[Any]], check: Check | None = None
    ) -> None:
        """`check` counts the rows of this call alone."""
        for row in rows:
            keys = tuple(statement.keys_of(row))
            if any(self._touches(table, key) for table, key in keys):
                self.flush(connection)
            part = self._open.get(statement)
            if part is None or check is not None:
                part = self._open[statement] = _Part(statement, [], check)
                self._parts.append(part)
                if check is not None:
                    del self._open[statement]
            part.rows.append(row)
            for table, key in keys:
                self._keys.setdefault(table, set()).add(key)
        is_nested = connection.in_nested_transaction()  # whose error is to be met within it
        if is_nested or len(self._parts) >= MAX_PARTS:
            self.flush(connection)

    def amend_row(self, statement: SetStatement, key: RowKey, place: int, value: object) -> bool:
        """Give a row this value if it, with this key of the statement's first table, still waits; return whether it
        does."""
        part = self._open.get(statement)
        for number, row in enumerate(part.rows if part is not None else ()):
            if next(statement.keys_of(row))[1] == key:
                assert part is not None, "it has rows"
                part.rows[number] = (*row[:place], value, *row[place + 1 :])
                return True
        return False

    def _touches(self, table: str, key: RowKey | None) -> bool:
        written = self._keys.get(table)
        return written is not None and (key is None or None in written or key in written)

    def flush_row(self, connection: Connection, table: str, key: RowKey) -> None:
        """Flush before this row alone is read."""
        if self._touches(table, key):
            self.flush(connection)

    def flush_named(self, connection: Connection, sql: str) -> None:
        """Flush before a statement that may name a table that is written."""
        if self._keys and not _words_of(sql).isdisjoint(self._keys):
            self.flush(connection)

    def flush(self, connection: Connection) -> None:
        while self._parts:
            parts = self._parts
            self._parts, self._open, self._keys = [], {}, {}
            try:
                counts = _execute_parts(connection, parts)
            except DBAPIError as error:
                if not connection.in_nested_transaction():
                    self._failure = error
                raise
            for part, count in zip(parts, counts, strict=True):
                if part.check is not None:
                    part.check(count)

    def finish(self, connection: Connection) -> None:
        """Write all at the end of the transaction. Raises the error of a write that somebody has caught, since a commit
        would say nothing of it."""
        self.flush(connection)
        if self._failure is not None:
            raise self._failure


def _execute_parts(connection: Connection, parts: Sequence[_Part]) -> list[int]:
    """Execute the parts, and return how many rows each has changed; 0 for those that nobody counts."""
    if len(parts) == 1 and parts[0].check is None and not parts[0].statement.has_before:
        fetch_rows(connection, parts[0].statement.write_sql(parts[0].is_single), parts[0].list_values())
        return [0]
    sql = _join_parts(tuple((part.statement, part.is_single, part.check is not None) for part in parts))
    values = tuple(value for part in parts for value in part.list_values())
    (counted,) = fetch_rows(connection, sql, values)
    return list(counted)


@lru_cache(maxsize=1024)
def _join_parts(written: tuple[tuple[SetStatement, bool, bool], ...]) -> str:
    """Join the parts: of each the statement, whether it is of a single row, and whether its rows are counted."""
    parts, counts, earlier = [], [], 0
    for number, (statement, is_single, is_counted) in enumerate(written):
        if before := statement.write_before(is_single):
            parts.append(f"before{number} AS ({_shift_placeholders(before, earlier)})")
        sql = _shift_placeholders(statement.write_sql(is_single), earlier).replace("{before}", f"before{number}")
        if is_counted and not statement.returns:
            sql += " RETURNING 1"
        parts.append(f"part{number} AS ({sql})")
        counts.append(f"(SELECT count(*) FROM part{number})" if is_counted else "0")
        earlier += statement.count
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def _shift_placeholders(sql: str, earlier: int) -> str:
    return re.sub(r"\$(\d+)", lambda match: f"${int(match[1]) + earlier}", sql)


@lru_cache(maxsize=4096)
def _words_of(sql: str) -> frozenset[str]:
    return frozenset(_WORD.findall(sql))


@contextmanager
def gather_writes(connection: Connection) -> Iterator[None]:
    """Gather writes for the time of a transaction; what has gathered is written when it ends well."""
    info = connection.info  # to be asked now: a connection that is lost has none
    gathered = info[_KEY] = GatheredWrites()
    try:
        yield
        gathered.finish(connection)
    finally:
        info.pop(_KEY, None)


def read_once(connection: Connection, key: tuple[str, ...], read: Callable[[], T]) -> T:
    """Return what `read` gives, asked once in a transaction of PostgreSQL: for what the transaction doesn't change
    itself."""
    gathered = gathered_of(connection)
    if gathered is None:
        return read()
    if key not in gathered.memory:
        gathered.memory[key] = read()
    value: T = gathered.memory[key]
    return value


def gathered_of(connection: Connection) -> GatheredWrites | None:
    """None where nothing gathers: on SQLite, and in a transaction that somebody else has begun."""
    return connection.info.get(_KEY)
