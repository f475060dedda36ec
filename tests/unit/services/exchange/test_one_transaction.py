"""What a message changes and what the journal says of it are one transaction, where both are in one store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.library_system import PatronKey
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.ports.shared_store import WouldWait
from gateway.store.journal_records import JournalFilter, JournalMessage
from tests.unit.services.exchange.support import PATRON, House, open_house

PIN = "1234"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def transactions(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that the store is asked for something."""
    asked: list[str] = []
    for name in ("read", "write"):
        monkeypatch.setattr(house.store, name, _counted(getattr(house.store, name), name, asked))
    return asked


def _counted(call: Any, name: str, asked: list[str]) -> Any:
    async def counted(work: Any) -> Any:
        asked.append(name)
        return await call(work)

    return counted


def accept(house: House, number: int, patron: str = PATRON) -> RawMessage:
    return house.message(
        "accept-item", patron=patron, request=f"TN-{number}", item=f"ILL-{number}", title="高慢と偏見", pickup="MAIN"
    )


async def journal(house: House) -> list[JournalMessage]:
    """Oldest first."""
    return list(reversed((await house.journal.list_messages(JournalFilter("DEMO"))).messages))


async def is_here(house: House, number: int) -> bool:
    try:
        await house.system.item_by_barcode(f"ILL-{number}")
    except Refused:
        return False
    return True


async def test_an_accepted_item_takes_one_transaction(house: House, transactions: list[str]) -> None:
    answer = await house.exchange.handle(accept(house, 1))

    assert transactions == ["write"]
    assert b"Problem" not in answer.body
    assert await is_here(house, 1)
    question, sent = await journal(house)
    assert (question.outcome, question.request_id, question.item_id) == (OutcomeClass.OK, "TN-1", "ILL-1")
    assert sent.exchange == question.exchange
    (kept,) = [one for one in await house.journal.get_exchange("DEMO", question.exchange) if one.message.id == sent.id]
    assert kept.body == answer.body


async def test_a_patron_is_looked_up_in_one_transaction_too(house: House, transactions: list[str]) -> None:
    answer = await house.exchange.handle(house.message("lookup-user", patron=PATRON))

    assert transactions == ["write"]
    assert b"LookupUserResponse" in answer.body
    assert [one.outcome for one in await journal(house)] == [OutcomeClass.OK, OutcomeClass.OK]


async def test_a_repeat_gets_the_same_answer_and_changes_nothing(house: House) -> None:
    first = await house.exchange.handle(accept(house, 2))
    patron = await house.system.find_patron(PatronKey(PATRON))
    held = await house.system.patron_holds(patron.id)

    again = await house.exchange.handle(accept(house, 2))

    assert again.body == first.body
    assert await house.system.patron_holds(patron.id) == held


async def test_where_the_journal_can_not_be_written_nothing_is_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after the library's part: the whole is undone, and on the usual way as well."""

    def full(*_: Any) -> None:
        raise Unavailable("the database is not available: disk full")

    async def none_begins(_: Any) -> None:
        full()

    monkeypatch.setattr("gateway.store.journal.write_journal_rows", full)
    monkeypatch.setattr(house.journal, "begin", none_begins)

    answer = await house.exchange.handle(accept(house, 3))

    assert b"Temporary Processing Failure" in answer.body
    assert not await is_here(house, 3)
    assert await journal(house) == []


async def test_a_refusal_goes_the_usual_way(house: House, transactions: list[str]) -> None:
    answer = await house.exchange.handle(accept(house, 4, patron="nobody"))

    assert b"Unknown User" in answer.body
    assert transactions[0] == "write"
    assert len(transactions) > 1
    assert not await is_here(house, 4)
    question, _ = await journal(house)
    assert (question.outcome, question.reason) == (OutcomeClass.REFUSED, "unknown-patron")


