"""A database as a library has it after years, made in seconds: some rows of each kind, made by the store and the same
in each database, and as many like them as are asked for, which belong to other requests, partners and patrons."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert
from sqlalchemy.engine import make_url

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal
from gateway.domain.requests.print_batches import PrintBatch, PrintKind
from gateway.domain.requests.request import BorrowingState, LendingState, PatronLink, Request
from gateway.domain.requests.state_table import TimerKind
from gateway.ports.responder import OutcomeClass
from gateway.store import journal_queries, replay_jobs
from gateway.store.engine import create_sqlite_engine
from gateway.store.journal_records import JournalEnding, JournalOpening, JournalOptions
from gateway.store.journal_writer import (
    JournalRowMaker,
    JournalRows,
    make_processed_row,
    make_request_rows,
    write_journal_rows,
)
from gateway.store.requests import (
    history,
    order_batches,
    outbox,
    outbox_decisions,
    print_batches,
    request_messages,
    requests,
    timers,
)
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.tables import order_file, request_barcode
from gateway.store.schema import EPOCH, MICROSECOND, first_id_at
from tests.unit.store.requests.samples import borrowing, lending

LIBRARY = "EX"
BEGUN = datetime(2026, 1, 5, 8, 0, 0, 250000, tzinfo=UTC)
NOW = BEGUN + timedelta(days=400)
WAITING_NODE = "node-1"
CARD = "2100017"
TARGET = "bonn"
"""The partner whose orders go together."""

STATES = (*BorrowingState, *LendingState)
REQUEST_IDS = tuple(f"{first_id_at(BEGUN)}{number:04x}0abcde" for number in range(len(STATES)))
"""Of the requests that the store makes, one in each state, borrowing ones first."""

HISTORY = Citation(type=CitationType.BOOK, title="История города", identifiers=(RecordId("isbn", "978-3-16-148410-0"),))


def make_samples() -> list[Request]:
    """One in each state, of one patron and one partner for each side."""
    made: list[Request] = []
    for number, state in enumerate(STATES):
        make = borrowing if isinstance(state, BorrowingState) else lending
        one = make(state=state, citation=HISTORY)
        more = {
            "id": REQUEST_IDS[number],
            "number": f"N-2026-{number:02}",
            "created": BEGUN,
            "changed": BEGUN + timedelta(seconds=number),
            "labels": ("rush",) if number % 4 == 0 else (),
            "assignee": "anna" if number % 5 == 0 else "",
            "external": (f"TN-{number}",),
        }
        if make is borrowing:
            attempt = replace(one.attempts[0], transaction=f"B-{number}.1", asked=BEGUN)
            more |= {"patron": PatronLink("p-17", "2100017", "staff", "desk-1"), "attempts": (attempt,)}
        made.append(replace(one, **more))
    return made


def fill_database(file: Path, count: int) -> None:
    """`file` has the tables; `count` rows in each of journal, requests and outbox."""
    engine = create_sqlite_engine(make_url(f"sqlite:///{file}"))
    with engine.begin() as connection:
        _add_rows_by_store(connection)
    engine.dispose()
    quick = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-100000", "temp_store=MEMORY"):
        quick.execute(f"PRAGMA {pragma}")
    quick.execute("BEGIN")
    _multiply_rows(quick, count)
    quick.execute("COMMIT")
    quick.close()


# --- made by the store ----------------------------------------------------------------------------------------


def _add_rows_by_store(connection: Connection) -> None:
    samples = make_samples()
    for number, one in enumerate(samples):
        requests.insert_request(connection, one)
        event = _make_event_row(one)
        history.add_history_event(connection, event)
        request_messages.add_message(connection, one.role, event)
        timers.start_timer(connection, LIBRARY, one.id, TimerKind.NEED_BY, NOW - timedelta(minutes=number))
        requests.add_transaction(connection, LIBRARY, one.role, "NL-UT", f"B-{number}.1", one.id, one.current)
        connection.execute(insert(request_barcode).values(library=LIBRARY, barcode=f"39000{number}", request_id=one.id))
        message_id = f"message-{number}"
        history.store_partner_message(
            connection, LIBRARY, "utrecht", message_id, history.PartnerMessageResult(one.id), BEGUN
        )
    timers.start_timer(connection, LIBRARY, samples[0].id, TimerKind.DUE_SOON, NOW + timedelta(days=3))
    timers.next_in_sequence(connection, LIBRARY, "B")
    history.put_file(connection, LIBRARY, "file-1", b"%PDF")
    _add_outbox_rows(connection)
    _add_messages(connection, samples)
    job = replay_jobs.ReplayJob(LIBRARY, "job-1", replay_jobs.JobStatus.RUNNING, "", BEGUN, "staff:anna", None)
    replay_jobs.insert_job(
        connection, job, [f"{first_id_at(BEGUN + timedelta(days=300))}{n:04x}00cccc-1" for n in range(20)]
    )
    batch = PrintBatch(
        library=LIBRARY,
        id="batch-1",
        number=0,
        kind=PrintKind.PULL_SLIPS,
        made_at=BEGUN,
        made_by="anna",
        request_ids=tuple(one.id for one in samples[-4:-2]),
    )
    print_batches.insert_batch(connection, batch)


def _make_event_row(request: Request) -> history.EventRow:
    details = EventDetails(note="on its way")
    event = Event(partner_signal(EventKind.SHIPPED), BEGUN, "partner:X", details, attempt=request.current)
    state = request.state.value
    return history.EventRow(f"{request.id[:-3]}eee", LIBRARY, request.id, BEGUN, event, state, state)


def outbox_row(number: int, **changes: object) -> OutboxRow:
    row = OutboxRow(
        library=LIBRARY,
        id=f"{first_id_at(BEGUN)}{number:04x}00bbbb",
        lane=f"lane-{number // 3}",
        kind=("partner", "library", "letter")[number % 3],
        target="utrecht",
        request_id=REQUEST_IDS[number % 5],
        payload="{}",
        created=BEGUN,
        next_at=BEGUN,
    )
    return replace(row, **changes)


def _add_outbox_rows(connection: Connection) -> None:
    lease = timedelta(minutes=5)
    for number in range(60):
        outbox.add_outbox_row(connection, outbox_row(number, lane=f"lane-{number}" if number < 45 else "lane-45"))
    for number, row in enumerate(outbox.claim_rows(connection, NOW, 30, lease, WAITING_NODE)):
        if number < 10:
            outbox.schedule_retry(connection, row, NOW + timedelta(hours=1), "connection refused")
        elif number < 25:
            outbox.mark_dead(connection, row, "connection refused", NOW)
    outbox_decisions.skip_row(connection, LIBRARY, outbox_row(44).id, "no use", "anna", NOW)
    for number in range(60, 66):
        order = outbox_row(number, lane=f"lane-{number}", kind=order_batches.ORDER, target=TARGET)
        outbox.add_outbox_row(connection, order)
        order_batches.schedule_batch(connection, LIBRARY, TARGET, BEGUN, NOW + timedelta(hours=2), 50)
    ready = order_batches.lock_ready_orders(connection, LIBRARY, TARGET, 2)
    file = outbox_row(70, kind=order_batches.FILE, lane="", target=TARGET, request_id="")
    filed = [
        order_batches.FiledOrder(
            library=LIBRARY,
            profile=TARGET,
            number="F-1",
            place=place,
            file_id=file.id,
            order_id=order.id,
            request_id=order.request_id,
            reference=f"R-{place}",
            at=BEGUN,
        )
        for place, order in enumerate(ready, 1)
    ]
    order_batches.add_batch(connection, file, filed)
    order_batches.keep_order_file(connection, LIBRARY, file.id, "orders", BEGUN)
    connection.execute(insert(order_file).values(library=LIBRARY, row_id="of-nothing", at=BEGUN, document="old"))


OPENING = JournalOpening(LIBRARY, BEGUN, b"<question/>", "ncip", "http", profile="illiad", service="AcceptItem")
ENDING = JournalEnding(BEGUN, OutcomeClass.OK, b"<answer/>", key="key")


def _add_messages(connection: Connection, samples: list[Request]) -> None:
    maker = JournalRowMaker(JournalOptions(), WAITING_NODE)
    rows = []
    for number in range(24):
        exchange = f"{first_id_at(BEGUN + timedelta(days=300))}{number:04x}00cccc"
        opening = replace(
            OPENING,
            request_id=(samples[0].number, "4711", samples[0].id, "")[number % 4],
            profile=("utrecht", "visby")[number // 4 % 2],
            item_id=f"I-{number % 8}",
            replay_of="of-1" if number == 5 else "",
            patron=CARD if number % 5 == 0 else "",
        )
        ending = replace(ENDING, key=f"key-{number}", managed_requests=(samples[0].id,) if number % 6 == 0 else ())
        if number == 7:
            ending = replace(ending, outcome=OutcomeClass.REFUSED, reason="unknown-item")
        if number > 20:
            rows.append(JournalRows(messages=(maker.make_pending_row(exchange, opening),)))
            journal_queries.insert_recovery(connection, LIBRARY, f"{exchange}-1")
            continue
        messages = (
            maker.make_finished_row(exchange, opening, ending),
            maker.make_answer_row(exchange, opening, ending),
        )
        about = make_request_rows(exchange, opening, ending)
        rows.append(JournalRows(messages, processed=(make_processed_row(exchange, opening, ending),), requests=about))
    write_journal_rows(connection, rows)


# --- and many more ----------------------------------------------------------------------------------------

_ID = "printf('%014x', {first} + k * 60000000) || substr({column}, 15)"
_MOMENT = "strftime('%Y-%m-%d %H:%M:%S', '2026-01-05 08:00:00', '+' || k || ' minutes') || substr({column}, 20)"
_FIRST = (BEGUN - EPOCH) // MICROSECOND


def _new_id(column: str) -> str:
    return _ID.format(first=_FIRST, column=column)


def _moment(column: str) -> str:
    return _MOMENT.format(column=column)


def _multiply_rows(connection: sqlite3.Connection, count: int) -> None:
    run = connection.execute
    run("CREATE TEMP TABLE copies (k INTEGER PRIMARY KEY)")
    counted = "WITH RECURSIVE c (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < {}) SELECT k FROM c"
    run("INSERT INTO copies " + counted.format(max(1, count // len(REQUEST_IDS))))
    run(f"CREATE TEMP TABLE many AS {counted.format(count)}")
    closed = f"library = '{LIBRARY}'"
    _copy_rows(
        connection,
        "request",
        closed,
        id=_new_id("id"),
        number="number || '-' || k",
        patron_id="CASE patron_id WHEN '' THEN '' ELSE patron_id || '-' || k END",
        partner="partner || '-' || (k % 200)",
        created=_moment("created"),
        changed=_moment("changed"),
        need_by=f"CASE WHEN need_by IS NULL THEN NULL ELSE date('{date(2026, 4, 1)}', '+' || (k % 500) || ' days') END",
        title="title || ' ' || k",
    )
    _copy_rows(connection, "request_task", closed, request_id=_new_id("request_id"), changed=_moment("changed"))
    _copy_rows(
        connection,
        "request_figure",
        closed,
        request_id=_new_id("request_id"),
        partner="partner || '-' || (k % 200)",
        month="202601 + k % 12",
    )
    _copy_rows(connection, "request_external", closed, request_id=_new_id("request_id"), value="value || '-' || k")
    _copy_rows(connection, "request_barcode", closed, request_id=_new_id("request_id"), barcode="barcode || '-' || k")
    _copy_rows(
        connection,
        "request_term",
        f"{closed} AND (kind IN ('number', 'patron') OR (kind = 'word' AND term LIKE 'г%'))",
        request_id=_new_id("request_id"),
        term="CASE kind WHEN 'word' THEN term ELSE term || '-' || k END",
    )
    _copy_rows(
        connection,
        "request_transaction",
        closed,
        request_id=_new_id("request_id"),
        reference="reference || '-' || k",
        symbol="symbol || '-' || (k % 200)",
    )
    _copy_rows(
        connection, "request_event", closed, id=_new_id("id"), request_id=_new_id("request_id"), at=_moment("at")
    )
    _copy_rows(
        connection,
        "request_message",
        closed,
        event_id=_new_id("event_id"),
        request_id=_new_id("request_id"),
        read_at="at",
        read_by="'anna'",
    )
    future = f"'{NOW + timedelta(days=30):%Y-%m-%d}' || substr(at, 11)"
    _copy_rows(connection, "request_timer", closed, request_id=_new_id("request_id"), at=future)
    _copy_rows(connection, "partner_message", closed, message_id="message_id || '-' || k")
    _add_done_rows(connection, run)
    _add_old_batches(run)


def _copy_rows(connection: sqlite3.Connection, table: str, condition: str, **changes: str) -> None:
    """Each row that fits once for each copy, with these columns in other words."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changes.get(name, f'"{name}"') for name in names)
    connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM (SELECT * FROM {table} WHERE {condition}), copies"
    )


