from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from tests.unit.services.outbox.support import House


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def house(store: Store) -> House:
    """On each database."""
    return House(store)
