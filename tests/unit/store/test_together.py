"""Coroutines that are run to their end within one transaction, and journal rows written with other work."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import SavepointsNeeded, Store, run_without_waiting
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalFilter, JournalOpening, JournalOptions

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ASKED = JournalOpening("EX", AT, b"<AcceptItem/>", "ncip", "http", service="AcceptItem")
DONE = JournalEnding(AT, OutcomeClass.OK, b"<AcceptItemResponse/>", key="k")


async def nothing_to_wait_for() -> int:
    return 7


async def waits() -> int:
    await asyncio.sleep(0)
    return 7


def test_what_never_waits_gives_its_result_at_once() -> None:
    assert run_without_waiting(nothing_to_wait_for()) == 7


def test_what_waits_is_given_up() -> None:
    with pytest.raises(RuntimeError):
        run_without_waiting(waits())


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def journal(store: Store) -> Journal:
    await store.write(lambda connection: connection.execute(text("CREATE TABLE shelf (book TEXT)")))
    return Journal(store, JournalOptions())


async def books(store: Store) -> int:
    return int(await store.read(lambda connection: connection.execute(text("SELECT count(*) FROM shelf")).scalar_one()))


def put(connection: Connection) -> None:
    connection.execute(text("INSERT INTO shelf VALUES ('Nieuwe gronden')"))


async def test_work_and_its_exchange_are_there_together(store: Store, journal: Journal) -> None:
    def work(connection: Connection) -> tuple[str, JournalOpening, JournalEnding]:
        put(connection)
        return "done", ASKED, DONE

    assert await journal.record_in_transaction(work) == "done"

    assert await books(store) == 1
    answer, question = (await journal.list_messages(JournalFilter("EX"))).messages
    assert (question.exchange, question.outcome, answer.outcome) == (answer.exchange, OutcomeClass.OK, OutcomeClass.OK)
    before = await journal.find_processed("EX", "", "k")
    assert before is not None
    assert before.answer is not None
    assert before.answer.body == DONE.body


async def test_or_neither_is(store: Store, journal: Journal) -> None:
    def gives_up(connection: Connection) -> tuple[str, JournalOpening, JournalEnding]:
        put(connection)
        raise SavepointsNeeded("a change was refused")

    with pytest.raises(SavepointsNeeded):
        await journal.record_in_transaction(gives_up)

    assert await books(store) == 0
    assert (await journal.list_messages(JournalFilter("EX"))).messages == ()


async def test_work_that_is_given_up_disturbs_nobody_beside_it(store: Store, journal: Journal) -> None:
    def gives_up(connection: Connection) -> tuple[None, JournalOpening, JournalEnding]:
        put(connection)
        raise SavepointsNeeded("a change was refused")

    def work(connection: Connection) -> tuple[None, JournalOpening, JournalEnding]:
        put(connection)
        return None, ASKED, DONE

    together = (gives_up, work, gives_up, work)
    outcomes = await asyncio.gather(*(journal.record_in_transaction(one) for one in together), return_exceptions=True)

    assert [isinstance(outcome, SavepointsNeeded) for outcome in outcomes] == [True, False, True, False]
    assert await books(store) == 2
    assert len((await journal.list_messages(JournalFilter("EX"))).messages) == 4
