"""Connections to PostgreSQL that are lost: known by their errors, and by no question beforehand."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, Integer, column, make_url, text
from sqlalchemy.exc import IntegrityError

from gateway.domain.problems import Unavailable
from gateway.ports.shared_store import Store
from gateway.sql.silent_servers import IDLE_SECONDS, lift_statement_limit
from gateway.sql.statements import PreparedStatement
from gateway.store.engine import open_store
from gateway.store.postgresql import PostgresqlSession, PostgresqlStore

pytestmark = pytest.mark.postgresql

END_ME = "SELECT pg_terminate_backend(pg_backend_pid())"
END_OTHERS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
END_AT_COMMIT = (
    "CREATE FUNCTION end_me() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON numbers DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION end_me()",
)
IN_TRANSACTION = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"

_ADD = PreparedStatement(text("INSERT INTO numbers (n) VALUES (1)"))
_END = PreparedStatement(text(END_ME))
_COUNT = PreparedStatement(text("SELECT count(*) AS count FROM numbers").columns(column("count", Integer)))
_SLEEP = PreparedStatement(text("SELECT pg_sleep(30)"))

Do = Callable[[Connection], object]

either_way = pytest.mark.parametrize(
    ("add", "end_me"),
    [
        (lambda c: c.execute(text("INSERT INTO numbers (n) VALUES (1)")), lambda c: c.execute(text(END_ME))),
        (lambda c: _ADD.execute_many(c, [{}]), lambda c: _END.fetch_all(c, {})),
    ],
    ids=["by Core", "by the driver"],
)


@pytest.fixture
async def numbered(fresh_postgresql_url: str) -> str:
    """A URL with a table `numbers`."""
    store = open_store(fresh_postgresql_url)
    await store.write(lambda c: c.execute(text("CREATE TABLE numbers (n INTEGER)")) and None)
    await store.close()
    return fresh_postgresql_url


async def count_numbers(store: Store) -> int:
    return int(await store.read(lambda c: c.execute(text("SELECT count(*) FROM numbers")).scalar_one()))


@either_way
async def test_connections_that_were_ended_while_idle_cost_nobody_anything(numbered: str, add: Do, end_me: Do) -> None:
    store, other = open_store(numbered), open_store(numbered)
    try:
        for work in (lambda: store.write(add), lambda: count_numbers(store)):
            await asyncio.gather(*(count_numbers(store) for _ in range(5)))
            assert await other.read(lambda c: c.execute(text(END_OTHERS)).scalar_one()) > 1
            await work()
        assert await count_numbers(store) == 1
    finally:
        await store.close()
        await other.close()


@pytest.mark.parametrize("within", [contextlib.nullcontext, Connection.begin_nested], ids=["transaction", "savepoint"])
@either_way
async def test_what_was_not_committed_is_done_again(
    numbered: str, add: Do, end_me: Do, within: Callable[..., contextlib.AbstractContextManager[object]]
) -> None:
    store, runs = open_store(numbered), 0

    def add_and_be_lost(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        with within(connection):
            add(connection)
            if runs == 1:
                end_me(connection)

    try:
        await store.write(add_and_be_lost)
        assert (runs, await count_numbers(store)) == (2, 1)
    finally:
        await store.close()


@either_way
async def test_work_whose_connection_is_lost_each_time_is_given_up(numbered: str, add: Do, end_me: Do) -> None:
    store = open_store(numbered)
    try:
        with pytest.raises(Unavailable):
            await store.write(end_me)
        assert await count_numbers(store) == 0
    finally:
        await store.close()


@either_way
async def test_what_may_have_been_committed_is_not_done_again(numbered: str, add: Do, end_me: Do) -> None:
    store, runs = open_store(numbered), 0

    def add_counted(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        add(connection)

    try:
        for statement in END_AT_COMMIT:
            await store.write(lambda c, statement=statement: c.exec_driver_sql(statement) and None)
        with pytest.raises(Unavailable):
            await store.write(add_counted)
        assert runs == 1
    finally:
        await store.close()


@either_way
async def test_a_statement_by_itself_that_may_have_been_carried_out_is_not_done_again(
    numbered: str, add: Do, end_me: Do
) -> None:
    store, runs = open_store(numbered), 0

    def be_lost(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        end_me(connection)

    try:
        with pytest.raises(Unavailable):
            await store.write_statement(be_lost)
        assert runs == 1
    finally:
        await store.close()


async def test_who_is_cancelled_leaves_no_transaction_behind(numbered: str) -> None:
    store = open_store(numbered)

    def add_and_sleep(connection: Connection) -> None:
        _ADD.execute_many(connection, [{}])
        _SLEEP.fetch_all(connection, {})

    try:
        works = [asyncio.create_task(store.write(add_and_sleep)) for _ in range(5)]
        async with asyncio.timeout(10):
            while await store.read(_count_sleeping) < len(works):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        assert all(work.cancelled() for work in works)
        await asyncio.gather(*(count_numbers(store) for _ in range(20)))
        assert await store.read(lambda c: c.execute(text(IN_TRANSACTION)).scalar_one()) == 0
        assert await count_numbers(store) == 0
    finally:
        await store.close()


def _count_sleeping(connection: Connection) -> int:
    return int(
        connection.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
        ).scalar_one()
    )


async def test_the_error_of_a_row_that_is_there_already_names_no_value(numbered: str) -> None:
    store = open_store(numbered)
    add = PreparedStatement(text("INSERT INTO numbers (n) VALUES (470011)"))
    try:
        await store.write(lambda c: c.execute(text("CREATE UNIQUE INDEX once ON numbers (n)")) and None)
        await store.write(lambda c: add.execute_many(c, [{}]))
        with pytest.raises(IntegrityError) as refused:
            await store.write(lambda c: add.execute_many(c, [{}]))
        assert "470011" not in str(refused.value.orig)
        assert "once" in str(refused.value.orig)
    finally:
        await store.close()


class _SilentRelay:
    """Between a store and its server, until it says nothing more; connections stay open."""

    def __init__(self, url: URL) -> None:
        self.is_silent = False
        self._url = url
        self._tasks = set[asyncio.Task[None]]()

    async def start(self) -> str:
        """The URL to connect to."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return self._url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(self._url.host, self._url.port)
        for source, sink in ((reader, onward), (there, writer)):
            self._tasks.add(asyncio.create_task(self._pass_on(source, sink)))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if not self.is_silent:
                    sink.write(data)
        finally:
            sink.close()


