"""A store with all tables."""

from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from gateway.store.migration import OWN
from tests.support.migration_replay import migrate_new_store


@pytest.fixture
async def migrated(store: Store) -> Store:
    await migrate_new_store(store, OWN)
    return store
