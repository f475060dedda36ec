"""A library behind a fake Alma, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.library.alma.system import AlmaLibrary
from adapters.library.fakes.alma import FakeAlma
from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from tests.library_contract.alma_world import KNOWN, make_alma_options, make_fake_alma
from tests.library_contract.sip2_world import make_context

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ITEM = KNOWN.shelf_item
USER = "P1"


@dataclass
class Place:
    fake: FakeAlma
    store: Store
    clock: FixedClock
    library: AlmaLibrary

    async def restart(self, **more: Any) -> None:
        """The gateway is killed and started again."""
        await self.library.close_connections()
        context = await make_context(self.store, self.clock)
        self.library = AlmaLibrary(context, make_alma_options(self.fake.url, more))


@asynccontextmanager
async def alma_place(folder: Path, **more: Any) -> AsyncIterator[Place]:
    """`more`: settings."""
    clock = FixedClock(NOW)
    fake = make_fake_alma(clock)
    await fake.start()
    store = open_store(f"sqlite:///{folder}/illgate.db")
    context = await make_context(store, clock)
    place = Place(fake, store, clock, AlmaLibrary(context, make_alma_options(fake.url, more)))
    try:
        yield place
    finally:
        await place.library.close_connections()
        await store.close()
        await fake.stop()
