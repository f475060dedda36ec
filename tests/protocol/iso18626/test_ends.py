"""Ends in octets: a loss that is settled, a request that HTTP refuses, and what is left unsaid to a supplier that isn't
asked any more."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import AttemptStatus, BorrowingState, LendingState
from gateway.services.requests.left_suppliers import NOT_ASKED
from gateway.store.requests.outbox import OutboxStatus
from tests.protocol.iso18626.far_side import (
    UNUSED_URL,
    FarTown,
    make_far_template,
    number_of,
    partner_profile,
    write_ram,
    write_sam,
)

DIRECT = {
    "extends": "iso18626-2017",
    "auth": [{"kind": "none"}],
    "partner": {"symbols": ["ISIL:ELM"], "name": "Elm Library", "channel": "iso18626"},
    "iso18626": {"http": {"url": UNUSED_URL}},
}
PROFILES = {"broker": partner_profile(), "elm": DIRECT}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("far"), PROFILES))


async def say(oak: FarTown, octets: str) -> None:
    """Elm says it."""
    await oak.say(octets.replace("BROKER", "ELM"), "elm")


# --- a loss ----------------------------------------------------------------------------------------------


async def test_a_settled_loss_is_told_with_its_price(oak: FarTown) -> None:
    request = await oak.shipped(partner="elm", symbol="ELM")
    await say(oak, write_ram("CLB-9", "Notification", note="item lost"))
    await oak.quiet()
    assert (await oak.see(request)).state is LendingState.LOST
    assert oak.far.said("CompletedWithoutReturn") == []

    settled = await oak.act(request, EventKind.SETTLED, cost=Money(Decimal("45.00"), "EUR"), note="Rechnung 17")

    assert settled.state is LendingState.COMPLETED
    (said,) = oak.far.said("CompletedWithoutReturn")
    assert "<note>cost: 45.00 EUR</note>" in said
    assert "Rechnung 17" not in said, "a note for the history"
    await say(oak, write_ram("CLB-9", "StatusRequest", at="2026-03-03T08:00:00Z"))
    await oak.quiet()
    assert len(oak.far.said("CompletedWithoutReturn")) == 2, "and so it stands"


async def test_a_crosslink_library_is_told_in_words(oak: FarTown) -> None:
    request = await oak.shipped()
    await oak.say(write_ram("CLB-9", "Notification", note="item lost"))
    oak.far.judge = lambda octets: (
        ("UnrecognisedDataValue", "status change not allowed: CompletedWithoutReturn")
        if "CompletedWithoutReturn" in octets
        else None
    )
    await oak.act(request, EventKind.SETTLED, cost=Money(Decimal("45.00"), "EUR"))

    assert [one for one in oak.far.said("Notification") if "loss settled; cost: 45.00 EUR" in one]


async def test_the_borrowers_side_of_a_settled_loss_ends(oak: FarTown) -> None:
    request = await oak.lent(partner="elm", symbol="ELM")
    lost = await oak.act(request, EventKind.LOST)
    barcode = lost.volumes[0].barcode
    await say(oak, write_sam(number_of(request), "CompletedWithoutReturn", info="<note>cost: 45.00 EUR</note>"))
    await oak.quiet()
    await oak.later(hours=2)

    settled = await oak.see(request)
    assert (settled.state, settled.is_loss_settled) == (BorrowingState.COMPLETED, True)
    assert await oak.town.context.find_item(barcode) is None, "neither loan nor record stays"
    loans = await oak.town.context.system.patron_loans(settled.patron.id)
    assert barcode not in [one.item_barcode for one in loans]


# --- a request that isn't taken --------------------------------------------------------------------------


async def test_after_http_400_the_next_supplier_is_asked(oak: FarTown) -> None:
    oak.far.judge = lambda octets: 400
    request = await oak.asked(partner="elm")

    assert [one.status for one in request.attempts] == [AttemptStatus.REJECTED]
    assert request.state is BorrowingState.NO_SUPPLIER
    assert "HTTP 400" in request.attempts[0].note
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}


async def test_what_is_wrong_with_our_account_is_for_staff(oak: FarTown) -> None:
    oak.far.judge = lambda octets: 401
    request = await oak.asked(partner="elm")
    assert request.state is BorrowingState.REQUESTED
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DEAD}


# --- what is left unsaid ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "word", "answer"),
    [
        (EventKind.MESSAGE, "Notification", "Unfilled"),
        (EventKind.STATUS_QUERY, "StatusRequest", "RetryPossible"),
    ],
)
async def test_what_waited_for_a_supplier_that_is_left_is_dropped(
    oak: FarTown, kind: EventKind, word: str, answer: str
) -> None:
    request = await oak.asked(partner="elm")
    oak.far.judge = lambda octets: 500 if f">{word}<" in octets else None
    await oak.act(request, kind, **({"note": "Bitte bald."} if kind is EventKind.MESSAGE else {}))
    await say(oak, write_sam(number_of(request), answer))
    await oak.quiet()

    (asked, words) = await oak.rows(request)
    assert (asked.status, words.status) == (OutboxStatus.DONE, OutboxStatus.SKIPPED)
    assert str(NOT_ASKED) in words.note
    before = len(oak.far.octets)
    await oak.later(days=1)
    assert len(oak.far.octets) == before


async def test_what_ends_something_there_still_goes_out(oak: FarTown) -> None:
    request = await oak.asked(partner="elm")
    oak.far.judge = lambda octets: 503
    await oak.act(request, EventKind.MESSAGE, note="Bitte bald.")
    await oak.act(request, EventKind.NEXT_SUPPLIER)
    oak.far.judge = lambda octets: None
    await oak.later(hours=2)

    assert len(set(oak.far.said("Cancel"))) == 1
    by_status = [row.status for row in await oak.rows(request)]
    assert by_status == [OutboxStatus.DONE, OutboxStatus.SKIPPED, OutboxStatus.DONE]


async def test_who_never_heard_of_it_hears_of_no_end_either(oak: FarTown) -> None:
    await oak.far.server.close()
    request = await oak.asked(partner="elm")
    await oak.act(request, EventKind.NEXT_SUPPLIER)

    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.SKIPPED}
    assert len(await oak.rows(request)) == 2


async def test_a_yes_to_a_supplier_that_is_out_is_not_said_to_the_next(oak: FarTown) -> None:
    request = await oak.asked()
    number = number_of(request)
    await oak.say(write_sam(number, "ExpectToSupply", "Notification", "<note>Supplier: ELM</note>"))
    marked = "<note>Supplier: ELM, Library use#ReShareAddLoanCondition#</note>"
    await oak.say(write_sam(number, "WillSupply", info=marked))
    oak.far.judge = lambda octets: 503 if ">Notification<" in octets else None
    await oak.act(request, EventKind.CONDITION_ACCEPTED)

    await oak.say(write_sam(number, "Unfilled", "Notification", "<note>Supplier: ELM</note>"))
    await oak.say(write_sam(number, "ExpectToSupply", "Notification", "<note>Supplier: FIR</note>"))
    oak.far.judge = lambda octets: None
    before = len(oak.far.octets)
    await oak.later(hours=1)

    assert [row.status for row in await oak.rows(request)] == [OutboxStatus.DONE, OutboxStatus.SKIPPED]
    assert len(oak.far.octets) == before
    assert (await oak.see(request)).state is BorrowingState.REQUESTED