@pytest.mark.parametrize("is_read", [False, True], ids=["write", "read"])
async def test_who_is_cancelled_while_the_server_is_silent_does_not_wait_for_it(numbered: str, is_read: bool) -> None:
    relay = _SilentRelay(make_url(numbered))
    store = open_store(await relay.start())
    run = store.read if is_read else store.write
    try:
        await run(_count_by_driver)
        relay.is_silent = True
        cancelled = asyncio.create_task(run(_count_by_driver))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        done, _ = await asyncio.wait([cancelled], timeout=4)
        assert done, "it doesn't wait for the server"
        assert cancelled.cancelled()
        relay.is_silent = False
        async with asyncio.timeout(4):
            assert await run(_count_by_driver) == 0
    finally:
        await relay.stop()
        await store.close()


def _count_by_driver(connection: Connection) -> int:
    return int(_COUNT.fetch_first(connection, {})[0])


@pytest.fixture
async def relay(numbered: str) -> AsyncIterator[_SilentRelay]:
    silent = _SilentRelay(make_url(numbered))
    yield silent
    await silent.stop()


async def test_who_asks_a_silent_server_is_told_in_time_and_others_are_served_when_it_speaks_again(
    relay: _SilentRelay,
) -> None:
    store = PostgresqlStore(make_url(await relay.start()), statement_seconds=0.6)

    def add_by_driver(connection: Connection) -> None:
        _ADD.execute_many(connection, [{}])

    def add_by_core(connection: Connection) -> None:
        connection.execute(text("INSERT INTO numbers (n) VALUES (1)"))

    try:
        await store.write(add_by_driver)
        relay.is_silent = True
        runs = (store.read, store.write, store.write_statement)
        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(
                *(run(add) for run in runs for add in (add_by_core, add_by_driver)), return_exceptions=True
            )
        assert [str(one) for one in outcomes] == ["the database did not respond"] * 6
        assert {type(one) for one in outcomes} == {Unavailable}
        relay.is_silent = False
        assert await count_numbers(store) == 1, "nothing of it came to the server"
    finally:
        await store.close()


async def test_each_statement_has_its_time(numbered: str) -> None:
    """Not the transaction; and migrations take as long as they need."""
    store = PostgresqlStore(make_url(numbered), statement_seconds=1.0)

    def sleep_by_core(connection: Connection, seconds: float) -> None:
        connection.execute(text(f"SELECT pg_sleep({seconds})"))

    def sleep_by_driver(connection: Connection, seconds: float) -> None:
        sleep = PreparedStatement(text(f"SELECT 1 AS n FROM pg_sleep({seconds})").columns(column("n", Integer)))
        sleep.fetch_all(connection, {})

    def sleep_often(connection: Connection) -> None:
        for _ in range(6):
            sleep_by_core(connection, 0.1)
            sleep_by_driver(connection, 0.1)

    def sleep_unlimited(connection: Connection) -> None:
        lift_statement_limit()
        sleep_by_core(connection, 1.2)

    try:
        long = [store.write(lambda c, sleep=sleep: sleep(c, 30)) for sleep in (sleep_by_core, sleep_by_driver)]  # type: ignore[misc]
        outcomes = await asyncio.gather(
            store.write(sleep_often), store.write(sleep_unlimited), *long, return_exceptions=True
        )
        assert [str(one) for one in outcomes] == ["None", "None", *["the database did not respond"] * 2]
    finally:
        await store.close()


def list_timers(port: int) -> list[tuple[str, float]]:
    """Of connections to this port, of this machine: what the kernel waits for (02: to ask whether the other side is
    there), and in how many seconds."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    to_port = [fields for fields in lines if fields[2].endswith(f":{port:04X}") and fields[3] == "01"]
    timers = [fields[5].split(":") for fields in to_port]
    return [(kind, int(left, 16) / os.sysconf("SC_CLK_TCK")) for kind, left in timers]


async def test_the_kernel_asks_after_a_server_that_says_nothing(relay: _SilentRelay) -> None:
    """Of the store's connections, and of those that only listen."""
    url = make_url(await relay.start())
    assert url.port is not None
    store, session = open_store(url.render_as_string(hide_password=False)), await PostgresqlSession.open(url)
    try:
        assert await count_numbers(store) == 0
        timers = list_timers(url.port)
        assert [kind for kind, _ in timers] == ["02", "02"]
        assert all(left <= IDLE_SECONDS for _, left in timers)
    finally:
        await session.close()
        await store.close()
