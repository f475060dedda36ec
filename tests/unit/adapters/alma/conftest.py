"""What the tests on Alma share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.adapter import LibraryAdapterContext
from gateway.store.engine import open_store
from tests.library_contract.sip2_world import make_context
from tests.unit.adapters.alma.place import NOW


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[LibraryAdapterContext]:
    """On SQLite: what is remembered of changes is the same on PostgreSQL (tests/unit/store)."""
    store = open_store(f"sqlite:///{tmp_path / 'illgate.db'}")
    yield await make_context(store, FixedClock(NOW))
    await store.close()
