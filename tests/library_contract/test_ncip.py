"""A library behind NCIP keeps the contract, as far as NCIP can; its peer is our own responder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.ports.shared_store import Store
from tests.library_contract.ncip_world import NcipWorld, ncip_world
from tests.library_contract.suite import LibraryContract, OnSqliteAlone


class TestNcip(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> AsyncIterator[NcipWorld]:
        async with ncip_world(store) as world:
            yield world