def _add_done_rows(connection: sqlite3.Connection, run: Callable[[str], object]) -> None:
    """Of outbox and journal."""
    ended = f"FROM outbox, many WHERE outbox.id = '{outbox_row(44).id}'"
    names = [row[1] for row in connection.execute("PRAGMA table_info(outbox)")]
    changes = {
        "id": f"printf('%014x', {_FIRST} + k * 1000000) || 'ffff0ddddd'",
        "lane": "'old-' || k",
        "request_id": "printf('old-%05d', k / 4)",
        "kind": "CASE k % 4 WHEN 0 THEN 'partner' WHEN 1 THEN 'letter' WHEN 2 THEN 'library' ELSE 'order' END",
        "target": "'utrecht-' || (k % 200)",
        "status": "CASE k % 9 WHEN 0 THEN 'skipped' WHEN 1 THEN 'refused' ELSE 'done' END",
        "created": _moment("created"),
        "ended": _moment("ended"),
    }
    run(f"INSERT INTO outbox SELECT {', '.join(changes.get(name, name) for name in names)} {ended}")
    run(
        "INSERT INTO filed_order SELECT library, 'essen', 'G-' || (k / 10), k % 10, printf('old-file-%05d', k / 10), "
        "printf('old-order-%06d', k), printf('old-%05d', k), 'R-' || k, "
        f"{_moment('at')} FROM filed_order, copies WHERE place = 1 AND profile = '{TARGET}'"
    )
    names = [row[1] for row in connection.execute("PRAGMA table_info(message)")]
    changes = {
        "id": f"printf('%014x', {_FIRST} + k * 1000000) || '00000fffff-' || (1 + k % 2)",
        "exchange": f"printf('%014x', {_FIRST} + k * 1000000) || '00000fffff'",
        "profile": "'partner-' || (k % 40)",
        "service": "CASE k % 10 WHEN 0 THEN 'CheckOutItem' ELSE 'LookupUser' END",
        "request_id": "CASE k % 5 WHEN 0 THEN 'TN-' || k ELSE '' END",
        "item_id": "CASE k % 5 WHEN 0 THEN 'OLD-' || k ELSE '' END",
        "replay_of": "CASE k % 1000 WHEN 0 THEN 'of-x-' || k ELSE '' END",
        "patron_mark": "CASE k % 10 WHEN 0 THEN '' ELSE 'mark-' || k END",
        "direction": "CASE k % 2 WHEN 0 THEN 'in' ELSE 'out' END",
        "at": _moment("at"),
    }
    first = "FROM (SELECT * FROM message WHERE outcome = 'ok' ORDER BY id LIMIT 1), many"
    run(f"INSERT INTO message SELECT {', '.join(changes.get(name, name) for name in names)} {first}")
    run(
        "INSERT INTO message_request SELECT library, printf('old-%05d', k / 4), "
        f"printf('%014x', {_FIRST} + k * 1000000) || '00000fffff' "
        "FROM (SELECT * FROM message_request LIMIT 1), many WHERE k % 3 = 0"
    )
    run(
        "INSERT INTO processed_message SELECT library, profile, key || '-' || k, first_message, answer_message, count, "
        f"first_at, {_moment('last_at')} FROM (SELECT * FROM processed_message LIMIT 1), many"
    )


def _add_old_batches(run: Callable[[str], object]) -> None:
    """Of paper, and days on which partners supplied."""
    run(
        "INSERT INTO print_batch SELECT library, 'old-' || k, k + 1000, kind, made_at, made_by, made_at, 'anna' "
        "FROM (SELECT * FROM print_batch LIMIT 1), copies"
    )
    run(
        "INSERT INTO print_item SELECT request.library, 'hold-slips', request.id, 'old-' || (request.rowid % 300), "
        f"request.rowid FROM request WHERE request.rowid % 10 = 0 AND request.library = '{LIBRARY}'"
    )
    day = f"date('{NOW.date()}', '-' || (k / 40) || ' days')"
    run(f"INSERT INTO request_supply SELECT '{LIBRARY}', {day}, 'p-' || (k % 40), 1, 3600 FROM many WHERE k < 4000")
