"""Schema migrations, on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

import gateway.store.api_access
import gateway.store.audit
import gateway.store.library_changes
import gateway.store.mailbox
import gateway.store.nodes
import gateway.store.partner_closures
import gateway.store.partner_things
import gateway.store.patron_sessions
import gateway.store.profile_versions
import gateway.store.requests.print_batches
import gateway.store.requests.tables
import gateway.store.saved_filters
import gateway.store.users  # noqa: F401 - its tables join the metadata
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.events import Event, EventKind, timer_signal
from gateway.domain.requests.request import BorrowingState, LendingState, LoanTerms, PatronLink, PatronLoan, Request
from gateway.domain.requests.search_terms import NUMBER_KINDS, parse_search
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.text_folding import fold_text
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.store.engine import open_store
from gateway.store.library_changes import StoredLibraryChanges
from gateway.store.migration import OWN, SchemaTooNew, migrate_store
from gateway.store.partner_things import StoredPartnerThings
from gateway.store.requests.history import EventRow, add_history_event
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.request_search import find_by_search_number
from gateway.store.requests.requests import insert_request
from gateway.store.requests.timers import due_timers, start_timer
from gateway.store.schema import make_exchange_id, metadata
from tests.unit.store.requests.samples import AT, GARDEN, borrowing, lending

pytestmark = pytest.mark.usefixtures("migrations_by_alembic")

STEPS = [
    "0001: Message journal, processed messages, retention",
    "0002: Managed requests: requests, history, timers, outbox, files, sequences",
    "0003: JSON API: keys, secrets, stored answers, webhooks, downloads",
    "0004: Mailboxes: how far each is read, which mails were taken, which of them wait for staff",
    "0005: Managed requests found by the barcodes of their items",
    "0006: Orders that are gathered into one mail, and which file each was in",
    "0007: Patrons' pages: sessions, sign-in under way, forms that were sent, failed tries",
    "0008: Interrupted messages: at how many starts each was taken up",
    "0009: Which node has a message in hand",
    "0010: What members of the network have said last about the load of suppliers",
    "0011: Order files as they were first tried; requests' words folded anew",
    "0012: When keys of the JSON API expire",
    "0013: Which managed requests each message of the journal is about",
    "0014: Mailboxes that can't be read: since when, and why",
    "0015: Partners' messages that are for people, and who has read them",
    "0016: Staff: accounts, roles, sessions, and the audit log",
    "0017: What requests are found and listed by: numbers, words, waiting times, assignees, labels, filters",
    "0018: Changes that were asked of library systems outside the store, and which of them were carried out",
    "0019: Batches of paper: who printed what for which requests",
    "0021: Days on which partners are closed, as staff have written them",
    "0022: Lists of requests by number and by title",
    "0023: What statistics are counted from: a row for each request and each partner that was asked",
    "0024: Which message of the journal an event of a request came from",
    "0025: What the error of an outbox row was made of",
    "0026: What profiles said before",
    "0027: Replays of a message are found by it",
    "0028: What the reasons of mails and mailboxes were made of",
    "0029: Numbers that partners know a request by are found by the request",
    "0030: Which nodes live, and who leads which task",
    "0031: Whether patrons have had what was borrowed for them",
    "0032: Staff at an identity provider: by issuer and subject, each once",
    "0033: Second factors of staff, recovery codes, and who has given the password and not yet the code",
    "0034: What names a patron is found when the patron is forgotten",
    "0035: What was done under an Idempotency-Key",
    "0036: Which partner made which items, holds, loans and patrons",
    "0037: Replays of many messages as jobs; refused messages are found by an index",
    "0038: Mails that staff have dismissed, and can put back",
]

STAFF_TABLES = ("staff_identity", "staff_second_factor", "staff_recovery_code", "staff_code_wait")

REPLAY_TABLES = ("replay_job", "replay_message")

MADE_SINCE = (
    *("library_change", "print_batch", "print_item", "partner_closure", "request_figure"),
    *("node", "task_leader", *STAFF_TABLES, "partner_thing", *REPLAY_TABLES),
)
"""Tables that steps after 0017 have made, but for those that a test names."""

STEP = '''"""{doc}"""

from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    op.execute("{statement}")
'''


def history(folder: Path, *statements: str) -> SchemaMigrations:
    """A history with one step per statement: revisions 1, 2, …"""
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for number, statement in enumerate(statements, start=1):
        down = repr(str(number - 1)) if number > 1 else "None"
        step = STEP.format(doc=f"Step {number}", revision=number, down=down, statement=statement)
        (versions / f"{number}_step.py").write_text(step, encoding="utf-8")
    return SchemaMigrations("sample", folder, "sample_schema")


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_a_fresh_database_gets_every_step_described(store: Store) -> None:
    assert await migrate_store(store, OWN) == STEPS


async def test_repeating_changes_nothing(store: Store) -> None:
    await migrate_store(store, OWN)

    assert await migrate_store(store, OWN) == []


async def test_the_migrated_schema_is_the_one_in_tables(store: Store) -> None:
    await migrate_store(store, OWN)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": OWN.table, "compare_type": True})
        return list(compare_metadata(context, metadata))

    assert await store.read(differences) == []


async def test_partial_indexes_have_the_conditions_in_tables(store: Store) -> None:
    """Alembic compares no conditions, so the database's own words are compared, made both ways."""
    await migrate_store(store, OWN)

    def conditions(connection: Connection) -> dict[str, str]:
        if connection.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        else:
            query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        return {name: sql.partition(" WHERE ")[2] for name, sql in connection.execute(text(query)) if "WHERE" in sql}

    migrated = await store.read(conditions)
    await store.write(lambda connection: metadata.drop_all(connection))
    await store.write(lambda connection: metadata.create_all(connection))

    assert {"ix_message_request", "ix_message_item", "ix_message_pending", "ix_request_open"} <= set(migrated)
    assert await store.read(conditions) == migrated


