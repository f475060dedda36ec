from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from gateway.store.requests import tables  # noqa: F401 - its tables belong to `metadata`
from gateway.store.schema import metadata
from tests.unit.services.outbox.support import House


@pytest.fixture
async def house(store: Store) -> House:
    """On each database, with its tables."""
    await store.write(lambda connection: metadata.create_all(connection))
    return House(store)
