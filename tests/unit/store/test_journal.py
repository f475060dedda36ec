"""The message journal, on both engines."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select, text

from gateway.domain.problems import Unavailable
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store
from gateway.store import journal_queries
from gateway.store.engine import open_store
from gateway.store.journal import ALL_STRANGER_EXCHANGES, STRANGER_EXCHANGES, Journal
from gateway.store.journal_records import (
    BodyCipher,
    BodyUnreadable,
    FullMessage,
    JournalEnding,
    JournalEntry,
    JournalFilter,
    JournalOpening,
    JournalOptions,
    MessageDirection,
    RetentionResult,
    format_json_line,
    make_file_name,
)
from gateway.store.journal_writer import MAX_STRANGER_BYTES, write_journal_rows
from gateway.store.migration import OWN, migrate_store
from gateway.store.request_names import RequestNames
from gateway.store.schema import message

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)

LOOKUP = JournalOpening(
    library="EX",
    at=AT,
    body=b"<NCIPMessage><LookupUser/></NCIPMessage>",
    protocol="ncip",
    transport="http",
    profile="illiad-alma",
    service="LookupUser",
    version="2.02",
    peer="192.0.2.7",
    from_agency="ILL-OFFICE",
    to_agency="EXAMPLE",
    content_type="application/xml",
)
FOUND = JournalEnding(
    at=AT + timedelta(milliseconds=12),
    outcome=OutcomeClass.OK,
    body="<NCIPMessage>Zoë Лебедева 山田</NCIPMessage>".encode(),
    content_type="application/xml; charset=utf-8",
    status=200,
    duration_ms=12.5,
)
ACCEPT = replace(LOOKUP, service="AcceptItem", request_id="TN-4711", item_id="ILL4711", body=b"<AcceptItem/>")
ACCEPTED = replace(FOUND, body=b"<AcceptItemResponse/>", key="digest-of-4711")


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
def migrated(store: Store) -> Store:
    return store


@pytest.fixture
async def journal(migrated: Store) -> AsyncIterator[Journal]:
    journal = Journal(migrated, JournalOptions())
    yield journal
    await journal.close()


async def both(journal: Journal, exchange: str, library: str = "EX") -> tuple[FullMessage, FullMessage]:
    question, answer = await journal.get_exchange(library, exchange)
    return question, answer


# --- writing and reading back ----------------------------------------------------------------------------


async def test_an_exchange_is_kept_with_question_and_answer(journal: Journal) -> None:
    exchange = await journal.record_exchange(LOOKUP, FOUND)

    question, answer = await both(journal, exchange)
    assert (question.body, answer.body) == (LOOKUP.body, FOUND.body)
    m = question.message
    assert (m.library, m.profile, m.protocol, m.transport, m.service, m.version, m.peer) == (
        "EX",
        "illiad-alma",
        "ncip",
        "http",
        "LookupUser",
        "2.02",
        "192.0.2.7",
    )
    assert (m.direction, m.at, m.outcome, m.duration_ms) == (MessageDirection.IN, AT, OutcomeClass.OK, 12.5)
    assert (m.from_agency, m.to_agency, m.content_type) == ("ILL-OFFICE", "EXAMPLE", "application/xml")
    a = answer.message
    assert (a.direction, a.at, a.status, a.outcome) == (MessageDirection.OUT, FOUND.at, 200, OutcomeClass.OK)
    assert (a.from_agency, a.to_agency, a.exchange) == ("EXAMPLE", "ILL-OFFICE", m.exchange)
    assert a.content_type == "application/xml; charset=utf-8"


async def test_each_message_is_found_by_its_id_and_leads_to_its_exchange(journal: Journal) -> None:
    exchange = await journal.record_exchange(LOOKUP, FOUND)
    question, answer = await both(journal, exchange)

    assert await journal.get_message("EX", question.message.id) == question
    assert await journal.get_message("EX", answer.message.id) == answer
    assert await journal.get_exchange("EX", answer.message.id) == (question, answer)
    assert await journal.get_message("EX", "nothing") is None
    assert await journal.get_exchange("EX", "nothing") == ()


async def test_what_two_nodes_finish_has_the_first_answer(journal: Journal) -> None:
    """A node that starts takes for interrupted what another still has in hand."""
    begun = await journal.begin(ACCEPT)
    await journal.complete(begun, ACCEPTED)
    await journal.complete(begun, replace(ACCEPTED, body=b"<AcceptItemResponse>again</AcceptItemResponse>"))

    question, answer = await both(journal, begun.exchange)
    assert question.message.outcome is OutcomeClass.OK
    assert answer.body == ACCEPTED.body


async def test_an_exchange_without_an_answer_has_one_message(journal: Journal) -> None:
    rejected = JournalEnding(AT, OutcomeClass.REJECTED, reason="unknown-sender", note="No profile fits the sender.")
    exchange = await journal.record_exchange(replace(LOOKUP, profile=""), rejected)

    (only,) = await journal.get_exchange("EX", exchange)
    assert (only.message.outcome, only.message.reason) == (OutcomeClass.REJECTED, "unknown-sender")
    assert only.message.note == "No profile fits the sender."


STRANGER = replace(LOOKUP, profile="", body=b"<NCIPMessage><LookupUser/></NCIPMessage>" + b" " * 50_000)
REJECTED = JournalEnding(AT, OutcomeClass.REJECTED, body=b"<Problem>" * 1_000, reason="unknown-sender", status=200)


async def test_of_a_strangers_message_little_is_kept(journal: Journal) -> None:
    question, answer = await both(journal, await journal.record_exchange(STRANGER, REJECTED))

    for kept, sent in ((question, STRANGER.body), (answer, REJECTED.body)):
        assert sent is not None
        assert kept.body == sent[:MAX_STRANGER_BYTES]
        assert (kept.message.body_size, kept.message.truncated) == (len(sent), True)


async def test_who_says_to_be_a_partner_and_is_not_let_in_is_a_stranger(journal: Journal) -> None:
    kept, _ = await both(journal, await journal.record_exchange(replace(STRANGER, profile="illiad-alma"), REJECTED))
    assert len(kept.body or b"") == MAX_STRANGER_BYTES


async def test_strangers_of_one_address_leave_so_many_rows_and_a_count(journal: Journal) -> None:
    """By both ways in which an exchange is written."""
    for number in range(200):
        late = replace(STRANGER, at=AT + timedelta(milliseconds=number))
        if number % 2:
            await journal.record_exchange(late, REJECTED)
        else:
            await journal.record_in_transaction(lambda _, late=late: (None, late, REJECTED))
    page = await journal.list_messages(JournalFilter(library="EX", direction=MessageDirection.IN), 1_000)
    assert len(page.messages) == STRANGER_EXCHANGES.burst

    known = await journal.record_exchange(replace(LOOKUP, at=AT + timedelta(seconds=1)), FOUND)
    neighbour = await journal.record_exchange(replace(STRANGER, peer="192.0.2.8"), REJECTED)
    later = await journal.record_exchange(replace(STRANGER, at=AT + timedelta(seconds=37)), REJECTED)

    assert (await journal.get_exchange("EX", known))[0].message.note == ""
    left_out = 200 - STRANGER_EXCHANGES.burst
    assert (await journal.get_exchange("EX", neighbour))[0].message.note == (
        f"{left_out} messages of strangers before it were not kept."
    )
    assert (await journal.get_exchange("EX", later))[0].message.note == ""


async def test_strangers_of_many_addresses_are_limited_together(journal: Journal) -> None:
    flood = (replace(STRANGER, peer=f"2001:db8:{number:x}::1") for number in range(400))
    await asyncio.gather(*(journal.record_exchange(one, REJECTED) for one in flood))
    page = await journal.list_messages(JournalFilter(library="EX", direction=MessageDirection.IN), 1_000)
    assert len(page.messages) == ALL_STRANGER_EXCHANGES.burst


async def test_what_we_send_and_what_is_about_a_request_is_no_strangers(journal: Journal) -> None:
    for number in range(2 * STRANGER_EXCHANGES.burst):
        for ours in (
            replace(STRANGER, direction=MessageDirection.OUT),
            replace(STRANGER, request_id=f"DEMO-{number}"),
            replace(STRANGER, profile="illiad-alma"),
        ):
            found = await journal.get_exchange("EX", await journal.record_exchange(ours, FOUND))
            assert found[0].body == STRANGER.body


async def test_work_is_pending_until_it_is_completed(journal: Journal) -> None:
    begun = await journal.begin(replace(ACCEPT, note="One blank was taken off the barcode."))

    (pending,) = await journal.list_pending("EX", AT + timedelta(seconds=1))
    assert pending.message.outcome is OutcomeClass.PENDING
    assert pending.to_journal_entry() == begun

    await journal.complete(begun, replace(ACCEPTED, note="The item was here already.", repeat_of="earlier"))

    assert await journal.list_pending("EX", AT + timedelta(seconds=1)) == ()
    question, answer = await both(journal, begun.exchange)
    assert question.message.outcome is OutcomeClass.OK
    assert question.message.note == "One blank was taken off the barcode. The item was here already."
    assert question.message.repeat_of == "earlier"
    assert answer.body == ACCEPTED.body
    assert (answer.message.request_id, answer.message.item_id) == ("TN-4711", "ILL4711")


async def test_pending_is_only_what_was_begun_before(journal: Journal) -> None:
    await journal.begin(ACCEPT)
    later = await journal.begin(replace(ACCEPT, at=AT + timedelta(minutes=5)))

    found = await journal.list_pending("EX", AT + timedelta(minutes=5))

    assert [one.message.at for one in found] == [AT]
    assert later.exchange not in [one.message.exchange for one in found]


async def test_interrupted_work_can_be_completed_after_a_restart(migrated: Store) -> None:
    before = Journal(migrated, JournalOptions())
    await before.begin(ACCEPT)
    await before.close()

    after = Journal(migrated, JournalOptions())
    (interrupted,) = await after.list_pending("EX", AT + timedelta(hours=1))
    await after.complete(interrupted.to_journal_entry(), ACCEPTED)

    assert await after.list_pending("EX", AT + timedelta(hours=1)) == ()
    assert (await after.find_processed("EX", "illiad-alma", "digest-of-4711")) is not None


async def test_a_processed_message_is_found_with_its_answer_and_counted(journal: Journal) -> None:
    assert await journal.find_processed("EX", "illiad-alma", "digest-of-4711") is None
    begun = await journal.begin(ACCEPT)
    await journal.complete(begun, ACCEPTED)

    first = await journal.find_processed("EX", "illiad-alma", "digest-of-4711")
    assert first is not None
    assert first.answer is not None
    assert (first.first_message, first.count, first.answer.body) == (f"{begun.exchange}-1", 1, ACCEPTED.body)

    again = replace(ACCEPTED, at=AT + timedelta(hours=1), repeat_of=first.first_message)
    await journal.record_exchange(replace(ACCEPT, at=AT + timedelta(hours=1)), again)

    second = await journal.find_processed("EX", "illiad-alma", "digest-of-4711")
    assert second is not None
    assert (second.first_message, second.count) == (first.first_message, 2)
    assert (second.first_at, second.last_at) == (first.first_at, AT + timedelta(hours=1))


async def test_completion_can_share_a_transaction_with_other_work(journal: Journal, migrated: Store) -> None:
    begun = await journal.begin(ACCEPT)
    entry = journal.completion_rows(begun, ACCEPTED)

    def work(connection: Connection) -> None:
        write_journal_rows(connection, [entry])
        raise LookupError("the other work failed")

    with pytest.raises(LookupError):
        await migrated.write(work)
    assert len(await journal.list_pending("EX", AT + timedelta(hours=1))) == 1

    await migrated.write(lambda connection: write_journal_rows(connection, [entry]))
    assert await journal.list_pending("EX", AT + timedelta(hours=1)) == ()


async def test_exchanges_that_wait_together_share_a_transaction_and_keep_their_order(
    migrated: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = []
    write = migrated.write

    async def counting(work):  # type: ignore[no-untyped-def]
        transactions.append(work)
        return await write(work)

    monkeypatch.setattr(migrated, "write", counting)
    journal = Journal(migrated, JournalOptions())

    exchanges = await asyncio.gather(*(journal.record_exchange(LOOKUP, FOUND) for _ in range(50)))

    assert len(transactions) == 1
    listed = await journal.list_messages(JournalFilter("EX", direction=MessageDirection.IN), limit=100)
    assert [m.exchange for m in listed.messages] == exchanges[::-1]


async def test_one_bad_entry_harms_no_other(journal: Journal) -> None:
    broken = replace(FOUND, status=2**70)

    results = await asyncio.gather(
        journal.record_exchange(LOOKUP, FOUND),
        journal.record_exchange(LOOKUP, broken),
        journal.record_exchange(LOOKUP, FOUND),
        return_exceptions=True,
    )

    assert [isinstance(result, Exception) for result in results] == [False, True, False]
    assert len((await journal.list_messages(JournalFilter("EX"))).messages) == 4


async def test_a_cancelled_caller_leaves_the_journal_whole(journal: Journal) -> None:
    tasks = [asyncio.create_task(journal.record_exchange(LOOKUP, FOUND)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await journal.record_exchange(LOOKUP, FOUND)
    assert len((await journal.list_messages(JournalFilter("EX"), limit=100)).messages) == 2 * 11


async def test_close_writes_what_waits(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions())
    tasks = [asyncio.create_task(journal.record_exchange(LOOKUP, FOUND)) for _ in range(400)]
    await asyncio.sleep(0)

    await journal.close()

    await asyncio.gather(*tasks)
    count = await migrated.read(lambda connection: len(connection.execute(select(message.c.id)).all()))
    assert count == 800


async def test_a_store_that_is_unavailable_is_told_to_every_caller(tmp_path) -> None:  # type: ignore[no-untyped-def]
    store = open_store(f"sqlite:///{tmp_path / 'illgate.db'}")
    await migrate_store(store, OWN)
    await store.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=30").close())
    journal = Journal(store, JournalOptions())

    large = replace(LOOKUP, body=bytes(200_000))
    results = await asyncio.gather(*(journal.record_exchange(large, FOUND) for _ in range(5)), return_exceptions=True)

    assert {type(result) for result in results} == {Unavailable}
    assert (await journal.list_messages(JournalFilter("EX"))).messages == ()
    await journal.close()
    await store.close()


# --- what partners send ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b", "山" * 5_000, "x" * 100_000])
async def test_whatever_a_partner_sends_can_be_journaled_and_found(journal: Journal, bad: str) -> None:
    exchange = await journal.record_exchange(
        replace(ACCEPT, request_id=bad, item_id=bad, from_agency=bad, service=bad, note=bad), FOUND
    )

    found = await journal.list_messages(JournalFilter("EX", request_id=bad, item_id=bad))
    assert {m.exchange for m in found.messages} == {exchange}


async def test_a_long_body_is_cut_and_says_so(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions(body_limit=10))
    begun = await journal.begin(replace(LOOKUP, body=b"0123456789abc"))
    await journal.complete(begun, replace(FOUND, body=b"0123456789"))

    question, answer = await both(journal, begun.exchange)
    assert (question.body, question.message.truncated, question.message.body_size) == (b"0123456789", True, 13)
    assert (answer.body, answer.message.truncated, answer.message.body_size) == (b"0123456789", False, 10)
    with pytest.raises(ValueError, match="not kept whole"):
        question.to_journal_entry()


async def test_secrets_are_taken_out_before_a_body_is_written_and_again_when_it_is_read(migrated: Store) -> None:
    hiding = JournalOptions(body_limit=12, concealers={"ncip": lambda body: body.replace(b"4711", b"********")})
    opening, ending = replace(LOOKUP, body=b"<PIN>4711"), replace(FOUND, body=b"4711 is wrong")
    old = await Journal(migrated, JournalOptions()).record_exchange(opening, ending)
    journal = Journal(migrated, hiding)
    written = await journal.record_exchange(opening, ending)

    without = Journal(migrated, JournalOptions())
    question, answer = await both(without, written)
    assert (question.body, question.message.truncated, question.message.body_size) == (b"<PIN>*******", True, 9)
    assert (answer.body, answer.message.body_size) == (b"******** is ", 13)
    assert (await both(journal, old))[0].body == b"<PIN>********", "an older release has kept it as it came"
    other = await journal.record_exchange(replace(opening, protocol="mail"), ending)
    assert (await both(without, other))[0].body == opening.body


# --- lists -----------------------------------------------------------------------------------------------


async def fill(journal: Journal) -> None:
    """Ten minutes: an exchange a minute, alternately a look-up and an accepted item, the last one refused."""
    for minute in range(10):
        opening = LOOKUP if minute % 2 == 0 else replace(ACCEPT, request_id=f"TN-{minute}", item_id=f"ILL{minute}")
        ending = replace(FOUND, at=AT + timedelta(minutes=minute))
        if minute == 9:
            ending = replace(ending, outcome=OutcomeClass.REFUSED, reason="duplicate-item", note="It is 100% HERE.")
        await journal.record_exchange(replace(opening, at=AT + timedelta(minutes=minute)), ending)


async def test_lists_are_newest_first_and_paged(journal: Journal) -> None:
    await fill(journal)

    seen, cursor = [], ""
    while True:
        page = await journal.list_messages(JournalFilter("EX"), limit=7, cursor=cursor)
        seen += page.messages
        if not (cursor := page.cursor):
            break

    assert len(seen) == 20
    assert [m.id for m in seen] == sorted((m.id for m in seen), reverse=True)
    assert seen[0].at == AT + timedelta(minutes=9)


FILTERS = [
    (JournalFilter("EX", service="LookupUser"), 10),
    (JournalFilter("EX", service="LookupUser", direction=MessageDirection.IN), 5),
    (JournalFilter("EX", profile="relais-d2d"), 0),
    (JournalFilter("EX", profile="illiad-alma"), 20),
    (JournalFilter("EX", outcome=OutcomeClass.REFUSED), 2),
    (JournalFilter("EX", outcome=OutcomeClass.PENDING), 0),
    (JournalFilter("EX", request_id="TN-3"), 2),
    (JournalFilter("EX", item_id="ILL5"), 2),
    (JournalFilter("EX", item_id="ILL5", request_id="TN-3"), 0),
    (JournalFilter("EX", since=AT + timedelta(minutes=8)), 4),
    (JournalFilter("EX", until=AT + timedelta(minutes=2)), 4),
    (JournalFilter("EX", since=AT + timedelta(minutes=2), until=AT + timedelta(minutes=3)), 2),
    (JournalFilter("EX", note="100% here"), 1),
    (JournalFilter("EX", note="100_ here"), 0),
]


@pytest.mark.parametrize("scan", [3, 5_000], ids=["many looks", "one look"])
async def test_filters(journal: Journal, monkeypatch: pytest.MonkeyPatch, scan: int) -> None:
    monkeypatch.setattr(journal_queries, "SCAN", scan)
    await fill(journal)

    for wanted, count in FILTERS:
        page = await journal.list_messages(wanted)
        assert (wanted, len(page.messages), page.cursor) == (wanted, count, "")
        assert [full.message async for full in journal.export_messages(wanted)] == list(page.messages)


async def test_point_queries_are_served_by_an_index(migrated: Store) -> None:
    """On SQLite, which says so plainly: no plan may scan the table or sort what it found."""
    if migrated.url.get_backend_name() != "sqlite":
        pytest.skip("a planner that knows the table is empty takes no index")

    plans: list[str] = []

    def explain(connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_trace_callback(statements.append)
        for wanted in (
            JournalFilter("EX"),
            JournalFilter("EX", request_id="x"),
            JournalFilter("EX", outcome=OutcomeClass.PENDING),
            JournalFilter("EX", replay_of="x"),
        ):
            journal_queries.list_without_bodies(connection, wanted, "g", 10)
        journal_queries.list_without_bodies(connection, JournalFilter("EX", item_id="x", since=AT, until=AT), "g", 10)
        journal_queries.find_message(connection, "EX", "x")
        journal_queries.find_exchange(connection, "EX", "x")
        journal_queries.find_pending(connection, "EX", AT, 10)
        journal_queries.find_processed(connection, "EX", "p", "k")
        journal_queries.next_library(connection, "EX")
        raw.set_trace_callback(None)
        for statement in statements:
            if statement.startswith("SELECT"):
                plans.extend(str(row[3]) for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}"))

    statements: list[str] = []
    await migrated.read(explain)

    assert len(plans) >= 9
    assert not [plan for plan in plans if not plan.startswith("SEARCH") or "INDEX" not in plan]
    for index in ("ix_message_request", "ix_message_item", "ix_message_pending", "ix_message_replay"):
        assert any(index in plan for plan in plans)


# --- libraries -------------------------------------------------------------------------------------------


async def test_no_library_sees_anything_of_another(journal: Journal) -> None:
    mine = await journal.begin(ACCEPT)
    await journal.complete(mine, ACCEPTED)
    theirs = await journal.begin(replace(ACCEPT, library="OTHER"))
    question = f"{mine.exchange}-1"

    assert await journal.get_message("OTHER", question) is None
    assert await journal.get_exchange("OTHER", question) == ()
    assert await journal.find_processed("OTHER", "illiad-alma", "digest-of-4711") is None
    assert await journal.list_pending("EX", AT + timedelta(hours=1)) == ()
    assert {m.exchange for m in (await journal.list_messages(JournalFilter("OTHER"))).messages} == {theirs.exchange}
    assert {m.exchange for m in (await journal.list_messages(JournalFilter("EX", request_id="TN-4711"))).messages} == {
        mine.exchange
    }
    assert [m.message.library async for m in journal.export_messages(JournalFilter("EX"))] == ["EX", "EX"]

    await journal.complete(JournalEntry(mine.exchange, replace(ACCEPT, library="OTHER")), replace(ACCEPTED, body=None))
    assert (await both(journal, mine.exchange))[0].message.outcome is OutcomeClass.OK


# --- the conversation about a request --------------------------------------------------------------------

OURS = RequestNames(
    "0064aa",
    ("B2026-00001",),
    (("lund", "B2026-00001/2"), ("lund", "4711"), ("lund", "B2026-00001"), ("lund", "0064aa")),
)


async def record_at(journal: Journal, minute: int, ending: JournalEnding = FOUND, **columns: object) -> str:
    at = AT + timedelta(minutes=minute)
    return await journal.record_exchange(replace(LOOKUP, at=at, **columns), ending)  # type: ignore[arg-type]


async def conversation(journal: Journal, **more: object) -> list[str]:
    wanted = JournalFilter("EX", request_id="B2026-00001", managed_request=OURS, **more)  # type: ignore[arg-type]
    return [one.id for one in (await journal.list_messages(wanted)).messages]


async def test_a_message_is_found_by_each_request_that_it_is_about(journal: Journal) -> None:
    about_two = replace(FOUND, managed_requests=("0064aa", "0064bb", "0064aa", ""))
    exchange = await record_at(journal, 1, about_two, request_id="FILE-7")
    await record_at(journal, 2, replace(FOUND, managed_requests=("0064bb",)))

    assert await conversation(journal) == [f"{exchange}-2", f"{exchange}-1"]
    assert await conversation(journal, direction=MessageDirection.OUT) == [f"{exchange}-2"]
    assert await conversation(journal, since=AT + timedelta(minutes=2)) == []


async def test_messages_of_older_releases_are_found_by_the_names_in_them(journal: Journal) -> None:
    """A number counts from the partner alone with whom the request is, ours too: another installation may number as
    we do."""
    wanted = [
        await record_at(journal, 1, request_id="B2026-00001", profile="lund"),
        await record_at(journal, 2, request_id="0064aa", profile="lund"),
        await record_at(journal, 3, request_id="4711", profile="lund"),
        await record_at(journal, 4, request_id="B2026-00001", profile=""),
    ]
    await record_at(journal, 5, request_id="4711", profile="visby")
    await record_at(journal, 6, request_id="B2026-00001", profile="visby")
    assert await conversation(journal) == [f"{one}-{n}" for one in reversed(wanted) for n in (2, 1)]


async def test_a_message_about_another_request_is_not_found_by_a_number_that_both_have(journal: Journal) -> None:
    """The partner has its own request with the number that we gave ours."""
    theirs = replace(FOUND, managed_requests=("0064bb",))
    await record_at(journal, 1, theirs, request_id="B2026-00001", profile="lund")
    ours = await record_at(journal, 2, replace(FOUND, managed_requests=("0064aa",)), request_id="B2026-00001")
    assert await conversation(journal) == [f"{ours}-2", f"{ours}-1"]


async def test_work_that_is_completed_later_is_found_by_its_request(journal: Journal) -> None:
    begun = await journal.begin(ACCEPT)
    await journal.complete(begun, replace(ACCEPTED, managed_requests=("0064aa",)))
    assert await conversation(journal) == [f"{begun.exchange}-2", f"{begun.exchange}-1"]


async def test_what_a_message_is_about_is_forgotten_with_it(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions(keep_rows_days=1))
    await record_at(journal, 0, replace(FOUND, managed_requests=("0064aa",)))
    kept = await record_at(journal, 2_000, replace(FOUND, managed_requests=("0064aa",)))
    await journal.apply_retention(AT + timedelta(minutes=2_001))
    left = await migrated.read(lambda c: c.execute(text("SELECT exchange FROM message_request")).scalars().all())
    assert left == [kept]


async def test_a_conversation_is_found_by_indexes_alone(migrated: Store) -> None:
    """However many messages there are, and whatever else is asked for. `test_statements` tries it on other SQLites."""
    if migrated.url.get_backend_name() != "sqlite":
        pytest.skip("a planner that knows the table is empty takes no index")
    journal = Journal(migrated, JournalOptions())
    await record_at(journal, 1, replace(FOUND, managed_requests=("0064aa",)))
    wanted = JournalFilter("EX", request_id="B2026-00001", managed_request=OURS, since=AT, until=AT + timedelta(days=1))

    def explain(connection: Connection) -> list[list[str]]:
        raw = connection.connection.driver_connection
        assert raw is not None
        statements: list[str] = []
        raw.set_trace_callback(statements.append)
        assert len(journal_queries.list_without_bodies(connection, wanted, "g", 50)[0]) == 2
        raw.set_trace_callback(None)
        asked = [statement for statement in statements if statement.startswith("SELECT")]
        return [[str(row[3]) for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")] for statement in asked]

    *looks, rows = await migrated.read(explain)
    ids = [line for look in looks for line in look]
    assert not [line for line in (*ids, *rows) if line.startswith("SCAN message")]
    named = [line for line in ids if line.startswith("SEARCH message ")]
    assert named
    assert all("ix_message_request (library=? AND request_id=?)" in line for line in named), ids
    assert all("(library=? AND id=?)" in line for line in rows if line.startswith("SEARCH")), rows


async def test_a_long_conversation_comes_page_by_page(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one statement takes fewer ids than it has messages."""
    monkeypatch.setattr(journal_queries, "MAX_IDS_OF_STATEMENT", 4)
    exchanges = [
        await record_at(journal, minute, replace(FOUND, managed_requests=("0064aa",)), profile=f"p{minute % 2}")
        for minute in range(7)
    ]
    newest_first = [f"{one}-{n}" for one in reversed(exchanges) for n in (2, 1)]
    wanted = JournalFilter("EX", managed_request=OURS)

    listed: list[str] = []
    page = await journal.list_messages(wanted, 5)
    while page.cursor:
        assert len(page.messages) == 5
        listed += [one.id for one in page.messages]
        page = await journal.list_messages(wanted, 5, page.cursor)
    assert listed + [one.id for one in page.messages] == newest_first

    of_one = await journal.list_messages(replace(wanted, profile="p1"), 50)
    assert [one.id for one in of_one.messages] == [id_ for id_ in newest_first if id_[:24] in exchanges[1::2]]
    assert of_one.cursor == ""