async def test_an_older_revision_is_upgraded_from_where_it_is(store: Store, tmp_path: Path) -> None:
    old = history(tmp_path / "old", "CREATE TABLE a (x INTEGER)")
    new = history(
        tmp_path / "new", "CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER)", "ALTER TABLE b ADD y TEXT"
    )
    await migrate_store(store, old)

    assert await migrate_store(store, new) == ["2: Step 2", "3: Step 3"]
    assert {"a", "b"} <= await store.read(tables)
    assert await migrate_store(store, new) == []


async def test_a_schema_of_a_newer_release_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    new = history(tmp_path / "new", "CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER)")
    old = history(tmp_path / "old", "CREATE TABLE a (x INTEGER)")
    await migrate_store(store, new)

    with pytest.raises(SchemaTooNew, match="at revision 2, which this release does not know \\(its newest is 1\\)"):
        await migrate_store(store, OWN, old)

    assert "message" not in await store.read(tables)


async def test_requests_of_before_are_folded_anew(store: Store) -> None:
    """Fingerprints of those whose texts are ASCII were the same before; they stay as they are."""
    await migrate_store(store, OWN)
    cyrillic = borrowing(citation=GARDEN)
    plain = borrowing(citation=Citation(title="Sult", author="Hamsun, Knut"))

    def go_back(connection: Connection) -> None:
        for one in (cyrillic, plain):
            insert_request(connection, one)
        connection.execute(text("UPDATE request SET words = 'of before', fingerprint = 'of before'"))
        insert_request(connection, unreadable)
        connection.execute(
            text("UPDATE request SET document = :document WHERE id = :id"),
            {"document": '{"v":1,"é":', "id": unreadable.id},
        )
        connection.execute(text("DROP TABLE order_file"))
        connection.execute(text("DROP TABLE message_request"))
        connection.execute(text("DROP TABLE mailbox_failure"))
        connection.execute(text("DROP TABLE request_message"))
        for name in MADE_SINCE:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        undo_request_lists(connection)
        connection.execute(text("ALTER TABLE request_event DROP COLUMN exchange"))
        connection.execute(text("ALTER TABLE outbox DROP COLUMN error_sentence"))
        connection.execute(text("ALTER TABLE mail DROP COLUMN reason_sentence"))
        connection.execute(text("DROP TABLE profile_version"))
        connection.execute(text("DROP INDEX ix_message_replay"))
        undo_patron_marks(connection)
        connection.execute(text("DROP INDEX ix_request_transaction_request"))
        for name in ("staff_user", "staff_grant", "staff_session", "audit_entry"):
            connection.execute(text(f"DROP TABLE {name}"))
        connection.execute(text("ALTER TABLE api_key DROP COLUMN expires"))
        connection.execute(text(f"UPDATE {OWN.table} SET version_num = '0010'"))

    unreadable = borrowing(citation=GARDEN)
    await store.write(go_back)

    assert await migrate_store(store, OWN) == STEPS[10:]

    def folded(connection: Connection, request: Request) -> tuple[str, str]:
        found = connection.execute(
            text("SELECT words, fingerprint FROM request WHERE id = :id"), {"id": request.id}
        ).one()
        return found.words, found.fingerprint

    assert await store.read(lambda c: folded(c, cyrillic)) == (
        f"{fold_text(cyrillic.number)} сад расходящихся тропок хорхе луис борхес",
        citation_fingerprint(GARDEN),
    )
    assert await store.read(lambda c: folded(c, plain)) == (f"{fold_text(plain.number)} sult hamsun knut", "of before")

    def titles(connection: Connection) -> dict[str, str]:
        return {row.id: row.title for row in connection.execute(text("SELECT id, title FROM request"))}

    assert (await store.read(titles))[cyrillic.id] == "сад расходящихся тропок"


