"""What a node has in hand is its own as long as it lives; needs PostgreSQL, since on SQLite there is only one node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.ports.responder import OutcomeClass
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEntry, JournalOpening, JournalOptions

pytestmark = pytest.mark.postgresql


@asynccontextmanager
async def running(town: Town) -> AsyncIterator[None]:
    await town.start()
    try:
        yield
    finally:
        await town.stop()


async def outcome(town: Town, begun: JournalEntry) -> OutcomeClass:
    """As anyone reads it in the journal."""
    return (await Journal(town.context.store, JournalOptions()).get_exchange("NORTH", begun.exchange))[
        0
    ].message.outcome


async def test_a_node_that_starts_leaves_a_living_ones_messages_alone(
    tmp_path: Path, fresh_postgresql_url: str
) -> None:
    site, clock = Site("NORTH", "Northern Library", {}), FixedClock(START)
    config = await asyncio.to_thread(make_installation, tmp_path / "north", site, 54321, fresh_postgresql_url)
    first, second, third = (Town(config, clock) for _ in range(3))
    await fill_library(first)
    async with AsyncExitStack() as others:
        async with running(first):
            opening = JournalOpening(
                library="NORTH", at=START, body=b"<", protocol="ncip", transport="http", profile="ncip2"
            )
            begun = await Journal(first.context.store, JournalOptions(), first.gateway.node).begin(opening)

            await others.enter_async_context(running(second))
            assert await outcome(second, begun) is OutcomeClass.PENDING

        await others.enter_async_context(running(third))
        assert await outcome(third, begun) is OutcomeClass.MALFORMED
