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
from gateway.runtime import daemon
from gateway.services.operation import nodes as beats
from gateway.store import nodes
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEntry, JournalOpening, JournalOptions
from tests.support.shipped_profiles import copy_shipped_profiles

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


@pytest.fixture
def soon_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SILENT_SECONDS", 1.5)
    for module in (beats, daemon):
        monkeypatch.setattr(module, "BEAT_SECONDS", 0.2)


@pytest.mark.usefixtures("soon_dead")
async def test_a_node_leaves_a_living_ones_messages_alone_and_takes_them_when_it_has_ended(
    tmp_path: Path, fresh_postgresql_url: str
) -> None:
    site, clock = Site("NORTH", "Northern Library", {}), FixedClock(START)
    config = await asyncio.to_thread(make_installation, tmp_path / "north", site, 54321, fresh_postgresql_url)
    copy_shipped_profiles(config.parent)
    first, second = Town(config, clock), Town(config, clock)
    assert first.gateway.node != second.gateway.node, "equal settings make no equal nodes"
    await fill_library(first)
    async with AsyncExitStack() as other:
        async with running(first):
            opening = JournalOpening(
                library="NORTH", at=START, body=b"<", protocol="ncip", transport="http", profile="ncip2"
            )
            begun = await Journal(first.context.store, JournalOptions(), first.gateway.node).begin(opening)

            await other.enter_async_context(running(second))
            await asyncio.sleep(2 * nodes.SILENT_SECONDS)
            assert await outcome(second, begun) is OutcomeClass.PENDING

        async with asyncio.timeout(15):
            while await outcome(second, begun) is OutcomeClass.PENDING:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        assert await outcome(second, begun) is OutcomeClass.MALFORMED
