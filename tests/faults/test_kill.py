"""kill -9 in the middle of many messages: after a restart, and with all of them sent again, each was done once.

When they come is random; what was drawn is in the log that pytest shows of a failed test. ILLGATE_SEED repeats a run.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from gateway.services.exchange.recovery import MAX_STARTS
from tests.bench import messages
from tests.faults.altered import draw_hangs, hanging, serve_until_death
from tests.faults.partner import is_success, send_all
from tests.support.daemon import Installation, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess
from tests.support.looking import MANY, Database, journal, library, tracebacks

PATRONS = [str(21000000000017 + 8 * n) for n in (0, 2, 6, 8, 10, 13, 16, 18)]
"""Adults in good standing; each may have 30 loans."""

log = logging.getLogger(__name__)


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("ILLGATE_SEED") or random.SystemRandom().randrange(1_000_000))
    log.warning("ILLGATE_SEED=%d", seed)
    return random.Random(seed)


def draw_answers(count: int, chance: random.Random) -> int:
    """So many of the messages are answered before the kill: the first are done by then, others are in the midst."""
    return max(1, int(count * 0.3 * chance.random()))


def patron_of(number: int) -> str:
    return PATRONS[number % len(PATRONS)]


def accept_items(series: str, count: int) -> list[bytes]:
    return [messages.accept_item(number, series, patron_of(number)) for number in range(count)]


def kill_amid(
    installation: Installation, daemon: ForkedProcess, bodies: Sequence[bytes], chance: random.Random
) -> list[bytes | None]:
    """Send all; the daemon, which is `hanging`, is killed when some of them have been answered."""
    limit = draw_answers(len(bodies), chance)

    def kill_at_limit(count: int) -> None:
        if count == limit:
            daemon.kill()

    answers = send_all(installation, bodies, kill_at_limit)
    daemon.wait()
    begun = Database(installation.database).value("SELECT count(*) FROM message WHERE outcome = 'pending'")
    log.warning(
        "killed after %d answers: %d of %d were answered, %d more had begun",
        limit,
        sum(answer is not None for answer in answers),
        len(bodies),
        begun,
    )
    assert begun > 0, "the kill came too late to disturb anything"
    return answers


def check_that_answered_means_done(database: Database, kind: str, answers: Sequence[bytes | None]) -> None:
    """Before the restart: whatever was answered is in the file, library and journal alike."""
    assert database.value("PRAGMA integrity_check") == "ok"
    answered = [answer for answer in answers if answer is not None]
    assert all(is_success(answer) for answer in answered)
    said = "SELECT count(*) FROM message WHERE direction = 'out' AND service = ? AND outcome = 'ok'"
    assert database.value(said, kind) >= len(answered)


def check_that_nothing_is_half_done(database: Database) -> None:
    assert database.value("SELECT count(*) FROM message WHERE outcome = 'pending'") == 0
    unanswered = (
        "SELECT count(*) FROM message AS question WHERE direction = 'in' AND NOT EXISTS (SELECT 1 FROM message AS"
        " answer WHERE answer.exchange = question.exchange AND answer.direction = 'out')"
    )
    assert database.value(unanswered) == 0


def resend(installation: Installation, bodies: Sequence[bytes], answers: Sequence[bytes | None]) -> None:
    """Each gets a success, and the same one as before if it had one."""
    again = send_all(installation, bodies)
    assert [answer for answer in again if not is_success(answer)] == []
    assert [(a, b) for a, b in zip(answers, again, strict=True) if a is not None and a != b] == []


# --- AcceptItem ----------------------------------------------------------------------------------------------


def check_items_and_holds(installation: Installation, series: str, count: int) -> None:
    """Each temporary item with its record, holding and hold exists once, for the right patron."""
    database = Database(installation.database)
    expected = sorted((f"{series}-{number}", patron_of(number)) for number in range(count))
    found = database.rows(
        """
        SELECT items.barcode, known.value
        FROM embedded_items AS items
        JOIN embedded_bibs AS bibs ON bibs.id = items.bib_id
        JOIN embedded_holdings AS holdings ON holdings.id = items.holding_id AND holdings.bib_id = bibs.id
        JOIN embedded_holds AS holds ON holds.item_id = items.id AND holds.request_id = items.barcode
        JOIN embedded_patron_identifiers AS known ON known.patron_id = holds.patron_id AND known.type = 'barcode'
        WHERE items.temporary AND items.deleted IS NULL AND holds.closed IS NULL
          AND items.barcode LIKE ? AND known.value LIKE '21%'
        """,
        f"{series}-%",
    )
    assert sorted(found) == expected
    barcodes = [barcode for barcode, _ in expected]
    for table, column in (("embedded_items", "barcode"), ("embedded_holds", "request_id")):
        everything = database.column(f"SELECT {column} FROM {table} WHERE {column} LIKE ?", f"{series}-%")
        assert sorted(everything) == barcodes, table
    items, holds = library(installation, "items", messages.TITLE, *MANY), library(installation, "holds", *MANY)
    for shown in (items, holds):
        assert sorted(one["barcode"] for one in shown if one["barcode"].startswith(f"{series}-")) == barcodes


def check_records(database: Database, temporary: int, before: tuple[int, int]) -> None:
    """No record or holding without its item."""
    counts = [database.value(f"SELECT count(*) FROM embedded_{table}") for table in ("bibs", "holdings")]
    assert counts == [one + temporary for one in before]


def test_each_of_60_items_is_accepted_once(installation: Installation, chance: random.Random) -> None:
    database = Database(installation.database)
    before = tuple(database.value(f"SELECT count(*) FROM embedded_{table}") for table in ("bibs", "holdings"))
    sent = {series: accept_items(series, 60) for series in "ABC"}
    method = "create_temporary_item"
    with hanging(installation, method, "B", draw_hangs(60, chance)) as daemon:
        assert all(map(is_success, send_all(installation, sent["A"])))
        first = kill_amid(installation, daemon, sent["B"], chance)
    check_that_answered_means_done(database, "AcceptItem", first)
    with hanging(installation, method, "C", draw_hangs(60, chance)) as daemon:
        check_that_nothing_is_half_done(database)
        resend(installation, sent["B"], first)
        check_items_and_holds(installation, "B", 60)
        second = kill_amid(installation, daemon, sent["C"], chance)
    check_that_answered_means_done(database, "AcceptItem", second)
    with installation.serve():
        check_that_nothing_is_half_done(database)
        resend(installation, sent["C"], second)
    check_items_and_holds(installation, "C", 60)
    check_records(database, 180, before)
    check_that_nothing_is_half_done(database)
    assert tracebacks(installation) == []


# --- CheckOutItem, CheckInItem -------------------------------------------------------------------------------


def check_loans(database: Database, series: str, count: int, returned: bool) -> None:
    """Each item has one loan, to its patron, and stands accordingly; its hold was filled by it."""
    found = database.rows(
        """
        SELECT items.barcode, items.status, loans.returned IS NOT NULL, loans.renewals, holds.status, known.value
        FROM embedded_items AS items
        JOIN embedded_loans AS loans ON loans.item_id = items.id
        JOIN embedded_holds AS holds ON holds.item_id = items.id
        JOIN embedded_patron_identifiers AS known ON known.patron_id = loans.patron_id AND known.type = 'barcode'
        WHERE items.barcode LIKE ? AND known.value LIKE '21%'
        """,
        f"{series}-%",
    )
    status = "available" if returned else "on-loan"
    expected = [(f"{series}-{n}", status, int(returned), 0, "filled", patron_of(n)) for n in range(count)]
    assert sorted(found) == sorted(expected)


def test_each_of_30_items_is_lent_once_and_returned_once(installation: Installation, chance: random.Random) -> None:
    database = Database(installation.database)
    barcodes = [f"A-{number}" for number in range(30)]
    lend = [messages.check_out_item(barcode, patron_of(number)) for number, barcode in enumerate(barcodes)]
    take_back = [messages.check_in_item(barcode) for barcode in barcodes]
    with hanging(installation, "check_out", "A", draw_hangs(30, chance)) as daemon:
        assert all(map(is_success, send_all(installation, accept_items("B", 30))))
        assert all(map(is_success, send_all(installation, accept_items("A", 30))))
        lent = kill_amid(installation, daemon, lend, chance)
    check_that_answered_means_done(database, "CheckOutItem", lent)
    with hanging(installation, "check_in", "A", draw_hangs(30, chance)) as daemon:
        check_that_nothing_is_half_done(database)
        resend(installation, lend, lent)
        check_loans(database, "A", 30, returned=False)
        returned = kill_amid(installation, daemon, take_back, chance)
    check_that_answered_means_done(database, "CheckInItem", returned)
    with installation.serve():
        check_that_nothing_is_half_done(database)
        resend(installation, take_back, returned)
    check_loans(database, "A", 30, returned=True)
    check_that_nothing_is_half_done(database)
    assert tracebacks(installation) == []


# --- between the library's work and the journal's ------------------------------------------------------------


@contextmanager
def dying(installation: Installation, method: str) -> Iterator[ForkedProcess]:
    """A daemon that ends as by kill -9 as soon as the library has done this."""
    daemon = ForkedProcess(serve_until_death, (installation.config, method), installation.log)
    with stopped_at_end(daemon):
        yield daemon


def test_what_the_library_did_before_the_journal_could_say_so_is_not_done_again(installation: Installation) -> None:
    database = Database(installation.database)
    barcode, patron = "A-0", patron_of(0)
    steps = (
        ("create_temporary_item", messages.accept_item(0, "A", patron)),
        ("check_out", messages.check_out_item(barcode, patron)),
        ("check_in", messages.check_in_item(barcode)),
    )
    looks = {
        "create_temporary_item": "SELECT count(*) FROM embedded_items WHERE barcode = ?",
        "check_out": "SELECT count(*) FROM embedded_loans JOIN embedded_items AS i ON i.id = item_id WHERE barcode = ?",
        "check_in": "SELECT count(returned) FROM embedded_loans JOIN embedded_items AS i ON i.id = item_id"
        " WHERE barcode = ?",
    }
    for number, (method, body) in enumerate(steps):
        with dying(installation, method) as daemon:
            wait_for(installation.port, "/readyz")  # the step before is finished by then
            if number:
                done, sent = steps[number - 1]
                check_that_nothing_is_half_done(database)
                assert is_success(installation.post(sent))
                assert database.value(looks[done], barcode) == 1
            assert send_all(installation, [body]) == [None]
            assert daemon.wait() == 9
        assert database.value(looks[method], barcode) == 1
        assert database.value("SELECT count(*) FROM message WHERE outcome = 'pending'") == 1
        if number == 0:  # and once more, while this very message is being finished
            with dying(installation, method) as daemon:
                assert daemon.wait(60) == 9
            assert database.value("SELECT count(*) FROM message WHERE outcome = 'pending'") == 1
    with installation.serve():
        check_that_nothing_is_half_done(database)
        assert is_success(installation.post(steps[-1][1]))
    check_loans(database, "A", 1, returned=True)
    assert database.value(looks["create_temporary_item"], barcode) == 1
    notes = database.column("SELECT note FROM message WHERE direction = 'in' AND note LIKE '%the answer was not sent%'")
    assert len(notes) == len(steps)


# --- a message that ends the process whenever it is carried out ------------------------------------------------


def notes(installation: Installation) -> list[str]:
    """What /readyz notes of messages; the gateway is ready all the while."""
    with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}/readyz", timeout=10) as page:
        parts = json.load(page)["parts"]
    return next(part.get("notes", []) for part in parts if part["name"] == "messages")


def test_a_message_that_kills_each_start_is_set_aside_until_staff_replay_it(installation: Installation) -> None:
    database, method, body = Database(installation.database), "create_temporary_item", messages.accept_item(0, "BAD")
    with dying(installation, method) as daemon:
        wait_for(installation.port, "/readyz")
        assert send_all(installation, [body]) == [None]
        assert daemon.wait(60) == 9
    for _ in range(MAX_STARTS):
        with dying(installation, method) as daemon:
            assert daemon.wait(60) == 9, "it is tried again"
        assert database.value("SELECT count(*) FROM message WHERE outcome = 'pending'") == 1

    with dying(installation, method):
        wait_for(installation.port, "/readyz")
        assert notes(installation) == ["set aside: 1 (illgate journal list --outcome failed)"]
        (row,) = journal(installation, "--outcome", "failed")
        assert (row["service"], row["reason"]) == ("AcceptItem", "set-aside")
        assert f"illgate replay {row['id']}" in row["note"]
        assert "recovery.set_aside" in installation.log.read_text()

    with installation.serve():  # what was wrong is put right
        assert notes(installation), "a start forgets nothing"
        installation.run("replay", row["id"])
        time.sleep(1.1)  # a look counts for a second
        assert notes(installation) == []
        assert is_success(installation.post(body))
    check_items_and_holds(installation, "BAD", 1)
