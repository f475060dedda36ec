"""Ends of what we broker: Elm asks us by ISO 18626, we ask Bay in the same gateway, and both hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.request import BorrowingState, LendingState, Request, Role
from tests.protocol.ends.world import PROFILES, EndsTown
from tests.protocol.iso18626.far_side import EASY

RULES = {
    **EASY,
    "rotas": {"others": {"lines": [{"partner": "one-gateway"}]}},
    "brokering": {"rota": "others", "what": "everything"},
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    async def make() -> Path:
        settings = {"outbox": {"first_seconds": 1, "longest_seconds": 10}}
        site = Site("OAK", "Oak Library", PROFILES, RULES, settings)
        config = await asyncio.to_thread(make_installation, tmp_path_factory.mktemp("ends") / "oak", site, 25)
        await fill_library(Town(config, FixedClock(START)))
        return config.parent

    return asyncio.run(make())


@pytest.fixture
async def oak(template: Path, tmp_path: Path) -> AsyncIterator[EndsTown]:
    async with EndsTown(template, tmp_path) as town:
        yield town


async def broker_loan(oak: EndsTown) -> tuple[Request, Request]:
    """The legs of a request whose item is with Elm's patron, straight from Bay."""
    lending = await oak.begin("lending", "iso18626")
    (borrowing,) = await oak.town.requests(Role.BORROWING)
    await oak.step(borrowing, "one-gateway", "partner shipped")
    await oak.step(lending, "iso18626", "partner received")
    assert (await oak.see(lending)).state is LendingState.SHIPPED
    return borrowing, lending


async def test_a_settled_loss_is_handed_on_with_its_price(oak: EndsTown) -> None:
    borrowing, lending = await broker_loan(oak)
    await oak.step(lending, "iso18626", "partner lost")
    assert '"kind":"lost"' in oak.said[-1], "Bay hears of the loss"
    assert (await oak.see(borrowing)).state is BorrowingState.LOST

    await oak.step(borrowing, "one-gateway", "partner settled 45 EUR")

    assert (await oak.see(borrowing)).state is BorrowingState.COMPLETED
    assert (await oak.see(lending)).state is LendingState.COMPLETED
    (told,) = oak.far.said("CompletedWithoutReturn")
    assert "cost: 45.00 EUR" in told
    assert oak.far.said("LoanCompleted") == [], "nothing came back"


async def test_what_the_supplier_bills_at_once_is_handed_on_too(oak: EndsTown) -> None:
    borrowing, lending = await broker_loan(oak)
    await oak.step(borrowing, "one-gateway", "partner lost 45 EUR")
    assert (await oak.see(lending)).state is LendingState.LOST
    (told,) = oak.far.said("CompletedWithoutReturn")
    assert "cost: 45.00 EUR" in told


async def test_a_recalled_item_that_goes_back_ends_both_legs(oak: EndsTown) -> None:
    """Nobody here waits for it: no other supplier is asked."""
    borrowing, lending = await broker_loan(oak)
    await oak.step(borrowing, "one-gateway", "partner recall")
    await oak.step(lending, "iso18626", "partner returned")
    assert (await oak.see(borrowing)).state is BorrowingState.RETURNED
    await oak.step(borrowing, "one-gateway", "partner checked-in")
    assert (await oak.see(borrowing)).state is BorrowingState.COMPLETED
    assert (await oak.see(lending)).state is LendingState.COMPLETED
    assert len(oak.far.said("LoanCompleted")) == 1
