"""A store with all tables."""

from __future__ import annotations

import pytest

from gateway.ports.shared_store import Store
from tests.unit.store.requests.samples import restart_numbers


@pytest.fixture(autouse=True)
def first_numbers() -> None:
    """Requests of each test begin at the same minute, however many others were made before in this process."""
    restart_numbers()


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
def migrated(store: Store) -> Store:
    return store
