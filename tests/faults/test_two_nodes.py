"""Two nodes on one PostgreSQL. Both are killed in the middle of messages: when all are sent once more, to the other
node, each was done once. One is killed in the middle of a loan between two libraries: it goes on at the other."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.bench import messages
from tests.faults.altered import draw_hangs, hanging
from tests.faults.partner import is_success, send_all
from tests.support.daemon import Installation
from tests.support.looking import tracebacks

pytestmark = pytest.mark.postgresql

PATRONS = [str(21000000000017 + 8 * n) for n in (0, 2, 6, 8, 10, 13, 16, 18)]
"""Adults in good standing."""

COUNT = 48

log = logging.getLogger(__name__)


def fetch_column(url: str, statement: str) -> list[Any]:
    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def kill_both_amid(nodes: Sequence[Installation], bodies: Sequence[bytes], chance: random.Random) -> list[bytes | None]:
    """Each message goes to one of them. One is killed when some messages have been answered, the other when it is alone
    and has answered some more, or none. One has some in the midst by then, though nobody would wait for the kills."""
    first = chance.randint(1, COUNT // 3)
    second = first + chance.randint(0, COUNT // 4)
    log.warning("killed after %d and %d answers", first, second)
    hangs = draw_hangs(COUNT // 2, chance)
    with hanging(nodes[0], "create_temporary_item", "DUO", hangs) as one, nodes[1].serve() as other:

        def kill_at_limits(count: int) -> None:
            if count == first:
                one.kill()
            if count == second:
                other.kill()

        answers = send_all(nodes[0], bodies, kill_at_limits, ports=[node.port for node in nodes])
        for daemon in (one, other):
            daemon.kill()  # where fewer were answered than it takes
            daemon.wait()
    return answers


def test_each_of_48_items_is_accepted_once(fresh_postgresql_url: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("ILLGATE_SEED") or random.SystemRandom().randrange(1_000_000))
    log.warning("ILLGATE_SEED=%d", seed)
    url = fresh_postgresql_url
    node = Installation.make_mesh(tmp_path / "first", url)
    other = node.copy(tmp_path / "second")
    bodies = [messages.accept_item(number, "DUO", PATRONS[number % len(PATRONS)]) for number in range(COUNT)]

    first = kill_both_amid((node, other), bodies, random.Random(seed))

    answered = [answer for answer in first if answer is not None]
    assert all(map(is_success, answered))
    assert None in first, "both kills came too late to disturb anything"
    said = "SELECT count(*) FROM message WHERE direction = 'out' AND service = 'AcceptItem' AND outcome = 'ok'"
    assert fetch_column(url, said)[0] >= len(answered), "what was answered is there"

    with node.serve(), other.serve():  # one of them finishes what those before had in hand, when they are known as dead
        end = time.monotonic() + 15
        while fetch_column(url, "SELECT count(*) FROM message WHERE outcome = 'pending'") != [0]:
            assert time.monotonic() < end
            time.sleep(0.1)
        again = send_all(node, bodies, ports=(other.port, node.port))
        assert [answer for answer in again if not is_success(answer)] == []
        assert [(a, b) for a, b in zip(first, again, strict=True) if a is not None and a != b] == []

    barcodes = sorted(f"DUO-{number}" for number in range(COUNT))
    for table, column in (("embedded_items", "barcode"), ("embedded_holds", "request_id")):
        found = fetch_column(url, f"SELECT {column} FROM {table} WHERE {column} LIKE 'DUO-%'")
        assert sorted(found) == barcodes, table
    assert fetch_column(url, "SELECT count(*) FROM message WHERE outcome = 'pending'") == [0]
    assert tracebacks(node) + tracebacks(other) == []


@dataclass(frozen=True)
class Desk:
    """A library's program, at the API of any node. `key`: that library's."""

    key: str

    @classmethod
    def open(cls, node: Installation, library: str) -> Desk:
        scopes = [f"--scope={name}" for name in ("requests:read", "requests:write", "lending")]
        return cls(node.run("key", "create", "desk", "--library", library, *scopes).stdout.strip())

    def call(self, node: Installation, path: str, body: object = None, version: str = "*") -> tuple[Any, str]:
        """The answer and its ETag."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", "If-Match": version}
        octets = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{node.port}/api/v1{path}", octets, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer), answer.headers.get("ETag", "")

    def act(self, node: Installation, request_id: str, *acts: str) -> None:
        for act in acts:
            _, version = self.call(node, f"/requests/{request_id}")
            self.call(node, f"/requests/{request_id}/actions/{act}", {}, version)

    def wait_for_state(self, node: Installation, state: str) -> str:
        """Until the library's one request has it; its id."""
        end = time.monotonic() + 30
        while True:
            requests = self.call(node, "/requests")[0]["items"]
            if [request["state"] for request in requests] == [state]:
                return str(requests[0]["id"])
            assert time.monotonic() < end, requests
            time.sleep(0.1)


LOAN = {
    "citation": {"type": "book", "title": "The Three-Body Problem", "author": "Liu, Cixin"},
    "patron": {"identifier": PATRONS[0]},
    "partner": "north",
    "mediated": False,
}


def test_a_loan_goes_on_at_the_other_node_when_one_is_killed(fresh_postgresql_url: str, tmp_path: Path) -> None:
    url = fresh_postgresql_url
    node = Installation.make_mesh(tmp_path / "first", url)
    other = node.copy(tmp_path / "second")
    demo, north = Desk.open(node, "DEMO"), Desk.open(node, "NORTH")

    with node.serve() as first:
        demo.call(node, "/requests", LOAN)
        lending = north.wait_for_state(node, "located")
        with other.serve():
            north.act(other, lending, "will-supply")
            north.act(node, lending, "shipped")
            first.kill()  # with the message that says so in hand, or before, or behind it
            first.wait()
            borrowing = demo.wait_for_state(other, "shipped")
            demo.act(other, borrowing, "received", "at-pickup", "loaned-to-patron", "returned-by-patron", "returned")
            north.wait_for_state(other, "returned")
            north.act(other, lending, "checked-in")
            demo.wait_for_state(other, "completed")
            north.wait_for_state(other, "completed")

    taken = "SELECT library || ' ' || service FROM message WHERE direction = 'in' AND id LIKE '%-1' AND note = ''"
    assert sorted(fetch_column(url, taken)) == [
        *(f"DEMO {service}" for service in ("checked-in", "shipped", "will-supply")),
        *(f"NORTH {service}" for service in ("received", "request", "returned")),
    ], "each once, whatever was sent again"
    senders = fetch_column(url, "SELECT DISTINCT node FROM outbox WHERE kind = 'partner' AND status = 'done'")
    assert len(senders) == 2
    assert tracebacks(node) + tracebacks(other) == []
