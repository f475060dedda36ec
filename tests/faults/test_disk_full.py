"""The disk is full, or the library's system is slow: the partner is told to come again, and nothing is half done.

A full disk is played by a limit on the size of files that the daemon may write (RLIMIT_FSIZE), set from outside while
it runs; a slow library by tests/faults/altered.py.
"""

from __future__ import annotations

import json
import resource
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.bench import messages
from tests.faults.altered import serve_slowly
from tests.faults.partner import is_success, send_all
from tests.support.daemon import ILLGATE, Installation, process, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess
from tests.support.looking import Database, count_defects, journal, library, tracebacks

PAGE = 4096 + 24
"""Bytes that one page of the database takes in SQLite's write-ahead log."""


@contextmanager
def no_file_larger_than(size: int, daemon: ForkedProcess) -> Iterator[None]:
    soft, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (soft, hard))


def problem(answer: bytes | None) -> str:
    assert answer is not None
    return etree.fromstring(answer).findtext(".//{*}ProblemType") or ""


def items_and_holds(database: Database) -> tuple[list[str], list[str]]:
    """By request number, all there ever were."""
    return (
        database.column("SELECT request_id FROM embedded_items WHERE temporary ORDER BY 1"),
        database.column("SELECT request_id FROM embedded_holds WHERE request_id <> '' ORDER BY 1"),
    )


def test_a_full_disk(installation: Installation) -> None:
    """Nothing can be written: all are told to come again, and nothing is done. Then there is space again."""
    database = Database(installation.database)
    bodies = [messages.accept_item(number, "FULL") for number in range(20)]
    with installation.serve() as daemon:
        before = database.content()
        with no_file_larger_than(1, daemon):
            refused = send_all(installation, [*bodies, messages.lookup_user()])
            assert {problem(answer) for answer in refused} == {"Temporary Processing Failure"}
            assert all(b"Please send it again later." in (answer or b"") for answer in refused)
            assert database.content() == before
            assert count_defects(installation) == 0  # its log is on the same disk

        assert all(map(is_success, send_all(installation, [*bodies, messages.lookup_user()])))
    numbers = sorted(f"FULL-{number}" for number in range(20))
    assert items_and_holds(database) == (numbers, numbers)
    assert tracebacks(installation) == []


