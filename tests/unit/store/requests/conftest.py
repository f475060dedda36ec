"""A store with all tables."""

from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from gateway.store.migration import OWN, migrate_store


@pytest.fixture
async def migrated(store: Store) -> Store:
    await migrate_store(store, OWN)
    return store
