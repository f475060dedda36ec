"""Libraries behind a fake Alma each, on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from adapters.library.alma.system import AlmaLibrary
from gateway.domain.clock import FixedClock
from gateway.ports.adapter import LibraryAdapterContext
from gateway.store.library_changes import StoredLibraryChanges
from rehearsal.fakes.alma import FakeAlma
from tests.library_contract.alma_world import KNOWN, make_alma_options, make_fake_alma

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ITEM = KNOWN.shelf_item
USER = "P1"


@dataclass
class Place:
    """`loan`, `hold`: of what was done before."""

    fake: FakeAlma
    context: LibraryAdapterContext
    clock: FixedClock
    library: AlmaLibrary
    loan: str = ""
    hold: str = ""

    async def restart(self, **more: Any) -> None:
        """The gateway is killed and started again."""
        await self.library.close_connections()
        self.library = AlmaLibrary(self.context, make_alma_options(self.fake.url, more))

    def describe_state(self) -> dict[str, Any]:
        """What is in Alma, without its own numbers."""
        state = self.fake.state
        items = [(one["item_data"], one["holding_data"]) for one in state.items.values()]
        return {
            "bibs": sorted((one["title"], one["suppress_from_publishing"]) for one in state.bibs.values()),
            "holdings": sorted((one["library"]["value"], one["location"]["value"]) for one in state.holdings.values()),
            "items": sorted(
                (data["barcode"], data["process_type"]["value"], place.get("temp_library", {}).get("value", ""))
                for data, place in items
            ),
            "loans": sorted((one["item_barcode"], one["user_id"], one["due_date"]) for one in state.loans.values()),
            "renewals": sorted(state.renewals.values()),
            "requests": sorted(
                (one["barcode"], one["request_status"], one["pickup_location_library"], one["last_interest_date"])
                for one in state.requests.values()
            ),
            "fees": sorted(one["balance"] for one in state.fees.values()),
            "users": sorted(
                (one["primary_id"], one["last_name"], one["expiry_date"], len(one["user_identifier"]))
                for one in state.users.values()
            ),
            "passwords": len(state.passwords),
        }


@asynccontextmanager
async def alma_place(context: LibraryAdapterContext, symbol: str = "LIB", **more: Any) -> AsyncIterator[Place]:
    """`context`: whose store is up to date; `symbol`: of a library of its own in it; `more`: settings."""
    clock = FixedClock(NOW)
    fake = make_fake_alma(clock)
    await fake.start()
    here = replace(context, library=symbol, clock=clock, changes=StoredLibraryChanges(context.store, symbol))
    place = Place(fake, here, clock, AlmaLibrary(here, make_alma_options(fake.url, more)))
    try:
        yield place
    finally:
        await place.library.close_connections()
        await fake.stop()
