"""What a message changes and what the journal says of it are one transaction, where both are in one store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import InternalError, OperationalError

from adapters.library.embedded.system import _WORK
from gateway.domain.clock import SystemClock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.library_operations import LoanCheckOut
from gateway.ports.library_system import PatronKey
from gateway.ports.partner_things import PartnerThing, ThingKind
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.ports.shared_store import TakenKeyError
from gateway.services.exchange.handlers import DEFECT, NOT_TOLD, CommandHandler
from gateway.store.journal_records import JournalFilter, JournalMessage
from gateway.store.partner_things import StoredPartnerThings
from tests.unit.services.exchange.support import PATRON, House

PIN = "1234"


@pytest.fixture
def transactions(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that the store is asked for something."""
    asked: list[str] = []
    for name in ("read", "write"):
        monkeypatch.setattr(house.store, name, _counted(getattr(house.store, name), name, asked))
    return asked


def _counted(call: Any, name: str, asked: list[str]) -> Any:
    async def counted(*given: Any) -> Any:
        asked.append(name)
        return await call(*given)

    return counted


def accept(house: House, number: int, **values: str) -> RawMessage:
    usual = {
        "patron": PATRON,
        "request": f"TN-{number}",
        "item": f"ILL-{number}",
        "title": "高慢と偏見",
        "pickup": "MAIN",
    }
    return house.message("accept-item", **{**usual, **values})


def change_accept_rules(house: House, **values: str) -> None:
    profile = house.profiles["ncip2"]
    accept_rules = profile.circulation.accept.model_copy(update=values)
    circulation = profile.circulation.model_copy(update={"accept": accept_rules})
    house.profiles["ncip2"] = profile.model_copy(update={"circulation": circulation})


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