async def test_requests_of_before_are_found_by_their_numbers(store: Store) -> None:
    await migrate_store(store, OWN)
    request, unreadable = borrowing(), borrowing()

    def go_back(connection: Connection) -> None:
        for one in (request, unreadable):
            insert_request(connection, one)
        damaged = {"document": "{", "id": unreadable.id}
        connection.execute(text("UPDATE request SET document = :document WHERE id = :id"), damaged)
        for name in MADE_SINCE:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        undo_request_lists(connection)
        connection.execute(text("ALTER TABLE request_event DROP COLUMN exchange"))
        connection.execute(text("ALTER TABLE outbox DROP COLUMN error_sentence"))
        for name in ("mail", "mailbox_failure"):
            connection.execute(text(f"ALTER TABLE {name} DROP COLUMN reason_sentence"))
        connection.execute(text("DROP TABLE profile_version"))
        connection.execute(text("DROP INDEX ix_message_replay"))
        undo_patron_marks(connection)
        connection.execute(text("DROP INDEX ix_request_transaction_request"))
        connection.execute(text(f"UPDATE {OWN.table} SET version_num = '{revision_before('0017')}'"))

    await store.write(go_back)
    assert await migrate_store(store, OWN) == [step for step in STEPS if step >= "0017"]

    def find(connection: Connection) -> list[str]:
        hits = find_by_search_number(connection, request.library, parse_search(request.number), NUMBER_KINDS)
        return [hit.request_id for hit in hits]

    assert await store.read(find) == [request.id]


async def test_loans_of_before_are_those_that_patrons_have_had(store: Store) -> None:
    await migrate_store(store, OWN)
    loans = {state: borrowing(state=state) for state in BorrowingState if state is not BorrowingState.NEW}
    said = borrowing(state=BorrowingState.COMPLETED, terms=LoanTerms(patron_loan=PatronLoan.NOW))
    unreadable = borrowing(state=BorrowingState.COMPLETED)

    def go_back(connection: Connection) -> None:
        for one in (*loans.values(), said, unreadable):
            insert_request(connection, one)
        damaged = {"document": "{", "id": unreadable.id}
        connection.execute(text("UPDATE request SET document = :document WHERE id = :id"), damaged)
        undo_patron_marks(connection)
        connection.execute(text(f"UPDATE {OWN.table} SET version_num = '0030'"))

        drop_staff_tables(connection)

    await store.write(go_back)
    assert await migrate_store(store, OWN) == [step for step in STEPS if step > "0031"]

    def read_loans(connection: Connection) -> dict[str, PatronLoan]:
        rows = connection.execute(text("SELECT id, document FROM request WHERE document <> '{'"))
        return {row.id: parse_request(row.document).terms.patron_loan for row in rows}

    found = await store.read(read_loans)
    assert found.pop(said.id) is PatronLoan.NOW, "what it says itself stays"
    with_loan = {state: found[one.id] for state, one in loans.items() if found[one.id] is not PatronLoan.NEVER}
    assert with_loan == {
        BorrowingState.LENT: PatronLoan.NOW,
        BorrowingState.LOST: PatronLoan.NOW,
        BorrowingState.BACK: PatronLoan.OVER,
        BorrowingState.RETURNED: PatronLoan.OVER,
        BorrowingState.COMPLETED: PatronLoan.OVER,
    }


