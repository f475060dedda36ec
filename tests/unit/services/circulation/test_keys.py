"""The key of a message: the same for a repeat, another for anything else, and nobody's name in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from gateway.domain.commands import (
    READ_ONLY,
    AcceptItem,
    Action,
    CheckIn,
    CheckOut,
    Command,
    CreateItem,
    CreatePatron,
    DeleteItem,
    DeletePatron,
    LookUpPatron,
    Named,
    Notice,
    NoticeKind,
    PatronRef,
    PlaceRequest,
    PostFee,
    Recall,
    Renew,
    RenewAll,
    UpdateRequest,
    UpdateStatus,
)
from gateway.domain.library import Bib, ItemStatus, Money, PatronDraft, PersonName, RecordId
from gateway.services.circulation import SERVICES, USE_CASES, idempotency_key
from tests.unit.services.circulation.support import ANA, CHIDI, PIN, signs_in, who

N, M, NUMBER = Named("39001"), Named("39002"), Named("TN-7/ü")

DIFFERENT: list[Command] = [
    PlaceRequest(who(ANA), items=(N,)),
    PlaceRequest(who(ANA), items=(N,), request=NUMBER),
    PlaceRequest(who(ANA), records=(RecordId("oclc", "1"),)),
    AcceptItem(NUMBER, Action.HOLD, patron=who(ANA), item=N),
    AcceptItem(NUMBER, Action.HOLD, patron=who(CHIDI), item=N),
    AcceptItem(NUMBER, Action.HOLD, patron=who(ANA), item=M),
    CheckOut(who(ANA), N),
    CheckOut(who(ANA), N, NUMBER),
    CheckIn(N),
    CheckIn(None, NUMBER),
    Renew(N),
    Renew(N, due=date(2026, 4, 1)),
    RenewAll(who(ANA)),
    RenewAll(who(CHIDI)),
    RenewAll(who(ANA), date(2026, 4, 1)),
    Recall(N),
    UpdateRequest(who(ANA), NUMBER, pickup="MAIN"),
    UpdateRequest(who(ANA), NUMBER, pickup="SCI"),
    CreateItem(N, Bib()),
    DeleteItem(N),
    UpdateStatus(N, ItemStatus.LOST),
    PostFee(who(ANA), Money(Decimal("1.00"), "EUR")),
    PostFee(who(ANA), Money(Decimal("1.50"), "EUR")),
    PostFee(who(ANA), Money(Decimal("1.00"), "EUR"), reference="A"),
    CreatePatron(PatronDraft(name=PersonName("Fitzwarren"))),
    CreatePatron(PatronDraft(name=PersonName("Quennell"))),
    DeletePatron(who(ANA)),
    DeletePatron(who(CHIDI)),
    Notice(NoticeKind.CHECKED_OUT, N),
    Notice(NoticeKind.CHECKED_IN, N),
    Notice(NoticeKind.RENEWED, N, due=date(2026, 4, 1)),
]


def test_different_messages_have_different_keys() -> None:
    keys = [idempotency_key(command, profile) for command in DIFFERENT for profile in ("illiad-alma", "innreach")]
    assert len(set(keys)) == len(keys)


def test_a_message_and_its_repeat_have_the_same_key() -> None:
    first = AcceptItem(NUMBER, Action.HOLD, patron=who(ANA), item=N, pickup="MAIN", due=date(2026, 4, 1))
    again = AcceptItem(NUMBER, Action.HOLD, patron=who(f" {ANA} "), item=Named(" 39001 "), pickup="MAIN")
    assert idempotency_key(first, "p") == idempotency_key(again, "p")


@pytest.mark.parametrize("command", DIFFERENT)
def test_a_key_can_stand_anywhere(command: Command) -> None:
    key = idempotency_key(command, "illiad-alma")
    assert key.isascii()
    assert key.startswith(f"illiad-alma/{SERVICES[type(command)]}")
    assert len(key) <= 120
    for personal in (ANA, CHIDI, "Fitzwarren", "Quennell"):
        assert personal not in key


def test_a_long_key_is_hashed() -> None:
    one, other = (CheckIn(Named(f"{'9' * 200}{n}")) for n in (1, 2))
    assert idempotency_key(one, "p").startswith("p/check-in/")
    assert len(idempotency_key(one, "p")) < 60
    assert idempotency_key(one, "p") != idempotency_key(other, "p")


def test_a_pin_does_not_count() -> None:
    """Its hash would tell it to whoever can guess four digits."""
    keys = {
        idempotency_key(CheckOut(PatronRef(None, signs_in(barcode_id=card, pin=pin)), N), "p")
        for card, pin in ((ANA, PIN), (ANA, "9999"), (CHIDI, PIN))
    }
    assert len(keys) == 2


def test_look_ups_have_none() -> None:
    assert idempotency_key(LookUpPatron(who(ANA)), "p") == ""


def test_every_command_has_a_use_case_and_a_name() -> None:
    assert set(USE_CASES) == set(SERVICES) == set(get_args(Command))
    assert set(READ_ONLY) < set(USE_CASES)
    assert len(set(SERVICES.values())) == len(SERVICES), "a key must not stand for two services"
    for command, use_case in USE_CASES.items():
        assert set(SERVICES[command].split("-")) <= set(use_case.__name__.split("_"))
