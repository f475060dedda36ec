"""What a crash interrupted is finished at the next start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import asyncpg
import pytest
from sqlalchemy import text

from gateway.domain.problems import Unavailable
from gateway.ports.guarded_library import ExchangeLibrary, LibrarySystem
from gateway.ports.library_system import PatronKey
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.ports.shared_store import Transaction
from gateway.services.exchange import recovery
from gateway.services.exchange.recovery import MAX_STARTS, RecoveryReport, count_set_aside
from gateway.services.operation.nodes import COMMAND_SECONDS, NodeRecovery
from gateway.store import nodes
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyCipher, FullMessage, JournalEntry, JournalFilter, JournalOptions
from gateway.store.nodes import Node
from gateway.store.postgresql import lock_key_of
from gateway.store.requests import outbox
from gateway.store.requests.outbox import OutboxRow
from gateway.store.schema import make_exchange_id
from tests.support.postgresql import Server
from tests.unit.services.exchange.support import PATRON, House, Silent, open_filled_house, open_house


@pytest.fixture(scope="module")
def filled_database(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the sample library; only to be copied, which takes a third of the time."""
    name = postgresql_server.create_database()

    async def fill_database() -> None:
        async with open_house(tmp_path_factory.mktemp("filled"), store_url=postgresql_server.url(name)):
            pass

    asyncio.run(fill_database())
    yield name
    postgresql_server.drop_database(name)


@pytest.fixture
def filled_postgresql_url(postgresql_server: Server, filled_database: str) -> Iterator[str]:
    name = postgresql_server.create_database(filled_database)
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


def accept(house: House, number: int) -> RawMessage:
    return house.message(
        "accept-item", patron=PATRON, request=f"TN-{number}", item=f"ILL-{number}", title="Tři problémy", pickup="MAIN"
    )


async def interrupted(house: House, arrival: RawMessage, service: str = "AcceptItem") -> JournalEntry:
    """The daemon stopped when the message was in the journal."""
    return await house.journal.begin(house.opening(arrival, service))


async def repair(house: House) -> RecoveryReport:
    return await repair_in(house, house.libraries)


async def repair_in(house: House, libraries: Mapping[str, ExchangeLibrary]) -> RecoveryReport:
    return await recovery_of(house, libraries).recover_left()


def recovery_of(house: House, libraries: Mapping[str, ExchangeLibrary], node: Node | None = None) -> NodeRecovery:
    return NodeRecovery(
        node=node or Node(house.store, "heir"),
        store=house.store,
        journal=house.journal,
        exchange=house.exchange,
        libraries=libraries,
        clock=house.installation.clock,
        wake=lambda: None,
    )


async def rows(house: House, begun: JournalEntry) -> tuple[FullMessage, ...]:
    return await house.journal.get_exchange("DEMO", begun.exchange)


async def holds(house: House) -> list[str]:
    patron = await house.system.find_patron(PatronKey(PATRON))
    return sorted(hold.item_barcode for hold in await house.system.patron_holds(patron.id) if hold.item_barcode)


async def test_what_was_not_begun_is_carried_out_and_its_row_completed(house: House) -> None:
    before = await holds(house)
    begun = await interrupted(house, accept(house, 1))

    assert await repair(house) == RecoveryReport(finished=1)

    question, answer = await rows(house, begun)
    assert question.message.outcome is OutcomeClass.OK
    assert "the answer was not sent" in question.message.note
    assert b"AcceptItemResponse" in (answer.body or b"")
    assert await holds(house) == sorted([*before, "ILL-1"])
    assert await repair(house) == RecoveryReport()


async def test_what_was_carried_out_but_not_noted_is_not_done_twice(house: House) -> None:
    await house.exchange.handle(accept(house, 2))
    before = await holds(house)
    begun = await interrupted(house, accept(house, 2))

    assert await repair(house) == RecoveryReport(finished=1)

    assert (await rows(house, begun))[0].message.outcome is OutcomeClass.OK
    assert await holds(house) == before