async def test_accounts_of_before_are_expected_at_the_identity_provider(store: Store) -> None:
    """Under their names. Two who were expected under one name were both shut out, and stay so until it is said whose it
    is: the first to come would get an account that may be another person's."""
    await migrate_store(store, OWN)
    accounts = [("1", "ost", "R.Okafor"), ("2", "r.okafor", ""), ("3", "west", "u-1"), ("4", "nord", "U-1")]
    accounts.append(("5", "sued", "U-2"))

    def go_back(connection: Connection) -> None:
        drop_staff_tables(connection)
        undo_patron_marks(connection)
        for id_, name, subject in accounts:
            connection.execute(
                text(
                    "INSERT INTO staff_user VALUES ('RIV', :id, :name, '', '', :subject, '', CURRENT_TIMESTAMP, NULL)"
                ),
                {"id": id_, "name": name, "subject": subject},
            )
        connection.execute(text(f"UPDATE {OWN.table} SET version_num = '0031'"))

    await store.write(go_back)
    await migrate_store(store, OWN)

    def read_names(connection: Connection) -> dict[str, str]:
        rows = connection.execute(text("SELECT user_id, issuer || subject AS expected, linked FROM staff_identity"))
        return {row.user_id: row.expected for row in rows if row.linked is None}

    assert await store.read(read_names) == {"5": "u-2"}


def drop_staff_tables(connection: Connection) -> None:
    """Those of steps after 0031."""
    for name in STAFF_TABLES:
        connection.execute(text(f"DROP TABLE {name}"))


UNDO_REPLAY_JOBS = (
    *(f"DROP TABLE IF EXISTS {name}" for name in REPLAY_TABLES),
    "DROP INDEX IF EXISTS ix_message_trouble",
)
"""What step 0037 has made."""

UNDO_DISMISSED_MAILS = ("DROP INDEX ix_mail_dismissed", "ALTER TABLE mail DROP COLUMN dismissed_at")
"""What step 0038 has made."""


def undo_patron_marks(connection: Connection) -> None:
    """As before 0034, and without what came after it."""
    connection.execute(text("ALTER TABLE api_answer DROP COLUMN reference"))  # of 0035
    for statement in (
        "DROP INDEX ix_message_patron",
        "ALTER TABLE message DROP COLUMN patron_mark",
        "DROP INDEX ix_mail_request",
        "DROP TABLE IF EXISTS partner_thing",
        *UNDO_REPLAY_JOBS,
        *UNDO_DISMISSED_MAILS,
    ):
        connection.execute(text(statement))


async def test_what_was_anonymised_before_forgets_once_more(store: Store) -> None:
    await migrate_store(store, OWN)
    anonymised = [
        lending(state=LendingState.COMPLETED),
        *(borrowing(state=BorrowingState.COMPLETED, patron=PatronLink()) for _ in range(2)),
    ]
    others = (
        borrowing(state=BorrowingState.COMPLETED, patron=PatronLink()),  # where none was to be forgotten
        borrowing(patron=PatronLink()),
        lending(state=LendingState.LOST),
    )
    event = Event(timer_signal(EventKind.ANONYMISED), AT, "timer")

    def go_back(connection: Connection) -> None:
        for one in (*anonymised, *others):
            insert_request(connection, one)
        for one in anonymised:
            add_history_event(connection, EventRow(make_exchange_id(AT), one.library, one.id, AT, event, "x", "x"))
        start_timer(connection, anonymised[2].library, anonymised[2].id, TimerKind.ANONYMISE, AT)
        undo_patron_marks(connection)
        connection.execute(text(f"UPDATE {OWN.table} SET version_num = '0033'"))

    await store.write(go_back)
    await migrate_store(store, OWN)

    rows = await store.read(lambda c: due_timers(c, AT + timedelta(days=36_500), 10))
    assert {(row.request_id, row.timer) for row in rows} == {(one.id, TimerKind.ANONYMISE) for one in anonymised}
    assert min(row.at for row in rows) == AT, "what runs already runs as before"