async def test_the_maker_of_a_patron_comes_with_the_patron(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message starts with a patron. Outside the transaction a pair of systems may give the patron another id."""
    patron = await house.system.find_patron(PatronKey(PATRON))
    assert patron.maker is None
    things = StoredPartnerThings("DEMO", house.store.read, house.store.write, SystemClock())
    find_makers = _counted(StoredPartnerThings.find_makers, "makers", asked := [])
    monkeypatch.setattr(StoredPartnerThings, "find_makers", find_makers)

    answers = []
    for maker in ("", "another", "ncip2"):
        if maker:
            await things.keep_things([PartnerThing(ThingKind.PATRON, patron.id, maker)])
        answers.append((await house.exchange.handle(house.message("lookup-user", patron=PATRON))).body)

    assert [b"Unknown User" in answer for answer in answers] == [False, True, False]
    assert asked == []


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
    """The disk is full after the library's part: the whole is undone."""

    def full(*_: Any) -> None:
        raise Unavailable("the database is not available: disk full")

    monkeypatch.setattr("gateway.store.journal.write_journal_rows", full)

    answer = await house.exchange.handle(accept(house, 3))

    assert b"Temporary Processing Failure" in answer.body
    assert not await is_here(house, 3)
    assert await journal(house) == []


async def test_a_message_beyond_its_librarys_share_is_to_come_again(house: House) -> None:
    """Its address may not tell the library, so the answer is the protocol's."""
    asked: list[str] = []

    def refuse_share(library: str) -> bool:
        asked.append(library)
        return False

    answer = await house.exchange.handle(replace(accept(house, 3), take_share=refuse_share))

    assert b"Temporary Processing Failure" in answer.body
    assert asked == ["DEMO"]
    assert not await is_here(house, 3)
    assert [one.outcome for one in await journal(house)] == [OutcomeClass.REFUSED, OutcomeClass.REFUSED]
    assert b"AcceptItemResponse" in (await house.exchange.handle(accept(house, 3))).body


async def test_an_address_tells_the_library_of_its_profile(house: House) -> None:
    addresses = [house.exchange.find_address(name, "ncip1") for name in ("ncip2", "NCIP2", "nobody", "", "demo")]
    assert [address.profile for address in addresses] == ["ncip2", "NCIP2", "nobody", "", "ncip1"]
    assert [house.exchange.find_library(address) for address in addresses] == ["DEMO", "DEMO", "", "", "DEMO"]


async def test_a_refusal_takes_one_transaction_too(house: House, transactions: list[str]) -> None:
    answer = await house.exchange.handle(accept(house, 4, patron="nobody"))

    assert transactions == ["write"]
    assert b"Unknown User" in answer.body
    assert not await is_here(house, 4)
    question, sent = await journal(house)
    assert (question.outcome, question.reason) == (OutcomeClass.REFUSED, "unknown-patron")
    assert (sent.exchange, sent.outcome) == (question.exchange, OutcomeClass.REFUSED)


async def test_what_was_made_before_a_refusal_is_taken_back(
    house: House, monkeypatch: pytest.MonkeyPatch, transactions: list[str]
) -> None:
    """The item is made, and then its loan is refused for a reason that doesn't leave it on the hold shelf."""

    def refuse(*_: Any) -> None:
        raise Refused(RefusalReason.INVALID_DATE, "Too late.")

    change_accept_rules(house, circulate_as="check-out")
    monkeypatch.setitem(_WORK, LoanCheckOut, refuse)
    answer = await house.exchange.handle(accept(house, 5, action="Circulate"))

    assert transactions == ["write", "write"], "once more, with savepoints"
    assert b"Invalid Date" in answer.body
    assert not await is_here(house, 5)
    question, _ = await journal(house)
    assert (question.outcome, question.reason) == (OutcomeClass.REFUSED, "invalid-date")


async def test_a_use_case_goes_on_after_a_refused_change(house: House) -> None:
    """The barcode is that of another request's item, which is taken for this one."""
    change_accept_rules(house, duplicate="success")
    await house.exchange.handle(accept(house, 6))

    again = await house.exchange.handle(accept(house, 6, request="TN-66"))

    assert b"Problem" not in again.body
    assert [one.outcome for one in await journal(house)] == [OutcomeClass.OK] * 4


@pytest.mark.parametrize(("pin", "is_right"), [(PIN, True), ("9999", False)])
async def test_a_pin_is_checked_before_the_transaction(house: House, pin: str, is_right: bool) -> None:
    asked = house.message("lookup-user", input=f"Barcode Id={PATRON}", pin=pin)

    answer = await house.exchange.handle(asked)

    assert (b"User Authentication Failed" in answer.body) is not is_right
    assert (b"UserIdentifierValue" in answer.body) is is_right
    question, _ = await journal(house)
    assert question.outcome is (OutcomeClass.OK if is_right else OutcomeClass.REFUSED)


async def test_a_defect_in_the_answer_undoes_the_work_and_is_answered_as_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    responder_type = type(house.installation.parts.adapters.protocols["ncip"].responder())
    encode, tries = responder_type.encode, count()

    def fail_once(*given: Any) -> Any:
        if next(tries) == 0:
            raise RuntimeError("no answer can be written")
        return encode(*given)

    monkeypatch.setattr(responder_type, "encode", fail_once)

    with structlog.testing.capture_logs() as logs:
        answer = await house.exchange.handle(accept(house, 7))

    assert b"Temporary Processing Failure" in answer.body
    assert not await is_here(house, 7)
    question, _ = await journal(house)
    assert (question.outcome, question.note) == (OutcomeClass.FAILED, DEFECT)
    (defect,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert (defect["event"], str(defect["exc_info"])) == ("exchange.defect", "no answer can be written")


async def test_who_is_overtaken_by_another_transaction_does_it_once_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, tries = house.journal.record_in_transaction, count()

    async def be_late_twice(work: Any) -> Any:
        if next(tries) < 2:
            raise TakenKeyError("INSERT", {}, ValueError("another has the key"))
        return await record(work)

    monkeypatch.setattr(house.journal, "record_in_transaction", be_late_twice)

    answer = await house.exchange.handle(accept(house, 8))

    assert b"Problem" not in answer.body
    assert await is_here(house, 8)


async def test_nothing_is_kept_in_a_transaction_that_a_taken_key_has_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses all that follows, and its refusal would hide why."""
    check_out, keep, tries = _WORK[LoanCheckOut], StoredPartnerThings.keep_things, count()
    is_over = False

    def be_late_twice(*given: Any) -> Any:
        nonlocal is_over
        is_over = next(tries) < 2
        if is_over:
            raise TakenKeyError("INSERT", {}, ValueError("another has the key"))
        return check_out(*given)

    async def keep_unless_over(*given: Any) -> None:
        if is_over:
            raise InternalError("INSERT", {}, ValueError("current transaction is aborted"))
        await keep(*given)

    change_accept_rules(house, circulate_as="check-out")
    monkeypatch.setitem(_WORK, LoanCheckOut, be_late_twice)
    monkeypatch.setattr(StoredPartnerThings, "keep_things", keep_unless_over)

    answer = await house.exchange.handle(accept(house, 9, action="Circulate"))

    assert b"Problem" not in answer.body
    assert await is_here(house, 9)


async def test_the_error_that_has_ended_a_transaction_is_the_one_that_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By it the store knows a conflict, after which the whole is done once more."""

    def end_transaction(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, ValueError("deadlock detected"))

    async def refuse_statement(*_: Any) -> None:
        raise InternalError("INSERT", {}, ValueError("current transaction is aborted"))

    change_accept_rules(house, circulate_as="check-out")
    monkeypatch.setitem(_WORK, LoanCheckOut, end_transaction)
    monkeypatch.setattr(StoredPartnerThings, "keep_things", refuse_statement)

    with structlog.testing.capture_logs() as logs:
        await house.exchange.handle(accept(house, 10, action="Circulate"))

    (defect,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert isinstance(defect["exc_info"], OperationalError)


@pytest.mark.parametrize(("conflicts", "note"), [(2, ""), (100, NOT_TOLD)])
async def test_a_request_that_another_transaction_has_just_changed_is_told_once_more(
    house: House, monkeypatch: pytest.MonkeyPatch, conflicts: int, note: str
) -> None:
    """In the end the command is done and answered without it."""
    tries = count()

    def link(*_: Any) -> None:
        if next(tries) < conflicts:
            raise TakenKeyError("INSERT", {}, ValueError("another has the key"))

    monkeypatch.setattr(CommandHandler, "link", staticmethod(link))

    answer = await house.exchange.handle(accept(house, 11))

    assert b"Problem" not in answer.body
    assert await is_here(house, 11)
    question, _ = await journal(house)
    assert (question.outcome, question.note) == (OutcomeClass.OK, note)


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
        monkeypatch.setattr(CommandHandler, "_find_shared_system", lambda *_: None)

    first, _, second, _ = await journal(house)
    assert first.note == second.note == "due date of the lender 2020-02-29 ignored: The due date has already passed."