async def test_the_partner_who_repeats_it_gets_the_same_success(house: House) -> None:
    arrival = accept(house, 3)
    begun = await interrupted(house, arrival)
    await repair(house)
    held = await holds(house)

    again = await house.exchange.handle(arrival)

    assert again.body == (await rows(house, begun))[1].body
    assert await holds(house) == held


async def test_a_refusal_is_an_end_too(house: House) -> None:
    begun = await interrupted(house, house.message("check-out", patron="nobody", item="39000000000011"), "CheckOutItem")

    assert await repair(house) == RecoveryReport(finished=1)

    question, answer = await rows(house, begun)
    assert (question.message.outcome, question.message.reason) == (OutcomeClass.REFUSED, "unknown-patron")
    assert b"Unknown User" in (answer.body or b"")


async def test_what_can_no_longer_be_read_is_an_end_too(house: House) -> None:
    arrival = accept(house, 4)
    broken = RawMessage(b"<NCIPMessage>", arrival.received, arrival.transport, "ncip", profile="ncip2")
    begun = await interrupted(house, broken)

    assert await repair(house) == RecoveryReport(finished=1)

    assert (await rows(house, begun))[0].message.outcome is OutcomeClass.MALFORMED


async def test_without_its_profile_it_is_marked_as_failed_for_staff_to_see(house: House) -> None:
    begun = await interrupted(house, accept(house, 5))
    del house.profiles["ncip2"]

    assert await repair(house) == RecoveryReport(failed=1)

    (question,) = await rows(house, begun)
    assert (question.message.outcome, question.message.reason) == (OutcomeClass.FAILED, "interrupted")
    assert "profile 'ncip2' no longer exists" in question.message.note
    assert not (await house.journal.list_messages(JournalFilter("DEMO", outcome=OutcomeClass.PENDING))).messages


async def test_a_content_not_kept_whole_is_marked_as_failed(tmp_path: Path) -> None:
    async with open_house(tmp_path, JournalOptions(body_limit=100)) as house:
        begun = await interrupted(house, accept(house, 6))

        assert await repair(house) == RecoveryReport(failed=1)

        assert "too long to be stored in full" in (await rows(house, begun))[0].message.note


async def test_what_needs_a_pin_is_marked_as_failed_since_no_pin_is_kept(house: House) -> None:
    begun = await interrupted(house, house.message("check-out", patron=PATRON, pin="1234", item="39000000000011"))

    assert await repair(house) == RecoveryReport(failed=1)

    (question,) = await rows(house, begun)
    assert "it can't be finished: it needs the patron's PIN" in question.message.note
    assert b">1234<" not in (question.body or b"")


