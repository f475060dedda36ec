"""Nodes with the same gateway.yml on one PostgreSQL: what one has in hand is nobody else's as long as it lives, and a
living one's within 15 seconds when it doesn't any more, with PgBouncer in between or without."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.clock import StoreClock
from gateway.ports.shared_store import Transaction
from gateway.runtime.daemon import Daemon
from gateway.settings import load_settings
from gateway.store.api_records import WebhookSubscription, add_subscription
from gateway.store.engine import open_store
from gateway.store.nodes import SILENT_SECONDS
from gateway.store.requests import outbox
from gateway.store.requests.outbox import OutboxRow
from gateway.store.schema import make_exchange_id
from tests.bench import messages
from tests.faults.altered import hanging
from tests.faults.test_two_nodes import fetch_column
from tests.support.daemon import Installation, forked_daemon, wait_for
from tests.support.looking import tracebacks
from tests.support.pgbouncer import pooled
from tests.support.postgresql import DURABLE, Server

pytestmark = pytest.mark.postgresql

ROWS = 4
"""So many go to one target at once."""

TAKEN_SECONDS = 15.0


class Receiver:
    """Keeps which rows it was told of, and says yes to them; those that come before `let_go` never hear it."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.heard_since: Counter[str] = Counter()
        self.moments: list[datetime] = []
        self._free = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with suppress(OSError):  # whoever asked is dead
                    receiver.hear(str(self.headers["webhook-id"]))
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def hear(self, row: str) -> None:
        self.heard[row] += 1
        self.moments.append(datetime.now(UTC))
        if self._free.is_set():
            self.heard_since[row] += 1
        self._free.wait(60)

    def let_go(self) -> None:
        self._free.set()

    @contextmanager
    def listening(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.let_go()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as listening:
        yield listening


def add_rows(url: str, receiver: Receiver, seconds: float = 0.0) -> list[str]:
    """Deliveries to the receiver, due in so many seconds; their ids."""
    now = datetime.now(UTC)
    hook = WebhookSubscription(
        library="DEMO",
        id="hook",
        name="hook",
        url=receiver.url,
        secret="a secret, thirty-two letters long",
        created=now,
    )
    rows = [
        OutboxRow(
            library="DEMO",
            id=make_exchange_id(now),
            lane=f"hook {number}",
            kind="webhook",
            target="hook",
            payload='{"event": "1"}',
            created=now,
            next_at=now + timedelta(seconds=seconds),
        )
        for number in range(ROWS)
    ]

    def add(connection: Transaction) -> None:
        add_subscription(connection, hook)
        for row in rows:
            outbox.add_outbox_row(connection, row)

    async def write() -> None:
        store = open_store(url)
        await store.write(add)
        await store.close()

    asyncio.run(write())
    return [row.id for row in rows]


def wait_until(holds: Callable[[], bool], seconds: float) -> float:
    """Until it holds; how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def served_beside(node: Installation, log: Path) -> Iterator[int]:
    """Another node by the same gateway.yml; gives its port."""
    with forked_daemon(node.config, log, "--port", "0"):
        wait_until(lambda: log.exists() and b"illgate serves http" in log.read_bytes(), 60)
        found = re.search(r"illgate serves http://127\.0\.0\.1:(\d+)", log.read_text())
        assert found
        wait_for(int(found[1]), "/readyz")
        yield int(found[1])


def make_node(folder: Path, url: str) -> Installation:
    node = Installation.make_mesh(folder, url)
    node.change(
        tcp=[],
        api={"webhook_networks": ["127.0.0.1"]},
        outbox={"first_seconds": 120},  # what is not answered is tried again by the one that has it, but not so soon
    )
    return node


def count_done(url: str) -> int:
    return int(fetch_column(url, "SELECT count(*) FROM outbox WHERE status = 'done'")[0])


def test_a_second_node_with_equal_settings_sends_nothing_that_the_first_has_in_hand(
    fresh_postgresql_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    url = fresh_postgresql_url
    node = make_node(tmp_path / "node", url)
    with served_beside(node, tmp_path / "first.log"):
        rows = add_rows(url, receiver)
        wait_until(lambda: len(receiver.heard) == ROWS, 20)
        with served_beside(node, tmp_path / "second.log"):
            time.sleep(4)  # it looks for rows every two seconds
            assert receiver.heard == Counter(rows), "all of them once"
            receiver.let_go()
    assert receiver.heard == Counter(rows)
    assert fetch_column(url, "SELECT DISTINCT tries FROM outbox") == [1]


@pytest.mark.long
def test_when_the_database_was_away_for_longer_than_the_dead_are_silent_nothing_is_taken(
    tmp_path: Path, receiver: Receiver
) -> None:
    server = Server(DURABLE)
    try:
        url = server.url()
        node = make_node(tmp_path / "node", url)
        with served_beside(node, tmp_path / "first.log"), served_beside(node, tmp_path / "second.log"):
            rows = add_rows(url, receiver)
            wait_until(lambda: len(receiver.heard) == ROWS, 20)
            server.halt()
            time.sleep(SILENT_SECONDS + 4)
            server.start()
            time.sleep(SILENT_SECONDS + 6)
            assert receiver.heard == Counter(rows), "all of them once"
            assert len(fetch_column(url, "SELECT id FROM node")) == 2
            receiver.let_go()
        logs = [(tmp_path / name).read_text() for name in ("first.log", "second.log")]
        assert all("node.silent" in log and "node.taken_over" not in log for log in logs)
    finally:
        server.stop()


@dataclass
class Skewed:
    """A machine's clock that is off."""

    seconds: float

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


def read_clock_notes(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
        parts = json.load(answer)["parts"]
    return [note for part in parts if part["name"] == "clock" for note in part.get("notes", [])]


async def test_nodes_whose_clocks_differ_wait_for_the_same_moment(
    fresh_postgresql_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    node = await asyncio.to_thread(make_node, tmp_path / "node", fresh_postgresql_url)
    adapters = load_adapters()
    settings = load_settings(node.config, adapters)
    settings = settings.model_copy(update={"http": settings.http.model_copy(update={"port": 0})})
    receiver.let_go()
    async with AsyncExitStack() as stack:
        daemons = [Daemon(settings, adapters, StoreClock(Skewed(seconds))) for seconds in (0, 7, -7)]
        for daemon in daemons:
            await daemon.start()
            stack.push_async_callback(daemon.stop)
            daemon.start_workers()
        rows = await asyncio.to_thread(add_rows, fresh_postgresql_url, receiver, 3)
        due = datetime.now(UTC) + timedelta(seconds=3 - 0.5)

        await asyncio.to_thread(wait_until, lambda: len(receiver.moments) >= ROWS, 20)

        assert receiver.heard == Counter(rows)
        assert due <= min(receiver.moments)
        assert max(receiver.moments) <= due + timedelta(seconds=4), "not when the slowest clock says so"
        notes = [await asyncio.to_thread(read_clock_notes, daemon.url) for daemon in daemons]
    assert notes[0] == []
    assert re.fullmatch(r"this machine's clock is (6\.9|7\.[01]) s ahead of the database's, which counts", notes[1][0])
    assert re.fullmatch(r"this machine's clock is (6\.9|7\.[01]) s behind the database's, which counts", notes[2][0])


@pytest.fixture(params=[pytest.param("direct", marks=pytest.mark.long), "pooled"])
def served_url(request: pytest.FixtureRequest, fresh_postgresql_url: str) -> Iterator[str]:
    """What stands in gateway.yml."""
    if request.param == "direct":
        yield fresh_postgresql_url
        return
    with pooled(fresh_postgresql_url) as url:
        yield f"{url}?prepared_statement_cache_size=0"


def test_what_a_killed_node_had_in_hand_is_done_by_a_living_one(
    fresh_postgresql_url: str, served_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    url = fresh_postgresql_url
    node = make_node(tmp_path / "node", served_url)
    with (
        ThreadPoolExecutor(1) as partner,
        hanging(node, "create_temporary_item", "KILL", frozenset([0])) as first,
    ):
        rows = add_rows(url, receiver)
        wait_until(lambda: len(receiver.heard) == ROWS, 20)
        asking = partner.submit(node.post, messages.accept_item(0, "KILL", "21000000000017"))
        pending = "SELECT count(*) FROM message WHERE outcome = 'pending'"
        wait_until(lambda: fetch_column(url, pending) == [1], 20)
        with served_beside(node, tmp_path / "second.log"):
            time.sleep(1)
            first.kill()
            first.wait()
            receiver.let_go()
            took = wait_until(lambda: count_done(url) == ROWS and fetch_column(url, pending) == [0], TAKEN_SECONDS + 5)
            assert took <= TAKEN_SECONDS
            assert receiver.heard_since == Counter(rows), "each once, by the one that lives"
            assert fetch_column(url, "SELECT count(*) FROM embedded_items WHERE barcode = 'KILL-0'") == [1]
            ended = "SELECT outcome FROM message WHERE direction = 'in' AND service = 'AcceptItem'"
            assert fetch_column(url, ended) == ["ok"]
            assert len(fetch_column(url, "SELECT id FROM node")) == 1
        assert fetch_column(url, "SELECT id FROM node") == [], "who ends goes"
        assert isinstance(asking.exception(5), OSError)
    assert tracebacks(node) == []


def test_a_node_behind_a_pooler_that_loses_statements_does_not_start(fresh_postgresql_url: str, tmp_path: Path) -> None:
    node = make_node(tmp_path / "node", fresh_postgresql_url)
    with pooled(fresh_postgresql_url) as url:
        node.change(store={"url": url})
        with forked_daemon(node.config, node.log) as daemon:
            assert daemon.wait(60) == 4
    said = "PgBouncer in transaction mode loses prepared statements: add ?prepared_statement_cache_size=0 to store.url"
    assert said in node.log.read_text()
    assert tracebacks(node) == []
