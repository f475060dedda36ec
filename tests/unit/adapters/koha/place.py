"""A library behind a fake Koha, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.library.koha.system import KohaLibrary, open_koha
from gateway.domain.clock import FixedClock
from gateway.domain.library import Bib
from gateway.ports.library_system import PatronKey, TemporaryHold, TemporaryItem
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from rehearsal.fakes.koha import FakeKoha
from tests.library_contract.koha_world import KNOWN, make_fake_koha, make_koha_options
from tests.library_contract.sip2_world import make_context

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ITEM = KNOWN.shelf_item


@dataclass
class Place:
    fake: FakeKoha
    store: Store
    clock: FixedClock
    library: KohaLibrary

    async def restart(self, **more: Any) -> None:
        """The gateway is killed and started again."""
        await self.library.close_connections()
        context = await make_context(self.store, self.clock)
        self.library = await open_koha(context, make_koha_options(self.fake.url, more))

    async def patron_id(self, key: PatronKey = KNOWN.good) -> str:
        return (await self.library.find_patron(key)).id

    async def make_wish(self, barcode: str = "ILL-1") -> TemporaryItem:
        hold = TemporaryHold(await self.patron_id(), "NORTH")
        return TemporaryItem(barcode, Bib(title="Über Brücken"), "REQ-1", KNOWN.ill, "ILL", hold=hold)


@asynccontextmanager
async def koha_place(
    folder: Path,
    *,
    access: dict[str, Any] | None = None,
    make_fake: Callable[[FixedClock], FakeKoha] | None = None,
    **more: Any,
) -> AsyncIterator[Place]:
    """`more`: settings; `access`: what the fake lets do; `make_fake`: of another kind."""
    clock = FixedClock(NOW)
    fake = make_fake(clock) if make_fake is not None else make_fake_koha(clock, **(access or {}))
    await fake.start()
    store = open_store(f"sqlite:///{folder}/illgate.db")
    context = await make_context(store, clock)
    library = await open_koha(context, make_koha_options(fake.url, more))
    place = Place(fake, store, clock, library)
    try:
        yield place
    finally:
        await place.library.close_connections()
        await store.close()
        await fake.stop()
