"""A library behind FOLIO keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from tests.library_contract.abilities import CIRCULATION, HOLDS, PARTNERS_ITEMS, PATRONS, PinnedAbilities
from tests.library_contract.embedded_world import START
from tests.library_contract.folio_world import FolioWorld, folio_world, make_fake
from tests.library_contract.suite import LibraryContract, OnSqliteAlone
from tests.support.recorded_calls import list_refusals
from tests.support.running_servers import running


@pytest.fixture
def folio_specs(request: pytest.FixtureRequest) -> Path | None:
    """FOLIO's own schemas and module descriptors; None where they aren't here (`test_calls.py` says so)."""
    try:
        folder: Path = request.getfixturevalue("specs_folder")
    except pytest.skip.Exception:
        return None
    return folder


class TestFolio(OnSqliteAlone, PinnedAbilities, LibraryContract):
    """With the permissions of the guide alone, and calls that FOLIO's schemas and handlers take."""

    abilities = PATRONS.union(
        CIRCULATION,
        HOLDS,
        PARTNERS_ITEMS,
        {
            Capability.BIB_FIND,
            Capability.SEARCH,
            Capability.ITEM_AVAILABILITY,
            Capability.HOLD_TITLE,
            Capability.HOLD_SHELF,
            Capability.SHELF_CHOICE,
            Capability.OVERRIDE,
            Capability.DUE_DATE_GIVEN,
            Capability.DUE_DATE_CHANGE,
            Capability.STATUS_UPDATE,
            Capability.MOVE_LOCATION,
            Capability.PATRON_CREATE,
            Capability.PATRON_UPDATE,
            Capability.PATRON_EXPIRE,
            Capability.PATRON_DELETE,
            Capability.FEES_READ,
            Capability.POST_FEE,
            Capability.PICKUP_LIST,
        },
    )

    @pytest.fixture
    async def world(self, store: Store, folio_specs: Path | None) -> AsyncIterator[FolioWorld]:
        clock = FixedClock(START)
        async with running(make_fake(clock)) as fake:
            world = await folio_world(store, fake, clock)
            yield world
            await world.library.close_connections()
            if folio_specs is not None:
                assert list_refusals(folio_specs, "folio/folio.json", fake.recorded) == []