def ready(installation: Installation) -> dict[str, Any]:
    """What is wrong, by part."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}/readyz", timeout=10) as page:
            said = page.read()
    except urllib.error.HTTPError as unwell:
        with unwell:
            said = unwell.read()
    return {part["name"]: part["problem"] for part in json.loads(said)["parts"] if not part["up"]}


def wait_until_ready_is(installation: Installation, wanted: set[str]) -> dict[str, Any]:
    until = time.monotonic() + 30
    while (found := ready(installation)).keys() != wanted:
        assert time.monotonic() < until, f"/readyz still says {found}"
        time.sleep(0.2)
    return found


def wait_until_it_says(installation: Installation, words: str) -> None:
    until = time.monotonic() + 30
    while words not in installation.log.read_text():
        assert time.monotonic() < until, f"the log never says {words!r}"
        time.sleep(0.05)


def test_a_full_disk_shows_in_readyz_and_goes_away_again(installation: Installation) -> None:
    with installation.serve() as daemon:
        wait_until_it_says(installation, "illgate serves")  # its log is on the same disk
        assert ready(installation) == {}
        with no_file_larger_than(1, daemon):
            found = wait_until_ready_is(installation, {"store writing"})
            until = time.monotonic() + 30
            while "database is not available" not in found["store writing"]:  # before that: too little space
                assert time.monotonic() < until
                time.sleep(0.2)
                found = ready(installation)
            assert count_defects(installation) == 0
        wait_until_ready_is(installation, set())
    assert "health.part_up" in installation.log.read_text()  # that it was down could not be written either
    assert tracebacks(installation) == []


def test_space_for_small_messages_alone_shows_in_readyz(installation: Installation) -> None:
    """A look-up is answered and a page can be written, but no message of full size."""
    log = installation.database.with_name("illgate.db-wal")
    with installation.serve() as daemon:
        assert ready(installation) == {}
        with no_file_larger_than(max(log.stat().st_size, installation.database.stat().st_size) + 400_000, daemon):
            found = wait_until_ready_is(installation, {"store writing"})
            assert found["store writing"].startswith("too little space: a message may have 1.0 MB, and 0.")
            assert b"Problem>" not in installation.post(messages.lookup_user())
        wait_until_ready_is(installation, set())


def test_a_disk_that_fills_up_in_the_midst_of_a_message(installation: Installation) -> None:
    """There is space for one page more each time, so it ends ever later in the one transaction, and at last not at all.
    Before that nothing is kept, and the partner sends it again."""
    database = Database(installation.database)
    log = installation.database.with_name("illgate.db-wal")
    after: list[tuple[int, int]] = []
    with installation.serve() as daemon:
        assert is_success(installation.post(messages.accept_item(0, "FILL")))
        for number in range(1, 60):
            body = messages.accept_item(number, "FILL")
            with no_file_larger_than(log.stat().st_size + number * PAGE, daemon):
                answer = installation.post(body)
            records, holdings, items, holds, messages_ = (
                database.value(f"SELECT count(*) FROM {table} WHERE {column} = ?", f"FILL-{number}")
                for table, column in (
                    ("embedded_bibs JOIN embedded_items AS i ON i.bib_id = embedded_bibs.id", "i.barcode"),
                    ("embedded_holdings AS h JOIN embedded_items AS i ON i.holding_id = h.id", "i.barcode"),
                    ("embedded_items", "barcode"),
                    ("embedded_holds", "request_id"),
                    ("message", "direction = 'in' AND request_id"),
                )
            )
            assert records == holdings == items == holds, "half of the library's work was done"
            after.append((messages_, items))
            if is_success(answer):
                assert (messages_, items) == (1, 1)
            else:
                assert problem(answer) == "Temporary Processing Failure"
                assert is_success(installation.post(body))  # there is space again
            assert database.value("SELECT count(*) FROM embedded_items WHERE barcode = ?", f"FILL-{number}") == 1
            if is_success(answer):
                break
    assert len(after) > 2, "the disk was full once at most"
    assert set(after[:-1]) == {(0, 0)}
    with installation.serve():  # what could not be noted then is made up for
        assert database.value("SELECT count(*) FROM message WHERE outcome = 'pending'") == 0
    numbers = sorted(f"FILL-{number}" for number in range(len(after) + 1))
    assert items_and_holds(database) == (numbers, numbers)
    assert tracebacks(installation) == []


def test_a_start_on_a_full_disk_says_why_it_fails(installation: Installation) -> None:
    with process(["prlimit", "--fsize=2000", ILLGATE, "--config", str(installation.config), "serve"],
                 installation.log) as daemon:  # fmt: skip
        assert daemon.wait(60) == 4
    said = installation.log.read_text()
    assert "database is not available" in said
    assert tracebacks(installation) == []


def test_a_log_on_a_full_disk_ends_nothing(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error is a file there; the database is on another disk."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # what isn't written stays in a buffer until the very end
    with process([ILLGATE, "--config", str(installation.config), "serve"], Path("/dev/full")) as daemon:
        wait_for(installation.port, "/readyz")
        assert ready(installation) == {}
        assert is_success(installation.post(messages.accept_item(0, "LOG")))
        daemon.send_signal(signal.SIGHUP)  # says that it has read the profiles anew
        assert is_success(installation.post(messages.accept_item(1, "LOG")))
        daemon.terminate()
        assert daemon.wait(30) == 0
    assert items_and_holds(Database(installation.database)) == (["LOG-0", "LOG-1"], ["LOG-0", "LOG-1"])


# --- a slow library ------------------------------------------------------------------------------------------


@contextmanager
def slow(installation: Installation, method: str, seconds: float) -> Iterator[ForkedProcess]:
    daemon = ForkedProcess(serve_slowly, (installation.config, method, seconds), installation.log)
    with stopped_at_end(daemon):
        wait_for(installation.port, "/readyz")
        yield daemon


def ask_twice(installation: Installation, body: bytes) -> list[bytes | None]:
    """The partner clicks twice; the answers come when the time of the library is over, not when it has answered."""
    begun = time.monotonic()
    answers = send_all(installation, [body] * 2)
    assert time.monotonic() - begun < 20  # of 30 that the library takes
    return answers


def test_a_slow_look_up(installation: Installation) -> None:
    installation.change(library_timeout_seconds=1)
    with slow(installation, "find_patron", 30):
        answers = ask_twice(installation, messages.lookup_user())

    assert {problem(answer) for answer in answers} == {"Temporary Processing Failure"}
    assert [row["outcome"] for row in journal(installation)] == ["failed"] * 4
    assert tracebacks(installation) == []


def test_a_slow_change(installation: Installation) -> None:
    """The library does its part, and nobody knows. Sent again later, the message finds it done."""
    installation.change(library_timeout_seconds=1)
    database, body = Database(installation.database), messages.accept_item(1, "SLOW")
    with slow(installation, "create_temporary_item", 30):
        answers = ask_twice(installation, body)
        assert {problem(answer) for answer in answers} == {"Temporary Processing Failure"}
        assert b"whether it did its part is not known" in (answers[0] or b"")
        assert items_and_holds(database) == (["SLOW-1"], ["SLOW-1"])

    with installation.serve():
        assert is_success(installation.post(body))
    assert items_and_holds(database) == (["SLOW-1"], ["SLOW-1"])
    assert library(installation, "item", "SLOW-1")["item"]["hold_count"] == 1
    assert tracebacks(installation) == []