async def test_a_defect_in_the_answer_undoes_the_work_and_the_usual_way_does_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    responder_type = type(house.installation.parts.adapters.protocols["ncip"].responder())
    encode = responder_type.encode
    seen: list[str] = []

    def failing_once(responder: Any, envelope: Any, incoming: Any, accepted: Any, talk: Any) -> Any:
        seen.append(accepted.item.id)
        if len(seen) == 1:
            raise RuntimeError("no answer can be written")
        return encode(responder, envelope, incoming, accepted, talk)

    monkeypatch.setattr(responder_type, "encode", failing_once)

    with structlog.testing.capture_logs() as logs:
        answer = await house.exchange.handle(accept(house, 5))

    first, second = seen
    assert first != second
    assert b"Problem" not in answer.body
    question, sent = await journal(house)
    assert (question.outcome, sent.outcome) == (OutcomeClass.OK, OutcomeClass.OK)
    assert await is_here(house, 5)
    (defect,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert defect["event"] == "exchange.transaction_defect"
    assert str(defect["exc_info"]) == "no answer can be written"


@pytest.mark.parametrize(
    "expected",
    [Refused(RefusalReason.UNKNOWN_PATRON, "Nobody."), Unavailable("disk full"), WouldWait("a PIN is checked")],
)
async def test_what_may_happen_on_this_way_is_no_defect(
    house: House, monkeypatch: pytest.MonkeyPatch, expected: Exception
) -> None:
    record = house.journal.record_in_transaction

    async def record_nothing(_work: Any) -> None:
        raise expected

    monkeypatch.setattr(house.journal, "record_in_transaction", record_nothing)
    with structlog.testing.capture_logs() as logs:
        answer = await house.exchange.handle(accept(house, 6))
    monkeypatch.setattr(house.journal, "record_in_transaction", record)

    assert b"Problem" not in answer.body
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == []


async def test_messages_that_come_together_share_a_fate_only_when_they_succeed(house: House) -> None:
    good = [accept(house, number) for number in range(10, 14)]
    bad = [accept(house, number, patron="nobody") for number in range(20, 24)]
    pairs = [one for pair in zip(good, bad, strict=True) for one in pair]

    answers = await asyncio.gather(*(house.exchange.handle(one) for one in pairs))

    assert [b"Unknown User" in answer.body for answer in answers] == [False, True] * 4
    assert [await is_here(house, number) for number in (*range(10, 14), *range(20, 24))] == [True] * 4 + [False] * 4


async def test_a_date_of_return_that_has_passed_is_noted_in_the_journal(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is carried out: in one transaction, or in steps."""
    for number in (1, 2):
        arrival = house.message(
            "accept-item",
            patron=PATRON,
            request=f"TN-{number}",
            item=f"ILL-{number}",
            title="高慢と偏見",
            due="2020-02-29",
        )
        answer = await house.exchange.handle(arrival)
        assert b"Problem" not in answer.body
        monkeypatch.setattr(house.journal, "record_in_transaction", _broken)

    first, _, second, _ = await journal(house)
    assert first.note == second.note == "due date of the lender 2020-02-29 ignored: The due date has already passed."


@pytest.mark.parametrize("is_transaction_broken", [False, True])
async def test_what_is_noted_of_a_command_stands_there_once_after_a_defect(
    house: House, monkeypatch: pytest.MonkeyPatch, is_transaction_broken: bool
) -> None:
    """The defect comes when the command is done and its notes are taken, and the command is then carried out in
    steps."""
    if is_transaction_broken:
        responder_type = type(house.installation.parts.adapters.protocols["ncip"].responder())
        encode, tries = responder_type.encode, count()

        def fail_once(*given: Any) -> Any:
            if next(tries) == 0:
                raise RuntimeError("no answer can be written")
            return encode(*given)

        monkeypatch.setattr(responder_type, "encode", fail_once)
    arrival = house.message(
        "accept-item", patron=PATRON, request="TN-7", item="ILL-7", title="高慢と偏見", due="2020-02-29"
    )

    answer = await house.exchange.handle(arrival)

    assert b"Problem" not in answer.body
    question, _ = await journal(house)
    assert question.note == "due date of the lender 2020-02-29 ignored: The due date has already passed."


async def _broken(_work: Any) -> Any:
    raise Unavailable("not in one")