async def test_things_that_partners_made_before_are_theirs(store: Store) -> None:
    """In library systems outside the store, by what was asked of them; that of the gateway itself is nobody's."""
    await migrate_store(store, OWN)
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    before = StoredLibraryChanges(store, "BERG")
    for kind, key, record, ended in (
        (ChangeKind.TEMPORARY_ITEM, "alder/accept-item/R-1/A-1", "i-1", at),
        (ChangeKind.HOLD, "birch/place-request/R-1/b:after-h-0", "h-1", at),
        (ChangeKind.CHECK_OUT, "alder/check-out:loan", "l-1", at),
        (ChangeKind.PATRON, "alder/create-patron/ab12", "p-1", at),
        (ChangeKind.HOLD, "0064aa/place-hold", "h-2", at),
        (ChangeKind.HOLD, "alder/place-request/R-9", "h-3", None),
    ):
        await before.begin_change(LibraryChange(kind, key, "39-1", "", at, "R-1", record, ended))

    def go_back(connection: Connection) -> None:
        for statement in ("DROP TABLE partner_thing", *UNDO_REPLAY_JOBS, *UNDO_DISMISSED_MAILS):
            connection.execute(text(statement))
        connection.execute(text(f"UPDATE {OWN.table} SET version_num = '{revision_before('0036')}'"))

    await store.write(go_back)
    await migrate_store(store, OWN)
    things = StoredPartnerThings("BERG", store.read, store.write, FixedClock(at))
    found = {(one.kind.value, one.id): one.profile for one in await things.list_things_of_request("R-1")}
    assert found == {
        ("item", "i-1"): "alder",
        ("hold", "h-1"): "birch",
        ("loan", "l-1"): "alder",
        ("patron", "p-1"): "alder",
    }


def undo_request_lists(connection: Connection) -> None:
    """What steps 0017 and 0022 have made."""
    for name in ("ix_request_state_number", "ix_request_state_title"):
        connection.execute(text(f"DROP INDEX {name}"))
    connection.execute(text("ALTER TABLE request DROP COLUMN title"))
    for statement in (
        "DROP TABLE saved_filter",
        "DROP TABLE request_term",
        "ALTER TABLE request DROP COLUMN terms",
        "DROP INDEX ix_request_assignee",
        "DELETE FROM request_count WHERE kind LIKE '% %'",
        "ALTER TABLE request DROP COLUMN service",
        "ALTER TABLE request DROP COLUMN assignee",
        "ALTER TABLE request DROP COLUMN labels",
        "DROP INDEX ix_request_need_by",
        "DROP INDEX ix_request_task_since",
        "ALTER TABLE request_task DROP COLUMN since",
    ):
        connection.execute(text(statement))


def revision_before(revision: str) -> str:
    return max(step[:4] for step in STEPS if step[:4] < revision)


async def test_a_failing_step_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    bad = history(tmp_path, "CREATE TABLE a (x INTEGER)", "INSERT INTO nowhere VALUES (1)")

    with pytest.raises(Exception, match="nowhere"):
        await migrate_store(store, bad)

    assert not {"a", "sample_schema"} & await store.read(tables)


async def test_histories_stand_side_by_side(store: Store, tmp_path: Path) -> None:
    other = history(tmp_path, "CREATE TABLE a (x INTEGER)")

    assert await migrate_store(store, OWN, other) == [*STEPS, "1: Step 1"]
    assert {OWN.table, "sample_schema"} <= await store.read(tables)


async def test_nodes_that_start_together_migrate_once(store_url: str) -> None:
    nodes = [open_store(store_url) for _ in range(4)]
    try:
        taken = await asyncio.gather(*(migrate_store(node, OWN) for node in nodes))
    finally:
        for node in nodes:
            await node.close()

    assert sorted(map(len, taken)) == [0, 0, 0, len(STEPS)]


def test_metadata_gives_every_table_a_library() -> None:
    assert isinstance(metadata, MetaData)
    of_the_installation = {"node", "task_leader"}
    for table in metadata.tables.values():
        if table.name in of_the_installation:
            continue
        assert next(iter(table.primary_key.columns)).name == "library"
