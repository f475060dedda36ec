"""Writes on PostgreSQL that wait for company: what they leave is as if each had been done at once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, event, select, text, update
from sqlalchemy.exc import IntegrityError

from gateway.sql import gathered_writes, statements
from gateway.sql.gathered_writes import gathered_of
from gateway.sql.postgresql_driver import Rows, fetch_rows
from gateway.sql.statements import PreparedStatement, gather_missing_rows, gather_rows, prepare_sql
from gateway.store.engine import open_store
from gateway.store.postgresql import PostgresqlStore

pytestmark = pytest.mark.postgresql

fruit = Table("fruit", MetaData(), Column("name", Text, primary_key=True), Column("n", Integer, nullable=False))
tree = Table("tree", MetaData(), Column("name", Text, primary_key=True), Column("n", Integer, nullable=False))

COUNT = prepare_sql(
    "INSERT INTO fruit (name, n) VALUES (:name, :n) ON CONFLICT (name) DO UPDATE SET n = fruit.n + excluded.n",
    fruit,
    row_key=("name",),
)
SET = PreparedStatement(
    update(fruit).where(fruit.c.name == bindparam("of_name")).values(n=bindparam("to")), fruit, ("of_name",)
)
DROP = prepare_sql("DELETE FROM fruit WHERE name = :name", fruit, row_key=("name",))
TAKE = prepare_sql(
    "UPDATE fruit SET n = n - :n WHERE name = :name AND n >= :n RETURNING name", fruit, row_key=("name",)
)
FIND = PreparedStatement(select(fruit.c.n).where(fruit.c.name == bindparam("name")), fruit, ("name",))


@pytest.fixture
async def store(fresh_postgresql_url: str) -> AsyncIterator[PostgresqlStore]:
    opened = open_store(fresh_postgresql_url)
    assert isinstance(opened, PostgresqlStore)

    def make_tables(connection: Connection) -> None:
        for table in (fruit, tree):
            table.create(connection)

    await opened.write(make_tables)
    yield opened
    await opened.close()


@pytest.fixture
def sent(store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements as the driver gets them, but for begin and commit."""
    found: list[str] = []

    @event.listens_for(store._engine, "before_cursor_execute")
    def keep(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        found.append(statement)

    def keep_and_fetch(connection: Connection, sql: str, values: Sequence[Any]) -> Rows:
        found.append(sql)
        return fetch_rows(connection, sql, values)

    for module in (gathered_writes, statements):
        monkeypatch.setattr(module, "fetch_rows", keep_and_fetch)
    return found


async def read_fruit(store: PostgresqlStore) -> dict[str, int]:
    found = await store.read(lambda c: c.execute(select(fruit).order_by(fruit.c.name)).all())
    return {row.name: row.n for row in found}


async def test_rows_and_tables_go_together_in_one_statement(store: PostgresqlStore, sent: list[str]) -> None:
    def work(connection: Connection) -> None:
        gather_rows(connection, fruit, [("apple", 1), ("pear", 2)])
        gather_rows(connection, fruit, [("plum", 3)])
        gather_missing_rows(connection, tree, [("oak", 1)])

    await store.write(work)

    assert len(sent) == 1, sent
    assert await read_fruit(store) == {"apple": 1, "pear": 2, "plum": 3}


async def test_a_row_that_is_written_twice_is_written_in_order(store: PostgresqlStore) -> None:
    def work(connection: Connection) -> None:
        COUNT.execute_many(connection, [{"name": "apple", "n": 1}, {"name": "apple", "n": 2}])
        SET.execute_many(connection, [{"of_name": "apple", "to": 10}])
        COUNT.execute_many(connection, [{"name": "apple", "n": 5}])
        gather_rows(connection, fruit, [("pear", 1)])
        DROP.execute_many(connection, [{"name": "pear"}])
        gather_missing_rows(connection, fruit, [("pear", 7), ("apple", 99)])

    await store.write(work)

    assert await read_fruit(store) == {"apple": 15, "pear": 7}


@pytest.mark.parametrize(
    "read",
    [
        lambda c: c.execute(select(fruit.c.n).where(fruit.c.name == "apple")).scalar(),
        lambda c: c.execute(text("SELECT n FROM fruit WHERE name = 'apple'")).scalar(),
        lambda c: FIND.fetch_first(c, {"name": "apple"}).n,
        lambda c: c.exec_driver_sql("SELECT n FROM fruit WHERE name = 'apple'").scalar(),
    ],
)
async def test_whoever_reads_finds_what_was_written(
    store: PostgresqlStore, read: Callable[[Connection], object]
) -> None:
    def work(connection: Connection) -> object:
        gather_rows(connection, fruit, [("apple", 1)])
        COUNT.execute_many(connection, [{"name": "apple", "n": 4}])
        return read(connection)

    assert await store.write(work) == 5


async def test_whoever_reads_another_row_waits_for_nothing(store: PostgresqlStore, sent: list[str]) -> None:
    def work(connection: Connection) -> None:
        gather_rows(connection, fruit, [("apple", 1)])
        assert FIND.fetch_first(connection, {"name": "pear"}) is None
        assert connection.execute(select(tree)).all() == []
        assert not any("INSERT" in statement for statement in sent)

    await store.write(work)

    assert await read_fruit(store) == {"apple": 1}


async def test_a_count_is_told_before_the_transaction_ends(store: PostgresqlStore) -> None:
    counts: list[int] = []

    def work(connection: Connection) -> None:
        gather_rows(connection, fruit, [("apple", 3)])
        for name, n in (("apple", 2), ("apple", 2), ("pear", 1)):
            TAKE.execute_counted(connection, {"name": name, "n": n}, counts.append)

    await store.write(work)

    assert counts == [1, 0, 0]
    assert await read_fruit(store) == {"apple": 1}


async def test_however_much_is_counted_each_is_told(store: PostgresqlStore) -> None:
    """As the orders of a file, which end together: PostgreSQL has bounds for a statement."""
    counts: list[int] = []

    def work(connection: Connection) -> None:
        gather_rows(connection, fruit, [(f"apple {number}", 1) for number in range(0, 2_000, 2)])
        for number in range(2_000):
            TAKE.execute_counted(connection, {"name": f"apple {number}", "n": 1}, counts.append)

    await store.write(work)

    assert counts == [1, 0] * 1_000


async def test_who_is_told_may_write_more_or_give_up(store: PostgresqlStore) -> None:
    def add_missing(connection: Connection) -> None:
        def check(count: int) -> None:
            if not count:
                gather_rows(connection, fruit, [("pear", 9)])

        TAKE.execute_counted(connection, {"name": "pear", "n": 1}, check)

    def give_up(connection: Connection) -> None:
        def check(count: int) -> None:
            raise LookupError(count)

        gather_rows(connection, fruit, [("plum", 1)])
        TAKE.execute_counted(connection, {"name": "pear", "n": 100}, check)

    await store.write(add_missing)
    with pytest.raises(LookupError):
        await store.write(give_up)

    assert await read_fruit(store) == {"pear": 9}


async def test_a_key_that_is_there_ends_the_transaction(store: PostgresqlStore) -> None:
    await store.write(lambda c: gather_rows(c, fruit, [("apple", 1)]))

    with pytest.raises(IntegrityError):
        await store.write(lambda c: gather_rows(c, fruit, [("pear", 1), ("apple", 2)]))

    assert await read_fruit(store) == {"apple": 1}


async def test_a_savepoint_keeps_what_was_before_it_and_drops_what_came_after(store: PostgresqlStore) -> None:
    def work(connection: Connection) -> None:
        gather_rows(connection, fruit, [("apple", 1)])
        nested = connection.begin_nested()
        gather_rows(connection, fruit, [("pear", 1)])
        nested.rollback()
        with connection.begin_nested():
            gather_rows(connection, fruit, [("plum", 1)])
        with pytest.raises(IntegrityError), connection.begin_nested():
            gather_rows(connection, fruit, [("plum", 2)])

    await store.write(work)

    assert await read_fruit(store) == {"apple": 1, "plum": 1}


async def test_an_error_that_somebody_catches_ends_the_transaction_all_the_same(store: PostgresqlStore) -> None:
    """Else the commit would be a rollback without a word."""

    def work(connection: Connection) -> None:
        gather_rows(connection, fruit, [("apple", 1)])
        gather_rows(connection, fruit, [("apple", 2)])
        with contextlib.suppress(IntegrityError):
            connection.execute(select(fruit))

    with pytest.raises(IntegrityError):
        await store.write(work)


async def test_values_of_all_kinds_come_as_they_are(store: PostgresqlStore) -> None:
    hard: list[tuple[Any, int]] = [("{a,b}", -1), ('say "no"\\', 2**31 - 1), ("naïve\n\t日本", 0), ("", 5)]

    await store.write(lambda c: gather_rows(c, fruit, hard))

    assert await read_fruit(store) == dict(sorted(hard))


async def test_elsewhere_nothing_gathers(store: PostgresqlStore) -> None:
    assert await store.read(gathered_of) is None
