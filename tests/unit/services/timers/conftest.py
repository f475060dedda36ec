from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def timed(store: Store) -> Store:
    """On each database, with its tables."""
    return store