async def test_bodies_of_a_long_conversation_are_forgotten(migrated: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_queries, "MAX_IDS_OF_STATEMENT", 3)
    journal = Journal(migrated, JournalOptions())
    about = replace(FOUND, managed_requests=("0064aa",))
    exchanges = [await record_at(journal, minute, about) for minute in range(4)]
    other = await record_at(journal, 5)

    forgotten = await migrated.write(lambda c: journal_queries.forget_bodies_about_request(c, "EX", OURS))
    rows = await migrated.read(lambda c: journal_queries.list_about_request(c, "EX", OURS))

    assert forgotten == 8
    assert [row["id"] for row in rows] == [f"{one}-{n}" for one in exchanges for n in (1, 2)]
    assert [(await both(journal, one))[0].body for one in (*exchanges, other)] == [None] * 4 + [LOOKUP.body]


# --- retention -------------------------------------------------------------------------------------------


async def test_bodies_go_first_and_rows_later(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions(keep_bodies_days=30, keep_rows_days=100))
    for days, library in ((101, "EX"), (100, "EX"), (31, "EX"), (29, "EX"), (31, "OTHER")):
        at = AT - timedelta(days=days)
        ending = replace(ACCEPTED, at=at, key=f"key-{days}")
        await journal.record_exchange(replace(ACCEPT, library=library, at=at), ending)

    assert await journal.apply_retention(AT) == RetentionResult(bodies=2 + 2 + 2, messages=2, processed=1)

    kept = [full async for full in journal.export_messages(JournalFilter("EX"))]
    assert [(full.message.at, full.body is None) for full in kept if full.message.direction is MessageDirection.IN] == [
        (AT - timedelta(days=29), False),
        (AT - timedelta(days=31), True),
        (AT - timedelta(days=100), True),
    ]
    assert kept[-1].message.body_size == len(ACCEPT.body)
    assert await journal.find_processed("EX", "illiad-alma", "key-101") is None
    remembered = await journal.find_processed("EX", "illiad-alma", "key-31")
    assert remembered is not None
    assert remembered.answer is not None
    assert remembered.answer.body is None
    assert await journal.apply_retention(AT) == RetentionResult()
    assert (await journal.apply_retention(AT + timedelta(days=2))) == RetentionResult(bodies=2, messages=2, processed=1)


