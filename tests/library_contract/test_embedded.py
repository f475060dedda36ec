"""The embedded library keeps the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import EmbeddedWorld, embedded_world
from tests.library_contract.suite import LibraryContract


class TestEmbedded(LibraryContract):
    @pytest.fixture
    async def world(self, store: Store) -> EmbeddedWorld:
        return await embedded_world(store)
