"""kill -9 in the middle of a job that replays messages, amid the library's work: the next start, or another node that
lives, goes on where it was, and each message is done once."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from contextlib import closing
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from tests.bench import messages
from tests.faults.altered import hanging
from tests.faults.partner import is_success, send_all
from tests.faults.test_equal_nodes import TAKEN_SECONDS, make_node, served_beside
from tests.faults.test_kill import check_items_and_holds, dying, patron_of
from tests.faults.test_two_nodes import fetch_column
from tests.support.daemon import Installation
from tests.support.looking import Database, journal, tracebacks

COUNT = 8


def expire_cards(installation: Installation, day: str | None) -> None:
    """No daemon is at work."""
    with closing(sqlite3.connect(installation.database)) as connection, connection:
        connection.execute("UPDATE embedded_patrons SET expires = ?", (day,))


def list_replayed(installation: Installation) -> list[str]:
    """Ids of the originals, once for each replay."""
    return sorted(Database(installation.database).column("SELECT replay_of FROM message WHERE replay_of <> ''"))


def wait_until(seconds: float, is_so: object) -> None:
    end = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_job_goes_on_after_kills_and_does_each_message_once(installation: Installation) -> None:
    bodies = [messages.accept_item(number, "R", patron_of(number)) for number in range(COUNT)]
    expire_cards(installation, "2020-01-01")
    with installation.serve():
        assert not any(is_success(answer) for answer in send_all(installation, bodies) if answer is not None)
    refused = sorted(row["id"] for row in journal(installation, "--outcome", "refused", "--direction", "in"))
    assert len(refused) == COUNT
    expire_cards(installation, "2099-01-01")

    begun = installation.run("replay-job", "begin", "--outcome", "refused", "--reason", "patron-expired", "--yes")
    (job,) = re.findall(r"^job (\w+):", begun.stdout, re.MULTILINE)
    with dying(installation, "create_temporary_item") as daemon:
        assert daemon.wait(60) == 9
    assert len(list_replayed(installation)) == 1, "begun, and not ended"
    with hanging(installation, "create_temporary_item", "R", frozenset([3])) as daemon:
        wait_until(60, lambda: len(list_replayed(installation)) == 4)
        daemon.kill()
        daemon.wait()
    with installation.serve():
        wait_until(60, lambda: "finished" in installation.run("replay-job", "show", job).stdout)

    assert f"finished, {COUNT} of {COUNT}\n  {COUNT} done\n" in installation.run("replay-job", "show", job).stdout
    assert list_replayed(installation) == refused, "each once"
    check_items_and_holds(installation, "R", COUNT)
    assert tracebacks(installation) == []


@pytest.mark.long
@pytest.mark.postgresql
def test_a_living_node_goes_on_with_the_job_of_a_dead_one(fresh_postgresql_url: str, tmp_path: Path) -> None:
    url, node = fresh_postgresql_url, make_node(tmp_path / "node", fresh_postgresql_url)

    def expire(day: date) -> None:
        async def write() -> None:
            connection = await asyncpg.connect(url)
            await connection.execute("UPDATE embedded_patrons SET expires = $1", day)
            await connection.close()

        asyncio.run(write())

    expire(date(2020, 1, 1))
    bodies = [messages.accept_item(number, "R", patron_of(number)) for number in range(3)]
    with hanging(node, "create_temporary_item", "R", frozenset([1])) as first:
        assert not any(is_success(answer) for answer in send_all(node, bodies) if answer is not None)
        expire(date(2099, 1, 1))
        node.run("replay-job", "begin", "--outcome", "refused", "--reason", "patron-expired", "--yes")
        replays = "SELECT outcome FROM message WHERE replay_of <> '' ORDER BY id"
        wait_until(60, lambda: fetch_column(url, replays) == ["ok", "pending"])
        with served_beside(node, tmp_path / "second.log"):
            first.kill()
            first.wait()
            wait_until(TAKEN_SECONDS, lambda: fetch_column(url, "SELECT status FROM replay_job") == ["finished"])

            assert fetch_column(url, replays) == ["ok"] * 3, "each once"
            assert fetch_column(url, "SELECT count(*) FROM embedded_items WHERE barcode LIKE 'R-%'") == [3]
    assert tracebacks(node) == []