async def test_the_oldest_work_without_an_end_is_found_for_each_library(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions())
    assert await journal.find_oldest_pending() == {}
    for library, days in (("EX", 2), ("EX", 5), ("OTHER", 1)):
        await journal.begin(replace(ACCEPT, library=library, at=AT - timedelta(days=days)))
    ended = await journal.begin(replace(ACCEPT, at=AT - timedelta(days=9)))
    await journal.complete(ended, FOUND)

    assert await journal.find_oldest_pending() == {"EX": AT - timedelta(days=5), "OTHER": AT - timedelta(days=1)}


async def test_how_often_interrupted_work_was_taken_up(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions(keep_bodies_days=30))
    begun = await journal.begin(ACCEPT)
    identifier = f"{begun.exchange}-1"

    assert [await journal.count_recovery("EX", identifier) for _ in range(3)] == [1, 2, 3]
    assert await journal.count_recovery("OTHER", identifier) == 1
    assert (await journal.count_interrupted("EX", 2), await journal.count_interrupted("EX", 3)) == (1, 0)

    await journal.reset_recovery("OTHER", identifier)
    await journal.apply_retention(AT + timedelta(days=29))
    assert await journal.count_interrupted("EX", 0) == 1
    await journal.apply_retention(AT + timedelta(days=31))
    assert await journal.count_interrupted("EX", 0) == 0, "without its content nobody can carry it out"