async def test_a_content_whose_key_is_missing_is_left_and_the_others_are_finished(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        locked = Journal(house.store, JournalOptions(cipher=BodyCipher(["kein Wort, sondern Zufall 4711"])))
        begun = await locked.begin(house.opening(accept(house, 7), "AcceptItem"))
        other = await interrupted(house, accept(house, 8))

        assert await repair(house) == RecoveryReport(finished=1, left=1)

        assert (await rows(house, other))[0].message.outcome is OutcomeClass.OK
        assert (await locked.get_exchange("DEMO", begun.exchange))[0].message.outcome is OutcomeClass.PENDING


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def either_opening(request: pytest.FixtureRequest, tmp_path: Path) -> AbstractAsyncContextManager[House]:
    if request.param == "sqlite":
        return open_house(tmp_path)
    return open_filled_house(tmp_path, store_url=request.getfixturevalue("filled_postgresql_url"))


@pytest.fixture
async def either_house(either_opening: AbstractAsyncContextManager[House]) -> AsyncIterator[House]:
    async with either_opening as opened:
        yield opened


def libraries_without_answer(house: House) -> dict[str, ExchangeLibrary]:
    ours = house.libraries["DEMO"]
    silent = ExchangeLibrary(ours.symbol, ours.name, cast(LibrarySystem, Silent()), ours.zone, ours.currency)
    return {ours.symbol: silent}


async def test_messages_of_a_library_that_does_not_answer_wait_for_it(either_house: House) -> None:
    house = either_house
    begun = await begun_by("first", house, 9)
    libraries = libraries_without_answer(house)
    heir = recovery_of(house, libraries)
    assert await heir.recover_left() == RecoveryReport(left=1, away=1)

    libraries["DEMO"] = house.libraries["DEMO"]
    await heir.take_over_dead()
    assert (await rows(house, begun))[0].message.outcome is OutcomeClass.PENDING, "it is asked again after a while"
    await heir.finish_waiting()

    assert (await rows(house, begun))[0].message.outcome is OutcomeClass.OK


async def test_what_a_command_began_is_finished_when_none_can_be_at_work_on_it(either_house: House) -> None:
    """All of them keep their messages with nobody's name: while a daemon runs nobody knows the dead by it."""
    house = either_house
    openings = [house.opening(accept(house, number), "AcceptItem") for number in (9, 10)]
    long_ago = openings[0].at - timedelta(seconds=COMMAND_SECONDS)
    killed = await house.journal.begin(replace(openings[0], at=long_ago))
    at_work = await house.journal.begin(openings[1])
    libraries = libraries_without_answer(house)
    heir = recovery_of(house, libraries)

    async def list_outcomes() -> list[OutcomeClass]:
        await heir.finish_waiting()
        return [(await rows(house, begun))[0].message.outcome for begun in (killed, at_work)]

    assert await list_outcomes() == [OutcomeClass.PENDING, OutcomeClass.PENDING], "the library is away"
    libraries["DEMO"] = house.libraries["DEMO"]
    for _ in range(2):
        assert await list_outcomes() == [OutcomeClass.OK, OutcomeClass.PENDING]
    assert await holds(house) == ["ILL-9"]


class Hanging(Silent):
    """It takes connections, and says nothing."""

    async def ping(self) -> None:
        await asyncio.Event().wait()


async def test_a_library_that_hangs_holds_up_no_other_nor_another_node(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "PING_SECONDS", 1_000)
    ours = house.libraries["DEMO"]
    hanging = ExchangeLibrary("ALPHA", ours.name, cast(LibrarySystem, Hanging()), ours.zone, ours.currency)
    await begun_by("first", house, 13, library="ALPHA")
    begun, row = await begun_by("first", house, 14), await claimed_by("second", house)

    recovering = asyncio.create_task(recovery_of(house, {"ALPHA": hanging, **house.libraries}).recover_left())
    async with asyncio.timeout(30):
        while True:
            is_pending = (await rows(house, begun))[0].message.outcome is OutcomeClass.PENDING
            if not is_pending and row.id in await list_due(house):
                break
            await asyncio.sleep(0.05)

    assert not recovering.done()
    recovering.cancel()
    await asyncio.wait([recovering])


@pytest.mark.postgresql
async def test_a_dead_node_is_known_until_the_library_has_answered(
    tmp_path: Path, filled_postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would know of its messages when the heir dies as well."""
    be_patient(monkeypatch)
    async with open_filled_house(tmp_path, store_url=filled_postgresql_url) as house:
        gone, heir, next_heir = (Node(house.store, name) for name in ("gone", "heir", "next"))
        for node in (gone, heir, next_heir):
            await node.tell_alive()
        begun = await begun_by("gone", house, 12)
        await house.store.write(lambda c: let_pass(c, gone=3_000, heir=4_000, next=4_000))
        for node in (heir, next_heir):
            await node.tell_alive()
        await recovery_of(house, libraries_without_answer(house), heir).take_over_dead()
        assert (await rows(house, begun))[0].message.outcome is OutcomeClass.PENDING

        await recovery_of(house, house.libraries, next_heir).take_over_dead()

        assert (await rows(house, begun))[0].message.outcome is OutcomeClass.OK
        for node in (gone, heir, next_heir):
            await node.leave()


async def test_many_are_finished_oldest_first(house: House) -> None:
    begun = [await interrupted(house, accept(house, number)) for number in range(20, 50)]

    assert await repair(house) == RecoveryReport(finished=30)

    ends = [(await rows(house, one))[1].message for one in begun]
    assert [one.at for one in ends] == sorted(one.at for one in ends)


async def died_while_finishing(house: House, begun: JournalEntry, times: int) -> None:
    """So many starts took it up and ended there."""
    for _ in range(times):
        await house.journal.count_recovery("DEMO", f"{begun.exchange}-1")


async def test_what_no_start_lived_to_finish_is_set_aside(house: House) -> None:
    before = await holds(house)
    bad, good = await interrupted(house, accept(house, 60)), await interrupted(house, accept(house, 61))
    await died_while_finishing(house, bad, MAX_STARTS)
    assert await count_set_aside(house.journal, house.libraries) == 0

    assert await repair(house) == RecoveryReport(finished=1, failed=1)

    (question,) = await rows(house, bad)
    assert (question.message.outcome, question.message.reason) == (OutcomeClass.FAILED, "set-aside")
    assert f"illgate replay {question.message.id}" in question.message.note
    assert (await rows(house, good))[0].message.outcome is OutcomeClass.OK
    assert await holds(house) == sorted([*before, "ILL-61"])
    assert await count_set_aside(house.journal, house.libraries) == 1
    assert await repair(house) == RecoveryReport(), "and not at the next start either"


async def test_what_is_set_aside_can_be_replayed_and_then_waits_no_more(house: House) -> None:
    bad = await interrupted(house, accept(house, 62))
    await died_while_finishing(house, bad, MAX_STARTS)
    await repair(house)
    (question,) = await rows(house, bad)

    assert (await house.exchange.replay_message(question)).outcome is OutcomeClass.OK

    assert await count_set_aside(house.journal, house.libraries) == 0
    assert "ILL-62" in await holds(house)


async def test_a_start_that_lives_counts_for_nothing(house: House) -> None:
    begun = await interrupted(house, accept(house, 63))
    await died_while_finishing(house, begun, MAX_STARTS - 1)

    assert await repair(house) == RecoveryReport(finished=1)

    assert await house.journal.count_interrupted("DEMO", 0) == 0


@pytest.mark.postgresql
async def test_what_a_living_node_has_in_hand_is_left_to_it(tmp_path: Path, filled_postgresql_url: str) -> None:
    async with open_filled_house(tmp_path, store_url=filled_postgresql_url) as house:
        living = Node(house.store, "a")
        await living.tell_alive()
        in_hand = await begun_by("a", house, 7)
        left = await begun_by("b", house, 8)

        assert await repair(house) == RecoveryReport(finished=1)

        assert (await rows(house, left))[0].message.outcome is OutcomeClass.OK
        assert [row.message.outcome for row in await rows(house, in_hand)] == [OutcomeClass.PENDING]
        await living.leave()
        assert await repair(house) == RecoveryReport(finished=1)
        assert (await rows(house, in_hand))[0].message.outcome is OutcomeClass.OK


@pytest.mark.postgresql
async def test_two_that_start_together_do_not_both_finish_it(tmp_path: Path, filled_postgresql_url: str) -> None:
    async with open_filled_house(tmp_path, store_url=filled_postgresql_url) as house:
        await begun_by("b", house, 9)
        other = Node(house.store, "other")
        await other.tell_alive()
        heir = other.make_heir("b")
        assert await heir.is_leader()

        assert await repair(house) == RecoveryReport()

        await heir.give_up_lead()
        assert await repair(house) == RecoveryReport(finished=1)
        await other.leave()


@pytest.mark.postgresql
async def test_a_node_of_an_older_release_lives_as_long_as_it_holds_its_lock(
    tmp_path: Path, filled_postgresql_url: str
) -> None:
    async with open_filled_house(tmp_path, store_url=filled_postgresql_url) as house:
        begun = await begun_by("127.0.0.1:8080/0a1b2c3d", house, 10)
        older = await asyncpg.connect(filled_postgresql_url)
        await older.execute(f"SELECT pg_advisory_lock({lock_key_of('node 127.0.0.1:8080/0a1b2c3d')})")

        assert await repair(house) == RecoveryReport()

        await older.close()
        assert await repair(house) == RecoveryReport(finished=1)
        assert (await rows(house, begun))[0].message.outcome is OutcomeClass.OK


LEASE = timedelta(minutes=2)


async def claimed_by(node: str, house: House) -> OutboxRow:
    now = house.installation.clock.now()
    row = OutboxRow(
        library="DEMO", id=make_exchange_id(now), lane="", kind="letter", payload="", created=now, next_at=now
    )

    def claim(connection: Transaction) -> OutboxRow | None:
        outbox.add_outbox_row(connection, row)
        return outbox.claim_single_row(connection, "DEMO", row.id, now, LEASE, node)

    claimed = await house.store.write(claim)
    assert claimed is not None
    return claimed


async def list_due(house: House) -> set[str]:
    """Ids of rows that anybody may claim now."""
    now = house.installation.clock.now()
    found = await house.store.write(lambda c: outbox.claim_rows(c, now, 100, LEASE, "looking"))
    if found:
        await house.store.write(lambda c: outbox.put_back_rows(c, found))
    return {row.id for row in found}


async def test_rows_of_the_dead_are_due_at_once_but_not_those_of_commands_files_and_oneself(house: House) -> None:
    older, gone, _command, _file, _own = [
        await claimed_by(name, house) for name in ("127.0.0.1:8080/0a1b2c3d", "gone", "command/1", "file 0123", "heir")
    ]
    assert await list_due(house) == set()

    await repair(house)

    assert await list_due(house) == {older.id, gone.id}


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, those who speak live."""
    monkeypatch.setattr(nodes, "SILENT_SECONDS", 2_000)
    monkeypatch.setattr(nodes, "GAP_SECONDS", 10_000)


def let_pass(connection: Transaction, **seconds: int) -> None:
    """So long ago nodes spoke last, and for the first time."""
    for node, past in seconds.items():
        moment = f"now() - interval '{past} s'"
        connection.execute(text(f"UPDATE node SET seen = {moment}, steady_since = {moment} WHERE id = '{node}'"))


@pytest.mark.postgresql
async def test_a_living_node_takes_rows_and_messages_of_one_that_dies(
    tmp_path: Path, filled_postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_patient(monkeypatch)
    async with open_filled_house(tmp_path, store_url=filled_postgresql_url) as house:
        gone, heir, other = Node(house.store, "gone"), Node(house.store, "heir"), Node(house.store, "other")
        for node in (gone, heir, other):
            await node.tell_alive()
        row, _living = await claimed_by("gone", house), await claimed_by("other", house)
        begun = await begun_by("gone", house, 11)
        taking = recovery_of(house, house.libraries, heir)
        await taking.take_over_dead()
        assert await list_due(house) == set()

        await house.store.write(lambda c: let_pass(c, gone=3_000, heir=4_000))
        for node in (heir, other):
            await node.tell_alive()
        await taking.take_over_dead()

        assert await list_due(house) == {row.id}
        assert (await rows(house, begun))[0].message.outcome is OutcomeClass.OK
        assert await heir.list_dead() == ()
        for node in (gone, heir, other):
            await node.leave()


async def test_while_the_database_is_away_a_node_goes_on_looking_at_its_pace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def be_away() -> tuple[str, ...]:
        raise Unavailable("the database is not available: 57P03")

    node = Node(house.store, "heir")
    monkeypatch.setattr(node, "list_dead", be_away)

    await recovery_of(house, house.libraries, node).take_over_dead()


@pytest.mark.postgresql
async def test_who_ends_with_something_in_hand_leaves_it_to_an_heir(tmp_path: Path, filled_postgresql_url: str) -> None:
    async with open_filled_house(tmp_path, store_url=filled_postgresql_url) as house:
        for name, is_left in (("idle", False), ("busy", True)):
            node = Node(house.store, name)
            await node.tell_alive()
            if is_left:
                await claimed_by(name, house)
            await recovery_of(house, house.libraries, node).leave()

        names = "SELECT id FROM node"
        found = await asyncpg.connect(filled_postgresql_url)
        assert [row["id"] for row in await found.fetch(names)] == ["busy"]
        await found.close()


async def begun_by(node: str, house: House, number: int, library: str = "DEMO") -> JournalEntry:
    journal = Journal(house.store, JournalOptions(), node)
    return await journal.begin(replace(house.opening(accept(house, number), "AcceptItem"), library=library))
