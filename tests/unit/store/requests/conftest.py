"""A store with all tables."""

from __future__ import annotations

import pytest

from gateway.store.engine import Store
from gateway.store.migration import OWN, migrate


@pytest.fixture
async def migrated(store: Store) -> Store:
    await migrate(store, OWN)
    return store