async def test_much_is_forgotten_in_short_transactions(migrated: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(migrated, JournalOptions(keep_bodies_days=1, keep_rows_days=2))
    old = replace(LOOKUP, at=AT - timedelta(days=3))
    await asyncio.gather(*(journal.record_exchange(old, FOUND) for _ in range(25)))
    monkeypatch.setattr("gateway.store.journal.SLICE", 8)

    assert await journal.apply_retention(AT) == RetentionResult(messages=50)
    assert (await journal.list_messages(JournalFilter("EX"))).messages == ()


async def test_without_a_schedule_nothing_is_forgotten(migrated: Store) -> None:
    journal = Journal(migrated, JournalOptions(keep_bodies_days=None, keep_rows_days=None))
    await journal.record_exchange(LOOKUP, FOUND)

    assert await journal.apply_retention(AT + timedelta(days=100_000)) == RetentionResult()


@pytest.mark.parametrize("options", [{"body_limit": 0}, {"keep_bodies_days": 0}, {"keep_rows_days": 0}])
def test_options_that_would_lose_what_is_in_hand_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be at least 1"):
        JournalOptions(**options)


# --- encryption ------------------------------------------------------------------------------------------

OLD, NEW = "a-secret-of-last-year-0123456789", "a-secret-of-this-year-9876543210"


def encrypted(store: Store, *secrets: str) -> Journal:
    return Journal(store, JournalOptions(cipher=BodyCipher(secrets)))


async def raw_bodies(store: Store) -> bytes:
    bodies = await store.read(lambda connection: connection.execute(select(message.c.body)).scalars().all())
    return b"".join(body for body in bodies if body is not None)


async def test_encrypted_bodies_are_read_back_and_not_in_the_database(migrated: Store) -> None:
    journal = encrypted(migrated, OLD)
    exchange = await journal.record_exchange(LOOKUP, FOUND)

    question, answer = await both(journal, exchange)
    assert (question.body, answer.body) == (LOOKUP.body, FOUND.body)
    assert question.message.body_size == len(LOOKUP.body)
    assert b"NCIPMessage" not in await raw_bodies(migrated)


async def test_a_new_key_writes_and_the_old_one_still_reads(migrated: Store) -> None:
    plain = await Journal(migrated, JournalOptions()).record_exchange(LOOKUP, FOUND)
    first = await encrypted(migrated, OLD).record_exchange(LOOKUP, FOUND)
    second = await encrypted(migrated, NEW, OLD).record_exchange(LOOKUP, FOUND)

    rotated = encrypted(migrated, NEW, OLD)
    for exchange in (plain, first, second):
        assert [full.body for full in await rotated.get_exchange("EX", exchange)] == [LOOKUP.body, FOUND.body]

    only_new = encrypted(migrated, NEW)
    assert [full.body for full in await only_new.get_exchange("EX", second)] == [LOOKUP.body, FOUND.body]
    with pytest.raises(BodyUnreadable, match=r"key [0-9a-f]{8}, which is not configured"):
        await only_new.get_exchange("EX", first)
    with pytest.raises(BodyUnreadable, match="not configured"):
        await Journal(migrated, JournalOptions()).get_exchange("EX", first)


async def test_a_body_moved_to_another_row_is_not_accepted(migrated: Store) -> None:
    journal = encrypted(migrated, OLD)
    one = await journal.record_exchange(LOOKUP, FOUND)
    other = await journal.record_exchange(replace(LOOKUP, library="OTHER"), FOUND)
    swap = text("UPDATE message SET body = (SELECT body FROM message WHERE id = :one) WHERE id = :other")
    await migrated.write(lambda connection: connection.execute(swap, {"one": f"{one}-1", "other": f"{other}-1"}))

    with pytest.raises(BodyUnreadable, match="does not match"):
        await journal.get_message("OTHER", f"{other}-1")


@pytest.mark.parametrize(("secrets", "complaint"), [([], "at least one"), (["short"], "at least 16 characters")])
def test_weak_secrets_are_refused(secrets: list[str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        BodyCipher(secrets)


# --- export ----------------------------------------------------------------------------------------------


async def test_an_exported_line_has_every_column_and_every_byte(journal: Journal) -> None:
    body = bytes(range(256))
    exchange = await journal.record_exchange(replace(LOOKUP, body=body), FOUND)
    (question, _) = await both(journal, exchange)

    line = format_json_line(question)

    assert "\n" not in line
    read = json.loads(line)
    assert base64.b64decode(read["body_base64"]) == body
    assert (read["library"], read["service"], read["outcome"]) == ("EX", "LookupUser", "ok")
    assert datetime.fromisoformat(read["at"]) == AT


async def test_a_file_is_named_after_time_id_and_service(journal: Journal) -> None:
    exchange = await journal.record_exchange(replace(LOOKUP, service="../Лookup"), FOUND)
    question, answer = await both(journal, exchange)

    assert make_file_name(question) == f"20260302T093000Z-{exchange}-1-in-____ookup.xml"
    assert make_file_name(answer).endswith("-2-out-____ookup.xml")


@pytest.mark.parametrize(("body", "ending"), [(b"\n<NCIPMessage/>", ".xml"), (b"%3CNCIPMessage%3E", ".bin")])
async def test_a_file_without_a_content_type_is_named_by_what_it_is(journal: Journal, body: bytes, ending: str) -> None:
    (question, _) = await both(
        journal, await journal.record_exchange(replace(LOOKUP, content_type="", body=body), FOUND)
    )

    assert make_file_name(question).endswith(ending)
